"""`terakoya eval sync`, and what `eval run` and `eval import` have to do with Langfuse."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.cli.session import Session
from terakoya.catalogue import text

if TYPE_CHECKING:
    from app.evaluating import Published
    from app.settings import Settings
    from evals.importers import Draft, Options

Say = Callable[[str], None]


def sync(session: Session, arguments: argparse.Namespace) -> int:
    """Brings a suite and its dataset in step; 1 where something is left to decide."""
    from app.langfuse.datasets import carry_out, plan
    from app.langfuse.project import Project, required
    from app.tracing.factory import outward_masker
    from evals.suite import load_suite

    suite = load_suite(arguments.suite)
    with Project(required(session.settings)) as project:
        masker = outward_masker(session.settings)
        given = {"dataset": arguments.dataset, "prefer": arguments.prefer}
        made = plan(project, arguments.suite, **given, masker=masker)
        if not arguments.dry_run:
            carry_out(project, arguments.suite, made, description=suite.description, masker=masker)
    for reason, count in made.left_out.items():
        session.terminal.note(text(f"eval.left_out_{reason}", count=count))
    for case in made.conflicts:
        session.terminal.note(text("eval.sync_conflict", case=case))
    for case in made.removed:
        session.terminal.note(text("eval.sync_removed", case=case))
    key = "eval.sync_would" if arguments.dry_run else "eval.synced"
    session.terminal.say(
        text(
            key,
            dataset=made.dataset,
            path=arguments.suite,
            pushed=len(made.push),
            pulled=len(made.pull),
            archived=len(made.archive),
            same=made.same,
        )
    )
    if session.terminal.json:
        line = {
            "dataset": made.dataset,
            "pushed": list(made.push),
            "pulled": list(made.pull),
            "archived": list(made.archive),
            "same": made.same,
            "conflicts": made.conflicts,
            "removed": made.removed,
            "left_out": made.left_out,
        }
        session.terminal.piece(json.dumps(line, ensure_ascii=False) + "\n")
    return 1 if made.conflicts or made.removed else 0


def drawn(settings: "Settings", dataset: str, options: "Options") -> "Draft":
    """A suite of a dataset of Langfuse."""
    from app.langfuse.datasets import draft
    from app.langfuse.project import Project, required

    with Project(required(settings)) as project:
        return draft(project, dataset, options)


def publisher(settings: "Settings", *, asked: bool) -> "Callable[[Sequence[Published], Say], None]":
    """What takes the runs to Langfuse, where that is asked for, or the settings say so and it is configured.

    Raises:
        Unavailable: It is asked for and not configured.
    """
    from app.langfuse.project import configured, required

    account = required(settings) if asked else configured(settings) if settings.eval_langfuse else None

    def published(runs: "Sequence[Published]", say: Say) -> None:
        if account is None:
            return
        from app.codebase import commit
        from app.langfuse.publishing import publish
        from app.tracing.factory import outward_masker

        publish(
            account,
            runs,
            commit=commit(),
            masker=outward_masker(settings),
            say=say,
        )

    return published
