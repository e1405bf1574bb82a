import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ui.markup import JOINER, markdown, pieces, plain, quotation

COMMONMARK = MarkdownIt("commonmark").enable("table")


def kinds(text: str) -> set[str]:
    found = set()
    for token in COMMONMARK.parse(text):
        found.add(token.type)
        found.update(child.type for child in token.children or ())
    return found


def fences(text: str) -> list[str]:
    return [token.info for token in COMMONMARK.parse(text) if token.type == "fence"]


PARTS = [
    *"![]()x\\`$\n |<「",
    *("```", "~~~", "mermaid", "&#109;ermaid", "\n\n", "- ", "> ", "1. ", "    ", "**", ":a["),
    *("http://127.0.0.1:9/", "[x]: http://127.0.0.1:9/\n"),
]
MARKDOWN_LIKE = st.lists(st.sampled_from(PARTS), max_size=24).map("".join)


@given(MARKDOWN_LIKE)
def test_no_text_becomes_an_image(text: str) -> None:
    assert "image" not in kinds(markdown(text, None))
    assert "image" not in kinds(quotation(text))
    assert "image" not in kinds(plain(text))


@given(MARKDOWN_LIKE)
def test_no_text_becomes_a_diagram(text: str) -> None:
    for shown in (markdown(text, None), quotation(text)):
        assert not [info for info in fences(shown) if info.strip().lower().startswith("mermaid")]


@given(MARKDOWN_LIKE)
def test_a_label_is_nothing_but_text(text: str) -> None:
    assert kinds(plain(text)) <= {"inline", "text", "text_special", "paragraph_open", "paragraph_close"}


def test_the_text_of_an_image_stays_readable() -> None:
    assert "map of Kyoto" in markdown("![map of Kyoto](http://127.0.0.1:9/kyoto.png)")


def test_known_marks_are_badges_and_others_stay() -> None:
    assert markdown("水は凍る[1]。配列 a[7]。", {1}) == "水は凍る:primary-badge[1]。配列 a[7]。"


def test_several_numbers_in_one_mark_are_several_badges() -> None:
    assert markdown("Water freezes [1, 2].", {1, 2}) == "Water freezes :primary-badge[1]:primary-badge[2]."


def test_marks_in_code_and_formulas_stay() -> None:
    assert markdown("`a[1]` $b[1]$ c [1]", {1}) == "`a[1]` $b[1]$ c :primary-badge[1]"


def test_a_note_cannot_give_a_mark_an_address() -> None:
    assert "link_open" not in kinds(markdown("Water freezes [1].\n\n[1]: http://127.0.0.1:9/", {1}))


@pytest.mark.parametrize("text", [":red[x]", "定義:細胞[要確認]", ":::message\nx\n:::"])
def test_a_directive_is_text(text: str) -> None:
    assert "\\:" in markdown(text)


def test_bold_closes_before_a_japanese_letter() -> None:
    assert "strong_open" in kinds(markdown("**「定義」**は大切"))


def test_tex_brackets_become_formulas_and_escaped_brackets_do_not() -> None:
    assert markdown(r"\(x^2\) and \(aside\)") == r"$x^2$ and \(aside\)"


def test_a_code_block_is_handed_on_letter_for_letter() -> None:
    text = "Run:\n```python\nprint('![x](y)')\n```\nDone [1]."
    assert list(pieces(text)) == [
        ("Run:", False, ""),
        ("print('![x](y)')", True, "python"),
        ("Done [1].", False, ""),
    ]


def test_a_code_block_that_is_still_growing_is_code() -> None:
    assert list(pieces("```\n![x](")) == [("![x](", True, "")]


def test_a_quote_from_the_depth_of_a_list_is_a_list() -> None:
    quoted = quotation("      - outer\n        - inner")
    assert "bullet_list_open" in kinds(quoted)
    assert "code_block" not in kinds(quoted)


def test_rows_without_their_header_are_a_table() -> None:
    assert "table_open" in kinds(quotation("| 核 | DNA をしまう |"))


def test_a_comment_in_quoted_code_is_no_heading() -> None:
    assert "heading_open" not in kinds(quotation("# install\napt install git\n---"))


def test_line_breaks_of_a_quote_stay() -> None:
    assert "hardbreak" in kinds(quotation("一行目\n二行目"))


def undone(shown: str) -> str:
    """Without the colour of marks."""
    return re.sub(r":orange-background\[([^\]]*)\]", r"\1", shown).replace(JOINER, "")


def marks_of(text: str, words: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(words, text)]


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("主キー: 一意", ":orange-background[主キー]: 一意"),
        ("- **主キー**は", f"- **{JOINER}:orange-background[主キー]{JOINER}**は"),
        ("(主キー)と`主キー`", "(:orange-background[主キー])と`主キー`"),
        ("a $主キー$ b", "a $主キー$ b"),
        ("[x](http://a/主キー)", "[x](http://a/主キー)"),
        ("http://a/主キー", "http://a/主キー"),
        ("[[主キー]] _主キー_ *主キー* :主キー[x]", "[[主キー]] _主キー_ *主キー* \\:主キー[x]"),
        ("```\n主キー\n```", "```\n主キー\n```"),
        ("~~~\n主キー", "~~~\n主キー"),
        ("x\n\n    主キー", "x\n\n    主キー"),
        ("- x\n    - 主キー", "- x\n    - :orange-background[主キー]"),
        ("| 主キー | b |", "| | |\n|---|---|\n| :orange-background[主キー] | b |"),
    ],
)
def test_what_is_marked_stands_out_where_markdown_reads_the_same(quote: str, shown: str) -> None:
    assert quotation(quote, marks_of(quote, "主キー")) == shown


def test_the_number_of_a_list_item_is_not_marked() -> None:
    assert quotation("1. 1 key", [(0, 1), (3, 4)]) == "1. :orange-background[1] key"


@settings(max_examples=500, deadline=None)
@given(MARKDOWN_LIKE, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 6)), max_size=4))
def test_marks_change_nothing_but_colour(text: str, spans: list[tuple[int, int]]) -> None:
    marks = [(start, start + length) for start, length in spans if start + length <= len(text)]
    shown = quotation(text, marks)
    assert undone(shown) == quotation(text).replace(JOINER, "")
    assert "image" not in kinds(shown)
    assert not [info for info in fences(shown) if info.strip().lower().startswith("mermaid")]
    assert not {"\ufdd0", "\ufdd1"} & set(shown)
