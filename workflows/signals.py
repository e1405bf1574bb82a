"""What speaks for and against an answer: numbers from which it is told how likely the notes answer at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from terakoya.text.evidence import Reading
from terakoya.text.measure import asked_measure, asks_number
from terakoya.text.normalise import squeeze
from terakoya.text.question import Question, QuestionTerm
from workflows.scoring import DATE, Candidate, Scored, fits, headed, kind_bonus, names_somebody

_HELD: Final = 0.5
"""Evidence from which on a term counts as held."""
_WHERE: Final = re.compile(r"どこ|何処|\bwhere\b", re.IGNORECASE)
_NUMBER_WORDS: Final = frozenset(
    {
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "hundred",
        "thousand",
        "million",
        "billion",
        "half",
        "twice",
        "double",
        "once",
        "no",
        "none",
        "zero",
    }
)
_KANJI: Final = re.compile(r"[\u4e00-\u9fff]")
_KATAKANA_NAME: Final = re.compile(r"[ァ-ヴー・]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Signals of one answer, each about 0 to 1 or -1 to 1 and 0 where it does not apply.

    Attributes:
        support: Share of the question's evidence in the quoted units or above them.
        line: The largest such share that one line holds with what is above it: words that meet only because much
            is quoted are little evidence.
        passage: The same share, anywhere in the passages that the units stand in.
        missing: Number of nouns and names that stand nowhere in these passages, in part counted in part.
        stranger: How far a name or numbered thing is missing, though the passage is in the question's language.
        verbs: Share of the verbs, less 0.5.
        deed: A time, place or person is asked for and no verb of the question is there.
        asked: No word for what is asked (colour, reason) stands in the units.
        measure: A number with the unit asked for is there (1) or not (-1).
        number: Where a number is asked for, whether there is any (1) or not (-1).
        day: Where a time is asked for, the same.
        person: Where a person is asked for, whether somebody else than in the question is named.
        kind: The units have the form that is asked for (list, code, formula ...).
        fits: What the answer asked for needs is there, see `workflows.scoring`.
        head: How surely the unit is about what is asked, see `workflows.scoring`.
        score: The best unit's score.
        margin: By how much that is above the best of another place.
        terms: Logarithm of the number of terms.
        grams: Share of the question's character pairs in the unit and above it.
        kanji: Share of its kanji there, less 0.5.
        foreign: The passage is in the other language.
        foreign_support: `support`, there.
        quotes: Units that are quoted, less one.
        section: A whole section is quoted.
    """

    support: float
    line: float
    passage: float
    missing: float
    stranger: float
    verbs: float
    deed: float
    asked: float
    measure: float
    number: float
    day: float
    person: float
    kind: float
    fits: float
    head: float
    score: float
    margin: float
    terms: float
    grams: float
    kanji: float
    foreign: float
    foreign_support: float
    quotes: float
    section: float


