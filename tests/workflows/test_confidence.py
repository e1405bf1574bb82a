"""How likely an answer is right, from what speaks for and against it."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.analyser import Analyser
from terakoya.text.question import analyse_question
from workflows.confidence import NAMES, Confidence, learned, read_confidence
from workflows.extractive import ExtractiveAnswerer
from workflows.scoring import read_candidates
from workflows.signals import Signals, possible

NOTHING = Signals(**{field.name: 0.0 for field in fields(Signals)})
RIVERS = """# 川

## 信濃川
- 長さは 367km、日本で一番長い
- 河口は新潟市

## 利根川
- 流域面積が一番広い
"""


@pytest.fixture
def signals(analyser: Analyser, read):
    """The signals of a question to a note."""

    def of(question: str, note: str = RIVERS) -> Signals:
        answerer = ExtractiveAnswerer(analyser)
        found = answerer.find(analyse_question(question, analyser), read_candidates(read(note), analyser))
        assert found.signals is not None
        return found.signals

    return of


def test_what_was_learned_names_every_signal_and_a_threshold() -> None:
    assert set(learned().weights) == set(NAMES)
    assert 0.0 < learned().answer_from < 1.0


def test_weights_for_other_signals_are_refused() -> None:
    table = {"intercept": 0.0, "answer_from": 0.5, "weights": {"luck": 1.0}}
    with pytest.raises(ValueError, match=r"benchmarks\.calibration"):
        read_confidence(table)


@given(st.sampled_from(NAMES), st.floats(-1e6, 1e6, allow_nan=False))
def test_confidence_is_a_probability_whatever_the_signals(name: str, value: float) -> None:
    assert 0.0 <= learned().of(replace(NOTHING, **{name: value})) <= 1.0


def test_a_signal_with_a_weight_moves_confidence_its_way() -> None:
    confidence = Confidence(intercept=0.0, weights={"support": 2.0, "missing": -2.0}, answer_from=0.5)
    assert confidence.of(NOTHING) == 0.5
    assert confidence.of(replace(NOTHING, support=1.0)) > 0.5 > confidence.of(replace(NOTHING, missing=1.0))


def test_a_number_in_the_unit_asked_for_is_seen(signals) -> None:
    assert signals("信濃川の長さは何km？").measure == 1.0
    assert signals("利根川の流域面積は何km？").measure == -1.0
    assert signals("信濃川の河口はどこ？").measure == 0.0


def test_a_name_that_stands_nowhere_is_a_stranger(signals) -> None:
    assert signals("アマゾンの長さは？").stranger == 1.0
    assert signals("信濃川の長さは？").stranger < 1.0


def test_words_that_meet_only_in_much_text_support_no_line(signals) -> None:
    apart = signals("利根川の河口は？")
    together = signals("信濃川の河口は？")
    assert apart.line < together.line


def test_a_deed_that_is_not_told_is_missed(signals) -> None:
    note = "# 目安箱\n\n- 目安箱は享保の改革の一つ\n"
    assert signals("目安箱は誰が作った？", note).deed == 1.0
    assert signals("目安箱は誰が作った？", "# 目安箱\n\n- 目安箱は徳川吉宗が作った\n").deed == 0.0


def test_a_measure_that_stands_there_stands_for_the_quantity_that_it_measures(signals) -> None:
    note = "# Coffee\n\n- Espresso: fine grind, nine bars\n"
    assert signals("What pressure does espresso need?", note).support > 0.9
    without = signals("What pressure does espresso need?", "# Coffee\n\n- Espresso: fine grind, nine cups\n")
    assert without.support < 0.9
    assert without.measure == -1.0


def test_a_year_is_no_count_of_things(signals) -> None:
    assert signals("How many heads does Transformer have?", "- Transformer: from 2017\n").number == -1.0
    assert signals("How many heads does Transformer have?", "- Transformer: 8 heads\n").number == 1.0
    assert signals("How many years ago was Transformer made?", "- Transformer: from 2017\n").number == 1.0


def test_the_sort_of_thing_that_is_asked_for_is_named_or_not(signals) -> None:
    assert signals("Which port does WireGuard use?", "- WireGuard: port 51820\n").sort == 1.0
    assert signals("Which port does WireGuard use?", "- WireGuard: a tunnel\n").sort == -1.0
    assert signals("対馬はどこの国とつながっていた？", "- 対馬: 国は朝鮮\n").sort == 1.0
    assert signals("対馬とは？", "- 対馬: 国は朝鮮\n").sort == 0.0


def test_what_another_passage_holds_as_well_is_no_lead(signals) -> None:
    far = "\n".join(f"- 行{n}の話" for n in range(60))
    alone = signals("信濃川の河口はどこ？", f"# 川\n\n- 信濃川の河口は新潟市\n\n# 別\n\n{far}\n")
    again = signals(
        "信濃川の河口はどこ？",
        f"# 川\n\n- 信濃川の河口は新潟市\n\n# 別\n\n{far}\n\n# 地図\n\n- 信濃川の河口を見る\n",
    )
    assert alone.lead > again.lead


def test_a_word_that_the_glossary_knows_is_missed_in_the_other_language(signals, analyser: Analyser) -> None:
    note = "# 電池\n\n- ダニエル電池 Daniell cell\n- 負極は亜鉛\n"
    known = signals("What voltage does a Daniell cell have?", note)
    unknown = signals("What gribble does a Daniell cell have?", note)
    assert known.support < unknown.support


def test_characters_tell_nothing_of_a_text_in_another_language(signals) -> None:
    note = "# Batteries\n\n- Daniell cell: the voltage is 1.1 V\n"
    for question in ("Daniell 電池の電圧は？", "Daniell 電池の起電力は？"):
        seen = signals(question, note)
        assert (seen.foreign, seen.kanji) == (1.0, 0.0)
        assert seen.grams == signals("Daniell 電池の電圧はいくらですか？", note).grams


def test_what_is_told_under_another_name_is_told_letter_for_letter(signals) -> None:
    note = "# 学習\n\n- overfitting を防ぐには dropout\n- epoch は 3\n"
    named, unknown = signals("過学習を防ぐには？", note), signals("過大評価を防ぐには？", note)
    assert named.grams > unknown.grams
    assert named.kanji > unknown.kanji


def test_which_of_two_is_not_told_without_what_they_are_compared_by(signals) -> None:
    note = "# 量子化\n\n- AWQ: 重みを守る\n- GPTQ: 層ごとに丸める\n"
    assert signals("AWQとGPTQはどちらが速い？", note).deed == 1.0
    assert signals("AWQとGPTQの違いは？", note).deed == 0.0


@pytest.mark.parametrize(
    ("question", "note", "other"),
    [
        ("RTX 4090はいくらで買えますか", "- RTX 4090 を 28 万円で買った", "- RTX 4090 1 枚で回せた"),
        ("How much does an RTX 4090 cost?", "- the RTX 4090 costs $1,600", "- one RTX 4090 is enough"),
        ("ruriの次元数はいくつ？", "- ruri の次元は 256", "- e5 から ruri に変えた"),
        ("AWQとGPTQはどちらが速い？", "- AWQ は速い\n- GPTQ は遅い", "- AWQ: 重みを守る\n- GPTQ: 丸める"),
        ("貨幣数量説の式は？", "- 貨幣数量説: MV = PY", "- 貨幣数量説は貨幣の量と物価の関係"),
        (
            "What is the equation of photosynthesis?",
            "- photosynthesis: 6CO2 + 6H2O → C6H12O6 + 6O2",
            "- photosynthesis takes place in leaves",
        ),
    ],
)
def test_what_has_not_the_form_of_an_answer_is_hardly_one(
    signals, analyser: Analyser, question: str, note: str, other: str
) -> None:
    asked = analyse_question(question, analyser)
    assert possible(asked, signals(question, f"# 機械\n\n{note}\n")) == 1.0
    assert possible(asked, signals(question, f"# 機械\n\n{other}\n")) < 1.0
