"""The extractive answerer: finds the units that answer, quotes and cites them, and knows when none does."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Final

from terakoya.catalogue import text as sentence
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import Question, analyse_question
from terakoya.types import Draft, Passage, Turn
from workflows.composing import compose, nearest
from workflows.units import Unit, plain_line, units_of

MOST_UNITS: Final = 6
SUPPORTED: Final = 0.6
"""Share of the question's evidence that the chosen units must hold for an answer."""
_CONTEXT: Final = 0.75
"""Evidence in headings and ancestors counts less than evidence in the unit itself."""
_NAMED_CONTEXT: Final = 0.95
"""The same, where the heading or item right above is the very name of what is asked about."""
_HEAD_BONUS: Final = 0.45
_KIND_BONUS: Final = 0.12
_RANK_BONUS: Final = 0.1
_TASK_PENALTY: Final = 0.5
_SECTION_BONUS: Final = 0.03
_SECTION_PENALTY: Final = 0.2
LONG: Final = 8
"""Lines from which on a section or table is too long to be quoted whole, unless a list was asked for."""
_LONG_PENALTY: Final = 0.2
_CODE_WINDOW: Final = 12
"""Lines that are quoted of a longer block of code."""
_MENTIONED: Final = 0.25
"""Support from which on the nearest passage is worth showing when the answer is not there."""
_REASON: Final = re.compile(
    r"から|ため|ので|→|⇒|=>|理由|\bbecause\b|\bso that\b|\bdue to\b|\bsince\b", re.IGNORECASE
)
_FORMULA: Final = re.compile(r"\$|[=＝].*[-+*/×÷−^]|[-+*/×÷−^].*[=＝]")
_ENUMERATION: Final = re.compile(r"[^、]+、[^、]+、|[^・]+・[^・]+・|\w, [^,.]+, |[^/]+ / [^/]+ / ")

_DATE: Final = re.compile(
    r"\d{4}\s*[年/.-]|\d{1,2}\s*[月/]\s*\d{1,2}|\d+\s*(?:年|月|日|世紀|時|曜)|[月火水木金土日]曜|(?:19|20|1[0-8])\d\d\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|century|morning|evening|night)\b|[一二三四五六七八九十]+(?:年|月|世紀)"
    r"|期限|初旬|中旬|下旬|時代|毎[日週月年]|\d\s*(?:am|pm)\b",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"\d|[一二三四五六七八九十百千万億]+(?:つ|個|人|回|種|本|枚|件|割|倍|年|円|兆|%)"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|million|half|twice|double)\b",
    re.IGNORECASE,
)
_BRACKETS: Final = re.compile(r"[（(]([^（()）]*)[)）]")
_HEAD_ENDS: Final = re.compile(r"\s*(?:[:：=＝]|\s[-–—]\s|(?<!も)とは|は、|→|=>| is | are | means )")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit with its readings; `heads` are the names it goes by, nearest first."""

    unit: Unit
    rank: int
    own: Reading
    whole: Reading
    above: Reading
    heads: tuple[tuple[Reading, ...], ...]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A unit with how well it answers.

    Attributes:
        unit: The candidate.
        score: For ranking.
        support: Share of the question's evidence in the unit and above it, 0 to 1.
        direct: Evidence for each term in the unit itself.
        whole: Evidence for each term in the unit or above it.
    """

    unit: Unit
    score: float
    support: float
    direct: Mapping[str, float]
    whole: Mapping[str, float]


