"""Arguments of a tool against its JSON Schema, and that schema as a grammar can follow it."""

from collections.abc import Mapping
from typing import Any, Final

from terakoya.errors import BadInput
from terakoya.protocols import Tool

_DEEPEST: Final = 12
_LONGEST_TEXT: Final = 400
_MOST_ITEMS: Final = 16
_LEFT_OUT: Final = frozenset(
    {
        "$schema",
        "$id",
        "pattern",
        "patternProperties",
        "format",
        "examples",
        "title",
        "description",
        "default",
    }
)
"""`pattern` too: the expression comes from a server, and may take for ever. The server checks it for itself."""


def check_arguments(tool: Tool, arguments: object) -> dict[str, Any]:
    """The arguments, when they follow the tool's schema.

    Raises:
        BadInput: `tool_arguments`: they do not; the error says which.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if not isinstance(arguments, Mapping):
        raise BadInput("tool_arguments", tool=tool.name, reason=f"{str(arguments)[:80]!r} is no JSON object")
    given = dict(arguments)
    try:
        schema = plain_schema(tool.parameters)
        # an empty registry: a `$ref` of a server's schema must not make this process fetch anything
        Draft202012Validator(schema, registry=Registry()).validate(given)
    except ValidationError as error:
        where = "".join(f"/{step}" for step in error.absolute_path)
        reason = f"{where}: {error.message}" if where else error.message
        raise BadInput("tool_arguments", tool=tool.name, reason=reason[:300]) from None
    except (SchemaError, UnknownType, Unresolvable, RecursionError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput("tool_schema", tool=tool.name, reason=reason) from None
    return given


def plain_schema(schema: Mapping[str, Any], *, bounded: bool = False) -> dict[str, Any]:
    """A server's schema without what is not needed to check arguments.

    Args:
        schema: As the server gives it.
        bounded: With a limit on every text and list, so that a model that is held to it comes to an end.
    """
    made = _plain(schema, 0, bounded)
    return made if isinstance(made, dict) else {"type": "object"}


def _plain(part: Any, depth: int, bounded: bool) -> Any:
    if depth > _DEEPEST:
        return {}
    if isinstance(part, list):
        return [_plain(item, depth + 1, bounded) for item in part]
    if not isinstance(part, Mapping):
        return part
    made: dict[str, Any] = {}
    for name, value in part.items():
        if name in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
            made[name] = {key: _plain(each, depth + 1, bounded) for key, each in value.items()}
        elif name in ("enum", "const", "required"):
            made[name] = value
        elif name not in _LEFT_OUT:
            made[name] = _plain(value, depth + 1, bounded)
    if bounded:
        if made.get("type") == "string" and not {"enum", "const"} & made.keys():
            made["maxLength"] = min(made.get("maxLength", _LONGEST_TEXT), _LONGEST_TEXT)
        if made.get("type") == "array":
            made["maxItems"] = min(made.get("maxItems", _MOST_ITEMS), _MOST_ITEMS)
        if made.get("type") == "object" and "properties" in made:
            made["additionalProperties"] = False
    return made
