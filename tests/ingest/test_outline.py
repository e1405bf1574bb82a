"""The tree of a stored note: blocks below their headings, in places of the source."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.chunks import chunk
from ingest.document import Document
from ingest.markdown import parse
from ingest.outline import outline
from ingest.store import Store, StoredNote
from ingest.view import view_of
from terakoya.api import NoteBlock, NoteTree

LOG = """# 学習ログ

## 2026-01-03

- 分散分析を<b>学んだ</b>
  - F 値の意味
- 回帰

| 用語 | 意味 |
| --- | --- |
| 分散 | ばらつき |

### 感想

むずかしい

## 2026-01-04

```python
# 見出しではない
```
"""


@pytest.fixture
def tree(store: Store, write, sync):
    """The tree of one note that was ingested."""

    def made(content: str, name: str = "a.md") -> NoteTree:
        sync(write({name: content}))
        return outline(store.note(name))

    return made


def each(blocks: Sequence[NoteBlock]) -> Iterator[NoteBlock]:
    for block in blocks:
        yield block
        yield from each(block.children)


def shape(blocks: Sequence[NoteBlock]) -> list:
    return [(b.kind, shape(b.children)) if b.children else b.kind for b in blocks]


def test_what_stands_below_a_heading_is_its_child(tree) -> None:
    (top,) = tree(LOG).blocks
    assert (top.kind, top.level, top.text) == ("heading", 1, "# 学習ログ")
    first, second = top.children
    assert shape(first.children) == [
        ("item", ["item"]),
        "item",
        ("table", ["row"]),
        ("heading", ["paragraph"]),
    ]
    assert shape(second.children) == ["code"]


def test_lines_and_characters_are_those_of_the_source(tree) -> None:
    lines = LOG.split("\n")
    for block in each(tree(LOG).blocks):
        piece = LOG[block.start : block.end]
        assert piece == "\n".join(lines[block.start_line - 1 : block.end_line])
        assert piece.replace("<b>", "").replace("</b>", "").lstrip().startswith(block.text)


def test_the_text_of_a_block_is_its_own_and_no_child_s(tree) -> None:
    texts = {b.kind: b.text for b in each(tree(LOG).blocks)}
    assert texts["table"] == "| 用語 | 意味 |\n| --- | --- |"
    assert texts["row"] == "| 分散 | ばらつき |"


def test_a_day_of_a_learning_log_is_told_with_its_blocks(tree) -> None:
    dates = {b.text: b.date for b in each(tree(LOG).blocks)}
    assert dates["- 回帰"] == "2026-01-03"


def test_an_indent_in_plain_text_makes_no_code(tree) -> None:
    content = "買い物\n\n    りんご\n"
    assert "code" in shape(tree(content, "a.md").blocks)
    assert "code" not in shape(tree(content, "a.txt").blocks)


def test_a_note_without_text_has_no_blocks(tree) -> None:
    assert tree("\n").blocks == []


def test_passages_are_numbered_as_they_were_cut(tree) -> None:
    long = "".join(f"## 第{n}章\n\n" + f"これは第{n}章の文です。" * 60 + "\n\n" for n in range(1, 5))
    found = tree(long)
    assert found.passages >= 4
    numbers = [number for block in each(found.blocks) for number in block.passages]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, found.passages + 1))


def test_a_paragraph_that_was_cut_stands_in_several_passages(tree) -> None:
    found = tree("長い段落の文がどこまでも続きます。" * 200)
    (block,) = found.blocks
    assert block.passages == list(range(1, found.passages + 1))
    assert found.passages > 1


def stored(source: str) -> StoredNote:
    """A note as the store gives it back, without the store."""
    view = view_of(source)
    document: Document = parse(view.text)
    passages = tuple(
        (view.source_offset(piece.start), view.source_offset(max(piece.start, piece.end - 1)) + 1)
        for piece in chunk(document)
    )
    return StoredNote(source="a.md", path="a.md", title="", view=view, passages=passages)


LINES = st.sampled_from(
    [
        *("# 一", "## two", "### 三", "- 項目", "  - below <b>bold</b>", "1. one", "> 引用", "段落。", ""),
        *("| a | b |", "| --- | --- |", "<!-- 隠れた\n注 -->", "text <br> more", "    indented"),
        *("```", "$$", "---", "title: x"),
    ]
)


@given(st.lists(LINES, max_size=30).map("\n".join))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_block_lies_within_the_one_above_it_and_behind_the_one_before(source: str) -> None:
    tree = outline(stored(source))

    def check(blocks: Sequence[NoteBlock], start: int, end: int) -> None:
        for block in blocks:
            assert start <= block.start <= block.end <= end
            assert 1 <= block.start_line <= block.end_line <= source.count("\n") + 1
            assert all(1 <= number <= tree.passages for number in block.passages)
            check(block.children, block.start, block.end)
            start = block.end

    check(tree.blocks, 0, len(source))
