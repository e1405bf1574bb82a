"""A folder with a file of every format, from the files to passages that search finds; and archives in step."""

import os
import zipfile
from pathlib import Path

import pytest

from ingest.search import HybridRetriever
from ingest.store import Store
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser
from tests.ingest.formats import samples

ASKED = [
    ("葉緑体は何のエネルギーを使う", "web.html", "葉緑体は光のエネルギーを使う。", None),
    ("gradient descent downhill", "book.ipynb", "Gradient descent walks downhill.", None),
    ("細胞の発電所", "cell.docx", "ミトコンドリアは細胞の発電所と呼ばれる。", None),
    ("経路を選ぶ層", "net.pptx", "| IP | 経路を選ぶ |", 2),
    ("supernova galaxy", "stars.epub", "A supernova outshines its galaxy.", 2),
    ("外力 運動量 保存", "physics.pdf", "外力がはたらかないとき保存される。", 1),
    ("momentum force experiments", "physics.pdf", "experiments confirm.", 2),
]


def packed(folder: Path, name: str, files: dict[str, str | bytes]) -> Path:
    file = folder / name
    file.write_bytes(samples.zipped(files))
    return file


def sources(store: Store) -> list[str]:
    return [note.source for note in store.notes()]


@pytest.mark.parametrize("zipped", [False, True])
def test_search_finds_the_sentence_of_each_format_on_its_line_and_page(
    notes: Path, write, sync, store: Store, analyser: Analyser, zipped: bool
) -> None:
    if zipped:
        packed(notes, "all.zip", {f"course/{name}": data for name, data in samples.samples().items()})
    else:
        write(samples.samples())
    report = sync(notes)
    assert not report.problems
    assert len(report.added) == len(samples.samples())
    search = HybridRetriever(store, analyser, None)
    for query, name, text, page in ASKED:
        source = f"all.zip/course/{name}" if zipped else name
        passage = next(hit.passage for hit in search.search(query, k=3).hits if hit.passage.source == source)
        at = passage.text.index(text)
        first, last = passage.lines(at, at + len(text))
        view = store.note(source).view.text
        assert text in "\n".join(view.split("\n")[first - 1 : last])
        assert passage.page(at) == page
    assert not sync(notes).added


def test_an_archive_s_notes_follow_it(notes: Path, sync, store: Store) -> None:
    archive = packed(
        notes, "old.zip", {"a.md": "alpha", "b/c.txt": "beta", "x.bin": b"\0", ".hidden.md": "h"}
    )
    assert sync(notes).added == ["old.zip/a.md", "old.zip/b/c.txt"]
    assert sync(notes).unchanged == 2

    packed(notes, "old.zip", {"a.md": "alpha", "b/c.txt": "beta 2", "d.md": "new"})
    os.utime(archive, ns=(1, 1))
    report = sync(notes)
    assert (report.unchanged, report.changed, report.added) == (1, ["old.zip/b/c.txt"], ["old.zip/d.md"])

    archive.rename(notes / "new.zip")
    report = sync(notes)
    assert sorted(report.renamed)[0] == "old.zip/a.md -> new.zip/a.md"
    assert len(report.renamed) == 3

    (notes / "new.zip").unlink()
    (notes / "left.md").write_text("left")
    assert len(sync(notes).deleted) == 3
    assert sources(store) == ["left.md"]


def test_an_archive_that_is_named_itself_is_read(notes: Path, sync, store: Store) -> None:
    archive = packed(notes, "one.ZIP", {"a.md": "alpha", "bad.pdf": b"%PDF-"})
    report = sync(archive)
    assert report.added == ["one.ZIP/a.md"]
    assert [path for path, _ in report.problems] == ["one.ZIP/bad.pdf"]
    assert sync(archive).unchanged == 1


def test_members_that_are_not_to_be_trusted_are_told_and_the_others_read(
    notes: Path, sync, store: Store
) -> None:
    inner = samples.zipped({"deep.md": "deep"})
    packed(notes, "mixed.zip", {"good.md": "good", "../evil.md": "evil", "inner.zip": inner})
    report = sync(notes)
    assert sources(store) == ["mixed.zip/good.md"]
    assert sorted(error.key for _, error in report.problems) == ["archive_name", "archive_nested"]
    assert not (notes.parent / "evil.md").exists()


def test_an_archive_that_breaks_keeps_what_was_read_from_it(notes: Path, sync, store: Store) -> None:
    archive = packed(notes, "a.zip", {"a.md": "alpha"})
    sync(notes)
    archive.write_bytes(b"PK\x03\x04 broken")
    report = sync(notes)
    assert [error.key for _, error in report.problems] == ["note_damaged"]
    assert sources(store) == ["a.zip/a.md"]


def test_a_member_over_the_limit_or_locked_is_refused(notes: Path, sync, store: Store) -> None:
    archive = packed(notes, "a.zip", {"big.md": "x" * 2000, "small.md": "y"})
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo("small.md")
    data[info.header_offset + 6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(data))
    report = sync(notes, max_bytes=1000)
    assert sorted(error.key for _, error in report.problems) == ["note_encrypted", "note_large"]


@pytest.mark.parametrize("name", ["a.zip", "b.docx", "c.pdf", "d.epub"])
def test_a_file_that_is_not_what_its_name_says_is_refused_in_a_sentence(notes: Path, sync, name: str) -> None:
    file = notes / name
    file.write_text("only text")
    with pytest.raises(BadInput) as caught:
        sync(file)
    assert caught.value.key == "note_damaged"
    assert name in caught.value.message("ja")
