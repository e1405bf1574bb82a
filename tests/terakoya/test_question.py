"""Questions: what is asked for, of what, and between what."""

import pytest

from terakoya.text.analyser import Analyser
from terakoya.text.kinds import asks_whether
from terakoya.text.question import Question, analyse_question


@pytest.fixture
def ask(analyser: Analyser):
    def analysed(text: str) -> Question:
        return analyse_question(text, analyser)

    return analysed


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("光合成とは何ですか？", "definition"),
        ("What is photosynthesis?", "definition"),
        ("What does SQL stand for?", "definition"),
        ("NATOは何の略ですか", "definition"),
        ("鎌倉幕府はいつ成立しましたか", "when"),
        ("When did the war end?", "when"),
        ("染色体は何本ありますか", "how-many"),
        ("How many chromosomes do humans have?", "how-many"),
        ("進化論を唱えたのは誰ですか", "who"),
        ("Who discovered penicillin?", "who"),
        ("TCPとUDPの違いは？", "comparison"),
        ("What is the difference between TCP and UDP?", "comparison"),
        ("Compare mitosis with meiosis", "comparison"),
        ("mitosis vs meiosis", "comparison"),
        ("オームの法則の式は？", "formula"),
        ("慣性モーメントの定義式を教えて", "formula"),
        ("四分位範囲の求め方は？", "formula"),
        ("標準偏差はどうやって計算する？", "formula"),
        ("How is GDP calculated?", "formula"),
        ("郵便番号のファイル形式は？", "open"),
        ("空調の方式は？", "open"),
        ("Pythonのソースコードを見せて", "code"),
        ("信号のデコードはどこで行われる？", "open"),
        ("MXレコードはどこに書く？", "open"),
    ],
)
def test_the_kind_of_a_question(ask, text: str, kind: str) -> None:
    assert ask(text).kind == kind


@pytest.mark.parametrize(
    ("text", "language"),
    [("SQLとは？", "ja"), ("What is SQL?", "en"), ("SQL", "en"), ("GROUP BYの使い方", "ja")],
)
def test_the_answer_is_in_the_language_of_the_question(ask, text: str, language: str) -> None:
    assert ask(text).language == language


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("TCPとUDPの違いは何ですか", "tcp", "udp"),
        ("相関と因果の違い", "相関", "因果"),
        ("What is the difference between TCP and UDP?", "tcp", "udp"),
        ("How does mitosis differ from meiosis?", "mitosis", "meiosis"),
        ("Compare recall with precision.", "recall", "precision"),
        ("recall vs precision", "recall", "precision"),
    ],
)
def test_a_comparison_has_two_sides(ask, text: str, one: str, other: str) -> None:
    sides = ask(text).sides
    assert [[term.surface for term in side] for side in sides] == [[one], [other]]


@pytest.mark.parametrize("text", ["光合成とは？", "What is photosynthesis?", "違いは何ですか"])
def test_what_compares_nothing_has_no_sides(ask, text: str) -> None:
    assert ask(text).sides == ()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("三つの理由を教えて", 3),
        ("3つの要素は？", 3),
        ("Name two causes of inflation", 2),
        ("What are the four chambers of the heart?", 4),
        ("光合成とは？", 0),
        ("1945年に何がありましたか", 0),
    ],
)
def test_the_number_of_things_asked_for(ask, text: str, count: int) -> None:
    assert ask(text).count == count


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("光合成とは何ですか？", {"光合成"}),
        ("What is photosynthesis?", {"photosynthesis"}),
        ("ミトコンドリアの役割は？", {"ミトコンドリア"}),
        ("鎌倉幕府はいつ成立しましたか", {"鎌倉幕府"}),
        ("SELECT の書き方を教えて", {"select"}),
        ("主キーとは？", {"主キー"}),
        ("Who discovered penicillin?", {"penicillin"}),
        ("機械学習の過学習を防ぐ方法", {"機械学習"}),
        ("What did Mendel grow in his garden?", {"mendel", "garden"}),
        ("How does a B-tree index work?", {"b-tree"}),
        ("git rebase とは", {"git", "rebase"}),
        ("日経平均株価の計算式は？", {"日経平均株価"}),
        ("Explain gradient descent", {"gradient", "descent"}),
        ("第2次世界大戦はいつ終わったか", {"第2次世界大戦"}),
        ("What is the formula for variance?", {"variance"}),
        ("HTTP の役割は？", {"http"}),
        ("貸借対照表の構成要素は？", {"貸借対照表"}),
        ("お味噌汁の作り方", {"味噌汁"}),
        ("Where was Frankenstein written?", {"frankenstein"}),
        ("ＤＮＡの構造", {"dna"}),
    ],
)
def test_a_question_is_about_its_terms(ask, text: str, terms: set[str]) -> None:
    found = {term.surface for term in ask(text).terms}
    assert terms <= found
    assert not found & {"何", "とは", "what", "is", "the", "who", "explain", "教え", "です"}


