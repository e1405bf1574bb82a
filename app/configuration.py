"""Changing `terakoya.toml` in place: what its owner wrote there stays as it is."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from app.home import prepare_home, write_private
from terakoya.errors import BadInput


def set_values(path: Path, values: Mapping[str, str]) -> None:
    """Sets top-level keys to strings, each in its own line; the file is made where it is missing, mode 600.

    Raises:
        BadInput: The file is no TOML, or its form is one that cannot be changed line by line.
    """
    prepare_home(path.parent)
    try:
        before = path.read_text(encoding="utf-8")
        known = tomllib.loads(before)
    except FileNotFoundError:
        before, known = "", {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("settings_file", path=path, reason=error) from None
    lines = before.splitlines()
    table = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    for name, value in values.items():
        line = f"{name} = {json.dumps(value, ensure_ascii=False)}"
        mine = re.compile(rf"\s*{re.escape(name)}\s*=")
        place = next((n for n, old in enumerate(lines[:table]) if mine.match(old)), None)
        if place is None:
            lines.insert(table, line)
            table += 1
        else:
            lines[place] = line
    after = "\n".join([*lines, ""])
    try:
        right = tomllib.loads(after) == {**known, **values}
    except tomllib.TOMLDecodeError:
        right = False
    if not right:  # a value over several lines, where a line looks like a key or a table
        wanted = " · ".join(f"{name} = ..." for name in values)
        raise BadInput("settings_form", path=path, lines=wanted)
    write_private(path, after)
