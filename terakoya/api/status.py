"""What works in an installation."""

from typing import Literal

from terakoya.api.schema import Schema


class Check(Schema):
    """One line of `doctor`: a part, whether it works, and what mends it."""

    name: str
    status: Literal["ok", "off", "building", "problem"]
    detail: str
    remedy: str = ""


class Status(Schema):
    """State of the installation."""

    version: str
    home: str
    notes: int
    chunks: int
    checks: list[Check]