class ExtractiveAnswerer:
    """Answers by quoting. Needs no model and makes nothing up.

    Each unit is scored by the evidence for the question's terms that stands in it or, for less, above it; by
    being headed by what is asked about; by the kind of thing asked for; and by its passage's rank. One unit is
    quoted, or one for each side of a comparison and each part of a question about several things. The share
    of the evidence that the quoted units hold decides whether the notes answer at all.
    """

    name = "extractive"

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser

    def answer(
        self, question: str, passages: Sequence[Passage], *, history: Sequence[Turn] = (), emit: Emit
    ) -> Draft:
        """Quotes the units of `passages` that answer `question`; see `terakoya.protocols.Answerer`."""
        asked = analyse_question(question, self._analyser)
        candidates = self._read(passages)
        scored = self._score(asked, candidates)
        chosen = self._choose(asked, scored, candidates)
        support = _support(asked, chosen)
        if not chosen or support < SUPPORTED:
            draft = self._decline(asked, scored, support)
        else:
            text, citations = compose(asked, [c.unit for c in chosen])
            draft = Draft(text=text, answered=True, citations=citations, model=self.name, confidence=support)
        emit(draft.text)
        return draft

    def _read(self, passages: Sequence[Passage]) -> list[_Candidate]:
        readings: dict[str, Reading] = {}

        def read(text: str) -> Reading:
            if text not in readings:
                readings[text] = Reading.of(text, self._analyser)
            return readings[text]

        return [
            _Candidate(
                unit,
                rank,
                read(unit.own),
                read(unit.text),
                read("\n".join((*unit.headings, *unit.ancestors, *unit.header))),
                tuple(
                    tuple(read(alias) for alias in re.split(r"\s*[|｜]\s*", head) if alias.strip())
                    for head in _heads_of(unit)
                ),
            )
            for rank, passage in enumerate(passages)
            for unit in units_of(passage)
        ]

    def _score(self, asked: Question, candidates: Sequence[_Candidate]) -> list[_Scored]:
        return sorted((self._score_unit(asked, c) for c in candidates), key=lambda s: -s.score)

    def _score_unit(self, asked: Question, candidate: _Candidate) -> _Scored:
        unit, whole, above = candidate.unit, candidate.whole, candidate.above
        # an English line in a Japanese note is still a place where Japanese words may stand
        language = (
            asked.language if asked.language in (whole.language, unit.passage.language) else whole.language
        )
        weights = {t.surface: asked.weight(t, language) for t in asked.terms}
        total = sum(weights.values()) or 1.0
        scattered = _scattered(unit)
        own = candidate.own if unit.kind in ("item", "section") else None
        direct = {
            t.surface: max(own.evidence(t) if own else 0.0, scattered * whole.evidence(t))
            for t in asked.terms
        }
        both = {t.surface: max(direct[t.surface], above.evidence(t)) for t in asked.terms}
        support = sum(weights[t] * both[t] for t in weights) / total
        if not support:
            return _Scored(unit, 0.0, 0.0, direct, both)
        context = (
            1.0
            if unit.kind == "section"
            else _NAMED_CONTEXT
            if _under_its_name(asked, candidate)
            else _CONTEXT
        )
        counted = {t: max(direct[t], context * both[t]) for t in weights}
        ranks = {t.surface: asked.rank_weight(t, language) for t in asked.terms}
        score = sum(ranks[t] * counted[t] for t in ranks) / sum(ranks.values())
        headed = _headed(asked, candidate)
        score += _HEAD_BONUS * headed
        if unit.kind == "section" and unit.own_end == unit.start:
            # a whole section is quoted for its heading, not because one line in it fits
            score += _SECTION_BONUS if headed else -_SECTION_PENALTY
        score += _kind_bonus(asked, unit)
        score += _RANK_BONUS / (1 + candidate.rank)
        score -= 0.05 * log(1 + len(unit.text) / 120)
        if (
            unit.kind in ("section", "table", "code")
            and unit.text.count("\n") >= LONG
            and asked.kind != "list"
        ):
            score -= 0.0 if asked.asks_day else _LONG_PENALTY
        fresh = len(whole.content - {token.form for t in asked.terms for token, _ in t.tokens})
        score += 0.02 * min(fresh, 6) - (0.3 if fresh == 0 else 0.0)
        if unit.is_task:
            score -= _TASK_PENALTY
            support *= 0.5
        if unit.text.strip().endswith(("?", "？")):
            score -= 0.15  # a note's own question is no answer
            support *= 0.8
        return _Scored(unit, score, support * _fits(asked, candidate, both), direct, both)

    def _choose(
        self, asked: Question, scored: Sequence[_Scored], candidates: Sequence[_Candidate]
    ) -> list[_Scored]:
        """The best unit; for a comparison the best for each side; for several things the best for each."""
        if not scored or scored[0].score <= 0:
            return []
        if asked.sides:
            return self._sides(asked, scored, candidates)
        best = _with_reason(scored) if asked.kind == "why" else scored[0]
        chosen = [replace(best, unit=_window(asked, best.unit, self._analyser))]
        if not asked.several:
            return chosen
        missing = {t.surface for t in asked.terms if chosen[0].direct[t.surface] < 0.5}
        for candidate in scored[1:200]:
            gained = {t for t in missing if candidate.direct[t] >= 0.5}
            about = all(candidate.whole[t.surface] >= 0.5 for t in asked.subject)
            if gained and about and not any(candidate.unit.overlaps(c.unit) for c in chosen):
                chosen.append(candidate)
                missing -= gained
            if not missing or len(chosen) == MOST_UNITS:
                break
        return chosen

    def _sides(
        self, asked: Question, scored: Sequence[_Scored], candidates: Sequence[_Candidate]
    ) -> list[_Scored]:
        """One unit for each side, unless one unit is headed by both or tells both in one line."""
        others = tuple(
            t for t in asked.terms if t.surface not in {s.surface for side in asked.sides for s in side}
        )
        chosen: list[_Scored] = []
        for side in asked.sides:
            one = replace(asked, kind="definition", terms=(*side, *others), sides=())
            for best in self._score(one, candidates):
                if best.score <= 0 or min(best.whole[t.surface] for t in side) < 0.5:
                    break
                if not any(best.unit.overlaps(c.unit) for c in chosen):
                    chosen.append(self._again(asked, best, candidates))
                    break
                if any(best.unit == c.unit for c in chosen):
                    break
        best = scored[0]
        held = [min(best.direct[t.surface] for t in side if t.surface in best.direct) for side in asked.sides]
        if min(held) >= 0.5 and len(chosen) < 2:
            return [best]
        return chosen or [best]

    def _again(self, asked: Question, found: _Scored, candidates: Sequence[_Candidate]) -> _Scored:
        """A unit found for one side, scored for the whole question."""
        return next(self._score_unit(asked, c) for c in candidates if c.unit == found.unit)

    def _decline(self, asked: Question, scored: Sequence[_Scored], support: float) -> Draft:
        near = [s for s in scored[:1] if s.support >= _MENTIONED]
        held, missing = _told_apart(asked, near)
        if held and missing:
            text = sentence("answer.touched", language=asked.language, held=held, missing=missing)
        else:
            text = sentence("answer.nothing", language=asked.language)
        citations = nearest([s.unit for s in near])
        return Draft(text=text, answered=False, citations=citations, model=self.name, confidence=support)


