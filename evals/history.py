"""Every run of every suite, in a DuckDB file: what was measured, of which code, and what came of each case."""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import ValidationError

from evals.report import CASE_RESULT, CaseResult, Report, Total
from evals.verdict import Judgement
from terakoya.errors import Busy, NotFound, Unavailable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMAT: Final = "1"
LATEST: Final = 20
"""Runs that are listed."""
_WAIT_SECONDS: Final = 10.0
_LOCKED: Final = re.compile(
    "could not set lock|different configuration|used by another process", re.IGNORECASE
)
_BACK: Final = re.compile(r"(?P<suite>.+)~(?P<back>\d{1,6})", re.DOTALL)
_ID: Final = re.compile("[0-9a-f]{2,8}")
_OF_THE_RUN: Final = ("latency_ms", "trace_id", "metrics")
"""Fields of a result that differ from run to run where nothing else does."""
_FIELDS: Final = """
    id, suite, digest, fingerprint, settings, version, "commit", strftime(started, '%Y-%m-%dT%H:%M:%S+00:00'),
    seconds, cases, failed, known, passed
"""
_RUNS: Final = f"SELECT {_FIELDS}, variant, batch FROM runs "  # noqa: S608 - columns alone
_RUNS_OF_EARLIER_VERSIONS: Final = f"SELECT {_FIELDS}, '' AS variant, '' AS batch FROM runs "  # noqa: S608
_THERE: Final = "SELECT 1 FROM information_schema.columns WHERE table_name = 'runs' AND column_name = 'batch'"
_LATEST: Final = """
    WHERE ($suite IS NULL OR suite = $suite) AND ($variant IS NULL OR variant = $variant)
    ORDER BY started DESC, rowid DESC LIMIT $count OFFSET $back
"""
_BY_ID: Final = "WHERE starts_with(id, $id) LIMIT 2"
_BESIDE: Final = "WHERE suite = $suite AND batch = $batch ORDER BY rowid"
_ADD: Final = """
    INSERT INTO runs (
        id, suite, digest, fingerprint, settings, version, "commit", started, seconds, cases, failed, known, passed,
        gates, variant, batch
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_TOTALS: Final = """
    SELECT run, metric, value, standard_error, cases FROM metrics
    WHERE run IN (SELECT unnest($runs)) ORDER BY run, position
"""
_CASES: Final = """
    SELECT o.latency_ms, o.trace_id, o.metrics, c.content FROM outcomes o JOIN contents c ON c.digest = o.content
    WHERE o.run = $run ORDER BY o.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one suite, without its cases.

    Attributes:
        id: Eight hexadecimal digits.
        suite: Name of the suite.
        digest: Of its cases and notes.
        fingerprint: Of the settings.
        settings: What was measured.
        version: Digest of the code.
        commit: Of the code, where that is a git checkout; with a `+` where files differ from it.
        started: ISO 8601, UTC.
        seconds: Wall time.
        cases: How many.
        failed: How many the target failed on.
        known: How many results were kept from earlier runs.
        passed: Whether all gates held.
        variant: What was set for it, where its command asked under several settings.
        batch: The same for all runs of one command.
        totals: Every metric.
    """

    id: str
    suite: str
    digest: str
    fingerprint: str
    settings: Mapping[str, Any]
    version: str
    commit: str
    started: str
    seconds: float
    cases: int
    failed: int
    known: int
    passed: bool
    variant: str = ""
    batch: str = ""
    totals: tuple[Total, ...] = field(default=())

    def value(self, metric: str) -> float | None:
        """The metric's value over the suite; None where it has none."""
        return next((total.value for total in self.totals if total.metric == metric), None)


