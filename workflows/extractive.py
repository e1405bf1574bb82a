"""The extractive answerer: finds the units that answer, quotes and cites them, and knows when none does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from terakoya.catalogue import text as sentence
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.parts import parts
from terakoya.text.question import Question, QuestionTerm, analyse_question, under_other_name
from terakoya.types import Draft, Language, Passage, Turn
from workflows.composing import compose, nearest
from workflows.confidence import Confidence, learned
from workflows.extremes import extremes, names_extreme
from workflows.grading import evidence_share
from workflows.guarding.passages import quotable
from workflows.quoting import (
    apart,
    as_good,
    compared_in_one,
    line,
    names,
    own_unit,
    told_in_passing,
    whole_item,
    whole_line,
    window,
    with_reason,
)
from workflows.ranking import score
from workflows.scoring import Candidate, Scored, asks_tasks, read_candidates
from workflows.signals import Signals, possible, read_signals
from workflows.standalone import about_the_same, stand_alone

MOST_UNITS: Final = 6
_BESIDE: Final = 0.5
"""Share of the usual confidence that is enough for a part beside another that the same note answers."""
_HELD: Final = 0.5
"""Evidence from which on a term counts as held."""
_TRACE: Final = 0.2
"""Evidence below which not even a part of a term stands there."""
_ALL: Final = 0.9
"""Share of a question's evidence from which on all of it is told."""
_MENTIONED: Final = 0.25
"""Support from which on the nearest passage is worth showing when the answer is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one question.

    Attributes:
        asked: The question.
        scored: Every unit, best first.
        chosen: The units to quote, none where nothing speaks of the question.
        signals: What speaks for and against them; None where there are none.
        confidence: How likely they answer, 0 to 1.
    """

    asked: Question
    scored: Sequence[Scored]
    chosen: Sequence[Scored]
    signals: Signals | None
    confidence: float


