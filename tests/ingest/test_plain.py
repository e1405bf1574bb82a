"""Plain text: what a reader reads of Markdown, and nothing of what it points to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.plain import cells, plain


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("[name](https://example.org/a_(b))", "name"),
        ('[name](a.md "title (with brackets)")', "name"),
        ("[a [b] c](x.md)", "a [b] c"),
        ("[**bold** `code`](x.md)", "bold code"),
        ("[name](<my file.md>) [name](my file.md)", "name name"),
        ("[wrapped\nname](x.md)", "wrapped\nname"),
        ("see [name][ref], [name][] and [name]", "see name, name and [name]"),
        ("![alt](pic.png)", "alt"),
        ("![alt][pic]", "alt"),
        ("![alt|300](pic.png)", "alt"),
        ("[![alt](pic.png)](x.md)", "alt"),
        ("[[note|shown]] and [[other]]", "shown and other"),
        ("[[note#heading]] [[#heading]] [[note#^block]]", "note > heading heading note"),
        ("| [[note\\|shown]] |", "| shown |"),
        ("![[pic.png|300]]![[pic.png|alt]] ![[note]]", "alt note"),
        ("text[^1] and more[^long-name].", "text and more."),
        ("[^1]: the footnote", "the footnote"),
        ("[ref]: https://example.org 'title'\ntext", "text"),
        ("[要点]: 過学習", "[要点]: 過学習"),
        ("**bold** *it* `code` ~~gone~~ ==mark== ***both***", "bold it code gone mark both"),
        ("これは==重要==です", "これは重要です"),
        ("a==b", "a==b"),
        ("- [x] done", "done"),
        ("## Heading", "Heading"),
        ("## Heading ## {#anchor}", "Heading"),
        ("Heading\n=======", "Heading"),
        ("> quoted", "quoted"),
        ("> [!note]- Title\n> body", "Title\nbody"),
        ("・項目", "項目"),
        ("1. first", "first"),
        ("2 * 3 * 4 \\* 5", "2 * 3 * 4 * 5"),
        ("snake_case_name", "snake_case_name"),
        ("a paragraph ^block-1", "a paragraph"),
        ("2 ^10", "2 ^10"),
        ("array[0](1)", "array0"),
        ("matrix[0][1]", "matrix[0][1]"),
        ("[this](was said)", "[this](was said)"),
        ("\\[no link\\](x)", "[no link](x)"),
        ("3.14 is pi", "3.14 is pi"),
        ("A &amp; B &lt;c&gt;", "A & B <c>"),
        ("`[a](b) **c** &amp; \\*`", "[a](b) **c** &amp; \\*"),
        ("```python\n# a comment\nx[i](**y)\n```", "python\n# a comment\nx[i](**y)"),
        ("cut in [the middle](https://example.org/a", "cut in the middle"),
    ],
)
def test_plain_text_has_no_marks_and_no_link_targets(markdown: str, text: str) -> None:
    assert plain(markdown) == text


WORDS = st.text(st.sampled_from("abc漢字かなカナ 、。\n"), max_size=40)


@settings(max_examples=200)
@given(WORDS)
def test_words_stay_as_they_are(words: str) -> None:
    assert plain(words) == words.strip()


TARGETS = st.text(st.sampled_from("TARGET/._-%0123456789()"), min_size=1, max_size=30).map(
    lambda target: "TARGET/" + target.replace("(", "").replace(")", "")
)


@settings(max_examples=300)
@given(
    WORDS.map(lambda words: words.replace("\n", "")),
    TARGETS,
    st.sampled_from(
        [
            "[{}]({})",
            "![{}]({})",
            "[{}](<{}>)",
            '[{}]({} "T")',
            "- ![{}]({})",
            "> [{}]({})",
            "[![{}]({})](TARGET/x)",
            "[{}][x]\n\n[x]: {}",
        ]
    ),
)
def test_no_target_is_part_of_plain_text(label: str, target: str, form: str) -> None:
    text = plain(form.format(f"a{label}b", target))
    assert "TARGET" not in text
    assert f"a{label}b" in text


@pytest.mark.parametrize("place", ["{}", "![x]({})", "`{}`", "```\n{}\n```"])
def test_embedded_data_is_no_text(place: str) -> None:
    assert "QUJD" not in plain(place.format("data:image/png;base64," + "QUJD" * 1000))


def test_the_inside_of_a_long_address_is_no_text() -> None:
    data = "".join(f"aB{n}%2F" for n in range(400))
    assert plain(data) == ""
    assert plain(f"{data[-100:]}) and on") == "and on"


def test_a_row_is_cut_at_bars_that_are_not_escaped() -> None:
    assert cells("| a \\| b | [c](d) |") == ("a | b", "c")


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[[",
        "![",
        "[a](",
        '[a](b "',
        "[a]((",
        "`",
        "`a``b",
        "*a",
        "<!--",
        "# h\n",
        "> ",
        "・",
        "&amp",
        "==a",
        " ^abc",
        "data:a/b;base64,",
        "[a]: http://b\n",
    ],
)
def test_a_hundred_thousand_marks_are_read(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    assert len(plain(text)) <= len(text)
