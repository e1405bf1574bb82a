"""The calls of one question: how far each is, and the reducer that merges them.

A call goes through the states `chosen`, `approved`, `finished`; or it ends `refused` or `failed`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

CHOSEN: Final = "chosen"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
FAILED: Final = "failed"
FINISHED: Final = "finished"
_ORDER: Final = (CHOSEN, APPROVED, REFUSED, FAILED, FINISHED)


def merge_calls(
    calls: Mapping[str, dict[str, Any]] | None, new: Mapping[str, dict[str, Any]] | None
) -> dict[str, dict[str, Any]]:
    """Calls by id, each as far as it ever came; None empties.

    An entry replaces another if it is of a later round, or further in the same one. So merging is idempotent
    and does not depend on order.
    """
    if new is None:
        return {}
    merged = dict(calls or {})
    for key, entry in new.items():
        known = merged.get(key)
        merged[key] = entry if known is None else max(known, entry, key=_progress)
    return merged


def _progress(entry: Mapping[str, Any]) -> tuple[int, int, str]:
    return (
        int(entry.get("round", 0)),
        _ORDER.index(entry["status"]),
        json.dumps(entry, sort_keys=True, ensure_ascii=False),
    )


def call_id(trace_id: str, place: int, tool: str, arguments: Mapping[str, Any]) -> str:
    """Id of the call that was chosen in `place` for the question of `trace_id`."""
    content = json.dumps([trace_id, place, tool, arguments], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
