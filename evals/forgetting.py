"""Takes what was quoted of a note out of the history of runs and out of votes."""

import hashlib
import json
from collections.abc import Collection
from typing import Any, Final

from evals.history import History
from terakoya.catalogue import text
from terakoya.text.language import language_of
from terakoya.text.statements import statements

_QUOTING: Final = ("answer", "citations", "hits", "passages", "missing", "forbidden", "expected")
_CONTENTS: Final = "SELECT digest, content FROM contents"
_VOTES: Final = "SELECT id, question, replies FROM votes"


def forget_quotes(history: History, said: Collection[str]) -> int:
    """Empties answers that quote one of these statements; verdicts, numbers and questions stay.

    What a model said in words of its own is not told from anything else it may have known.

    Args:
        history: Open for writing. What is replaced stays in the file until `History.write_anew`.
        said: As `statements` gives them.

    Returns:
        How many answers and votes were emptied.
    """
    wanted = frozenset(said)
    changed = 0
    history.rows("BEGIN")
    try:
        for digest, content in history.rows(_CONTENTS):
            case = json.loads(content)
            if wanted & _said(case):
                _replace(history, digest, _emptied(case))
                changed += 1
        for vote, question, replies in history.rows(_VOTES):
            both = json.loads(replies)
            if wanted & _said(both):
                words = text("answer.forgotten", language=language_of(question))
                emptied = [{**reply, "answer": words, "citations": []} for reply in both]
                history.rows(
                    "UPDATE votes SET replies = $replies WHERE id = $id",
                    id=vote,
                    replies=json.dumps(emptied, ensure_ascii=False),
                )
                changed += 1
    except BaseException:
        history.rows("ROLLBACK")
        raise
    history.rows("COMMIT")
    return changed


def _said(value: Any) -> frozenset[str]:
    """The statements of every text in a value of JSON."""
    if isinstance(value, str):
        return statements(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return frozenset().union(*map(_said, inner))


def _emptied(case: dict[str, Any]) -> dict[str, Any]:
    words = text("answer.forgotten", language=language_of(str(case.get("question", ""))))
    gone: dict[str, Any] = {
        name: "" if isinstance(case.get(name), str) else [] for name in _QUOTING if name in case
    }
    return {**case, **gone, **({"answer": words} if case.get("answer") else {})}


def _replace(history: History, digest: str, case: dict[str, Any]) -> None:
    """Under a key of its own: the same result, should it come again, is not this one."""
    content = json.dumps(case, ensure_ascii=False, sort_keys=True)
    key = hashlib.sha256(f"forgotten {digest}".encode()).hexdigest()[:32]
    history.rows("INSERT OR IGNORE INTO contents VALUES ($key, $content)", key=key, content=content)
    history.rows("UPDATE outcomes SET content = $key WHERE content = $digest", key=key, digest=digest)
    history.rows("UPDATE contents SET content = '' WHERE digest = $digest", digest=digest)
    history.rows("DELETE FROM contents WHERE digest = $digest", digest=digest)
