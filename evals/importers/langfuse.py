"""A dataset of Langfuse: of its API, or exported to a file of JSON (a list, or what the API gives) or JSON Lines.

`input` is the question: a string, an object with `question`, `query` or `input`, or the messages of a chat,
which become a conversation. `expectedOutput` is a string, of which exact match and token F1 are taken, or an
object. Where `expectedOutput` or `metadata` have keys of a case of a suite (`expected`, `passages`,
`answerable`, `tags`, ...), they are taken as they are; `case` in `metadata` is the case's id. Items that are
archived are left out.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from evals.importers.draft import Draft, Ids, Options, case, existing_notes, places, read_text
from evals.note import Notes
from evals.schema import CaseForm
from terakoya.errors import BadInput

_QUESTION: Final = ("question", "query", "input", "text", "content")
_ANSWER: Final = ("answer", "output", "text", "content", "expected_output")
_KEYS: Final = frozenset(CaseForm.model_fields) - {"id", "question", "conversation"}


def read(path: Path, options: Options) -> Draft:
    """Reads the export; the questions are about `options.notes`, or about the folder that it lies in.

    Raises:
        BadInput: It is not of that form, or an item names a passage that is not there.
    """
    return draft_of(path, _items(path, read_text(path)), options)


def draft_of(path: Path, items: Iterable[tuple[int, Mapping[str, Any]]], options: Options) -> Draft:
    """A draft of items, each with the line that messages name. `path` is where they stand, as messages say.

    Raises:
        BadInput: There is nothing to ask, or an item names a passage that is not there.
    """
    folder, notes = existing_notes(path, options)
    ids = Ids()
    left_out: Counter[str] = Counter()
    cases: list[dict[str, Any]] = []
    for line, item in items:
        made = case_of(path, line, item, notes)
        if isinstance(made, str):
            left_out[made] += 1
        elif options.limit is None or len(cases) < options.limit:
            cases.append({**made, "id": ids.of(case_id(item), len(cases) + 1)})
    if not cases:
        raise BadInput("eval_import_none", path=path, kind="langfuse")
    return Draft(
        name=path.stem,
        description=f"Items of {path.name}.",
        cases=tuple(cases),
        folder=folder,
        left_out=left_out,
    )


def case_id(item: Mapping[str, Any]) -> str:
    """The id that an item's case has: the one that its metadata name, else the item's own."""
    metadata = item.get("metadata")
    named = metadata.get("case") if isinstance(metadata, dict) else None
    return str(named or item.get("id") or "").strip()


def case_of(path: Path, line: int, item: Mapping[str, Any], notes: Notes) -> dict[str, Any] | str:
    """The case that an item stands for; or why there is none: `archived`, `question` or `expected`.

    Raises:
        BadInput: A value cannot be used, or a passage that it names is not there.
    """
    if str(item.get("status", "")).upper() == "ARCHIVED":
        return "archived"
    turns = _turns(item.get("input"))
    if not turns:
        return "question"
    keys = _expected(path, line, item, notes)
    if not keys:
        return "expected"
    asked: dict[str, Any] = {"conversation": turns} if len(turns) > 1 else {"question": turns[0]}
    return case(id=case_id(item), **asked, **keys)


def _items(path: Path, raw: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    decoder = json.JSONDecoder()
    at = 0
    while True:
        while at < len(raw) and raw[at].isspace():
            at += 1
        if at == len(raw):
            return
        line = raw.count("\n", 0, at) + 1
        try:
            value, at = decoder.raw_decode(raw, at)
        except json.JSONDecodeError as error:
            raise BadInput("eval_import", path=path, line=error.lineno, reason=error.msg) from None
        except RecursionError:
            raise BadInput("eval_import", path=path, line=line, reason="nested too deeply") from None
        if isinstance(value, dict):
            value = value.get("items", value.get("data", [value]))
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                raise BadInput("eval_import", path=path, line=line, reason="no object with `input`")
            mark = raw.find(json.dumps(item["id"])) if item.get("id") else -1
            yield (raw.count("\n", 0, mark) + 1 if mark >= 0 else line), item


def _turns(value: Any) -> list[str]:
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, dict):
        value = next((value[key] for key in _QUESTION if value.get(key)), "")
    if isinstance(value, list):
        said = [m.get("content") for m in value if isinstance(m, dict) and m.get("role") == "user"]
        return [turn.strip() for turn in said if isinstance(turn, str) and turn.strip()]
    # The server reads a string that looks like JSON: the question `4` comes back as a number.
    return [str(value).strip()] if value not in (None, "") and str(value).strip() else []


def _expected(path: Path, line: int, item: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    output, metadata = item.get("expectedOutput", item.get("expected_output")), item.get("metadata")
    keys: dict[str, Any] = {}
    for given in (metadata, output):
        if isinstance(given, dict):
            keys |= {key: value for key, value in given.items() if key in _KEYS and value is not None}
    answer = output
    if isinstance(output, dict):
        answer = next((output[key] for key in _ANSWER if output.get(key)), None)
    if answer not in (None, "", [], {}) and not {"expected", "answers"} & keys.keys():
        keys["answers"] = [str(part) for part in answer] if isinstance(answer, list) else [str(answer)]
    try:
        form = CaseForm.model_validate({"id": "-", "question": "-", **keys})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(map(str, problem["loc"]))
        raise BadInput(
            "eval_value", path=path, line=line, name=name, value=problem["input"], reason=problem["msg"]
        ) from None
    for passage in (*form.passages, *form.relevant):
        places(path, line, [(passage.source, passage.text or "")], notes)
    if not form.answerable:
        keys = {k: v for k, v in keys.items() if k not in ("expected", "answers", "key_facts", "passages")}
    elif not (form.expected or form.answers or form.key_facts or form.passages or form.must_not):
        return {}
    return keys
