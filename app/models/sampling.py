"""How a model chooses its tokens, and when it stops."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from terakoya.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Controls of one generation.

    Attributes:
        max_tokens: Longest output, in tokens.
        temperature: 0 takes the likeliest token every time.
        top_p: Share of the probability mass that tokens are drawn from, above 0, at most 1
            (nucleus sampling, Holtzman et al. 2020).
        seed: Of the draw, 32 bits; None for a fresh one.
        stop: Texts that end the output; they are not part of it.
        schema: JSON schema that the output must follow. Bound the lengths in it: an unbounded string goes
            on until `max_tokens`, which then cuts the JSON.

    Raises:
        BadInput: A value is outside its range.
    """

    max_tokens: int = 512
    temperature: float = 0.2
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        allowed = {
            "max_tokens": self.max_tokens >= 1,
            "temperature": 0 <= self.temperature <= 100,
            "top_p": 0 < self.top_p <= 1,
            "seed": self.seed is None or 0 <= self.seed < 2**32,
            "stop": all(self.stop),
        }
        for name, good in allowed.items():
            if not good:
                raise BadInput("sampling", name=name, value=getattr(self, name))
