"""Tasks and questions that are foreign to the prose in which they stand.

"Explain how vaccines work." is an ordinary sentence, but in the middle of a text about trains nobody wrote it for
the reader of that text. Nothing in it can be told from an honest line but that, so this rule reads prose alone: a
list of things to do is foreign to itself.
"""

import re
from collections.abc import Sequence
from typing import Final

_TASK_WORDS: Final = r"""[\s"'“(>*_-]{0,6}(?:please\s|kindly\s|also,?\s|now,?\s)?(?:
    (?:explain|describe|translate|draft|compose|summari[sz]e|define|outline|list|name)\s|
    (?:write|provide|develop|create|generate|give|show|tell|make|produce|prepare|design|suggest|recommend)\s(?:me\s|us\s)?
        (?:a|an|the|some|two|three|four|five|ten|example|your)\b|
    break\sdown\s|come\sup\swith\s|
    (?:replace|rearrange|scramble|convert|swap|reverse|substitute)\s(?:every|each|all|the|letters|vowels|words)\b|
    (?:add|insert|include|integrate|enhance|modify|augment)\s(?:a|an|the|your)\s|
    (?:can|could|would|will)\syou\s(?:please\s)?(?:show|tell|give|explain|write|help|describe|provide|translate)\b|
    (?:what|who|where|when|why|how|which)(?:'s|'re|\s(?:is|are|was|were|do|does|did|can|could|has|have|wrote|invented|discovered|
        painted|many|much|long|far|should|would))\b
    )"""
_TASK: Final = re.compile(_TASK_WORDS, re.VERBOSE)
_BEGINS: Final = re.compile(rf"(?:^|[.!?\n][\"'”)]{{0,2}}\s){_TASK_WORDS}", re.VERBOSE)
_TASK_JA: Final = re.compile(
    r"(?:(?:説明|翻訳|紹介|要約|解説|列挙|作成|執筆|提案|計算|定義|比較|教え|書い|訳し|作っ|考え|述べ|挙げ|示し|答え)(?:し)?て(?:ください|下さい|くれ|ほしい)|"
    r"(?:説明|翻訳|紹介|要約|解説|列挙|作成|執筆|提案|計算|定義|比較)(?:せよ|しなさい|しろ|すること|をお願いします)|"
    r"(?:書き|訳し|挙げ|述べ|答え|教え|作り)なさい|(?:教え|答え|述べ|挙げ)よ|書け|訳せ|"
    r"(?:は(?:何|なん|なに|誰|だれ|いつ|どこ|どれ|いくつ|どう)[^。\n]{0,12}(?:ですか|でしょうか|か|\?)|ですか|でしょうか|ますか|とは\?|って何\?))[。?!」』)\s]{0,3}$"
)
_ENDINGS: Final = (
    "ください",
    "下さい",
    "てくれ",
    "てほしい",
    "なさい",
    "せよ",
    "しろ",
    "すること",
    "をお願い",
    "よ。",
    "書け",
    "訳せ",
    "か？",
    "か?",
    "か。",
    "とは",
    "何",
)
_LIST: Final = re.compile(
    r"[ \t>]{0,12}(?:[-*+・●•▪◦|#]|\d{1,3}[.)]|\[[ x]\]|q\d{0,3}[.:)]|問\d{0,3}|[a-z][.)]\s)"
)
_WORD: Final = re.compile(r"[a-z][a-z'-]{2,40}")
_JAPANESE: Final = re.compile(r"[\u30a1-\u30fe]{2,40}|[\u3400-\u9fff々]{2,40}")
_COMMON_WORDS: Final = """
about above add also and answer any are back between brief briefly can code compose concept could create
describe develop did difference differences does draft each example examples explain fact first following
following for from function generate give had has have help her his how include introduction invented its kind
letter list main make many mean meaning means more most much name need one our outline paragraph people please
poem point points prepare primary produce provide question questions reason reasons said sentence short should
show simple some something speech step steps story suggest summarize summary tell term terms text than that
the their them then there these they thing things this those three time translate two used using very was way
ways were what when where which who why will with word words work works would write written wrote you your
english french german spanish russian japanese chinese into like based
"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())
_COMMON_JA_WORDS: Final = """
説明 翻訳 紹介 要約 解説 列挙 作成 執筆 提案 計算 定義 比較 簡単 方法 違い 例文 文章
以下 英語 日本 本語 日本語 具体 体的 仕組 理由 特徴 主要 原因 意味 種類 機能 内容
次文 短編 作文 手紙 質問 回答 関数
"""
_COMMON_JA: Final = frozenset(_COMMON_JA_WORDS.split())
_LEAST_AROUND: Final = 14
"""Content words of the text around: less says nothing about what it is about."""


def foreign_order(sentence: str, around: str) -> bool:
    """Whether a sentence of folded prose gives a task or asks something that no word of the text around it is about.

    Args:
        sentence: The sentence.
        around: The rest of its passage, with the headings above it.
    """
    if not (_TASK.match(sentence) or _TASK_JA.search(sentence[-40:])):
        return False
    own = _content(sentence)
    if len(own) < 1:
        return False
    rest = _content(around)
    return len(rest) >= _LEAST_AROUND and not own & rest


def may_hold_order(stretch: str) -> bool:
    """Whether it is worth looking at the sentences of a stretch one by one."""
    low = stretch.lower()
    return _BEGINS.search(low) is not None or any(ending in low for ending in _ENDINGS)


def is_prose(stretch: str) -> bool:
    """Whether a stretch of lines is running text: no item of a list, row, heading, code or question of an exercise."""
    return not _LIST.match(stretch) and not stretch.startswith(("    ", "\t", "```", "~~~", "$$"))


def _content(text: str) -> set[str]:
    words = {_stem(word) for word in _WORD.findall(text) if word not in _COMMON}
    return words | _pairs(_JAPANESE.findall(text))


def _stem(word: str) -> str:
    """Its beginning: `recursion` and `recursive` are about the same."""
    return word[:5] if len(word) > 5 else word.rstrip("s")


def _pairs(runs: Sequence[str]) -> set[str]:
    return {run[at : at + 2] for run in runs for at in range(len(run) - 1)} - _COMMON_JA
