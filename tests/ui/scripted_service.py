"""A service over real HTTP that says what a test wrote down; the page cannot tell it from the real one."""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, File, Request, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse
from samples import Reply, citation, note

from terakoya.api import (
    AskRequest,
    AskResult,
    Branched,
    BranchRequest,
    CaseDraft,
    CaseMade,
    CaseRequest,
    DecisionRequest,
    Duel,
    DuelReply,
    DuelRequest,
    FactModel,
    FeedbackRequest,
    ForgetReport,
    ForgetRequest,
    HitModel,
    IngestReport,
    IngestRequest,
    NoteSummary,
    NoteText,
    PlaceModel,
    RelatedRequest,
    RunStarted,
    SearchResult,
    SecondMessageRequest,
    StandingModel,
    Status,
    Thread,
    ThreadSummary,
    TurnModel,
    Unveiled,
    VoteRequest,
)
from terakoya.client import CHALLENGE_HEADER, PROOF_HEADER, proof

TOKEN = "token-of-the-scripted-service"


class ScriptedService:
    """The routes that the page uses, on a free port of loopback, with `service.json` in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.notes: list[NoteSummary] = []
        self.texts: dict[str, str] = {}
        self.related: dict[tuple[str, int | None], list[HitModel]] = {}
        self.replies: dict[str, Reply] = {}
        self.report = IngestReport(added=["new.md"])
        self.status = Status(version="1.0", home=str(home), notes=0, chunks=0, checks=[])
        self.feedback: list[FeedbackRequest] = []
        self.arena_models: list[str] = []
        self.duels: list[DuelRequest] = []
        self.votes: list[str] = []
        self.asked: list[AskRequest] = []
        self.decisions: list[DecisionRequest] = []
        self.decided = threading.Event()
        self.ingested: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self.threads: dict[str, Thread] = {}
        self.requests: list[str] = []
        self.facts: list[FactModel] = []
        self.damaged: dict[str, str] = {}
        self.cancelled: list[str] = []
        self.places: list[PlaceModel] = []
        self.failed: set[str | None] = {None}
        self.cases: list[CaseRequest] = []
        self._runs: dict[str, tuple[str, AskRequest | None]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(self._application(), log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)

    def __enter__(self) -> "ScriptedService":
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        record = {"address": self.address, "pid": os.getpid(), "token": TOKEN, "version": "1.0"}
        (self.home / "service.json").write_text(json.dumps(record))
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the service, as a crash would: its record stays."""
        for reply in self.replies.values():
            if reply.gate:
                reply.gate.set()
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    def _application(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def check(request: Request, proceed: Any):
            self.requests.append(f"{request.method} {request.url.path}")
            if request.url.path == "/health":
                response = JSONResponse({"status": "ok"})
                response.headers[PROOF_HEADER] = proof(TOKEN, request.headers.get(CHALLENGE_HEADER, ""))
                return response
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"code": "token", "message": "token"}, status_code=401)
            return await proceed(request)

        @app.post("/api/ask")
        def ask(request: AskRequest) -> RunStarted:
            run_id = secrets.token_hex(8)
            thread_id = request.thread_id or secrets.token_hex(8)
            self.asked.append(request)
            self._runs[run_id] = (thread_id, request)
            thread = self.threads.setdefault(thread_id, Thread(thread_id=thread_id, turns=[]))
            thread.turns.append(TurnModel(question=request.question, result=None, run_id=run_id))
            return RunStarted(run_id=run_id, thread_id=thread_id)

        @app.get("/api/runs/{run_id}")
        def run(run_id: str) -> Any:
            if run_id not in self._runs:
                return JSONResponse({"code": "run_unknown", "message": "no such run"}, status_code=404)
            thread_id, request = self._runs[run_id]
            kind, question = ("ask", request.question) if request else ("ingest", "")
            state = {"run_id": run_id, "kind": kind, "thread_id": thread_id, "status": "running", "events": 1}
            return {**state, "question": question}

        @app.get("/api/runs/{run_id}/events")
        def events(run_id: str) -> Any:
            if run_id not in self._runs:
                return JSONResponse({"code": "run_unknown", "message": "no such run"}, status_code=404)
            thread_id, request = self._runs[run_id]
            lines = self._answer(run_id, thread_id, request) if request else self._ingest()
            numbered = (
                f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
                for seq, (kind, data) in enumerate(lines, 1)
            )
            return StreamingResponse(numbered, media_type="text/event-stream")

        @app.post("/api/runs/{run_id}/approval", status_code=204)
        def approval(run_id: str, request: DecisionRequest) -> None:
            self.decisions.append(request)
            self.decided.set()

        @app.post("/api/runs/{run_id}/cancel", status_code=204)
        def cancel(run_id: str) -> None:
            self.cancelled.append(run_id)
            _, request = self._runs[run_id]
            gate = (
                self.replies[request.question].gate if request and request.question in self.replies else None
            )
            if gate:
                gate.set()

        @app.put("/api/threads/{thread_id}/second-message", status_code=204)
        def second_message(thread_id: str, request: SecondMessageRequest) -> None:
            self.threads[thread_id].second_message = request.second_message or "queue"

        @app.post("/api/unfinished/{left}/resume")
        def go_on(left: str) -> Any:
            for thread in self.threads.values():
                for unfinished in list(thread.unfinished):
                    if unfinished.id == left:
                        thread.unfinished.remove(unfinished)
                        return ask(AskRequest(question=unfinished.question, thread_id=thread.thread_id))
            return JSONResponse({"code": "open_question_unknown", "message": "gone"}, status_code=404)

        @app.delete("/api/unfinished/{left}", status_code=204)
        def drop(left: str) -> None:
            for thread in self.threads.values():
                thread.unfinished = [each for each in thread.unfinished if each.id != left]

        @app.get("/api/feedback/{trace_id}/case")
        def draft(trace_id: str) -> CaseDraft:
            return CaseDraft(question="What?", places=self.places)

        @app.post("/api/feedback/{trace_id}/case")
        def make(trace_id: str, request: CaseRequest) -> CaseMade:
            self.cases.append(request)
            return CaseMade(case="c", suite="complaints", path="/home/suites/complaints.yaml", line=5)

        @app.post("/api/threads/{thread_id}/branch")
        def branch(thread_id: str, request: BranchRequest) -> Branched:
            made = secrets.token_hex(8)
            self.threads[made] = Thread(thread_id=made, turns=self.threads[thread_id].turns[: request.turns])
            return Branched(thread_id=made)

        @app.get("/api/facts")
        def facts() -> list[FactModel]:
            return self.facts

        @app.delete("/api/facts/{number}", status_code=204)
        def forget_fact(number: int) -> None:
            self.facts = [fact for fact in self.facts if fact.number != number]

        @app.post("/api/ingest")
        def ingest(request: IngestRequest) -> RunStarted:
            self.ingested += request.paths
            return self._begin_ingest()

        @app.post("/api/uploads")
        def upload(files: list[UploadFile] = File()) -> RunStarted:  # noqa: B008 (the form that FastAPI reads)
            self.uploads.update({file.filename or "": file.file.read() for file in files})
            return self._begin_ingest()

        @app.get("/api/notes")
        def notes() -> list[NoteSummary]:
            return self.notes

        @app.post("/api/notes/forget")
        def forget(request: ForgetRequest) -> ForgetReport:
            gone = [each.source for each in self.notes if each.upload == request.source]
            self.notes = [each for each in self.notes if each.source not in gone]
            return ForgetReport(sources=gone)

        @app.get("/api/note")
        def one_note(source: str) -> Any:
            if source not in self.texts:
                return JSONResponse({"code": "note_unknown", "message": "no such note"}, status_code=404)
            return NoteText(source=source, title=source, text=self.texts[source])

        @app.post("/api/related")
        def related(request: RelatedRequest) -> SearchResult:
            hits = self.related.get((request.source, request.line), [])
            return SearchResult(query="", hits=hits[: request.k])

        @app.get("/api/threads")
        def threads() -> Any:
            if self.damaged:
                return JSONResponse(self.damaged, status_code=503)
            return [
                ThreadSummary(
                    thread_id=thread.thread_id,
                    title=[*thread.turns, *thread.unfinished][0].question,
                    updated="2025-01-01",
                )
                for thread in self.threads.values()
            ]

        @app.get("/api/threads/{thread_id}")
        def thread(thread_id: str) -> Any:
            if self.damaged:
                return JSONResponse(self.damaged, status_code=503)
            if thread_id not in self.threads:
                return JSONResponse({"code": "thread_unknown", "message": "no such thread"}, status_code=404)
            return self.threads[thread_id]

        @app.post("/api/feedback", status_code=204)
        def feedback(request: FeedbackRequest) -> None:
            self.feedback.append(request)

        @app.post("/api/arena/duels")
        def duel(request: DuelRequest) -> Any:
            if request.second == "nonsense":
                return JSONResponse(
                    {"code": "eval_set", "message": "`nonsense` sets nothing."}, status_code=400
                )
            self.duels.append(request)
            replies = [
                DuelReply(answer=f"Answer {side} [1].", answered=True, citations=[citation(f"quote {side}")])
                for side in ("left", "right")
            ]
            same = request.question == "the same?"
            return Duel(duel_id="d1", question=request.question, a=replies[0], b=replies[1], same=same)

        @app.post("/api/arena/duels/{duel_id}/vote")
        def vote(duel_id: str, request: VoteRequest) -> Any:
            if self.votes:
                return JSONResponse(
                    {"code": "eval_duel_unknown", "message": "No such pair."}, status_code=404
                )
            self.votes.append(f"{duel_id} {request.verdict}")
            return Unveiled(a="answers.support=0.5", b="as-it-is")

        @app.get("/api/arena/models")
        def arena_models() -> list[str]:
            return self.arena_models

        @app.get("/api/arena/standings")
        def standings() -> list[StandingModel]:
            numbers = {"low": 900.0, "high": 1200.0, "losses": 0, "ties": 0, "bad": 0, "bounded": True}
            name = "answers.support=0.5"
            return [StandingModel(name=name, points=1050.4, wins=len(self.votes), **numbers)] * bool(
                self.votes
            )

        @app.get("/api/status")
        def status() -> Status:
            return self.status

        return app

    def _begin_ingest(self) -> RunStarted:
        run_id = secrets.token_hex(8)
        self._runs[run_id] = ("", None)
        return RunStarted(run_id=run_id, thread_id="")

    def _answer(
        self, run_id: str, thread_id: str, request: AskRequest
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        reply = self.replies.get(request.question, Reply(pieces=["I found nothing."], answered=False))
        turns = self.threads[thread_id].turns
        place = next(number for number, turn in enumerate(turns) if turn.run_id == run_id)
        before = [turn for turn in turns[:place] if turn.run_id not in self.failed and turn.result is None]
        if before:
            yield "step", {"name": "waiting"}
            deadline = time.monotonic() + 30
            while any(turn.result is None for turn in before) and run_id not in self.cancelled:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            if run_id in self.cancelled:
                self.threads[thread_id].turns = [turn for turn in turns if turn.run_id != run_id]
                yield "error", {"code": "cancelled", "message": "cancelled", "status": 409}
                return
        yield "step", {"name": "retrieve"}
        for number, piece in enumerate(reply.pieces):
            if number == 1 and reply.gate:
                reply.gate.wait(30)
            yield "token", {"text": piece}
        if reply.approval:
            yield "approval", reply.approval.model_dump()
            self.decided.wait(30)
            decision = self.decisions[-1]
            yield "decided", {"call_id": decision.call_id, "verdict": decision.verdict}
        if reply.error:
            self.failed.add(run_id)
            yield "error", {"code": "model_failed", "message": reply.error, "status": 503}
            return
        if reply.notice:
            yield "notice", {"message": reply.notice}
        if reply.replaced:
            yield "replace", {"text": reply.replaced}
        result = AskResult(
            question=request.question,
            answer=reply.replaced or "".join(reply.pieces),
            answered=reply.answered,
            citations=reply.citations,
            suspicious=reply.suspicious,
            model=reply.model,
            effort=request.effort,
            thread_id=thread_id,
            trace_id=run_id * 2,
            timings={"total": 420.0},
            interrupted=reply.interrupted,
        )
        turn = next(turn for turn in self.threads[thread_id].turns if turn.run_id == run_id)
        turn.result, turn.run_id = result, None
        yield "done", {"result": result.model_dump()}

    def _ingest(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "progress", {"done": 1, "total": 2, "what": "new.md"}
        self.notes = [*self.notes, *(note(source, source) for source in self.report.added)]
        yield "done", {"result": self.report.model_dump()}
