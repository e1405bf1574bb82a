"""Files that are made to harm: each is refused in one sentence, or read within time that its length bounds."""

import random
import stat
import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath

import pytest

from ingest.formats import extract
from ingest.formats.archive import Archive
from ingest.formats.markup import parse_xml
from ingest.formats.tags import tags
from terakoya.errors import BadInput
from tests.ingest.formats import samples
from tests.soak.targets import check_note

LAUGHS = """<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><w:document xmlns:w="x"><w:body>&c;</w:body></w:document>"""
OUTSIDE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'


def refusal(name: str, data: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        extract(data, path=name, suffix=PurePosixPath(name).suffix)
    return caught.value


@pytest.mark.parametrize("xml", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize("doctype", [True, False])
def test_entities_are_never_declared(xml: str, doctype: bool) -> None:
    with pytest.raises(BadInput) as caught:
        parse_xml(xml.encode(), path="a.docx", doctype=doctype)
    assert caught.value.key == "note_damaged"


def test_deep_nesting_in_a_document_is_refused() -> None:
    deep = "<w:sdt>" * 100_000 + "</w:sdt>" * 100_000
    assert refusal("a.docx", samples.docx(deep)).key == "note_deep"


def test_a_page_that_grows_beyond_all_reading_is_refused() -> None:
    assert refusal("a.html", b"<ul><li>x" * 600_000).key == "note_deep"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000,
        "<ul><li>x" * 100_000,
        "<table><tr><td>x" * 30_000,
        "<blockquote>x" * 50_000,
        "<!--" * 200_000,
        "<![CDATA[" * 100_000,
        "<a href='" * 100_000,
        '<a b="' * 100_000,
        "<a b=" * 100_000,
        "<a " + "x " * 300_000,
        "<" * 500_000,
        "</" * 300_000,
        "<p hidden>" * 50_000,
        "<nav>" * 50_000,
        "".join(f"<x{i} hidden>" for i in range(50_000)),
        "<math>" * 50_000 + "</math>",
        "<math>x-tex</math>" * 50_000,
        "<script>" * 100_000,
        "<title>" * 100_000,
        "<p>" + "".join(f"<font size={i}>" for i in range(10_000)) + "</p><p>" * 10_000,
        "&amp" * 200_000,
        "x" * 1_000_000,
        "<code>" * 100_000,
        "<ol start=99999999999999999999><li>" * 1000,
    ],
    ids=lambda html: html[:16],
)
def test_a_page_takes_time_by_its_length_alone(html: str) -> None:
    # a wall against what grows by the square; the test's own time is its measure
    extract(html.encode(), path="a.html", suffix=".html")


def test_tags_cover_a_page_without_going_back() -> None:
    seen = [t.name if not isinstance(t, str) else t for t in tags("a<b c='>'>d</b><x:Y/>e<1")]
    assert seen == ["a", "b", "d", "b", "y", "e", "<", "1"]


def bomb(size: int) -> bytes:
    return samples.zipped({"word/document.xml": b"\0" * size})


def test_an_archive_that_unpacks_to_far_more_than_it_is_stays_closed(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Archive(bomb(20 * 2**20), path="a.zip")
    assert caught.value.key == "archive_bomb"
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.md", "")
    with pytest.raises(BadInput) as caught:
        Archive(held.getvalue(), path="a.zip")
    assert caught.value.key == "archive_many"


def test_a_member_that_is_larger_than_its_directory_says_is_damaged() -> None:
    data = samples.zipped({"a.md": b"a" * 50_000})
    lying = data.replace((50_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with Archive(lying, path="a.zip") as archive, pytest.raises(BadInput) as caught:
        archive.read("a.md")
    assert caught.value.key == "note_damaged"


@pytest.mark.parametrize(
    "name", ["../a.md", "/etc/a.md", "a/../../b.md", "C:/a.md", "a\\b.md", "a//b.md", "a\x01.md"]
)
def test_a_member_that_points_out_of_its_archive_is_refused(name: str) -> None:
    with Archive(samples.zipped({name: "x", "good.md": "y"}), path="a.zip") as archive:
        refused = [n for n in archive.names if archive.refusal(n)]
        assert len(refused) == 1
        assert refused != ["good.md"]


def test_a_link_in_an_archive_is_refused() -> None:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with Archive(held.getvalue(), path="a.zip") as opened:
        refused = opened.refusal("link.md")
    assert refused is not None
    assert refused.key == "archive_name"


def test_a_member_without_a_name_or_packed_in_another_way_is_refused() -> None:
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.md", "text")
        archive.writestr(zipfile.ZipInfo("X"), "text")
    nameless = held.getvalue().replace(b"X", b"\0")
    with Archive(nameless, path="a.zip") as opened:
        assert opened.refusal("")
        with pytest.raises(BadInput) as caught:
            opened.read("a.md")
    assert caught.value.key == "archive_method"


def test_names_that_windows_wrote_in_japanese_are_read() -> None:
    data = samples.zipped({"XXXX.md": "x"}).replace(b"XXXX", "ノー".encode("cp932"))
    with Archive(data, path="a.zip") as archive:
        assert archive.names == ["ノー.md"]


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 30))):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randrange(1, 60)]
            case 2:
                changed[at:at] = changed[at // 2 : at // 2 + chance.randrange(1, 60)]
            case _:
                changed[at : at + 4] = bytes(chance.randrange(256) for _ in range(4))
        if not changed:
            return b""
    return bytes(changed)


def rezipped(data: bytes, chance: random.Random) -> bytes:
    """The archive with one member mutated, so that the damage comes past the checksums."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        files: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(files))
    content = files[name]
    assert isinstance(content, bytes)
    files[name] = mutated(content, chance)
    return samples.zipped(files)


@pytest.mark.parametrize("name", sorted(n for n in samples.samples() if not n.endswith(".pdf")))
def test_300_mutations_of_a_file_are_read_or_refused(name: str) -> None:
    data = samples.samples()[name]
    chance = random.Random(name)
    for number in range(300):
        changed = rezipped(data, chance) if data[:2] == b"PK" and number % 2 else mutated(data, chance)
        check_note(changed, name)


def test_300_mutations_of_a_pdf_are_read_or_refused() -> None:
    chance = random.Random("pdf")
    for data in (samples.samples()["physics.pdf"], samples.placed_pdf(*[[(50, 700, 10, "a text")]] * 3)):
        for _ in range(150):
            check_note(mutated(data, chance), "physics.pdf")
