"""The view: what a person sees of a note, and the way back to the file."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.view import view_of

PIECES = st.lists(
    st.sampled_from(
        [
            "<b>",
            "</b>",
            "<br>",
            "<br/>",
            "<!--",
            "-->",
            "<EOS>",
            "List<String>",
            "`",
            "``",
            "```",
            "```\n",
            "~~~\n",
            "\n",
            " ",
            "a",
            "漢",
            "<",
            ">",
            '<div class="x">',
            "    ",
            "- ",
            "1 < 2",
            "<!-- x\ny -->",
            "😀",
            "\u2028",
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=400)
@given(PIECES | st.text(max_size=60))
def test_every_kept_character_is_the_same_one_in_the_source(source: str) -> None:
    view = view_of(source)
    offsets = [view.source_offset(i) for i in range(len(view.text))]
    assert "".join(source[i] for i in offsets) == view.text
    assert offsets == sorted(set(offsets))


@settings(max_examples=400)
@given(PIECES | st.text(max_size=60))
def test_no_line_moves(source: str) -> None:
    view = view_of(source)
    for line, (seen, full) in enumerate(zip(view.text.split("\n"), source.split("\n"), strict=True)):
        kept = iter(full)
        assert all(c in kept for c in seen), line  # in order, with gaps


@settings(max_examples=200)
@given(PIECES, st.data())
def test_the_cuts_of_a_piece_lead_to_the_same_places(source: str, data: st.DataObject) -> None:
    view = view_of(source)
    start = data.draw(st.integers(0, len(view.text)))
    end = data.draw(st.integers(start, len(view.text)))
    cuts = view.cuts_within(start, end)
    base = view.source_offset(start)
    for i in range(end - start):
        assert base + i + sum(n for at, n in cuts if at <= i) == view.source_offset(start + i)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("H<sub>2</sub>O", "H2O"),
        ('<p align="center">x</p>', "x"),
        ("a<BR/>b", "ab"),
        ("<details><summary>題</summary>", "題"),
        ("a <!-- hidden --> b", "a  b"),
        ("a <!-- one\ntwo --> b", "a \n b"),
        ("<!-- <b>x</b> -->y", "y"),
        ("<!--\n```\n-->\n<b>bold</b>", "\n\n\nbold"),
        ("<ruby>漢<rt>かん</rt></ruby>", "漢かん"),
    ],
)
def test_tags_and_comments_are_not_seen(source: str, seen: str) -> None:
    assert view_of(source).text == seen


@pytest.mark.parametrize(
    "source",
    [
        "a<EOS>b",
        "List<String> xs",
        "Dict<K, V>",
        "1 < 2 and 3 > 2",
        "<https://example.org>",
        "<user@example.org>",
        "<question>",
        "<!-- never closed",
        "<b",
    ],
)
def test_what_is_no_html_is_text(source: str) -> None:
    assert view_of(source).text == source


@pytest.mark.parametrize(
    "source",
    [
        "`<b>`",
        "``<b> ` <i>``",
        "```html\n<b>x</b>\n<!-- y -->\n```",
        "~~~\n<div>\n~~~",
        "- item\n  ```\n  <br>\n  ```",
        "> ```\n> <br>\n> ```",
        "````\n```\n<b>\n```\n````",
        "```\n<b> in a fence that never closes\n",
    ],
)
def test_code_is_seen_as_it_is(source: str) -> None:
    assert view_of(source).text == source


def test_tags_behind_code_are_taken_out() -> None:
    assert view_of("```\n<b>\n```\n<b>x</b> `<i>` <i>y</i>").text == "```\n<b>\n```\nx `<i>` y"


def test_a_comment_mark_inside_code_begins_no_comment() -> None:
    assert view_of("`<!--` begins one. <!-- hidden --> end").text == "`<!--` begins one.  end"


def test_many_marks_are_read_in_one_pass() -> None:
    source = "<!-- x --> <b>y</b> `c` <!--\n" * 5000
    assert re.sub(r"\s", "", view_of(source).text).startswith("y`c`")
