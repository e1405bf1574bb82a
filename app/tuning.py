"""`terakoya eval tune`: looks for better settings on one half of the cases, and says what they are worth on the other."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.evaluating import Metered, code_version, results_cache, settings_fingerprint, spread, unseen
from app.outputs import prepare_output, write_output
from app.settings import Settings
from app.suite_target import LocalOpening, Say
from app.variants import Variant, parsed, variant
from evals import METRICS, CaseResult, Report, Suite, load_suites
from evals.cache import Cache
from evals.change import Change, changes
from evals.runner import ask_cases
from evals.tuning import Space, Trial, Values, explore, split
from terakoya.catalogue import text
from terakoya.errors import BadInput

TRIALS: Final = 60
RETRIEVAL: Final[Space] = {
    "search.words": ("1", "2", "4", "8"),
    "search.passage": ("0", "0.5", "1", "2"),
    "search.sentence": ("0", "1", "2", "4"),
    "search.neighbours": ("0", "0.5", "1", "2"),
    "search.grams": ("0", "1", "2", "4"),
    "search.runs": ("0", "0.5", "1", "2"),
    "search.characters": ("0", "0.5", "1", "2"),
    "search.meaning": ("0", "0.04", "0.08", "0.12", "0.16", "0.24"),
    "search.candidates": ("20", "40", "80"),
}
"""What is searched where nothing else is asked for."""
ANSWERS: Final[Space] = {
    "answers.support": ("0.2", "0.25", "0.3", "0.35", "0.4", "0.5"),
    "passages": ("4", "6", "8", "10"),
}
"""The same, for suites that ask too."""
_SHOWN: Final = (
    "correct",
    "answered_rate",
    "abstention_precision",
    "abstention_recall",
    "recall@5",
    "mrr@10",
)
"""Metrics that are told beside the one that was searched by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What was found.

    Attributes:
        metric: What was made better.
        suites: Name, digest and number of cases of each suite.
        winner: The best settings on the half that was searched on; without values where none were better.
        variant: The same as settings.
        tried: All trials, in order. A score is the metric, with its sign turned where lower is better.
        searched: How many cases were searched on.
        reported: How many cases the changes rest on.
        changes: What the winner changes on the other half, the metric itself first.
        code: Digest of the code and models.
        at: ISO 8601, UTC.
    """

    metric: str
    suites: tuple[tuple[str, str, int], ...]
    winner: Trial
    variant: Variant
    tried: tuple[Trial, ...]
    searched: int
    reported: int
    changes: tuple[Change, ...]
    code: str
    at: str


def tune(
    settings: Settings,
    suites: Sequence[Path],
    *,
    metric: str = "",
    assignments: Sequence[str] = (),
    trials: int = TRIALS,
    seed: int = 0,
    to: Path | None = None,
    say: Say,
    metered: Metered = unseen,
    cancelled: Callable[[], bool] = lambda: False,
    listen: Callable[[Trial], None] = lambda trial: None,
) -> Tuning:
    """Searches, reports, and writes the winner with its evidence to a file that settings can load.

    Args:
        settings: What it starts from; results of cases are kept in their home.
        suites: Suite files, whose cases count alike.
        metric: What is made better; by default `correct`, or `mrr@10` where all suites measure retrieval.
        assignments: The values that are tried, see `app.variants.parsed`; `RETRIEVAL` and `ANSWERS` by default.
        trials: How many settings are tried at most.
        seed: Of what is drawn.
        to: Where the winner goes; `HOME/evals/tuned.toml` by default.
        say: Receives messages.
        metered: Shows how far it is.
        cancelled: Whether to stop; looked at between two cases.
        listen: Told of every trial.

    Raises:
        BadInput: A suite, the metric or a value cannot be used, or all cases are on one side.
        Unavailable: Something that the settings ask for is missing or busy.
        KeyboardInterrupt: `cancelled` said so. What was asked need not be asked again: the same command goes on.
    """
    loaded = load_suites(suites)
    asks = any(suite.target != "retrieval" for suite in loaded)
    metric = metric or ("correct" if asks else "mrr@10")
    if metric not in METRICS:
        raise BadInput("eval_tune_metric", metric=metric, known=", ".join(METRICS))
    space: Space = parsed(assignments) or {**RETRIEVAL, **(ANSWERS if asks else {})}
    # A value that is not allowed is told before the work.
    now = settings_fingerprint(settings)
    space = {
        name: [v for v in values if settings_fingerprint(variant(settings, {name: v}).settings) != now]
        for name, values in space.items()
    }
    here, there = split([case for suite in loaded for case in suite.cases])
    searched, reported = _side(loaded, here), _side(loaded, there)
    if not searched or not reported:
        raise BadInput("eval_tune_split", cases=sum(len(suite.cases) for suite in loaded))
    place = to or tuned_path(settings)
    prepare_output(place)
    count = sum(len(suite.cases) for suite in searched)
    asker = _Asker(settings, say, cancelled)
    sign = 1 if METRICS[metric].direction == "higher" else -1
    with results_cache(settings) as cache:
        done = 0
        with metered(text("eval.tuning")) as meter:

            def score(values: Values) -> float:
                nonlocal done
                before = done * count
                results = asker.ask(
                    searched,
                    values,
                    cache,
                    lambda n, what: meter(before + n, max(trials, done + 1) * count, what),
                )
                done += 1
                measured = METRICS[metric].measure(results)
                trial = Trial(values=values, score=float("-inf") if measured is None else sign * measured)
                listen(trial)
                return trial.score

            winner, tried = explore(space, score, trials=trials, seed=seed)
            meter(done * count, done * count, "")
        with metered(text("eval.tuning_report")) as meter:
            whole = 2 * sum(len(suite.cases) for suite in reported)
            first = asker.ask(reported, {}, cache, lambda n, what: meter(n, whole, what))
            second = asker.ask(
                reported, winner.values, cache, lambda n, what: meter(whole // 2 + n, whole, what)
            )
    shown = list(dict.fromkeys((metric, *_SHOWN)))
    found = changes(_report(second), _report(first), shown)
    tuning = Tuning(
        metric=metric,
        suites=tuple((suite.name, suite.digest, len(suite.cases)) for suite in loaded),
        winner=winner,
        variant=variant(settings, winner.values),
        tried=tuple(tried),
        searched=count,
        reported=len(first),
        changes=tuple(c for c in found if c.before is not None or c.after is not None),
        code=code_version(settings),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_output(place, tuned_file(tuning).encode())
    return tuning


def tuned_path(settings: Settings) -> Path:
    """Where the winner goes by default. Settings do not load it there; `HOME/tuned.toml` they do."""
    return settings.home / "evals" / "tuned.toml"


def tuned_file(tuning: Tuning) -> str:
    """The winner as TOML: the settings, then a table `evidence`, which settings leave alone."""
    lines = [f"# {text('eval.tuned_file')}"]
    values = tuning.variant.settings.model_dump(mode="json", include=_tables(tuning.winner.values))
    lines += [f"{name} = {_toml(value)}" for name, value in values.items() if not isinstance(value, dict)]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    sign = 1 if METRICS[tuning.metric].direction == "higher" else -1
    base = tuning.tried[0]
    lines += [
        "",
        "[evidence]",
        f"date = {_toml(tuning.at)}",
        f"code = {_toml(tuning.code)}",
        f"metric = {_toml(tuning.metric)}",
        "",
        "[evidence.searched]",
        f"cases = {tuning.searched}",
        f"before = {_toml(sign * base.score)}",
        f"after = {_toml(sign * tuning.winner.score)}",
    ]
    for change in tuning.changes:
        kind = "reported" if change.metric == tuning.metric else f"reported_{change.metric}"
        lines += ["", f"[evidence.{kind if kind.isidentifier() else _toml(kind)}]", f"cases = {change.pairs}"]
        numbers: dict[str, float | None] = {
            "before": change.before,
            "after": change.after,
            "worse_by": change.drop,
            "worse_by_low": change.interval.low if change.interval else None,
            "worse_by_high": change.interval.high if change.interval else None,
            "p_corrected": change.p_corrected,
        }
        lines += [f"{key} = {_toml(value)}" for key, value in numbers.items() if value is not None]
    for name, digest, cases in tuning.suites:
        lines += [
            "",
            "[[evidence.suites]]",
            f"name = {_toml(name)}",
            f"digest = {_toml(digest)}",
            f"cases = {cases}",
        ]
    for trial in tuning.tried:
        inner = ", ".join(f"{_toml(key)} = {_toml(value)}" for key, value in trial.values.items())
        lines += ["", "[[evidence.tried]]", f"score = {_toml(trial.score)}", f"values = {{ {inner} }}"]
    return "\n".join(lines) + "\n"


class _Asker:
    """Asks one half of the suites under some settings."""

    def __init__(self, settings: Settings, say: Say, cancelled: Callable[[], bool]) -> None:
        self._settings = settings
        self._say = say
        self._cancelled = cancelled
        self._opening = LocalOpening()
        self._version = code_version(settings)

    def ask(
        self, suites: Sequence[Suite], values: Values, cache: Cache, progress: Callable[[int, str], None]
    ) -> list[CaseResult]:
        chosen = variant(self._settings, values)
        models = ("chat_models", "embedder", "reranker")
        same = all(getattr(chosen.settings, m) == getattr(self._settings, m) for m in models)
        version = self._version if same else code_version(chosen.settings)
        results: list[CaseResult] = []
        for suite in suites:
            target = self._opening(chosen.settings, suite, self._say)
            before = len(results)
            try:
                found, _ = ask_cases(
                    suite,
                    target,
                    effort=chosen.settings.effort,
                    fingerprint=settings_fingerprint(chosen.settings),
                    progress=lambda n, total, case, before=before: progress(before + n, chosen.label),  # type: ignore[misc]
                    mapper=spread(chosen.settings),
                    cache=cache,
                    version=version,
                    cancelled=self._cancelled,
                )
            finally:
                target.close()
            results += [replace(each, id=f"{suite.name}/{each.id}") for each in found]
            progress(len(results), chosen.label)
        return results


def _side(suites: Sequence[Suite], clusters: frozenset[str]) -> list[Suite]:
    """The suites with their cases of one side alone."""
    halves = [
        replace(suite, cases=tuple(case for case in suite.cases if case.cluster in clusters))
        for suite in suites
    ]
    return [half for half in halves if half.cases]


def _report(results: Sequence[CaseResult]) -> Report:
    """All suites as one."""
    return Report(
        suite="", digest="", fingerprint="", started="", seconds=0.0, cases=tuple(results), totals=()
    )


def _tables(values: Values) -> dict[str, Any]:
    """What of the settings is named, as pydantic takes it."""
    wanted: dict[str, Any] = {}
    for name in values:
        table, _, field = name.rpartition(".")
        if table:
            wanted.setdefault(table, set()).add(field)
        else:
            wanted[field] = True
    return wanted


def _toml(value: object) -> str:
    """A string or a number; TOML's are JSON's but for infinity."""
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return json.dumps(value, ensure_ascii=False)
