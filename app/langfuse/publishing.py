"""Puts runs of suites into Langfuse: the cases as a dataset, the run as an experiment over it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from app.langfuse.datasets import plan, write_items
from app.langfuse.experiments import push
from app.langfuse.project import Project
from app.settings import Settings
from app.tracing.account import Account
from app.tracing.masking import Masker
from evals.verdict import Judgement
from terakoya.catalogue import text
from terakoya.errors import TerakoyaError

TOLD: Final = {"model", "embedder", "reranker", "effort"}
"""Settings that an experiment shows beside what `--set` changed."""


def publish(
    account: Account,
    runs: Sequence[tuple[Path, Judgement, Settings]],
    *,
    commit: str,
    masker: Masker,
    say: Callable[[str], None],
) -> bool:
    """Pushes each run, given with its suite file and settings, and says where it is shown.

    A server that is away costs the run nothing: it is in the history, and can be pushed again.

    Returns:
        Whether all are there.
    """
    with Project(account) as project:
        try:
            for path, judgement, settings in runs:
                metadata = settings.model_dump(mode="json", include=TOLD)
                made = plan(project, path, masker=masker)
                write_items(project, made, masker=masker)
                pushed = push(project, judgement, made, commit=commit, metadata=metadata, masker=masker)
                say(
                    text(
                        "eval.experiment",
                        suite=judgement.report.suite,
                        name=pushed.name,
                        items=pushed.items,
                        failed=pushed.failed,
                        url=pushed.url,
                    )
                )
                if made.conflicts:
                    say(text("eval.experiment_behind", path=path, count=len(made.conflicts)))
                if pushed.lost:
                    say(text("eval.experiment_lost", count=pushed.lost))
        except TerakoyaError as error:
            say(text("eval.experiment_kept", message=error.message()))
            return False
    return True
