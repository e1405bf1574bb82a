"""The nodes: each reads the state and returns an update, with the parts that it needs handed in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from langgraph.runtime import Runtime

from terakoya.catalogue import text as sentence
from terakoya.errors import TerakoyaError
from terakoya.protocols import Answerer, Memory, Retriever, Tracer
from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.language import language_of
from terakoya.text.parts import parts as parts_of
from terakoya.text.question import analyse_question, question_language
from terakoya.types import Draft, Passage
from workflows.advising import Adviser
from workflows.budget import budget_of
from workflows.context import Context
from workflows.conversation import conversation_of
from workflows.grading import ENOUGH, HOPELESS, evidence_share, graded
from workflows.guarding.draft import guard_report, guarded_draft, without_suspicious
from workflows.remembering import readable_facts
from workflows.rewriting import renamed, respelled, rewritten
from workflows.routing import fact_in, intent_of
from workflows.standalone import about_the_same, stand_alone
from workflows.state import (
    BETWEEN,
    State,
    citation_to_json,
    draft_from_json,
    draft_of,
    draft_to_json,
    history_of,
    ranked,
)
from workflows.summarising import Summariser
from workflows.tools.nodes import ToolParts
from workflows.verifying import verify

Update = dict[str, Any]
_MOST_OTHERS: Final = 3
"""Forms of a question in other names."""
_MOST_DOUBTS: Final = 3
"""Passages that a model is asked about in one round."""
_TALK: Final = {"greeting": "answer.greeting", "thanks": "answer.thanks", "about": "answer.about"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the nodes work with.

    Attributes:
        retriever: Finds passages.
        answerers: In the order in which they are tried; the last one needs no model.
        analyser: The analyser of the store.
        tracer: Records every node.
        passages: How many passages are retrieved for an answer.
        adviser: A chat model for small questions; None without one.
        memory: What the person asked to remember; None where nothing can be.
        tools: What the nodes of the tools work with; None where there are none.
        speller: Gives a query in other spellings, where no note has a word of it.
        summariser: Tells of turns that a model's prompt has no room for; None without a model.
    """

    retriever: Retriever
    answerers: Sequence[Answerer]
    analyser: Analyser
    tracer: Tracer
    passages: int
    adviser: Adviser | None = None
    memory: Memory | None = None
    tools: ToolParts | None = None
    speller: Callable[[str], Sequence[str]] | None = None
    summariser: Summariser | None = None


