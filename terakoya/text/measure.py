"""Whether a question asks for a number, and what it has to be a number of: volts, grams, percent, years of age."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from terakoya.text.normalise import fold

_NUMBER: Final = (
    r"(?:\d[\d,.]*|[一二三四五六七八九十百千万]+|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|fifteen|twenty|thirty|forty|fifty|sixty|eighty|ninety|hundred|thousand|million|half an?)\b)"
)
_MONEY: Final = r"円|¥|yen|ドル|\$|dollars?|€|euros?|£|pounds?|usd|jpy|eur|万円|億円"
_LENGTH: Final = r"[kcmn]?m|メートル|キロ|センチ|ミリ|met(?:er|re)s?|feet|ft|miles?|inch(?:es)?"
_TIME: Final = (
    r"m?s|秒|sec(?:ond)?s?|分|min(?:ute)?s?|時間|h(?:ou)?rs?|日|days?|週|weeks?|[かヶ]月|months?|年|years?"
)
_BYTES: Final = r"[kmgt]?i?b|\w{0,2}バイト|bytes?|メガ|ギガ|テラ"
_MEMORY: Final = (
    r"(?:の|必要な|必要だった|使う|使った)(?:メモリー?|v?ram)|(?:メモリー?|v?ram)の?(?:使用|必要|消費)?量"
)
"""Memory by itself is a thing, that of something is a quantity."""
_RATE: Final = r"回|度(?!c)|times|\w{0,4}(?:ごと|おき|毎)|[かヶ]?[日週月年時][間月]?に"
_OPEN: Final = r"は(?:いくら|いくつ|どの|どれ|何|\?|$)"
_MEASURES: Final[Sequence[tuple[str, str]]] = (
    (r"何(?:ボルト|v\b)|how many volts|what voltage|電圧" + _OPEN, r"[km]?v|ボルト|volts?"),
    (r"何ビット|how many bits", r"bits?|ビット|b"),
    (r"何(?:バイト|[kmgt]i?b)|how many (?:\w+)?bytes", _BYTES),
    (rf"(?:{_MEMORY}|容量)" + _OPEN, _BYTES),
    (
        r"何(?:キロ)?グラム|何[km]?g(?![a-z])|how heavy|how many (?:kilo)?grams|how much does .* weigh"
        r"|what(?:'s| is| was) (?:the |my |its )?(?:\w+ )?weight|(?:重さ|重量|体重)" + _OPEN,
        r"[km]?g|グラム|キロ|トン|(?:kilo)?grams?|pounds?|lbs?",
    ),
    (r"何(?:メートル|センチ)|何[kcm]?m(?![a-z])|how (?:tall|high|far|wide|deep)\b", _LENGTH),
    (r"(?:[高長深太厚]さ|距離|身長|[体全]長|[直半]径|[横道]?幅)" + _OPEN, _LENGTH),
    (r"(?:サイズ|大きさ|寸法)" + _OPEN, _LENGTH + r"|号|インチ|[smlx]{1,3}|[kmgt]?b"),
    (
        r"何(?:リットル|ml|l)(?![a-z])|how many (?:milli)?lit",
        r"m?l|cc|リットル|ミリ|(?:milli)?lit(?:er|re)s?",
    ),
    (
        r"何(?:度|℃)|how (?:hot|cold)\b|what temperature|what(?:'s| is| was) the (?:\w+ )?temperature|(?:温度|気温)"
        + _OPEN,
        r"°\s?[cfk]?|度|℃|degrees?|[cfk]",
    ),
    (r"何(?:%|パーセント|割)|what percent|percentage|率" + _OPEN, r"%|パーセント|percent|割|分の|/"),
    (r"何(?:円|ドル|ユーロ)|how much .*\b(?:cost|pay|paid|charge)|\b(?:price|fee|cost) of\b", _MONEY),
    (r"いくらで[買売]|いくら(?:かか|払|もら)", _MONEY),
    (r"(?:料|料金|費|値段|価格|代金)" + _OPEN + r"|(?:値段|価格|料金)を", _MONEY),
    (r"回数" + _OPEN, r"回|度|times"),
    (r"頻度" + _OPEN + r"|どの(?:くらい|ぐらい)の頻度|how often\b", _RATE),
    (r"何(?:秒|分間?|時間|日間|週間|[かヶ]月|年間)(?!目)", _TIME),
    (r"how (?:long|many (?:seconds|minutes|hours|days|weeks|months))\b", _TIME),
    (
        r"何(?:気圧|[mkh]?pa\b|バール)|what (?:air )?pressure|(?:圧力|気圧|血圧)" + _OPEN,
        r"[mkh]?pa|気圧|bars?|atm|psi|mmhg",
    ),
    (r"何(?:アンペア|m?a\b)|what current|電流" + _OPEN, r"m?a|アンペア|amp(?:ere)?s?"),
    (r"何(?:ワット|[km]?w\b)|how many watts|電力" + _OPEN, r"[km]?w|ワット|watts?"),
    (
        r"何(?:カロリー|k?cal|ジュール|k?j\b)|how many (?:calories|joules)",
        r"k?cal|カロリー|k?j|ジュール|calories|joules",
    ),
    (
        r"何(?:キロ)?(?:km/h|m/s)|(?:時速|秒速|速さ|速度)" + _OPEN + r"|what speed|how fast",
        r"[kcm]?m/[hs]|キロ|メートル|mph|knots?",
    ),
    (
        r"(?:比|比率|割合)" + _OPEN + r"|どんな(?:比|比率|割合)|what ratio|in what proportion",
        r"[:：対%]|パーセント|percent|割|分の|/|to",
    ),
    (r"何[歳才]|how old\b|年齢" + _OPEN, r"歳|才|years?|aged?"),
    (r"何(?:[kmg]?hz|ヘルツ)|what frequency", r"[kmg]?hz|ヘルツ"),
)
"""Forms of a question, and the names of what it wants a number of: names for one thing, and for its sizes."""
_POINTS: Final = "(?<![弱欠利題要観視焦起終重難美長短盲接論争])点"
_NUMBER_ASKED: Final = re.compile(
    rf"(?:{_MEMORY}|(?<![関変因整])数|率|[額量料費比]|{_POINTS}|[長高重速大広深強]さ|温度|気温|年齢|距離|割合|サイズ|価格|値段|電圧|番号|容量|\bph)"
    r"(?:は|って)(?:(?:いくら|いくつ|どの|どれ|何(?![にをのがで])).*|[?。]*)$"
    r"|\bhow (?:many|much|long|large|big|old|far|high|fast|often|deep|tall|heavy)\b"
    r"|\bwhat (?:is|was|are|were|'s)? ?(?:the |an? |my |its |your )?(?:[\w-]+ ){0,2}?(?:number|rate|score|size|length"
    r"|price|cost|fee|voltage|temperature|age|height|weight|ratio|percentage|probability|frequency|speed)\b"
)
"""The noun that is asked for is a quantity."""
DATE_NOUN: Final = (
    r"(?:締め?切り?|期限|期日|日付|日程|誕生日|命日|祝日|[始終休営業開催試験発売放送記念出産納定館]{2,}日|納期)"
    r"(?=(?:は|って)(?:いつ|何|\?|$))"
    r"|\bwhat(?:'s| is| was| are) (?:the |my |our |\w+'s )?(?:[\w-]+ ){0,2}?(?:deadline|due date|date|birthday)\b"
)
"""A day is asked for, though no word asks when."""
_SIGNED: Final = re.compile(r"[$¥€£]\s?\d")
_REGULARLY: Final = re.compile(
    r"毎[日朝晩週月年時回]|\b(?:once|twice|daily|weekly|monthly|yearly|hourly|every)\b"
)
_ASKED: Final = tuple((re.compile(asks), units) for asks, units in _MEASURES)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a question wants a number of.

    Attributes:
        units: Its names, as a pattern.
        asked: The words of the question that name it, folded.
    """

    units: str
    asked: str = ""

    @property
    def money(self) -> bool:
        """Whether it is a sum of money, which nobody writes without its unit."""
        return self.units == _MONEY

    def stands_in(self, text: str) -> bool:
        """Whether a number of it stands in `text`, in this unit or one like it."""
        folded = fold(text)
        found = re.search(rf"{_NUMBER}\s*(?:{self.units})(?![a-z])", folded)
        bare = {_MONEY: _SIGNED, _RATE: _REGULARLY}.get(self.units)
        return bool(found or (bare and bare.search(folded)))


def asked_measure(question: str) -> Measure | None:
    """What `question` wants a number of; None where it asks for none, or counts things.

    A count often stands bare, as in a table, and a year too; volts and percent are written with their unit.
    """
    folded = fold(question)
    found = ((asks.search(folded), units) for asks, units in _ASKED)
    return next((Measure(units, asks.group()) for asks, units in found if asks), None)


def asked_date(question: str) -> str:
    """The words of `question`, folded, that name a day to be told (締め切り, the deadline); empty where none do."""
    found = re.search(DATE_NOUN, fold(question))
    return found.group() if found else ""


def asks_number(question: str) -> bool:
    """Whether only a number answers `question`, by the noun that it asks for."""
    return bool(_NUMBER_ASKED.search(fold(question)))
