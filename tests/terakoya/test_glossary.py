"""The glossary: names of one thing in two languages, found in running text."""

from collections import Counter

import pytest

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.glossary import entries, entry
from terakoya.text.language import JAPANESE, LATIN
from terakoya.text.question import analyse_question


def test_every_entry_has_names_on_its_own_side_of_the_sign() -> None:
    for each in entries():
        assert each.japanese, each
        assert each.english, each
        for name in each.japanese:
            assert name == name.strip()
            assert JAPANESE.search(name), name
        for name in each.english:
            assert name == name.strip().lower()
            assert LATIN.search(name), name
            assert not JAPANESE.search(name), name


def test_an_entry_is_found_by_its_number_and_no_number_of_sudachis_is_one() -> None:
    assert all(entry(each.number) is each for each in entries())
    assert entry(0) is None
    assert entry(1) is None
    assert entry(-len(entries()) - 1) is None


def test_no_line_stands_twice_under_one_subject() -> None:
    twice = [
        names for names, count in Counter((e.japanese, e.english) for e in entries()).items() if count > 2
    ]
    assert not twice


def numbers(text: str, analyser: Analyser) -> dict[str, frozenset[int]]:
    """What the glossary finds in `text`, by the words."""
    found: dict[str, frozenset[int]] = {}
    for meaning in analyser.meanings(text):
        own = frozenset(n for n in meaning.numbers if n < 0)
        if own:
            found[text[meaning.start : meaning.end]] = own
    return found


@pytest.mark.parametrize(
    ("japanese", "english"),
    [
        ("標準偏差を求める", "the standard deviations of both"),
        ("最高裁判所の判例", "the Supreme Court's rulings"),
        ("半減期は短い", "a half-life of two days"),
        ("大数の法則による", "by the law of large numbers"),
        ("自己注意の計算", "Self-attention, once more"),
        ("コリオリの力が働く", "the Coriolis effect"),
    ],
)
def test_a_name_is_found_whole_in_either_language(analyser: Analyser, japanese: str, english: str) -> None:
    ours, theirs = numbers(japanese, analyser), numbers(english, analyser)
    shared = {
        (one, other)
        for one, numbered in ours.items()
        for other, also in theirs.items()
        if numbered & also and len(one) > 2 and len(other) > 8
    }
    assert shared


@pytest.mark.parametrize("text", ["the court of a castle", "supreme joy", "half of life", "大きな数の話"])
def test_a_part_of_a_name_is_not_the_name(analyser: Analyser, text: str) -> None:
    found = {n for each in numbers(text, analyser).values() for n in each}
    whole = ("supreme court", "half-life", "law of large numbers")
    assert not found & {e.number for e in entries() if set(e.english) & set(whole)}


@pytest.mark.parametrize(
    ("question", "note", "other"),
    [
        ("What is the standard deviation of the scores?", "点数の標準偏差は 12", "点数の平均は 60"),
        ("What does the Supreme Court decide?", "最高裁判所は 1947 年から", "高等裁判所は 1947 年から"),
        ("同位体とは？", "isotope: same number of protons", "isomer: same formula"),
        ("What is carbon-14 used for?", "炭素14は年代測定に使う", "炭素12は基準に使う"),
    ],
)
def test_a_note_in_the_other_language_is_evidence_by_the_glossary(
    analyser: Analyser, question: str, note: str, other: str
) -> None:
    asked = analyse_question(question, analyser)
    named = [t for t in asked.terms if not t.generic and t.tokens[0][0].kind != "predicate"][:2]
    held, not_held = (min(Reading.of(text, analyser).evidence(t) for t in named) for text in (note, other))
    assert held >= 0.5
    assert not_held < 0.5


def test_a_function_word_means_nothing(analyser: Analyser) -> None:
    assert not analyser.meanings("for in on with の は")


