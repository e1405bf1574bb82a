"""One output on its way: what was asked, what was said, and when it is over."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.models.choosing import Choice, Chooser
from app.models.generation import FinishReason
from app.models.lookup import Lookup
from app.models.loops import is_looping
from app.models.pieces import Pieces
from app.models.sampling import Sampling
from app.models.sequences import Sequence as Held

_LOOKS_EVERY = 8
"""Tokens between two looks for a loop."""

Tell = Callable[..., None]


@dataclass(kw_only=True, eq=False)
class Task:
    """An output that the batcher works on.

    Attributes:
        number: Of the request.
        prompt: Tokens before the output.
        sampling: The controls.
        chooser: Chooses its tokens.
        room: Most tokens that it may get.
        tell: Takes an event and its values.
        asker: For whom it is; empty for nobody in particular.
        thinking: Whether the prompt ends within thoughts.
        close: Frees what belongs to it.
        tokens: Prompt and output.
        held: Its sequence, once its turn has come.
        known: Tokens of the prompt that were not evaluated again.
        drafted: Tokens that prompt lookup proposed.
        taken: How many of these were right.
        position: Place in the queue that was told last; 0 once its turn has come.
    """

    number: int
    prompt: Sequence[int]
    sampling: Sampling
    chooser: Chooser
    room: int
    tell: Tell
    asker: str = ""
    thinking: bool = False
    close: Callable[[], None] = lambda: None
    tokens: list[int] = field(default_factory=list)
    held: Held | None = None
    known: int = 0
    drafted: int = 0
    taken: int = 0
    position: int = -1
    _choices: list[Choice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = list(self.prompt)
        self.pieces = Pieces(self.sampling.stop)
        self.lookup = Lookup(self.prompt, self.sampling.lookup) if self.sampling.lookup else None

    @property
    def sequence(self) -> Held:
        """Its sequence."""
        if self.held is None:
            raise RuntimeError(f"the turn of request {self.number} has not come")
        return self.held

    @property
    def output(self) -> int:
        """Tokens of the output so far."""
        return len(self.tokens) - len(self.prompt)

    @property
    def pending(self) -> int:
        """Tokens that are not evaluated yet."""
        return len(self.tokens) - (len(self.held) if self.held else 0)

    @property
    def promised(self) -> int:
        """Cells that it may still take."""
        return len(self.prompt) + self.room - (len(self.held) if self.held else 0)

    def take(self, choice: Choice, spelling: bytes) -> FinishReason | None:
        """Adds a token and tells the text that is certain now; says whether that was the last."""
        self.tokens.append(choice.token)
        if self.lookup is not None:
            self.lookup.add(choice.token)
        if choice.logprob is not None:
            self._choices.append(choice)
        if text := self.pieces.feed(spelling):
            self.tell("piece", text=text, at=time.monotonic())
        if self.pieces.stopped:
            return "stop"
        loop = self.sampling.loop_tokens
        if loop and self.output >= loop and self.output % _LOOKS_EVERY == 0:
            said = self.tokens[-loop:]
            if is_looping(said, loop):
                return "repetition"
        return "length" if self.output >= self.room else None

    def end(self, reason: FinishReason, text_of: Callable[[int], str]) -> None:
        """Tells what was held back, and how it ended."""
        if rest := self.pieces.finish():
            self.tell("piece", text=rest, at=time.monotonic())
        values: dict[str, Any] = {}
        if self._choices:
            values["logprobs"] = [
                {
                    "token": text_of(choice.token),
                    "logprob": choice.logprob,
                    "top": [[text_of(token), logprob] for token, logprob in choice.top],
                }
                for choice in self._choices
            ]
        self.tell(
            "done",
            input_tokens=len(self.prompt),
            output_tokens=self.output,
            cached_tokens=self.known,
            drafted_tokens=self.drafted,
            taken_tokens=self.taken,
            finish_reason=reason,
            **values,
        )
