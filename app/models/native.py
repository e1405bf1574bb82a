"""llama.cpp, through the low-level calls of llama-cpp-python. Imported by the worker process alone.

The low-level calls rather than the class `Llama`: that class cannot switch extra buffer types off, cannot
be stopped inside a prefill, and keeps one sequence only.
"""

import ctypes
import sys
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from app.models.options import ModelOptions

MOST_SEQUENCES: int = llama_cpp.llama_max_parallel_sequences()
_MOST_CELLS = 65_536
"""Attention looks at each used cell, if only to see that it is another sequence's: more cost time."""
_DRAFT = 33
"""Rows of logits that one sequence may ask for at once: a token, and a draft behind it."""
_WARNING, _ERROR = 3, 4  # ggml_log_level
_SHOWN = frozenset(
    {
        *("<think>", "</think>", "[THINK]", "[/THINK]"),
        *("<tool_call>", "</tool_call>", "<|tool_call|>", "<|/tool_call|>"),
        *("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>"),
    }
)
"""Control tokens that say what follows; of others there is nothing to show."""
_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8, "bf16": 30}  # ggml_type
_SWITCHES = {"auto": -1, "off": 0, "on": 1}  # llama_flash_attn_type
_ROPE = {"model": -1, "none": 0, "linear": 1, "yarn": 2}  # llama_rope_scaling_type


