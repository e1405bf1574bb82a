"""A model at an OpenAI-compatible server as a LangChain chat model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import ConfigDict, Field, PrivateAttr

from app.models.remote.failures import RemoteRefused
from app.models.remote.server import Server
from app.models.remote.thoughts import Thoughts
from app.models.remote.wire import chunk_of, logprobs_of, message_of, usage_of, wire_messages
from app.models.tally import counted
from terakoya.errors import BadInput

_SENT = frozenset(
    {
        "temperature",
        "top_p",
        "seed",
        "response_format",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "model",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "user",
        "reasoning_effort",
    }
)
_OURS = frozenset({"max_tokens", "schema", "timeout", "stream"})
_NEWEST = "api.openai.com"
"""It calls the longest answer `max_completion_tokens`, and refuses the older name for newer models."""

Method = Literal["json_schema", "function_calling", "json_mode"]


class RemoteChatModel(BaseChatModel):
    """A chat model that a `Server` has.

    Controls can be given anew for one call, as keyword arguments of `invoke` or `stream`, by the names of OpenAI's
    API; so can `timeout` in seconds, and `schema`, a JSON schema for the answer. Others are refused (`BadInput`,
    `remote_option`). What is None is not sent, and the server decides.

    What the model thought before it answered stands in `additional_kwargs["reasoning_content"]`. `logprobs` asks for
    the log-probability of each token, as far as the server knows it: one that refuses such requests is asked without.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True)

    server: Server = Field(exclude=True, repr=False)
    model_name: str = Field(alias="model")
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop_sequences: list[str] = Field(default_factory=list, alias="stop")
    timeout: float | None = None
    max_retries: int | None = None
    logprobs: bool = False
    _refuses_logprobs: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "terakoya-remote"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            "model_name": self.model_name,
            "url": self.server.endpoint.url,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider="openai-compatible",
            ls_model_name=kwargs.get("model", self.model_name),
            ls_model_type="chat",
        )
        if (temperature := kwargs.get("temperature", self.temperature)) is not None:
            params["ls_temperature"] = temperature
        if (max_tokens := kwargs.get("max_tokens", self.max_tokens)) is not None:
            params["ls_max_tokens"] = max_tokens
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
        request = self._request(messages, stop, kwargs)
        thoughts = Thoughts()
        usage: Mapping[str, Any] = {}
        finish = ""
        tokens: list[Mapping[str, Any]] = []
        for raw in self._asked(self.server.stream, request, kwargs):
            usage = raw.get("usage") or usage
            tokens += logprobs_of(raw)
            message, ended = chunk_of(raw, thoughts)
            finish = ended or finish
            if message is not None:
                chunk = ChatGenerationChunk(message=message)
                if run_manager:
                    run_manager.on_llm_new_token(message.text, chunk=chunk)
                yield chunk
        answer, thought = thoughts.finish()
        last = AIMessageChunk(
            content=answer,
            additional_kwargs={"reasoning_content": thought} if thought else {},
            usage_metadata=counted(usage_of(usage)),
            response_metadata=self._metadata(request["model"], finish or "stop", tokens),
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
        request = self._request(messages, stop, kwargs)
        [reply] = self._asked(self._complete, request, kwargs)
        message, finish = message_of(reply)
        message.usage_metadata = counted(usage_of(reply.get("usage") or {}))
        message.response_metadata = self._metadata(request["model"], finish, logprobs_of(reply))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools that it may call.

        Args:
            tools: Whatever LangChain takes for a tool.
            tool_choice: `any`, `required` or True for one of them, the name of one, `auto` or `none`.
            kwargs: Passed on with each call.
        """
        given = [convert_to_openai_tool(tool) for tool in tools]
        if tool_choice:
            names = {tool["function"]["name"] for tool in given}
            if tool_choice in ("any", "required", True):
                tool_choice = "required"
            elif isinstance(tool_choice, str) and tool_choice in names:
                tool_choice = {"type": "function", "function": {"name": tool_choice}}
            kwargs["tool_choice"] = tool_choice
        return cast(Runnable[LanguageModelInput, AIMessage], self.bind(tools=given, **kwargs))

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """The model with answers that follow a schema.

        Args:
            schema: A pydantic class, a TypedDict or a JSON schema.
            method: `json_schema` lets the server hold the answer to it; `function_calling` takes it from a
                tool call; `json_mode` asks for any JSON, and the prompt has to say which.
            include_raw: Give `raw`, `parsed` and `parsing_error` instead of the answer alone.
            kwargs: Passed on with each call.
        """
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        wanted = convert_to_json_schema(schema)
        form: dict[str, Any] = {"type": "json_object"}
        if method == "json_schema":
            name = "".join(c if c.isalnum() else "_" for c in str(wanted.get("title", "answer")))[:64]
            form = {"type": "json_schema", "json_schema": {"name": name, "schema": wanted}}
        model = self.bind(
            response_format=form,
            ls_structured_output_format={"kwargs": {"method": method}, "schema": wanted},
            **kwargs,
        )
        parser: Any = (
            PydanticOutputParser(pydantic_object=schema)
            if isinstance(schema, type) and is_basemodel_subclass(schema)
            else JsonOutputParser()
        )
        if not include_raw:
            return cast(Runnable[LanguageModelInput, Any], model | parser)
        parsed = RunnablePassthrough.assign(
            parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
        ).with_fallbacks([RunnablePassthrough.assign(parsed=lambda _: None)], exception_key="parsing_error")
        return RunnableMap(raw=model) | parsed

    def get_num_tokens(self, text: str) -> int:
        """About how many tokens `text` has: the server has the tokenizer.

        Four ASCII characters to a token, and one of any other: for Japanese rather too many than too few.
        """
        ascii_only = sum(character.isascii() for character in text)
        return -(-ascii_only // 4) + len(text) - ascii_only

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """About how many tokens the conversation has, four of them for the frame of each message."""
        return sum(self.get_num_tokens(str(message.text)) + 4 for message in messages)

    def _complete(self, request: Mapping[str, Any], **limits: Any) -> Iterator[Mapping[str, Any]]:
        yield self.server.complete(request, **limits)

    def _asked(
        self,
        ask: Callable[..., Iterator[Mapping[str, Any]]],
        request: dict[str, Any],
        given: Mapping[str, Any],
    ) -> Iterator[Mapping[str, Any]]:
        """What `ask` gives; where the server refuses log-probabilities that no caller insists on, without them."""
        limits = {"timeout": self._seconds(given), "tries": self._tries}
        try:
            yield from ask(request, **limits)
        except RemoteRefused as error:
            if error.key != "remote_refused" or "logprobs" in given or not request.pop("logprobs", False):
                raise
            yield from ask(request, **limits)
            self._refuses_logprobs = True

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        for name in given:
            if name not in _SENT and name not in _OURS:
                raise BadInput("remote_option", name=name)
        longest = given.get("max_tokens", self.max_tokens)
        newest = self.server.endpoint.host == _NEWEST
        whole = {
            "model": self.model_name,
            "messages": wire_messages(messages),
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "logprobs": (self.logprobs and not self._refuses_logprobs) or None,
            "max_completion_tokens" if newest else "max_tokens": longest,
            "stop": (stop if stop is not None else self.stop_sequences) or None,
            **{name: value for name, value in given.items() if name in _SENT},
        }
        if given.get("schema"):
            inner = {"name": "answer", "schema": dict(given["schema"])}
            whole["response_format"] = {"type": "json_schema", "json_schema": inner}
        return {name: value for name, value in whole.items() if value is not None}

    def _seconds(self, given: Mapping[str, Any]) -> float | None:
        return cast(float | None, given.get("timeout", self.timeout))

    @property
    def _tries(self) -> int | None:
        return None if self.max_retries is None else self.max_retries + 1

    def _metadata(self, model: str, finish: str, tokens: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "model_name": model,
            "model_provider": "openai-compatible",
            "finish_reason": finish,
        }
        if tokens:
            metadata["logprobs"] = {"content": list(tokens)}
        return metadata
