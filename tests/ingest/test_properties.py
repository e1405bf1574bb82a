"""What a note says of itself, and what of it is not believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import Year
from ingest.properties import front_matter, properties


def test_front_matter_ends_with_its_second_rule() -> None:
    text = "---\ntitle: a\n\n---\nbody\n---\n"
    found = front_matter(text)
    assert (found.title, text[found.end :]) == ("a", "body\n---\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "---\n",
        "---\ntitle: a\n",
        "---\n---\n",
        "---\njust text\n---\n",
        "\n---\ntitle: a\n---\n",
        "----\na: b\n----\n",
    ],
)
def test_text_between_rules_is_no_front_matter(text: str) -> None:
    assert front_matter(text).end == 0


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("a, b", ("a", "b")),
        ("[a, 'b c']", ("a", "b c")),
        ("'#a'", ("a",)),
        ("[2024, yes]", ("2024", "yes")),
        ("\n- a\n- a\n- ", ("a",)),
        ("{a: b}", ()),
        ("[[a], {b: c}]", ()),
    ],
)
def test_tags_are_written_in_several_ways(value: str, tags: tuple[str, ...]) -> None:
    assert front_matter(f"---\ntags: {value}\n---\n").tags == tags


@pytest.mark.parametrize(
    ("line", "year"),
    [
        ("date: 2024-05-01", 2024),
        ("created: 2024/5/1 10:00", 2024),
        ("Date: May 1, 2024", 2024),
        ("date: 2024-02-30", None),
        ("作成日: 令和6年5月1日", 2024),
        ("date: soon", None),
    ],
)
def test_the_date_of_a_note_names_its_year(line: str, year: int | None) -> None:
    found = front_matter(f"---\ntitle: a\n{line}\n---\n")
    assert (found.year, found.title) == (Year(year) if year else None, "a")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("title: a: b", 2),
        ("a: b\ntitle: [", 4),
        ("a: b\n\tc: d", 3),
        ("? [a]\n: b\nc: d", 2),
        ("a: *b", 2),
        ("- a: b\n- c: d\ne: f", 4),
        ("x: '\x01'", 1),
    ],
)
def test_broken_front_matter_leaves_a_remark_with_its_line(content: str, line: int) -> None:
    text = f"---\n{content}\n---\n"
    found = front_matter(text)
    assert (found.title, found.tags, found.end) == ("", (), len(text))
    (remark,) = found.remarks
    assert (remark.key, remark.values["line"]) == ("front_matter", line)
    assert remark.values["reason"]


def test_yaml_builds_nothing_but_text() -> None:
    assert front_matter("---\ntitle: !!python/object/apply:os.system [x]\n---\n").title == ""
    assert front_matter("---\ntitle: !!python/name:os.system x\n---\n").title == "x"


def test_aliases_that_multiply_and_a_megabyte_of_front_matter_are_no_obstacle() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
    )
    assert front_matter(f"---\n{bomb}tags: *y\n---\n").tags == ()
    long = front_matter("---\n" + "a: b\n" * 200_000 + "---\n")
    assert (long.end, [remark.key for remark in long.remarks]) == (1_000_008, ["front_matter"])
    assert front_matter("---\na: " + "[" * 20_000 + "\n---\n").remarks


def test_properties_are_told_from_what_the_note_is_about() -> None:
    found, kept = properties(["Created: May 1, 2024 10:00 AM", "Author: Mary Shelley", "タグ: 小説, 英文学"])
    assert (found.year, found.tags, kept) == (Year(2024), ("小説", "英文学"), {0, 2})


@pytest.mark.parametrize(
    "lines", [["Author: Mary Shelley"], ["Created: today", "and more"], ["Tags:"], ["http://example.org"]]
)
def test_other_lines_are_no_properties(lines: list[str]) -> None:
    assert properties(lines)[1] == frozenset()


@given(st.text(st.sampled_from("-: \n[]{}'\"&*!|>?,#%a1\t"), max_size=60))
def test_any_front_matter_is_read(content: str) -> None:
    text = f"---\n{content}\n---\n"
    found = front_matter(text)
    assert 0 <= found.end <= len(text)
