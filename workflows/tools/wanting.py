"""Whether a question wants a tool, told by rules alone: the question decides, never what a note or a tool says."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from terakoya.errors import BadInput
from terakoya.protocols import Tool
from terakoya.text.normalise import fold
from workflows.tools.arithmetic import LONGEST, is_calculation
from workflows.tools.periods import find_period

CALCULATOR: Final = "calculator"
CALENDAR: Final = "calendar"
SEARCH: Final = "search_notes"
READ: Final = "read_note"
BUILT_IN: Final = frozenset({CALCULATOR, CALENDAR, SEARCH, READ})
SEPARATOR: Final = "__"
"""Between the name of a server and that of its tool."""

_ASKS_JA: Final = (
    r"(?:を|は|って|の(?:答え|値|結果)は?)*(?:計算|算出)(?:して|せよ|すると|したら)?(?:ください|下さい|ほしい)?"
    r"|(?:は|って|だと|で|なら)?(?:いくつ|いくら|なに|何|どうなる|どれくらい)(?:ですか|になりますか|になる|なの|か)*"
    r"|(?:の)?(?:答え|値|結果)(?:は|を教えて)?|を?教えて(?:ください|下さい)?|は|を|[=?。、!\s]|ですか"
)
_ASKS_EN: Final = (
    r"(?:please|can you|could you|hey|ok(?:ay)?|so|and|tell me|what(?:'s| is| are|s)|how much(?: is| are)?|calculate|"
    r"compute|evaluate|work out|solve|the (?:result|value|answer|sum) of|equals?|is|make)\b"
)
_BEFORE: Final = re.compile(rf"^(?:\s|[:,]|{_ASKS_EN}|計算して[:、,]?|計算[:：])+", re.IGNORECASE)
_AFTER: Final = re.compile(
    rf"(?:{_ASKS_JA}|[\s.,]|\b(?:equals?|is|please|equal to|what|come to|make)\b)+$", re.IGNORECASE
)
_COMMAND: Final = re.compile(r"計算|算出|calculate|compute|evaluate|work out|いくつ|いくら|how much|[=×÷]")
_MAYBE_DATE: Final = re.compile(r"\s*(?:(?:19|20)\d\d[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[/-]\d{1,2})\s*")
_CALLS: Final = re.compile(r"\s*@(?P<tool>[A-Za-z0-9_.-]{1,128})\s*(?P<arguments>\{.*\})?\s*", re.DOTALL)

_STUDY: Final = re.compile(
    r"勉強|学習|学ん|習[っい]|まな[んび]|べんきょう|やっ(?:た|て)|した|しました|読ん|書い|取り組|進め|復習|予習|記録|ログ|日記|ノート"
    r"|\b(?:stud(?:y|ied|ying)|learn(?:ed|t|ing)?|revis(?:e|ed)|review(?:ed)?|practi[cs]ed?|read|wr(?:ite|ote)|work(?:ed)?"
    r"|did|do|done|log(?:ged)?|notes?|journal|diary)\b"
)
_ABOUT: Final = re.compile(
    r"何|なに|なん|どんな|どこ|どれ|教えて|一覧|まとめ|見せて|振り返|ふりかえ|内容|こと|もの|リスト|\?|ください|下さい"
    r"|\b(?:what|which|show|list|summari[sz]e|tell|recap|anything)\b"
)
_REST_JA: Final = re.compile(
    r"勉強|学習|学ん|習|まなん|べんきょう|やっ|読ん|書い|取り組ん|進め|復習|予習|記録|ログ|日記|ノート|私|僕|わたし|自分|の間|間|あいだ"
    r"|何|なに|なん|どんな|どのような|どこ|どれ|教えて|一覧|まとめ|見せて|振り返|ふりかえ|内容|こと|もの|リスト|トピック|科目|分野|ください|下さい"
    r"|中|ころ|頃|ごろ|分|で|は|が|を|に|の|も|と|て|た|だ|か|し|い|っ|け|ま|す|せ|る|う|ね|よ|さ|れ|り|ら|く|け|な|ん|[\s、。?!「」・ー~\d]"
)
_REST_EN: Final = re.compile(
    r"\b(?:what|which|did|do|have|has|had|i|we|my|me|was|were|am|been|in|on|during|of|the|a|an|all|week|for|from|to|at|about"
    r"|with|stud(?:y|ied|ying)|learn(?:ed|t|ing)?|revised?|review(?:ed|ing)?|practi[cs](?:e|ed|ing)|read(?:ing)?|wr(?:ite|ote)"
    r"|work(?:ed|ing)?|done|doing|log(?:ged|s)?|notes?|journal|diary|show|list|summari[sz]e|tell|recap|anything|things?"
    r"|topics?|subjects?|study|please|up|that|day|month|year|and|between|it|everything|so|then|there|is|are|entries|entry)\b"
    r"|[^\w]",
)
_REQUEST: Final = re.compile(
    r"(?:して|いて|って|んで|べて|めて|せて|けて|出して|ください|下さい|ほしい|くれ|追加|保存|削除|作成|登録|送信|覚えて|書き込)"
    r"|^\s*(?:please\s+)?(?:can you |could you )?(?:add|create|write|save|store|delete|remove|remember|send|open|read|list"
    r"|run|call|use|get|fetch|search|move|rename|make|update|edit|post|book|schedule|echo|print|look|find|show|set)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A tool that a question wants.

    Attributes:
        tool: Its name; empty where a model has to choose among those of servers.
        arguments: What to call it with.
    """

    tool: str = ""
    arguments: Mapping[str, Any]


