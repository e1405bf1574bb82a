"""The tree of a note: what stands where, and what is nested in what."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunks import chunk
from ingest.document import Document, Node
from ingest.markdown import parse
from ingest.plain import cells, plain
from ingest.view import view_of
from terakoya.catalogue import text as sentence


def flat(nodes: list[Node] | tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from flat(node.children)


def shown(document: Document) -> list[tuple[str, int, str]]:
    return [(n.kind, n.depth, document.text[n.start : n.end].strip()) for n in flat(document.nodes)]


def test_items_hold_what_is_nested_in_them() -> None:
    text = "- a\n  - b\n    - c\n  - d\n- e\n"
    document = parse(text)
    assert shown(document) == [
        ("item", 1, "- a"),
        ("item", 2, "- b"),
        ("item", 3, "- c"),
        ("item", 2, "- d"),
        ("item", 1, "- e"),
    ]
    first, second = document.nodes
    assert text[first.start : first.extent] == "- a\n  - b\n    - c\n  - d"
    assert text[first.children[0].start : first.children[0].extent] == "  - b\n    - c"
    assert (second.end, second.children) == (second.extent, [])


@pytest.mark.parametrize("bullet", ["・", "●", "•", "▪", "◦"])
def test_japanese_bullets_make_items(bullet: str) -> None:
    text = f"{bullet}一つ目\n{bullet} 二つ目\n\u3000{bullet}中の項目\n"
    assert shown(parse(text)) == [
        ("item", 1, f"{bullet}一つ目"),
        ("item", 1, f"{bullet} 二つ目"),
        ("item", 2, f"{bullet}中の項目"),
    ]


def test_a_middle_dot_inside_a_name_makes_no_item() -> None:
    assert shown(parse("レオナルド・ダ・ヴィンチ")) == [("paragraph", 0, "レオナルド・ダ・ヴィンチ")]


def test_rows_know_the_cells_of_their_header() -> None:
    document = parse("| 用語 | 意味 |\n|---|---|\n| TCP | 順序 \\| 保証 |\n| UDP | `速い` |\n")
    table = document.nodes[0]
    assert (table.kind, [row.header for row in table.children]) == ("table", [("用語", "意味")] * 2)
    assert [cells(document.text[r.start : r.end]) for r in table.children] == [
        ("TCP", "順序 | 保証"),
        ("UDP", "速い"),
    ]


def test_each_table_has_its_own_header() -> None:
    document = parse("|a|\n|-|\n|1|\n\ntext\n\n|b|\n|-|\n|2|\n")
    assert [n.header for n in flat(document.nodes) if n.kind == "row"] == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("```python\nprint(1)\n```", "code"),
        ("~~~\nx\n~~~", "code"),
        ("    indented", "code"),
        ("$$\nE = mc^2\n$$", "formula"),
        ("> quoted\n> twice", "quote"),
        ("plain\nwrapped", "paragraph"),
        ("<unknown>\ntext", "paragraph"),
        ("```math\nx^2\n```", "formula"),
        ("[link]: http://example.org", "metadata"),
        ("[要点]: 過学習", "paragraph"),
        ("[^1]: A footnote.", "paragraph"),
        ("> [!note] Title\n> body", "quote"),
        ('![alt](a.png "title")', "image"),
        ("![](a.png)\n![](b.png)", "image"),
        ("[![badge](a.svg)](https://example.org)", "image"),
        ("![[a.png|300]]", "image"),
        ("![a](a.png) with words", "paragraph"),
        ("`![a](a.png)`", "paragraph"),
        ("![[Another note]]", "paragraph"),
    ],
)
def test_the_kind_of_a_block(text: str, kind: str) -> None:
    assert shown(parse(text)) == [(kind, 0, text.strip())]


def test_blocks_inside_an_item_belong_to_it() -> None:
    text = "- item\n\n  ```\n  code\n  ```\n\n  | a |\n  |---|\n  | 1 |\n"
    item = parse(text).nodes[0]
    assert [child.kind for child in item.children] == ["code", "table"]
    assert item.extent == len(text) - 1


def test_front_matter_is_metadata_and_gives_title_and_tags() -> None:
    document = parse("---\ntitle: 生物のまとめ\ntags: [cell, 遺伝]\n---\n# 細胞\n")
    assert (document.title, document.tags) == ("生物のまとめ", ("cell", "遺伝"))
    assert [n.kind for n in document.nodes] == ["metadata", "heading"]


@pytest.mark.parametrize("front", ["title: [", "- a\n- b", "just text", "a: &a [*a]"])
def test_front_matter_that_cannot_be_read_is_no_obstacle(front: str) -> None:
    document = parse(f"---\n{front}\n---\n# 見出し\n")
    assert document.title == "見出し"


def test_the_dash_of_an_empty_item_underlines_nothing() -> None:
    assert [n.kind for n in parse("- a\n  text\n-\n- b\n").nodes] == ["item", "item", "item"]


def test_a_blank_line_in_front_matter_makes_no_heading_of_it() -> None:
    document = parse("---\ntitle: 題名\n\ntags: x\n---\n\nbody\n")
    assert (document.title, [n.kind for n in document.nodes]) == ("題名", ["metadata", "paragraph"])


def test_the_title_is_the_first_heading() -> None:
    assert parse("text\n\n## **Second** [level](x.md)\n# First\n").title == "Second level"
    assert parse("no heading").title == ""


def test_headings_know_their_level() -> None:
    nodes = parse("# a\n\n## b\n\nc\n===\n\nd\n---\n").nodes
    assert [(n.kind, n.level) for n in nodes] == [
        ("heading", 1),
        ("heading", 2),
        ("heading", 1),
        ("heading", 2),
    ]


def test_an_indent_in_plain_text_is_no_code() -> None:
    document = parse("    だしを取る\n\n    弱火で煮る\nTitle\n-----\n", plain_text=True)
    assert {n.kind for n in document.nodes} == {"paragraph"}


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# h\n",
            "## \n",
            "- a\n",
            "  - b\n",
            "1. c\n",
            "・d\n",
            "\u3000・e\n",
            "|a|b|\n",
            "|-|-|\n",
            "|1|2|\n",
            "```\n",
            "    code\n",
            "> q\n",
            "$$\n",
            "---\n",
            "\n",
            "text 。\n",
            "\t",
            "  ",
            "===\n",
            "- [ ] t\n",
            "[x]: y\n",
            "[x]: http://y\n",
            "![a](b.png)\n",
            "![x]",
            "![[c.png]]\n",
            "[^1]: f\n",
            "[a](",
            ")",
            "2024-05-01\n",
            "5/1 x\n",
            "Created: May 1, 2024\n",
            "---\na: b\n---\n",
            "\x00",
            "\r\n",
        ]
    ),
    max_size=25,
).map("".join)
SOURCES = st.lists(
    st.sampled_from(
        [
            "# 見出し\n",
            "- item ",
            "text. ",
            "文。",
            "\n",
            "\n\n",
            "> quote\n",
            "```\n",
            "`",
            "%%",
            "%%\n",
            "<b>",
            "<img src='a.png' alt='b'>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "![x](data:image/png;base64," + "QUJD" * 30 + ")",
            "[x]: <data:image/png;base64," + "QUJD" * 30 + ">\n",
            "[[a|b]]",
            "[a][b]",
            "[b]: http://c\n",
            "[^1]: note\n",
            "| a |\n|---|\n| 5/1 |\n",
            "$$\n",
            "    ",
            "2024-05-01\n",
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=300)
@given(MARKDOWN | st.text(max_size=60), st.booleans())
def test_blocks_are_in_order_and_lie_inside_one_another(text: str, plain_text: bool) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    document = parse(text, plain_text=plain_text)

    def check(nodes: list[Node] | tuple[Node, ...], start: int, stop: int) -> None:
        for before, after in pairwise(nodes):
            assert before.extent <= after.start
        for node in nodes:
            assert start <= node.start <= node.end <= node.extent <= stop
            check(node.children, node.start, node.extent)

    check(document.nodes, 0, len(text))


@pytest.mark.parametrize(
    "text", ["> " * 3000 + "x", "".join("  " * n + "- x\n" for n in range(300)), "[" * 5000]
)
def test_deep_nesting_is_read(text: str) -> None:
    assert parse(text).nodes


@settings(max_examples=400, deadline=None)
@given(SOURCES | st.text(max_size=120).map(lambda text: text.replace("\r", "\n")), st.booleans())
def test_every_character_that_a_reader_sees_is_in_exactly_one_chunk(source: str, plain_text: bool) -> None:
    view = view_of(source, plain_text=plain_text)
    covered = [0] * len(view.text)
    for piece in chunk(parse(view.text, plain_text=plain_text, images=view.images)):
        for i in range(piece.start, piece.end):
            covered[i] += 1
    assert max(covered, default=0) <= 1
    assert all(view.text[i].isspace() for i, times in enumerate(covered) if not times)


@settings(max_examples=300, deadline=None)
@given(MARKDOWN)
def test_images_are_in_reading_order_and_inside_the_note(text: str) -> None:
    offsets = [image.offset for image in parse(text).images]
    assert offsets == sorted(offsets)
    assert all(text.startswith("!", offset) for offset in offsets)


def test_lines_that_define_targets_are_metadata_and_the_text_around_them_is_not() -> None:
    text = "[a]: http://x\n[b]: <y z.md> 'T'\nSee [this][a].\n"
    assert shown(parse(text)) == [
        ("metadata", 0, "[a]: http://x\n[b]: <y z.md> 'T'"),
        ("paragraph", 0, "See [this][a]."),
    ]


def test_a_footnote_of_several_paragraphs_is_no_code() -> None:
    document = parse("text[^1]\n\n[^1]: one\n\n    two\n\nthree\n")
    assert [n.kind for n in document.nodes] == ["paragraph"] * 4


def test_tags_stand_in_front_matter_and_text() -> None:
    text = "---\ntags: '#a, b'\n---\n#c と #数学/線形 `#d` [x](y#e) #1 #ff0000 #fff ##f #REF! #N/A #a\n\n    #g\n"
    assert parse(text).tags == ("a", "b", "c", "数学/線形")


def test_a_text_file_has_no_tags() -> None:
    assert parse("#include <a>\n", plain_text=True).tags == ()


def test_aliases_stand_in_front_matter() -> None:
    assert parse("---\naliases: [細胞, cell]\n---\n").aliases == ("細胞", "cell")


def test_broken_front_matter_keeps_its_lines_and_leaves_a_remark() -> None:
    document = parse("---\ntitle: a: b\n---\nbody\n")
    assert shown(document) == [("metadata", 0, "---\ntitle: a: b\n---"), ("paragraph", 0, "body")]
    assert [(r.key, r.values["line"]) for r in document.remarks] == [("front_matter", 2)]


def test_a_remark_can_be_said_in_both_languages() -> None:
    (remark,) = parse("---\na: [\n---\n").remarks
    for language in ("en", "ja"):
        assert "3" in sentence(f"note.{remark.key}", language=language, **remark.values)


def test_the_name_of_the_file_is_the_title_where_there_is_no_other() -> None:
    exported = "Linear algebra 0123456789abcdef0123456789abcdef"
    assert parse("text", name=exported).title == "Linear algebra"
    assert parse("# Heading", name=exported).title == "Heading"
    assert parse("# ![](logo.png)\n\n# Heading", name="x").title == "Heading"
    assert parse("## 12/1\n\n### 振り返り", name="日報").title == "日報"


def test_properties_under_the_title_are_metadata_and_others_are_text() -> None:
    document = parse("# T\n\nCreated: May 1, 2024 10:00 AM\nLecturer: Tanaka\nTags: 代数, b\n\nbody\n")
    assert shown(document)[1:] == [
        ("metadata", 0, "Created: May 1, 2024 10:00 AM"),
        ("paragraph", 0, "Lecturer: Tanaka"),
        ("metadata", 0, "Tags: 代数, b"),
        ("paragraph", 0, "body"),
    ]
    assert document.tags == ("代数", "b")


@pytest.mark.parametrize("body", ["TCP: a protocol", "Tags: a\nand more", "text\n\nTags: a"])
def test_other_lines_under_the_title_are_text(body: str) -> None:
    assert {n.kind for n in parse(f"# T\n\n{body}\n").nodes} == {"heading", "paragraph"}


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[[",
        "![",
        "[a](",
        '[a](b "',
        "[a](<",
        "](",
        "[^1]: ",
        "[a]: http://b\n",
        "%%\n",
        "> ",
        "- ",
        "・",
        "# h\n",
        "![a](b.png)\n",
        "- 5/1 x\n",
    ],
)
def test_a_hundred_thousand_marks_make_a_tree(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    assert parse(text).text == text


def test_a_megabyte_of_embedded_data_leaves_nothing() -> None:
    data = "QUJD" * 250_000
    image = f"data:image/png;base64,{data}"
    source = f"![図]({image}) <img src='{image}'>\n\n[x]: <{image}>\n"
    view = view_of(source)
    assert len(view.text) < 200
    document = parse(view.text, images=view.images)
    assert [(image.target, image.path) for image in document.images] == [("data:image/png;base64", "")] * 2
    assert "QUJD" not in plain(view.text) + plain(source)
