"""A folder of notes that changes between runs: files come, change, move and go, in every format."""

import json
import os
import random
from pathlib import Path

from tests.ingest.formats import samples

JAPANESE = (
    "{a}は{b}を{n}日かけて観察した。",
    "結果として、{a}の値は{n}まで上がった。",
    "なぜ{b}が必要なのか、{a}の例で考える。",
    "{a}と{b}の違いは第{n}章に書いてある。",
)
ENGLISH = (
    "The {a} was measured {n} times before the {b} changed.",
    "Because of the {b}, the {a} grew by {n} percent.",
    "See chapter {n} for how a {a} differs from a {b}.",
    "Nobody expected the {a} to depend on the {b} at all.",
)
NOUNS = {
    JAPANESE: ("光合成", "細胞", "運動量", "索引", "出汁", "簿記", "恒星", "確率", "言語", "気温"),
    ENGLISH: ("leaf", "index", "lens", "ledger", "river", "protein", "packet", "proof", "vowel", "planet"),
}
KINDS = (".md", ".md", ".md", ".txt", ".html", ".ipynb", ".docx", ".zip")
BAD = "damaged.docx"


class ChangingFolder:
    """Notes on disk, and the random changes to them; `chance` alone decides what they are.

    Args:
        place: The folder, made here.
        chance: Source of every choice.
        files: How many files it begins with.
        sections: Sections of a note at most; each is a chunk or a few.
        kinds: Suffixes to choose from.
    """

    def __init__(
        self,
        place: Path,
        chance: random.Random,
        *,
        files: int,
        sections: int,
        kinds: tuple[str, ...] = KINDS,
        languages: tuple[tuple[str, ...], ...] = (JAPANESE, ENGLISH),
    ) -> None:
        self.place = place
        self.chance = chance
        self.sections = sections
        self.kinds = kinds
        self.languages = languages
        self._made = 0
        place.mkdir()
        (place / BAD).write_bytes(b"PK\x03\x04 no archive at all")
        for _ in range(files):
            self.add()

    @property
    def files(self) -> list[Path]:
        """The files that hold notes, by name."""
        return sorted(f for f in self.place.rglob("*") if f.is_file() and f.name != BAD)

    def change(self, count: int) -> None:
        """Makes `count` changes, each to a file of its own choice."""
        for _ in range(count):
            what = self.chance.choice((self.add, self.edit, self.edit, self.move, self.remove, self.touch))
            what()

    def add(self) -> None:
        """A new file, in the folder or in one below."""
        self._made += 1
        below = self.chance.choice(("", "", "a", "b/c", "日本"))
        file = self.place / below / f"{self._made:04}{self.chance.choice(self.kinds)}"
        file.parent.mkdir(parents=True, exist_ok=True)
        self._write(file)

    def edit(self) -> Path:
        """Other content in a file, which is given."""
        file = self._any()
        self._write(file)
        return file

    def move(self) -> None:
        """The same content under another name."""
        file = self._any()
        self._made += 1
        file.rename(self.place / f"moved{self._made:04}{file.suffix}")

    def remove(self) -> None:
        """A file less, as long as some are left."""
        if len(self.files) > 5:
            self._any().unlink()

    def touch(self) -> None:
        """Another time, the same bytes."""
        file = self._any()
        state = file.stat()
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + self.chance.randrange(1, 10**9)))

    def _any(self) -> Path:
        return self.chance.choice(self.files)

    def _write(self, file: Path) -> None:
        if file.suffix != ".zip":
            file.write_bytes(self._content(file.suffix))
            return
        members: dict[str, str | bytes] = {}
        for number in range(self.chance.randrange(1, 4)):
            kind = self.chance.choice([k for k in self.kinds if k != ".zip"])
            members[f"中身/{number}{kind}"] = self._content(kind)
        file.write_bytes(samples.zipped(members))

    def _content(self, kind: str) -> bytes:
        parts = [self._section() for _ in range(self.chance.randrange(1, self.sections + 1))]
        match kind:
            case ".html":
                body = "".join(f"<h2>{title}</h2><p>{text}</p>" for title, text in parts)
                return f"<html><body>{body}</body></html>".encode()
            case ".ipynb":
                cells = [{"cell_type": "markdown", "source": f"# {title}\n\n{text}"} for title, text in parts]
                return json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells}).encode()
            case ".docx":
                rows = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for _, text in parts)
                return samples.docx(rows)
            case ".pdf":
                return samples.pdf(*([title, *text.splitlines()] for title, text in parts))
            case _:
                return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts).encode()

    def _section(self) -> tuple[str, str]:
        language = self.chance.choice(self.languages)
        nouns = NOUNS[language]
        sentences = [
            self.chance.choice(language).format(
                a=self.chance.choice(nouns), b=self.chance.choice(nouns), n=self.chance.randrange(10**6)
            )
            for _ in range(self.chance.randrange(4, 12))
        ]
        return f"{self.chance.choice(nouns)} {self.chance.randrange(1000)}", "\n".join(sentences)
