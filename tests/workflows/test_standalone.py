"""Follow-up questions: what they point at is filled in, and nothing else is touched."""

import pytest

from terakoya.text.analyser import Analyser
from terakoya.types import Turn
from workflows.standalone import about_the_same, stand_alone


def after(before: str, question: str, analyser: Analyser) -> str:
    return stand_alone(question, [Turn(question=before, answer="…")], analyser)


@pytest.mark.parametrize(
    ("before", "question", "filled"),
    [
        ("光合成とは何ですか？", "それの欠点は？", "光合成の欠点は？"),
        ("光合成とは何ですか？", "それはどこで行われますか？", "光合成はどこで行われますか？"),
        ("主成分分析とは？", "その欠点は？", "主成分分析の欠点は？"),
        ("主成分分析とは？", "これを使う場面は？", "主成分分析を使う場面は？"),
        ("What is photosynthesis?", "What about its cost?", "What about photosynthesis's cost?"),
        ("What is photosynthesis?", "Where does it happen?", "Where does photosynthesis happen?"),
        ("What are enzymes?", "How are they made?", "How are enzymes made?"),
        ("KX10の値段は？", "じゃあKX30は？", "KX30の値段は？"),
        ("KX10とは？", "ではKX30はどうですか？", "KX30とは？"),
        ("KX10の値段は？", "じゃあ重さは？", "KX10の重さは？"),
        ("What does KX10 cost?", "What about KX30?", "What does KX30 cost?"),
        ("KX10の長所は？", "では短所は？", "KX10の短所は？"),
        ("標準偏差の式は？", "じゃあ光合成は？", "光合成の式は？"),
        ("Attentionの式は？", "じゃあ光合成は？", "光合成の式は？"),
        ("Attentionの式は？", "じゃあ計算量は？", "Attentionの計算量は？"),
        ("外部キーとは？", "じゃあ主キーは？", "主キーとは？"),
        ("光合成はどこで起こる？", "じゃあ呼吸は？", "呼吸はどこで起こる？"),
        ("肝臓の重さは？", "じゃあ腎臓は？", "腎臓の重さは？"),
        ("肝臓の病気は？", "じゃあ治療は？", "肝臓の病気の治療は？"),
        ("日本の首都は？", "じゃあ人口は？", "日本の人口は？"),
        ("フランス革命はいつ？", "じゃあロシア革命は？", "ロシア革命はいつ？"),
        ("インデックスの欠点は？", "じゃあ正規化の利点は？", "正規化の利点は？"),
        ("How does batching work?", "And paging?", "How does paging work?"),
        ("What is batch size?", "What about learning rate?", "What is learning rate?"),
        ("What is the KV cache?", "じゃあ量子化は？", "量子化とは？"),
        ("外部キーとは？", "What about normalization?", "What is normalization?"),
        ("外部キーの例は？", "What about normalization?", "What about normalization?"),
        ("What is LoRA?", "And the rank?", "And the rank of LoRA?"),
        ("What is LoRA?", "Who invented?", "Who invented LoRA?"),
        ("外部キーは何を指しますか？", "それは何のためですか？", "外部キーは何のためですか？"),
        ("外部キーについて教えて", "それは何のためですか？", "外部キーは何のためですか？"),
        ("外部キーとは？", "何のためですか？", "外部キーは何のためですか？"),
        ("量子化とは？", "なぜ精度が落ちる？", "量子化はなぜ精度が落ちる？"),
        ("光合成とは？", "いつ発見された？", "光合成はいつ発見された？"),
        ("What is a foreign key?", "Why is it slow?", "Why is foreign key slow?"),
    ],
)
def test_what_a_question_points_at_is_filled_in(
    analyser: Analyser, before: str, question: str, filled: str
) -> None:
    assert after(before, question, analyser) == filled


