"""The header of a GGUF file: enough to refuse a wrong file and to foretell its memory.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little endian.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.models.footprint import Footprint
from terakoya.errors import BadInput

MAGIC = b"GGUF"
_SMALLEST = 32
"""Bytes of the fixed header and the shortest thing that can follow it."""
_LONGEST_TEXT = 1 << 24
_MOST_ENTRIES = 1 << 16
_MOST_ITEMS = 1 << 24
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING = 8
_ARRAY = 9
_TOKENS = "tokenizer.ggml.tokens"
_STATE_BYTES = 4
_KEY_VALUE_BYTES = 2  # the cache holds 16-bit floats unless told otherwise

_WHOLE_FILES = {0: "F32", 1: "F16", 32: "BF16"}
_QUANTIZATIONS = {
    2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 21: "Q2_K_S",
    22: "IQ3_XS", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 30: "IQ4_XS", 38: "MXFP4",
}  # fmt: skip
"""Names of `general.file_type`, llama.cpp's `llama_ftype`."""

_Value = bool | int | float | str | tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF file says of itself.

    Attributes:
        path: The file.
        size: Bytes on disk.
        architecture: Family of the model, `llama`, `qwen3` ...
        name: Name that its makers gave it, or the file's stem.
        context: Tokens of the context that it was trained for; 0 where it does not say.
        file_type: llama.cpp's number for the quantisation; -1 where it does not say.
        cache_per_token: Bytes of the key-value cache for one token of context, an estimate: models with
            sliding windows need less.
        vocabulary: Number of tokens that it knows.
        embedding: Length of its embeddings.
        heads: Heads that ask in a layer, the most of any layer.
        state: Bytes of the state that its recurrent layers keep for one sequence.
        quantization: How its weights are stored, `Q4_K_M`, `F16` ...; empty where it does not say.
    """

    path: Path
    size: int
    architecture: str
    name: str
    context: int
    file_type: int
    cache_per_token: int
    vocabulary: int
    embedding: int
    heads: int
    state: int
    quantization: str

    @property
    def quantized(self) -> bool:
        """Whether its weights are stored in less than 16 bits, as far as it says."""
        return self.quantization not in ("", *_WHOLE_FILES.values())

    @property
    def footprint(self) -> Footprint:
        """What running it takes."""
        return Footprint(
            weights=self.size,
            cache_per_token=self.cache_per_token,
            vocabulary=self.vocabulary,
            embedding=self.embedding,
            context=self.context,
            heads=self.heads,
            state=self.state,
        )

    @property
    def kind(self) -> str:
        """Architecture and quantisation."""
        return f"{self.architecture} {self.file_type}"


def read_header(path: Path) -> GgufHeader:
    """Reads the header of the GGUF file at `path`.

    Raises:
        BadInput: `model_missing`, `model_not_gguf`, or `model_broken` where the header is damaged.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise BadInput("model_not_gguf", path=path)
        with path.open("rb") as file:
            if size < _SMALLEST or file.read(4) != MAGIC:
                raise BadInput("model_not_gguf", path=path)
            values = _Reader(file, size).entries()
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise BadInput("model_missing", path=path) from None
        raise BadInput("model_broken", path=path, reason=error.strerror or error) from None
    except (EOFError, ValueError, UnicodeDecodeError) as error:
        raise BadInput("model_broken", path=path, reason=error) from None
    architecture = str(values.get("general.architecture") or "")
    return GgufHeader(
        path=path,
        size=size,
        architecture=architecture,
        name=str(values.get("general.name") or path.stem),
        context=_integer(values.get(f"{architecture}.context_length")),
        file_type=file_type if isinstance(file_type := values.get("general.file_type"), int) else -1,
        cache_per_token=_cache_per_token(values, architecture),
        vocabulary=_integer(values.get(_TOKENS)),
        embedding=_integer(values.get(f"{architecture}.embedding_length")),
        heads=_heads(values, architecture),
        state=_state(values, architecture),
        quantization=(_WHOLE_FILES | _QUANTIZATIONS).get(_integer(values.get("general.file_type", -1)), "")
        if "general.file_type" in values
        else "",
    )


