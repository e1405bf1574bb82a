"""Study notes made for measuring: Markdown with headings, paragraphs, nested lists, tables and code.

The same arguments make the same bytes on any machine. Sentences are put together from the words in `words.toml`,
so that no two passages are alike: a cache of embeddings finds nothing in them.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

Tongue = Literal["english", "japanese"]


def write_notes(folder: Path, tongues: tuple[Tongue, ...], *, files: int, characters: int) -> int:
    """Writes notes of about `characters` each, their languages in turn; returns the characters of all."""
    vocabularies = [Vocabulary.of(tongue) for tongue in tongues]

    def note(number: int) -> str:
        return _note(Writer(vocabularies[number % len(vocabularies)], Random(f"note {number}")), characters)

    return _write(folder, files, note)


def write_small_notes(folder: Path, *, files: int) -> int:
    """Writes English notes of a heading and a paragraph; returns the characters of all."""
    vocabulary = Vocabulary.of("english")

    def note(number: int) -> str:
        writer = Writer(vocabulary, Random(f"small note {number}"))
        return f"# {writer.heading()}\n\n{' '.join(writer.sentence() for _ in range(3))}\n"

    return _write(folder, files, note)


def _write(folder: Path, files: int, note: Callable[[int], str]) -> int:
    written = 0
    for number in range(files):
        # folders of a hundred, as a grown collection has them
        place = folder / f"part-{number // 100:03d}" / f"note-{number:05d}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        content = note(number)
        place.write_text(content, encoding="utf-8")
        written += len(content)
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words of one language, and how they become a clause and a sentence."""

    subjects: list[str]
    things: list[str]
    kinds: list[str]
    deeds: list[str]
    places: list[str]
    links: list[str]
    heading: str
    clause: str
    longer: str
    counted: str
    stop: str
    gap: str

    @classmethod
    def of(cls, tongue: Tongue) -> "Vocabulary":
        """The vocabulary of `tongue`."""
        words = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
        return cls(**words[tongue])


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the parts of one note."""

    words: Vocabulary
    chance: Random

    def heading(self) -> str:
        """Such as `Botany: the narrow canal`."""
        return self.words.heading.format(
            subject=self.chance.choice(self.words.subjects),
            kind=self.chance.choice(self.words.kinds),
            thing=self.chance.choice(self.words.things),
        )

    def sentence(self) -> str:
        """One clause or two."""
        text = self._clause()
        if self.chance.random() < 0.2:
            text += self.words.counted.format(number=self.chance.randrange(2, 9000))
        if self.chance.random() < 0.6:
            link = self.chance.choice(self.words.links)
            text = self.words.longer.format(first=text, link=link, second=self._clause())
        return f"{text[0].upper()}{text[1:]}{self.words.stop}"

    def paragraph(self) -> str:
        """Two to six sentences."""
        return self.words.gap.join(self.sentence() for _ in range(self.chance.randrange(2, 7)))

    def list(self) -> str:
        """Items, some with items below."""

        def lines() -> Iterator[str]:
            for _ in range(self.chance.randrange(3, 6)):
                yield f"- {self.sentence()}"
                for _ in range(self.chance.randrange(3)):
                    yield f"  - {self.sentence()}"

        return "\n".join(lines())

    def table(self) -> str:
        """Three columns, with numbers in the second."""
        things = self.words.things
        rows = (
            f"| {self.chance.choice(things)} | {self.chance.randrange(10_000)} | {self.chance.choice(things)} |"
            for _ in range(self.chance.randrange(3, 9))
        )
        return "\n".join((f"| {' | '.join(self.chance.sample(things, 3))} |", "| --- | --- | --- |", *rows))

    def code(self) -> str:
        """A short function."""
        bound = self.chance.randrange(3, 900)
        return "\n".join(
            (
                "```python",
                f"def count_{self.chance.randrange(10_000)}(values: list[int]) -> int:",
                f"    total = {self.chance.randrange(100)}",
                "    for value in values:",
                f"        if value % {bound} > {self.chance.randrange(bound)}:",
                f"            total += value * {self.chance.randrange(2, 99)}"
                f"  # {self.chance.choice(self.words.things)}",
                "    return total",
                "```",
            )
        )

    def _clause(self) -> str:
        return self.words.clause.format(
            kind=self.chance.choice(self.words.kinds),
            thing=self.chance.choice(self.words.things),
            other=self.chance.choice(self.words.things),
            deed=self.chance.choice(self.words.deeds),
            place=self.chance.choice(self.words.places),
        )


def _note(writer: Writer, characters: int) -> str:
    parts = [f"# {writer.heading()}", writer.paragraph()]
    blocks = (writer.paragraph, writer.paragraph, writer.paragraph, writer.list, writer.table, writer.code)
    while sum(map(len, parts)) < characters:
        parts.append(f"{'#' * writer.chance.choice((2, 2, 3))} {writer.heading()}")
        parts += [writer.chance.choice(blocks)() for _ in range(writer.chance.randrange(1, 4))]
    return "\n\n".join(parts) + "\n"