class ExtractiveAnswerer:
    """Answers by quoting. Needs no model and makes nothing up.

    Each unit is scored by the evidence for the question's terms that stands in it or, for less, above it; by
    being headed by what is asked about; by the kind of thing asked for; and by its passage's rank. One unit is
    quoted, and a second where it is hardly worse; or one for each side of a comparison and each part of a question
    that asks several things. How likely the first of them answers, told from what speaks for and against it
    (`workflows.signals`), decides whether the notes answer at all.

    Args:
        analyser: That of the store.
        supported: The probability from which on it answers; what the product has learned by default.
        confidence: Tells how likely units answer; what the product has learned by default.
    """

    name = "extractive"

    def __init__(
        self, analyser: Analyser, *, supported: float | None = None, confidence: Confidence | None = None
    ) -> None:
        known = confidence or learned()
        self._analyser = analyser
        self._confidence = known if supported is None else replace(known, answer_from=supported)

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        others: Sequence[str] = (),
        history: Sequence[Turn] = (),
        emit: Emit,
    ) -> Draft:
        """Quotes the units of `passages` that answer `question`; see `terakoya.protocols.Answerer`.

        The form of the question that the notes support best is answered, the question itself where one supports
        it as well. Of a question that asks several things, those are answered that the notes do, and the others
        named.
        """
        asked = analyse_question(question, self._analyser)
        candidates = [c for c in read_candidates(passages, self._analyser) if quotable(c.unit)]
        whole = self._best(asked, others, candidates)
        pieces = self._pieces(question, asked.language, candidates)
        if not pieces:
            before = [turn for turn in history if turn.checked and not turn.covers]
            whole = self._of_same(whole, about_the_same(question, before, self._analyser), candidates)
        if self._known(pieces):
            draft = self._of_pieces(asked, whole, pieces)
        elif pieces and not any(piece.chosen for piece in pieces):
            draft = self._decline(whole)
        else:
            draft = self._of_whole(whole)
        emit(draft.text)
        return draft

    def _best(self, asked: Question, others: Sequence[str], candidates: Sequence[Candidate]) -> Found:
        """What the best supported form of a question finds."""
        renamed = (under_other_name(asked, analyse_question(o, self._analyser)) for o in others)
        found = [self.find(form, candidates) for form in (asked, *renamed)]
        return max(
            found, key=lambda each: (self._answers(each), each.confidence if self._answers(each) else 0.0)
        )

    def _pieces(self, question: str, language: Language, candidates: Sequence[Candidate]) -> list[Found]:
        """What is found for each part of a question that asks several things."""
        found: list[Found] = []
        said: list[Turn] = []
        pieces = parts(question)
        for piece in pieces if len(pieces) > 1 else ():
            alone = stand_alone(piece, said, self._analyser)
            said.append(Turn(question=piece, answer="", standalone=alone))
            one = replace(analyse_question(alone, self._analyser), language=language)
            same = about_the_same(piece, said[:-1], self._analyser)
            near = self._nearest_first(one, candidates)
            best = self._of_same(self.find(one, near), same, near)
            told = alone == piece or self._told_of_subject(best, piece)
            found.append(best if told else Found(one, best.scored, (), None, 0.0))
        return found

    def _nearest_first(self, asked: Question, candidates: Sequence[Candidate]) -> list[Candidate]:
        """As if passages had been found for one part alone: those that speak of it more come first."""
        passages = {c.unit.passage.id: (c.unit.passage, c.rank) for c in candidates}
        held = {
            key: (-round(evidence_share(asked, self._reading(passage)), 1), rank)
            for key, (passage, rank) in passages.items()
        }
        places = {key: place for place, key in enumerate(sorted(held, key=lambda key: held[key]))}
        return [replace(c, rank=places[c.unit.passage.id]) for c in candidates]

    def _told_of_subject(self, found: Found, piece: str) -> bool:
        """Whether what was found tells of the subject that was filled in, which `piece` only points at."""
        own = {t.surface for t in analyse_question(piece, self._analyser).terms}
        filled = [t.surface for t in found.asked.subject if t.surface not in own]
        return any(s.whole[t] >= _HELD for s in found.chosen[:1] for t in filled) or not filled

    def _of_same(self, found: Found, same: str, candidates: Sequence[Candidate]) -> Found:
        """What is found for `same`, the question asked of what the one before it was about, where that is meant.

        It is where the notes tell all of it; else where they have what is asked for as a thing said of others, and
        under no name of its own.
        """
        if not same:
            return found
        other = self.find(
            replace(analyse_question(same, self._analyser), language=found.asked.language), candidates
        )
        if not self._answers(other) or other.signals is None:
            return found
        if other.signals.support >= _ALL:
            return other
        named = any(names(found.asked.text, s.unit) for s in found.chosen[:1])
        return found if "の" in found.asked.text or (named and self._answers(found)) else other

    def _known(self, pieces: Sequence[Found]) -> list[Found]:
        """Those that the notes answer. What is asked with them is likely to stand beside them."""
        sure = [piece for piece in pieces if self._answers(piece)]
        notes = {scored.unit.passage.source for piece in sure for scored in piece.chosen}
        return [
            piece
            for piece in pieces
            if piece in sure
            or (
                any(scored.unit.passage.source in notes for scored in piece.chosen[:1])
                and self._answers(piece, of=_BESIDE)
            )
        ]

    def _answers(self, found: Found, *, of: float = 1.0) -> bool:
        return bool(found.chosen) and found.confidence >= of * self._confidence.answer_from

    def find(self, asked: Question, candidates: Sequence[Candidate]) -> Found:
        """The units that answer one question best, and how likely they do."""
        scored = score(asked, candidates, self._analyser)
        chosen = self._choose(asked, scored, candidates)
        if not chosen or not asked.terms:
            return Found(asked, scored, (), None, 0.0)
        words = len(self._analyser.tokens(asked.text))
        signals = read_signals(asked, chosen, scored, self._readings(chosen), words=words)
        worth = chosen[0].unit.worth(tasks=asks_tasks(asked)) * possible(asked, signals)
        confidence = self._confidence.of(signals) * worth
        rows = extremes(asked, scored, self._analyser)
        told = confidence >= self._confidence.answer_from and names_extreme(chosen[0].unit.text)
        if rows and not told:  # read off a table, which is no matter of how likely it is
            return Found(asked, scored, rows, signals, max(confidence, self._confidence.answer_from))
        return Found(asked, scored, (*chosen, *as_good(asked, chosen, scored)), signals, confidence)

    def _readings(self, chosen: Sequence[Scored]) -> dict[str, Reading]:
        """The whole passages that units stand in, with what is above them."""
        return {c.unit.passage.id: self._reading(c.unit.passage) for c in chosen}

    def _reading(self, passage: Passage) -> Reading:
        return Reading.of("\n".join((*passage.heading, *passage.ancestors, passage.text)), self._analyser)

    def _of_whole(self, found: Found) -> Draft:
        if not self._answers(found):
            return self._decline(found)
        units = apart(whole_line(c.unit) for c in found.chosen)
        text, citations = compose(found.asked, units)
        return Draft(
            text=text, answered=True, citations=citations, model=self.name, confidence=found.confidence
        )

    def _of_pieces(self, asked: Question, whole: Found, pieces: Sequence[Found]) -> Draft:
        """The units of the parts that are known, each once, and the parts that are not."""
        known = self._known(pieces)
        unknown = [piece.asked.text for piece in pieces if piece not in known]
        if unknown and self._answers(whole) and whole.confidence >= max(k.confidence for k in known):
            return self._of_whole(whole)
        units = apart(whole_line(c.unit) for piece in known for c in piece.chosen)
        text, citations = compose(asked, units[:MOST_UNITS])
        if unknown:
            between = "」「" if asked.language == "ja" else "” “"
            text += "\n\n" + sentence(
                "answer.part_missing", language=asked.language, parts=between.join(unknown)
            )
        confidence = min(piece.confidence for piece in known)
        return Draft(text=text, answered=True, citations=citations, model=self.name, confidence=confidence)

    def _choose(
        self, asked: Question, scored: Sequence[Scored], candidates: Sequence[Candidate]
    ) -> list[Scored]:
        """The best unit; for a comparison the best for each side; for several things the best for each."""
        if not scored or scored[0].score <= 0:
            return []
        if asked.sides:
            return self._sides(asked, scored, candidates)
        best = with_reason(scored) if asked.kind == "why" else whole_item(line(asked, scored), scored)
        chosen = [replace(best, unit=window(asked, best.unit, self._analyser))]
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
        self, asked: Question, scored: Sequence[Scored], candidates: Sequence[Candidate]
    ) -> list[Scored]:
        """One unit for each side, unless one unit is headed by both or tells both in one line."""
        if together := compared_in_one(asked, scored):
            return together
        others = tuple(
            t for t in asked.terms if t.surface not in {s.surface for side in asked.sides for s in side}
        )
        chosen: list[Scored] = []
        named: list[Scored] = []
        for side in asked.sides:
            one = replace(asked, kind="definition", terms=(*side, *others), sides=())
            ranked = score(one, candidates, self._analyser)
            rest = [t for other in asked.sides if other is not side for t in other]
            named += own_unit(replace(one, terms=side), rest, ranked)
            for best in _rows_first(ranked, side):
                if best.score <= 0 or min(best.whole[t.surface] for t in side) < 0.5:
                    break
                if not any(best.unit.overlaps(c.unit) for c in chosen):
                    found = next(s for s in scored if s.unit == best.unit)
                    chosen.append(whole_item(found, scored))
                    break
                if any(best.unit == c.unit for c in chosen):
                    break
        best = scored[0]
        if len(named) == len(asked.sides) and told_in_passing(asked, best, named):
            return [next(s for s in scored if s.unit == each.unit) for each in named]
        held = [min(best.direct[t.surface] for t in side if t.surface in best.direct) for side in asked.sides]
        if chosen and (min(held) < 0.5 or len(chosen) > 1):
            return chosen
        return [whole_item(best, scored)]

    def _decline(self, found: Found) -> Draft:
        asked = found.asked
        near = [s for s in found.scored[:1] if s.support >= _MENTIONED]
        held, missing = _told_apart(asked, found.scored)
        if held and missing:
            text = sentence("answer.touched", language=asked.language, held=held, missing=missing)
        else:
            text = sentence("answer.nothing", language=asked.language)
        citations = nearest([s.unit for s in near])
        return Draft(
            text=text, answered=False, citations=citations, model=self.name, confidence=found.confidence
        )


