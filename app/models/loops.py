"""Outputs that have got stuck."""

from collections.abc import Sequence

_TIMES = 4


def is_looping(tokens: Sequence[int], length: int) -> bool:
    """Whether the last `length` tokens are one passage over and over, at least four times.

    A line of a table or of a list may well come three times; four times and nothing else is a loop.
    """
    if len(tokens) < length:
        return False
    tail = tokens[-length:]
    return any(tail[period:] == tail[:-period] for period in range(1, length // _TIMES + 1))
