"""What a unit says of a question by itself: lexical evidence, head, kind and form, without a model."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import Question
from terakoya.types import Passage
from workflows.units import Unit, plain_line, units_of

COMPOUND: Final = 0.9
"""Evidence from which on all parts of a compound stand there."""
_CONTEXT: Final = 0.75
"""Evidence in headings and ancestors counts less than evidence in the unit itself."""
_NAMED_CONTEXT: Final = 0.95
"""The same, where the heading or item right above is the very name of what is asked about."""
_HEAD_BONUS: Final = 0.45
_KIND_BONUS: Final = 0.12
_RANK_BONUS: Final = 0.1
_SECTION_BONUS: Final = 0.03
_SECTION_PENALTY: Final = 0.2
LONG: Final = 8
"""Lines from which on a section or table is too long to be quoted whole, unless a list was asked for."""
_LONG_PENALTY: Final = 0.2
_POINTER_PENALTY: Final = 0.3
REASON: Final = re.compile(
    r"から|ため|ので|→|⇒|=>|理由|\bbecause\b|\bso (?:that|i|we|it|they|the)\b|\bdue to\b|\bsince\b",
    re.IGNORECASE,
)
_FORMULA: Final = re.compile(r"\$|[=＝].*[-+*/×÷−^]|[-+*/×÷−^].*[=＝]|\+.*(?:→|⇌|⇄|->)")
_SYMBOLS: Final = re.compile(r"[=＝≈≒∝→⇌⇄²³½¼√∑Σ∫π^]")
"""MV = PY, ½mv²: what may be a formula."""
_MARKER: Final = re.compile(r"(?m)^\s*(?:[-*+]|\d+[.)])\s+")
_ENUMERATION: Final = re.compile(r"[^、]+、[^、]+、|[^・]+・[^・]+・|\w, [^,.]+, |[^/]+ / [^/]+ / ")

DATE: Final = re.compile(
    r"\d{4}\s*[年/.-]|\d{1,2}\s*[月/]\s*\d{1,2}|\d+\s*(?:年|月|日|世紀|時|曜)|[月火水木金土日]曜|(?:19|20|1[0-8])\d\d\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|century|morning|evening|night)\b|[一二三四五六七八九十]+(?:年|月|世紀)"
    r"|期限|初旬|中旬|下旬|時代|毎[日週月年]|\d\s*(?:am|pm)\b",
    re.IGNORECASE,
)
NUMBER: Final = re.compile(
    r"\d|[一二三四五六七八九十百千万億]+(?:つ|個|人|回|種|本|枚|件|割|倍|年|円|兆|%)"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|million|half|twice|double)\b",
    re.IGNORECASE,
)
_TASKS: Final = re.compile(
    r"\bto-?do|\btasks?\b|\bhomework\b|宿題|タスク|やること|すべきこと|やり残|まだ(?:やって|終わって|できて)ない",
    re.IGNORECASE,
)
_BRACKETS: Final = re.compile(r"[（(]([^（()）]*)[)）]")
_HEAD_ENDS: Final = re.compile(r"\s*(?:[:：=＝]|\s[-–—]\s|(?<!も)とは|は、|→|=>| is | are | means )")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit with its readings.

    Attributes:
        unit: The unit.
        rank: Place of its passage, from 0.
        own: Its own first part.
        whole: All of it.
        above: Headings, ancestors and header.
        heads: The names it goes by, nearest first.
        lines: All lines of its passage, those without a word left out.
        first: Place of its first line among them.
        last: And of its last.
    """

    unit: Unit
    rank: int
    own: Reading
    whole: Reading
    above: Reading
    heads: tuple[tuple[Reading, ...], ...]
    lines: tuple[Reading, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit with how well it answers.

    Attributes:
        unit: The candidate.
        score: For ranking.
        support: Share of the question's evidence in the unit and above it, 0 to 1.
        direct: Evidence for each term in the unit itself.
        whole: Evidence for each term in the unit or above it.
        candidate: The unit with its readings; of a piece of code that is quoted in part, the whole of it.
    """

    unit: Unit
    score: float
    support: float
    direct: Mapping[str, float]
    whole: Mapping[str, float]
    candidate: Candidate


def read_candidates(passages: Sequence[Passage], analyser: Analyser) -> list[Candidate]:
    """All units of `passages`, which come best first, each text analysed once."""
    readings: dict[str, Reading] = {}

    def read(text: str) -> Reading:
        if text not in readings:
            readings[text] = Reading.of(text, analyser)
        return readings[text]

    found: list[Candidate] = []
    for rank, passage in enumerate(passages):
        places, lines = _lines_of(passage, read)
        for unit in units_of(passage):
            inside = [n for n, (start, end) in enumerate(places) if start < unit.end and unit.start < end]
            heads = tuple(
                tuple(read(alias) for alias in re.split(r"\s*[|｜]\s*", head) if alias.strip())
                for head in _heads_of(unit)
            )
            found.append(
                Candidate(
                    unit=unit,
                    rank=rank,
                    own=read(unit.own),
                    whole=read(unit.text),
                    above=read("\n".join((*unit.headings, *unit.ancestors, *unit.header))),
                    heads=heads,
                    lines=lines,
                    first=min(inside, default=0),
                    last=max(inside, default=0),
                )
            )
    return found


def _lines_of(
    passage: Passage, read: Callable[[str], Reading]
) -> tuple[list[tuple[int, int]], tuple[Reading, ...]]:
    """Where the lines of a passage stand in its text, and what is in them."""
    places, lines, at = [], [], 0
    for line in passage.text.split("\n"):
        if line.strip():
            places.append((at, at + len(line)))
            lines.append(read(line))
        at += len(line) + 1
    return places, tuple(lines)


def score_unit(asked: Question, candidate: Candidate) -> Scored:
    """How well one unit answers `asked`, as far as it tells by itself; `workflows.ranking` adds the rest.

    The score compares units with one another: evidence, head, kind, rank of the passage, length. The support
    says how much of the question's evidence there is at all; only the evidence and its kind go into it.
    """
    unit, whole, above = candidate.unit, candidate.whole, candidate.above
    # an English line in a Japanese note is still a place where Japanese words may stand
    language = asked.language if asked.language in (whole.language, unit.passage.language) else whole.language
    weights = {t.surface: asked.weight(t, language) for t in asked.terms}
    total = sum(weights.values()) or 1.0
    scattered = _scattered(unit)
    own = candidate.own if unit.kind in ("item", "section") else None
    direct = {
        t.surface: max(own.evidence(t) if own else 0.0, scattered * whole.evidence(t)) for t in asked.terms
    }
    both = {t.surface: max(direct[t.surface], above.evidence(t)) for t in asked.terms}
    apart = [t for t in asked.terms if len(t.tokens) > 1 and 0 < both[t.surface] < COMPOUND]
    if apart and above.tokens:
        joined = whole.under(above)  # 小型モデル: one word in the line, the other in its heading
        both |= {t.surface: max(both[t.surface], scattered * joined.evidence(t)) for t in apart}
    support = sum(weights[t] * both[t] for t in weights) / total
    if not support:
        return Scored(unit, 0.0, 0.0, direct, both, candidate)
    context = (
        1.0 if unit.kind == "section" else _NAMED_CONTEXT if _under_its_name(asked, candidate) else _CONTEXT
    )
    counted = {t: direct[t] + context * max(0.0, both[t] - direct[t]) for t in weights}
    ranks = {t.surface: asked.rank_weight(t, language) for t in asked.terms}
    score = sum(ranks[t] * counted[t] for t in ranks) / sum(ranks.values())
    head = headed(asked, candidate)
    score += _HEAD_BONUS * head
    if unit.kind == "section" and unit.own_end == unit.start:
        # a whole section is quoted for its heading, not because one line in it fits
        score += _SECTION_BONUS if head else -_SECTION_PENALTY
    score += kind_bonus(asked, unit)
    score += _RANK_BONUS / (1 + candidate.rank)
    score -= 0.05 * log(1 + len(unit.text) / 120)
    if unit.kind in ("section", "table", "code") and unit.text.count("\n") >= LONG and asked.kind != "list":
        score -= 0.0 if asked.asks_day else _LONG_PENALTY
    fresh = len(whole.content - {token.form for t in asked.terms for token, _ in t.tokens})
    score += 0.02 * min(fresh, 6) - (0.3 if fresh == 0 else 0.0)
    if unit.is_question:
        score -= 0.15  # a note's own question is no answer
    if unit.is_pointer:
        score -= _POINTER_PENALTY
    worth = unit.worth(tasks=asks_tasks(asked))
    return Scored(unit, score, support * worth * fits(asked, candidate, both), direct, both, candidate)


def _scattered(unit: Unit) -> float:
    """What evidence in nested lines is worth: in a long list, words that stand far apart say little together."""
    if unit.kind == "code":
        return 1.0  # only a window of it is quoted
    lines = unit.text.count("\n") + 1
    return 1.0 if lines <= 6 else 0.8 if lines <= 12 else 0.6


def _under_its_name(asked: Question, candidate: Candidate) -> bool:
    """The heading or item right above is a term of the question and nothing else."""
    return any(
        alias.content and alias.content <= {token.form for token, _ in term.tokens}
        for aliases in candidate.heads[1:]
        for alias in aliases
        for term in asked.subject
        if alias.evidence(term) >= 0.5
    )


def headed(asked: Question, candidate: Candidate, *, own: bool = False) -> float:
    """How surely the unit is about just what is asked: its own head, or the one right above, names it.

    With `own` the one right above does not count, unless the unit is all that stands below it.
    """
    # verbs say what is asked of a thing; its heading is its noun
    subject = [t for t in asked.subject if t.tokens[0][0].kind != "predicate"] or asked.subject
    if not subject:
        return 0.0
    forms = {token.form for term in subject for token, _ in term.tokens}
    total = sum(term.weight for term in subject)
    best = 0.0
    levels = candidate.heads[:1] if own and candidate.unit.kind != "section" else candidate.heads
    for level, aliases in enumerate(levels):
        for alias in aliases:
            share = sum(term.weight for term in subject if alias.evidence(term) >= 0.5) / total
            if share and alias.content:
                nearness = share**2 / (1 + len(alias.content - forms))
                if level:  # under a heading, the first lines say what it is
                    nearness *= 0.95 / (1 + 0.2 * candidate.unit.position)
                best = max(best, nearness)
    best = max(best, labelled(asked, candidate))
    if asked.asks_day and candidate.unit.kind == "section":
        return float(any(min(map(head.evidence, subject)) for heads in candidate.heads for head in heads))
    return best if asked.kind in ("definition", "list", "open", "formula") else 0.6 * best


def labelled(asked: Question, candidate: Candidate) -> float:
    """How surely the unit is a label below its subject, as "Advantages" is, and the label is what is asked of it."""
    aspects = {token.form for t in asked.terms if t.generic for token, _ in t.tokens}
    if not any(head.content and head.content <= aspects for head in candidate.heads[0]):
        return 0.0
    return min((candidate.above.evidence(t) for t in asked.terms if not t.generic), default=0.0)


def has_form(asked: Question, unit: Unit) -> bool:
    """Whether the unit is, or has in it, the code or formula that is asked for."""
    if asked.kind == "code":
        return unit.kind == "code" or "`" in unit.text
    return asked.kind == "formula" and _shows_formula(unit)


def _shows_formula(unit: Unit) -> bool:
    return unit.kind == "formula" or bool(_FORMULA.search(_MARKER.sub("", unit.text)))


def kind_bonus(asked: Question, unit: Unit) -> float:
    """Whether the unit has the form that is asked for: a date, a number, a list, code, a formula."""
    match asked.kind:
        case "when":
            return _KIND_BONUS if DATE.search(unit.text) else 0.0
        case "how-many":
            return _KIND_BONUS if NUMBER.search(unit.text) else -_KIND_BONUS
        case "list":
            if asked.count and unit.children == asked.count:
                return 2 * _KIND_BONUS
            return _KIND_BONUS if unit.children > 1 or _ENUMERATION.search(unit.text) else 0.0
        case "why":
            return _KIND_BONUS if REASON.search(unit.text) else 0.0
        case "code":
            if unit.kind == "code":
                return 2 * _KIND_BONUS
            return _KIND_BONUS if "`" in unit.text else -_KIND_BONUS
        case "definition" if unit.kind == "code":
            return -_KIND_BONUS
        case "formula":
            if _shows_formula(unit):
                return 2 * _KIND_BONUS
            return _KIND_BONUS if _SYMBOLS.search(unit.text) else 0.0
        case _:
            return 0.0


def fits(asked: Question, candidate: Candidate, whole: Mapping[str, float]) -> float:
    """Below 1 where what is asked for, a time, a number or a name, stands nowhere in the unit or right above it."""
    unit = candidate.unit
    near = " ".join((unit.text, *unit.headings[-2:], *unit.ancestors))
    verbs = [t for t in asked.terms if t.tokens[0][0].kind == "predicate" and not t.generic]
    if asked.kind in ("when", "who") and verbs and not any(whole[t.surface] for t in verbs):
        return 0.8  # the notes know the person or the day, but not of this deed
    if asked.kind == "who" and not names_somebody(asked, candidate):
        return 0.6
    if asked.kind == "when" and not DATE.search(near):
        return 0.85  # "when" may also ask for a condition
    if asked.kind == "how-many" and not NUMBER.search(unit.text):
        return 0.6
    return 1.0


def asks_tasks(asked: Question) -> bool:
    """Whether what is to be done is what is asked for."""
    return bool(_TASKS.search(asked.text))


def names_somebody(asked: Question, candidate: Candidate) -> bool:
    """A proper noun, or a capitalised word inside a sentence, that is not the question's own."""
    own = {token.form for t in asked.terms for token, _ in t.tokens}
    if any(t.kind == "name" and t.form not in own for t in candidate.whole.tokens):
        return True
    words = re.findall(r"(?<=[\w,、。(（] )[A-Z][a-z]+|[ァ-ヴー]{2,}・[ァ-ヴー]{2,}", candidate.unit.text)
    return any(word.lower() not in asked.text.lower() for word in words)


def _heads_of(unit: Unit) -> list[str]:
    above = unit.ancestors[-1:] or unit.headings[-1:]
    if unit.kind == "section" and unit.own_end == unit.start:
        return ["", *reversed(unit.headings[-2:])]
    return [_head(plain_line(unit.own)), *(_head(a) for a in above)]


def _head(own: str) -> str:
    """What stands before the colon or verb of a unit, the term that it defines; what stands in brackets is an alias."""
    line = own.strip().split("\n")[0]
    inside = _BRACKETS.findall(line[:80])
    head = _HEAD_ENDS.split(_BRACKETS.sub("", line), maxsplit=1)[0][:80]
    return "|".join([head, *inside])
