"""The row of a table that holds the most or the least of what a question asks for ("一番大きいモデルは？")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.kinds import QuestionKind
from terakoya.text.normalise import fold
from terakoya.text.question import Question, QuestionTerm
from workflows.amounts import Amount, amount
from workflows.scoring import Scored

_HELD: Final = 0.5
_MOST_TIED: Final = 3
"""Rows that are quoted where they hold the same."""
_KINDS: Final = frozenset[QuestionKind]({"open", "definition", "who", "when", "how-many", "list"})
_SIZE: Final = r"サイズ|大きさ|規模|\bsize"
_MEMORY: Final = r"vram|メモリ|memory|\bram\b"
_PARAMETERS: Final = r"パラメータ|param"
_SPEED: Final = r"速|スループット|speed|throughput|/s\b|毎秒|rate"
_DELAY: Final = r"レイテンシ|遅延|所要|時間|latency|delay|duration|\btime"
_COST: Final = r"料金|価格|値段|費|金額|コスト|単価|cost|price|fee"
_DAY: Final = r"日|年|時期|いつ|date|year|released?\b|when"
_WORDS: Final[Sequence[tuple[str, str, bool, Sequence[str]]]] = (
    (r"大き|大(?!事|切)", r"largest|biggest|greatest", True, (_SIZE, _PARAMETERS, r"容量", _MEMORY)),
    (r"小さ|小", r"smallest|tiniest", False, (_SIZE, _PARAMETERS, r"容量", _MEMORY)),
    (r"長", r"longest", True, (r"長|コンテキスト|文脈|length|context", _DELAY)),
    (r"短", r"shortest", False, (r"長|コンテキスト|文脈|length|context", _DELAY)),
    (r"新し|新", r"newest|latest|most recent(?:ly)?", True, (_DAY,)),
    (r"古", r"oldest|earliest", False, (_DAY,)),
    (r"安", r"cheapest|least expensive", False, (_COST,)),
    (r"速", r"fastest|quickest", True, (_SPEED, _DELAY)),
    (r"遅", r"slowest", False, (_SPEED, _DELAY)),
    (r"重", r"heaviest", True, (r"重|質量|weight|mass", _SIZE, _MEMORY)),
    (r"軽", r"lightest", False, (r"重|質量|weight|mass", _SIZE, _MEMORY)),
    (r"高", r"highest|most expensive", True, ()),
    (r"低", r"lowest", False, ()),
    (r"多", r"most", True, ()),
    (r"少な|少", r"least|fewest", False, ()),
)
"""Words that ask for an extreme, whether it is the most, and the columns they speak of where none is named."""
_JA: Final = "|".join(words for words, *_ in _WORDS)
_MARKED: Final = re.compile(
    rf"(?:一番|いちばん|最も|もっとも|(?P<place>[2-9二三四五])番目に)[^。?？]{{0,20}}?(?P<word>{_JA})(?:い|かった|く|の|な)"
    rf"|最(?P<joined>{_JA})(?=[^\w]|の|な|は|で|$)"
    rf"|\b(?P<english>{'|'.join(words for _, words, *_ in _WORDS if words != 'most')}|(?<!at )most)\b"
)
_PLACES: Final = {**{str(n): n for n in range(2, 10)}, "二": 2, "三": 3, "四": 4, "五": 5}

_Column = Mapping[tuple[int, int], Amount]
"""Amounts of a column, by where their rows stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Which extreme a question asks for.

    Attributes:
        most: The most, not the least.
        place: 1 for the extreme itself, 2 for the one next to it.
        columns: What it may be of, where the question names no column: patterns, the likeliest first.
        said: The stretch of the question that says so, folded.
        words: The words of it that do.
        speed: It asks for the fastest or slowest, which is the least, or most, where time is told.
    """

    most: bool
    place: int
    columns: Sequence[str]
    said: str
    words: Sequence[str]
    speed: bool


def names_extreme(text: str) -> bool:
    """Whether `text` speaks of an extreme in words: the largest, 一番."""
    return bool(_MARKED.search(fold(text)) or re.search(r"一番|最も|もっとも", text))


def extremes(asked: Question, scored: Sequence[Scored], analyser: Analyser) -> list[Scored]:
    """The row that holds the extreme of the column that is asked for, more where they tie; none where no table tells.

    Each thing that the question names has to stand in the table's headings or header, or in rows, which then are
    the only ones that count. All cells of the column have to be amounts of one sort, or empty.
    """
    wanted = _asked(asked)
    if wanted is None:
        return []
    terms = [t for t in asked.terms if _is_thing(t, wanted)]
    rows = [s for s in scored if s.unit.kind == "row" and s.unit.header]

    def table(row: Scored) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        return (row.unit.passage.source, row.unit.headings, row.unit.header)

    found = (
        _of_table(wanted, terms, list(group), analyser)
        for _, group in groupby(sorted(rows, key=table), key=table)
    )
    return max((each for each in found if each), key=lambda each: max(s.score for s in each), default=[])


def _asked(asked: Question) -> _Asked | None:
    folded = fold(asked.text)
    found = _MARKED.search(folded)
    if not found or asked.sides or asked.kind not in _KINDS:
        return None
    japanese = found["word"] or found["joined"]
    said = japanese or found["english"]
    at = 0 if japanese else 1
    _, words, most, columns = next(each for each in _WORDS if re.fullmatch((each[0], each[1])[at], said))
    return _Asked(
        most=most,
        place=_PLACES.get(found["place"] or "", 1),
        columns=columns,
        said=found.group(),
        words=[found.group()] if found["joined"] else (found["english"] or "").split(),
        speed=words.startswith(("fastest", "slowest")),
    )


def _is_thing(term: QuestionTerm, wanted: _Asked) -> bool:
    """Whether the table has to speak of the term: it is not the word for the extreme, nor what only asks."""
    if term.tokens[0][0].kind in ("predicate", "number") and term.surface in wanted.said:
        return False
    return not term.generic and term.surface not in wanted.words


def _of_table(
    wanted: _Asked, terms: Sequence[QuestionTerm], rows: Sequence[Scored], analyser: Analyser
) -> list[Scored]:
    rows = sorted(rows, key=_place)
    if not _is_whole(rows):
        return []
    header = rows[0].unit.header
    if any(len(s.unit.cells) != len(header) for s in rows):
        return []
    names = [Reading.of(cell, analyser) for cell in header]
    above = rows[0].candidate.above
    columns = {n: values for n in range(len(header)) if (values := _amounts(rows, n)) is not None}
    named: set[int] = set()
    for term in terms:
        held = {n: names[n].evidence(term) for n in columns}
        if held and max(held.values()) >= _HELD:
            named.add(max(held, key=lambda n: held[n]))
        elif above.evidence(term) < _HELD:
            rows = [s for s in rows if s.candidate.whole.evidence(term) >= _HELD]
    if len(rows) < 2 or not terms or len(named) > 1:
        return []
    column = named.pop() if named else _meant(wanted, header, columns)
    if column is None:
        return []
    told = [(s, value) for s in rows if (value := columns[column].get(_place(s)))]
    return _at_place(wanted, told)


def _is_whole(rows: Sequence[Scored]) -> bool:
    """Whether the rows are all that there are of a table, as far as can be told: its beginning, and none left out."""
    first = rows[0].unit
    lines = [s.unit.passage.lines(s.unit.start, s.unit.end)[0] for s in rows]
    begun = any(b.kind == "table" and b.start < first.start for b in first.passage.blocks)
    return begun and lines == list(range(lines[0], lines[0] + len(lines)))


def _place(row: Scored) -> tuple[int, int]:
    return row.unit.passage.start, row.unit.start


def _amounts(rows: Sequence[Scored], column: int) -> _Column | None:
    """What the rows hold in a column; empty where that is not one sort of amount, None where there is none."""
    cells = [(_place(s), s.unit.cells[column]) for s in rows if column < len(s.unit.cells)]
    found = {place: value for place, cell in cells if (value := amount(cell))}
    written = [cell for _, cell in cells if cell.strip(" -–—―?？")]
    alike = len({value.sort for value in found.values()}) == 1
    return (found if alike and len(found) == len(written) else {}) if found else None


def _meant(wanted: _Asked, header: Sequence[str], columns: Mapping[int, _Column]) -> int | None:
    """The column that the word itself speaks of (新しい: of a day), or the only one that has amounts."""
    for pattern in wanted.columns:
        for n in columns:
            if re.search(pattern, fold(header[n])):
                return n
    compared = {n: next(iter(values.values())).sort for n, values in columns.items() if values}
    days = [n for n, sort in compared.items() if sort == "day"]
    if _DAY in wanted.columns:
        return days[0] if len(days) == 1 else None
    others = [n for n in compared if n not in days]
    return others[0] if len(others) == 1 and not wanted.speed and _COST not in wanted.columns else None


def _at_place(wanted: _Asked, told: Sequence[tuple[Scored, Amount]]) -> list[Scored]:
    if len(told) < max(2, wanted.place):
        return []
    most = wanted.most != (wanted.speed and told[0][1].sort == "time")
    values = sorted({value.value for _, value in told}, reverse=most)
    if len(values) < max(2, wanted.place):
        return []  # all the same: none is the most
    tied = [s for s, value in told if value.value == values[wanted.place - 1]]
    return tied if len(tied) <= _MOST_TIED else []