def read_signals(
    asked: Question, chosen: Sequence[Scored], scored: Sequence[Scored], passages: Mapping[str, Reading]
) -> Signals:
    """The signals of quoting `chosen`, best first, of all units `scored`.

    Args:
        asked: The question, with at least one term.
        chosen: Units, at least one.
        scored: Every unit, best first.
        passages: The passages that `chosen` stand in, with what is above them, by id.
    """
    top = chosen[0]
    unit, text = top.unit, top.unit.text
    read = (top.candidate.whole.language, unit.passage.language)
    language = asked.language if asked.language in read else read[0]
    weights = {t.surface: asked.weight(t, language) for t in asked.terms}
    total = sum(weights.values()) or 1.0
    whole = {t: max(c.whole[t] for c in chosen) for t in weights}
    direct = {t: max(c.direct[t] for c in chosen) for t in weights}
    own = [t for t in asked.terms if not t.generic]
    verbs = [t for t in own if _is_verb(t)]
    nouns = [t for t in own if not _is_verb(t)] or own or list(asked.terms)
    generic = [t for t in asked.terms if t.generic]
    noun_weight = sum(weights[t.surface] for t in nouns) or 1.0
    above = {t.surface: max(whole[t.surface], *(r.evidence(t) for r in passages.values())) for t in nouns}
    foreign = asked.language != language
    context = " ".join((*unit.headings, *unit.ancestors, *unit.header, text))
    near = " ".join((*unit.header, *unit.ancestors, text))
    support = sum(weights[t] * whole[t] for t in weights) / total
    lines = [s for s in scored if _one_line(s) and any(_inside(s, c) for c in chosen)] or chosen
    others = (s.score for s in scored[:60] if not any(s.unit.overlaps(c.unit) for c in chosen))
    verb_held = max((whole[t.surface] for t in verbs), default=1.0) >= _HELD
    place = bool(_WHERE.search(asked.text))
    measure = asked_measure(asked.text)
    quantity = measure is not None or asked.kind == "how-many" or asks_number(asked.text)
    pairs = _pairs(asked.text)
    kanji = set(_KANJI.findall(asked.text))
    forms = frozenset(token.form for t in asked.terms for token, _ in t.tokens)
    strangers = [1 - whole[t.surface] for t in nouns if _is_entity(t)]
    return Signals(
        support=support,
        line=max(sum(weights[t] * s.whole[t] for t in weights) for s in lines) / total,
        passage=sum(weights[t.surface] * above[t.surface] for t in nouns) / noun_weight,
        missing=sum(weights[t.surface] / t.weight * (1 - above[t.surface]) for t in nouns),
        stranger=0.0 if foreign else max(strangers, default=0.0),
        verbs=sum(whole[t.surface] for t in verbs) / len(verbs) - 0.5 if verbs else 0.0,
        deed=float(not verb_held and (place or asked.kind in ("when", "who"))),
        asked=float(bool(generic) and max(direct[t.surface] for t in generic) < _HELD),
        measure=_sign(measure.stands_in(near)) if measure else 0.0,
        number=_sign(_has_number(top.candidate, forms)) if quantity else 0.0,
        day=_sign(bool(DATE.search(near))) if asked.kind == "when" else 0.0,
        person=_sign(names_somebody(asked, top.candidate)) if asked.kind == "who" else 0.0,
        kind=kind_bonus(asked, unit),
        fits=fits(asked, top.candidate, top.whole),
        head=headed(asked, top.candidate),
        score=top.score,
        margin=top.score - next(others, 0.0),
        terms=log(1 + len(own)),
        grams=len(pairs & _pairs(context)) / max(1, len(pairs)),
        kanji=len(kanji & set(context)) / len(kanji) - 0.5 if kanji else 0.0,
        foreign=float(foreign),
        foreign_support=support * foreign,
        quotes=float(len(chosen) - 1),
        section=float(unit.kind == "section"),
    )


def _is_verb(term: QuestionTerm) -> bool:
    return term.tokens[0][0].kind == "predicate"


def _is_entity(term: QuestionTerm) -> bool:
    """Names one thing among its like: a proper noun, something numbered, a loan word."""
    numbered = len(term.tokens) > 1 and any(token.kind == "number" for token, _ in term.tokens)
    return term.weight > 1.0 or numbered or bool(_KATAKANA_NAME.fullmatch(term.surface))


def _has_number(candidate: Candidate, asked: frozenset[str]) -> bool:
    """A number of its own: none of the question's, nor part of a name (T5), nor that of an item."""
    return any(
        (t.kind == "number" or t.surface in _NUMBER_WORDS) and t.form not in asked
        for t in candidate.whole.tokens
    )


def _one_line(scored: Scored) -> bool:
    return "\n" not in scored.unit.text.strip()


def _inside(inner: Scored, outer: Scored) -> bool:
    a, b = inner.unit, outer.unit
    return a.passage.id == b.passage.id and b.start <= a.start and a.end <= b.end


def _sign(held: bool) -> float:
    return 1.0 if held else -1.0


def _pairs(text: str) -> set[str]:
    even = squeeze(text)
    return {even[i : i + 2] for i in range(len(even) - 1)}
