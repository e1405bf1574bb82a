"""The extractive answerer: finds the units that answer, quotes and cites them, and knows when none does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from terakoya.catalogue import text as sentence
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import Question, QuestionTerm, analyse_question
from terakoya.types import Draft, Passage, Turn
from workflows.composing import compose, nearest
from workflows.units import Unit, units_of

MOST_UNITS: Final = 6
SUPPORTED: Final = 0.62
"""Share of the question's evidence that the chosen units must hold for an answer."""
_CONTEXT: Final = 0.75
"""Evidence in headings and ancestors counts less than evidence in the unit itself."""
_HEAD_BONUS: Final = 0.45
_KIND_BONUS: Final = 0.12
_RANK_BONUS: Final = 0.1

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
_HEAD_ENDS: Final = re.compile(r"\s*(?:[:：=＝]|\s[-–—]\s|とは|は、|[（(]|→|=>| is | are | means )")


@dataclass(frozen=True, slots=True)
class _Scored:
    unit: Unit
    score: float
    covered: frozenset[str]
    direct: frozenset[str]


class ExtractiveAnswerer:
    """Answers by quoting. Needs no model and makes nothing up.

    Each unit is scored by the weight of the question's terms that stand in it or, for less, above it; by being
    headed by what is asked about; by the kind of thing asked for; and by its passage's rank. Units are added
    while they cover terms that are not covered yet. The share of weight covered in the end decides whether
    the notes answer at all.
    """

    name = "extractive"

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser

    def answer(
        self, question: str, passages: Sequence[Passage], *, history: Sequence[Turn] = (), emit: Emit
    ) -> Draft:
        """Quotes the units of `passages` that answer `question`; see `terakoya.protocols.Answerer`."""
        asked = analyse_question(question, self._analyser)
        scored = self._score(asked, passages)
        chosen = self._choose(asked, scored)
        support = self._support(asked, chosen)
        if not chosen or support < SUPPORTED:
            draft = self._decline(asked, scored, passages, support)
        else:
            text, citations = compose(asked, [c.unit for c in chosen])
            draft = Draft(text=text, answered=True, citations=citations, model=self.name, confidence=support)
        emit(draft.text)
        return draft

    def _score(self, asked: Question, passages: Sequence[Passage]) -> list[_Scored]:
        scored = []
        context: dict[tuple[str, ...], Reading] = {}
        for rank, passage in enumerate(passages):
            for unit in units_of(passage):
                above = (*unit.headings, *unit.ancestors, *unit.header)
                if above not in context:
                    context[above] = Reading.of("\n".join(above), self._analyser)
                scored.append(self._score_unit(asked, unit, context[above], rank))
        return sorted(scored, key=lambda s: -s.score)

    def _score_unit(self, asked: Question, unit: Unit, above: Reading, rank: int) -> _Scored:
        whole = Reading.of(unit.text, self._analyser)
        weights = {t.token.form: asked.weight(t, whole.language) for t in asked.terms}
        total = sum(weights.values()) or 1.0
        direct = frozenset(t.token.form for t in asked.terms if whole.holds(t.token))
        covered = direct | frozenset(t.token.form for t in asked.terms if above.holds(t.token))
        score = (
            sum(weights[f] for f in direct) + _CONTEXT * sum(weights[f] for f in covered - direct)
        ) / total
        if not covered:
            return _Scored(unit, 0.0, covered, direct)
        score += _HEAD_BONUS * self._heads(asked, unit)
        score += self._kind_bonus(asked, unit)
        score += _RANK_BONUS / (1 + rank)
        score -= 0.05 * log(1 + len(unit.text) / 120)
        if unit.text.strip().endswith(("?", "？")):
            score -= 0.15  # a note's own question is no answer
        return _Scored(unit, score, covered, direct)

    def _heads(self, asked: Question, unit: Unit) -> float:
        """How surely the unit is about just what is asked: its head, or the heading right above it, names it."""
        subject = {t.token.form for t in asked.subject}
        if not subject:
            return 0.0
        best = 0.0
        for rank, head in ((1.0, _head(unit.own)), (0.9, unit.ancestors[-1] if unit.ancestors else ""),
                           (0.9, unit.headings[-1] if unit.headings else "")):
            for alias in re.split(r"\s*[|｜]\s*", head):
                reading = Reading.of(alias, self._analyser)
                named = sum(reading.holds(t.token) for t in asked.subject)
                if named == len(subject) and reading.content:
                    extra = len(reading.content - subject)
                    nearness = rank / (1 + extra) if rank == 1.0 else rank / (1 + extra) / (1 + 0.25 * unit.position)
                    best = max(best, nearness)
        return best if asked.kind in ("definition", "list", "open") else 0.5 * best

    def _kind_bonus(self, asked: Question, unit: Unit) -> float:
        text = unit.text
        match asked.kind:
            case "when":
                where = text + " ".join((*unit.headings[-2:], *unit.ancestors))
                return _KIND_BONUS if _DATE.search(text) else -_KIND_BONUS * (0.5 if _DATE.search(where) else 2)
            case "how-many":
                return _KIND_BONUS if _NUMBER.search(text) else -_KIND_BONUS
            case "list":
                if asked.count and unit.children == asked.count:
                    return 2 * _KIND_BONUS
                return _KIND_BONUS if unit.children > 1 else 0.0
            case "code":
                return _KIND_BONUS if unit.kind == "code" or "`" in text else 0.0
            case "formula":
                return 2 * _KIND_BONUS if "$" in text or unit.kind == "formula" else 0.0
            case _:
                return 0.0

    def _choose(self, asked: Question, scored: Sequence[_Scored]) -> list[_Scored]:
        """The best unit, and then those that speak of what is not covered yet."""
        chosen: list[_Scored] = []
        covered: set[str] = set()
        weights = {t.token.form: t.weight for t in asked.terms if not t.generic}
        total = sum(weights.values()) or 1.0
        for _ in range(MOST_UNITS):
            best: _Scored | None = None
            best_gain = 0.0
            for candidate in scored[:200]:
                if any(candidate.unit.overlaps(c.unit) for c in chosen):
                    continue
                new = candidate.direct - covered if chosen else candidate.covered
                gain = candidate.score if not chosen else sum(weights.get(f, 0.0) for f in new) / total
                if chosen and gain:
                    gain = gain * 0.999 + 0.3 * candidate.score
                    if candidate.score < 0.3 * chosen[0].score:
                        continue
                if gain > best_gain:
                    best, best_gain = candidate, gain
            if best is None or best.score <= 0:
                break
            if chosen and sum(weights.get(f, 0.0) for f in best.direct - covered) / total < 0.15:
                break
            chosen.append(best)
            covered |= best.covered
            if covered >= weights.keys() and asked.kind != "comparison":
                break
        return chosen

    def _support(self, asked: Question, chosen: Sequence[_Scored]) -> float:
        """Share of the question's evidence that the chosen units hold, 0 to 1."""
        if not chosen or not asked.terms:
            return 0.0
        language = chosen[0].unit.passage.language
        total = sum(asked.weight(t, language) for t in asked.terms)
        covered = frozenset().union(*(c.covered for c in chosen))
        share = sum(asked.weight(t, language) for t in asked.terms if t.token.form in covered) / (total or 1.0)
        texts = " ".join(c.unit.text + " ".join((*c.unit.headings[-2:], *c.unit.ancestors)) for c in chosen)
        if asked.kind == "when" and not _DATE.search(texts):
            share *= 0.6
        if asked.kind == "how-many" and not _NUMBER.search(texts):
            share *= 0.6
        return share

    def _decline(
        self, asked: Question, scored: Sequence[_Scored], passages: Sequence[Passage], support: float
    ) -> Draft:
        near = [s for s in scored[:1] if s.direct]
        held, missing = _told_apart(asked, near)
        if held and missing:
            text = sentence("answer.touched", language=asked.language, held=held, missing=missing)
        else:
            text = sentence("answer.nothing", language=asked.language)
        return Draft(
            text=text, answered=False, citations=nearest([s.unit for s in near]), model=self.name, confidence=support
        )


def _told_apart(asked: Question, near: Sequence[_Scored]) -> tuple[str, str]:
    """What the notes hold of the question and what they do not, as quoted words."""
    covered = frozenset().union(*(s.direct for s in near)) if near else frozenset()
    marks = "「」" if asked.language == "ja" else "“”"

    def named(terms: Sequence[QuestionTerm]) -> str:
        return "".join(f"{marks[0]}{t.token.surface}{marks[1]}" for t in terms)

    subject = [t for t in asked.terms if not t.generic]
    return (
        named([t for t in subject if t.token.form in covered]),
        named([t for t in subject if t.token.form not in covered]),
    )


def _head(own: str) -> str:
    """What stands before the colon, bracket or verb of a unit: the term that it defines."""
    line = own.strip().split("\n")[0]
    return _HEAD_ENDS.split(line, maxsplit=1)[0][:80]