def wants_tool(
    question: str, *, today: date, servers: Sequence[str] = (), tools: Sequence[Tool] = ()
) -> Wish | None:
    """The tool that `question` wants, or None.

    A calculation, a question for what the learning log has of some days, and a call in writing
    (`@server.tool {"a": 1}`) are told by rules. With `servers`, a question that names one of them or of their
    `tools`, or that bids to do something, is a wish without a name: whether a tool fits is for a model to say,
    and where none does, the question is answered from the notes.

    Raises:
        BadInput: `tool_written`: the arguments of a call in writing are no JSON object.
    """
    called = _written_call(question, servers)
    if called:
        return called
    if expression := calculation_in(question):
        return Wish(tool=CALCULATOR, arguments={"expression": expression})
    if when := days_in(question, today):
        return Wish(tool=CALENDAR, arguments={"when": when})
    if servers and (_names_one(question, servers, tools) or _REQUEST.search(fold(question))):
        return Wish(arguments={})
    return None


def calculation_in(question: str) -> str:
    """The expression that `question` asks to work out; empty where it asks for something else."""
    if len(question) > 2 * LONGEST or not re.search(r"\d|[πeＥ]", question):
        return ""
    asked = question.strip()
    bare = _AFTER.sub("", _BEFORE.sub("", fold(asked))).strip()
    if not bare or (_MAYBE_DATE.fullmatch(bare) and not _COMMAND.search(fold(asked))):
        return ""
    return bare if is_calculation(bare) else ""


def days_in(question: str, today: date) -> str:
    """The words for days in a question that asks what was studied then, and for nothing else."""
    folded = fold(question)
    if len(folded) > 200:
        return ""
    period = find_period(question, today)
    if not period:
        return ""
    rest = f"{folded[: period.start]} {folded[period.end :]}"
    if not (_STUDY.search(rest) and _ABOUT.search(rest)):
        return ""
    left = _REST_EN.sub("", rest)
    return "" if _REST_JA.sub("", left) else folded[period.start : period.end]


def _written_call(question: str, servers: Sequence[str]) -> Wish | None:
    match = _CALLS.fullmatch(question)
    if not match:
        return None
    name = match["tool"].replace(".", SEPARATOR, 1)
    if name.partition(SEPARATOR)[0] not in {*servers, *BUILT_IN}:
        return None
    try:
        arguments = json.loads(match["arguments"] or "{}")
    except (ValueError, RecursionError) as error:
        raise BadInput("tool_written", tool=name, reason=error) from None
    return Wish(tool=name, arguments=arguments)


def _names_one(question: str, servers: Sequence[str], tools: Sequence[Tool]) -> bool:
    """Whether a server or a tool is named, as it is written or with its words apart."""
    folded = re.sub(r"[\s_-]+", " ", fold(question))
    names = {
        *servers,
        *(tool.name.removeprefix(f"{tool.server}{SEPARATOR}") for tool in tools if tool.server),
    }
    return any(
        re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", folded)
        for name in names
        if len(words := re.sub(r"[\s_-]+", " ", fold(name))) > 2
    )
