"""Reading one file: every position of a passage leads back to the file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.read import NoteRecord, Reading, read_note
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser

SOURCE = st.lists(
    st.sampled_from(
        [
            "# 見出し\n",
            "<b>太字</b>と文。",
            "<!-- 隠す\n行 -->",
            "- 項目<br>続き\n",
            "  - 子<sub>2</sub>\n",
            "\n\n",
            "`<b>`\n",
            "| a | <i>b</i> |\n|---|---|\n| 1 | 2 |\n",
            "長い文。" * 150 + "\n",
            "plain words\n",
            "<EOS> ",
        ]
    ),
    max_size=20,
).map("".join)


def read(data: bytes, analyser: Analyser, path: str = "a.md") -> NoteRecord:
    return read_note(data, path=path, root="/notes", analyser=analyser)


@settings(max_examples=100, deadline=None)
@given(source=SOURCE)
def test_positions_and_lines_of_a_passage_lead_back_to_the_source(analyser: Analyser, source: str) -> None:
    lines = source.split("\n")
    for record in read(source.encode(), analyser).chunks:
        shift = [sum(n for at, n in record.cuts if at <= i) for i in range(len(record.text))]
        assert "".join(source[record.start + i + s] for i, s in enumerate(shift)) == record.text
        assert record.end == record.start + len(record.text) + (shift[-1] if shift else 0)
        assert source.count("\n", 0, record.start) + 1 == record.start_line
        assert source.count("\n", 0, record.end) + 1 == record.end_line
        for number, seen in enumerate(record.text.split("\n"), start=record.start_line):
            kept = iter(lines[number - 1])
            assert all(c in kept for c in seen)


def test_the_title_falls_back_to_the_file_s_name(analyser: Analyser) -> None:
    assert read(b"no heading here", analyser, "folder/study.txt").title == "study"
    assert read("---\ntitle: 題名\n---\n# 見出し".encode(), analyser).title == "題名"


def test_headings_and_ancestors_are_indexed_with_a_passage(analyser: Analyser) -> None:
    record = read("# 光合成\n\n葉緑体で行われる。\n".encode(), analyser).chunks[0]
    assert set(analyser.words("光合成")) <= set(record.indexed.words)
    assert record.windows == ()
    reading = Reading(languages=frozenset({"ja"}))
    note = read_note(
        "# 光合成\n\n葉緑体で行われる。\n".encode(),
        path="a.md",
        root="/r",
        analyser=analyser,
        reading=reading,
    )
    assert note.chunks[0].windows == ("光合成\n光合成\n\n葉緑体で行われる。",)


def test_a_passage_keeps_its_id_until_its_text_changes(analyser: Analyser) -> None:
    one, same, other = (read(d, analyser).chunks[0].key for d in (b"alpha", b"alpha", b"beta"))
    assert one == same != other
    assert read(b"alpha", analyser, "b.md").chunks[0].key != one


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, b"\x00\x01\x02\x03" * 100])
def test_bytes_that_are_no_text_are_refused(analyser: Analyser, data: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        read(data, analyser)
    assert caught.value.key in ("note_binary", "note_undecodable")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"# \n", "\u3000\n".encode()])
def test_a_note_without_text_has_no_passages_or_harmless_ones(analyser: Analyser, data: bytes) -> None:
    assert all(record.text.strip() for record in read(data, analyser).chunks)


def test_windows_line_ends_count_as_one(analyser: Analyser) -> None:
    record = read(b"# A\r\n\r\nalpha\r\nbeta\r\n", analyser).chunks[0]
    assert (record.start_line, record.end_line, record.text) == (1, 4, "# A\n\nalpha\nbeta")


def words(source: str, analyser: Analyser) -> list[set[str]]:
    return [set(record.indexed.words) for record in read(source.encode(), analyser).chunks]


def test_cells_that_only_tags_set_apart_are_words_of_their_own(analyser: Analyser) -> None:
    (found,) = words("<table><tr><td>leaf</td><td>root</td></tr></table>", analyser)
    assert {"leaf", "root"} <= found
    (record,) = read(b"<td>leaf</td><td>root</td>", analyser).chunks
    assert record.text == "leafroot"  # a quote stands in the file letter for letter
    assert record.shown == "leaf root"


def test_the_alternative_text_of_an_html_image_is_indexed_with_what_it_stands_by(analyser: Analyser) -> None:
    first = "# Cells\n\nSome text.\n\n<img src='a.png' alt='a mitochondrion'>\n\n"
    note = first + "# Stars\n\nA sun.\n\n<img src='b.png' alt=''> <IMG alt=nebula src=c.png>\n"
    cells, stars = words(note, analyser)
    assert "mitochondrion" in cells - stars
    assert "nebula" in stars - cells
    reading = Reading(languages=frozenset({"en"}))
    chunks = read_note(note.encode(), path="a.md", root="/r", analyser=analyser, reading=reading).chunks
    assert chunks[0].windows == ("Cells\nCells\n\nSome text.\na mitochondrion",)
    assert "mitochondrion" not in chunks[0].text


def test_every_piece_of_long_code_is_read_as_code(analyser: Analyser) -> None:
    lines = [f"value_{n} = [first][{n}](second{n})  # *third{n}*" for n in range(600)]
    note = "\n".join(["~~~python", *lines, "~~~", "", "Behind."])
    found = words(note, analyser)
    assert len(found) > 5
    assert {f"second{n}" for n in range(600)} <= set().union(*found)
    shown = [record.shown for record in read(note.encode(), analyser).chunks]
    assert shown[0] is None
    assert all(text and text.startswith("value_") for text in shown[1:-1])


def test_nothing_more_is_kept_of_a_passage_whose_text_says_all(analyser: Analyser) -> None:
    assert [c.shown for c in read("# 見出し\n\n**太字**<b>と</b>`x`\n".encode(), analyser).chunks] == [None]
