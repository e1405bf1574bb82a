"""What speaks for and against an answer: numbers from which it is told how likely the notes answer at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from terakoya.text.evidence import Reading
from terakoya.text.measure import asked_date, asked_measure, asks_number
from terakoya.text.normalise import squeeze
from terakoya.text.question import Question, QuestionTerm
from workflows.scoring import COMPOUND, DATE, Candidate, Scored, fits, headed, kind_bonus, names_somebody

_HELD: Final = 0.5
"""Evidence from which on a term counts as held."""
_NAMED: Final = 0.8
"""Evidence for a term that is told under another name."""
_USUAL_GRAMS: Final = 0.3
"""Share of a question's character pairs that stand where its answer does, on average."""
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
_YEAR: Final = re.compile(r"(?:1\d|20)\d\d(?:-\d\d-\d\d)?|-(?:-\d\d){2}")
_YEARS: Final = re.compile(r"年|西暦|\byears?\b", re.IGNORECASE)
_SORT: Final = re.compile(
    r"(?:何の|どんな|どこの|どういう|どのような)(?P<ja>[\u4e00-\u9fffァ-ヴー]+)"
    r"|\b(?:what|which)\s+(?P<en>[a-z-]+(?:\s+[a-z-]+)?)",
    re.IGNORECASE,
)
_WHICH_OF_TWO: Final = re.compile(r"どちら|どっち|\b(?:which|who)\b", re.IGNORECASE)
_FORMULA_NAMED: Final = re.compile(r"式|\bformula\b|\bequation\b", re.IGNORECASE)
"""How something is reckoned may be told in a sentence, too."""
_IMPOSSIBLE: Final = 0.3
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
        deed: A time, place, person or which of two is asked for and no verb of the question is there.
        asked: No word for what is asked (colour, reason) stands in the units.
        sort: The sort of thing that is asked for ("which port", どこの国) is named there (1) or not (-1).
        measure: A number with the unit asked for is there (1) or not (-1).
        number: Where a number is asked for, whether there is any (1) or not (-1).
        day: Where a time is asked for, the same.
        person: Where a person is asked for, whether somebody else than in the question is named.
        kind: The units have the form that is asked for (list, code, formula ...).
        fits: What the answer asked for needs is there, see `workflows.scoring`.
        head: How surely the unit is about what is asked, see `workflows.scoring`.
        score: The best unit's score.
        margin: By how much that is above the best of another place.
        lead: By how much `support` is above what any other passage holds.
        rank: Reciprocal of the rank of the best unit's passage.
        fresh: Words of the best unit that are not the question's, up to ten of them, in tenths.
        terms: Logarithm of the number of terms.
        words: The same of all words of the question.
        grams: Share of the question's character pairs in the unit and above it; what is usual, in another language.
        kanji: Share of its kanji there, less 0.5; in a text of another language 0.
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
    sort: float
    measure: float
    number: float
    day: float
    person: float
    kind: float
    fits: float
    head: float
    score: float
    margin: float
    lead: float
    rank: float
    fresh: float
    terms: float
    words: float
    grams: float
    kanji: float
    foreign: float
    foreign_support: float
    quotes: float
    section: float