class ModelError(Exception):
    """Something that the request or the file is to blame for; the engine turns it into a sentence."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values


class Batch:
    """Tokens of several sequences for one evaluation, in memory that llama.cpp reads as it is."""

    def __init__(self, size: int) -> None:
        self._tokens = np.zeros(size, dtype=np.int32)
        self._positions = np.zeros(size, dtype=np.int32)
        self._counts = np.ones(size, dtype=np.int32)
        self._sequences = np.zeros(size, dtype=np.int32)
        self._wanted = np.zeros(size, dtype=np.int8)
        self._places = (self._sequences.ctypes.data + 4 * np.arange(size)).astype(np.uintp)
        self.native: Any = llama_cpp.llama_batch()
        for name, values in (("token", self._tokens), ("pos", self._positions), ("n_seq_id", self._counts)):
            setattr(self.native, name, values.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)))
        places = ctypes.cast(self._places.ctypes.data, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)))
        batch: Any = self.native
        batch.seq_id = places
        batch.logits = self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))

    def clear(self) -> None:
        """Takes all tokens out."""
        self.native.n_tokens = 0

    def __len__(self) -> int:
        return int(self.native.n_tokens)

    def add(self, tokens: Sequence[int], *, start: int, sequence: int, wanted: int) -> int:
        """Puts tokens in, from position `start` of their sequence.

        Args:
            tokens: What is evaluated.
            start: Position of the first.
            sequence: Number of the sequence.
            wanted: How many of the last ones logits are wanted for.

        Returns:
            Row of the batch that the first of them is in.
        """
        first = len(self)
        last = first + len(tokens)
        self._tokens[first:last] = tokens
        self._positions[first:last] = np.arange(start, start + len(tokens))
        self._sequences[first:last] = sequence
        self._wanted[first : last - wanted] = 0
        self._wanted[last - wanted : last] = 1
        self.native.n_tokens = last
        return first

    def add_each(self, tokens: Sequence[int], starts: Sequence[int], sequences: Sequence[int]) -> int:
        """Puts the next token of each of several sequences in, logits wanted for all.

        Args:
            tokens: One for each.
            starts: Their positions.
            sequences: Numbers of the sequences.

        Returns:
            Row of the batch that the first of them is in.
        """
        first = len(self)
        last = first + len(tokens)
        self._tokens[first:last] = tokens
        self._positions[first:last] = starts
        self._sequences[first:last] = sequences
        self._wanted[first:last] = 1
        self.native.n_tokens = last
        return first


class NativeModel:
    """One model with one context of several sequences.

    Args:
        path: The GGUF file.
        context_tokens: Longest prompt and answer of one request together.
        cells: Tokens that all sequences may hold together.
        threads: That compute.
        options: See there.

    Raises:
        ModelError: `load_failed`, with llama.cpp's own words in `reason`.
    """

    _listener: ClassVar[Any] = None

    def __init__(
        self, path: str, *, context_tokens: int, cells: int, threads: int, options: ModelOptions
    ) -> None:
        self._complaints = threading.local()  # a grammar is read on another thread than a batch
        # llama.cpp goes on calling it when this model is gone, until another takes its place.
        NativeModel._listener = llama_cpp.llama_log_callback(self._hear)
        llama_cpp.llama_log_set(NativeModel._listener, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()

        model_params = llama_cpp.llama_model_default_params()
        # On some CPUs with AMX the extra buffer types crash at the first batch (llama.cpp#20824): see `SelfCheck`.
        model_params.use_extra_bufts = bool(options.extra_buffers)
        model = llama_cpp.llama_model_load_from_file(path.encode(), model_params)
        if not model:
            raise ModelError("load_failed", reason=self.reason())
        self.model = model
        self.vocabulary = llama_cpp.llama_model_get_vocab(model)
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(self.vocabulary)

        trained = llama_cpp.llama_model_n_ctx_train(model)
        longest = int(trained * options.growth)
        # llama.cpp may round the context up; what was asked for is what is promised.
        self.context_tokens = min(context_tokens, longest) if longest > 0 else context_tokens
        self.cells = max(self.context_tokens, min(cells, _MOST_CELLS))
        self.rewindable = not (
            llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model)
        )
        # A recurrent model keeps a whole state for each sequence, whether it is used or not.
        kept = 48 if self.rewindable else 4
        self.sequences = min(options.slots + kept, MOST_SEQUENCES)
        self.batch_tokens = max(options.batch_tokens, options.slots * 2)
        self.batch = Batch(self.batch_tokens)
        self._context = self._open(options, threads)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._abort = ctypes.create_string_buffer(2)
        self._watch_abort()
        self.description = self._describe()
        self._spellings: dict[int, bytes] = {}
        self._rows: dict[int, NDArray[np.float32]] = {}

    def _open(self, options: ModelOptions, threads: int) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = self.cells
        params.n_batch = self.batch_tokens
        params.n_ubatch = self.batch_tokens
        params.n_seq_max = self.sequences
        # Room for the logits of each token of a batch would be 300 MB with a vocabulary of 150,000.
        params.n_outputs_max = min(self.batch_tokens, max(self.sequences, _DRAFT))
        params.n_outputs_max_per_seq = min(self.batch_tokens, _DRAFT)
        params.kv_unified = True
        params.n_threads = threads
        params.n_threads_batch = threads
        params.flash_attn_type = _SWITCHES[options.flash_attention]
        params.type_k = _TYPES[options.key_type]
        params.type_v = _TYPES[options.value_type]
        params.rope_scaling_type = _ROPE[options.rope_scaling]
        params.rope_freq_base = options.rope_base
        params.rope_freq_scale = 1 / options.rope_scale if options.rope_scale else 0.0
        context = llama_cpp.llama_init_from_model(self.model, params)
        if not context:
            raise ModelError("load_failed", reason=self.reason())
        return context

    def _watch_abort(self) -> None:
        # llama.cpp asks between the operations of a batch whether to go on. In C and not in Python, which
        # would have to wait for the interpreter's lock a thousand times a token: `strlen` of a buffer that
        # holds nothing is 0, and 1 once a character stands there, which is what a C bool is made of.
        library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        asked = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        llama_cpp.llama_set_abort_callback(self._context, asked, ctypes.cast(self._abort, ctypes.c_void_p))

    def abort(self, now: bool) -> None:
        """Whether an evaluation ends between two of its operations; may be called on any thread."""
        self._abort[0] = b"\x01" if now else b"\x00"

    def evaluate(self) -> bool:
        """Evaluates the batch; False where it was aborted.

        Raises:
            ModelError: `decode_failed`.
        """
        self.forget_complaints()
        code = llama_cpp.llama_decode(self._context, self.batch.native)
        if code not in (0, 2):
            raise ModelError("decode_failed", reason=f"llama_decode gave {code}: {self.reason()}")
        return bool(code == 0)

    def logits(self, row: int) -> NDArray[np.float32]:
        """Logits for the token in that row of the last batch; valid until the next evaluation."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        if not pointer:
            raise ModelError("decode_failed", reason=f"no logits in row {row}")
        address = ctypes.addressof(pointer.contents)
        known = self._rows.get(address)
        if known is None:  # llama.cpp gives the same few addresses again and again
            known = self._rows[address] = np.ctypeslib.as_array(pointer, shape=(self.vocabulary_size,))
        return known

    def length(self, sequence: int) -> int:
        """Tokens that a sequence holds."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def copy(self, source: int, target: int, count: int) -> None:
        """Lets `target` begin with the first `count` tokens of `source`; costs no memory."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, count)

    def cut(self, sequence: int, length: int) -> bool:
        """Takes away what stands behind `length`; False where the model cannot."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def remove(self, sequence: int) -> None:
        """Forgets a sequence."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def starts_at(self, sequence: int) -> int:
        """First position that a sequence still holds; above 0 where a sliding window has moved on."""
        return int(llama_cpp.llama_memory_seq_pos_min(self._memory, sequence))

    def state_size(self, sequence: int) -> int:
        """Bytes of a sequence's state."""
        return int(llama_cpp.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int) -> NDArray[np.uint8] | None:
        """A sequence's state, None where llama.cpp cannot give it."""
        state = np.empty(self.state_size(sequence), dtype=np.uint8)
        data = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        written = llama_cpp.llama_state_seq_get_data(self._context, data, len(state), sequence)
        return state[:written] if written else None

    def restore(self, state: NDArray[np.uint8], sequence: int) -> bool:
        """Gives an empty sequence a state; False where llama.cpp cannot take it."""
        data = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        return bool(llama_cpp.llama_state_seq_set_data(self._context, data, len(state), sequence))

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> list[int]:
        """Tokens of `text`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(
            self.vocabulary, data, len(data), tokens, room, add_special, parse_special
        )
        if count < 0:
            raise ModelError("tokenize_failed", reason=f"{-count} tokens for {len(data)} bytes")
        return list(tokens[:count])

    def ends(self, token: int) -> bool:
        """Whether the token ends the output."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocabulary, token))

    def token_text(self, token: int) -> str:
        """How the vocabulary writes a token; empty for none."""
        if token < 0:
            return ""
        return str(llama_cpp.llama_vocab_get_text(self.vocabulary, token).decode("utf-8", "replace"))

    def spelling(self, token: int) -> bytes:
        """Bytes that a token stands for; none for a control token, unless it marks thoughts or calls."""
        known = self._spellings.get(token)
        if known is None:
            known = self._spellings[token] = self._spell(token)
        return known

    def _spell(self, token: int) -> bytes:
        shown = self.token_text(token) in _SHOWN
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(self.vocabulary, token, buffer, size, 0, shown)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def _describe(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self.model, buffer, 256)
        return buffer.value.decode("utf-8", "replace")

    def _hear(self, level: int, text: bytes, _: object) -> None:
        line = text.decode("utf-8", "replace")
        if level in (_WARNING, _ERROR):
            sys.stderr.write(line)
        if level == _ERROR:
            self._complaints.lines = [*self._lines()[-4:], line.strip()]

    def forget_complaints(self) -> None:
        """What llama.cpp says on this thread from now on is about something new."""
        self._complaints.lines = []

    def reason(self) -> str:
        """What llama.cpp said first on this thread, without the name of the function that said it."""
        first = next((line for line in self._lines() if line), "llama.cpp gave no reason")
        return first.rpartition("error loading model: ")[2]

    def _lines(self) -> list[str]:
        return getattr(self._complaints, "lines", [])
