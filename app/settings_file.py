"""Changing one setting in `terakoya.toml`, and nothing else in it."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.home import prepare_home, write_private
from terakoya.errors import BadInput


def set_list(path: Path, name: str, values: Sequence[str], *, instead_of: Sequence[str] = ()) -> None:
    """Sets `name` to a list of texts; comments and all other settings stay as they are.

    Args:
        path: The file, which is made when it is not there.
        name: The setting.
        values: What it is set to.
        instead_of: Settings that go.

    Raises:
        BadInput: `settings_file`: the file is no TOML, or its form is one that only a person can change.
    """
    prepare_home(path.parent)
    try:
        before = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        before = ""
    except (OSError, ValueError) as error:
        raise BadInput("settings_file", path=path, reason=error) from None
    document = _parsed(path, before)
    line = f"{name} = {json.dumps(list(values), ensure_ascii=False)}\n"
    rest = _without(before, {name, *instead_of} & document.keys())
    after = line + rest
    wanted = {key: value for key, value in document.items() if key not in (name, *instead_of)}
    if _parsed(path, after) != {**wanted, name: list(values)}:
        raise BadInput("settings_file", path=path, reason=f"`{name}`")
    write_private(path, after)


def _parsed(path: Path, content: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("settings_file", path=path, reason=error) from None


def _without(content: str, names: set[str]) -> str:
    """The lines that set none of `names`. A value may go on over several lines, and ends where it is TOML."""
    kept: list[str] = []
    lines = content.splitlines(keepends=True)
    while lines:
        line = lines.pop(0)
        key, sign, _ = line.partition("=")
        if not sign or key.strip().strip("\"'") not in names:
            kept.append(line)
            continue
        while lines and not _is_toml(line):
            line += lines.pop(0)
    return "".join(kept)


def _is_toml(content: str) -> bool:
    try:
        tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        return False
    return True
