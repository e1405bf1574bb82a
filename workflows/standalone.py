"""Makes a follow-up question stand alone, by the subject of the question before it."""

import re
from collections.abc import Sequence
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.measure import asks_number
from terakoya.text.question import Question, QuestionTerm, analyse_question
from terakoya.types import Language, Turn

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
_CONNECTIVE: Final = re.compile(r"^(?:それなら|それでは|では|じゃあ?|なら|また|あと|ちなみに)[、,]?\s*")
_ASKS_FIRST: Final = re.compile(
    r"^(?:(?:そもそも|もっと|他には|ほかには)|(?P<asks>なぜ|何故|どうして|なんで|何の|なんの|何が|いつ|誰が|どこ|どう))"
)
_ELLIPSIS_EN: Final = re.compile(
    r"^(?:and|but|so|also|what about|how about|why|when|who)\b.{0,24}$", re.IGNORECASE
)
_OWN_TOPIC: Final = re.compile(r"[^\s、。？?]{1,30}?(?<![にでと])は(?!何|なに|なん|どう|いつ|どこ|だれ|誰)")
"""What a question that begins with "why" is about, said by itself."""
_OPENS_EN: Final = r"(?:what|which|who|whose|when|where|why|how)\b(?! about\b)"
_WHOLE_EN: Final = re.compile(
    rf"^(?:(?:and|but|so|also|then),?\s+)?(?P<whole>{_OPENS_EN}.*)$", re.IGNORECASE | re.DOTALL
)
_AUXILIARY: Final = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|could|should|would|will|has|have|had)\s+\w|^(?:what|which)\b",
    re.IGNORECASE,
)
_DOES: Final = re.compile(r"\b(?:do|does|did|can|could|should|would|will|to)\b", re.IGNORECASE)
_OF_THE_EN: Final = re.compile(r"\bthe\s+[\w-]+(?:\s[\w-]+)?\s*\??$", re.IGNORECASE)
"""Ends with a thing that was spoken of, or that belongs to what was."""

_OTHER: Final = re.compile(
    r"^(?:それなら|それでは|では|じゃあ?|なら|また|あと|ちなみに)[、,]?\s*(?P<ja>[^\s、。？?はがを]{1,30}?)"
    r"(?:は|って|なら|だと|の場合は|については)?(?:どう(?:ですか|なの)?)?\s*[?？。]*$"
    r"|^(?:and (?:(?:what|how) about )?|(?:what|how) about )(?P<the>the )?(?:an? )?"
    rf"(?P<en>(?!{_OPENS_EN}|its |their )[\w .+#-]{{1,30}}?)\s*\??$",
    re.IGNORECASE,
)
"""Asks of another thing what was asked before."""
_LINKS: Final = re.compile(r"\s*(?:の|と|や|・|/|-|\s|(?:and|of|in|for)(?:\s+the)?)?\s*", re.IGNORECASE)
"""What stands between two words of one thing: アンモニアの製法, foreign key."""
_ATTRIBUTE_JA: Final = re.compile(r"^[^\s、。？?はがをにで]{1,20}(?:は|って|とは|を教えて)[^、]{0,14}$")
"""A noun, and little but what is asked of it."""
_OF: Final = re.compile(r"[^\s]の[^\s]")


def stand_alone(question: str, history: Sequence[Turn], analyser: Analyser) -> str:
    """`question` with what it points at filled in from the turn before; unchanged when it points at nothing."""
    if not history:
        return question
    before = analyse_question(history[-1].standalone or history[-1].question, analyser)
    subject = _subject(before)
    if not subject:
        return question
    asked = analyse_question(question, analyser)
    known = {token.form for term in before.subject for token, _ in term.tokens}
    if any(all(token.form in known for token, _ in t.tokens) for t in asked.subject if not t.generic):
        return question
    if other := _of_another(question, before, asked.language, analyser):
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
    if len(named := [t for t in before.subject if own and t.weight > 1.0]) == 1:
        subject = _written(before, named)  # another attribute is asked for, of the same thing
    return (_elliptic_ja if asked.language == "ja" else _elliptic_en)(question, subject, own)


def _elliptic_ja(question: str, subject: str, own: Sequence[QuestionTerm]) -> str:
    """`question` asked of `subject`, where it names no thing of its own."""
    asks = _ASKS_FIRST.match(question)
    if asks and asks["asks"]:
        nouns = [t for t in own if t.tokens[0][0].kind != "predicate"]
        topic = _OWN_TOPIC.match(question, asks.end())
        return (
            question if nouns and (topic or any(t.weight > 1.0 for t in nouns)) else f"{subject}は{question}"
        )
    if not own or asks or _CONNECTIVE.match(question):
        trimmed = _CONNECTIVE.sub("", question)
        return f"{subject}{'は' if _ASKS_FIRST.match(trimmed) else 'の'}{trimmed}"
    return question


