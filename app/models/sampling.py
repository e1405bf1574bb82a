"""How a model chooses its tokens, and when it stops."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from terakoya.errors import BadInput

MOST_STOPS = 64
MOST_BEST_OF = 16
MOST_LOGPROBS = 50
LONGEST_GRAMMAR = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Controls of one generation.

    They apply in this order, as in llama.cpp: bias, penalties, `top_k`, `top_p`, `min_p`, `temperature`. What
    `forbidden` and a grammar rule out has no probability from the start.

    Attributes:
        max_tokens: Longest output, in tokens.
        temperature: 0 takes the likeliest token every time.
        top_k: Draw from that many of the likeliest tokens; 0 for all.
        top_p: Share of the probability mass that tokens are drawn from, above 0, at most 1
            (nucleus sampling, Holtzman et al. 2020).
        min_p: Least probability, as a share of the likeliest token's (Nguyen et al. 2024).
        repetition_penalty: Divides positive logits of tokens that were said, and multiplies negative ones
            (Keskar et al. 2019). Penalties count what was said in the answer alone: a note that is quoted
            must not be made unlikely by standing in the prompt.
        presence_penalty: Taken from the logit of each token that was said.
        frequency_penalty: Taken from it once for each time that it was said.
        penalty_window: How many of the latest tokens penalties look at; 0 for all.
        seed: Of the draw, 32 bits; None for a fresh one.
        logit_bias: Added to the logits of tokens, by their numbers; -100 and below rules a token out.
        forbidden: Texts that never stand in the output, whatever tokens would spell them; letters A to Z count
            in both cases.
        stop: Texts that end the output; they are not part of it.
        loop_tokens: Ends the output when its last so many tokens are one passage over and over, at least
            four times; 0 never does.
        schema: JSON schema that the output must follow. Strings and lists without a bound get one
            (`app.models.schemas`): else one could go on until `max_tokens`, which then cuts the JSON.
        grammar: GBNF grammar that the output must follow, instead of a schema.
        logprobs: 1 and more: the log-probability of each token comes with the result, and those of so many
            of the likeliest ones beside it.
        best_of: Generates so many outputs side by side and gives the one with the highest mean
            log-probability; nothing comes before all are done.
        lookup: Longest draft of speculative decoding by prompt lookup, in tokens; 0 for none. Changes the
            speed alone.

    Raises:
        BadInput: A value is outside its range.
    """

    max_tokens: int = 512
    temperature: float = 0.2
    top_k: int = 0
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    penalty_window: int = 0
    seed: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    loop_tokens: int = 0
    schema: Mapping[str, Any] | None = None
    grammar: str | None = None
    logprobs: int = 0
    best_of: int = 1
    lookup: int = 0

    def __post_init__(self) -> None:
        allowed = {
            "max_tokens": self.max_tokens >= 1,
            "temperature": 0 <= self.temperature <= 100,
            "top_k": self.top_k >= 0,
            "top_p": 0 < self.top_p <= 1,
            "min_p": 0 <= self.min_p <= 1,
            "repetition_penalty": 0 < self.repetition_penalty <= 10,
            "presence_penalty": -10 <= self.presence_penalty <= 10,
            "frequency_penalty": -10 <= self.frequency_penalty <= 10,
            "penalty_window": self.penalty_window >= 0,
            "seed": self.seed is None or 0 <= self.seed < 2**32,
            "logit_bias": all(-1000 <= bias <= 1000 for bias in self.logit_bias.values()),
            "forbidden": all(self.forbidden) and len(self.forbidden) <= MOST_STOPS,
            "stop": all(self.stop) and len(self.stop) <= MOST_STOPS,
            "loop_tokens": self.loop_tokens == 0 or 8 <= self.loop_tokens <= 4096,
            "grammar": self.grammar is None or (not self.schema and 0 < len(self.grammar) <= LONGEST_GRAMMAR),
            "logprobs": 0 <= self.logprobs <= MOST_LOGPROBS,
            "best_of": 1 <= self.best_of <= MOST_BEST_OF,
            "lookup": 0 <= self.lookup <= 32,
        }
        for name, good in allowed.items():
            if not good:
                raise BadInput("sampling", name=name, value=getattr(self, name))
