"""Katakana words and the English words that they write down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import analyse_question
from terakoya.text.sounds import Sounds, alike, of_english, of_katakana

PAIRS = """
チャンク chunk / オーバーラップ overlap / レイテンシ latency / スループット throughput
トークン token / リランカー reranker / アテンション attention / エンベディング embedding
プロンプト prompt / テンプレート template / パラメーター parameter / スケジューラ scheduler
ウォームアップ warmup / チェックポイント checkpoint / クリッピング clipping / ベンチマーク benchmark
ハルシネーション hallucination / アダプター adapter / コサイン cosine / ドロップアウト dropout
プレシジョン precision / エージェント agent / トランスフォーマー transformer / アーキテクチャ architecture
リポジトリ repository / スレッド thread / クオンタイゼーション quantization / ワークフロー workflow
セキュリティ security / リクエスト request / モジュール module
"""
OTHERS = """
エンコーダ decoder / トレーニング straining / プレシジョン recall / レイテンシ throughput
トークン tension / テスト taste / モデル middle / リスト lost
プロセス precious / ハッシュ house / ソート short / キャッシュ cause
ベース bus / レート light / コミット committee / コンテナ continue
スタック stock / リソース research / クライアント clearing / データベース debates
"""


def pairs(listed: str) -> list[tuple[str, str]]:
    return [
        (one, other)
        for pair in listed.replace("\n", "/").split("/")
        if pair.strip()
        for one, other in [pair.split()]
    ]


@pytest.mark.parametrize(("katakana", "english"), pairs(PAIRS))
def test_a_word_in_katakana_sounds_like_its_english(katakana: str, english: str) -> None:
    assert any(alike(of_katakana(katakana), sound) for sound in of_english(english))


@pytest.mark.parametrize(("katakana", "english"), pairs(OTHERS))
def test_a_word_that_sounds_otherwise_is_another(katakana: str, english: str) -> None:
    assert not any(alike(of_katakana(katakana), sound) for sound in of_english(english))


@given(
    st.text("ァアィイカガキシジチツテトナフヴンーャュョッ", max_size=24),
    st.from_regex(r"[a-z]{0,24}", fullmatch=True),
)
def test_any_word_has_a_vowel_slot_around_each_consonant(katakana: str, english: str) -> None:
    for sound in (of_katakana(katakana), *of_english(english)):
        assert len(sound.vowels) == len(sound.consonants) + 1


def test_a_text_holds_a_word_of_the_other_writing_alone() -> None:
    assert Sounds("chunk は 500 文字").hold("チャンク")
    assert Sounds("チャンクは 500 文字").hold("chunk")
    assert not Sounds("チャンクは 500 文字").hold("チャンク")
    assert not Sounds("chunk size").hold("chunk")


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ("オーバーラップはいくつ？", "chunk 500, overlap 50"),
        ("ウォームアップの割合は？", "| warmup | 0.03 |"),
        ("What does the scheduler do?", "スケジューラは学習率を下げる"),
    ],
)
def test_a_word_that_is_heard_is_evidence_but_less_than_one_that_stands_there(
    analyser: Analyser, question: str, note: str
) -> None:
    term = analyse_question(question, analyser).terms[0]
    assert 0.5 < Reading.of(note, analyser).evidence(term) < 1.0
