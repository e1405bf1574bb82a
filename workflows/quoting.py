"""How much of the notes is quoted for an answer: the line, the whole of a short item, what stands around."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.kinds import QuestionKind
from terakoya.text.measure import asked_measure
from terakoya.text.normalise import fold
from terakoya.text.question import Question, QuestionTerm
from terakoya.text.sentences import sentence_spans
from workflows.guarding.passages import quotable
from workflows.ranking import learned as learned_ranker
from workflows.scoring import LONG, REASON, Scored, has_form, headed, labelled
from workflows.units import Unit, plain_line

_HELD: Final = 0.5
"""Evidence from which on a term counts as held."""
_ONE_LINE: Final = frozenset[QuestionKind]({"open", "definition", "when", "who", "how-many"})
"""Kinds of question that one line answers, where one says it all."""
_SHORT_ITEM: Final = 200
"""Code points of an item that is quoted whole."""
_SHORT_LINE: Final = 120
"""Code points of a line of several sentences that is quoted whole."""
_SURE: Final = 0.5
"""Head from which on a unit goes by the name of what is asked, and stands alone."""
_MOST: Final = 0.79
"""Share of the question's evidence from which on a unit stands alone where another says less and nothing new."""
_OWN: Final = 0.9
"""Head of a unit that goes by the name of what is asked and by nothing else."""
_COMPARES: Final = re.compile(
    r"違|異な|より|対して|一方|に比べ|\b(?:than|whereas|while|unlike|differ\w*)\b", re.IGNORECASE
)
_DIFFER: Final = re.compile(
    r"(?<!間)違(?:い|う|って)|異な|対して|一方(?!的|だけ|で終)|\b(?:whereas|while|unlike|differ\w*)\b",
    re.IGNORECASE,
)
"""Words of a line that sets things against one another."""
_LESS: Final = 0.04
_CODE_WINDOW: Final = 12
"""Lines that are quoted of a longer block of code."""


def as_good(asked: Question, chosen: Sequence[Scored], scored: Sequence[Scored]) -> list[Scored]:
    """The unit next to the one that is quoted, where it is in doubt which answers; first one that tells what is missing.

    There is no doubt where the one that is quoted goes by the name of what is asked, nor about one that says less of
    the question, and nothing of it that the first does not.
    """
    if len(chosen) > 1 or headed(asked, chosen[0].candidate, own=True) >= _SURE:
        return []
    missing = [t.surface for t in asked.subject if chosen[0].whole[t.surface] < _HELD]
    least = chosen[0].support - _LESS if chosen[0].support >= _MOST else 0.0
    # a word stands for something else in code than in a sentence
    code = asked.kind == "code" or _is_code(chosen[0].unit)
    formed = has_form(asked, chosen[0].unit)
    measure = asked_measure(asked.text)
    measured = measure is not None and measure.stands_in(_with_header(chosen[0].unit))
    near: list[Scored] = []
    for other in scored:
        if other.score <= 0 or chosen[0].score - other.score > learned_ranker().doubt:
            break
        plain = not other.unit.is_task and not other.unit.is_question
        plain = plain and (code or not _is_code(other.unit))
        plain = plain and (not formed or has_form(asked, other.unit))
        plain = plain and not (measured and measure and not measure.stands_in(_with_header(other.unit)))
        plain = plain and (other.support >= least or any(other.direct[t] >= _HELD for t in missing))
        if plain and not other.unit.overlaps(chosen[0].unit) and other.unit.text.count("\n") < LONG:
            near.append(other)
    return sorted(near, key=lambda s: -any(s.direct[t] >= _HELD for t in missing))[:1]


def _with_header(unit: Unit) -> str:
    return " ".join((*unit.header, unit.text))


def _is_code(unit: Unit) -> bool:
    return unit.kind == "code" or unit.text.lstrip().startswith(("```", "~~~"))


def line(asked: Question, scored: Sequence[Scored]) -> Scored:
    """The best unit, or the part of it that says all that the whole of it says of the question.

    Of an item, that is what stands below the label that is asked for; of a section or table, one line.
    """
    best = scored[0]
    whole = best.unit.kind == "table" or (
        best.unit.kind == "section" and best.unit.own_end == best.unit.start
    )
    held = [t for t, evidence in best.direct.items() if evidence >= _HELD]
    parts = (s for s in scored if best.unit.contains(s.unit) and all(s.whole[t] >= _HELD for t in held))
    if part := next((s for s in parts if labelled(asked, s.candidate) >= _HELD), None):
        return part
    if part := _formed(asked, best, scored):
        return part
    if not whole or asked.kind not in _ONE_LINE or asked.asks_day or not held:
        return best
    inside = (
        s
        for s in scored
        if best.unit.contains(s.unit)
        and any(s.direct[t] >= _HELD for t in held)
        and all(s.whole[t] >= _HELD for t in held)
    )
    return next(inside, best)


def _formed(asked: Question, best: Scored, scored: Sequence[Scored]) -> Scored | None:
    """The part of a section with little but the code or formula that is asked for, and what names it."""
    if best.unit.kind != "section" or not has_form(asked, best.unit):
        return None
    held = [t.surface for t in asked.subject if best.whole[t.surface] >= _HELD]
    inside = (
        s
        for s in scored
        if best.unit.contains(s.unit)
        and has_form(asked, s.unit)
        and (s.unit.kind != "sentence" or "`" not in s.unit.text)
        and all(s.whole[t] >= _HELD for t in held)
    )
    return next(inside, None)


