"""Drafts for speculative decoding, looked up in what stands in the prompt already.

Saxena, Prompt Lookup Decoding, 2023: an answer that quotes goes on as the quoted text does.
"""

from collections.abc import Sequence

_LONGEST, _SHORTEST = 4, 2


class Lookup:
    """Finds where the latest tokens stood before. Grows with the text; each token costs the same.

    Args:
        tokens: The prompt.
        longest: Tokens of a draft at most.
    """

    def __init__(self, tokens: Sequence[int], longest: int) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        self._longest = longest
        self._allowed = longest
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """The text goes on with this token."""
        # What ends at the token before is only worth finding once something follows it.
        end = len(self._tokens)
        for size in range(_SHORTEST, _LONGEST + 1):
            if end >= size:
                self._places[tuple(self._tokens[end - size : end])] = end
        self._tokens.append(token)

    def draft(self) -> list[int]:
        """What probably comes next: what followed the same tokens the last time; may be nothing."""
        end = len(self._tokens)
        for size in range(_LONGEST, _SHORTEST - 1, -1):
            place = self._places.get(tuple(self._tokens[end - size :])) if end >= size else None
            if place is not None:
                return self._tokens[place : place + self._allowed]
        return []

    def judge(self, drafted: int, right: int) -> None:
        """Says how many tokens of the last draft were right: drafts that fail get shorter, good ones longer."""
        if drafted:
            self._allowed = min(self._longest, right * 2) if right == drafted else max(1, right)