@pytest.mark.parametrize(
    ("question", "note", "other"),
    [
        (
            "電子はいつ発見された？",
            "電子は 1897 年に見つかった、見つけたのはトムソン",
            "電子は 1897 年に名付けられた",
        ),
        ("荷物はいつ届きますか", "荷物は金曜に配達", "荷物は金曜に整理"),
        ("Where did I buy the lamp?", "bought the lamp in Kyoto", "broke the lamp in Kyoto"),
        ("Who founded the school?", "the school was established by Tsuda", "the school was painted by Tsuda"),
        ("故障したのはどの部品？", "broke: the fuse of the pump", "new: the fuse of the pump"),
    ],
)
def test_what_is_said_in_other_everyday_words_is_evidence(
    analyser: Analyser, question: str, note: str, other: str
) -> None:
    asked = analyse_question(question, analyser)
    held, missed = (
        sum(Reading.of(text, analyser).evidence(term) for term in asked.terms) for text in (note, other)
    )
    assert held > missed


@pytest.mark.parametrize(
    ("form", "word"),
    [("見つけた", "find"), ("取り替えた", "replace"), ("温まった", "heat"), ("bought", "buy")],
)
def test_a_name_that_bends_is_found_in_its_forms(analyser: Analyser, form: str, word: str) -> None:
    found = {n for each in numbers(form, analyser).values() for n in each}
    assert found & {e.number for e in entries() if word in e.english}


def told(name: str, note: str, analyser: Analyser) -> float:
    """The evidence of a note for all of what a question names."""
    reading = Reading.of(note, analyser)
    return min(reading.evidence(term) for term in analyse_question(f"{name}は？", analyser).terms)


LEARNERS = """
損失 loss / 過学習 overfitting / 幻覚 hallucination / 幻覚 ハルシネーション
文脈長 context window / コンテキスト長 context length / 省メモリ メモリ節約 / 待ち時間 latency
レイテンシ 遅延 / 重み weights / 追加学習 fine-tuning / 微調整 ファインチューニング
蒸留 distillation / 枝刈り pruning / 埋め込み embeddings / 単語分割 トークン化
分割 chunking / 再ランキング リランカー / メモリ不足 OOM / メモリ不足 out of memory
学習率 lr / 早期終了 early stopping / 検証データ validation set / GPUメモリ VRAM
速くする 高速化 / 削減 減らす / 除去 remove / 出典 引用元
指標 metrics / 未知語 OOV / 道具 ツール / 精度 accuracy
本番 production / 検証 validation loss / 対策 防ぐ / 全結合層 FFN
思考の連鎖 chain of thought / 投機的デコード speculative decoding
"""
SIBLINGS = """
エンコーダ decoder / 検証損失 training loss / 適合率 recall / 再現率 precision
ベクトル検索 keyword search / スループット latency / 過学習 underfitting / 勾配消失 exploding gradient
位置バイアス verbosity bias / 増加 decrease / プッシュ pull / 可変 immutable
標準入力 stdout / 事前学習 fine-tuning / 量子化 pruning / 教師モデル student model
昇順 descending / 改善 悪化 / 得意 苦手 / ゼロショット few-shot
長期記憶 short-term memory / データ並列 tensor parallel / 単精度 half precision / 埋め込み tokenizer
"""


@pytest.mark.parametrize("pair", [p.strip() for p in LEARNERS.replace("\n", "/").split("/") if p.strip()])
def test_what_learners_call_the_same_thing_is_evidence(analyser: Analyser, pair: str) -> None:
    one, other = pair.split(maxsplit=1)
    assert told(one, other, analyser) >= 0.5


@pytest.mark.parametrize("pair", [p.strip() for p in SIBLINGS.replace("\n", "/").split("/") if p.strip()])
def test_siblings_and_opposites_are_no_evidence_for_each_other(analyser: Analyser, pair: str) -> None:
    one, other = pair.split(maxsplit=1)
    assert told(one, other, analyser) < 0.5
    assert told(other, one, analyser) < 0.5
