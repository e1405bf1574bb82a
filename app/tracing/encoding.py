"""Any value as compact JSON of bounded length, without ever raising."""

import dataclasses
import enum
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

MAX_TEXT: Final = 32_000
"""Characters of JSON kept of one field; what is longer is cut and becomes a string."""

_MAX_DEPTH: Final = 12
_MAX_ITEMS: Final = 1_000


def encode(value: object, *, limit: int = MAX_TEXT) -> str:
    """`value` as one line of valid JSON, of about `limit` characters at most.

    What JSON does not know becomes a mapping, a list or its `repr`. NaN and infinities become strings.
    """
    if type(value) is str and len(value) > limit:
        value = _cut(value, limit)
    try:
        text = _FAST(value)
    except Exception:  # circular, NaN, odd keys, too deep, or a broken __dict__: the careful way copes
        text = _careful(value)
    return text if len(text) <= limit + 64 else _FAST(_cut(text, limit))


def _careful(value: object) -> str:
    try:
        return _FAST(_tidy(value, 0))
    except Exception:  # RecursionError in a __repr__, or a value that changes under our hands
        return _FAST(_fallback(value))


def _cut(text: str, limit: int) -> str:
    return f"{text[:limit]}… [{len(text)} characters]"


def _fallback(value: object) -> str:
    try:
        return _cut(text, MAX_TEXT) if len(text := repr(value)) > MAX_TEXT else text
    except Exception:
        return f"<{type(value).__name__}>"


def _shape(value: object) -> Any:
    """A mapping, list or plain value that says the same; one level only."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.repr}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(islice(value.items(), _MAX_ITEMS))
    if isinstance(value, set | frozenset):
        return list(islice(value, _MAX_ITEMS))
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    for method in ("model_dump", "tolist"):  # pydantic models, langchain messages; numpy arrays, scalars
        convert = getattr(type(value), method, None)
        if callable(convert):
            return convert(value)
    return _fallback(value)


def _default(value: object) -> Any:
    try:
        return _shape(value)
    except Exception:
        return _fallback(value)


_FAST = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_default, allow_nan=False).encode


def _tidy(value: object, depth: int) -> Any:
    """A copy made of dicts with string keys, lists and plain values, cut at a depth."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 10**300 else "<huge integer>"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if depth >= _MAX_DEPTH:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else _fallback(key): _tidy(item, depth + 1)
            for key, item in islice(value.items(), _MAX_ITEMS)
        }
    if isinstance(value, list | tuple):
        return _tidy_items(value, depth)
    shape = _default(value)
    return _fallback(value) if shape is value else _tidy(shape, depth + 1)


def _tidy_items(values: Iterable[object], depth: int) -> list[Any]:
    return [_tidy(item, depth + 1) for item in islice(values, _MAX_ITEMS)]
