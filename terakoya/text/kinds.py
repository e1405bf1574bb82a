"""What kind of answer a question asks for, and whether it is answered by yes or no."""

import re
from collections.abc import Sequence
from typing import Final, Literal

from terakoya.text.measure import DATE_NOUN

QuestionKind = Literal[
    "definition", "list", "when", "how-many", "who", "why", "comparison", "code", "formula", "open"
]

_PATTERNS: Final[Sequence[tuple[QuestionKind, Sequence[str]]]] = (
    (
        "comparison",
        (
            r"違い|違う|異なる|相違|比べ|比較|どちらが|使い分け",
            r"\bdifferen(?:ce|t|ces)\b|\bdiffers?\b|\bcompar|\bversus\b|\bvs\b",
        ),
    ),
    (
        "when",
        (
            r"いつ|何年|何月|何日|何時|何世紀|日付",
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time|century)\b",
            DATE_NOUN,
        ),
    ),
    (
        "how-many",
        (
            r"いくつ|いくら|どの?(?:くらい|ぐらい)|どれ(?:くらい|ぐらい|だけ)",
            r"何(?:個|つ|人|回|種類|本|枚|件|桁|ビット|バイト|割|倍|点|問|名|社|台|冊|杯|匹|章|文字|語|頁|ページ)",
            r"何(?:トークン|ドル|ボルト|メートル|キロ|リットル|世代|段階|歳|度|階|層|次元|列|行|番|分|秒|時間|日間)",
            r"何(?:週間|年間|グラム|円|%|パーセント|[a-z]+)",
            r"\bhow (?:many|much|long|large|big|old|far|high|fast|often|deep)\b",
            r"\bwhat (?:percentage|number|percent)\b",
        ),
    ),
    ("why", (r"なぜ|何故|どうして|なんで|理由|\bwhy\b|\breason\b",)),
    ("who", (r"誰|だれ|\bwho\b|\bwhom\b|\bwhose\b",)),
    (
        "formula",
        (
            r"数式|公式|計算式|定義式|更新式|反応式|の式|(?<![形方書様株正])式(?:は|を|って|$|[?。])",
            r"求め方|出し方|計算(?:方法|法|の仕方|のしかた)|どう(?:やって|やったら|すれば)?(?:計算|算出|求め)",
            r"\bformula\b|\bequation\b|\bhow\b.*\b(?:calculated?|computed?|derived?)\b",
        ),
    ),
    (
        "code",
        (
            r"コマンド|(?<![デレ])(?<!エン|バー)コード|構文|クエリは|書き方|文法",
            r"\bcommand\b|\bsyntax\b|\bcode\b|\bsnippet\b",
        ),
    ),
    (
        "list",
        (
            r"どう(?:する|すれば|したら)(?:の|いい|よい|良い)?(?:か|の|ですか|でしょうか)?[?。]*$|対処法|手順|工程|ステップ|流れ(?=は|を|って|[?。]|$)|何がある|なにがある|挙げて|列挙|一覧|種類|全て|すべて|(?:どんな|どのような|どういう|どういった).*(?:ある|あります)",
            r"[0-9二三四五六七八九]+つ",
            r"\blist\b|\bwhich (?:\w+ )?(?:are|were)\b|\bwhat are\b|\bwhat (?:\w+ )?(?:types|kinds|steps|ways)\b",
            r"\b(?:two|three|four|five|six|seven)\b|\bname (?:the|two|three|four|five|all)\b",
        ),
    ),
    (
        "definition",
        (
            r"とは(?:何|なに|なん|どう|$|[?。])|って(?:何|なに|なん)|(?:何|なん)(?:ですか|のこと)|意味|何の略|略は|略称",
            r"\bwhat (?:is|does .* (?:mean|stand for))\b|\bdefine\b|\bmeaning\b|\bstands? for\b",
        ),
    ),
)
"""Tried in this order on the folded question; the first kind that fits is taken."""
_KINDS: Final = tuple((kind, re.compile("|".join(patterns))) for kind, patterns in _PATTERNS)


_WHETHER: Final = re.compile(
    r"^\s*(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|must)\b"
    r"|[\u3041-\u3096](?:の|ん)?(?:です|ます|でしょう)?か?\s*[?？。]*\s*$",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(
    r"何|なに|なん|いつ|どこ|どれ|どの|どう|どん|どっち|どちら|誰|だれ|なぜ|いくつ|いくら|教え|説明|挙げ|とは|(?:は|って|を|が|に|て|たい|[^\u3041-\u3096]の)\s*[?？。]*\s*$"
    r"|\b(?:what|which|who|when|where|why|how)\b",
    re.IGNORECASE,
)


def kind_of(folded: str) -> QuestionKind:
    """The kind of a question, which is folded."""
    return next((kind for kind, pattern in _KINDS if pattern.search(folded)), "open")


def asks_whether(text: str) -> bool:
    """Whether `text` is answered by yes or no: neither answer is taken to be so."""
    return bool(_WHETHER.search(text)) and not _ASKING.search(text)
