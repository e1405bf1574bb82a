"""How the command line reads its arguments: parsers in the reader's language, and kinds of values."""

import argparse
import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final, NoReturn

from terakoya.catalogue import text
from terakoya.errors import BadInput

MOST_DAYS: Final = 3660

# argparse speaks English only; these are the complaints that its reader meets.
_COMPLAINTS: Final = {
    "usage_missing": r"the following arguments are required: (?P<what>.*)",
    "usage_unknown": r"unrecognized arguments: (?P<what>.*)",
    "usage_value": r"argument (?P<what>\S+): expected .*",
    "usage_choice": r"argument (?P<what>[^:]+): invalid [^:]+: (?P<value>.*?)(?: \(choose .*\))?",
}


class _Formatter(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, text("cli.usage") if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """A command or an action, with `--home`, `--json` and help, and groups for its arguments and options."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(add_help=False, allow_abbrev=False, formatter_class=_Formatter, **settings)
        self.arguments = self.add_argument_group(text("cli.title_arguments"))
        self.options = self.add_argument_group(text("cli.title_options"))
        self.options.add_argument("-h", "--help", action="help", help=text("cli.help_help"))
        self.options.add_argument(
            "--home", type=path, default=argparse.SUPPRESS, metavar="DIR", help=text("cli.help_home")
        )
        self.options.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help=text("cli.help_json")
        )

    def error(self, message: str) -> NoReturn:
        """Raises BadInput in the reader's language."""
        for key, pattern in _COMPLAINTS.items():
            if match := re.fullmatch(pattern, message, re.DOTALL):
                message = text(f"cli.{key}", **match.groupdict())
                break
        raise BadInput("usage", message=message, command=self.prog)


def actions(parser: Parser, command: str, *, required: bool) -> Callable[[str], Parser]:
    """Gives `parser` actions; what comes back adds one by its name."""
    added = parser.add_subparsers(
        title=text("cli.title_commands"),
        metavar="ACTION",
        dest="action",
        required=required,
        parser_class=Parser,
    )

    def action(name: str) -> Parser:
        about = text(f"cli.about_{command}_{name}")
        made: Parser = added.add_parser(name, help=about, description=about)
        return made

    return action


def path(value: str) -> Path:
    """A path; an empty one, as of a variable that is not set, would name the folder that one stands in."""
    if not value:
        raise ValueError(value)
    return Path(value)


def port(value: str) -> int:
    """A port, 0 for any that is free."""
    number = int(value)
    if not 0 <= number <= 65_535:
        raise ValueError(value)
    return number


def first_day(value: str) -> date:
    """The day `2026-11-22`, or the first of the month `2026-11` or of the year `2026`."""
    return date.fromisoformat(_whole(value)[0])


def last_day(value: str) -> date:
    """The day, or the last of the month or of the year."""
    return date.fromisoformat(_whole(value)[1])


def _whole(value: str) -> tuple[str, str]:
    """First and last day of what `value` names."""
    found = re.fullmatch(r"((?:19|2\d)\d\d)(?:-(\d\d)(-\d\d)?)?", value)
    if not found:
        raise ValueError(value)
    year, month, day = found.groups()
    if not month:
        return f"{year}-01-01", f"{year}-12-31"
    if day:
        return value, value
    return f"{value}-01", f"{value}-{monthrange(int(year), int(month))[1]}"


def count(value: str) -> int:
    """A whole number from 1."""
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


def days(value: str) -> int:
    """A number of days, up to ten years."""
    number = count(value)
    if number > MOST_DAYS:
        raise ValueError(value)
    return number
