"""The likeliest text of a lattice, by words and the costs of their neighbourhood.

Method: the minimum-cost path of Japanese morphological analysis (Kudo, Yamamoto and Matsumoto, EMNLP
2004), except that the characters are not known: every word of the dictionary that some path of the
lattice spells is an arc, priced by the word's own cost and the connection cost to its predecessor.
Words that the dictionary lacks get arcs for single characters and for runs of katakana, Latin letters
or kanji. Words that stand undamaged elsewhere in the same file are cheaper: notes repeat their terms,
and the file's own are the ones that no dictionary has.

How sure a character is: the best path through each of its alternatives is priced too (forward and
backward costs, as in the max-product algorithm), and the margin is the distance of the second best.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

from ingest.mojibake.brackets import balance
from ingest.mojibake.lattice import Edge, Lattice
from ingest.mojibake.lexicon import Lexicon, Word

__all__ = ["Habits", "Reading", "likeliest"]

_RUN = 24
_KANJI_RUN = 4
_FEW = 12
_KNOWN = 9000
"""What a word costs that only this file or the list of terms knows, before its discount."""

_LONGEST = 32
_BEAM = 9000
_ENOUGH = 24
_FAMILIAR = 700.0
_CHOSEN = 400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The likeliest text, how sure each of its characters is, and the words it is made of.

    `margins` has one cost per character: how much dearer the best text is that has another character
    there (infinite where there is no other).
    """

    text: str
    margins: tuple[float, ...]
    words: tuple[tuple[int, int], ...]
    nodes: tuple[int, ...]
    costs: tuple[dict[str, float], ...]


