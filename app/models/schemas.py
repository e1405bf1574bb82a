"""JSON schemas with a bound on everything that could go on for ever."""

from collections.abc import Mapping
from typing import Any

LONGEST_STRING = 400
"""Characters of a string whose schema sets no bound: a paragraph."""
MOST_ITEMS = 20
"""Items of a list whose schema sets no bound."""
_MOST_CHARACTERS, _MOST_ENTRIES = 2000, 500
"""Bounds that llama.cpp's grammars can hold: a repetition becomes that many nested rules."""
_DEEPEST = 24
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_FLAT = ("string", "number", "integer", "boolean", "null")


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with `maxLength` and `maxItems` where it has none, and a fixed depth for "any object".

    Raises:
        ValueError: It is nested too deeply.
    """
    return _bounded(schema, 0)


def _bounded(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError(f"it is nested deeper than {_DEEPEST}")
    result = dict(schema)
    kind = schema.get("type")
    fixed = any(name in schema for name in ("enum", "const", "pattern", "format", "$ref"))
    if kind == "string" and not fixed:
        least = min(int(schema.get("minLength", 0)), _MOST_CHARACTERS)
        most = int(schema.get("maxLength", max(LONGEST_STRING, least)))
        result["maxLength"] = min(most, _MOST_CHARACTERS)
        if least:
            result["minLength"] = least
    if kind == "array":
        least = min(int(schema.get("minItems", 0)), _MOST_ENTRIES)
        result["maxItems"] = min(int(schema.get("maxItems", max(MOST_ITEMS, least))), _MOST_ENTRIES)
        if least:
            result["minItems"] = least
        if "items" not in schema and "prefixItems" not in schema:
            result["items"] = {"type": "string"}
    if kind == "object" and "properties" not in schema and schema.get("additionalProperties") in (None, True):
        # Any object, then: of texts and numbers, or it could nest for ever.
        result["additionalProperties"] = {"anyOf": [{"type": name} for name in _FLAT]}
    for name in _NAMED:
        if isinstance(result.get(name), Mapping):
            result[name] = {key: _inner(value, depth) for key, value in result[name].items()}
    for name in _LISTED:
        if isinstance(result.get(name), list):
            result[name] = [_inner(value, depth) for value in result[name]]
    for name in ("items", "additionalProperties"):
        if name in result:
            result[name] = _inner(result[name], depth)
    return result


def _inner(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return _bounded(value, depth + 1)
    return [_inner(entry, depth) for entry in value] if isinstance(value, list) else value
