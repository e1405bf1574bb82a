"""What a chat model is asked beside the answer itself: whether a passage is relevant, and for other queries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from terakoya.errors import TerakoyaError
from terakoya.types import Language, Passage
from workflows.guarding.delimiting import asked_words, passages_data
from workflows.prompts import Prompts, load_prompt

_LANGUAGES: Final = {"ja": "Japanese", "en": "English"}
_MOST_QUERIES: Final = 2
_LONGEST_QUERY: Final = 200
_RELEVANT: Final = {
    "type": "object",
    "properties": {"relevant": {"type": "boolean"}},
    "required": ["relevant"],
    "additionalProperties": False,
}
_QUERIES: Final = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "items": {"type": "string", "maxLength": _LONGEST_QUERY},
            "maxItems": _MOST_QUERIES,
        }
    },
    "required": ["queries"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What a model said, and what that took.

    Attributes:
        value: What was asked for; None where the reply cannot be read.
        tokens: Tokens of prompt and reply.
        calls: Models that were asked until one replied.
        model: The one that did, by its place in the order.
        prompt: Name, version, hash and source of the prompt.
    """

    value: Any
    tokens: int
    calls: int = 1
    model: int = 0
    prompt: Mapping[str, str | int] = field(default_factory=dict)


class Adviser:
    """Asks langchain-core chat models small questions, their replies held to a JSON schema.

    A reply is data: it chooses no tool and no instruction, it marks a passage or words a query.

    Args:
        models: In the order in which they are tried: one that cannot answer makes room for the next.
        prompts: Where its prompts come from.
    """

    def __init__(self, *models: Any, prompts: Prompts = load_prompt) -> None:
        self._models = models
        self._prompts = prompts

    def relevant(self, question: str, passage: Passage) -> Advice:
        """Whether `passage` helps to answer `question`; `value` is a bool or None.

        Raises:
            Unavailable: No model can answer now.
        """
        shown, _ = passages_data([passage], question)
        prompt = self._prompts("relevant")
        filled = prompt.fill(question=asked_words(question), passage=shown)
        reply = self._ask(filled, "relevance", _RELEVANT, prompt.mark)
        value = reply.value.get("relevant") if isinstance(reply.value, Mapping) else None
        return replace(reply, value=value if isinstance(value, bool) else None, prompt=prompt.mark)

    def queries(self, question: str, language: Language) -> Advice:
        """Other wordings of `question`, one of them in the other language; `value` is a list of strings.

        Raises:
            Unavailable: No model can answer now.
        """
        other: Language = "en" if language == "ja" else "ja"
        prompt = self._prompts("rewrite")
        filled = prompt.fill(question=asked_words(question), other=_LANGUAGES[other])
        reply = self._ask(filled, "queries", _QUERIES, prompt.mark)
        given = reply.value.get("queries") if isinstance(reply.value, Mapping) else None
        found: Sequence[Any] = given if isinstance(given, list) else []
        queries = [q.strip()[:_LONGEST_QUERY] for q in found if isinstance(q, str) and q.strip()]
        return replace(reply, value=queries[:_MOST_QUERIES], prompt=prompt.mark)

    def _ask(
        self, prompt: str, name: str, schema: Mapping[str, Any], mark: Mapping[str, str | int]
    ) -> Advice:
        from langchain_core.messages import HumanMessage

        shape = {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}
        config = {"metadata": {"prompt": mark}}
        for place, model in enumerate(self._models):
            try:
                reply = model.invoke([HumanMessage(prompt)], config=config, response_format=shape)
            except TerakoyaError as error:
                if error.key == "cancelled" or place == len(self._models) - 1:
                    raise
                continue
            usage = reply.usage_metadata or {}
            tokens = int(usage.get("total_tokens", 0))
            said = reply.text if isinstance(reply.text, str) else str(reply.content)
            try:
                value = json.loads(said)
            except (ValueError, RecursionError):
                value = None
            return Advice(value, tokens, calls=place + 1, model=place)
        raise RuntimeError("an adviser needs a model")
