"""What a question asks for: its kind, and the terms that an answer has to speak of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from terakoya.text.analyser import Analyser, Token, TokenKind
from terakoya.text.language import language_of
from terakoya.text.normalise import fold
from terakoya.types import Language

QuestionKind = Literal[
    "definition", "list", "when", "how-many", "who", "comparison", "code", "formula", "open"
]

_KINDS: Final[Sequence[tuple[QuestionKind, re.Pattern[str]]]] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "comparison",
            r"違い|違う|相違|比べ|比較|どちらが|\bdifferen(?:ce|t|ces)\b|\bdiffers?\b|\bcompar|\bversus\b|\bvs\b",
        ),
        ("when", r"いつ|何年|何月|何日|何時|何世紀|日付|\bwhen\b|\bwhat (?:year|date|day|month|time|century)\b"),
        (
            "how-many",
            r"いくつ|いくら|何(?:個|つ|人|回|種類|本|枚|件|桁|ビット|バイト|割|倍|歳|度|階|層|次元|列|行|番|分|秒|時間|日間|週間|年間"
            r"|グラム|円|%|％|パーセント)|どの?(?:くらい|ぐらい)|どれ(?:くらい|ぐらい|だけ)|\bhow (?:many|much|long|large|big|old"
            r"|far|high|fast|often|deep)\b|\bwhat (?:percentage|number|percent)\b",
        ),
        ("who", r"誰|だれ|\bwho\b|\bwhom\b|\bwhose\b"),
        ("formula", r"数式|公式|計算式|の式|式は|式を|\bformula\b|\bequation\b"),
        ("code", r"コマンド|コード|構文|クエリは|書き方|文法|\bcommand\b|\bsyntax\b|\bcode\b|\bsnippet\b"),
        (
            "list",
            r"何がある|なにがある|挙げて|列挙|一覧|種類|全て|すべて|どんな.*ある|どのような.*(?:ある|あります)|(?:[0-9２-９二三四五六七八九]+つ)"
            r"|\blist\b|\bwhich (?:\w+ )?(?:are|were)\b|\bwhat are\b|\bwhat (?:\w+ )?(?:types|kinds|steps|ways)\b"
            r"|\b(?:two|three|four|five|six|seven)\b|\bname (?:the|two|three|four|five|all)\b",
        ),
        (
            "definition",
            r"とは(?:何|なに|なん|どう|$|[?？。])|って(?:何|なに|なん)|(?:何|なん)(?:ですか|のこと)|とは$|意味|何の略|略は|略称"
            r"|\bwhat (?:is|does .* (?:mean|stand for))\b|\bdefine\b|\bmeaning\b|\bstands? for\b",
        ),
    )
)

_WEIGHTS: Final[Mapping[TokenKind, float]] = {
    "name": 1.4,
    "latin": 1.0,
    "noun": 1.0,
    "number": 0.8,
    "predicate": 0.45,
    "weak": 0.0,
    "question": 0.0,
}
_NAMED: Final = 1.4
"""Weight of a Latin term written as a name: with a capital or a digit, or among Japanese."""
_GENERIC_WEIGHT: Final = 0.2
_FOREIGN_WEIGHT: Final = 0.15
"""Weight of an ordinary word that a text in another language cannot hold."""

GENERIC: Final = frozenset(
    """特徴 特長 長所 短所 利点 欠点 メリット デメリット 仕組み 仕組 役割 目的 概要 定義 例 具体 種類 手法 方法 手順 理由
    原因 効果 内容 説明 関係 意義 機能 用途 使い方 やり方 流れ 構成 要素 要因 ポイント 注意 点 書き方 基本 代表 的 式 数式 公式
    コマンド コード 略 正式 名称 呼ぶ 呼ばれる 使う 用いる 必要 表す 示す 持つ 多い 大きい 良い 日付 どちら 主 最も 一番 形 値 単位
    日本 語 英語 対応 関する 特に 勉強 学ぶ 学習 日 人 人物 物事 構文 次
    featur advantag disadvantag purpos role exampl type kind step method way reason caus benefit drawback process
    concept term idea thing differ comparison main key import call refer relat formula equat command syntax code
    number amount abbrevi acronym stand happen happen work typic general common major part form full date day year
    time name person peopl describ compar versus vs two three four five six seven correct best good possibl""".split()
)
"""Words that name what is asked about a subject, and need not stand where the answer stands."""


@dataclass(frozen=True, slots=True)
class QuestionTerm:
    """A term that the answer has to speak of.

    Attributes:
        token: The term.
        weight: Its share of the evidence.
        ordinary: An ordinary word, which only a text in the question's language can hold.
        generic: Names what is asked rather than the subject.
    """

    token: Token
    weight: float
    ordinary: bool
    generic: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question, analysed.

    Attributes:
        text: As it was asked.
        language: Language that the answer is given in.
        kind: What it asks for.
        terms: What the answer has to speak of, each once, in order.
        count: The number of things asked for ("three reasons"), 0 if none.
    """

    text: str
    language: Language
    kind: QuestionKind
    terms: tuple[QuestionTerm, ...]
    count: int = 0

    @property
    def subject(self) -> tuple[QuestionTerm, ...]:
        """The terms that are not generic; all of them where none is."""
        return tuple(t for t in self.terms if not t.generic) or self.terms

    def weight(self, term: QuestionTerm, language: Language) -> float:
        """Weight of `term` as evidence in a text of `language`."""
        return _FOREIGN_WEIGHT if term.ordinary and language != self.language else term.weight


_COUNT: Final = re.compile(r"([2-9])\s*(?:つ|個|種類|点)|\b(two|three|four|five|six|seven)\b")
_COUNT_WORDS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_KANJI_COUNT: Final = str.maketrans("二三四五六七八九", "23456789")


def analyse_question(text: str, analyser: Analyser) -> Question:
    """What `text` asks for."""
    folded = fold(text)
    language = language_of(text)
    kind = next((kind for kind, pattern in _KINDS if pattern.search(folded)), "open")
    counted = _COUNT.search(re.sub(r"[二三四五六七八九](?=つ|個|種類|点)", lambda m: m.group().translate(_KANJI_COUNT), folded))
    count = (int(counted.group(1)) if counted.group(1) else _COUNT_WORDS[counted.group(2)]) if counted else 0
    terms: dict[str, QuestionTerm] = {}
    for token in analyser.tokens(text):
        if token.form not in terms and (term := _term(token, text, language, count)):
            terms[token.form] = term
    return Question(text, language, kind, tuple(terms.values()), count)


def _term(token: Token, text: str, language: Language, count: int) -> QuestionTerm | None:
    weight = _WEIGHTS[token.kind]
    if not weight or (token.kind == "number" and token.form == str(count)):
        return None
    if token.form in GENERIC or token.surface in GENERIC:
        return QuestionTerm(token, _GENERIC_WEIGHT, ordinary=True, generic=True)
    if token.kind == "latin":
        named = language == "ja" or _written_as_name(token.surface, text)
        return QuestionTerm(token, _NAMED if named else weight, ordinary=not named)
    return QuestionTerm(token, weight, ordinary=token.kind != "number")


def _written_as_name(surface: str, text: str) -> bool:
    if any(c.isdigit() for c in surface):
        return True
    found = re.search(re.escape(surface), text, re.IGNORECASE)
    return bool(found and found.start() > 0 and any(c.isupper() for c in found.group()))
