"""Makes a follow-up question stand alone, by the subject of the question before it."""

import re
from collections.abc import Sequence
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.question import Question, analyse_question
from terakoya.types import Turn

_POINTING_JA: Final = re.compile(
    r"(?:それら|これら|それ|これ|あれ|そちら|こちら)(?P<rest>[のはがをにでと、]|って|とは)|(?P<attribute>その|この|あの)(?=[^\s])"
)
_POINTING_EN: Final = re.compile(
    r"\b(?P<own>its|their)\b|\b(?:it|they|them|this|that|these|those)\b(?! (?:is|are|was|were) (?:the|a|an)\b)",
    re.IGNORECASE,
)
_HALF_COMPARED: Final = re.compile(
    r"(?P<other>[^のとは、]+)との(?P<rest>(?:違い|差|比較|関係|使い分け).*)", re.DOTALL
)
_ELLIPSIS_JA: Final = re.compile(
    r"^(?:では|じゃあ?|それなら|また|あと|ちなみに)[、,]?\s*|^(?:なぜ|どうして|いつ|誰が|もっと|他には|ほかには)"
)
_CONNECTIVE: Final = re.compile(r"^(?:では|じゃあ?|それなら|また|あと|ちなみに)[、,]?\s*")
_ELLIPSIS_EN: Final = re.compile(
    r"^(?:and|but|so|also|what about|how about|why|when|who)\b.{0,24}$", re.IGNORECASE
)

_OTHER: Final = re.compile(
    r"^(?:では|じゃあ?|それなら|それでは|なら|また|あと|ちなみに)[、,]?\s*(?P<ja>[^\s、。？?はがを]{1,30}?)"
    r"(?:は|って|なら|だと|の場合は|については)?(?:どう(?:ですか|なの)?)?\s*[?？。]*$"
    r"|^(?:and (?:(?:what|how) about )?|(?:what|how) about )(?:the |an? )?(?P<en>[\w .+#-]{1,30}?)\s*\??$",
    re.IGNORECASE,
)
"""Asks of another thing what was asked before."""
_ATTRIBUTE_JA: Final = re.compile(r"^[^\s、。？?はがをにで]{1,20}(?:は|って|とは|を教えて)[^、]{0,14}$")
"""A noun, and little but what is asked of it."""
_OF: Final = re.compile(r"[^\s]の[^\s]")


def stand_alone(question: str, history: Sequence[Turn], analyser: Analyser) -> str:
    """`question` with what it points at filled in from the turn before; unchanged when it points at nothing."""
    if not history:
        return question
    before = analyse_question(history[-1].standalone or history[-1].question, analyser)
    subject = _subject(before.text, [t.surface for t in before.subject])
    if not subject:
        return question
    asked = analyse_question(question, analyser)
    known = {token.form for term in before.subject for token, _ in term.tokens}
    if any(all(token.form in known for token, _ in t.tokens) for t in asked.subject if not t.generic):
        return question
    if other := _of_another(question, before, analyser):
        return other
    half = _HALF_COMPARED.match(question)
    if half:
        return f"{subject}と{half['other']}の{half['rest']}"
    pointing = _POINTING_JA if asked.language == "ja" else _POINTING_EN
    found = pointing.search(question)
    if found:
        groups = found.groupdict()
        if asked.language == "ja":
            filled = f"{subject}の" if groups["attribute"] else subject + groups["rest"]
        else:
            filled = f"{subject}'s" if groups["own"] else subject
        return question[: found.start()] + filled + question[found.end() :]
    own = [t for t in asked.terms if not t.generic]
    if not own or (_ELLIPSIS_JA if asked.language == "ja" else _ELLIPSIS_EN).search(question):
        trimmed = (_ELLIPSIS_JA if own else _CONNECTIVE).sub("", question)
        if len(named := [t for t in before.subject if own and t.weight > 1.0]) == 1:
            subject = before.spelling(named[0])  # another attribute is asked for, of the same thing
        return f"{subject}の{trimmed}" if asked.language == "ja" else f"{question.rstrip('?')} {subject}?"
    return question


def _of_another(question: str, before: Question, analyser: Analyser) -> str:
    """The question before with another name in the place of its own; empty where `question` names none like it."""
    found = _OTHER.match(question.strip())
    if not found or before.sides:
        return ""
    other = found["ja"] or found["en"]
    named = analyse_question(other, analyser).subject
    if len(named) != 1 or named[0].generic:
        return ""
    alike = [t for t in before.subject if t.weight > 1.0 and t.surface.isascii() == other.isascii()]
    if len(alike) != 1 or (len(before.terms) < 2 and before.kind != "definition"):
        return ""
    return before.text.replace(before.spelling(alike[0]), other, 1)


def about_the_same(question: str, history: Sequence[Turn], analyser: Analyser) -> str:
    """`question` asked of what the question before it was about; empty where it cannot be meant so.

    "その治療は？" says whose, "治療は？" does not: whether it is about the same thing, or about all that is called
    so, only the notes can tell. In English a question without a pronoun has a subject of its own.
    """
    if not _ATTRIBUTE_JA.match(question.strip()):
        return ""
    asked = analyse_question(question, analyser)
    own = {token.form for term in asked.terms for token, _ in term.tokens}
    for turn in reversed(history):
        text = turn.standalone or turn.question
        before = analyse_question(text, analyser)
        nouns = [t for t in before.subject if not t.generic and t.tokens[0][0].kind != "predicate"]
        if not nouns:
            return ""
        if turn is not history[0] and _ATTRIBUTE_JA.match(text) and not _OF.search(text):
            continue  # an attribute itself, of something before
        if own & {token.form for token, _ in nouns[0].tokens}:
            return ""
        return f"{before.spelling(nouns[0])}の{question.strip()}"
    return ""


def _subject(question: str, surfaces: Sequence[str]) -> str:
    """The stretch of the earlier question from its first to its last subject term, as it was written."""
    places = [
        (m.start(), m.end()) for s in surfaces if (m := re.search(re.escape(s), question, re.IGNORECASE))
    ]
    if not places:
        return ""
    start, end = min(p[0] for p in places), max(p[1] for p in places)
    stretch = question[start:end]
    return stretch if len(stretch) <= 60 else question[places[0][0] : places[0][1]]
