"""The extractive answerer: quotes what answers, and declines where nothing does."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terakoya.catalogue import text as sentence
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from workflows.extractive import ExtractiveAnswerer

BIOLOGY = """---
title: 生物のノート
author: 山田花子
---
# 細胞

- ミトコンドリア: 呼吸を担う細胞小器官
  - 内膜と外膜を持つ
  - ATPを合成する
- 葉緑体: 光合成を行う細胞小器官
- [ ] リボソームについて調べる

## 分裂

体細胞分裂では染色体の数は変わらない。減数分裂では染色体の数が半分になる。
"""
NETWORK = """# Networking

| Protocol | Order | Port |
|---|---|---|
| HTTP | yes | 80 |
| DNS | no | 53 |

TCP is a connection-oriented protocol that guarantees order.
UDP is a connectionless protocol that favours speed.

```bash
ping -c 3 example.org
```
"""


def test_an_item_is_quoted_with_what_is_nested_in_it(extract) -> None:
    draft = extract("ミトコンドリアとは何ですか？", BIOLOGY)
    assert draft.answered
    assert draft.citations[0].quote == (
        "- ミトコンドリア: 呼吸を担う細胞小器官\n  - 内膜と外膜を持つ\n  - ATPを合成する"
    )
    assert (draft.citations[0].start_line, draft.citations[0].end_line) == (7, 9)
    assert "ATPを合成する" in draft.text


def test_a_row_is_told_with_its_header_and_quoted_without(extract) -> None:
    draft = extract("What port does DNS use?", NETWORK)
    assert draft.answered
    assert draft.citations[0].quote == "| DNS | no | 53 |"
    assert "Protocol" in draft.text
    assert "Protocol" not in draft.citations[0].quote


@pytest.mark.parametrize(
    ("question", "note", "one", "other"),
    [
        ("TCPとUDPの違いは？", NETWORK, "TCP is", "UDP is"),
        ("What is the difference between TCP and UDP?", NETWORK, "TCP is", "UDP is"),
        ("ミトコンドリアと葉緑体の違いは？", BIOLOGY, "呼吸を担う", "光合成を行う"),
    ],
)
def test_a_comparison_gives_both_sides(extract, question: str, note: str, one: str, other: str) -> None:
    draft = extract(question, note)
    quoted = "\n".join(c.quote for c in draft.citations)
    assert draft.answered
    assert one in quoted
    assert other in quoted


WORDS = (
    "一番だし",
    "二番だし",
    "TCP",
    "UDP",
    "主キー",
    "第3正規形",
    "GPU使用率",
    "d_k",
    "細胞 cell",
    "12/3",
    "何",
    "",
)
PATTERNS = (
    "{a}と{b}の違いは？",
    "{a}と{b}はどう使い分ける",
    "What is the difference between {a} and {b}?",
    "{a} vs {b}",
)


@given(
    st.sampled_from(PATTERNS),
    st.sampled_from(WORDS) | st.text(max_size=8),
    st.sampled_from(WORDS) | st.text(max_size=8),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_comparison_is_answered_or_declined(extract, pattern: str, one: str, other: str) -> None:
    draft = extract(pattern.format(a=one, b=other), BIOLOGY + NETWORK)
    assert draft.text
    assert draft.answered <= bool(draft.citations)


@given(st.text(max_size=60).map(lambda words: "葉" + words))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_question_is_answered_or_declined(extract, question: str) -> None:
    draft = extract(question, BIOLOGY + NETWORK)
    assert draft.text
    assert draft.answered <= bool(draft.citations)


def test_a_thing_to_do_is_no_answer(extract) -> None:
    assert not extract("リボソームとは何ですか？", "# 宿題\n\n- [ ] リボソームについて調べる\n").answered


@pytest.mark.parametrize("question", ["山田花子とは誰ですか？", "著者は誰？", "生物のノートの author は？"])
def test_front_matter_is_never_quoted(extract, question: str) -> None:
    assert not [c for c in extract(question, BIOLOGY).citations if "author" in c.quote or "title:" in c.quote]


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ("エベレストの標高は？", BIOLOGY),
        ("鎌倉幕府はいつ成立しましたか？", BIOLOGY),
        ("What is the capital of France?", NETWORK),
        ("Who wrote Hamlet?", NETWORK),
        ("フランス革命の原因は？", NETWORK),
    ],
)
def test_an_unrelated_question_is_declined_in_its_own_language(extract, question: str, note: str) -> None:
    draft = extract(question, note)
    assert not draft.answered
    assert language_of(draft.text) == language_of(question)


@pytest.mark.parametrize(
    ("question", "note", "answer"),
    [
        ("TCPとは何ですか？", NETWORK, "TCP is a connection-oriented protocol"),
        ("What is ATP?", "# 細胞\n\n- ATP: 細胞のエネルギーの通貨\n", "細胞のエネルギーの通貨"),
    ],
)
def test_the_frame_is_in_the_question_s_language_and_the_quote_in_the_note_s(
    extract, question: str, note: str, answer: str
) -> None:
    draft = extract(question, note)
    assert draft.answered
    assert answer in draft.text
    frame = draft.text.split("\n")[0]
    assert frame == sentence(
        "answer.frame", language=language_of(question), path=" › ".join(draft.citations[0].heading)
    )


def test_markdown_marks_of_a_quote_are_kept(extract) -> None:
    note = "# 記法\n\n**オームの法則**は `V = IR` と書き、[電圧](v.md)を表す。\n"
    draft = extract("オームの法則とは？", note)
    assert draft.citations[0].quote == "**オームの法則**は `V = IR` と書き、[電圧](v.md)を表す。"


def test_every_citation_has_its_mark_in_the_answer(extract) -> None:
    for question, note in (("ミトコンドリアとは？", BIOLOGY), ("TCPとUDPの違いは？", NETWORK)):
        draft = extract(question, note)
        assert [c.marker for c in draft.citations] == list(range(1, len(draft.citations) + 1))
        assert all(f"[{c.marker}]" in draft.text for c in draft.citations)


def test_numbers_in_brackets_inside_code_are_quoted_as_they_are(extract) -> None:
    note = "# 配列\n\n配列の要素の取り出し方は次のコードである。\n\n```python\nx = row[5]\n```\n"
    draft = extract("配列の要素の取り出し方のコードは？", note)
    assert draft.answered
    assert "x = row[5]" in draft.text


@pytest.mark.parametrize(
    "question", ["", "？", "何？", "What is it?", "😀", "a" * 5000, "(" * 200, "光" * 5000]
)
def test_any_question_gets_a_draft(analyser: Analyser, read, question: str) -> None:
    draft = ExtractiveAnswerer(analyser).answer(question, read(BIOLOGY), emit=lambda piece: None)
    assert draft.text
    assert 0.0 <= draft.confidence <= 1.0


def test_a_question_is_answered_in_the_name_that_the_notes_use(analyser: Analyser, read) -> None:
    passages = read("# 運用\n\n- 二要素認証は管理画面で必須にした\n- 出汁で決まる\n")
    answerer = ExtractiveAnswerer(analyser)
    question = "What about 2FA?"
    assert not answerer.answer(question, passages, emit=lambda piece: None).answered
    draft = answerer.answer(question, passages, others=["What about 二要素認証?"], emit=lambda piece: None)
    assert draft.answered
    assert draft.citations[0].quote == "- 二要素認証は管理画面で必須にした"
    assert draft.text.startswith("From "), "in the language of the question"
    apart = answerer.answer("出汁で決まる？", passages, others=["何とかで決まる？"], emit=lambda piece: None)
    assert apart == answerer.answer("出汁で決まる？", passages, emit=lambda piece: None)


def test_without_passages_nothing_is_answered(analyser: Analyser) -> None:
    draft = ExtractiveAnswerer(analyser).answer("光合成とは？", [], emit=lambda piece: None)
    assert (draft.answered, draft.citations) == (False, ())
    assert draft.text == sentence("answer.nothing", language="ja")


def test_the_same_question_gets_the_same_answer(analyser: Analyser, read) -> None:
    passages = read(BIOLOGY)
    answerer = ExtractiveAnswerer(analyser)
    drafts = [answerer.answer("減数分裂とは？", passages, emit=lambda piece: None) for _ in range(3)]
    assert drafts[0] == drafts[1] == drafts[2]


KITCHEN = """# 台所

