"""The local model as a LangChain chat model."""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages import ChatMessage as RoleMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage, Finished
from app.models.sampling import Sampling
from terakoya.errors import BadInput

_OPTIONS = frozenset(
    {"max_tokens", "temperature", "top_p", "seed", "timeout", "schema", "response_format", "stream"}
)


class LocalChatModel(BaseChatModel):
    """A chat model that a `LocalEngine` serves.

    Every control (`temperature`, `top_p`, `max_tokens`, `seed`, `stop`, `timeout`) can be given anew for one
    call, as a keyword argument of `invoke` or `stream`; so can `schema`, a JSON schema for the answer, and
    `response_format` as OpenAI's API has it. Other keyword arguments are refused (`BadInput`,
    `model_option`): tools, for one, would be ignored without a word.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True)

    engine: LocalEngine = Field(exclude=True, repr=False)
    model_name: str = Field(default="local", alias="model")
    temperature: float = 0.2
    top_p: float = 0.95
    max_tokens: int = 512
    seed: int | None = None
    stop_sequences: list[str] = Field(default_factory=list, alias="stop")
    timeout: float | None = None

    @property
    def _llm_type(self) -> str:
        return "terakoya-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            "model_name": self.model_name,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider="terakoya",
            ls_model_name=kwargs.get("model", self.model_name),
            ls_model_type="chat",
            ls_temperature=kwargs.get("temperature", self.temperature),
            ls_max_tokens=kwargs.get("max_tokens", self.max_tokens),
        )
        if stop := stop or self.stop_sequences:
            params["ls_stop"] = stop
        return params

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        sampling = self._sampling(stop, kwargs)
        timeout = kwargs.get("timeout", self.timeout)
        with self.engine.generate(chat_messages(messages), sampling, timeout=timeout) as generation:
            for piece in generation:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
            if generation.finished:
                last = AIMessageChunk(
                    content="",
                    usage_metadata=_usage(generation.finished),
                    response_metadata=self._metadata(generation.finished),
                    chunk_position="last",
                )
                yield ChatGenerationChunk(message=last)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        sampling = self._sampling(stop, kwargs)
        timeout = kwargs.get("timeout", self.timeout)
        with self.engine.generate(chat_messages(messages), sampling, timeout=timeout) as generation:
            message = AIMessage(content="".join(generation))
            if finished := generation.finished:
                message.usage_metadata = _usage(finished)
                message.response_metadata = self._metadata(finished)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def get_num_tokens(self, text: str) -> int:
        """Tokens of `text`, counted by the model's own tokenizer.

        Raises:
            Unavailable: The model cannot be loaded now.
        """
        return self.engine.count_tokens(text)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Tokens of the conversation in the model's chat template; `tools` is not used.

        Raises:
            Unavailable: The model cannot be loaded now.
        """
        return self.engine.count_message_tokens(chat_messages(messages))

    def _sampling(self, stop: list[str] | None, given: dict[str, Any]) -> Sampling:
        for name, value in given.items():
            if name not in _OPTIONS and (name, value) != ("model", self.model_name):
                raise BadInput("model_option", name=name)
        return Sampling(
            max_tokens=given.get("max_tokens", self.max_tokens),
            temperature=given.get("temperature", self.temperature),
            top_p=given.get("top_p", self.top_p),
            seed=given.get("seed", self.seed),
            stop=tuple(stop if stop is not None else self.stop_sequences),
            schema=given.get("schema") or _format_schema(given.get("response_format")),
        )

    def _metadata(self, finished: Finished) -> dict[str, Any]:
        return {
            "model_name": self.model_name,
            "model_provider": "terakoya",
            "finish_reason": finished.finish_reason,
            "seed": finished.seed,
        }


def chat_messages(messages: Sequence[BaseMessage]) -> list[ChatMessage]:
    """The conversation as a chat template takes it.

    Raises:
        BadInput: `message_kind`: a tool's message, or content other than text.
    """
    return [ChatMessage(role=_role(message), content=_text(message)) for message in messages]


def _role(message: BaseMessage) -> str:
    match message:
        case SystemMessage():
            return "system"
        case HumanMessage():
            return "user"
        case AIMessage():
            return "assistant"
        case RoleMessage(role="system" | "user" | "assistant" as role):
            return str(role)
        case _:
            raise BadInput("message_kind", kind=message.type)


def _text(message: BaseMessage) -> str:
    if not isinstance(message.content, str):
        for block in message.content:
            if isinstance(block, dict) and block.get("type") != "text":
                raise BadInput("message_kind", kind=block.get("type"))
    return str(message.text)


def _format_schema(wanted: Any) -> dict[str, Any] | None:
    """The schema in a `response_format`; any object where it asks for JSON without saying which."""
    match wanted:
        case None | {"type": "text"}:
            return None
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}} | {
            "type": "json_object",
            "schema": dict(schema),
        }:
            return dict(schema)
        case {"type": "json_object"}:
            return {"type": "object"}
        case _:
            raise BadInput("schema_refused", reason=repr(wanted)[:200])


def _usage(finished: Finished) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=finished.input_tokens,
        output_tokens=finished.output_tokens,
        total_tokens=finished.input_tokens + finished.output_tokens,
    )