def _with_reason(scored: Sequence[_Scored]) -> _Scored:
    """For "why": a line that gives no reason is quoted with the lines around it, where the reason stands."""
    best = scored[0]
    if _REASON.search(best.unit.text) or best.unit.children:
        return best
    around = [
        s
        for s in scored
        if s.unit.overlaps(best.unit)
        and s.unit.start <= best.unit.start
        and s.unit.end > best.unit.end
        and s.unit.text.count("\n") < LONG
    ]
    return min(around, key=lambda s: len(s.unit.text), default=best)


def _window(asked: Question, unit: Unit, analyser: Analyser) -> Unit:
    """Of a long block of code only the lines around what was asked about."""
    lines = unit.text.split("\n")
    if unit.kind != "code" or len(lines) <= _CODE_WINDOW + 2:
        return unit
    inside = lines[1:-1] if lines[0].lstrip().startswith(("```", "~~~")) else lines
    held = [sum(t.weight * Reading.of(line, analyser).evidence(t) for t in asked.terms) for line in inside]
    first = max(range(len(inside)), key=lambda i: (held[i], -i))
    first = max(0, min(first - 1, len(inside) - _CODE_WINDOW))
    before = len(lines[0]) + 1 if inside is not lines else 0
    start = unit.start + before + sum(len(line) + 1 for line in inside[:first])
    quoted = "\n".join(inside[first : first + _CODE_WINDOW]).rstrip()
    return replace(unit, start=start, end=start + len(quoted), own_end=start + len(quoted))


def _support(asked: Question, chosen: Sequence[_Scored]) -> float:
    """Share of the question's evidence that the quoted units hold, 0 to 1."""
    if not chosen or not asked.terms:
        return 0.0
    if len(chosen) == 1:
        return chosen[0].support
    language = chosen[0].unit.passage.language
    weights = {t.surface: asked.weight(t, language) for t in asked.terms}
    total = sum(weights.values()) or 1.0
    return sum(w * max(c.whole[t] for c in chosen) for t, w in weights.items()) / total


def _scattered(unit: Unit) -> float:
    """What evidence in nested lines is worth: in a long list, words that stand far apart say little together."""
    if unit.kind == "code":
        return 1.0  # only a window of it is quoted
    lines = unit.text.count("\n") + 1
    return 1.0 if lines <= 6 else 0.8 if lines <= 12 else 0.6


