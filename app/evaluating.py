"""`terakoya eval run`: suites against an installation of their own, with reports and an exit code."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError
from rich.console import Console
from rich.text import Text

from app.codebase import commit, dependencies, file_digest, sources_digest, versions
from app.home import prepare_home
from app.models.choice import LocalChoice, chosen
from app.outputs import prepare_output, write_output
from app.settings import NO_ANSWER, Settings
from app.suite_target import LocalOpening, LocalTarget, Say
from app.variants import variants
from evals import (
    Judgement,
    Report,
    Suite,
    judge,
    judgement_lines,
    junit_xml,
    load_suites,
    markdown_summary,
    print_report,
    read_baseline,
    run_suite,
)
from evals.cache import Cache, ResultCache
from evals.judging import UNREADABLE
from evals.matrix import matrices, matrix_lines, print_matrix
from evals.metrics import METRICS, OwnMetrics
from evals.report import CASE_RESULTS
from evals.verdict import Verdict
from terakoya.catalogue import text
from terakoya.errors import BadInput, TerakoyaError
from terakoya.protocols import Mapper, Target
from terakoya.text.normalise import printable

if TYPE_CHECKING:
    from evals.history import Run

TREND: Final = 30
"""Earlier runs that a report's plots show."""
_VERDICTS: Final[TypeAdapter[tuple[Verdict, ...]]] = TypeAdapter(tuple[Verdict, ...])

Published = tuple[Path, Judgement, Settings]
OpenTarget = Callable[[Settings, Suite, Say], Target]


