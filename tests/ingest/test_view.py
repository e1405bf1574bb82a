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
            "%%",
            "%%\n",
            "<a href='x'\n b>",
            "<script>",
            "</script>",
            "<img src=x alt=y>",
            "data:image/png;base64," + "QUJD" * 12,
            "> ```\n",
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
        ('a <img src="x.png" alt="y > z"> b', "a  b"),
        ('<a\n  href="x"\n>\nb</a>', "\n\n\nb"),
        ('<a href="x"title="y">b</a>', "b"),
        ("a<script>let x = '<b>'\n</script>b<style>p {}</style>", "a\nb"),
        ("a %%hidden%% b", "a  b"),
        ("これは%%秘密%%です", "これはです"),
        ("%%\nhidden\n\nstill\n%%\nseen", "\n\n\n\n\nseen"),
        ("%% hidden\nstill %%\nseen", "\n\nseen"),
        ("%% `a %% b`", " b`"),
        (f"![a](data:image/png;base64,{'QUJD' * 20})", "![a](data:image/png;base64,)"),
        (f"[a]: <data:image/png;base64,{'QUJD' * 20}>", "[a]: <data:image/png;base64,>"),
    ],
)
def test_tags_comments_and_embedded_data_are_not_seen(source: str, seen: str) -> None:
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
        "a <b and c> d",
        "a <p and\nq> d",
        '<a href="x"\n\nb>',
        "100%% of it, 50%% of that",
        "%% section one\nx\n%% section two\ny",
        "%% never closed",
        "data:image/png;base64,QUJD",
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
        "```\n%%\n```\n\n%%\n",
        "`%%a%%`",
        f"`data:image/png;base64,{'QUJD' * 20}`",
    ],
)
def test_code_is_seen_as_it_is(source: str) -> None:
    assert view_of(source).text == source


def test_percent_signs_mean_nothing_in_a_text_file() -> None:
    assert view_of("a %%b%% c", plain_text=True).text == "a %%b%% c"


@pytest.mark.parametrize(
    "code", ["```print(1)```", "> ```\n> x\n> ```", "> ```\n> x", "\\`", "``` `", "~~~\nx\n~~~", "`<script>`"]
)
def test_what_stands_behind_code_is_seen_as_text(code: str) -> None:
    assert view_of(f"{code}\n\n<b>y</b>").text == f"{code}\n\ny"


def test_tags_behind_code_are_taken_out() -> None:
    assert view_of("```\n<b>\n```\n<b>x</b> `<i>` <i>y</i>").text == "```\n<b>\n```\nx `<i>` y"


def test_a_comment_mark_inside_code_begins_no_comment() -> None:
    assert view_of("`<!--` begins one. <!-- hidden --> end").text == "`<!--` begins one.  end"


def test_many_marks_are_read_in_one_pass() -> None:
    source = "<!-- x --> <b>y</b> `c` <!--\n" * 5000
    assert re.sub(r"\s", "", view_of(source).text).startswith("y`c`")


def test_images_are_kept_with_their_place() -> None:
    view = view_of("<p>a</p><img src='b.png' alt='c\nd'>e `<img src=f>` <!-- <img src=g> --> <img alt=h>")
    assert [(i.target, i.alt, i.offset) for i in view.images] == [("b.png", "c d", 1)]
    assert view.text[1] == "\n"


@settings(max_examples=200)
@given(PIECES)
def test_images_lie_in_the_view_in_order(source: str) -> None:
    view = view_of(source)
    offsets = [image.offset for image in view.images]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(view.text) for offset in offsets)


@pytest.mark.parametrize(
    "unit",
    [
        "`",
        "`a``",
        "<a ",
        '<a b="',
        "<a\n",
        "<script>",
        "<!--",
        "%%",
        "%%\n",
        "%% x\n",
        "data:",
        "<b>",
        "> ```\n",
    ],
)
def test_a_hundred_thousand_marks_are_seen(unit: str) -> None:
    source = (unit * 100_000)[:100_000]
    assert view_of(source).text.count("\n") == source.count("\n")


@pytest.mark.parametrize(
    ("source", "text", "apart"),
    [
        ("<td>a</td><td>b</td>", "ab", (1,)),
        ("<tr><td>光</td><td>合</td></tr><tr><td>成</td></tr>", "光合成", (1, 2)),
        ("one<br>two<br/> three", "onetwo three", (3,)),
        ("photo<b>syn</b>thesis<ruby>漢<rt>かん</rt></ruby>", "photosynthesis漢かん", ()),
        ("<p>a</p>\n<p>b</p>", "a\nb", ()),
        ("`<td>a</td><td>b</td>`", "`<td>a</td><td>b</td>`", ()),
        ("a<!-- x --><td>b", "ab", (1,)),
    ],
)
def test_it_knows_where_tags_alone_set_words_apart(source: str, text: str, apart: tuple[int, ...]) -> None:
    view = view_of(source)
    assert (view.text, view.apart) == (text, apart)