class History:
    """The file of runs. One process at a time may have it open; another waits a moment.

    Args:
        path: The file.
        write: Make it when it is not there, and open it for writing.

    Raises:
        NotFound: There is no such file.
        Busy: Another process has it open.
        Unavailable: It cannot be read, or a later version wrote it.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        if not write and not path.exists():
            raise NotFound("eval_no_history")
        self._connection = self._open(write=write)
        try:
            with self._told():
                if write:
                    self._connection.execute(files("evals").joinpath("history.sql").read_text("utf-8"))
                    self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", [FORMAT])
                found = self._rows("SELECT value FROM meta WHERE key = 'format'")
                self._runs = _RUNS if self._rows(_THERE) else _RUNS_OF_EARLIER_VERSIONS
            if found != [(FORMAT,)]:
                raise Unavailable("eval_history", path=path, reason=f"format {found}")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def add(
        self,
        judgement: Judgement,
        *,
        settings: Mapping[str, Any],
        version: str = "",
        commit: str = "",
        batch: str = "",
    ) -> Run:
        """Keeps a run with all that came of it; `batch` is the same for all runs of one command."""
        report = judgement.report
        started = datetime.fromisoformat(report.started).astimezone(UTC).replace(tzinfo=None)
        run = secrets.token_hex(4)
        gates = json.dumps([asdict(verdict) for verdict in judgement.verdicts])
        row = (
            run, report.suite, report.digest, report.fingerprint, json.dumps(dict(settings)), version, commit,
            started, report.seconds, len(report.cases), report.failed, report.known, judgement.passed, gates,
            report.variant, batch,
        )  # fmt: skip
        with self._told():
            self._connection.execute("BEGIN")
            try:
                self._connection.execute(_ADD, row)
                self._add_totals(run, report.totals)
                self._add_cases(run, report.cases)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        return self.find(run)

    def runs(
        self, suite: str | None = None, *, variant: str | None = None, count: int = LATEST, back: int = 0
    ) -> tuple[Run, ...]:
        """The latest runs, of one suite and under one setting where these are given, the newest first.

        Without the newest `back`.
        """
        with self._told():
            rows = self._rows(self._runs + _LATEST, suite=suite, variant=variant, count=count, back=back)
            return self._with_totals(rows)

    def beside(self, run: Run) -> tuple[Run, ...]:
        """The runs of the same suite that the same command made, `run` among them, in their order."""
        if not run.batch:
            return (run,)
        with self._told():
            return self._with_totals(self._rows(self._runs + _BESIDE, suite=run.suite, batch=run.batch))

    def find(self, name: str) -> Run:
        """A run by the beginning of its id, by its suite for the latest, or `SUITE~2` for two runs earlier.

        Raises:
            NotFound: There is none, or several whose ids begin so.
        """
        match = _BACK.fullmatch(name)
        suite, back = (match["suite"], int(match["back"])) if match else (name, 0)
        with self._told():
            found = self._rows(self._runs + _BY_ID, id=name) if _ID.fullmatch(name) else []
            if len(found) != 1:
                found = self._rows(self._runs + _LATEST, suite=suite, variant=None, count=1, back=back)
            if not found:
                raise NotFound("eval_no_run", run=name)
            return self._with_totals(found)[0]

    def report(self, run: Run) -> Report:
        """A run with its cases."""
        with self._told():
            rows = self._rows(_CASES, run=run.id)
        try:
            cases = tuple(_case(*row) for row in rows)
        except (ValueError, ValidationError) as error:
            raise Unavailable("eval_history", path=self.path, reason=error) from None
        return Report(
            suite=run.suite,
            digest=run.digest,
            fingerprint=run.fingerprint,
            started=run.started,
            seconds=run.seconds,
            cases=cases,
            totals=run.totals,
            known=run.known,
            variant=run.variant,
        )

    def _add_totals(self, run: str, totals: Sequence[Total]) -> None:
        self._connection.execute(
            "INSERT INTO metrics SELECT $run, unnest($position::INTEGER[]), unnest($metric::VARCHAR[]),"
            " unnest($value::DOUBLE[]), unnest($error::DOUBLE[]), unnest($cases::INTEGER[])",
            {
                "run": run,
                "position": list(range(len(totals))),
                "metric": [total.metric for total in totals],
                "value": [total.value for total in totals],
                "error": [total.standard_error for total in totals],
                "cases": [total.cases for total in totals],
            },
        )

    def _add_cases(self, run: str, cases: Sequence[CaseResult]) -> None:
        contents = [_content(case) for case in cases]
        digests = [hashlib.sha256(content.encode()).hexdigest()[:32] for content in contents]
        distinct = dict(zip(digests, contents, strict=True))
        self._connection.execute(
            "INSERT OR IGNORE INTO contents SELECT unnest($digests::VARCHAR[]), unnest($contents::VARCHAR[])",
            {"digests": list(distinct), "contents": list(distinct.values())},
        )
        self._connection.execute(
            "INSERT INTO outcomes SELECT $run, unnest($position::INTEGER[]), unnest($case::VARCHAR[]),"
            " unnest($passed::BOOLEAN[]), unnest($answered::BOOLEAN[]), unnest($latency::DOUBLE[]),"
            " unnest($trace::VARCHAR[]), unnest($metrics::VARCHAR[]), unnest($content::VARCHAR[])",
            {
                "run": run,
                "position": list(range(len(cases))),
                "case": [_writable(case.id) for case in cases],
                "passed": [case.passed for case in cases],
                "answered": [case.answered for case in cases],
                "latency": [case.latency_ms for case in cases],
                "trace": [_writable(case.trace_id) for case in cases],
                "metrics": [json.dumps(dict(case.metrics)) for case in cases],
                "content": digests,
            },
        )

    def _with_totals(self, rows: Sequence[tuple[Any, ...]]) -> tuple[Run, ...]:
        totals: dict[str, list[Total]] = {}
        ids = [row[0] for row in rows]
        for run, metric, value, error, cases in self._rows(_TOTALS, runs=ids) if ids else ():
            total = Total(metric=metric, value=value, standard_error=error, cases=cases)
            totals.setdefault(run, []).append(total)
        return tuple(_run(row, tuple(totals.get(row[0], ()))) for row in rows)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives.

        Raises:
            Unavailable: The file cannot be read, or written.
        """
        with self._told():
            return self._rows(statement, **values)

    def write_anew(self) -> None:
        """Writes all of it into a new file in place of this one: DuckDB keeps what was deleted in blocks of the old.

        Raises:
            Unavailable: The file cannot be read, or the disk does not take another.
        """
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        with self._told():
            name = self._rows("SELECT current_database()")[0][0]
            self._connection.execute(f"ATTACH '{str(fresh).replace(chr(39), chr(39) * 2)}' AS fresh")
            self._connection.execute(f'COPY FROM DATABASE "{name}" TO fresh')
            self._connection.execute("DETACH fresh")
        self._connection.close()
        fresh.chmod(self.path.stat().st_mode & 0o777)
        fresh.replace(self.path)
        self._connection = self._open(write=True)

    def _rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values or None).fetchall()

    def _open(self, *, write: bool) -> "DuckDBPyConnection":
        import duckdb

        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                return duckdb.connect(self.path, read_only=not write, config={"threads": 1})
            except duckdb.Error as error:
                if not _LOCKED.search(str(error)):
                    raise Unavailable("eval_history", path=self.path, reason=_first_line(error)) from None
                if time.monotonic() > deadline:
                    raise Busy("eval_history_busy", path=self.path) from None
            time.sleep(0.05)

    @contextmanager
    def _told(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            raise Unavailable("eval_history", path=self.path, reason=_first_line(error)) from None


def _run(row: tuple[Any, ...], totals: tuple[Total, ...]) -> Run:
    names = (
        "id", "suite", "digest", "fingerprint", "settings", "version", "commit", "started", "seconds", "cases",
        "failed", "known", "passed", "variant", "batch",
    )  # fmt: skip
    values = dict(zip(names, row, strict=True))
    return Run(**{**values, "settings": json.loads(values["settings"])}, totals=totals)


def _content(case: CaseResult) -> str:
    fields = {key: value for key, value in asdict(case).items() if key not in _OF_THE_RUN}
    return _writable(json.dumps(fields, ensure_ascii=False, sort_keys=True))


def _case(latency: float | None, trace: str, metrics: str, content: str) -> CaseResult:
    fields = json.loads(content)
    return CASE_RESULT.validate_python(
        {**fields, "latency_ms": latency, "trace_id": trace, "metrics": json.loads(metrics)}
    )


def _writable(words: str) -> str:
    # An unpaired surrogate, which a model may emit, cannot be written as UTF-8.
    return words.encode("utf-8", "replace").decode()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
