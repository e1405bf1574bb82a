"""Forms of text that compare equal where a reader sees the same."""

import re
import unicodedata
from typing import Final

_SPACE: Final = re.compile(r"\s+")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>\n]*>|<!--.*?-->")
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))


def fold(text: str) -> str:
    """NFKC, dashes made one, lower case: what index, query and comparison share."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).lower()


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
