"""What may be a name of a thing, and what speaks for two names being of one thing.

There is no dictionary here that translates. Two names are taken for names of one thing where the words
themselves bear it out, or where the note's form says so and the words do not speak against it:

- *initials*: an abbreviation and the phrase whose initials it is (`ingest/initials.py`);
- *sound*: a katakana word and the Latin word that it is in Japanese (`ingest/sound.py`);
- *parts*: Japanese of as many parts as an abbreviation has letters, or a phrase words: 検索拡張生成 and RAG;
- *writing*: one is Japanese and the other is not. This alone is weak, and counts only where the form is strong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingest.initials import borne_out, is_abbreviation, weighty, words_of
from ingest.sound import KATAKANA, heard_in, sounds_like
from terakoya.text.analyser import Analyser, Token, spine
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import fold
from terakoya.text.stopwords import ENGLISH_QUESTION, ENGLISH_STOP, GENERIC, JAPANESE_QUESTION, SECTIONS

_LONGEST: Final = 60
_MOST_WORDS: Final = 8
_NO_NAME: Final = re.compile(
    r"[。．？！?!…:：;；<>{}\[\]()（）「」『』【】\"“”\\=@*_`$→⇒~～〜|｜#]|//|\d:\d\d|\.\s"
)
_NUMBERS: Final = re.compile(r"[\s\d.,/%+-]*\Z")
_WITHIN: Final = re.compile(r"[\s・\-–/&+.,'’のと]*\Z")
"""What may stand between the words of a Japanese name: 最小権限の原則."""
_WHOLE_WORD: Final = re.compile(r"[A-Za-zÀ-ɏ]{3}")
_LONG_KATAKANA: Final = 3


@dataclass(frozen=True, slots=True)
class Name:
    """What may be a name of a thing.

    Attributes:
        text: As the note writes it, without marks.
        japanese: It has kana or kanji.
        short: It is an abbreviation.
        parts: How many words or, in Japanese, parts of a compound carry its meaning.
    """

    text: str
    japanese: bool
    short: bool
    parts: int

    @property
    def loan(self) -> bool:
        """It is katakana alone, which is another language's word nearly always."""
        return KATAKANA.fullmatch(re.sub(r"[\s・]", "", self.text)) is not None


class Names:
    """Tells names from other text, and names of one thing from those of two.

    Args:
        analyser: Cuts Japanese into its parts.
    """

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser

    def name(self, text: str) -> Name | None:
        """`text` as a name; None for sentences, names of sections, numbers, and what is too long to be asked for."""
        bare = " ".join(text.split()).strip(" 　・-–—、,.。「」『』\"'“”‘’")
        if not 2 <= len(bare) <= _LONGEST or _NO_NAME.search(bare) or _NUMBERS.match(bare):
            return None
        folded = fold(bare)
        if folded in SECTIONS or folded in GENERIC or folded in JAPANESE_QUESTION:
            return None
        if JAPANESE.search(bare):
            tokens = spine(self._analyser.tokens(bare))
            if not self._compound(bare, tokens) or tokens[-1].surface in SECTIONS:
                return None
            parts = sum(token.kind not in ("affix", "weak", "question") for token in tokens)
            return Name(bare, True, False, parts)
        words = words_of(bare)
        short = is_abbreviation(bare)
        if not 1 <= len(words) <= _MOST_WORDS or not (short or _WHOLE_WORD.search(bare)):
            return None  # 281cm
        if all(word in ENGLISH_STOP | ENGLISH_QUESTION for word in words) or (
            words[0] in SECTIONS and any(word.isdigit() for word in words)
        ):
            return None
        return Name(bare, False, short, weighty(bare))

    @staticmethod
    def _compound(text: str, tokens: Sequence[Token]) -> bool:
        """Nouns, and nothing but の and marks between them: 注意する and 次にすること are no names."""
        if not any(token.kind in ("noun", "name", "number", "latin") for token in tokens):
            return False
        at = 0
        for token in tokens:
            if token.kind == "question" or (token.kind == "weak" and JAPANESE.search(token.surface)):
                return False
            if not _WITHIN.match(text, at, token.start):
                return False
            at = token.end
        return _WITHIN.match(text, at) is not None

    def borne_out(self, one: Name, other: Name) -> bool:
        """Whether the words themselves bear out that both are names of one thing: initials, sound or parts."""
        if one.japanese == other.japanese:
            return (one.short and borne_out(one.text, other.text)) or (
                other.short and borne_out(other.text, one.text)
            )
        ours, theirs = (one, other) if one.japanese else (other, one)
        if ours.loan:
            return sounds_like(ours.text, theirs.text)
        letters = sum(c.isalnum() for c in theirs.text) if theirs.short else theirs.parts
        return letters > 1 and letters == ours.parts and self.agree(ours, theirs)

    def agree(self, japanese: Name, latin: Name) -> bool:
        """Whether what can be compared agrees: katakana of the one is heard in the other, its Latin stands there.

        An abbreviation has no sound; only katakana alone speaks against it: AWS is not ネットワーク.
        """
        if japanese.loan:
            return not latin.short and sounds_like(japanese.text, latin.text)
        if latin.short:
            return True
        loans = [run for run in KATAKANA.findall(japanese.text) if len(run) >= _LONG_KATAKANA]
        theirs = fold(latin.text)
        own = [fold(run) for run in re.findall(r"[A-Za-zÀ-ɏ]{2,}", japanese.text)]
        return all(run in theirs for run in own) and (
            not loans or any(heard_in(run, latin.text) for run in loans)
        )

    def translated(self, one: Name, other: Name) -> bool:
        """Whether one may be the other in Japanese: another writing, whole words, and nothing speaks against it."""
        if one.japanese == other.japanese:
            return False
        ours, theirs = (one, other) if one.japanese else (other, one)
        return not theirs.short and self.agree(ours, theirs)
