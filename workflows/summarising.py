"""What tells of the turns that a prompt has no room for: made once, kept with the thread, and marked as a summary."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from terakoya.errors import TerakoyaError
from terakoya.protocols import Tracer
from terakoya.text.analyser import Analyser
from terakoya.text.question import question_language
from terakoya.text.sentences import sentence_spans
from terakoya.types import Passage, Turn
from workflows.conversation import apart, conversation_of, messages_of, sources_of, told, told_summary
from workflows.guarding.output import checked_output
from workflows.guarding.passages import trusted_text
from workflows.prompting import LANGUAGES
from workflows.prompts import Prompts, load_prompt
from workflows.room import Room
from workflows.state import State
from workflows.support import Claim
from workflows.window import history_limit, settled, summary_limit, turn_sizes

EXTRACTIVE: Final = "extractive"
_ASKED: Final = 120
_SAID: Final = 160


class Summariser:
    """Summarises the first turns of a thread where they do not fit the model's context any more.

    Args:
        model: A chat model, asked where the budget of the question allows it.
        analyser: The analyser of the store.
        name: Name of the model.
        room: What the model has room for.
        tracer: Records each summary.
        prompts: Where its prompts come from.
    """

    def __init__(
        self,
        model: Any,
        analyser: Analyser,
        *,
        name: str,
        room: Room,
        tracer: Tracer,
        prompts: Prompts = load_prompt,
    ) -> None:
        self._model = model
        self._analyser = analyser
        self._name = name
        self._room = room
        self._tracer = tracer
        self._prompts = prompts

    def update(self, state: State, *, may_call: bool) -> dict[str, Any]:
        """The summary that the thread needs now, as an update of its state; empty where it has it, or needs none.

        Without a call of a model, or where it cannot be used, it is made of the questions and the beginnings of the
        answers. It names the notes that the turns cite, so that forgetting a note finds it.
        """
        if len(state.get("turns", [])) < 2:
            return {}
        try:
            room = self._room
            old, turns = apart(conversation_of(state))
            sizes = turn_sizes(messages_of(turns), room.count)
            first = settled(sizes, history_limit(room.context, room.answer))
            kept = state.get("summary") or {}
            if first <= int(kept.get("summarised", 0)):
                return {}
            with self._tracer.span("summarise", "chain" if may_call else "span") as span:
                text, spent = self._by_model(state, old, turns, first) if may_call else ("", {})
                by = self._name if text else EXTRACTIVE
                text = text or self.extracted(turns[:first])
                # not its words: they may be of a note that this question does not cite, and is forgotten without it
                span.set(model=by, metadata={"turns": first, "characters": len(text)})
        except TerakoyaError:
            return {}  # the model is away: whoever answers now has no such bounds
        summary = {
            "text": text,
            "summarised": first,
            "by": by,
            "citations": sources_of(state["turns"][:first]),
        }
        return {"summary": summary, "spent": spent}

    def extracted(self, turns: Sequence[Turn]) -> str:
        """The questions with the first sentence of each answer, the latest ones as far as there is room."""
        limit = summary_limit(self._room.context, self._room.answer)
        lines: list[str] = []
        for asked, said in reversed([told(turn) for turn in turns if turn.checked]):
            first = next((said[a:b] for a, b in sentence_spans(said)), said)
            question = _short(asked, _ASKED)
            line = next(
                (
                    line
                    for line in (f"- {question} → {_short(first, _SAID)}", f"- {question}")
                    if self._room.count("\n".join([line, *lines])) <= limit
                ),
                "",
            )
            if not line:
                break
            lines.insert(0, line)
        return "\n".join(lines)

    def _by_model(
        self, state: State, old: Turn | None, turns: Sequence[Turn], first: int
    ) -> tuple[str, dict[str, int]]:
        """What a model says of the turns, as far as they bear it out; empty where that is nothing."""
        language = question_language(state["question"])
        answer, prompt = self._prompts("answer"), self._prompts("summary")
        system, _ = answer.messages(language=LANGUAGES[language], passages="", question="")
        # as the prompt of the question before began: a model that kept it reads the last line alone
        messages: list[BaseMessage] = [SystemMessage(system)] if system else []
        pairs = messages_of(turns[old.covers if old else 0 : first])
        for pair in [told_summary(old), *pairs] if old else pairs:
            if pair:
                messages += [HumanMessage(pair[0]), AIMessage(pair[1])]
        messages.append(HumanMessage(prompt.fill(language=LANGUAGES[language])))
        limit = summary_limit(self._room.context, self._room.answer)
        if self._room.count_messages(messages) + limit > self._room.context:
            return "", {}
        try:
            reply = self._model.invoke(messages, max_tokens=max(16, limit))
        except TerakoyaError:
            return "", {"calls": 1}
        usage: Mapping[str, Any] = reply.usage_metadata or {}
        spent = {"calls": 1, "tokens": int(usage.get("total_tokens", 0))}
        said = reply.text if isinstance(reply.text, str) else str(reply.content)
        instructions = [system, prompt.template]
        spoken = "\n".join(text.replace("?", ".").replace("？", "。") for pair in pairs for text in pair)
        known = f"{old.answer}\n{spoken}" if old else spoken
        return self._borne_out(
            checked_output(said, [known], instructions=instructions).text, known, limit
        ), spent

    def _borne_out(self, said: str, known: str, limit: int) -> str:
        said = trusted_text(said)
        source = Passage(
            id="",
            source="",
            heading=(),
            ancestors=(),
            start_line=1,
            end_line=1,
            start=0,
            end=len(known),
            text=known,
        )
        kept: list[str] = []
        for line in said.splitlines():
            for start, end in sentence_spans(line):
                claim = line[start:end].strip()
                fits = self._room.count(" ".join([*kept, claim])) <= limit
                if claim and fits and claim not in kept and Claim(claim, "", self._analyser).unit_in(source):
                    kept.append(claim)
        return " ".join(kept)


def _short(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length].rstrip()}…"
