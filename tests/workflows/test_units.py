"""Units: the pieces of a passage that a person would quote."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.testing import passage
from workflows.units import plain_line, units_of

NOTE = """---
title: 題名
---
# 生物

光合成は葉緑体で行う。呼吸とは違う。

- 細胞
  - 核
  - 膜
- 遺伝

| 用語 | 意味 |
|---|---|
| DNA | 設計図 |

```python
print(1)
```

$$
E = mc^2
$$
"""


def test_each_kind_of_block_is_offered(read) -> None:
    offered = {(u.kind, u.text) for p in read(NOTE) for u in units_of(p)}
    assert {
        ("sentence", "光合成は葉緑体で行う。"),
        ("sentence", "呼吸とは違う。"),
        ("item", "- 細胞\n  - 核\n  - 膜"),
        ("item", "  - 核"),
        ("row", "| DNA | 設計図 |"),
        ("code", "```python\nprint(1)\n```"),
        ("formula", "$$\nE = mc^2\n$$"),
    } <= offered


def test_front_matter_is_never_offered(read) -> None:
    assert not [u for p in read(NOTE) for u in units_of(p) if "title:" in u.text]


def test_an_image_is_offered_where_it_says_what_it_shows(read) -> None:
    note = "# 細胞\n\n![ミトコンドリアの断面](a.png)\n\n![](b.png)\n\n![[c.png]]\n"
    offered = [u.text for p in read(note) for u in units_of(p) if u.kind == "sentence"]
    assert offered == ["![ミトコンドリアの断面](a.png)"]


def test_a_section_ends_before_the_targets_of_its_links(read) -> None:
    note = "# 細胞\n\n[核][a]がある。\n\n[a]: https://example.org\n"
    offered = {u.text for p in read(note) for u in units_of(p)}
    assert offered == {"[核][a]がある。"}


def test_units_know_the_headings_and_items_above(read) -> None:
    units = [u for p in read(NOTE) for u in units_of(p)]
    inner = next(u for u in units if u.text == "  - 核")
    assert (inner.headings, inner.ancestors[-1:]) == (("生物",), ("細胞",))
    assert next(u for u in units if u.kind == "row").header == ("用語", "意味")


def test_a_unit_is_one_contiguous_piece_of_its_passage(read) -> None:
    for p in read(NOTE):
        for unit in units_of(p):
            assert 0 <= unit.start < unit.own_end <= unit.end <= len(p.text) or unit.own_end == unit.start
            assert unit.text == p.text[unit.start : unit.end]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                "# 見出し\n",
                "本文。もう一文。\n",
                "- 項目\n",
                "  - 子\n",
                "1. 番号\n",
                "| a | b |\n|---|---|\n| 1 | 2 |\n",
                "```\ncode\n```\n",
                "> 引用\n",
                "\n",
                "$$\nx\n$$\n",
                "例:\n",
                "---\n",
                "- [ ] 宿題\n",
            ]
        ),
        min_size=1,
        max_size=14,
    ).map("".join)
)
def test_any_note_gives_units_that_lie_inside_their_passage(read, text: str) -> None:
    if not text.strip():
        return
    for p in read(text):
        assert all(0 <= u.start <= u.own_end <= u.end <= len(p.text) for u in units_of(p))
        assert all(u.text.strip() for u in units_of(p))


def test_a_passage_without_structure_is_offered_by_sentences() -> None:
    assert [u.text for u in units_of(passage("One. Two. 三つ。"))] == ["One.", "Two.", "三つ。"]


@pytest.mark.parametrize(
    ("line", "task"),
    [("- [ ] 宿題をする", True), ("- [x] done", True), ("- 済み", False), ("- [link](x)", False)],
)
def test_things_to_do_are_told_apart(read, line: str, task: bool) -> None:
    (of,) = read(f"{line}\n")
    assert [u.is_task for u in units_of(of) if u.kind == "item"] == [task]


@pytest.mark.parametrize(
    ("line", "plain"),
    [("## **Bold** [name](x.md)", "Bold name"), ("- `code`", "code"), ("・項目", "項目"), ("> 引用", "引用")],
)
def test_a_line_for_people_has_no_marks(line: str, plain: str) -> None:
    assert plain_line(line) == plain
