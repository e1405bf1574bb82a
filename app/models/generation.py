"""A running generation, as whoever asked for it sees it."""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, TypedDict

from terakoya.errors import TerakoyaError

FinishReason = Literal["stop", "length", "cancelled"]


class ChatMessage(TypedDict):
    """One message of a conversation; roles are `system`, `user`, `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a generation ended.

    Attributes:
        input_tokens: Tokens of the prompt, chat template included.
        output_tokens: Tokens of the answer, without the one that ends the turn.
        finish_reason: `stop` at the end of the turn or a stop text, `length` at `max_tokens` or the end of
            the context, `cancelled`.
        seed: What sampling drew from.
    """

    input_tokens: int
    output_tokens: int
    finish_reason: FinishReason
    seed: int


class Generation(Iterator[str]):
    """A running generation: iterate over its pieces of text, or close it to stop the model.

    Iterating raises `Unavailable` or `BadInput` where the model failed. Closing returns at once.

    Attributes:
        finished: How it ended, once iteration is over.
    """

    def __init__(self) -> None:
        self.finished: Finished | None = None
        self._items: queue.SimpleQueue[str | Finished | TerakoyaError] = queue.SimpleQueue()
        self._stop: Callable[[], None] = lambda: None
        self._closed = False

    def put(self, item: str | Finished | TerakoyaError) -> None:
        """Takes the next piece, or what ends the generation; called by the engine."""
        self._items.put(item)

    def on_close(self, stop: Callable[[], None]) -> None:
        """Sets what stops the model; called by the engine."""
        self._stop = stop

    def __next__(self) -> str:
        """The next piece; never a part of a character."""
        if self._closed:
            raise StopIteration
        item = self._items.get()
        if isinstance(item, str):
            return item
        self._closed = True
        if isinstance(item, Finished):
            self.finished = item
            raise StopIteration
        raise item

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
