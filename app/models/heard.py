"""How sure models were of what they said: the log-probabilities of their answers, for those who measure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.outputs import LLMResult

from app.models.reasoning import answer_begins


class Heard:
    """Keeps the log-probabilities of what each model said last. For one question at a time."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, ...]] = {}

    def listened(self, model: BaseChatModel, name: str) -> BaseChatModel:
        """`model`, asked for log-probabilities with each answer, which are kept here under `name`."""
        return model.model_copy(update={"logprobs": 1, "callbacks": [_Ear(self._last, name)]})

    def forget(self) -> None:
        """Before the next question."""
        self._last.clear()

    def of(self, name: str) -> tuple[float, ...]:
        """Natural logarithms, one a token of the answer that the model `name` gave last; empty where it told none."""
        return self._last.get(name, ())


class _Ear(BaseCallbackHandler):
    def __init__(self, last: dict[str, tuple[float, ...]], name: str) -> None:
        self._last = last
        self._name = name

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        """A model has said all."""
        message = getattr(response.generations[0][0], "message", None)
        told = (getattr(message, "response_metadata", None) or {}).get("logprobs")
        tokens = told.get("content") if isinstance(told, Mapping) else None
        self._last[self._name] = _of_answer(tokens or ())


def _of_answer(tokens: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """Those behind the model's thoughts; nothing where one of them is no logarithm of a probability."""
    start = answer_begins([str(token.get("token", "")) for token in tokens])
    found = [token.get("logprob") for token in tokens[start:]]
    known = tuple(float(each) for each in found if isinstance(each, int | float) and math.isfinite(each))
    return known if len(known) == len(found) else ()
