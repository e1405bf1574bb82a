"""From a conversation to the text that the model goes on from, by the model's own chat template."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from app.models.native import ModelError, NativeModel
from app.models.tool_words import in_words

_CONTROL = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

Message = Mapping[str, Any]


class ChatTemplate:
    """Renders conversations for one model.

    Raises:
        ModelError: `load_failed`: the template cannot be parsed.
    """

    def __init__(self, model: NativeModel) -> None:
        self._model = model
        vocabulary = model.vocabulary
        self._bos = model.token_text(llama_cpp.llama_vocab_bos(vocabulary))
        self._adds_bos = bool(llama_cpp.llama_vocab_get_add_bos(vocabulary))
        self._control = self._control_pattern()
        raw = llama_cpp.llama_model_chat_template(model.model, None)
        template = raw.decode("utf-8", "replace") if raw else _CHATML
        self._tells_tools = "tools" in template
        try:
            self._formatter: Any = Jinja2ChatFormatter(
                template=template,
                eos_token=model.token_text(llama_cpp.llama_vocab_eos(vocabulary)),
                bos_token=self._bos,
            )
        except Exception as error:
            raise ModelError("load_failed", reason=f"its chat template: {error}") from None

    def text(
        self, messages: Sequence[Message], tools: Sequence[Message] = (), *, thinking: bool | None = None
    ) -> str:
        """The conversation as text, up to where the answer begins.

        Texts of control tokens inside messages are broken up with a space: notes must not be able to close
        a turn or open another.

        Raises:
            ModelError: `template_failed`: the template cannot render these messages.
        """
        safe = [self._safe(message) for message in messages]
        if not self._tells_tools and (tools or any(m["role"] == "tool" for m in safe)):
            safe = in_words(safe, tools)
        values: dict[str, Any] = {"tools": list(tools) or None}
        if thinking is not None:
            values["enable_thinking"] = thinking
        try:
            return self._render(safe, values)
        except Exception as first:
            # Some templates (Gemma's) refuse the system role.
            merged = _without_system(safe)
            if merged == safe:
                raise ModelError("template_failed", reason=first) from None
            try:
                return self._render(merged, values)
            except Exception as error:
                raise ModelError("template_failed", reason=error) from None

    def tokens_of(self, text: str) -> list[int]:
        """Tokens of a text that this template made."""
        add_bos = self._adds_bos and not (self._bos and text.startswith(self._bos))
        return self._model.tokenize(text, add_special=add_bos, parse_special=True)

    def _render(self, messages: Sequence[Message], values: Mapping[str, Any]) -> str:
        return str(self._formatter(messages=list(messages), **values).prompt)

    def _safe(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._disarm(value)
        if isinstance(value, Mapping):
            return {key: self._safe(inner) for key, inner in value.items()}
        return [self._safe(inner) for inner in value] if isinstance(value, list) else value

    def _disarm(self, text: str) -> str:
        if self._control is None:
            return text
        return self._control.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)

    def _control_pattern(self) -> re.Pattern[str] | None:
        texts = {
            self._model.token_text(token)
            for token in range(self._model.vocabulary_size)
            if llama_cpp.llama_vocab_get_attr(self._model.vocabulary, token) & _CONTROL
        }
        ordered = sorted((text for text in texts if len(text) > 1), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def _without_system(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The system texts put in front of the first message of the user."""
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    rest = [dict(message) for message in messages if message["role"] != "system"]
    for message in rest:
        if system and message["role"] == "user":
            message["content"] = f"{system}\n\n{message['content']}"
            break
    return rest