@dataclass(kw_only=True)
class Habits:
    """What the file at hand writes where it is not damaged: words and runs, with their counts."""

    counts: Counter[str] = field(default_factory=Counter)
    choices: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict)
    _starts: set[str] = field(default_factory=set)

    def learn(self, words: Iterable[str]) -> None:
        """Count `words`; those of one character say little and are left out."""
        for word in words:
            if len(word) > 1:
                self.counts[word] += 1
                for end in range(1, len(word) + 1):
                    self._starts.add(word[:end])

    @classmethod
    def usual(cls) -> Habits:
        """What any notes are likely to say (`terms.txt`): a dictionary has no sense of what is common."""
        habits = cls()
        terms = files("ingest.mojibake").joinpath("terms.txt").read_text(encoding="utf-8").split()
        for _ in range(2):
            habits.learn(terms)
        return habits

    def chose(self, among: tuple[str, ...], char: str) -> None:
        """Count that `char` was found, beyond doubt, where the damage left the choice `among`."""
        self.choices.setdefault(among, Counter())[char] += 1

    def weigh(self, lattice: Lattice) -> Lattice:
        """`lattice` with penalties that follow what the file chose elsewhere in the same place."""
        return [self._weighed(edges) if len(edges) > 1 else edges for edges in lattice]

    def _weighed(self, edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
        seen = self.choices.get(tuple(edge.char for edge in edges))
        if seen is None:
            return edges
        total = seen.total() + 1.0
        return tuple(
            Edge(
                char=edge.char,
                target=edge.target,
                penalty=edge.penalty - int(_CHOSEN * math.log((seen[edge.char] + 1 / len(edges)) / total)),
            )
            for edge in edges
        )

    def begins(self, prefix: str) -> bool:
        """Whether some word begins with `prefix`."""
        return prefix in self._starts

    def discount(self, word: str) -> int:
        """What `word` costs less for having been seen."""
        count = self.counts.get(word, 0)
        return int(_FAMILIAR * math.log(1 + count) * min(len(word), 4) / 2) if count else 0


@dataclass(slots=True)
class _Arc:
    start: int
    end: int
    left: int
    right: int
    cost: int
    path: tuple[tuple[int, str], ...]
    ahead: float = math.inf
    behind: float = math.inf
    before: _Arc | None = None


def likeliest(lattice: Lattice, lexicon: Lexicon, habits: Habits) -> Reading:
    """The likeliest path through `lattice`, brackets balanced.

    Raises:
        ValueError: no path leads from beginning to end.
    """
    lattice = habits.weigh(lattice)
    reading = _shortest(lattice, lexicon, habits)
    chosen, sure = balance(reading.text, reading.costs)
    if chosen != reading.text:
        kept = list(lattice)
        for node, old, new in zip(reading.nodes, reading.text, chosen, strict=True):
            if old != new:
                kept[node] = tuple(edge for edge in lattice[node] if edge.char == new)
        again = _shortest(kept, lexicon, habits)
        if len(again.text) == len(reading.text):
            reading = again
    margins = tuple(sure.get(i, margin) for i, margin in enumerate(reading.margins))
    return replace(reading, margins=margins)


def _shortest(lattice: Lattice, lexicon: Lexicon, habits: Habits) -> Reading:
    nodes = len(lattice)
    starting: list[list[_Arc]] = [[] for _ in range(nodes)]
    cheapest = [_cheapest_by_script(edges) for edges in lattice]
    reached = bytearray(nodes)
    reached[0] = 1
    for node in range(nodes - 1):
        if reached[node]:
            starting[node] = _arcs(lattice, node, cheapest, lexicon, habits)
            for arc in starting[node]:
                reached[arc.end] = 1
    if not reached[nodes - 1]:
        raise ValueError("the lattice has no path")
    last = _forward(starting, nodes, lexicon)
    best = _backward(starting, nodes, lexicon)
    return _told(last, best, lattice)


def _arcs(
    lattice: Lattice, node: int, cheapest: list[dict[str, Edge]], lexicon: Lexicon, habits: Habits
) -> list[_Arc]:
    arcs: dict[tuple[tuple[tuple[int, str], ...], int, int], _Arc] = {}

    def add(path: tuple[tuple[int, str], ...], end: int, word: Word, cost: int) -> None:
        key = (path, word.left, word.right)
        old = arcs.get(key)
        if old is None or old.cost > cost:
            arcs[key] = _Arc(node, end, word.left, word.right, cost, path)

    noun, symbol = _unknown(lexicon)
    # Words of the dictionary and of the file, every path of the lattice at once.
    stack: list[tuple[int, int, str, int, tuple[tuple[int, str], ...]]] = [(node, lexicon.root, "", 0, ())]
    while stack:
        at, place, text, dear, path = stack.pop()
        for edge in lattice[at]:
            after = lexicon.step(place, edge.char) if place >= 0 else -1
            grown = text + edge.char
            known = habits.begins(grown)
            if after < 0 and not known and at != node:
                continue
            cost = dear + edge.penalty
            way = (*path, (at, edge.char))
            if after >= 0:
                # A kanji by itself is weighed by its frequency once more: dictionaries price the single
                # kanji, which are suffixes in one place and rare nouns in another, very unevenly.
                alone = edge.penalty if at == node else 0
                for word in lexicon.words(after):
                    add(way, edge.target, word, word.cost + alone + cost - habits.discount(grown))
            if known and grown in habits.counts:
                add(way, edge.target, noun, min(_price(grown), _KNOWN) + cost - habits.discount(grown))
            if at == node:
                letter = edge.char.isalnum()
                add(way, edge.target, noun if letter else symbol, _price(edge.char) + cost)
            if (after >= 0 or known) and len(way) < _LONGEST:
                stack.append((edge.target, after, grown, cost, way))
    # Runs of one script that no dictionary has; where a node has several readings, the cheapest of that
    # script stands for them, or the number of runs would explode.
    first = lattice[node] if len(lattice[node]) <= _FEW else cheapest[node].values()
    for edge in first:
        script = _script(edge.char)
        if not script:
            continue
        latin = script == "latin"
        if latin and node and _is_latin(lattice[node - 1]):
            continue
        way, text, cost, at = ((node, edge.char),), edge.char, edge.penalty, edge.target
        while len(way) < (_KANJI_RUN if script == "kanji" else _RUN):
            onward = cheapest[at].get(script)
            if onward is None:
                break
            way = (*way, (at, onward.char))
            text += onward.char
            cost += onward.penalty
            at = onward.target
            # Latin words are not cut: they are whole between their neighbours, and long ones are many.
            if not latin or "latin" not in cheapest[at]:
                add(way, at, noun, _price(text) + cost - habits.discount(text))
    return list(arcs.values())


def _is_latin(edges: tuple[Edge, ...]) -> bool:
    return len(edges) == 1 and _script(edges[0].char) == "latin"


def _cheapest_by_script(edges: tuple[Edge, ...]) -> dict[str, Edge]:
    found: dict[str, Edge] = {}
    for edge in edges:
        script = _script(edge.char)
        if script and (script not in found or edge.penalty < found[script].penalty):
            found[script] = edge
    return found


@cache
def _script(char: str) -> str:
    if "ァ" <= char <= "ー":
        return "katakana"
    if char.isascii():
        return "latin" if char.isalnum() else ""
    return "kanji" if "一" <= char <= "龠" else ""


def _price(text: str) -> int:
    """What a word costs that is in no dictionary.

    A katakana carries about 4 nats, a kanji about 7, and 800 units are a nat in Sudachi's costs; the
    constant is for being unknown at all.
    """
    script = _script(text[0])
    if script == "katakana":
        return 8000 + 2200 * len(text)
    if script == "latin":
        return 5000 + 300 * len(text)
    if script == "kanji":
        return 6000 + 6500 * len(text)
    return 11000 if "ぁ" <= text <= "ん" else 6000


def _unknown(lexicon: Lexicon) -> tuple[Word, Word]:
    """The ids that an unknown noun and an unknown symbol connect by: those of a known one."""
    nouns, symbols = lexicon.lookup("パソコン"), lexicon.lookup("→")
    nothing = Word(left=0, right=0, cost=0)
    return (nouns[0] if nouns else nothing), (symbols[0] if symbols else nothing)


def _forward(starting: list[list[_Arc]], nodes: int, lexicon: Lexicon) -> _Arc:
    matrix, size = lexicon.connections, lexicon.size
    ending: list[dict[int, _Arc]] = [{} for _ in range(nodes)]
    ending[0][0] = _Arc(0, 0, 0, 0, 0, (), 0.0)
    for node in range(nodes):
        arrived = ending[node]
        if not arrived:
            continue
        if len(arrived) > _ENOUGH:
            least = sorted(arrived.values(), key=lambda arc: arc.ahead)[:_ENOUGH]
            arrived = {arc.right: arc for arc in least}
        limit = min(arc.ahead for arc in arrived.values()) + _BEAM
        before = [(arc.ahead, right, arc) for right, arc in arrived.items() if arc.ahead <= limit]
        by_left: dict[int, tuple[float, _Arc]] = {}
        for arc in starting[node]:
            joined = by_left.get(arc.left)
            if joined is None:
                row = arc.left * size
                total, _, where = min((cost + matrix[row + right], right, old) for cost, right, old in before)
                joined = by_left[arc.left] = (total, where)
            arc.ahead = joined[0] + arc.cost
            arc.before = joined[1]
            old_arc = ending[arc.end].get(arc.right)
            if old_arc is None or old_arc.ahead > arc.ahead:
                ending[arc.end][arc.right] = arc
    return min(ending[nodes - 1].values(), key=lambda arc: arc.ahead + matrix[arc.right])


def _backward(starting: list[list[_Arc]], nodes: int, lexicon: Lexicon) -> list[dict[str, float]]:
    """The cost of the best whole path through each node's each character."""
    matrix, size = lexicon.connections, lexicon.size
    best: list[dict[str, float]] = [defaultdict(lambda: math.inf) for _ in range(nodes)]
    onward: list[dict[int, float]] = [{} for _ in range(nodes)]
    priced: list[dict[int, float]] = [{} for _ in range(nodes)]
    for node in range(nodes - 1, -1, -1):
        lefts = onward[node]
        for arc in starting[node]:
            if arc.ahead == math.inf:
                continue
            behind = priced[arc.end].get(arc.right)
            if behind is None:
                behind = priced[arc.end][arc.right] = _cheapest(onward, arc, nodes, matrix, size)
            if behind == math.inf:
                continue
            whole = arc.ahead + behind
            for at, char in arc.path:
                if whole < best[at][char]:
                    best[at][char] = whole
            cost = arc.cost + behind
            if cost < lefts.get(arc.left, math.inf):
                lefts[arc.left] = cost
    return best


def _cheapest(onward: list[dict[int, float]], arc: _Arc, nodes: int, matrix: memoryview, size: int) -> float:
    if arc.end == nodes - 1:
        return float(matrix[arc.right])
    following = onward[arc.end]
    right = arc.right
    return min((cost + matrix[left * size + right] for left, cost in following.items()), default=math.inf)


def _told(last: _Arc, best: list[dict[str, float]], lattice: Lattice) -> Reading:
    chain: list[_Arc] = []
    arc: _Arc | None = last
    while arc is not None and arc.path:
        chain.append(arc)
        arc = arc.before
    chain.reverse()
    text: list[str] = []
    nodes: list[int] = []
    words: list[tuple[int, int]] = []
    for one in chain:
        words.append((len(text), len(text) + len(one.path)))
        for at, char in one.path:
            text.append(char)
            nodes.append(at)
    costs = [
        {char: cost - best[at][own] for char, cost in best[at].items()}
        for own, at in zip(text, nodes, strict=True)
    ]
    margins = [
        min((cost for char, cost in options.items() if char != own), default=_alone(lattice, at))
        for own, options, at in zip(text, costs, nodes, strict=True)
    ]
    return Reading(
        text="".join(text), margins=tuple(margins), words=tuple(words), nodes=tuple(nodes), costs=tuple(costs)
    )


def _alone(lattice: Lattice, node: int) -> float:
    return math.inf if len(lattice[node]) == 1 else float(_BEAM)
