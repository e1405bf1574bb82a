"""A running generation, as whoever asked for it sees it."""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, NotRequired, Self, TypedDict

from terakoya.errors import TerakoyaError

FinishReason = Literal["stop", "length", "cancelled", "repetition", "condition"]


class ChatMessage(TypedDict):
    """One message of a conversation; roles are `system`, `user`, `assistant`, `tool`.

    `tool_calls` are what an assistant called, as OpenAI has them but with arguments as an object; `name` and
    `tool_call_id` say what a tool's message is the result of.
    """

    role: str
    content: str
    tool_calls: NotRequired[list[dict[str, Any]]]
    tool_call_id: NotRequired[str]
    name: NotRequired[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token of the output.

    Attributes:
        text: What it stands for; a part of a character shows as a replacement character.
        logprob: Its log-probability by the model alone, controls not applied.
        top: Texts and log-probabilities of the likeliest tokens.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """When a request came to what, in seconds of the monotonic clock, which all processes of a machine share.

    Attributes:
        process: Id of the worker's process.
        sent: It was sent to the worker.
        turn: Its turn came.
        first: The first piece of text was certain; 0 where there was none.
        ended: The output was complete.
    """

    process: int
    sent: float
    turn: float
    first: float
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a generation ended.

    Attributes:
        input_tokens: Tokens of the prompt, chat template included.
        output_tokens: Tokens of the answer, without the one that ends the turn.
        finish_reason: `stop` at the end of the turn or a stop text, `length` at `max_tokens` or the end of
            the context, `repetition` where it said the same over and over, `condition` where the caller's
            own ended it, `cancelled`.
        seed: What sampling drew from.
        cached_tokens: Tokens of the prompt that were known from an earlier request.
        drafted_tokens: Tokens that prompt lookup proposed.
        taken_tokens: How many of these were right.
        logprobs: Tokens of the output, where asked for.
        phases: When it came to what; None where nobody looked.
    """

    input_tokens: int
    output_tokens: int
    finish_reason: FinishReason
    seed: int
    cached_tokens: int = 0
    drafted_tokens: int = 0
    taken_tokens: int = 0
    logprobs: tuple[Token, ...] = ()
    phases: Phases | None = None


class Generation(Iterator[str]):
    """A running generation: iterate over its pieces of text, or close it to stop the model.

    Iterating raises `Unavailable` or `BadInput` where the model failed. Closing returns at once.

    Args:
        until: Asked with the whole text after each piece; true ends the generation.

    Attributes:
        finished: How it ended, once iteration is over.
        thinking: Whether the chat template opened the model's thoughts, so that the text begins within them.
    """

    def __init__(self, *, until: Callable[[str], bool] | None = None) -> None:
        self.finished: Finished | None = None
        self.thinking = False
        self._items: queue.SimpleQueue[str | Finished | TerakoyaError] = queue.SimpleQueue()
        self._stop: Callable[[], None] = lambda: None
        self._closed = False
        self._until = until
        self._said = ""
        self._satisfied = False

    def put(self, item: str | Finished | TerakoyaError) -> None:
        """Takes the next piece, or what ends the generation; called by the engine."""
        self._items.put(item)

    def on_close(self, stop: Callable[[], None]) -> None:
        """Sets what stops the model; called by the engine."""
        self._stop = stop

    def __next__(self) -> str:
        """The next piece; never a part of a character."""
        while not self._closed:
            item = self._items.get()
            if isinstance(item, str):
                if self._satisfied:
                    continue  # was on its way when the caller had enough
                self._look(item)
                return item
            self._closed = True
            if isinstance(item, Finished):
                self.finished = replace(item, finish_reason="condition") if self._satisfied else item
                break
            raise item
        raise StopIteration

    def _look(self, piece: str) -> None:
        if self._until is None:
            return
        self._said += piece
        if self._until(self._said):
            self._satisfied = True
            self._stop()

    def close(self) -> None:
        """Stops the model where it stands, unless the generation is over."""
        if not self._closed:
            self._closed = True
            self._stop()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()
