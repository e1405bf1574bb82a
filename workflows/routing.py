"""What is to be done with a question: answered from the notes, or met with a word of courtesy. By rules alone."""

import re
from typing import Final, Literal

from terakoya.text.normalise import fold

Intent = Literal["notes", "greeting", "thanks", "about", "remember", "recall", "refused", "tools"]
"""`notes` is answered from the notes; `remember` and `recall` are about facts that the person asked to keep."""

COURTESY: Final = frozenset({"talk", "memory"})
"""What stands for the model in a turn that nothing was looked for in the notes for."""

_END: Final = r"[\s、。,.!?〜~・]*"
_TALK: Final[tuple[tuple[Intent, re.Pattern[str]], ...]] = (
    (
        "greeting",
        re.compile(
            r"(?:こんにち[はわ]|こんばん[はわ]|おはよう(?:ございます)?|はじめまして|やあ|どうも"
            r"|hi|hello|hey|good (?:morning|afternoon|evening))(?:[\s、,]*(?:寺子屋|terakoya|there))?" + _END
        ),
    ),
    (
        "thanks",
        re.compile(
            r"(?:どうも)?(?:ありがとう(?:ございま(?:す|した))?|助かりました|感謝します)"
            r"|(?:ok(?:ay)?|great|perfect)?[\s,]*(?:thanks|thank you)(?: (?:a lot|so much|very much))?",
        ),
    ),
    (
        "about",
        re.compile(
            r"(?:あなた|君|寺子屋|terakoya)(?:は|って)?(?:誰|だれ|何者|何が(?:できる|できます)|なに)(?:の|です|ますか|か)*"
            r"|何が(?:でき(?:る|ます)の?か?)|使い方(?:は|を教えて(?:ください)?)?"
            r"|(?:who|what) are you|what can you do|how do (?:i|you) use (?:this|you|terakoya)|help",
        ),
    ),
    (
        "recall",
        re.compile(
            r"(?:私|わたし|僕|ぼく|俺)?(?:について|のことで|が)?(?:何を)?覚えて(?:いる|る)(?:こと|もの)?(?:は(?:何)?|を?(?:全部)?(?:見せて|教えて)(?:ください)?)?"
            r"|what (?:do|did) you remember(?: about me)?|what have i asked you to remember",
        ),
    ),
)
_REMEMBER: Final = (
    re.compile(
        r"^(?:次(?:の|を)?(?:こと)?を?)?(?:覚えて|記憶して|おぼえて)(?:おいて)?(?:ください|ね|よ)?\s*[:：、,]\s*(?P<fact>.{2,})$",
        re.DOTALL,
    ),
    re.compile(
        r"^(?P<fact>.{2,}?)(?:(?:という|って)?(?:こと|の))?[をと](?:覚えて|記憶して|おぼえて)(?:おいて(?:ください|ね|よ|ほしい)?|ください|ほしい)[。.!！]*$",
        re.DOTALL,
    ),
    re.compile(r"^(?:please\s+)?remember(?:\s+that\s+|\s*:\s*)(?P<fact>.{2,})$", re.IGNORECASE | re.DOTALL),
)
_ASKS: Final = re.compile(r"[何誰]|どう|どの|どれ|どこ|いつ|なぜ|[?？]")
_LONGEST_TALK: Final = 60
"""Nothing longer is small talk."""
LONGEST_FACT: Final = 500


def intent_of(question: str) -> Intent:
    """What `question` is. Whatever is not certainly something else is a question to the notes."""
    if fact_in(question):
        return "remember"
    folded = fold(question).strip()
    if len(folded) <= _LONGEST_TALK:
        for intent, pattern in _TALK:
            if re.fullmatch(f"(?:{pattern.pattern}){_END}", folded):
                return intent
    return "notes"


def fact_in(question: str) -> str:
    """What the person asks to remember; empty where they ask something else."""
    asked = question.strip()
    if len(asked) > LONGEST_FACT or _ASKS.search(asked):
        return ""
    found = next((m for pattern in _REMEMBER if (m := pattern.match(asked))), None)
    return found["fact"].strip(" 「」\"'。") if found else ""