class Meter(Protocol):
    """Shows how far a run is."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """`done` of `total` are done, the last one being `what`."""
        ...


Metered = Callable[[str], AbstractContextManager[Meter]]


@contextmanager
def unseen(what: str) -> Iterator[Meter]:
    """Shows nothing."""
    yield lambda done, total, what: None


def run_suites(
    settings: Settings,
    suites: Sequence[Path],
    *,
    baseline: Path | None = None,
    junit: Path | None = None,
    summary: Path | None = None,
    html: Path | None = None,
    fresh: bool = False,
    own: tuple[OwnMetrics, ...] = (),
    assignments: Sequence[str] = (),
    json_lines: bool = False,
    console: Console | None = None,
    messages: Console | None = None,
    metered: Metered = unseen,
    cancelled: Callable[[], bool] = lambda: False,
    open_target: "OpenTarget | None" = None,
    published: Callable[[Sequence[Published], Say], None] = lambda runs, say: None,
) -> int:
    """Runs `suites`, writes the reports, and says whether all gates hold.

    Args:
        settings: What is measured; `settings.home` also holds prepared notes, results that were kept, and the
            history.
        suites: Suite files. All are read before the first one runs.
        baseline: An earlier run's JSON Lines, for gates with `max_drop`.
        junit: Where JUnit XML goes.
        summary: Where Markdown goes. It is also appended to the file that `GITHUB_STEP_SUMMARY` names.
        html: Where the page goes.
        fresh: Ask everything anew, whatever was kept.
        own: A user's own metrics.
        assignments: See `app.variants.variants`: every suite runs under every combination.
        json_lines: Print one JSON object a case and one a suite in place of the table.
        console: Where the report goes; standard output by default.
        messages: Where messages go; standard error by default.
        metered: Shows how far a suite is.
        cancelled: Whether the run is to stop; looked at between two cases.
        open_target: Makes what is asked; an installation with the suite's notes by default. Cases run in
            several processes, and results are kept, where it makes a `LocalTarget`: of another, nobody knows what
            determines what it says.
        published: Given the runs with their suite files and settings when all is written.

    Returns:
        0 where every gate holds, else 1.

    Raises:
        BadInput: A suite or the baseline cannot be used, or a report cannot be written; or, when all is written,
            a judge gave no verdict at all.
        Unavailable: Something that the settings ask for is missing or busy.
        KeyboardInterrupt: `cancelled` said so. What is done need not be asked again.
    """
    console = console or Console()
    messages = messages or Console(stderr=True)

    def say(sentence: str) -> None:
        messages.print(Text(printable(sentence)), soft_wrap=True)

    columns = variants(settings, assignments)
    if assignments and open_target is not None and not isinstance(open_target, LocalOpening):
        raise BadInput("eval_set_target")
    loaded = load_suites(suites)
    former = _baseline(baseline, loaded, say)
    for path in (junit, summary, html):
        prepare_output(path)
    opening = open_target or LocalOpening()
    judgements: list[Judgement] = []
    runs: list[tuple[Judgement, Settings, str]] = []
    judged = any(metric.judged for metric in METRICS.values())  # by a model that is in memory once
    with results_cache(settings, fresh=fresh) as cache:
        for suite, column in product(loaded, columns):
            chosen = column.settings
            version = code_version(chosen)
            target = opening(chosen, suite, say)
            local = isinstance(target, LocalTarget)
            shown = " ".join((suite.name, column.label)).rstrip()
            try:
                with metered(shown) as meter:
                    report = run_suite(
                        suite,
                        target,
                        effort=chosen.effort,
                        fingerprint=settings_fingerprint(chosen),
                        progress=meter,
                        mapper=spread(chosen) if local and not judged else None,
                        cache=cache if local else None,
                        version=version,
                        own=own,
                        cancelled=cancelled,
                    )
            except KeyboardInterrupt:
                say(text("eval.stopped", suite=shown))
                raise
            finally:
                target.close()
            measured = "\n".join((version, *(each.digest for each in own)))
            report = replace(report, variant=column.label)
            if isinstance(target, LocalTarget) and target.away:
                count, cases = len(target.away), len(suite.cases)
                say(text("eval.model_away", suite=shown, count=count, cases=cases, message=target.away[-1]))
            judgement = _judged(report, suite, former.get(suite.name), measured, cache)
            judgements.append(judgement)
            runs.append((judgement, chosen, version))
            if json_lines:
                _print_lines(judgement_lines(judgement), console)
            elif len(columns) == 1:
                print_report([judgement], console)
    for found in matrices(judgements):
        if json_lines:
            _print_lines(matrix_lines(found), console)
        else:
            print_matrix(found, console)
    trends = _remember(settings, runs, say, wanted=html is not None)
    if junit is not None:
        write_output(junit, junit_xml(judgements))
    page = markdown_summary(judgements, baselines=former).encode()
    if summary is not None:
        write_output(summary, page)
    if html is not None:
        from evals.html import html_report

        notes = {suite.name: suite.notes for suite in loaded}
        shown = html_report(
            judgements, baselines=former, trends=trends, notes=notes, traces=_traces(settings)
        )
        write_output(html, shown.encode())
    if step := os.environ.get("GITHUB_STEP_SUMMARY"):
        write_output(Path(step), page, append=True)
    asked = product(loaded, columns)
    published(
        [(suite.path, run[0], column.settings) for (suite, column), run in zip(asked, runs, strict=True)], say
    )
    _require_verdicts(loaded, judgements)
    return 0 if all(judgement.passed for judgement in judgements) else 1


def _require_verdicts(suites: Sequence[Suite], judgements: Sequence[Judgement]) -> None:
    paths = {suite.name: suite.path for suite in suites}
    for judgement in judgements:
        for total in judgement.report.totals:
            if total.metric == UNREADABLE and total.value == 1.0:
                raise BadInput("eval_judge_rubbish", path=paths[judgement.report.suite], count=total.cases)


def settings_fingerprint(settings: Settings) -> str:
    """Digest of all settings that may change an answer: not of places and names."""
    values = settings.model_dump(mode="json", exclude=set(NO_ANSWER))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def code_version(settings: Settings) -> str:
    """Digest of what determines an answer beside suite and settings: the code, and the files of models."""
    named = [Path(name).expanduser() for name in (settings.embedder, settings.reranker) if name]
    models = [choice.path for choice in chosen(settings) if isinstance(choice, LocalChoice)]
    files = [file_digest(path) for path in (*models, *named)]
    prompts = sorted(Path(settings.prompts).expanduser().glob("*.md")) if settings.prompts else []
    files += [file_digest(path) for path in prompts]
    parts = "\n".join((sources_digest(), *versions(dependencies()), *files))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def history_path(settings: Settings) -> Path:
    """Where the history of a home lies."""
    return settings.home / "evals" / "history.duckdb"


def _judged(report: Report, suite: Suite, baseline: Report | None, version: str, cache: Cache) -> Judgement:
    """The verdicts; where nothing changed they are known, as resampling takes longer than all the rest."""
    try:
        contents = [CASE_RESULTS.dump_json(each.cases) for each in (report, baseline) if each]
    except PydanticSerializationError:  # an unpaired surrogate, which JSON in UTF-8 cannot hold
        return judge(report, suite.gates, baseline=baseline)
    total = hashlib.sha256("\n".join(("verdicts", version, *METRICS, repr(suite.gates))).encode())
    for content in contents:
        total.update(hashlib.sha256(content).digest())
    key = total.hexdigest()[:32]
    if kept := cache.recall(key):
        return Judgement(report=report, verdicts=_VERDICTS.validate_json(kept))
    judgement = judge(report, suite.gates, baseline=baseline)
    cache.remember(key, _VERDICTS.dump_json(judgement.verdicts))
    return judgement


def results_cache(settings: Settings, *, fresh: bool = False) -> ResultCache:
    """The results that a home keeps."""
    root = settings.home / "evals"
    for folder in (settings.home, root):
        prepare_home(folder)
    return ResultCache(root / "results.sqlite", fresh=fresh)


def spread(settings: Settings) -> Mapper | None:
    """Where cases run; a local model is in memory once, and answers one question at a time."""
    if settings.chat_models:
        return None
    from app.spreading import WhereQuicker

    return WhereQuicker()


def _remember(
    settings: Settings, runs: Sequence[tuple[Judgement, Settings, str]], say: Say, *, wanted: bool
) -> "dict[str, tuple[Run, ...]]":
    """Adds the runs to the history.

    Gives the earlier ones of each suite under the same settings, by the report's name, the oldest first, where
    `wanted`.
    """
    from evals.history import History

    at = commit()
    trends: dict[str, tuple[Run, ...]] = {}
    try:
        path = history_path(settings)
        for folder in (settings.home, path.parent):
            prepare_home(folder)
        with History(path, write=True) as history:
            batch = secrets.token_hex(8)
            for judgement, chosen, version in runs:
                report = judgement.report
                values = chosen.model_dump(mode="json", exclude=set(NO_ANSWER))
                history.add(judgement, settings=values, version=version, commit=at, batch=batch)
                if wanted:
                    earlier = history.runs(report.suite, variant=report.variant, count=TREND)
                    trends[report.name] = tuple(reversed(earlier))
    except TerakoyaError as error:
        say(error.message())  # the reports matter more than the history
    return trends


def _traces(settings: Settings) -> str:
    """Where a trace can be looked at, as an address that ends before its id; empty where nowhere."""
    from app.tracing.account import account

    project = account(os.environ, settings)
    return f"{project.base_url}/trace/" if project else ""


def _baseline(path: Path | None, suites: Sequence[Suite], say: Say) -> dict[str, Report]:
    if path is None:
        return {}
    reports = dict(read_baseline(path))
    known = [suite for suite in suites if suite.name in reports]
    if not known:
        names = ", ".join(suite.name for suite in suites)
        raise BadInput("eval_baseline_other", path=path, suites=names, known=", ".join(reports))
    for suite in known:
        former = reports[suite.name]
        if former.digest != suite.digest:
            questions = {case.id: case.question for case in former.cases}
            pairs = sum(questions.get(case.id) == case.question for case in suite.cases)
            say(text("eval.baseline_differs", suite=suite.name, pairs=pairs, cases=len(suite.cases)))
    return reports


def _print_lines(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.file.write(line)
    console.file.flush()
