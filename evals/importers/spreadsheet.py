"""Questions in a table: CSV, or TSV where the file ends so.

The first row names the columns: `question`, and any of `id`, `expected`, `answers`, `must_not`, `key_facts`,
`source`, `passage`, `language`, `tags` and `answerable`. Several values of a cell are set apart by `|` or by a
line break. Each value of `source` goes with the value of `passage` at the same place; one source alone goes
with all of them.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

from evals.importers.draft import Draft, Ids, Options, case, existing_notes, places, read_text
from evals.note import Notes
from evals.schema import nearest
from terakoya.errors import BadInput
from terakoya.types import Language

_LISTS: Final = ("expected", "answers", "must_not", "key_facts", "tags")
COLUMNS: Final = ("id", "question", *_LISTS, "source", "passage", "language", "answerable")
_NO: Final = frozenset({"false", "no", "0", "n", "f"})
_YES: Final = frozenset({"", "true", "yes", "1", "y", "t"})


def read(path: Path, options: Options) -> Draft:
    """Reads the table; the questions are about `options.notes`, or about the folder that the table lies in.

    Raises:
        BadInput: A column is unknown, a row expects nothing, or a passage does not stand in its note.
    """
    folder, notes = existing_notes(path, options)
    ids = Ids()
    left_out: Counter[str] = Counter()
    cases: list[dict[str, Any]] = []
    for line, row in _rows(path, read_text(path)):
        if not row["question"]:
            left_out["question"] += 1
        elif options.limit is None or len(cases) < options.limit:
            cases.append(_case(path, line, row, notes, ids.of(row["id"], len(cases) + 1)))
    if not cases:
        raise BadInput("eval_import_none", path=path, kind="csv")
    return Draft(
        name=path.stem,
        description=f"Questions of {path.name}.",
        cases=tuple(cases),
        folder=folder,
        left_out=left_out,
    )


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv.reader(
        io.StringIO(text), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True
    )
    try:
        header = [name.strip().lower().replace(" ", "_") for name in next(rows, [])]
        for name in header:
            if name not in COLUMNS:
                near = nearest(name, list(COLUMNS))
                raise BadInput(
                    "eval_key", path=path, line=1, name=name, nearest=near, known=", ".join(COLUMNS)
                )
        if "question" not in header:
            raise BadInput("eval_key_missing", path=path, line=1, name="question")
        first = rows.line_num + 1
        for row in rows:
            line, first = first, rows.line_num + 1
            if len(row) > len(header):
                reason = f"{len(row)} cells under {len(header)} columns"
                raise BadInput("eval_import", path=path, line=line, reason=reason)
            if any(cell.strip() for cell in row):
                cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
                yield line, {name: cells.get(name, "") for name in COLUMNS}
    except csv.Error as error:
        raise BadInput("eval_import", path=path, line=max(rows.line_num, 1), reason=error) from None


def _case(path: Path, line: int, row: dict[str, str], notes: Notes, name: str) -> dict[str, Any]:
    flag = row["answerable"].lower()
    if flag not in _YES | _NO:
        reason = "true or false"
        raise BadInput(
            "eval_value", path=path, line=line, name="answerable", value=row["answerable"], reason=reason
        )
    if row["language"] and row["language"] not in get_args(Language):
        reason = ", ".join(get_args(Language))
        raise BadInput(
            "eval_value", path=path, line=line, name="language", value=row["language"], reason=reason
        )
    keys: dict[str, Any] = {key: _several(row[key]) for key in _LISTS}
    keys["passages"] = places(path, line, _pairs(path, line, row), notes)
    if flag in _NO:
        keys["answerable"] = False
    expects = any(keys[key] for key in ("expected", "answers", "key_facts", "passages"))
    if flag in _NO and expects:
        raise BadInput("eval_case_contradiction", path=path, line=line, id=name)
    if flag not in _NO and not expects and not keys["must_not"]:
        raise BadInput("eval_case_empty", path=path, line=line, id=name)
    if row["language"]:
        keys["language"] = row["language"]
    return case(id=name, question=row["question"], **keys)


def _pairs(path: Path, line: int, row: dict[str, str]) -> list[tuple[str, str]]:
    sources, texts = _several(row["source"]), _several(row["passage"])
    if len(sources) == 1:
        return [(sources[0], text) for text in texts or [""]]
    if texts and len(sources) != len(texts):
        reason = f"{len(sources)} values of `source`, and {len(texts)} of `passage`"
        raise BadInput("eval_import", path=path, line=line, reason=reason)
    return list(zip(sources, texts or [""] * len(sources), strict=True))


def _several(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[|\n\r]", cell) if part.strip()]
