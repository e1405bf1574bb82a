"""Cases that come into a suite file later. Every other line stays as it is, comments and layout included."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from evals.document import JSON_LINES, read_document
from evals.schema import CaseForm, read_form
from evals.suite import load_suite
from terakoya.errors import BadInput
from terakoya.text.language import language_of

_BARE: Final = re.compile(r"[^\W\d_][\w./-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What a reader of YAML 1.1 would not take for a string."""
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read_cases(path: Path) -> dict[str, dict[str, Any]]:
    """The cases of a suite file by their ids, as plain mappings without what is not set.

    Raises:
        BadInput: The file is no suite.
    """
    return {form.id: plain(form) for form in read_form(read_document(path)).cases}


def plain(form: CaseForm) -> dict[str, Any]:
    """A case with only what is set, its language among that, and without its id."""
    keys = form.model_dump(mode="json", exclude_defaults=True, exclude={"id"})
    asked = form.question or (form.conversation or ("",))[-1]
    return {**keys, "language": form.language or language_of(asked)}


def begin_suite(path: Path, *, name: str, notes: Path, case: Mapping[str, Any]) -> int:
    """Writes a new suite file with one case, in YAML.

    Args:
        path: The file, which is not there yet.
        name: Of the suite.
        notes: The folder of its notes.
        case: With the keys of a case in a suite file.

    Returns:
        The line on which the case stands.

    Raises:
        BadInput: It would be no suite, or cannot be written.
    """
    head = f"name: {_flow(name)}\nnotes: {_flow(str(notes))}\n\ncases:\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", errors="replace") as file:
            file.write(f"{head}{_entry(case, '  ')}\n")
        try:
            load_suite(path)
        except BadInput:
            path.unlink()
            raise
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None
    return head.count("\n") + 1


def add_case(path: Path, case: Mapping[str, Any]) -> int:
    """Puts a case at the end of a suite.

    Args:
        path: The suite file, YAML or JSON Lines.
        case: With the keys of a case in a suite file.

    Returns:
        The line on which it stands.

    Raises:
        BadInput: The file is no suite, would not be one with this case, or cannot be written.
    """
    return _change(path, str(case["id"]), lambda text: _added(path, text, case))


def change_case(path: Path, case: Mapping[str, Any]) -> int:
    """Puts `case` in place of the one with its id; comments inside that one go.

    Returns:
        The line on which it stands.

    Raises:
        BadInput: As `add_case` does, or there is no case of this id.
    """
    return _change(path, str(case["id"]), lambda text: _changed(path, text, case))


def _change(path: Path, case_id: str, edit: Callable[[str], str]) -> int:
    read_document(path)  # which says in a sentence what is wrong with the file
    raw = path.read_bytes().decode("utf-8")
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    text = raw.removeprefix(mark).replace("\r\n", "\n")
    changed = mark + edit(text)
    content = changed.replace("\n", "\r\n") if "\r\n" in raw else changed
    descriptor, name = -1, ""
    try:
        # In the same folder, as the path of the notes is relative; with the same ending, which tells the format.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode(errors="replace"))
            file.flush()
            os.fsync(file.fileno())
        fresh = Path(name)
        try:
            load_suite(fresh)
            document = read_document(fresh)
        except BadInput as error:
            raise type(error)(error.key, **{**error.values, "path": path}) from None
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
    at = [case["id"] for case in document.value["cases"]].index(case_id)
    return document.line(("cases", at))


def _added(path: Path, text: str, case: Mapping[str, Any]) -> str:
    if path.suffix.lower() in JSON_LINES:
        return f"{text.rstrip()}\n{_json(case)}\n"
    node = _cases(path, text)
    if node.flow_style:
        end = node.end_mark.index - 1
        before = text[:end].rstrip()
        comma = "" if before.endswith((",", "[")) else ","
        return f"{before}{comma} {_json(case)}{text[end:]}"
    last = node.value[-1]
    end = _end(text, last)
    indent = text[text.rfind("\n", 0, last.start_mark.index) + 1 : last.start_mark.index].split("-")[0]
    return f"{text[:end]}\n{_entry(case, indent)}{text[end:]}"


def _changed(path: Path, text: str, case: Mapping[str, Any]) -> str:
    if path.suffix.lower() in JSON_LINES:
        lines = text.split("\n")
        number = _position(path, case["id"])
        lines[read_document(path).line(("cases", number)) - 1] = _json(case)
        return "\n".join(lines)
    item = _cases(path, text).value[_position(path, case["id"])]
    start, end = item.start_mark.index, _end(text, item)
    if item.flow_style:
        return f"{text[:start]}{_json(case)}{text[item.end_mark.index :]}"
    indent = " " * item.start_mark.column
    entry = _entry(case, indent[:-2]).removeprefix(f"{indent[:-2]}- ")
    return f"{text[:start]}{entry}{text[end:]}"


def _position(path: Path, case_id: str) -> int:
    ids = [case["id"] for case in read_document(path).value["cases"]]
    if case_id not in ids:
        raise BadInput("eval_case_unknown", path=path, id=case_id)
    return ids.index(case_id)


def _cases(path: Path, text: str) -> yaml.SequenceNode:
    """The list of cases, in whose marks the places are. Not by libyaml, which counts bytes."""
    read_form(read_document(path))  # so that there is such a list, and nothing that must not be composed
    node: yaml.MappingNode = yaml.compose(text, Loader=yaml.BaseLoader)  # type: ignore[assignment]
    cases: yaml.SequenceNode = next(value for key, value in node.value if key.value == "cases")
    return cases


def _end(text: str, node: yaml.Node) -> int:
    """Where the last line of a node in block style ends, before the blank lines and comments that follow."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = len(text[: node.end_mark.index].rstrip())
    line_end = text.find("\n", end)
    return len(text) if line_end < 0 else line_end  # what else stands on the line is a comment


def _entry(case: Mapping[str, Any], indent: str) -> str:
    lines = [f"{key}: {_flow(value)}" for key, value in case.items()]
    return f"{indent}- " + f"\n{indent}  ".join(lines)


def _flow(value: Any) -> str:
    """`value` on one line, as a person would write it: strings without quotes where they need none."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _json(value)


def _json(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
