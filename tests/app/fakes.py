"""An installation in memory: it answers at once, or waits for a file where a test needs to look in between.

Run as a program it is the service, `fakes.py serve HOME`, or the command line, `fakes.py cli ARGUMENT...`.
"""

import os
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from app.asker import asker
from app.models.tally import counted
from terakoya import api
from terakoya.errors import BadInput, Busy, NotFound
from terakoya.types import Citation, Explanation, Filter, Hit, Match, Outcome, Passage, Ranking, Reason

TEXT = "エンドウの実験。\nMendel grew peas [1].\n"
WORDS = ["Mendel ", "grew ", "peas ", "in ", "Brünn. ", "遺伝の法則。", " [1]"]
PASSAGE = Passage(
    id="p1",
    source="biology/cell.md",
    heading=("Biology", "遺伝"),
    ancestors=(),
    start_line=12,
    end_line=13,
    start=100,
    end=130,
    text=TEXT,
)
EXPLANATION = Explanation(
    ranks={"lexical": 1},
    matches=(Match(term="Mendel", share=1.0, spans=((9, 15),)),),
    missing=("zebra",),
    marks=((3, 5), (9, 15)),
    reasons=(
        Reason(key="words", values={"share": 100, "terms": "Mendel (100 %)"}),
        Reason(key="first_by_both"),
    ),
)
CITATION = Citation(
    marker=1,
    passage_id="p1",
    source="biology/cell.md",
    heading=("Biology", "遺伝"),
    start_line=12,
    end_line=13,
    start=100,
    end=130,
    quote=TEXT,
)


