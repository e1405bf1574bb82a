"""Writes a draft: a suite file, and its notes beside it."""

import json
import os
from pathlib import Path
from typing import Any, Final

import yaml

from evals.document import JSON_LINES
from evals.importers.draft import Draft
from terakoya.errors import BadInput

_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""That of libyaml is quicker; some builds of PyYAML come without it."""


def write_draft(draft: Draft, to: Path) -> None:
    """Writes the suite to `to`, as JSON Lines where it ends so, else as YAML.

    Notes that come with the questions go into a folder beside it: `NAME-notes` for `NAME.yaml`.

    Raises:
        BadInput: Something is there already, or cannot be written.
    """
    folder = to.with_name(f"{to.stem}-notes") if draft.folder is None else draft.folder
    for path in (to, folder) if draft.folder is None else (to,):
        if path.exists():
            raise BadInput("eval_import_there", path=path)
    head = {
        "name": draft.name,
        "description": draft.description,
        "notes": Path(os.path.relpath(folder.resolve(), to.parent.resolve())).as_posix(),
    }
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        for source, content in draft.texts.items():
            note = folder / source
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(content, encoding="utf-8", newline="\n")
        to.write_text(_content(to, head, [dict(case) for case in draft.cases]), encoding="utf-8")
    except OSError as error:
        raise BadInput("eval_unwritable", path=error.filename or to, reason=error.strerror or error) from None


def _content(to: Path, head: dict[str, Any], cases: list[dict[str, Any]]) -> str:
    if to.suffix.lower() in JSON_LINES:
        return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in (head, *cases))
    # A list that two cases share would be written as an alias, which a suite cannot have.
    apart = json.loads(json.dumps({**head, "cases": cases}))
    content: str = yaml.dump(apart, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=110)
    return content