@pytest.mark.parametrize("text", ["", "？", "!!!", "何？", "What is it?", "😀", "あ" * 20_000])
def test_any_question_is_analysed(ask, text: str) -> None:
    assert ask(text).text == text


def test_each_term_stands_once(ask) -> None:
    terms = [term.surface for term in ask("光合成と光合成の光合成").terms]
    assert terms.count("光合成") == 1


def test_several_things_are_asked_for(ask) -> None:
    assert ask("What is TCP and how does it start?").several
    assert ask("細胞核とミトコンドリアのそれぞれの役割は？").several
    assert not ask("What is TCP?").several


@pytest.mark.parametrize(
    ("question", "sides", "shared"),
    [
        ("教育用実装と本番用実装の停止条件の違いは？", (("教育用実装",), ("本番用実装",)), "停止条件"),
        (
            "RDBのインデックスとNoSQLのインデックスの違いは？",
            (("rdb", "インデックス"), ("nosql", "インデックス")),
            "",
        ),
        ("RNNと自然言語処理のTransformerの違いは？", (("rnn",), ("自然言語処理", "transformer")), ""),
    ],
)
def test_what_is_asked_of_both_sides_belongs_to_neither(
    analyser: Analyser, question: str, sides: tuple[tuple[str, ...], ...], shared: str
) -> None:
    asked = analyse_question(question, analyser)
    assert tuple(tuple(term.surface for term in side) for side in asked.sides) == sides
    assert shared in {"", *(term.surface for term in asked.terms)}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("今後注目しているアーキテクチャは？", ["今後", "注目", "アーキテクチャ"]),
        ("MoEモデルのメリットは？", ["moeモデル", "メリット"]),
    ],
)
def test_words_are_one_term_where_they_name_one_thing(
    analyser: Analyser, question: str, words: list[str]
) -> None:
    assert [term.surface for term in analyse_question(question, analyser).terms] == words


def test_a_noun_that_suru_makes_a_verb_of_weighs_less(analyser: Analyser) -> None:
    done, named = (analyse_question(q, analyser).terms[0] for q in ("追加された機能は？", "追加の機能は？"))
    assert done.surface == named.surface == "追加"
    assert done.weight < named.weight


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("伝文形式は？", "形式"),
        ("窓枠サイズは？", "サイズ"),
        ("燃料使用量は？", "使用"),
        ("ZQFモデルの長所は？", "モデル"),
        ("ZQFアルゴリズムとは", "アルゴリズム"),
    ],
)
def test_the_sort_of_a_thing_is_little_of_its_name(ask, text: str, part: str) -> None:
    (term,) = [t for t in ask(text).terms if part in t.surface]
    weights = {token.surface: weight for token, weight in term.tokens}
    assert weights[part] < 0.5 * max(weights.values())


def test_a_word_that_is_a_sort_of_names_alone_is_part_of_a_japanese_one(ask) -> None:
    (term,) = ask("言語モデルとは").terms
    assert {weight for _, weight in term.tokens} == {1.0}


def test_a_sort_that_a_name_is_said_to_be_is_what_is_asked_rather_than_the_subject(ask) -> None:
    assert [t.surface for t in ask("ZQFのモデルに必要な湿度は？").subject] == ["zqf", "湿度"]
    assert "モデル" in [t.surface for t in ask("人体のモデルに必要な湿度は？").subject]


@pytest.mark.parametrize(
    ("text", "whether"),
    [
        ("温度で速さは変わる？", True),
        ("これは近似なの？", True),
        ("必ず守られますか", True),
        ("Does heat change the rate?", True),
        ("速さはいつ変わる？", False),
        ("速さを変える方法は？", False),
        ("変わるのはなぜ", False),
        ("速さについて知りたい", False),
        ("What changes the rate?", False),
    ],
)
def test_a_question_is_answered_by_yes_or_no_or_not(text: str, whether: bool) -> None:
    assert asks_whether(text) is whether
