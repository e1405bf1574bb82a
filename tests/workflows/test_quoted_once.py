"""No part of the notes is quoted twice, and nothing beside an answer that lacks what was asked for."""

from dataclasses import replace

from terakoya.text.question import analyse_question
from workflows.quoting import apart, as_good
from workflows.ranking import score
from workflows.scoring import read_candidates
from workflows.units import Unit, units_of

TWICE = (
    "# 量子化\n\n小さくした重みは携帯端末で使います。小さくした重みは組み込み機器の推論でも使います。"
    "どちらも省メモリのためです。\n"
)
MEMORY = """# 機材

- 春に試したとき、KX-15 のメモリは 1.8 GB
- 夏に試したとき、KX-15 のメモリは基板に直付け
- 秋に試したとき、KX-15 のメモリは 2 GB
"""


def sentences(passages) -> list[Unit]:
    return [u for p in passages for u in units_of(p) if u.kind == "sentence"]


def test_two_sentences_of_a_short_line_are_quoted_as_one(read) -> None:
    first, second, _ = sentences(read(TWICE))
    (joined,) = apart([second, first])
    assert joined.text == first.text + second.text


def test_the_same_line_reached_from_two_sentences_is_quoted_once(read) -> None:
    first, second, third = sentences(read(TWICE))
    assert [u.text for u in apart([first, third, second])] == [first.text + second.text + third.text]


def test_sentences_of_a_long_line_stay_apart(read) -> None:
    long = "# A\n\n" + "最初の文です。" + "長い説明が続きます。" * 30 + "最後の文です。\n"
    found = sentences(read(long))
    assert [u.text for u in apart([found[0], found[-1]])] == ["最初の文です。", "最後の文です。"]


def test_what_holds_another_unit_takes_its_place(read) -> None:
    units = [u for p in read("# A\n\n- 上\n  - 中\n- 下\n") for u in units_of(p)]
    (outer,) = (u for u in units if u.kind == "item" and u.children)
    inner = next(u for u in units if u.kind == "item" and outer.contains(u))
    last = next(u for u in units if u.text == "- 下")
    assert apart([inner, last, outer]) == apart([outer, inner, last]) == [outer, last]


def test_a_line_whose_sentences_both_answer_is_cited_once(extract) -> None:
    lines = [c.start_line for c in extract("小さくした重みはどこで使いますか？", TWICE).citations]
    assert lines == [3]


def test_nothing_without_a_size_stands_beside_the_size_that_was_asked_for(analyser, read) -> None:
    asked = analyse_question("KX-15のメモリは？", analyser)
    scored = score(
        asked, [c for c in read_candidates(read(MEMORY), analyser) if c.unit.kind == "item"], analyser
    )
    spring, summer, autumn = (
        replace(next(s for s in scored if season in s.unit.text), score=1.0) for season in "春夏秋"
    )
    assert as_good(asked, [spring], [spring, summer]) == []
    assert as_good(asked, [spring], [spring, summer, autumn]) == [autumn]
    assert as_good(asked, [summer], [summer, spring]) == [spring]
