"""The service's API, call by call."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from terakoya.api import (
    AlikeNotes,
    AskRequest,
    AskResult,
    BackupReport,
    BackupRequest,
    Branched,
    BranchRequest,
    DecisionRequest,
    Duel,
    DuelRequest,
    ErrorBody,
    FactModel,
    FeedbackItem,
    FeedbackRequest,
    FilterModel,
    ForgetReport,
    ForgetRequest,
    IngestRequest,
    NoteSummary,
    NoteText,
    NoteTree,
    RatedAnswer,
    RelatedRequest,
    RunEvent,
    RunStarted,
    RunState,
    SearchRequest,
    SearchResult,
    StandingModel,
    Statistics,
    Status,
    Thread,
    ThreadSummary,
    Unveiled,
    VoteRequest,
)
from terakoya.catalogue import environment_language
from terakoya.client.events import parse, run_error
from terakoya.client.record import CONNECT, ServiceRecord, answers
from terakoya.errors import TerakoyaError, Unavailable, rebuild
from terakoya.types import Effort, Filter

_QUICK = httpx.Timeout(15.0, connect=CONNECT)


_SEARCH = httpx.Timeout(120.0, connect=CONNECT)  # the first query may wait for an embedder to load


_ANSWER = httpx.Timeout(1800.0, connect=CONNECT)


_UPLOAD = httpx.Timeout(120.0, connect=CONNECT)


_STREAM = httpx.Timeout(30.0, connect=CONNECT)  # three heartbeats of the service


_RECONNECT_SECONDS = 30.0


M = TypeVar("M", bound=BaseModel)


class ServiceClient:
    """The service's API, call by call. Safe to use from several threads.

    Every method raises `TerakoyaError`s: those of the service with their key and sentence kept, and
    `Unavailable` when the service does not answer.
    """

    def __init__(self, address: str, token: str, *, language: str | None = None) -> None:
        self.address = address
        self._http = httpx.Client(
            base_url=address,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept-Language": language or environment_language(),
            },
            timeout=_QUICK,
            # The service is on this machine: a proxy from the environment would only see the token.
            trust_env=False,
            follow_redirects=False,
        )

    @classmethod
    def discover(cls, home: Path, *, language: str | None = None) -> "ServiceClient | None":
        """The client for the service of `home`, or None when none is up.

        A record left by a service that ended is not believed: the process at its address must prove that
        it knows the token before it is shown anything.
        """
        record = ServiceRecord.read(home)
        if record is None or not answers(record):
            return None
        return cls(record.address, record.token, language=language)

    def __enter__(self) -> "ServiceClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; runs go on."""
        self._http.close()

    def ready(self) -> bool:
        """Whether the service's store is open."""
        try:
            self._send("GET", "/ready")
        except TerakoyaError:
            return False
        return True

    def ask(self, question: str, *, effort: Effort = "normal", thread_id: str | None = None) -> RunStarted:
        """Begins a run that answers `question`; follow it with `events`."""
        request = AskRequest(question=question, effort=effort, thread_id=thread_id)
        return self._model(RunStarted, "POST", "/api/ask", json=request)

    def answer(self, question: str, *, effort: Effort = "normal", thread_id: str | None = None) -> AskResult:
        """Asks and waits for the whole answer."""
        request = AskRequest(question=question, effort=effort, thread_id=thread_id)
        return self._model(AskResult, "POST", "/api/answer", json=request, timeout=_ANSWER)

    def search(
        self, query: str, *, k: int = 10, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The `k` best passages; with `explain`, each says why it stands where it does.

        Raises:
            NotFound: Nothing is found, and no note is in a folder or has a tag of `filter`.
        """
        request = SearchRequest(query=query, k=k, filter=FilterModel.of(filter), explain=explain)
        return self._model(SearchResult, "POST", "/api/search", json=request, timeout=_SEARCH)

    def related(
        self,
        source: str,
        line: int | None = None,
        *,
        k: int = 10,
        filter: Filter | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """The `k` passages most like the one at `line` of a note, or like the note.

        Raises:
            NotFound: There is no such note.
        """
        request = RelatedRequest(
            source=source, line=line, k=k, filter=FilterModel.of(filter), explain=explain
        )
        return self._model(SearchResult, "POST", "/api/related", json=request, timeout=_SEARCH)

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike, the most alike first."""
        reply = self._send(
            "GET", "/api/notes/duplicates", params={"similarity": str(similarity)}, timeout=_SEARCH
        )
        return TypeAdapter(list[AlikeNotes]).validate_json(reply.content)

    def run(self, run_id: str) -> RunState:
        """A run as it stands.

        Raises:
            NotFound: The service does not know the run (any more).
        """
        return self._model(RunState, "GET", f"/api/runs/{_segment(run_id)}")

    def cancel(self, run_id: str) -> None:
        """Asks an ingest run to stop at the next file; what it has taken in stays."""
        self._send("POST", f"/api/runs/{_segment(run_id)}/cancel")

    def decide(self, run_id: str, decision: DecisionRequest) -> None:
        """Says what a person decided about what a run asks.

        Raises:
            NotFound: The run is unknown, or asks nothing of this name now.
        """
        self._send("POST", f"/api/runs/{_segment(run_id)}/approval", json=decision)

    def events(self, run_id: str, *, after: int = 0) -> Iterator[RunEvent]:
        """The events of a run behind number `after`, until `done` or `error`, which comes last.

        A dropped connection is taken up again where it broke, for 30 seconds without any event.

        Raises:
            NotFound: The service does not know the run (any more).
            Unavailable: The service stays away.
        """
        path = f"/api/runs/{_segment(run_id)}/events"
        deadline = time.monotonic() + _RECONNECT_SECONDS
        pause = 0.05
        while True:
            try:
                with self._http.stream("GET", path, params={"after": after}, timeout=_STREAM) as response:
                    if response.status_code >= 400:
                        response.read()
                        raise _error(response)
                    for event in parse(response.iter_lines()):
                        if event.seq <= after:
                            continue
                        after = event.seq
                        yield event
                        if event.type in ("done", "error"):
                            return
                        deadline = time.monotonic() + _RECONNECT_SECONDS
                        pause = 0.05
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise Unavailable("service_away", address=self.address)
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def result(self, run_id: str) -> dict[str, Any]:
        """Waits for a run's `done` event and gives its result.

        Raises:
            TerakoyaError: The run failed.
        """
        for event in self.events(run_id):
            if event.type == "done":
                result: dict[str, Any] = event.data["result"]
                return result
            if event.type == "error":
                raise run_error(event)
        raise Unavailable("service_away", address=self.address)

    def ingest(self, paths: Sequence[Path | str], *, dry_run: bool = False) -> RunStarted:
        """Begins an ingest run of absolute paths.

        Raises:
            Busy: Another ingest is under way.
        """
        request = IngestRequest(paths=[str(path) for path in paths], dry_run=dry_run)
        return self._model(RunStarted, "POST", "/api/ingest", json=request)

    def upload(self, files: Sequence[tuple[str, bytes]]) -> RunStarted:
        """Sends notes as (file name, content) and begins their ingest."""
        parts = [("files", (name, content, "application/octet-stream")) for name, content in files]
        return RunStarted.model_validate_json(
            self._send("POST", "/api/uploads", files=parts, timeout=_UPLOAD).content
        )

    def notes(self) -> list[NoteSummary]:
        """All notes in the store."""
        return TypeAdapter(list[NoteSummary]).validate_json(self._send("GET", "/api/notes").content)

    def note(self, source: str) -> NoteText:
        """The text of one note.

        Raises:
            NotFound: There is no such note.
        """
        return self._model(NoteText, "GET", "/api/note", params={"source": source})

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note.

        Raises:
            NotFound: There is no such note.
        """
        return self._model(NoteTree, "GET", "/api/note/tree", params={"source": source}, timeout=_SEARCH)

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Forgets notes or a conversation; the notes' files stay.

        Raises:
            NotFound: Nothing has that name.
            Busy: An ingest is under way, or a question in the conversation.
        """
        return self._model(ForgetReport, "POST", "/api/notes/forget", json=request, timeout=_SEARCH)

    def statistics(self, days: int) -> Statistics:
        """Questions, times, tokens, thumbs and errors of the last days."""
        return self._model(Statistics, "GET", f"/api/statistics?days={days}", timeout=_SEARCH)

    def backup(self, path: Path) -> BackupReport:
        """Has the service write a backup to an absolute path of its machine.

        Raises:
            BadInput: `path` cannot be written to, or is there already.
        """
        return self._model(
            BackupReport, "POST", "/api/backup", json=BackupRequest(path=str(path)), timeout=_ANSWER
        )

    def threads(self) -> list[ThreadSummary]:
        """All conversations, latest first."""
        return TypeAdapter(list[ThreadSummary]).validate_json(self._send("GET", "/api/threads").content)

    def thread(self, thread_id: str) -> Thread:
        """One conversation; a run still under way comes last.

        Raises:
            NotFound: There is no such conversation.
        """
        return self._model(Thread, "GET", f"/api/threads/{_segment(thread_id)}")

    def branch(self, thread_id: str, turns: int) -> str:
        """A new conversation that begins with the first `turns` turns of this one; its id.

        Raises:
            NotFound: There is no such conversation, or it has fewer turns.
        """
        path = f"/api/threads/{_segment(thread_id)}/branch"
        return self._model(Branched, "POST", path, json=BranchRequest(turns=turns)).thread_id

    def resume(self, thread_id: str) -> RunStarted:
        """Goes on with a question whose process died before it was answered.

        Raises:
            NotFound: There is no such conversation, or nothing in it was left unfinished.
        """
        return self._model(RunStarted, "POST", f"/api/threads/{_segment(thread_id)}/resume")

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        return TypeAdapter(list[FactModel]).validate_json(self._send("GET", "/api/facts").content)

    def forget_fact(self, number: int) -> None:
        """Takes a fact back.

        Raises:
            NotFound: There is none with this number.
        """
        self._send("DELETE", f"/api/facts/{number}")

    def rated(self) -> list[RatedAnswer]:
        """The answers that got a thumb, as far as their conversations are kept."""
        return TypeAdapter(list[RatedAnswer]).validate_json(
            self._send("GET", "/api/feedback", timeout=_SEARCH).content
        )

    def duel(self, question: str, first: str, second: str) -> Duel:
        """Asks under two settings, and waits for both answers.

        Raises:
            BadInput: A setting cannot be used, or both sides are the same.
        """
        request = DuelRequest(question=question, first=first, second=second)
        return self._model(Duel, "POST", "/api/arena/duels", json=request, timeout=_ANSWER)

    def vote(self, duel_id: str, request: VoteRequest) -> Unveiled:
        """Says which of the two is better, and learns who was who.

        Raises:
            NotFound: No such duel waits for a vote.
        """
        return self._model(Unveiled, "POST", f"/api/arena/duels/{_segment(duel_id)}/vote", json=request)

    def standings(self) -> list[StandingModel]:
        """The leaderboard, the best first."""
        return TypeAdapter(list[StandingModel]).validate_json(
            self._send("GET", "/api/arena/standings").content
        )

    def feedback(self, request: FeedbackRequest) -> None:
        """A thumb on an answer."""
        self._send("POST", "/api/feedback", json=request)

    def feedback_given(self) -> list[FeedbackItem]:
        """All thumbs, the latest first."""
        reply = self._send("GET", "/api/feedback")
        return TypeAdapter(list[FeedbackItem]).validate_json(reply.content)

    def status(self) -> Status:
        """State of the installation."""
        return self._model(Status, "GET", "/api/status", timeout=_SEARCH)

    def _model(
        self,
        shape: type[M],
        method: str,
        path: str,
        *,
        json: BaseModel | None = None,
        params: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = _QUICK,
    ) -> M:
        reply = self._send(method, path, json=json, params=params, timeout=timeout)
        return shape.model_validate_json(reply.content)

    def _send(
        self,
        method: str,
        path: str,
        *,
        json: BaseModel | None = None,
        params: Mapping[str, str] | None = None,
        files: Any = None,
        timeout: httpx.Timeout = _QUICK,
    ) -> httpx.Response:
        content = None if json is None else json.model_dump_json().encode()
        headers = {} if json is None else {"Content-Type": "application/json"}
        try:
            response = self._http.request(
                method, path, content=content, params=params, files=files, headers=headers, timeout=timeout
            )
        except httpx.TransportError as error:
            raise Unavailable("service_away", address=self.address) from error
        if response.status_code >= 400:
            raise _error(response)
        return response


def _error(response: httpx.Response) -> TerakoyaError:
    try:
        body = ErrorBody.model_validate_json(response.content)
    except ValidationError:
        body = ErrorBody(code="http", message=f"HTTP {response.status_code} {response.reason_phrase}")
    return rebuild(body.code, body.message, response.status_code)


def _segment(name: str) -> str:
    return quote(name, safe="")
