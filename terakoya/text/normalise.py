"""Forms of text that compare equal where a reader sees the same."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_SPACE: Final = re.compile(r"\s+")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>\n]*>|<!--.*?-->")
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))


def fold(text: str) -> str:
    """NFKC, dashes made one, lower case: what index, query and comparison share."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).lower()


def aligned(text: str) -> tuple[str, Sequence[int]]:
    """NFKC of `text`, and for each of its characters, and for its end, where it begins in `text`.

    Characters that are composed into one (ｶﾞ to ガ) belong together: all that they become begins with the first.
    """
    if unicodedata.is_normalized("NFKC", text):
        return text, range(len(text) + 1)
    made: list[str] = []
    starts: list[int] = []
    at = 0
    while at < len(text):
        end = at + 1
        normal = unicodedata.normalize("NFKC", text[at])
        # marks, voiced ones of half width and Hangul's parts join what stands before them
        while end < len(text):
            longer = unicodedata.normalize("NFKC", text[at : end + 1])
            if longer == normal + unicodedata.normalize("NFKC", text[end]) and not (
                unicodedata.combining(longer[-1])
            ):
                break
            normal, end = longer, end + 1
        made.append(normal)
        starts += [at] * len(normal)
        at = end
    return "".join(made), [*starts, len(text)]


def squeeze(text: str) -> str:
    """`fold` without any white space, for comparing quotes and expected texts."""
    return _SPACE.sub("", fold(text))


def without_tags(text: str) -> str:
    """`text` without HTML tags and comments that stand on one line."""
    return _TAG.sub("", text)


def printable(text: str) -> str:
    """`text` without control characters (tab and line feed stay) and with unpaired surrogates replaced."""
    repaired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in repaired if c in "\t\n" or unicodedata.category(c) != "Cc")