def _elliptic_en(question: str, subject: str, own: Sequence[QuestionTerm]) -> str:
    """The same in English, where "the" tells what belongs to something from what is a thing by itself."""
    belongs = bool(_OF_THE_EN.search(question))
    whole = _WHOLE_EN.match(question)
    if own and whole and not belongs and (len(own) > 1 or _AUXILIARY.search(whole["whole"])):
        return whole["whole"]
    if own and not _ELLIPSIS_EN.search(question):
        return question
    of = "of " if own and belongs else ""
    return f"{question.rstrip(' ?？')} {of}{subject}?"


def _of_another(question: str, before: Question, language: Language, analyser: Analyser) -> str:
    """The question before with another name in the place of its own; empty where `question` names none like it.

    What is asked in another language than before is not put into that question, but asked anew.
    """
    found = _OTHER.match(question.strip())
    if not found or before.sides:
        return ""
    other = found["ja"] or found["en"]
    # read as a topic: among Japanese a word in Latin letters is a name
    topic = analyse_question(f"{other}は？" if found["ja"] else other, analyser)
    things = _things(topic)
    if len(things) != 1:
        return ""
    if "の" in other and any(t.generic for t in topic.terms):
        return _CONNECTIVE.sub("", question)  # says itself what is asked of it
    gone = _replaced(things[0], other, before, belongs=bool(found["the"]))
    if not gone:
        return ""
    if language != before.language:
        if before.kind != "definition":
            return _CONNECTIVE.sub("", question)
        return f"{other}とは？" if language == "ja" else f"What is {other}?"
    return before.text.replace(_written(before, gone), other, 1)


def _things(question: Question) -> list[Sequence[QuestionTerm]]:
    """What a question speaks of, without verbs and what is asked of it; words side by side are one thing."""
    found: list[list[QuestionTerm]] = []
    for term in question.subject:
        if term.generic or term.tokens[0][0].kind == "predicate":
            continue
        last = found[-1][-1].surface if found else ""
        beside = re.search(rf"{re.escape(last)}[ -]{re.escape(term.surface)}\b", question.text, re.IGNORECASE)
        if found and beside and not _is_deed(question.text, beside.end()):
            found[-1].append(term)
        else:
            found.append([term])
    return list(found)


def _replaced(
    new: Sequence[QuestionTerm], other: str, before: Question, *, belongs: bool
) -> Sequence[QuestionTerm]:
    """The thing of the question before that `new` is named in place of; none where it is rather said of that thing."""
    things = _things(before)
    alike = [each for each in things if _is_name(each) and each[0].surface.isascii() == other.isascii()]
    if len(alike) == 1 and _is_name(new):
        return alike[0]
    written = [_written(before, each) for each in things]
    if len(things) == 1 and not belongs and _is_quantity(other) <= _is_quantity(written[0]):
        return things[0]
    ending = [each for each, text in zip(things, written, strict=True) if text[-1:] == other[-1:]]
    return ending[0] if len(ending) == 1 and not belongs and not other.isascii() else ()


def _is_name(thing: Sequence[QuestionTerm]) -> bool:
    return any(term.weight > 1.0 for term in thing)


def _is_quantity(name: str) -> bool:
    return asks_number(f"what is the {name}" if name.isascii() else f"{name}は？")


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


def _subject(question: Question) -> str:
    """What the earlier question was about, as it was written: its first thing, with what is said to be of it."""
    nouns = [t for t in question.subject if t.tokens[0][0].kind != "predicate"]
    return _written(question, nouns or question.subject)


def _written(question: Question, terms: Sequence[QuestionTerm]) -> str:
    """The stretch from the first of `terms` to the last that is joined to it, with a word that ends its name."""
    text = question.text
    places = sorted(m.span() for t in terms if (m := re.search(re.escape(t.surface), text, re.IGNORECASE)))
    if not places:
        return ""
    start, end = places[0]
    for begin, stop in places[1:]:
        if begin >= end and not _LINKS.fullmatch(text, end, begin):
            break
        end = max(end, stop)
    for term in question.terms:  # foreign key: the word that ends a name may be little by itself
        beside = re.compile(rf"\s{re.escape(term.surface)}\b", re.IGNORECASE).match(text, end)
        if term.generic and beside and not _is_deed(text, beside.end()):
            end = beside.end()
            break
    return text[start:end] if end - start <= 60 else text[start : places[0][1]]


def _is_deed(text: str, end: int) -> bool:
    """Whether the English word that ends there is what something does, as the last of "What does KX10 cost?" is."""
    return bool(_DOES.search(text)) and not text[end:].strip(" ?？")