- 大さじ1は15ml
- カップ1は200ml
- 米はとぐ前に計る
"""


def test_each_part_of_a_question_is_answered_from_its_own_place(extract) -> None:
    draft = extract("大さじ1は何ml？それから、カップ1は何ml？", KITCHEN)
    assert draft.answered
    assert {"15ml" in c.quote or "200ml" in c.quote for c in draft.citations} == {True}
    assert len(draft.citations) == 2


def test_a_part_that_the_notes_do_not_answer_is_named(extract) -> None:
    draft = extract("大さじ1は何ml？それから、東京タワーの高さは何メートル？", KITCHEN)
    assert draft.answered
    assert "15ml" in draft.text
    assert "東京タワーの高さは何メートル" in draft.text.rpartition("：")[2]


def test_each_of_two_things_asked_about_one_is_answered(extract) -> None:
    note = "# 量子化\n\n- メリット: メモリが減る\n- デメリット: 精度が落ちる\n- 例: int8\n"
    quoted = [c.quote for c in extract("量子化のメリットとデメリットは？", note).citations]
    assert quoted == ["- メリット: メモリが減る", "- デメリット: 精度が落ちる"]


def test_a_question_none_of_whose_parts_is_known_is_declined(extract) -> None:
    assert not extract("月までの距離は何km？それから、富士山の高さは何メートル？", KITCHEN).answered


def test_a_long_other_name_is_not_more_evidence_than_a_short_one(extract) -> None:
    note = "# 団体\n\n- WHO (World Health Organization)\n  - 1948年にできた\n"
    assert extract("WHOはいつできた？", note).answered
    assert not extract("WHOの職員は何人？", note).answered