def _under_its_name(asked: Question, candidate: _Candidate) -> bool:
    """The heading or item right above is a term of the question and nothing else."""
    return any(
        alias.content and alias.content <= {token.form for token, _ in term.tokens}
        for aliases in candidate.heads[1:]
        for alias in aliases
        for term in asked.subject
        if alias.evidence(term) >= 0.5
    )


def _headed(asked: Question, candidate: _Candidate) -> float:
    """How surely the unit is about just what is asked: its own head, or the one right above, names it."""
    # verbs say what is asked of a thing; its heading is its noun
    subject = [t for t in asked.subject if t.tokens[0][0].kind != "predicate"] or asked.subject
    if not subject:
        return 0.0
    forms = {token.form for term in subject for token, _ in term.tokens}
    total = sum(term.weight for term in subject)
    best = 0.0
    for level, aliases in enumerate(candidate.heads):
        for alias in aliases:
            share = sum(term.weight for term in subject if alias.evidence(term) >= 0.5) / total
            if share and alias.content:
                nearness = share**2 / (1 + len(alias.content - forms))
                if level:  # under a heading, the first lines say what it is
                    nearness *= 0.95 / (1 + 0.2 * candidate.unit.position)
                best = max(best, nearness)
    if asked.asks_day and candidate.unit.kind == "section":
        return float(any(min(map(head.evidence, subject)) for heads in candidate.heads for head in heads))
    return best if asked.kind in ("definition", "list", "open", "formula") else 0.6 * best


def _kind_bonus(asked: Question, unit: Unit) -> float:
    match asked.kind:
        case "when":
            return _KIND_BONUS if _DATE.search(unit.text) else 0.0
        case "how-many":
            return _KIND_BONUS if _NUMBER.search(unit.text) else -_KIND_BONUS
        case "list":
            if asked.count and unit.children == asked.count:
                return 2 * _KIND_BONUS
            return _KIND_BONUS if unit.children > 1 or _ENUMERATION.search(unit.text) else 0.0
        case "why":
            return _KIND_BONUS if _REASON.search(unit.text) else 0.0
        case "code":
            return 2 * _KIND_BONUS if unit.kind == "code" else _KIND_BONUS if "`" in unit.text else 0.0
        case "definition" if unit.kind == "code":
            return -_KIND_BONUS
        case "formula":
            return 2 * _KIND_BONUS if unit.kind == "formula" or _FORMULA.search(unit.text) else 0.0
        case _:
            return 0.0


def _fits(asked: Question, candidate: _Candidate, whole: Mapping[str, float]) -> float:
    """Below 1 where what is asked for, a time, a number or a name, stands nowhere in the unit or right above it."""
    unit = candidate.unit
    near = " ".join((unit.text, *unit.headings[-2:], *unit.ancestors))
    verbs = [t for t in asked.terms if t.tokens[0][0].kind == "predicate" and not t.generic]
    if asked.kind in ("when", "who") and verbs and not any(whole[t.surface] for t in verbs):
        return 0.8  # the notes know the person or the day, but not of this deed
    if asked.kind == "who" and not _names_somebody(asked, candidate):
        return 0.6
    if asked.kind == "when" and not _DATE.search(near):
        return 0.85  # "when" may also ask for a condition
    if asked.kind == "how-many" and not _NUMBER.search(unit.text):
        return 0.6
    return 1.0


def _names_somebody(asked: Question, candidate: _Candidate) -> bool:
    """A proper noun, or a capitalised word inside a sentence, that is not the question's own."""
    own = {token.form for t in asked.terms for token, _ in t.tokens}
    if any(t.kind == "name" and t.form not in own for t in candidate.whole.tokens):
        return True
    words = re.findall(r"(?<=[\w,、。(（] )[A-Z][a-z]+|[ァ-ヴー]{2,}・[ァ-ヴー]{2,}", candidate.unit.text)
    return any(word.lower() not in asked.text.lower() for word in words)


def _told_apart(asked: Question, near: Sequence[_Scored]) -> tuple[str, str]:
    """What the notes hold of the question and what they do not, as quoted words."""
    opening, closing, between = ("「", "」", "") if asked.language == "ja" else ("“", "”", ", ")
    # a verb cut from its ending is no word to show
    subject = [t for t in asked.terms if not t.generic and t.tokens[0][0].kind != "predicate"]

    def named(held: bool) -> str:
        return between.join(
            f"{opening}{asked.spelling(t)}{closing}"
            for t in subject
            if any(s.whole[t.surface] >= 0.5 for s in near) == held
        )

    return named(True), named(False)


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