class Nodes:
    """The nodes of the graph over one set of parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def guard(self, state: State) -> Update:
        """Empties what an earlier question left when it was cut short."""
        return dict(BETWEEN)

    def standalone(self, state: State) -> Update:
        """Fills in what a follow-up question points at, and tells what is to be done with it."""
        question = stand_alone(state["question"], history_of(state), self._parts.analyser)
        intent = intent_of(state["question"])
        if intent in ("remember", "recall") and not self._parts.memory:
            intent = "notes"
        if intent == "notes" and self._parts.tools and self._parts.tools.wanted(question):
            intent = "tools"
        return {"standalone": question, "intent": intent}

    def talk(self, state: State) -> Update:
        """Meets a greeting, thanks, or a question about the program itself."""
        words = sentence(_TALK[state["intent"]], language=language_of(state["question"]))
        return _turn(state, Draft(text=words, answered=False, citations=(), model="talk"))

    def memory(self, state: State) -> Update:
        """Keeps what the person asks to remember, once for each question, or tells all that was kept."""
        language = language_of(state["question"])
        memory = self._parts.memory
        if memory is None:
            raise RuntimeError("there is no memory: `standalone` must not come here")
        if state["intent"] == "remember":
            fact = memory.keep(fact_in(state["question"]), key=state.get("trace_id", ""))
            words = sentence("answer.remembered", language=language, fact=fact.text)
        elif facts := memory.facts():
            known = "\n".join(f"- {fact.text}" for fact in facts)
            words = f"{sentence('answer.recalled', language=language)}\n\n{known}"
        else:
            words = sentence("answer.recalled_nothing", language=language)
        return _turn(state, Draft(text=words, answered=False, citations=(), model="memory"))

    def plan(self, state: State) -> Update:
        """Takes a question that asks several things apart; each part is retrieved for by itself."""
        parts = list(parts_of(state["standalone"]))
        if len(parts) > budget_of(state).parts:
            parts = []
        # what looks like two things may be one name: the whole is searched for as well
        same = about_the_same(state["standalone"], history_of(state), self._parts.analyser)
        queries = list(dict.fromkeys([state["standalone"], *parts, *filter(None, [same])]))
        return {"parts": parts or [state["standalone"]], "queries": queries}

    def retrieve(self, state: State, runtime: Runtime[Context | None]) -> Update:
        """Finds passages for the one query in `queries`."""
        (query,) = state["queries"]
        _context(runtime).check()
        wanted = round(self._parts.passages * budget_of(state).passages)
        with self._parts.tracer.span("search", "retriever", input=query) as span:
            ranking = self._parts.retriever.search(query, k=wanted)
            span.set(
                output=[
                    {
                        "id": h.passage.id,
                        "source": h.passage.source,
                        "line": h.passage.start_line,
                        "score": h.score,
                        "arms": dict(h.arms),
                    }
                    for h in ranking.hits
                ],
                metadata={"arms": list(ranking.arms), "k": wanted},
            )
        names = [hit.aliases for hit in ranking.hits if hit.aliases]
        others = list(dict.fromkeys(renamed(state["standalone"], each) for each in names))
        return {
            "passages": {hit.passage.id: hit.score for hit in ranking.hits},
            "searches": {query: len(ranking.hits)},
            "others": others[:_MOST_OTHERS],
            "spellings": list(ranking.suggestions),
        }

    def grade(self, state: State, runtime: Runtime[Context | None]) -> Update:
        """Tells how far the passages speak of each part; a model is asked only where that is in doubt.

        `queries` holds the parts that no passage speaks of enough.
        """
        passages = self._passages(state)
        parts = state.get("parts") or [state["standalone"]]
        others = state.get("others", []) if len(parts) == 1 else []
        forms = [[analyse_question(form, self._parts.analyser) for form in (part, *others)] for part in parts]
        verdicts, missing = graded(forms, passages, self._parts.analyser)
        spent = {"rounds": 1}
        if missing and len(parts) == 1:
            verdicts, spent = self._doubted(state, passages, dict(verdicts), spent, _context(runtime))
            missing = [] if max(verdicts.values(), default=0.0) >= ENOUGH else missing
        return {"verdicts": verdicts, "queries": [parts[at] for at in missing], "spent": spent}

    def _doubted(
        self,
        state: State,
        passages: Sequence[Passage],
        verdicts: dict[str, float],
        spent: dict[str, int],
        context: Context,
    ) -> tuple[dict[str, float], dict[str, int]]:
        """Verdicts and spendings with what the adviser says of passages in doubt."""
        known = state.get("verdicts") or {}
        doubted = [p for p in passages if HOPELESS <= verdicts[p.id] < ENOUGH and p.id not in known]
        for passage in doubted[:_MOST_DOUBTS]:
            if not self._parts.adviser or not self._may_call(state, spent):
                break
            context.check()
            try:
                with self._parts.tracer.span("relevant", "evaluator", input=passage.id) as span:
                    advice = self._parts.adviser.relevant(state["standalone"], passage)
                    span.set(output=advice.value, metadata={"prompt": dict(advice.prompt)})
            except TerakoyaError:
                break  # the model is away: what the words say stands
            spent = {
                **spent,
                "calls": spent.get("calls", 0) + advice.calls,
                "tokens": spent.get("tokens", 0) + advice.tokens,
            }
            if advice.value is not None:
                verdicts[passage.id] = ENOUGH if advice.value else 0.0
        return verdicts, spent

    def rewrite(self, state: State, runtime: Runtime[Context | None]) -> Update:
        """Puts what was found little for in other words; `queries` stays empty where there are none."""
        tried = state.get("searches") or {}
        missing = [analyse_question(q, self._parts.analyser) for q in state.get("queries", [])]
        spelled = self._parts.speller(state["standalone"]) if missing and self._parts.speller else ()
        others = respelled(state["standalone"], spelled)
        spellings = [*state.get("spellings", []), *others]
        queries = rewritten(missing, spellings, tried)
        spent: dict[str, int] = {}
        if not queries and missing and self._parts.adviser and self._may_call(state, spent):
            _context(runtime).check()
            language = question_language(state["standalone"])
            try:
                with self._parts.tracer.span("rewording", "chain", input=missing[0].text) as span:
                    advice = self._parts.adviser.queries(missing[0].text, language)
                    span.set(output=advice.value, metadata={"prompt": dict(advice.prompt)})
            except TerakoyaError:
                return {"queries": []}  # the model is away: the words of the question have to do
            spent = {"calls": advice.calls, "tokens": advice.tokens}
            queries = rewritten([], advice.value, tried)
        return {"queries": queries[: budget_of(state).parts], "spent": spent, "others": others}

    def _may_call(self, state: State, more: Mapping[str, int]) -> bool:
        spent = {**(state.get("spent") or {})}
        for kind, amount in more.items():
            spent[kind] = spent.get(kind, 0) + amount
        # one call is kept for the answer
        return budget_of(state).allows_call({**spent, "calls": spent.get("calls", 0) + 1})

    def answer(self, state: State, runtime: Runtime[Context | None]) -> Update:
        """Lets a model answer, or the last answerer where there is none or its budget is used up.

        Text is streamed as it comes, and replaced where another answerer takes over.
        """
        _context(runtime).begin()
        _context(runtime).check()
        passages = self._passages(state)
        spent = state.get("spent") or {}
        again = spent.get("answers", 0)
        if again:
            runtime.stream_writer({"type": "replace", "text": ""})
            passages = self._good(state, passages) or passages
        used = {"answers": 1}
        update = self._summary(state)
        for kind, amount in update.pop("spent", {}).items():
            used[kind] = amount
        told: State = {**state, **update}  # type: ignore[typeddict-item]
        for answerer in self._answerers(state):
            last = answerer is self._quoting
            kind = "quoted" if last else "calls"
            used[kind] = used.get(kind, 0) + 1
            try:
                draft = self._ask(answerer, told, passages, runtime)
            except TerakoyaError as error:  # the model is away, or the passages are too long for it
                if last or error.key == "cancelled":
                    raise
                message = error.message(language_of(state["question"]))
                runtime.stream_writer({"type": "notice", "code": error.key, "message": message})
                runtime.stream_writer({"type": "replace", "text": ""})
                continue
            used["tokens"] = used.get("tokens", 0) + sum(draft.usage.values())
            for notice in draft.notices:
                message = sentence(notice.key, language=question_language(state["question"]), **notice.values)
                runtime.stream_writer({"type": "notice", "code": notice.key, "message": message})
            return {"draft": draft_to_json(draft), "spent": used, **update}
        raise AssertionError("there is always a last answerer")

    def _summary(self, state: State) -> Update:
        if not self._parts.summariser or not self._model_may_answer(state):
            return {}
        return self._parts.summariser.update(state, may_call=self._may_call(state, {}))

    @property
    def _quoting(self) -> Answerer:
        return self._parts.answerers[-1]

    def _answerers(self, state: State) -> Sequence[Answerer]:
        """Those that may still be asked: each that the budget allows, then the one that needs no model."""
        return self._parts.answerers if self._model_may_answer(state) else [self._quoting]

    def _model_may_answer(self, state: State) -> bool:
        """Whether a model may make the next answer: the first one, or one more from the good passages alone."""
        spent, budget = state.get("spent") or {}, budget_of(state)
        done = spent.get("answers", 0)
        if done >= budget.answers or not budget.allows_call(spent):
            return False
        return not done or bool(self._good(state, self._passages(state)))

    def _good(self, state: State, passages: Sequence[Passage]) -> list[Passage]:
        """Those that speak of the question; none where all do, as another answer from them would be the same."""
        verdicts = state.get("verdicts") or {}
        good = [p for p in passages if verdicts.get(p.id, 0.0) >= ENOUGH]
        return good if len(good) < len(passages) else []

    def _ask(
        self,
        answerer: Answerer,
        state: State,
        passages: Sequence[Passage],
        runtime: Runtime[Context | None],
    ) -> Draft:
        context, write = _context(runtime), runtime.stream_writer

        def emit(piece: str) -> None:
            context.check()
            write({"type": "token", "text": piece})

        # a call of a model stands below it, as a generation of its own
        kind: Any = "span" if answerer is self._quoting else "chain"
        with self._parts.tracer.span(answerer.name, kind, input=state["standalone"]) as span:
            draft = answerer.answer(
                state["standalone"],
                passages,
                others=state.get("others", [])[:_MOST_OTHERS],
                history=conversation_of(state),
                emit=emit,
            )
            span.set(
                output=draft.text,
                model=answerer.name,
                metadata={"answered": draft.answered, "confidence": round(draft.confidence, 4)}
                | ({"prompt": dict(draft.prompt)} if draft.prompt else {})
                | ({"window": dict(draft.window)} if draft.window else {}),
            )
        return draft

    def verify(self, state: State) -> Update:
        """Keeps only citations that stand in the notes, and nothing that rests on what reads like an order."""
        passages = {p.id: p for p in self._passages(state)}
        draft, removed = guarded_draft(verify(draft_of(state), passages), passages, state["question"])
        with self._parts.tracer.span("suspicions", "guardrail") as span:
            span.set(output=guard_report(draft, removed))
        return {"draft": draft_to_json(draft)}

    def finish(self, state: State) -> Update:
        """Adds the answered question to the thread; what tools quoted of the notes has not been guarded yet."""
        draft = draft_of(state)
        if state.get("intent") == "tools" and draft.citations:
            passages = {p.id: p for p in self._passages(state)}
            draft = without_suspicious(draft, passages)
            if not draft.answered:
                text = sentence("answer.nothing", language=language_of(state["question"]))
                draft = replace(draft, text=text)
        # a model was told what is remembered; what quotes knows the notes alone
        return _turn(state, self._with_kept(state, draft) if draft.model == self._quoting.name else draft)

    def abstain(self, state: State) -> Update:
        """Adds the question to the thread with the plain word that the notes do not answer it."""
        raw = state.get("draft")
        draft = draft_from_json(raw) if raw else None
        if draft is None or draft.answered or not draft.text:
            text = sentence("answer.nothing", language=language_of(state["question"]))
            draft = Draft(
                text=text,
                answered=False,
                citations=(),
                model=self._quoting.name,
                suspicious=draft.suspicious if draft else (),
            )
        return _turn(state, self._with_kept(state, draft))

    def _with_kept(self, state: State, draft: Draft) -> Draft:
        """`draft` with what the person asked to remember that speaks of the question most, if any does enough."""
        facts = readable_facts(self._parts.memory)
        question = analyse_question(state["standalone"], self._parts.analyser)
        held = [(evidence_share(question, Reading.of(f.text, self._parts.analyser)), f.text) for f in facts]
        share, fact = max(held, default=(0.0, ""))
        if share < ENOUGH:
            return draft
        kept = sentence("answer.kept", language=language_of(state["question"]), fact=fact)
        return replace(draft, text=f"{draft.text}\n\n{kept}")

    def _passages(self, state: State) -> list[Passage]:
        return self._parts.retriever.passages(ranked(state))


def _context(runtime: Runtime[Context | None]) -> Context:
    return runtime.context or Context()


def _turn(state: State, draft: Draft) -> Update:
    turn = {
        "question": state["question"],
        "standalone": state["standalone"],
        "answer": draft.text,
        "answered": draft.answered,
        "citations": [citation_to_json(c) for c in draft.citations],
        "suspicious": [citation_to_json(c) for c in draft.suspicious],
        "model": draft.model,
        "effort": state.get("effort", "normal"),
        "trace_id": state.get("trace_id", ""),
        "usage": dict(draft.usage),
    }
    return {**BETWEEN, "turns": [turn]}
