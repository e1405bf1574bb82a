"""Models that could not be asked while a question was answered, so that another answered in their place."""

from collections.abc import Mapping
from typing import Any, Final

_OTHER: Final = frozenset({"model_queue", "thread_unkept"})
"""Notices that say nothing of a model that is away."""


class Away:
    """Listens to one question, as `app.asking.Listen`.

    Attributes:
        messages: Why a model did not answer, one sentence each.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        """Hears what happens."""
        if kind == "notice" and data["code"] not in _OTHER:
            self.messages.append(data["message"])
