"""The tree of a note: what stands where, and what is nested in what."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.document import Document, Node, cells, plain
from ingest.markdown import parse


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
        ("[link]: http://example.org", "paragraph"),
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


@pytest.mark.parametrize(
    "front", ["title: [", "- a\n- b", "just text", "title: !!python/object:os.system x", "a: &a [*a]"]
)
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
            "\x00",
            "\r\n",
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


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("[name](https://example.org/a_(b))", "name"),
        ("![alt](pic.png)", "alt"),
        ("[[note|shown]] and [[other]]", "shown and other"),
        ("**bold** *it* `code` ~~gone~~ ==mark==", "bold it code gone mark"),
        ("- [x] done", "done"),
        ("## Heading", "Heading"),
        ("> quoted", "quoted"),
        ("・項目", "項目"),
        ("1. first", "first"),
        ("2 * 3 * 4 \\* 5", "2 * 3 * 4 * 5"),
        ("snake_case_name", "snake_case_name"),
        ("array[0](1)", "array0"),
        ("3.14 is pi", "3.14 is pi"),
    ],
)
def test_plain_text_has_no_marks_and_no_link_targets(markdown: str, text: str) -> None:
    assert plain(markdown) == text


@pytest.mark.parametrize("unit", ["[", "[[", "![", "[a](", "`", "*a", "<!--", "# h\n", "> ", "・"])
def test_a_hundred_thousand_marks_are_read(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    assert plain(text) is not None
    assert parse(text).text == text
