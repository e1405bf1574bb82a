"""Which units answer a question best: what each says by itself, and what tells it from those around it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from math import log
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.kinds import asks_whether
from terakoya.text.language import JAPANESE
from terakoya.text.measure import asked_measure, asks_number
from terakoya.text.normalise import fold, squeeze
from terakoya.text.question import Question, QuestionTerm
from workflows.scoring import DATE, Candidate, Scored, asks_tasks, score_unit

_BEFORE: Final = 3
_AFTER: Final = 1
"""Lines around a unit that still speak of what it speaks of."""
_RUN_JA: Final = 10
"""Characters."""
_RUN_EN: Final = 5
"""Words."""
_HELD: Final = 0.5
_TASK: Final = 0.5
"""What a thing to do is behind a thing that is known, whatever else speaks for it."""
_DAY: Final = re.compile(
    r"\d{4}\s*[年/.-]|\d{1,2}\s*[月/]\s*\d{1,2}|\d\s*(?:年|月|日|世紀|時|曜)|\b(?:1[0-9]|20)\d\d\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|[一二三四五六七八九十]+(?:年|月|世紀)|\d\s*(?:am|pm)\b|\d(?:st|nd|rd|th) century",
    re.IGNORECASE,
)
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|none|nor|neither|cannot|without)\b|n['’]t\b"
    r"|(?<![少危切汚幼])な(?:い|かっ|く(?!な[っり]))(?!か|ほど|ように)|ません|(?<=[らわかさたばまなが])ず(?:に|、|。|$)|ではな|不可能|できぬ",
    re.IGNORECASE,
)
_COUNTER_JA: Final = re.compile(
    r"何(個|つ|人|回|種類?|本|枚|件|桁|ビット|バイト|割|倍|点|問|名|社|台|冊|杯|匹|章|文字|語|頁|ページ|トークン|ドル|ボルト|世代|段階|歳|度"
    r"|階|層|次元|列|行|番|分|秒|時間?|日間?|週間?|年間?|グラム|円|%|パーセント|月|世紀|曜|票|位|代|次|型|石|周|隻|頭|羽|通|両|進)"
)
_COUNTER_EN: Final = re.compile(
    r"\bhow many (?:[\w-]+ ){0,2}?([\w-]+?)s?(?=\?|$| (?:do|does|did|is|are|was|were|have|has|had|can|must|should"
    r"|will|would|per|of|in|on|at|to|there)\b)",
    re.IGNORECASE,
)
_NUMBER: Final = (
    r"(?:\d[\d,.]*|[一二三四五六七八九十百千万〇]+|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|twenty|thirty|hundred|several))"
)
_POINTS: Final = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|its|their|this|these|those)\b|(?:^|[、。\s])(?:それ|これ|その|この|彼|彼女|そこ|ここ)",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[\w'’-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What tells a unit from others that were found with it; each 0 to 1 or -1 to 1, 0 where it does not apply.

    Attributes:
        near: Share of the question's evidence in the unit, above it, or in the lines around it.
        rare: The same in the unit or above it, a term weighing the more the fewer lines hold it.
        rank: How near to the top its passage stands.
        run: Longest run of the question's characters, or words, that stands there as it was written.
        counted: A number of what is counted (何点, "how many volumes", volts) is there (1) or not (-1).
        number: Where a number is asked for, whether there is one that is not the question's (1) or none (-1).
        day: Where a time is asked for, whether there is a day or year (1), a vague time (0.2) or none (-1).
        denied: It denies what the question takes to be so; one that asks whether it is takes nothing to be so.
        affirmed: It does not deny what the question denies, likewise.
        pointed: What of the question's evidence stands in the lines before alone, where it points at something.
    """

    near: float
    rare: float
    rank: float
    run: float
    counted: float
    number: float
    day: float
    denied: float
    affirmed: float
    pointed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranker:
    """A linear score of units, learned by `benchmarks/selection.py`.

    Attributes:
        intercept: Brings scores to the range that those of units by themselves have.
        weights: What a unit's score by itself (`alone`) and each trait add to its score.
        doubt: How far behind the best unit another may be that is quoted too.
    """

    intercept: float
    weights: Mapping[str, float]
    doubt: float

    def of(self, alone: float, traits: Traits) -> float:
        """The score of one unit."""
        return self.intercept + sum(
            weight * (alone if name == "alone" else getattr(traits, name))
            for name, weight in self.weights.items()
        )


@cache
def learned() -> Ranker:
    """The one that the product comes with."""
    table = tomllib.loads(files("workflows").joinpath("ranking.toml").read_text(encoding="utf-8"))
    return Ranker(
        intercept=float(table["intercept"]), weights=dict(table["weights"]), doubt=float(table["doubt"])
    )


def score(asked: Question, candidates: Sequence[Candidate], analyser: Analyser) -> list[Scored]:
    """`candidates` by how well each answers, best first."""
    late = 0.0 if asks_tasks(asked) else _TASK
    found = (
        replace(each, score=learned().of(each.score, traits) - late * each.unit.is_task)
        if each.support
        else each
        for each, traits in read_traits(asked, candidates, analyser)
    )
    return sorted(found, key=lambda s: -s.score)


def read_traits(
    asked: Question, candidates: Sequence[Candidate], analyser: Analyser
) -> list[tuple[Scored, Traits]]:
    """Every candidate, in their order, with its score by itself and its traits."""
    scene = _Scene(asked, candidates, analyser)
    return [(each, scene.traits(each)) for each in (score_unit(asked, c) for c in candidates)]


