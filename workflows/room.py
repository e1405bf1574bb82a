"""How much a model can read at once, and how much of it a text takes."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

ANSWER_SHARE: Final = 0.25
"""Share of the context that an answer may take at most: with a small context less than the settings allow."""
_KEPT: Final = 4096
"""Texts whose counts are remembered: the turns of a thread are counted for each of its questions."""


class Room:
    """The context of one chat model. Safe in several threads.

    Args:
        context: Tokens of prompt and answer together; asked for when it is first needed, as a local model is
            loaded for that.
        answer: Tokens that an answer may have.
        count: Tokens of a text, by the model's own tokenizer, or an estimate.
        count_messages: Tokens of a conversation, with what a chat template puts around its messages.
        exact: Whether these are counts, not estimates.
        setting: The variable that makes the context larger, for telling the user.
    """

    def __init__(
        self,
        *,
        context: Callable[[], int],
        answer: int,
        count: Callable[[str], int],
        count_messages: Callable[[Sequence[Any]], int],
        exact: bool = True,
        setting: str = "",
    ) -> None:
        self._context = context
        self._answer = answer
        self._count = count
        self.exact = exact
        self.setting = setting
        self.count_messages = count_messages
        self._known: OrderedDict[str, int] = OrderedDict()

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together.

        Raises:
            Unavailable: The model cannot be loaded.
        """
        return self._context()

    @property
    def answer(self) -> int:
        """Tokens that are set aside for the answer."""
        return min(self._answer, max(1, int(self.context * ANSWER_SHARE)))

    def count(self, text: str) -> int:
        """Tokens of `text`.

        Raises:
            Unavailable: The model cannot be loaded.
        """
        if not text:
            return 0
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._count(text)
            while len(self._known) > _KEPT:
                try:
                    self._known.popitem(last=False)
                except KeyError:  # another thread was quicker
                    break
        return known