class FakeInstallation:
    """Answers every question with `WORDS`; `source:NAME` from the note NAME, `who` with who asks.

    For `tokens` it calls models. A question `gate:FILE` makes the file `asking` in the home, and stops halfway
    until FILE exists; `forget` fails unforeseen; `replace` changes its text at the end. An ingest of a path named
    `gate...` makes the file `waiting` in the home, and waits for the file `open` in the path or for a cancel; that
    of a path named `deaf...` waits whatever it is asked.
    """

    def __init__(self, settings, *, write=False, deliver=False):
        self.settings = settings
        self.write = write
        self.turns = {}
        self.kept = 1
        self.policies = {}
        left = {"thread_id": "u" * 32, "effort": "deep", "asked": "2026-11-01T00:00:00+00:00"}
        self.left = {name: api.Unfinished(id=name, question=name, **left) for name in ("left", "other")}
        self.lock = threading.Lock()
        settings.home.mkdir(parents=True, exist_ok=True)
        if (settings.home / "busy").exists():
            raise Busy("ingest_busy")

    def search(self, query, *, k=10, filter=None, explain=False):
        if filter and filter != Filter():
            query = f"{query} in {filter}"
        if not query.strip():
            raise BadInput("question_empty")
        hits = tuple(
            Hit(
                passage=PASSAGE,
                score=1.0 / n,
                arms={"lexical": 1.0},
                explanation=EXPLANATION if explain else None,
            )
            for n in range(1, min(k, 3) + 1)
        )
        return Ranking(query=query, hits=hits, arms=("lexical",))

    def related(self, source, line=None, *, k=10, filter=None, explain=False):
        if source != "biology/cell.md":
            raise NotFound("note_unknown", source=source)
        found = self.search(f"like {line}", k=k, filter=filter, explain=explain)
        return replace(found, suggestions=("other",) if line == 7 else ())

    def duplicates(self, similarity):
        notes = [("a.md", 1.0), ("b.md", similarity)]
        return [
            api.AlikeNotes(
                notes=[
                    api.AlikeNote(source=source, title="", characters=9, similarity=part)
                    for source, part in notes
                ]
            )
        ]

    def ask(self, question, *, effort="normal", thread_id=None, second_message=None, **hearing):
        return self.answer(self.line_up(question, effort, thread_id or "t" * 32, second_message), **hearing)

    def line_up(self, question, effort="normal", thread_id=None, second_message=None):
        if not question.strip():
            raise BadInput("question_empty")
        if second_message == "reject":
            raise Busy("thread_busy", question="another")
        return SimpleNamespace(question=question, effort=effort, thread=thread_id or uuid.uuid4().hex)

    def adopt(self, id):
        if id not in self.left:
            raise NotFound("open_question_unknown", id=id)
        left = self.left.pop(id)
        return self.line_up(left.question, left.effort, left.thread_id)

    def give_up(self, place):
        """It was never in line."""

    def answer(self, place, *, listen=lambda type, data: None, cancelled=lambda: False, decide=None):
        question, effort, thread_id = place.question, place.effort, place.thread
        if question == "forget":
            raise RuntimeError("secret question text")
        listen("step", {"name": "retrieve"})
        for n, word in enumerate(WORDS):
            if n == 3 and question.startswith("gate:"):
                (self.settings.home / "asking").touch()
                wait_for(Path(question.removeprefix("gate:")), unless=cancelled)
            if cancelled():
                break
            listen("token", {"text": word})
        text = "".join(WORDS[:3] if cancelled() else WORDS)
        if question == "replace":
            text = "Something else [1]"
            listen("replace", {"text": text})
        if question == "tokens":
            counted(
                {
                    "input_tokens": 40,
                    "output_tokens": 7,
                    "total_tokens": 47,
                    "input_token_details": {"cache_read": 30},
                }
            )
            counted({"input_tokens": 2, "output_tokens": 1, "total_tokens": 3})
        if question == "who":
            text = f"<{asker()}> [1]"
        outcome = Outcome(
            question=question,
            answer=text,
            answered=True,
            citations=(
                replace(CITATION, source=question[7:]) if question.startswith("source:") else CITATION,
            ),
            model="extractive",
            effort=effort,
            thread_id=thread_id,
            trace_id="0" * 32,
            timings={"total": 1.0},
            interrupted=cancelled(),
        )
        with self.lock:
            self.turns.setdefault(thread_id, []).append(outcome)
        return outcome

    def facts(self):
        return [api.FactModel(number=1, text="試験は7月3日", created="2026-11-01T00:00:00+00:00")][
            : self.kept
        ]

    def forget_fact(self, number):
        if number != 1 or not self.kept:
            raise NotFound("fact_unknown", number=number)
        self.kept = 0

    def branch(self, thread_id, turns):
        kept = self.turns.get(thread_id, [])[:turns]
        if len(kept) < turns:
            raise NotFound("turn_unknown", thread=thread_id, turn=turns, turns=len(kept))
        self.turns["b" * 32] = kept
        return "b" * 32

    def unfinished(self, thread_id=""):
        return [left for left in self.left.values() if thread_id in ("", left.thread_id)]

    def drop(self, id):
        self.adopt(id)

    def choose_second_message(self, thread_id, policy):
        self.policies[thread_id] = policy

    def threads(self):
        return [
            api.ThreadSummary(thread_id=name, title=turns[0].question, updated="2026-11-01T00:00:00+00:00")
            for name, turns in self.turns.items()
        ] + [
            api.ThreadSummary(thread_id=name, title=left.question, updated=left.asked, state="unfinished")
            for name, left in {left.thread_id: left for left in reversed(self.left.values())}.items()
        ]

    def thread(self, thread_id):
        left = self.unfinished(thread_id)
        if thread_id not in self.turns and not left:
            raise NotFound("run_unknown", run=thread_id)
        turns = [
            api.TurnModel(question=t.question, result=api.AskResult.of(t))
            for t in self.turns.get(thread_id, [])
        ]
        policy = self.policies.get(thread_id) or "queue"
        summary = api.EarlierTurns(text="- Of peas.", turns=2, by="extractive") if left else None
        return api.Thread(
            thread_id=thread_id, turns=turns, unfinished=left, second_message=policy, summary=summary
        )

    def ingest(
        self, paths, *, dry_run=False, progress=lambda done, total, what: None, cancelled=lambda: False
    ):
        for path in paths:
            if not path.exists():
                raise BadInput("path_absolute", path=path)
        files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*.*")))
        for n, file in enumerate(files, 1):
            progress(n, len(files), file.name)
        if paths[0].name.startswith(("gate", "deaf")):
            (self.settings.home / "waiting").touch()
            deaf = paths[0].name.startswith("deaf")
            wait_for(paths[0] / "open", unless=(lambda: False) if deaf else cancelled)
        problems = [
            api.Problem(path=file.name, code="encoding", message="cannot be read")
            for file in files
            if file.suffix == ".bad"
        ]
        added = [file.name for file in files if file.suffix != ".bad"]
        return api.IngestReport(
            added=added, problems=problems, dry_run=dry_run, cancelled=cancelled(), chunks=len(added)
        )

    def ingest_uploads(self, files, **listening):
        return self.ingest([file.parent for file in files[:1]], **listening)

    def check_model(self):
        """No model, so nothing to find fault with."""

    def check_reranker(self) -> None:
        return None

    def notes(self):
        return [
            api.NoteSummary(
                source="biology/cell.md",
                title="細胞",
                language="ja",
                encoding="utf-8",
                repair=None,
                chunks=3,
                characters=99,
            )
        ]

    def note(self, source):
        if source != "biology/cell.md":
            raise NotFound("run_unknown", run=source)
        return api.NoteText(source=source, title="細胞", text=TEXT)

    def note_tree(self, source):
        block = api.NoteBlock(kind="paragraph", start_line=1, end_line=2, start=0, end=30, text=TEXT)
        return api.NoteTree(source=source, title=self.note(source).title, passages=1, blocks=[block])

    def forget(self, request):
        if request.source != "biology":
            raise NotFound("forget_unknown", source=request.source, folders=request.path)
        return api.ForgetReport(sources=["biology/cell.md"], dry_run=request.dry_run)

    def feedback(self, request):
        if request.trace_id == "unknown":
            raise NotFound("run_unknown", run=request.trace_id)

    def feedback_given(self):
        return [
            api.FeedbackItem(trace_id="a" * 32, value=0, given_at="2026-01-01T00:00:00+00:00", question=TEXT)
        ]

    def status(self):
        check = api.Check(name="store", status="ok", detail="1 note")
        return api.Status(version="0", home=str(self.settings.home), notes=1, chunks=3, checks=[check])

    def warm(self):
        pass

    def close(self):
        (self.settings.home / "closed").touch()


def wait_for(path, *, unless=lambda: False):
    deadline = time.monotonic() + 60
    while not path.exists() and not unless():
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.01)


def main():
    from app.settings import load_settings

    command, *rest = sys.argv[1:]
    if command == "serve":
        from app.service.server import serve

        settings = load_settings(Path(rest[0]), port=int(os.environ.get("FAKE_PORT", "0")))
        serve(settings, lambda settings: FakeInstallation(settings, write=True, deliver=True))
    else:
        from app.cli import main as cli

        sys.exit(cli(rest, open_installation=FakeInstallation))


if __name__ == "__main__":
    main()
