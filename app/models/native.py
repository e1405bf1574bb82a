"""llama.cpp, through the low-level calls of llama-cpp-python. Imported by the worker process alone.

The low-level calls rather than the class `Llama`: that class cannot switch extra buffer types off, cannot
be stopped inside a prefill, and keeps one sequence only.
"""

import ctypes
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_grammar import json_schema_to_gbnf

from app.models.pieces import Pieces
from app.models.sampling import Sampling

_BATCH = 512
_WARNING, _ERROR = 3, 4  # ggml_log_level
_CONTROL = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

FinishReason = Literal["stop", "length", "cancelled"]


class ModelError(Exception):
    """Something that the request or the file is to blame for; the engine turns it into a sentence."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """How a generation ended."""

    output_tokens: int
    finish_reason: FinishReason


class NativeModel:
    """One model with one context.

    Raises:
        ModelError: `load_failed`, with llama.cpp's own words in `reason`.
    """

    def __init__(self, path: str, *, context_tokens: int, threads: int) -> None:
        self._complaints: list[str] = []
        self._log = llama_cpp.llama_log_callback(self._hear)
        llama_cpp.llama_log_set(self._log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()

        model_params = llama_cpp.llama_model_default_params()
        # On CPUs with AMX the extra buffer types crash at the first batch (llama.cpp#20824).
        model_params.use_extra_bufts = False
        model = llama_cpp.llama_model_load_from_file(path.encode(), model_params)
        if not model:
            raise ModelError("load_failed", reason=self._reason())
        self._model = model
        self._vocabulary = llama_cpp.llama_model_get_vocab(model)

        trained = llama_cpp.llama_model_n_ctx_train(model)
        context_params = llama_cpp.llama_context_default_params()
        context_params.n_ctx = min(context_tokens, trained) if trained > 0 else context_tokens
        context_params.n_batch = _BATCH
        context_params.n_ubatch = _BATCH
        context_params.n_threads = threads
        context_params.n_threads_batch = threads
        context = llama_cpp.llama_init_from_model(model, context_params)
        if not context:
            raise ModelError("load_failed", reason=self._reason())
        self._context = context
        # llama.cpp may round the context up; what was asked for is what is promised.
        self.context_tokens: int = min(context_params.n_ctx, llama_cpp.llama_n_ctx(context))
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        self.description = self._describe()
        self._bos = self._token_text(llama_cpp.llama_vocab_bos(self._vocabulary))
        self._control = self._control_pattern()
        self._formatter = self._chat_formatter()

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Tokens of a conversation in the model's chat template, ready for its answer.

        Texts of control tokens inside messages are broken up with a space: notes must not be able to close
        a turn or open another.

        Raises:
            ModelError: `template_failed`: the template cannot render these messages.
        """
        safe = [{**message, "content": self._disarm(message["content"])} for message in messages]
        try:
            text = self._render(safe)
        except Exception as first:
            # Some templates (Gemma's) refuse the system role.
            merged = _without_system(safe)
            if merged == safe:
                raise ModelError("template_failed", reason=first) from None
            try:
                text = self._render(merged)
            except Exception as error:
                raise ModelError("template_failed", reason=error) from None
        add_bos = llama_cpp.llama_vocab_get_add_bos(self._vocabulary) and not (
            self._bos and text.startswith(self._bos)
        )
        return self.tokenize(text, add_special=add_bos, parse_special=True)

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> list[int]:
        """Tokens of `text`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(
            self._vocabulary, data, len(data), tokens, room, add_special, parse_special
        )
        if count < 0:
            raise ModelError("tokenize_failed", reason=f"{-count} tokens for {len(data)} bytes")
        return list(tokens[:count])

    def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        seed: int,
        emit: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Generated:
        """Continues `prompt`, passing whole characters to `emit` as they are certain.

        Raises:
            ModelError: `prompt_too_long`, before anything is evaluated; `schema_refused`; `decode_failed`.
        """
        if len(prompt) >= self.context_tokens:
            raise ModelError("prompt_too_long", tokens=len(prompt), context=self.context_tokens)
        self._complaints = []
        sampler = self._sampler(sampling, seed)
        try:
            return self._generate(prompt, sampling, sampler, emit, cancelled)
        finally:
            llama_cpp.llama_sampler_free(sampler)

    def _generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        sampler: Any,
        emit: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Generated:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), False)
        if not self._prefill(prompt, cancelled):
            return Generated(output_tokens=0, finish_reason="cancelled")
        room = min(sampling.max_tokens, self.context_tokens - len(prompt))
        pieces = Pieces(sampling.stop)
        finish: FinishReason = "length"
        produced = 0
        while produced < room:
            if cancelled():
                finish = "cancelled"
                break
            token = llama_cpp.llama_sampler_sample(sampler, self._context, -1)
            if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
                finish = "stop"
                break
            produced += 1
            if text := pieces.feed(self._token_bytes(token)):
                emit(text)
            if pieces.stopped:
                finish = "stop"
                break
            if produced < room:
                self._decode([token])
        if rest := pieces.finish():
            emit(rest)
        return Generated(output_tokens=produced, finish_reason=finish)

    def _prefill(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
        """Evaluates the prompt; False when it was cancelled on the way."""
        # Asked between graph nodes: too dear for every token, cheap for a batch that may take seconds.
        asked = llama_cpp.ggml_abort_callback(lambda _: cancelled())
        llama_cpp.llama_set_abort_callback(self._context, asked, ctypes.c_void_p(0))
        try:
            for start in range(0, len(prompt), _BATCH):
                if cancelled() or not self._decode(prompt[start : start + _BATCH]):
                    return False
        finally:
            llama_cpp.llama_set_abort_callback(
                self._context, llama_cpp.ggml_abort_callback(), ctypes.c_void_p(0)
            )
        return True

    def _decode(self, tokens: Sequence[int]) -> bool:
        """Evaluates tokens at the end of the sequence; False when the abort callback said so."""
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        code = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(array, len(tokens)))
        if code not in (0, 2):
            raise ModelError("decode_failed", reason=f"llama_decode gave {code}: {self._reason()}")
        return bool(code == 0)

    def _sampler(self, sampling: Sampling, seed: int) -> Any:
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        steps: list[Any] = []
        if sampling.schema is not None:
            steps.append(self._grammar(sampling.schema))
        if sampling.temperature == 0:
            steps.append(llama_cpp.llama_sampler_init_greedy())
        else:
            steps.append(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
            steps.append(llama_cpp.llama_sampler_init_temp(sampling.temperature))
            steps.append(llama_cpp.llama_sampler_init_dist(seed))
        for step in steps:
            llama_cpp.llama_sampler_chain_add(chain, step)
        return chain

    def _grammar(self, schema: Mapping[str, Any]) -> Any:
        try:
            rules = json_schema_to_gbnf(json.dumps(schema))
        except Exception as error:
            raise ModelError("schema_refused", reason=error) from None
        grammar = llama_cpp.llama_sampler_init_grammar(self._vocabulary, rules.encode(), b"root")
        if not grammar:
            raise ModelError("schema_refused", reason=self._reason())
        return grammar

    def _render(self, messages: Sequence[Mapping[str, str]]) -> str:
        return str(self._formatter(messages=list(messages)).prompt)

    def _chat_formatter(self) -> Any:
        template = llama_cpp.llama_model_chat_template(self._model, None)
        try:
            return Jinja2ChatFormatter(
                template=template.decode("utf-8", "replace") if template else _CHATML,
                eos_token=self._token_text(llama_cpp.llama_vocab_eos(self._vocabulary)),
                bos_token=self._bos,
            )
        except Exception as error:
            raise ModelError("load_failed", reason=f"its chat template: {error}") from None

    def _disarm(self, text: str) -> str:
        if self._control is None:
            return text
        return self._control.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)

    def _control_pattern(self) -> re.Pattern[str] | None:
        texts = {
            self._token_text(token)
            for token in range(self.vocabulary_size)
            if llama_cpp.llama_vocab_get_attr(self._vocabulary, token) & _CONTROL
        }
        ordered = sorted((text for text in texts if len(text) > 1), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def _token_text(self, token: int) -> str:
        if token < 0:
            return ""
        return str(llama_cpp.llama_vocab_get_text(self._vocabulary, token).decode("utf-8", "replace"))

    def _token_bytes(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def _describe(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self._model, buffer, 256)
        return buffer.value.decode("utf-8", "replace")

    def _hear(self, level: int, text: bytes, _: object) -> None:
        line = text.decode("utf-8", "replace")
        if level in (_WARNING, _ERROR):
            sys.stderr.write(line)
        if level == _ERROR:
            self._complaints = [*self._complaints[-4:], line.strip()]

    def _reason(self) -> str:
        """What llama.cpp said first, without the name of the function that said it."""
        first = next((line for line in self._complaints if line), "llama.cpp gave no reason")
        return first.rpartition("error loading model: ")[2]


def _without_system(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The system texts put in front of the first message of the user."""
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    rest = [dict(message) for message in messages if message["role"] != "system"]
    for message in rest:
        if system and message["role"] == "user":
            message["content"] = f"{system}\n\n{message['content']}"
            break
    return rest