def _rows_first(ranked: Sequence[Scored], side: Sequence[QuestionTerm]) -> list[Scored]:
    """`ranked` without the tables of which a row tells of `side`: of two things compared, each has its row."""
    rows = [
        s.unit for s in ranked if s.unit.kind == "row" and all(s.direct[t.surface] >= _HELD for t in side)
    ]
    return [
        s for s in ranked if s.unit.kind not in ("table", "section") or not any(map(s.unit.contains, rows))
    ]


def _told_apart(asked: Question, scored: Sequence[Scored]) -> tuple[str, str]:
    """What the notes speak of and what stands nowhere in what was found, as quoted words; not all are either."""
    opening, closing, between = ("「", "」", "") if asked.language == "ja" else ("“", "”", ", ")
    # a verb cut from its ending is no word to show
    subject = [t for t in asked.terms if not t.generic and t.tokens[0][0].kind != "predicate"]
    near = [s for s in scored if s.support >= _MENTIONED]

    def named(found: Sequence[QuestionTerm]) -> str:
        return between.join(f"{opening}{asked.spelling(t)}{closing}" for t in found)

    held = [t for t in subject if any(s.whole[t.surface] >= _HELD for s in near)]
    missing = [t for t in subject if max((s.whole[t.surface] for s in scored), default=0.0) < _TRACE]
    return named(held), named(missing)
