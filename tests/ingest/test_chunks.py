"""Chunks: pieces of a note that hold all of it, cut where its structure allows."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunks import LARGEST, SCRAP, SPLIT, Chunk, Weights, chunk
from ingest.markdown import parse


def weight(text: str) -> float:
    return Weights(text).of(0, len(text))


def chunks(text: str) -> list[Chunk]:
    return chunk(parse(text))


def texts(text: str) -> list[str]:
    return [text[c.start : c.end] for c in chunks(text)]


LINES = st.lists(
    st.sampled_from(
        [
            "# 見出し\n",
            "## Sub\n",
            "# \n",
            "# ![](x.png)\n",
            "Title\n===\n",
            "- item\n",
            "  - sub\n",
            "    - deeper\n",
            "1. first\n",
            "・中黒\n",
            "\u3000・字下げ\n",
            "| a | b |\n",
            "|---|---|\n",
            "| 1 | 2 |\n",
            "```\n",
            "x = 1\n",
            "> quote\n",
            "$$\n",
            "---\n",
            "\n",
            "\n\n",
            "A sentence. Another one.\n",
            "文です。次の文です。\n",
            "[ref]: http://x\n",
            "長い文。" * 60 + "\n",
            "- " + "long item, " * 80 + "\n",
            "word " * 400 + "\n",
            "x" * 1500 + "\n",
            "  ",
            "\t",
            "    indented\n",
            "- [ ] todo\n",
            "| " + "広い" * 200 + " | y |\n",
            "\u3000\n",
            "---\ntitle: t\n---\n",
        ]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(LINES | st.text(max_size=200).map(lambda t: t.replace("\r", "\n")))
def test_every_character_that_is_not_blank_lies_in_exactly_one_chunk(text: str) -> None:
    covered = [0] * len(text)
    for piece in chunks(text):
        for i in range(piece.start, piece.end):
            covered[i] += 1
    assert max(covered, default=0) <= 1
    assert all(text[i].isspace() for i, times in enumerate(covered) if not times)


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_blocks_lie_inside_their_chunk_and_in_order(text: str) -> None:
    for piece in chunks(text):
        size = piece.end - piece.start
        assert all(0 <= b.start <= b.end <= b.extent <= size for b in piece.blocks)
        assert [b.start for b in piece.blocks] == sorted(b.start for b in piece.blocks)


@settings(max_examples=200, deadline=None)
@given(LINES)
def test_no_chunk_is_blank_and_chunks_are_in_order(text: str) -> None:
    pieces = chunks(text)
    assert all(text[c.start : c.end].strip() for c in pieces)
    assert all(a.end <= b.start for a, b in pairwise(pieces))


def test_a_short_note_is_one_chunk_with_its_heading() -> None:
    text = "# Cells\n\nA cell divides.\n"
    (only,) = chunks(text)
    assert (text[only.start : only.end], only.heading) == (text.strip(), ("Cells",))


def test_the_heading_path_names_all_headings_above() -> None:
    text = "# A\na\n## B\nb\n### C\nc\n## D\nd\n# E\ne\n"
    assert [(c.heading, text[c.start : c.end].splitlines()[-1]) for c in chunks(text)] == [
        (("A",), "a"),
        (("A", "B"), "b"),
        (("A", "B", "C"), "c"),
        (("A", "D"), "d"),
        (("E",), "e"),
    ]


def test_a_heading_without_a_body_goes_with_the_next() -> None:
    text = "# A\n## B\nb\n"
    assert texts(text) == ["# A\n## B\nb"]


@pytest.mark.parametrize("heading", ["# ", "# ![](logo.png)", "## **", "#"])
def test_a_heading_without_words_is_no_part_of_the_path(heading: str) -> None:
    path = {c.heading for c in chunks(f"# A\n\nx\n\n{heading}\n\nbody\n")}
    assert path <= {(), ("A",), ("#",)}


def test_a_large_table_is_cut_between_rows_and_each_row_keeps_its_header() -> None:
    rows = [f"| 用語{n} | {'とても長い説明' * 10} |" for n in range(60)]
    text = "# 表\n\n| 用語 | 意味 |\n|---|---|\n" + "\n".join(rows) + "\n"
    pieces = chunks(text)
    assert len(pieces) > 5
    assert [
        line
        for t in texts(text)
        for line in t.splitlines()
        if line.startswith("| 用語") and "|---|" not in line
    ][1:] == rows
    assert all(b.header == ("用語", "意味") for c in pieces for b in c.blocks if b.kind == "row")


def test_code_of_up_to_three_chunks_is_not_cut() -> None:
    code = "```\n" + "".join(f"line_{n} = {n}\n" for n in range(200)) + "```"
    assert 2 * LARGEST < weight(code) < SPLIT
    text = f"# Code\n\nBefore.\n\n{code}\n\nAfter.\n"
    assert sum(code in t for t in texts(text)) == 1


@pytest.mark.parametrize("indent", ["", "  "])
@pytest.mark.parametrize("blank", [0, 10])
def test_longer_code_is_cut_between_lines(indent: str, blank: int) -> None:
    lines = [
        "" if blank and n % blank == 0 else f"{indent}line_{n} = call({n}, '{'x' * (n % 40)}')"
        for n in range(600)
    ]
    code = "\n".join([f"{indent}```python", *lines, f"{indent}```"])
    text = f"# Code\n\n{'- An item:' if indent else 'Before.'}\n\n{code}\n\nAfter.\n"
    pieces = texts(text)
    assert [line for t in pieces for line in t.split("\n") if "line_" in line] == [x for x in lines if x]
    assert len(pieces) > 10
    assert all(weight(piece) <= LARGEST + SCRAP for piece in pieces)
    assert all("line_" in piece for piece in pieces if "```" in piece)
    assert all(c.heading == ("Code",) for c in chunks(text))
    if blank:
        begins = [re.match(r"\s*line_(\d+)", t) for t in pieces]
        assert {int(found[1]) % blank for found in begins if found} == {1}


def test_a_line_of_code_is_never_cut() -> None:
    lines = ["a", "x" * 9000, "b", "y" * 9000]
    text = "```\n" + "\n".join(lines) + "\n```\n"
    assert all(any(line in t.split("\n") for t in texts(text)) for line in lines)


def test_a_large_list_is_cut_between_items_and_names_the_items_above() -> None:
    subs = [f"  - 細目{n}は{'説明' * 20}" for n in range(40)]
    text = "# 一覧\n\n- **大項目**の話\n" + "\n".join(subs) + "\n- 次の項目\n"
    pieces = chunks(text)
    assert len(pieces) > 2
    lines = [line for t in texts(text) for line in t.splitlines() if line.startswith("  - ")]
    assert lines == subs
    within = [c for c in pieces if text[c.start : c.end].startswith("  - 細目")]
    assert within
    assert all(c.ancestors == ("大項目の話",) for c in within)
    assert all(c.heading == ("一覧",) for c in pieces)


@pytest.mark.parametrize("sentence", ["これは一つの文である。", "This is one sentence of a long paragraph. "])
def test_a_long_paragraph_is_cut_between_sentences(sentence: str) -> None:
    text = sentence * 500
    pieces = texts(text)
    assert len(pieces) > 3
    assert all(piece.endswith(sentence.strip()[-1]) for piece in pieces)
    assert all(weight(piece) <= 2 * LARGEST for piece in pieces)


def test_a_paragraph_without_any_stop_is_cut_by_length() -> None:
    assert all(len(piece) <= 3 * LARGEST for piece in texts("あ" * 20_000))


@pytest.mark.parametrize(
    "link",
    [
        "[図の説明](img/とても長い名前の図.png)",
        "![the figure](a%20path/to/a%20picture.png)",
        "[[別のノート#見出し|表示]]",
        "https://example.org/a/path?with=query&and=more",
        "`some.code(of_a_span)`",
    ],
)
def test_a_paragraph_without_any_stop_is_not_cut_inside_a_link(link: str) -> None:
    for shift in range(0, len(link) + 40, 7):
        text = "あ" * shift + (link + "あ" * 37) * 60
        pieces = texts(text)
        assert len(pieces) > 2
        assert sum(piece.count(link) for piece in pieces) == 60
        assert all(len(piece) <= 2 * LARGEST for piece in pieces)


def test_a_paragraph_without_any_stop_is_cut_between_words() -> None:
    text = "reading " * 1000
    assert {word for piece in texts(text) for word in piece.split()} == {"reading"}


def test_a_link_that_is_longer_than_a_chunk_is_cut() -> None:
    assert all(len(piece) <= 3 * LARGEST for piece in texts(f"[a]({'x' * 20_000}) and more"))


def test_chunks_are_of_a_size_that_embedders_read() -> None:
    text = "\n\n".join(f"段落{n}。" + "これは文である。" * 20 for n in range(50))
    assert all(weight(piece) <= LARGEST for piece in texts(text))


@pytest.mark.parametrize("text", ["", " \n\t\n", "\u3000\n"])
def test_a_blank_note_has_no_chunks(text: str) -> None:
    assert chunks(text) == []


def test_many_headings_without_bodies_are_one_chunk() -> None:
    assert len(chunks("# h\n" * 20_000)) == 1