class _Scene:
    """All that was found for a question."""

    def __init__(self, asked: Question, candidates: Sequence[Candidate], analyser: Analyser) -> None:
        self._asked = asked
        self._analyser = analyser
        passages = {c.unit.passage.id: c.lines for c in candidates}
        self._held = {
            id(line): [line.evidence(t) for t in asked.terms] for lines in passages.values() for line in lines
        }
        every = [self._held[id(line)] for lines in passages.values() for line in lines]
        known = [sum(held[n] >= _HELD for held in every) for n in range(len(asked.terms))]
        most = log(2 * (len(every) + 1))
        self._rarity = [log((len(every) + 1) / (n + 0.5)) / most for n in known]
        self._forms = frozenset(token.form for t in asked.terms for token, _ in t.tokens)
        self._denies = bool(_NEGATION.search(asked.text))
        self._open = asks_whether(asked.text)
        self._measure = asked_measure(asked.text)
        self._number = asked.kind == "how-many" or asks_number(asked.text)

    @cached_property
    def _counter(self) -> tuple[re.Pattern[str], str] | None:
        folded = fold(self._asked.text)
        if found := _COUNTER_JA.search(folded):
            return re.compile(rf"{_NUMBER}\s*{re.escape(found[1])}"), found[1]
        if found := _COUNTER_EN.search(folded):
            return re.compile(rf"{_NUMBER}(?:[\s-]+[\w'-]+){{0,2}}[\s-]+{re.escape(found[1])}"), found[1]
        return None

    def traits(self, scored: Scored) -> Traits:
        """Those of one unit."""
        asked, candidate = self._asked, scored.candidate
        unit, whole = scored.unit, candidate.whole
        read = (whole.language, unit.passage.language)
        language = asked.language if asked.language in read else whole.language
        ranks = [asked.rank_weight(t, language) for t in asked.terms]
        rare = [weight * rarity for weight, rarity in zip(ranks, self._rarity, strict=True)]
        joint = self._joint(scored)
        around = candidate.lines[max(0, candidate.first - _BEFORE) : candidate.last + 1 + _AFTER]
        near = [
            max((self._held[id(line)][n] for line in around), default=0.0) for n in range(len(asked.terms))
        ]
        together = _share(ranks, list(map(max, joint, near)))
        denies = bool(_NEGATION.search(unit.text))
        return Traits(
            near=together,
            rare=_share(rare, joint),
            rank=1 / (1 + candidate.rank),
            run=self._run(unit.text),
            counted=self._counted(unit.text, unit.header),
            number=_sign(self._has_number(whole)) if self._number else 0.0,
            day=self._day(unit.text) if asked.kind == "when" else 0.0,
            denied=float(
                not self._denies
                and not self._open
                and any(_denied(t, unit.text) for t in asked.terms if scored.direct[t.surface] >= _HELD)
            ),
            affirmed=float(self._denies and not denies and not self._open),
            pointed=together - _share(ranks, joint) if _POINTS.search(unit.text) else 0.0,
        )

    def _joint(self, scored: Scored) -> list[float]:
        """Evidence in the unit and above it, a compound counting where one part stands here and another there."""
        found: list[float] = []
        both: Reading | None = None
        for term in self._asked.terms:
            held = scored.whole[term.surface]
            if len(term.tokens) > 1 and held < 0.9:
                both = both or _together(scored.candidate, self._analyser)
                held = max(held, both.evidence(term))
            found.append(held)
        return found

    def _run(self, text: str) -> float:
        if JAPANESE.search(self._asked.text):
            return _longest(squeeze(self._asked.text), squeeze(text)) / _RUN_JA
        words = _WORD.findall(fold(self._asked.text))
        there = f" {' '.join(_WORD.findall(fold(text)))} "
        runs = (
            end - start
            for start in range(len(words))
            for end in range(start + 1, min(len(words), start + _RUN_EN) + 1)
            if f" {' '.join(words[start:end])} " in there
        )
        return max(runs, default=0) / _RUN_EN

    def _counted(self, text: str, header: Sequence[str]) -> float:
        if self._counter:
            pattern, name = self._counter
            return _sign(bool(pattern.search(fold(text))) or any(name in fold(cell) for cell in header))
        return _sign(self._measure.stands_in(text)) if self._measure else 0.0

    def _has_number(self, whole: Reading) -> bool:
        return any(t.kind == "number" and t.form not in self._forms for t in whole.tokens)

    def _day(self, text: str) -> float:
        return 1.0 if _DAY.search(text) else 0.2 if DATE.search(text) else -1.0


def _together(candidate: Candidate, analyser: Analyser) -> Reading:
    """A unit and what is above it as one text; of a row, each cell beside its header."""
    unit, text = candidate.unit, candidate.unit.text
    if unit.kind == "row":
        text = "\n".join(f"{name} {cell}" for name, cell in zip(unit.header, unit.cells, strict=False))
    return Reading.of(f"{candidate.above.text}\n{text}", analyser)


def _share(weights: Sequence[float], held: Sequence[float]) -> float:
    return sum(w * h for w, h in zip(weights, held, strict=True)) / (sum(weights) or 1.0)


def _longest(asked: str, text: str) -> int:
    """Characters of the longest run of `asked` that stands in `text`, up to `_RUN_JA`."""
    best = 0
    for start in range(len(asked)):
        while best < _RUN_JA and start + best < len(asked) and asked[start : start + best + 1] in text:
            best += 1
    return best


def _denied(term: QuestionTerm, text: str) -> bool:
    """Whether the verb stands there denied."""
    token = term.tokens[0][0]
    if token.kind != "predicate":
        return False
    stem = re.escape(token.surface[:1])
    return bool(re.search(stem + r"[\u3041-\u3096]{0,3}?(?:ない|なか|なく|ず(?!つ)|ません|ぬ)", text))


def _sign(held: bool) -> float:
    return 1.0 if held else -1.0
