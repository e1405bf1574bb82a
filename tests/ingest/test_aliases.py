"""What a note makes stand for each other, and above all what it does not."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.aliases import aliases_of
from ingest.initials import borne_out, is_abbreviation, leading
from ingest.markdown import parse
from ingest.sound import sounds_like
from ingest.view import view_of
from terakoya.text.analyser import Analyser

ANALYSER = Analyser()
NOTES = Path(__file__).parents[2] / "examples" / "notes"


@pytest.fixture
def found(analyser: Analyser):
    """The groups of a Markdown note."""

    def groups(note: str) -> list[tuple[str, ...]]:
        return list(aliases_of(parse(view_of(note).text), analyser))

    return groups


@pytest.mark.parametrize(
    ("note", "group"),
    [
        ("## 単一障害点 | Single Point of Failure | SPOF", ("単一障害点", "Single Point of Failure", "SPOF")),
        ("## キャッシュ｜Cache", ("キャッシュ", "Cache")),
        ("## 冪等性 | Idempotency<a id='x'></a>", ("冪等性", "Idempotency")),
        ("# 困惑度 | Perplexity | パープレキシティ", ("困惑度", "Perplexity", "パープレキシティ")),
        ("### プロキシ ／ proxy", ("プロキシ", "proxy")),
        ("### Mixture of Experts (MoE)", ("Mixture of Experts", "MoE")),
        (
            "## 検索拡張生成（Retrieval-Augmented Generation, RAG）",
            ("検索拡張生成", "Retrieval-Augmented Generation", "RAG"),
        ),
        ("- 早期終了 (early stopping): 検証の損失が増えたら止める", ("早期終了", "early stopping")),
        ("- **最頻値（mode）**: 一番よく出る値", ("最頻値", "mode")),
        ("- SFT: Supervised Fine Tuning", ("SFT", "Supervised Fine Tuning")),
        ("- **IANA**: Internet Assigned Numbers Authority", ("IANA", "Internet Assigned Numbers Authority")),
        ("- => DPO: Direct Preference Optimization", ("DPO", "Direct Preference Optimization")),
        ("1. PPO = Proximal Policy Optimization", ("PPO", "Proximal Policy Optimization")),
        ("- SLA: Service Level Agreement, the promise to users", ("SLA", "Service Level Agreement")),
        (
            "- SLA: Service Level Agreement（サービス品質保証）",
            ("SLA", "Service Level Agreement", "サービス品質保証"),
        ),
        ("外部の情報を使うRAG(検索拡張生成)が広まった。", ("RAG", "検索拡張生成")),
        ("この流れを推論(inference)という。", ("推論", "inference")),
        ("We use retrieval augmented generation (RAG) here.", ("retrieval augmented generation", "RAG")),
        ("大規模言語モデル（以下、LLM）を使う。", ("大規模言語モデル", "LLM")),
        (
            "**LLM**とは「Large Language Model（大規模言語モデル）」の略です。",
            ("LLM", "Large Language Model", "大規模言語モデル"),
        ),
        ("CDN stands for Content Delivery Network.", ("CDN", "Content Delivery Network")),
        ("| 用語 | 英語 | 説明 |\n|---|---|---|\n| 枝刈り | pruning | 軽くする |", ("枝刈り", "pruning")),
        (
            "| 略語 | 正式名称 | 和訳 |\n|---|---|---|\n| OOP | Object Oriented Programming | 物体志向の書法 |",
            ("OOP", "Object Oriented Programming", "物体志向の書法"),
        ),
        (
            "---\ntitle: Kubernetes\naliases: [k8s, クバネティス]\n---\n# Kubernetes\n",
            ("Kubernetes", "k8s", "クバネティス"),
        ),
    ],
)
def test_names_of_one_thing_are_found(found, note: str, group: tuple[str, ...]) -> None:
    assert found(note) == [group]


@pytest.mark.parametrize(
    "note",
    [
        "## Input | Output",
        "## 入力 | Output",
        "## 概要 | Overview",
        "## 入力 | 出力",
        "## AWS | ネットワーク",
        "## コンテナ | Docker",
        "## Docker | 基礎",
        "## 2024/03 | March",
        "# GPU をちゃんと理解したい｜someone",
        "# Next.js 入門 | Example Blog",
        "## Python / 環境構築",
        "## 検索（Google）",
        "## 実装（現実的）",
        "- Example: the first one that comes",
        "- Note: Never open this early",
        "- AM: add more items to the list",
        "- NAME: Not a term",
        "- Time: 10:30",
        "- 10:30 Standup with Bob",
        "- URL: https://example.org/A_B",
        "- TODO: Take out dogs often",
        "- 言語: Python",
        "- 対象: Windows",
        "- hard link: another name for the same inode",
        "- postpone: 延期する",
        "- [ ] RAG: Retrieval Augmented Generation",
        "- `RAG`: Retrieval Augmented Generation",
        "```\nRAG: Retrieval Augmented Generation\n```",
        "エラーが出た（HTTP）ので直した。",
        "三つの方式（BPE、WordPiece、SentencePiece）がある。",
        "サブワード単位のトークン化（BPE、WordPiece、SentencePiece）",
        "検索エンジン（Google）を使う。",
        "モデル（GPT）に聞く。",
        "雑談アプリ(Cotomo)を出した。",
        "引数（path）を渡す。",
        "金沢市（281cm）でも降った。",
        "JWT（認証情報を認可にも使えるトークン）",
        "- サーバー: 東京\n- 担当: Bob\n- 状態: done",
        "| 日付 | English | 点 |\n|---|---|---|\n| 4/1 | quiz | 80 |",
        "| 特徴 | 教育用 | 本物 |\n|---|---|---|\n| トークン化 | 空白 | BPE |",
    ],
)
def test_what_only_looks_like_names_is_left_alone(found, note: str) -> None:
    assert found(note) == []


def test_a_note_that_names_in_its_headings_needs_no_further_evidence(found) -> None:
    three = "## 推論 | Inference\n\n## 量子化 | Quantization\n\n## 蒸留 | Distillation\n\n"
    odd = "## パソコン | PC\n"
    assert found(odd) == []
    assert ("パソコン", "PC") in found(three + odd)


def test_a_group_within_another_is_told_once(found) -> None:
    note = "## 検索拡張生成 | Retrieval-Augmented Generation | RAG\n\n- RAG: Retrieval-Augmented Generation\n"
    assert len(found(note)) == 1


def test_the_sample_glossary_names_every_heading_of_its_form(analyser: Analyser) -> None:
    text = (NOTES / "glossary.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ") and " | " in line]
    groups = aliases_of(parse(view_of(text).text), analyser)
    assert len(groups) == len(headings) == 12
    assert ("二要素認証", "Two-Factor Authentication", "2FA") in groups


def test_groups_do_not_depend_on_anything_but_the_note(analyser: Analyser) -> None:
    document = parse((NOTES / "llm-basics.md").read_text(encoding="utf-8"))
    assert aliases_of(document, analyser) == aliases_of(document, Analyser())


@pytest.mark.parametrize(
    ("short", "phrase"),
    [
        ("SPOF", "Single Point of Failure"),
        ("PoLP", "Principle of Least Privilege"),
        ("2FA", "Two-Factor Authentication"),
        ("XSS", "Cross-Site Scripting"),
        ("HTML", "HyperText Markup Language"),
        ("RMSNorm", "Root Mean Square Normalization"),
        ("IEEE", "Institute of Electrical and Electronics Engineers"),
        ("JPNIC", "Japan National Information Center"),
        ("HLE", "Humanity's Last Exam"),
        ("LLMs", "large language models"),
    ],
)
def test_initials_bear_an_abbreviation_out(short: str, phrase: str) -> None:
    assert is_abbreviation(short)
    assert borne_out(short, phrase)


@pytest.mark.parametrize(
    ("short", "phrase"),
    [
        ("RAG", "Retrieval Storage"),
        ("DB", "Database"),
        ("API", "a pretty idea of it"),
        ("SLA", "Service Level"),
    ],
)
def test_other_words_do_not(short: str, phrase: str) -> None:
    assert not borne_out(short, phrase)


def test_of_words_that_go_on_only_those_count_that_give_the_initials() -> None:
    assert leading("LFU", ["Least", "Frequently", "Used"]) == 3
    assert leading("SLA", ["Service", "Level", "Agreement", "between", "us"]) == 3


@pytest.mark.parametrize(
    ("katakana", "latin"),
    [
        *(("キャッシュ", "Cache"), ("サーバ", "server"), ("サーバー", "server"), ("スレッド", "thread")),
        *(("トランスフォーマー", "Transformer"), ("アルゴリズム", "algorithm"), ("マシン", "machine")),
        *(
            ("エンジン", "engine"),
            ("ウィンドウ", "window"),
            ("レイテンシ", "latency"),
            ("ビタミン", "vitamin"),
        ),
    ],
)
def test_loan_words_sound_like_what_they_come_from(katakana: str, latin: str) -> None:
    assert sounds_like(katakana, latin)


@pytest.mark.parametrize(
    ("katakana", "latin"),
    [
        ("コンテナ", "Docker"),
        ("ネットワーク", "AWS"),
        ("ライブラリ", "numpy"),
        ("アプリ", "Cotomo"),
        ("モデル", "mode"),
    ],
)
def test_other_words_do_not_sound_alike(katakana: str, latin: str) -> None:
    assert not sounds_like(katakana, latin)


PIECES = "#_ -_ | ｜ _|_ ／ （ ） ( ) :_ ： 、 の略 とは という RAG Retrieval Augmented 検索 拡張 生成 ｶﾞ が 𝟙 a ` $"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES.split(" "), "\n", "\n\n", "\0"]), max_size=40).map(
        lambda pieces: "".join(pieces).replace("_", " ")
    )
)
def test_any_text_has_groups_of_two_or_more_different_terms_that_it_holds(text: str) -> None:
    for group in aliases_of(parse(text), ANALYSER):
        assert len(set(group)) == len(group) > 1
        assert all(term.split()[0] in text for term in group)