def read_signals(
    asked: Question,
    chosen: Sequence[Scored],
    scored: Sequence[Scored],
    passages: Mapping[str, Reading],
    *,
    words: int,
) -> Signals:
    """The signals of quoting `chosen`, best first, of all units `scored`.

    Args:
        asked: The question, with at least one term.
        chosen: Units, at least one.
        scored: Every unit, best first.
        passages: The passages that `chosen` stand in, with what is above them, by id.
        words: How many the question has.
    """
    top = chosen[0]
    unit, text = top.unit, top.unit.text
    read = (top.candidate.whole.language, unit.passage.language)
    language = asked.language if asked.language in read else read[0]
    weights = {t.surface: asked.weight(t, language) for t in asked.terms}
    total = sum(weights.values()) or 1.0
    near = " ".join((*unit.header, *unit.ancestors, text))
    measure = asked_measure(asked.text)
    measured = measure is not None and measure.stands_in(near)
    # nine bars are a pressure, though nobody says so
    told = {t for t in weights if measure and measured and t in measure.asked.rsplit(" ", 1)[-1]}
    if (dated := asked_date(asked.text)) and DATE.search(near):
        told |= {t for t in weights if t in dated}
    whole = {t: 1.0 if t in told else max(c.whole[t] for c in chosen) for t in weights}
    direct = {t: 1.0 if t in told else max(c.direct[t] for c in chosen) for t in weights}
    own = [t for t in asked.terms if not t.generic]
    verbs = [t for t in own if _is_verb(t)]
    nouns = [t for t in own if not _is_verb(t)] or own or list(asked.terms)
    generic = [t for t in asked.terms if t.generic]
    noun_weight = sum(weights[t.surface] for t in nouns) or 1.0
    above = {t.surface: max(whole[t.surface], *(r.evidence(t) for r in passages.values())) for t in nouns}
    foreign = asked.language != language
    support = sum(weights[t] * whole[t] for t in weights) / total
    lines = [s for s in scored if _one_line(s) and any(_inside(s, c) for c in chosen)] or chosen
    others = (s.score for s in scored[:60] if not any(s.unit.overlaps(c.unit) for c in chosen))
    verb_held = max((whole[t.surface] for t in verbs), default=1.0) >= _HELD
    place = bool(_WHERE.search(asked.text))
    quantity = measure is not None or asked.kind == "how-many" or asks_number(asked.text)
    # what is told under another name is told, letter for letter
    renamed = [
        t.surface
        for t in asked.terms
        if whole[t.surface] >= _NAMED and (t.meanings or whole[t.surface] < COMPOUND)
    ]
    pairs = _pairs(asked.text)
    kanji = set(_KANJI.findall(asked.text))
    said = "\n".join((*unit.headings, *unit.ancestors, *unit.header, text, *renamed))
    forms = frozenset(token.form for t in asked.terms for token, _ in t.tokens)
    elsewhere = _elsewhere(scored, {c.unit.passage.id for c in chosen})
    strangers = [1 - whole[t.surface] for t in nouns if _is_entity(t)]
    return Signals(
        support=support,
        line=max(sum(weights[t] * s.whole[t] for t in weights) for s in lines) / total,
        passage=sum(weights[t.surface] * above[t.surface] for t in nouns) / noun_weight,
        missing=sum(weights[t.surface] / t.weight * (1 - above[t.surface]) for t in nouns),
        stranger=0.0 if foreign else max(strangers, default=0.0),
        verbs=sum(whole[t.surface] for t in verbs) / len(verbs) - 0.5 if verbs else 0.0,
        deed=float(not verb_held and (place or bool(asked.sides) or asked.kind in ("when", "who"))),
        asked=float(bool(generic) and max(direct[t.surface] for t in generic) < _HELD),
        sort=1.0 if told else _names_sort(asked, top),
        measure=_sign(measured) if measure else 0.0,
        number=_sign(_has_number(top.candidate, forms, bool(_YEARS.search(asked.text)))) if quantity else 0.0,
        day=_sign(bool(DATE.search(near))) if asked.kind == "when" else 0.0,
        person=_sign(names_somebody(asked, top.candidate)) if asked.kind == "who" else 0.0,
        kind=kind_bonus(asked, unit),
        fits=fits(asked, top.candidate, top.whole),
        head=headed(asked, top.candidate),
        score=top.score,
        margin=top.score - next(others, 0.0),
        lead=support - max((_share(weights, held) for held in elsewhere), default=0.0),
        rank=1 / (1 + top.candidate.rank),
        fresh=min(10, len(top.candidate.whole.content - forms)) / 10,
        terms=log(1 + len(own)),
        words=log(1 + words),
        grams=_USUAL_GRAMS if foreign else len(pairs & _pairs(said)) / max(1, len(pairs)),
        kanji=len(kanji & set(said)) / len(kanji) - 0.5 if kanji and not foreign else 0.0,
        foreign=float(foreign),
        foreign_support=support * foreign,
        quotes=float(len(chosen) - 1),
        section=float(unit.kind == "section"),
    )


def possible(asked: Question, signals: Signals) -> float:
    """Below 1 where what is quoted cannot be the answer, whatever else it tells of the subject.

    A count is asked for and no number is there, a sum of money and none, a formula by that name and none, or which of
    two does something that is told of neither. Suites have too few such questions to learn it from them.
    """
    measure = asked_measure(asked.text)
    unpriced = measure is not None and measure.money and signals.measure < 0
    uncounted = asked.kind == "how-many" and signals.number < 0 and signals.measure <= 0
    undecided = bool(asked.sides and signals.deed and _WHICH_OF_TWO.search(asked.text))
    unwritten = asked.kind == "formula" and signals.kind <= 0 and bool(_FORMULA_NAMED.search(asked.text))
    return _IMPOSSIBLE if unpriced or uncounted or undecided or unwritten else 1.0


def _is_verb(term: QuestionTerm) -> bool:
    return term.tokens[0][0].kind == "predicate"


def _is_entity(term: QuestionTerm) -> bool:
    """Names one thing among its like: a proper noun, something numbered, a loan word."""
    numbered = len(term.tokens) > 1 and any(token.kind == "number" for token, _ in term.tokens)
    return term.weight > 1.0 or numbered or bool(_KATAKANA_NAME.fullmatch(term.surface))


def _has_number(candidate: Candidate, asked: frozenset[str], years: bool) -> bool:
    """A number of its own: none of the question's, nor part of a name (T5), nor an item's, nor a date unasked."""
    return any(
        (t.kind == "number" or t.surface in _NUMBER_WORDS)
        and t.form not in asked
        and (years or not _YEAR.fullmatch(t.form))
        for t in candidate.whole.tokens
    )


def _names_sort(asked: Question, top: Scored) -> float:
    """Whether the sort of thing that is asked for is named where the answer stands; 0 where none is said."""
    found = _SORT.search(asked.text)
    if asked.kind in ("when", "how-many") or not found:
        return 0.0
    said = found["ja"] or found["en"]
    tokens = [token for term in asked.terms for token, _ in term.tokens if token.surface in said.lower()]
    if not tokens:
        return 0.0
    here = (top.candidate.whole, top.candidate.above)
    return _sign(any(reading.speaks_of(tokens[-1]) for reading in here))


def _elsewhere(scored: Sequence[Scored], chosen: frozenset[str] | set[str]) -> list[dict[str, float]]:
    """What evidence each passage holds that nothing is quoted of."""
    held: dict[str, dict[str, float]] = {}
    for each in scored:
        if each.unit.passage.id not in chosen:
            known = held.setdefault(each.unit.passage.id, {})
            for term, evidence in each.whole.items():
                known[term] = max(known.get(term, 0.0), evidence)
    return list(held.values())


def _share(weights: Mapping[str, float], held: Mapping[str, float]) -> float:
    return sum(weight * held[term] for term, weight in weights.items()) / (sum(weights.values()) or 1.0)


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
