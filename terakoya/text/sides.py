"""The two things that a question compares."""

import re
from collections.abc import Iterator
from typing import Final

_FORMS: Final = (
    re.compile(
        r"(?P<a>[^、。]+?)と(?:、)?(?P<b>[^、。]+?)(?:って|は|を|と)?(?:の|で|どう|どこが|何が|なにが)*(?:違|相違|差|比|使い分け|どちら|関係)"
    ),
    re.compile(
        r"(?:between|compare|comparing)\s+(?P<a>.+?)\s+(?:and|with|to|vs\.?|versus)\s+(?P<b>.+?)(?:[?.,]|$)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<a>.+?)\s+(?:vs\.?|versus)\s+(?P<b>.+?)(?:[?.,]|$)", re.IGNORECASE),
    re.compile(
        r"how (?:does|do|is|are)\s+(?P<a>.+?)\s+(?:differ|different) from\s+(?P<b>.+?)(?:[?.,]|$)",
        re.IGNORECASE,
    ),
)


def compared(question: str) -> Iterator[tuple[str, str, str]]:
    """What is compared with what, and what is asked of both: ways to read `question`, the likeliest first.

    Of 同期と非同期の利点の違い, the advantages are asked of both; else nothing is.
    """
    for form in _FORMS:
        if found := form.search(question):
            one, other = found.group("a", "b")
            if "の" in other and "の" not in one:
                side, _, shared = other.rpartition("の")
                yield one, side, shared
            yield one, other, ""
