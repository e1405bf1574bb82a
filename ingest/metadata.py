"""Conditions on the metadata of a document, as SQL over its JSON.

A condition is a mapping, as MongoDB and most vector stores write it: `{"year": 2026, "lang": {"$in": ["ja"]}}`.
Several keys must all hold. An operator compares with values of the same kind only: a number with numbers, a
text with texts. A document without the key fails every comparison, and so passes `$ne` and `$nin`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from terakoya.errors import BadValue

_ORDER: Final = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_NUMBERS: Final = "('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')"


class Condition:
    """One condition as SQL, with its parameters.

    Attributes:
        sql: An expression that is never NULL.
        values: What its parameters stand for.

    Raises:
        BadValue: An operator is not known, or a value cannot be compared with.
    """

    def __init__(self, wanted: Mapping[str, Any], column: str = "metadata") -> None:
        self._column = column
        self.values: dict[str, object] = {}
        self.sql = self._all(wanted)

    def _bound(self, value: str | float) -> str:
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise BadValue("filter_value", name=ascii(value), value=value)
        name = f"where{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def _all(self, wanted: Mapping[str, Any]) -> str:
        return self._joined(" AND ", "true", [self._key(key, value) for key, value in wanted.items()])

    def _joined(self, by: str, empty: str, parts: Sequence[str]) -> str:
        return f"({by.join(parts)})" if parts else empty

    def _key(self, key: str, value: Any) -> str:
        if key in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise BadValue("filter_value", name=key, value=value)
            parts = [self._all(_mapping(key, each)) for each in value]
            return self._joined(" AND " if key == "$and" else " OR ", str(key == "$and").lower(), parts)
        if key == "$not":
            return f"NOT {self._all(_mapping(key, value))}"
        if key.startswith("$"):
            raise BadValue(
                "filter_operator", operator=key, known=", ".join([*_OPERATORS, "$and", "$or", "$not"])
            )
        pointer = "/" + key.replace("~", "~0").replace("/", "~1")
        if not isinstance(value, Mapping):
            return self._compared(pointer, "$eq", value)
        return self._joined(
            " AND ", "true", [self._compared(pointer, operator, each) for operator, each in value.items()]
        )

    def _compared(self, pointer: str, operator: str, value: Any) -> str:
        if operator not in _OPERATORS:
            raise BadValue("filter_operator", operator=operator, known=", ".join(_OPERATORS))
        return _OPERATORS[operator](self, pointer, operator, value)

    def _ordered(self, pointer: str, operator: str, value: Any) -> str:
        at = self._bound(pointer)
        kind = f"json_type({self._column}, {at})"
        found = f"json_extract_string({self._column}, {at})"
        sign = _ORDER[operator]
        if value is None and operator == "$eq":
            return f"coalesce({kind} = 'NULL', false)"
        if isinstance(value, bool) and operator == "$eq":
            return f"coalesce({kind} = 'BOOLEAN' AND {found} = {self._bound(str(value).lower())}, false)"
        if isinstance(value, str):
            return f"coalesce({kind} = 'VARCHAR' AND {found} {sign} {self._bound(value)}, false)"
        if isinstance(value, int) and not isinstance(value, bool):
            # as an integer where the document has one: a DOUBLE would take neighbours for the same
            bound = self._bound(str(value))
            return (
                f"coalesce(CASE WHEN {kind} = 'DOUBLE' THEN TRY_CAST({found} AS DOUBLE) {sign} {bound}::DOUBLE"
                f" WHEN {kind} IN {_NUMBERS}"
                f" THEN TRY_CAST({found} AS HUGEINT) {sign} TRY_CAST({bound} AS HUGEINT) END, false)"
            )
        if isinstance(value, float):
            bound = self._bound(value)
            return f"coalesce({kind} IN {_NUMBERS} AND TRY_CAST({found} AS DOUBLE) {sign} {bound}::DOUBLE, false)"
        raise BadValue("filter_value", name=operator, value=value)

    def _other(self, pointer: str, operator: str, value: Any) -> str:
        return f"NOT {self._ordered(pointer, '$eq', value)}"

    def _among(self, pointer: str, operator: str, value: Any) -> str:
        if not isinstance(value, Sequence | set | frozenset) or isinstance(value, str):
            raise BadValue("filter_value", name=operator, value=value)
        either = self._joined(" OR ", "false", [self._ordered(pointer, "$eq", each) for each in value])
        return f"NOT {either}" if operator == "$nin" else either

    def _present(self, pointer: str, operator: str, value: Any) -> str:
        if not isinstance(value, bool):
            raise BadValue("filter_value", name=operator, value=value)
        return f"(json_type({self._column}, {self._bound(pointer)}) IS {'NOT ' if value else ''}NULL)"


def _mapping(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadValue("filter_value", name=key, value=value)
    return value


_OPERATORS: Final[dict[str, Callable[[Condition, str, str, Any], str]]] = {
    **dict.fromkeys(_ORDER, Condition._ordered),
    "$ne": Condition._other,
    "$in": Condition._among,
    "$nin": Condition._among,
    "$exists": Condition._present,
}
