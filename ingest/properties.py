"""What a note says of itself: front matter, and the properties that Notion writes under the title."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingest.dates import Day, Year, day_at_head, year_named
from terakoya.types import Remark

_KEY: Final = re.compile(r"^[\"']?[\w][\w -]{0,60}[\"']?[ \t]*:(?:[ \t]|$)", re.MULTILINE)
_END: Final = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_LARGEST: Final = 65_536
"""Characters of front matter that are parsed; the parser takes seconds for a megabyte."""
_DATED: Final = ("date", "created", "created time", "created at", "作成日時", "作成日", "日付")
_OF_A_DAY: Final = ("date", "日付")
_PROPERTY: Final = re.compile(r"(?P<key>[^\s:][^:\n]{0,39}):[ \t]+(?P<value>\S.*)")
# What Notion keeps of each page. A property of another name may be what the note is about.
_KEPT: Final = re.compile(
    r"created(?: time| at| by)?|last edited(?: time| by)?|updated(?: at)?|tags?|status"
    r"|作成日時?|作成者|最終更新日時|最終更新者?|最終編集日時|最終編集者|更新日時?|タグ|ステータス",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """What is known of a note as a whole.

    Attributes:
        end: Behind the lines that it stands in.
        title: Empty where none is given.
        tags: Without `#`, in order, each once.
        aliases: Other names.
        year: That its date names.
        day: That the note is of, in full or in part; not the one that it was made on.
        remarks: What could not be read.
    """

    end: int = 0
    title: str = ""
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    year: Year | None = None
    day: Day | None = None
    remarks: tuple[Remark, ...] = ()


def front_matter(text: str) -> Properties:
    """The front matter that `text` begins with; where its YAML is broken, only its lines are known.

    Lines between two rules that name nothing are text, and no front matter.
    """
    first = re.match(r"---[ \t]*\n", text)
    last = _END.search(text, first.end()) if first else None
    if not first or not last or not _KEY.search(text, first.end(), last.start()):
        return Properties()
    end = min(len(text), last.end() + 1)
    content = text[first.end() : last.start()]
    if len(content) > _LARGEST:
        return Properties(end=end, remarks=(_broken(1, f"> {_LARGEST}"),))
    try:
        values = _loaded(content)
    except _Broken as broken:
        return Properties(end=end, remarks=(_broken(broken.line, broken.reason),))
    return Properties(
        end=end,
        title=_scalar(values.get("title")),
        tags=_names(values.get("tags") or values.get("tag"), tags=True),
        aliases=_names(values.get("aliases") or values.get("alias")),
        year=next((year for key in _DATED if (year := _year(_scalar(values.get(key))))), None),
        day=next((day for key in _OF_A_DAY if (day := day_at_head(_scalar(values.get(key))))), None),
    )


def properties(lines: Sequence[str]) -> tuple[Properties, frozenset[int]]:
    """The properties in the lines of the paragraph under a title, and the numbers of those that are nothing else.

    They are properties where each line is one, and one at least has a name that Notion gives.
    """
    found = [_PROPERTY.fullmatch(line.strip()) for line in lines]
    values = {line["key"].strip().lower(): line["value"].strip() for line in found if line}
    kept = frozenset(i for i, line in enumerate(found) if line and _KEPT.fullmatch(line["key"].strip()))
    if not kept or not all(found):
        return Properties(), frozenset()
    year = next((year for key in _DATED if (year := _year(values.get(key, "")))), None)
    tags = _names(values.get("tags") or values.get("tag") or values.get("タグ"), tags=True)
    return Properties(tags=tags, year=year), kept


class _Broken(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def _broken(line: int, reason: str) -> Remark:
    return Remark(key="front_matter", values={"line": line, "reason": reason})


def _loaded(content: str) -> dict[str, Any]:
    import yaml

    try:
        # it makes text of everything: a day that the calendar does not have is no reason to lose the title
        values = yaml.BaseLoader(content).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or type(error).__name__
        raise _Broken(mark.line + 2 if mark else 1, reason) from None
    except yaml.YAMLError as error:
        raise _Broken(1, str(error).partition("\n")[0]) from None
    except RecursionError:
        raise _Broken(1, "nested too deeply") from None
    if not isinstance(values, dict):
        raise _Broken(1, f"a {type(values).__name__}, not names with values")
    return {key.strip().lower(): value for key, value in values.items() if isinstance(key, str)}


def _scalar(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _names(value: Any, *, tags: bool = False) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    cleaned = (_scalar(name).lstrip("#" if tags else "") for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))


def _year(value: str) -> Year | None:
    day = day_at_head(value)
    return Year(day.year) if day and day.year else year_named(value)
