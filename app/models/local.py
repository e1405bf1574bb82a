"""The local model as a LangChain chat model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

from app.asker import asker
from app.models.engine import LocalEngine
from app.models.generation import Finished, Generation, Token
from app.models.messages import chat_messages, forced_schema, wanted_schema
from app.models.reply import Part, Reply
from app.models.sampling import Sampling
from app.models.tally import counted
from terakoya.errors import BadInput

_CONTROLS = frozenset(field.name for field in fields(Sampling)) - {"schema", "stop"}
_OPTIONS = _CONTROLS | {
    *("timeout", "schema", "response_format", "stream", "tools", "tool_choice", "strict"),
    *("asker", "thinking", "until", "waiting", "top_logprobs", "ls_structured_output_format"),
}
_FIELDS = (
    *("max_tokens", "temperature", "top_k", "top_p", "min_p", "seed", "loop_tokens", "lookup", "logprobs"),
    *("repetition_penalty", "presence_penalty", "frequency_penalty", "forbidden"),
)


class LocalChatModel(BaseChatModel):
    """A chat model that a `LocalEngine` serves.

    Every control of `app.models.sampling.Sampling` can be given anew for one call, as a keyword argument of
    `invoke` or `stream`; so can:

    - `schema`, a JSON schema for the answer, and `response_format` as OpenAI's API has it;
    - `tools` and `tool_choice` (see `bind_tools`);
    - `thinking`: False asks a model that can do without thoughts to leave them out;
    - `timeout`, seconds;
    - `waiting`, told the place in the queue, and `until`, asked with the text so far whether it is enough;
    - `asker`, for whom it is, where that is another than `app.asker` says.

    Other keyword arguments are refused (`BadInput`, `model_option`), not ignored. What the model thinks before
    its answer comes as `reasoning_content` in `additional_kwargs`, apart from the answer.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True)

    engine: LocalEngine = Field(exclude=True, repr=False)
    model_name: str = Field(default="local", alias="model")
    temperature: float = 0.2
    top_k: int = 0
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    forbidden: tuple[str, ...] = ()
    max_tokens: int = 512
    seed: int | None = None
    stop_sequences: list[str] = Field(default_factory=list, alias="stop")
    timeout: float | None = None
    loop_tokens: int = 128
    lookup: int = 0
    logprobs: int = 0
    thinking: bool | None = None
    waiting: Callable[[int], None] | None = Field(default=None, exclude=True, repr=False)

    @property
    def _llm_type(self) -> str:
        return "terakoya-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, **{name: getattr(self, name) for name in _FIELDS}}

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

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Lets the model call tools.

        Args:
            tools: Tools, functions, pydantic classes, or OpenAI's format.
            tool_choice: None or `auto`: the model may call some. `any`, `required` or a tool's name: a grammar
                makes it call one, with arguments that follow its schema. `none`: it may not.
            kwargs: Passed on to each call.
        """
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=formatted, tool_choice=tool_choice, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        generation, reply = self._start(messages, stop, kwargs)
        with generation:
            for piece in generation:
                for part in reply.feed(piece):
                    yield _told(_chunk(part), run_manager)
            if not generation.finished:
                return
            rest, parsed = reply.finish()
            for part in rest:
                yield _told(_chunk(part), run_manager)
            if parsed.calls or parsed.broken:
                yield _told(
                    AIMessageChunk(
                        content="",
                        tool_call_chunks=[
                            tool_call_chunk(name=name, args=arguments, id=number, index=index)
                            for index, (name, arguments, number) in enumerate(parsed.chunks())
                        ],
                    ),
                    run_manager,
                )
            last = AIMessageChunk(
                content="",
                usage_metadata=counted(_usage(generation.finished)),
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
        generation, reply = self._start(messages, stop, kwargs)
        with generation:
            parts = [part for piece in generation for part in reply.feed(piece)]
            rest, parsed = reply.finish()
            parts += rest
            message = AIMessage(
                content="".join(text for kind, text in parts if kind == "answer"),
                tool_calls=[
                    tool_call(name=call.name, args=call.arguments, id=number)
                    for call, number in zip(parsed.calls, parsed.numbers, strict=True)
                ],
                invalid_tool_calls=[
                    invalid_tool_call(name=None, args=text, id=None, error=None) for text in parsed.broken
                ],
            )
            if thoughts := "".join(text for kind, text in parts if kind == "reasoning"):
                message.additional_kwargs["reasoning_content"] = thoughts
            if finished := generation.finished:
                message.usage_metadata = counted(_usage(finished))
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
        """Tokens of the conversation in the model's chat template, that of the tools included.

        Raises:
            Unavailable: The model cannot be loaded now.
        """
        formatted = [convert_to_openai_tool(tool) for tool in tools or ()]
        return self.engine.count_message_tokens(chat_messages(messages), tools=formatted)

    def _start(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[Generation, Reply]:
        for name, value in given.items():
            if name not in _OPTIONS and (name, value) != ("model", self.model_name):
                raise BadInput("model_option", name=name)
        choice = given.get("tool_choice")
        tools = [] if choice == "none" else list(given.get("tools") or ())
        forced = forced_schema(tools, choice)
        sampling = self._sampling(stop, given, forced or wanted_schema(given))
        thinking = given.get("thinking", self.thinking)
        strict = sampling.schema is not None or sampling.grammar is not None
        generation = self.engine.generate(
            chat_messages(messages),
            sampling,
            timeout=given.get("timeout", self.timeout),
            waiting=given.get("waiting", self.waiting),
            until=given.get("until"),
            tools=tools,
            thinking=False if strict and thinking is None else thinking,
            asker=given.get("asker", asker()),
        )
        names = frozenset(tool["function"]["name"] for tool in tools)
        # Under a grammar the first character already belongs to the answer.
        return generation, Reply(names, thinking=generation.thinking and not strict, plain=strict)

    def _sampling(
        self, stop: list[str] | None, given: dict[str, Any], schema: dict[str, Any] | None
    ) -> Sampling:
        controls = {name: getattr(self, name) for name in _FIELDS}
        controls |= {name: value for name, value in given.items() if name in _CONTROLS}
        controls["forbidden"] = tuple(controls["forbidden"])
        stops = stop if stop is not None else self.stop_sequences
        try:
            # OpenAI has a switch and a number
            controls["logprobs"] = max(given.get("top_logprobs") or 0, int(controls["logprobs"] or 0))
            return Sampling(**controls, stop=tuple(stops), schema=schema)
        except (TypeError, AttributeError, ValueError) as error:  # a text where a number belongs
            raise BadInput("sampling_kind", reason=error) from None

    def _metadata(self, finished: Finished) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "model_name": self.model_name,
            "model_provider": "terakoya",
            "finish_reason": finished.finish_reason,
            "seed": finished.seed,
        }
        if finished.phases:
            metadata["phases"] = {
                **asdict(finished.phases),
                "reused": finished.cached_tokens,
                "evaluated": finished.input_tokens - finished.cached_tokens,
                "written": finished.output_tokens,
            }
        if finished.logprobs:
            metadata["logprobs"] = {"content": [_logprob(token) for token in finished.logprobs]}
        return metadata


def _chunk(part: Part) -> AIMessageChunk:
    kind, text = part
    if kind == "answer":
        return AIMessageChunk(content=text)
    return AIMessageChunk(content="", additional_kwargs={"reasoning_content": text})


def _told(message: AIMessageChunk, run_manager: CallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    chunk = ChatGenerationChunk(message=message)
    if run_manager:
        run_manager.on_llm_new_token(str(message.text), chunk=chunk)
    return chunk


def _logprob(token: Token) -> dict[str, Any]:
    """As OpenAI's API has it."""
    top = [{"token": text, "logprob": value, "bytes": None} for text, value in token.top]
    return {"token": token.text, "logprob": token.logprob, "bytes": None, "top_logprobs": top}


def _usage(finished: Finished) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=finished.input_tokens,
        output_tokens=finished.output_tokens,
        total_tokens=finished.input_tokens + finished.output_tokens,
        input_token_details={"cache_read": finished.cached_tokens},
    )