def own_unit(side: Question, rest: Sequence[QuestionTerm], ranked: Sequence[Scored]) -> list[Scored]:
    """The first unit that goes by the name of one side of a comparison and has not that of `rest`, if there is one."""
    named = (
        s
        for s in ranked
        if s.unit.kind in ("item", "sentence")
        and s.unit.text.count("\n") < LONG
        and headed(side, s.candidate, own=True) >= _OWN
        and all(s.candidate.own.evidence(t) < _HELD for t in rest)
    )
    return list(islice(named, 1))


def compared_in_one(asked: Question, scored: Sequence[Scored]) -> list[Scored]:
    """The best line that says itself how the things that are compared differ, if there is one."""
    named = [t for side in asked.sides for t in side]
    lines = (
        s
        for s in scored
        if s.unit.kind in ("item", "sentence")
        and "\n" not in s.unit.text.strip()
        and not s.unit.is_task
        and not s.unit.is_question
        and _DIFFER.search(s.unit.text)
        and all(s.direct.get(t.surface, 0.0) >= _HELD for t in named)
        and all(s.whole[t.surface] >= _HELD for t in asked.terms if not t.generic)
    )
    return list(islice(lines, 1))


def told_in_passing(asked: Question, best: Scored, named: Sequence[Scored]) -> bool:
    """Whether the best unit only mentions what is compared, which have units of their own beside one another."""
    apart = not any(a.unit.overlaps(b.unit) for a in named for b in named if a is not b)
    beside = len({(s.unit.passage.id, s.unit.headings, s.unit.ancestors) for s in named}) == 1
    around = any(best.unit.overlaps(s.unit) for s in named)
    compares = _COMPARES.search(best.unit.text) or headed(asked, best.candidate) >= _SURE
    return apart and beside and not around and not compares


def whole_item(best: Scored, scored: Sequence[Scored]) -> Scored:
    """The whole of a short item for a sentence of it, which was written with the others in mind."""
    if best.unit.kind != "sentence":
        return best
    around = (
        s
        for s in scored
        if s.unit.kind == "item"
        and s.unit.end == s.unit.own_end
        and s.unit.overlaps(best.unit)
        and len(s.unit.text) <= _SHORT_ITEM
    )
    return next(around, best)


def whole_line(unit: Unit) -> Unit:
    """The whole of a short line for a sentence of it: in notes the next one often goes on with the same thing."""
    text = unit.passage.text
    start = text.rfind("\n", 0, unit.start) + 1
    end = text.find("\n", unit.end)
    end = len(text) if end < 0 else end
    block = next((b for b in unit.passage.blocks if b.start <= unit.start and unit.end <= b.end), None)
    if unit.kind != "sentence" or block is None or block.kind != "paragraph" or end - start > _SHORT_LINE:
        return unit
    start, end = max(start, block.start), min(end, block.end)
    line = replace(unit, start=start, end=end, own_end=end)
    # where English is wrapped, a line begins in the middle of a sentence
    spans = [(block.start + a, block.start + b) for a, b in sentence_spans(text[block.start : block.end])]
    whole = all(start <= a and b <= end for a, b in spans if a < end and start < b)
    return line if whole and quotable(line) else unit


def apart(units: Iterable[Unit]) -> list[Unit]:
    """`units`, none of them within another, and of a short line no two but what they span."""
    kept: list[Unit] = []
    for unit in units:
        place = len(kept)
        for each in list(kept):
            if joined := _joined(each, unit):
                unit, place = joined, min(place, kept.index(each))
                kept.remove(each)
        kept.insert(place, unit)
    return kept


def _joined(one: Unit, other: Unit) -> Unit | None:
    """What quotes both, where they are of one place; `one` where they overlap and there is nothing such."""
    if one.passage.id != other.passage.id:
        return None
    for outer, inner in ((one, other), (other, one)):
        if outer.start <= inner.start and inner.end <= outer.end:
            return outer
    start, end = min(one.start, other.start), max(one.end, other.end)
    line = replace(one, start=start, end=end, own_end=end)
    sentences = one.kind == other.kind == "sentence" and "\n" not in line.text
    if sentences and end - start <= _SHORT_ITEM and quotable(line):
        return line
    return one if one.overlaps(other) else None


def names(question: str, unit: Unit) -> bool:
    """Whether the unit's line, or what stands above it, is about what `question` begins with."""
    text = unit.passage.text
    line = plain_line(text[text.rfind("\n", 0, unit.start) + 1 : unit.end])
    noun = fold(re.split(r"[はを]|って|とは", question)[0])
    above = (*unit.headings[-1:], *unit.ancestors[-1:])
    return fold(line).startswith(noun) or any(noun in fold(each) for each in above)


def with_reason(scored: Sequence[Scored]) -> Scored:
    """For "why": a line that gives no reason is quoted with the lines around it, where the reason stands."""
    best = scored[0]
    if REASON.search(best.unit.text) or best.unit.children:
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


def window(asked: Question, unit: Unit, analyser: Analyser) -> Unit:
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
