"""What an answer must not do: quote a question, say of a note what is not so, or cut a word in two."""

import pytest

from terakoya.text.analyser import Analyser
from workflows.extractive import ExtractiveAnswerer
from workflows.units import shortened, units_of

TRANSCRIPTS = """# Transcripts

| question | path | what comes |
|---|---|---|
| 光合成とは何ですか？ | guard, plan | 光合成の行 |
| それは光合成ですか？ (in the same talk) | the same | 光合成になる |
"""


def test_a_line_that_tells_wins_over_a_row_that_asks(extract) -> None:
    notes = {"log.md": TRANSCRIPTS, "plants.md": "# 植物\n\n光合成は葉緑体で行われる。\n"}
    draft = extract("光合成はどこで行われる？", notes)
    assert [c.quote for c in draft.citations] == ["光合成は葉緑体で行われる。"]


def test_a_row_that_begins_with_a_question_asks(passage_units) -> None:
    rows = [u for u in passage_units(TRANSCRIPTS) if u.kind in ("row", "table")]
    assert rows
    assert all(u.is_question for u in rows)


def test_a_row_with_a_question_mark_elsewhere_does_not_ask(passage_units) -> None:
    rows = passage_units("# T\n\n| sign | means |\n|---|---|\n| a | really? |\n| b | no |\n")
    assert not any(u.is_question for u in rows)


def test_a_table_of_questions_and_answers_is_still_quoted(extract) -> None:
    note = "# FAQ\n\n| 質問 | 答え |\n|---|---|\n| 返品はできますか？ | 8日以内なら返品できる |\n"
    assert "8日以内" in extract("返品は何日以内ならできる？", note).text


@pytest.mark.parametrize(
    ("question", "note"),
    [
        (
            "ノウサギとヤマネの天敵は？",
            {"a.md": "# ア\n\nノウサギは草原にいる。\n", "b.md": "# イ\n\nヤマネは森にいる。\n"},
        ),
        (
            "What preys on hares and dormice?",
            {"a.md": "# A\n\nHares run.\n", "b.md": "# B\n\nDormice sleep.\n"},
        ),
    ],
)
def test_declining_names_as_missing_only_what_no_note_mentions(extract, question: str, note) -> None:
    draft = extract(question, note)
    assert not draft.answered
    before, _, missing = draft.text.replace("ますが", "but").partition("but")
    for word in ("ノウサギ", "ヤマネ", "hares", "dormice"):
        assert word not in missing
        assert word in before or word not in question


def test_a_part_of_a_word_that_stands_in_a_note_is_not_called_missing(extract) -> None:
    draft = extract("フェレットの原産地は？", "# フェレット\n\n北アフリカ原産ともいう。寿命は8年くらい。\n")
    assert "原産地" not in draft.text


def test_the_price_in_a_table_without_a_price_column_is_told(extract) -> None:
    notes = {"p.csv": "名前,値\nりんご,100円\nみかん,60円\n", "n.md": "# 果物\n\nりんごはバラ科。\n"}
    assert "100円" in extract("りんごの値段は？", notes).text


def test_what_is_to_be_done_is_quoted_where_it_is_asked_for(extract) -> None:
    notes = {
        "day.md": "# 4月1日\n\n確率を習った。\n\n- [ ] TODO 宿題を出す\n",
        "shell.md": "# Shell\n\n```bash\ngrep -rn 'TODO' src/\nls\n```\n",
    }
    draft = extract("宿題の TODO は？", notes)
    assert [c.quote for c in draft.citations] == ["- [ ] TODO 宿題を出す"]


def test_a_block_of_code_is_no_second_answer_to_a_question_in_words(extract) -> None:
    notes = {
        "words.md": "# Words\n\nA fixture is set up before a test.\n",
        "shell.md": "# Shell\n\n```bash\npytest --fixtures  # a fixture is listed\n```\n",
    }
    draft = extract("What is a fixture?", notes)
    assert [c.quote for c in draft.citations] == ["A fixture is set up before a test."]


@pytest.mark.parametrize("words", [40, 41, 42, 43, 44, 45])
def test_a_lead_in_begins_and_ends_with_a_whole_word(passage_units, words: int) -> None:
    sentence = "Resampling " + "paired differences " * (words // 2) + "gives an interval"
    item = next(u for u in passage_units(f"# Gates\n\n{sentence}:\n\n- 95 % of them\n") if u.kind == "item")
    (lead,) = item.ancestors
    begun = set(sentence.replace("…", " ").split())
    assert set(lead.removeprefix("…").removesuffix(":").split()) <= begun
    assert set(shortened(lead, 40).strip("…").split()) <= begun


def test_a_lead_in_holds_whole_sentences_where_they_fit(passage_units) -> None:
    text = "First, something long is said. " * 6 + "Then the drop is certain where:"
    item = next(u for u in passage_units(f"# Gates\n\n{text}\n\n- it is\n") if u.kind == "item")
    assert item.ancestors[0].startswith("First, something")


def test_japanese_is_shortened_anywhere() -> None:
    assert shortened("あ" * 50, 40) == "あ" * 39 + "…"
    assert shortened("short", 40) == "short"


@pytest.fixture
def passage_units(read):
    def found(text: str):
        return [unit for passage in read(text) for unit in units_of(passage)]

    return found


def test_the_answerer_takes_nothing_for_an_answer_without_passages(analyser: Analyser) -> None:
    assert not ExtractiveAnswerer(analyser).answer("何？", [], emit=lambda piece: None).answered
