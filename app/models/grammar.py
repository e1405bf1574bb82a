"""GBNF grammars and JSON schemas that an output must follow."""

import ctypes
import json
import re
from collections.abc import Mapping
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp.llama_grammar import json_schema_to_gbnf
from numpy.typing import NDArray

from app.models.native import ModelError, NativeModel
from app.models.schemas import bounded

_DEEPEST = 100
_MOST_REPEATS = 2000
_ANY, _PRINTABLE = r'[^"\\]', r'[^"\\\x00-\x1F\x7F]'
"""What stands in a string of llama-cpp-python's rules, and of JSON (RFC 8259, 7), which has no bare line breaks."""
_ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Grammar:
    """A grammar on its way through one output.

    Args:
        model: Whose tokens it rules over.
        rules: GBNF with a rule `root`.

    Raises:
        ModelError: `grammar_refused`.
    """

    def __init__(self, model: NativeModel, rules: str) -> None:
        model.forget_complaints()
        self._native = llama_cpp.llama_sampler_init_grammar(model.vocabulary, rules.encode(), b"root")
        if not self._native:
            raise ModelError("grammar_refused", reason=model.reason())
        self._entries = np.zeros(model.vocabulary_size, dtype=_ENTRY)
        self._one = np.zeros(1, dtype=_ENTRY)

    def allows(self, token: int) -> bool:
        """Whether the token may come next."""
        self._one["id"] = token
        self._one["logit"] = 0
        self._apply(self._one)
        return bool(np.isfinite(self._one["logit"][0]))

    def rule_out(self, logits: NDArray[np.float32]) -> None:
        """Sets all logits to minus infinity that may not come next."""
        self._entries["id"] = np.arange(len(logits), dtype=np.int32)
        self._entries["logit"] = 0
        self._apply(self._entries)
        logits[~np.isfinite(self._entries["logit"])] = -np.inf

    def accept(self, token: int) -> None:
        """The token came. Only for one that is allowed: llama.cpp ends the process otherwise."""
        llama_cpp.llama_sampler_accept(self._native, token)

    def close(self) -> None:
        """Frees it."""
        if self._native:
            llama_cpp.llama_sampler_free(self._native)
            self._native = None

    def _apply(self, entries: NDArray[Any]) -> None:
        found = llama_cpp.llama_token_data_array(
            data=entries.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data)),
            size=len(entries),
            selected=-1,
            sorted=False,
        )
        llama_cpp.llama_sampler_apply(self._native, ctypes.byref(found))


def schema_rules(schema: Mapping[str, Any]) -> str:
    """GBNF of a JSON schema, with bounds where it has none.

    Raises:
        ModelError: `schema_refused`.
    """
    try:
        return str(json_schema_to_gbnf(json.dumps(bounded(schema)))).replace(_ANY, _PRINTABLE)
    except RecursionError:
        raise ModelError("schema_refused", reason="it is nested too deeply") from None
    except Exception as error:
        raise ModelError("schema_refused", reason=str(error) or type(error).__name__) from None


def checked_rules(rules: str) -> str:
    """A caller's rules, unless llama.cpp's parser would not survive them.

    Raises:
        ModelError: `grammar_refused`.
    """
    if problem := _unsafe(rules):
        raise ModelError("grammar_refused", reason=problem)
    return rules


def _unsafe(rules: str) -> str | None:
    """What llama.cpp's parser would not survive, or would spend gigabytes on."""
    plain = re.sub(r'"(?:\\.|[^"\\\n])*"|\[(?:\\.|[^\]\\\n])*\]|#[^\n]*', "", rules)
    depth = 0
    for character in plain:
        depth += (character == "(") - (character == ")")
        if depth > _DEEPEST:
            return f"it is nested deeper than {_DEEPEST}"
    for numbers in re.findall(r"\{([\d,\s]+)\}", plain):
        for number in re.findall(r"\d+", numbers):
            if len(number) > 6 or int(number) > _MOST_REPEATS:
                return f"it repeats something {number[:12]} times, more than {_MOST_REPEATS}"
    return None if re.search(r"^\s*root\s*::=", rules, re.MULTILINE) else "it has no rule `root`"