def _cache_per_token(values: dict[str, _Value], architecture: str) -> int:
    per_layer = _cached_heads(values, architecture)
    length = _integer(values.get(f"{architecture}.embedding_length")) // max(_heads(values, architecture), 1)
    key = _integer(values.get(f"{architecture}.attention.key_length")) or length
    value = _integer(values.get(f"{architecture}.attention.value_length")) or length
    return sum(per_layer) * (key + value) * _KEY_VALUE_BYTES


def _cached_heads(values: dict[str, _Value], architecture: str) -> list[int]:
    heads = values.get(f"{architecture}.attention.head_count")
    cached = values.get(f"{architecture}.attention.head_count_kv", heads)
    layers = _cached_layers(values, architecture)
    return [max(0, each) for each in cached] if isinstance(cached, tuple) else [_integer(cached)] * layers


def _state(values: dict[str, _Value], architecture: str) -> int:
    """As llama.cpp reckons it: what the convolution looks back at, and the state itself, in 32 bits."""

    def figure(name: str) -> int:
        return _integer(values.get(f"{architecture}.{name}"))

    inner, width = figure("ssm.inner_size"), figure("ssm.state_size")
    behind = max(figure("ssm.conv_kernel") - 1, 0) * (inner + 2 * figure("ssm.group_count") * width)
    short = max(figure("shortconv.l_cache") - 1, 0) * figure("embedding_length")
    attending = sum(1 for heads in _cached_heads(values, architecture) if heads)
    return max(figure("block_count") - attending, 0) * (behind + inner * width + short) * _STATE_BYTES


def _heads(values: dict[str, _Value], architecture: str) -> int:
    heads = values.get(f"{architecture}.attention.head_count")
    return max((0, *heads)) if isinstance(heads, tuple) else _integer(heads)


def _cached_layers(values: dict[str, _Value], architecture: str) -> int:
    """Layers with a key-value cache of their own: others are recurrent, or share that of another."""
    layers = _integer(values.get(f"{architecture}.block_count"))
    every = _integer(values.get(f"{architecture}.full_attention_interval"))
    shared = _integer(values.get(f"{architecture}.attention.shared_kv_layers"))
    return -(-layers // every) if every else max(layers - shared, 0)


def _integer(value: _Value) -> int:
    return max(value, 0) if isinstance(value, int) else 0


class _Reader:
    """Reads the key-value section; every length is checked, since the file may be anyone's."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def entries(self) -> dict[str, _Value]:
        version = self._number("I")
        if version not in (2, 3):
            raise ValueError(f"GGUF version {version}")
        self._number("Q")  # how many tensors
        count = self._number("Q")
        if count > _MOST_ENTRIES:
            raise ValueError(f"{count} entries in its header")
        return {self._text(): self._value(self._number("I")) for _ in range(count)}

    def _bytes(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise EOFError("the file ends inside its header")
        return data

    def _number(self, code: str) -> int:
        (value,) = struct.unpack(f"<{code}", self._bytes(struct.calcsize(code)))
        return int(value)

    def _text(self) -> str:
        length = self._number("Q")
        if length > min(_LONGEST_TEXT, self._size):
            raise ValueError(f"a text of {length} bytes in its header")
        return self._bytes(length).decode("utf-8", "replace")

    def _value(self, kind: int) -> _Value:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array()  # of texts, only how many there are
        if kind not in _SCALARS:
            raise ValueError(f"a value of unknown type {kind} in its header")
        code = _SCALARS[kind]
        (value,) = struct.unpack(f"<{code}", self._bytes(struct.calcsize(code)))
        return value  # type: ignore[no-any-return]

    def _array(self) -> _Value:
        kind = self._number("I")
        count = self._number("Q")
        if count > _MOST_ITEMS:
            raise ValueError(f"an array of {count} items in its header")
        if kind in (_STRING, _ARRAY):
            for _ in range(count):
                self._value(kind)
            return count
        if kind not in _SCALARS:
            raise ValueError(f"a value of unknown type {kind} in its header")
        code = _SCALARS[kind]
        data = self._bytes(count * struct.calcsize(code))
        return tuple(int(x) for x in struct.unpack(f"<{count}{code}", data)) if code not in "fd" else None