@pytest.mark.parametrize(
    ("before", "question", "subject"),
    [
        ("光合成とは何ですか？", "なぜ？", "光合成"),
        ("What is photosynthesis?", "Why?", "photosynthesis"),
        ("光合成とは何ですか？", "では、欠点は？", "光合成"),
        ("What is photosynthesis?", "And the drawbacks?", "photosynthesis"),
    ],
)
def test_a_question_that_names_no_subject_gets_the_one_before(
    analyser: Analyser, before: str, question: str, subject: str
) -> None:
    filled = after(before, question, analyser)
    assert subject in filled
    assert filled != question


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("光合成とは何ですか？", "ミトコンドリアの役割は？"),
        ("What is photosynthesis?", "What is the role of mitochondria?"),
        ("光合成とは何ですか？", "光合成の式は？"),
        ("What is photosynthesis?", "Where does photosynthesis happen?"),
        ("光合成とは？", "なぜ空は青い？"),
        ("LoRAとは？", "なぜTCPが速い？"),
        ("What is LoRA?", "When was TCP born?"),
        ("What is LoRA?", "Why is reranking slow?"),
    ],
)
def test_a_question_with_a_subject_of_its_own_is_left_as_it_is(
    analyser: Analyser, before: str, question: str
) -> None:
    assert after(before, question, analyser) == question


@pytest.mark.parametrize("before", ["外部キーとは？", "What is a foreign key?"])
def test_a_whole_english_question_behind_and_stands_alone(analyser: Analyser, before: str) -> None:
    assert after(before, "And what is normalization?", analyser) == "what is normalization?"


@pytest.mark.parametrize("question", ["それの欠点は？", "What about its cost?", "なぜ？", ""])
def test_without_a_turn_before_a_question_is_left_as_it_is(analyser: Analyser, question: str) -> None:
    assert stand_alone(question, [], analyser) == question


@pytest.mark.parametrize("before", ["", "？", "(", "a(b[c", "C++ とは？", "*" * 50, "何？"])
@pytest.mark.parametrize("question", ["それの欠点は？", "What about its cost?", "なぜ？", "Why?", "?"])
def test_any_question_after_any_other_gives_one(analyser: Analyser, before: str, question: str) -> None:
    assert after(before, question, analyser)


def test_the_filled_in_question_is_what_the_next_one_points_at(analyser: Analyser) -> None:
    turns = [
        Turn(question="光合成とは？", answer="…", standalone="光合成とは？"),
        Turn(question="それの欠点は？", answer="…", standalone="光合成の欠点は？"),
    ]
    assert "光合成" in stand_alone("それはなぜ？", turns, analyser)


def test_half_a_comparison_gets_its_other_half(analyser: Analyser) -> None:
    history = [Turn(question="枝刈りって何？", answer="")]
    assert stand_alone("蒸留との違いは？", history, analyser) == "枝刈りと蒸留の違いは？"


@pytest.mark.parametrize(
    ("before", "question", "same"),
    [
        (["赤玉病の原因は？"], "治療は？", "赤玉病の治療は？"),
        (["杉田荘の家賃はいくら？"], "広さはどのくらい？", "杉田荘の広さはどのくらい？"),
        (["杉田荘の家賃は？", "広さは？"], "大家は誰？", "杉田荘の大家は誰？"),
        (["脈拍の強さは？"], "1分間の回数は？", "脈拍の1分間の回数は？"),
    ],
)
def test_a_bare_noun_may_be_asked_of_what_the_question_before_was_about(
    analyser: Analyser, before: list[str], question: str, same: str
) -> None:
    history = [Turn(question=each, answer="…") for each in before]
    assert about_the_same(question, history, analyser) == same


@pytest.mark.parametrize(
    ("before", "question"),
    [
        (["光合成とは？"], "光合成の式は？"),
        (["光合成とは？"], "葉緑体で起こるのはいつ？"),
        (["光合成とは？"], "水を運ぶのは何？"),
        (["What is photosynthesis?"], "Where is chlorophyll?"),
        ([], "治療は？"),
        (["なぜ？"], "治療は？"),
    ],
)
def test_a_question_that_says_of_what_is_asked_of_nothing_else(
    analyser: Analyser, before: list[str], question: str
) -> None:
    assert about_the_same(question, [Turn(question=q, answer="…") for q in before], analyser) == ""
