"""Which language a text is in."""

import re
from typing import Final

from terakoya.types import Language

KANA: Final = re.compile(r"[\u3041-\u309f\u30a1-\u30ff\uff66-\uff9f]")
JAPANESE: Final = re.compile(
    r"[\u3005\u3006\u3041-\u309f\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]"
)
LATIN: Final = re.compile(r"[A-Za-zÀ-ɏ]")


def language_of(text: str) -> Language:
    """The language that a reader of `text` needs.

    One kana or kanji for every eight Latin letters is enough for Japanese: notes mix English terms into
    Japanese sentences far more often than the other way round.
    """
    sample = text[:20_000]
    japanese = len(JAPANESE.findall(sample))
    return "ja" if japanese * 8 > len(LATIN.findall(sample)) else "en"
