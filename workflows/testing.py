"""Scripted parts: for running one node, or the whole graph, on a state made by hand, without model or store.

```python
retriever = ScriptedRetriever(known=[passage("Mendel grew peas.", id="p1")])
nodes = Nodes(Parts(retriever=retriever, answerers=[ScriptedAnswerer()], ...))
assert nodes.retrieve({"standalone": "What did Mendel grow?"}) == {"passages": {"p1": 1.0}}
```
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field

from terakoya.errors import Unavailable
from terakoya.protocols import Emit
from terakoya.text.language import language_of
from terakoya.types import Block, Citation, Draft, Filter, Hit, Passage, Ranking, Turn
from workflows.composing import cite


def passage(
    text: str,
    *,
    id: str = "p1",
    source: str = "note.md",
    heading: Sequence[str] = (),
    ancestors: Sequence[str] = (),
    start_line: int = 1,
    start: int = 0,
    blocks: Sequence[Block] = (),
) -> Passage:
    """A passage that stands at `start_line` of a source without HTML tags; its end follows from `text`."""
    return Passage(
        id=id,
        source=source,
        heading=tuple(heading),
        ancestors=tuple(ancestors),
        start_line=start_line,
        end_line=start_line + text.count("\n"),
        start=start,
        end=start + len(text),
        text=text,
        blocks=tuple(blocks),
        language=language_of(text),
    )


def citation(of: Passage, quote: str, *, marker: int = 1) -> Citation:
    """The citation of the first place of `of` where `quote` stands.

    Raises:
        ValueError: It stands nowhere.
    """
    start = of.text.index(quote)
    return cite(of, start, start + len(quote), marker)


@dataclass(slots=True, kw_only=True)
class ScriptedRetriever:
    """Implements `terakoya.protocols.Retriever` over passages made by hand.

    Attributes:
        known: All passages there are, best first.
        found: Ids found by query, best first; any other query finds all that is known.
        aliases: Names by which passages are found, by id.
        asked: The queries so far, with their `k`.
    """

    known: Sequence[Passage] = ()
    found: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The scripted passages, scored 1, 1/2, 1/3 and so on; a filter is not looked at."""
        self.asked.append((query, k))
        ids = self.found.get(query, [p.id for p in self.known])[:k]
        hits = [
            Hit(passage=p, score=1 / place, aliases=self.aliases.get(p.id, {}))
            for place, p in enumerate(self.passages(ids), start=1)
        ]
        return Ranking(query=query, hits=tuple(hits), arms=("lexical",))

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; unknown ids are left out."""
        by_id = {p.id: p for p in self.known}
        return [by_id[key] for key in ids if key in by_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an answerer was given."""

    question: str
    passages: tuple[Passage, ...]
    history: tuple[Turn, ...]
    others: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class ScriptedAnswerer:
    """Implements `terakoya.protocols.Answerer` from a queue of drafts.

    Attributes:
        drafts: What it answers, one after the other; an error among them is raised.
        pieces: What it passes on before it answers or fails; without them the text of the draft.
        name: Its name.
        asked: What it was given so far.
    """

    drafts: list[Draft | Exception] = field(default_factory=list)
    pieces: Sequence[str] = ()
    name: str = "scripted"
    asked: list[Asked] = field(default_factory=list)

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        others: Sequence[str] = (),
        history: Sequence[Turn] = (),
        emit: Emit,
    ) -> Draft:
        """The next draft.

        Raises:
            Unavailable: The queue is empty.
        """
        self.asked.append(
            Asked(question=question, passages=tuple(passages), history=tuple(history), others=tuple(others))
        )
        for piece in self.pieces:
            emit(piece)
        if not self.drafts:
            raise Unavailable("script_empty", name=self.name)
        draft = self.drafts.pop(0)
        if isinstance(draft, Exception):
            raise draft
        if not self.pieces:
            emit(draft.text)
        return draft


class ScriptedChatModel(BaseChatModel):
    """A chat model that says what it was told to say, word by word where it streams.

    Attributes:
        replies: What it says, one after the other; an error among them is raised.
        usage: Token counts that each reply reports.
        asked: The messages of each call so far.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    replies: list[str | Exception] = Field(default_factory=list)
    usage: UsageMetadata | None = None
    asked: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "terakoya-scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(content=self._next(messages), usage_metadata=self.usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in re.findall(r"\S+\s*|^\s+", self._next(messages)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        last = AIMessageChunk(content="", usage_metadata=self.usage, chunk_position="last")
        yield ChatGenerationChunk(message=last)

    def _next(self, messages: list[BaseMessage]) -> str:
        self.asked.append(list(messages))
        if not self.replies:
            raise Unavailable("script_empty", name=self._llm_type)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply
