"""The questions that one question asks: each can be searched for, and answered, by itself."""

import re
from collections.abc import Iterator
from typing import Final

from terakoya.text.language import JAPANESE

MOST_PARTS: Final = 6
_ASKS_JA: Final = re.compile(
    r"(?:何|なに|どこ|いつ|誰|だれ|いくつ|どれ|どちら|どっち)(?!か(?!ら|[?？]|$)|\w?\w?\w?も)|なん(?:の|で|と|だ|です)"
    r"|(?<!な)どの|どう|どんな|いくら|なぜ"
)
"""Words that ask; with か or も behind them (いくつか, 何の利益も) they do not."""
_ASKS_EN: Final = r"(?:what|how|when|where|who|whom|whose|why|which|does|do|did|is|are|was|were|can)"
_OPENS_EN: Final = re.compile(
    rf"(?:\w+\s+){{0,3}}{_ASKS_EN}\b|[^,]{{1,60}}[:,]\s*{_ASKS_EN}\b", re.IGNORECASE
)
_ENDS: Final = re.compile(r"(?<=[?？])\s*(?=\S)|(?<=。)\s*(?=\S)")
_ALSO_JA: Final = re.compile(r"、\s*(?:それから|そして|また(?!は)|あと(?!の)|さらに|加えて|ついでに)、?")
_LEADING_JA: Final = re.compile(
    r"^(?:それから|そして|また(?!は)|あと(?!の)|さらに|加えて|ついでに|では)、?\s*"
)
_LEADING_EN: Final = re.compile(r"^(?:and|also|plus|then)[,\s]+", re.IGNORECASE)
_CLAUSE_EN: Final = re.compile(
    rf"(?:,\s*|;\s*|\s+)(?:and|also|plus)\s+(?=(?:also\s+)?{_ASKS_EN}\b)", re.IGNORECASE
)
_TOPIC: Final = re.compile(r"^(?P<topic>[^、。]{1,40}?)は(?=[^、。]*、)")
_EACH_JA: Final = re.compile(r"(?P<particle>は|って|を|で|が|の)?、?(?:それぞれ|各々|おのおの)(?:の|は)?")
_ENDING_JA: Final = re.compile(r"(?:なの)?で$")
_JOINT_JA: Final = re.compile(r"と、?(?!き|し|も|い|こ)|、|や(?![すっりるめ])|および|及び|ならびに")
_COMPARED: Final = re.compile(
    r"違|差|比べ|比較|使い分け|どちら|どっち|関係|共通|相違|異な|同じ|あいだ|(?<![分時日週月年])間の|の比(?![べ重])|\bvs\b",
    re.IGNORECASE,
)
_COMPARED_EN: Final = re.compile(
    r"\bbetween\b|\bdiffer|\bcompar|\bcommon\b|\bsum\b|\bratio\b|\brelat|\bcombin|\b(?:vs|versus)\b",
    re.IGNORECASE,
)
_NAME_JA: Final = r"[^\s、。？?\u3041-\u3096]{1,24}"
_ATTRIBUTE_JA: Final = re.compile(
    rf"^(?P<first>{_NAME_JA})(?:と|や|および|及び|ならびに)(?P<second>{_NAME_JA})"
    r"の(?P<rest>(?:[^、。のをが]{1,16}|[^、。のをがはと]{1,10}と[^、。をがはと]{1,12})(?:(?:は|って|とは)[^、。を]{0,12}|を(?:教|知|説|書)[^、。]{0,12}|)[?？]?)$"
)
"""Names are written without hiragana: by form nothing else tells them from what is said of them."""
_ASPECT_JA: Final = r"[^\s、。？?のはがをにでと]{1,12}"
_ASPECTS_JA: Final = re.compile(
    rf"^(?P<thing>[^、。とはがを]{{1,30}})の(?P<first>{_ASPECT_JA})(?:と|や|および|及び)(?P<second>{_ASPECT_JA})"
    r"(?P<rest>(?:は|って|とは)[^、。を]{0,12}|を(?:教|知|説|書)[^、。]{0,12})$"
)
"""Two things asked about one; with a の of its own the second would be of another."""
_OWNER_JA: Final = r"[^、。？?とはがを]{1,24}の[^、。？?とはがをの]{1,12}"
_OWNED_JA: Final = re.compile(
    rf"^(?P<first>{_NAME_JA}の{_NAME_JA}|{_OWNER_JA})(?:と、?(?![しきいもこ])|や|および|及び)"
    rf"(?P<second>{_NAME_JA}の{_NAME_JA}|{_OWNER_JA})(?P<rest>(?:は|って|を(?=教)).*)$"
)
"""Each has its own の, so that と between them joins two questions."""
_BOTH_JA: Final = re.compile(
    rf"^(?P<first>{_NAME_JA})(?:と、?|や|および|及び)(?P<second>{_NAME_JA})"
    r"(?P<rest>(?:は|って|とは)(?:何|なに|なん|いくつ|いくら|いつ|ど[のれ](?:くらい|ぐらい))?(?:ですか|でしたか|だった)?[?？]?)$"
)
"""Nothing but two things, and the word that asks."""
_CASES_JA: Final = re.compile(
    r"^(?P<first>.+?(?:とき|時|場合))と、?(?P<second>.+?(?:とき|時|場合))(?P<rest>(?:の|は|に|で).+)$"
)
_OBJECT_JA: Final = re.compile(r"^[^、。をがにで]{1,24}[をがにで]")
"""What is done, or happens, to what: a second case without one is of the same thing."""
_EACH_EN: Final = re.compile(
    rf"^(?P<head>(?:{_ASKS_EN})\s+(?:do|does|did|is|are|was|were)\s+)(?P<first>(?:the\s+)?\S+(?:\s\S+)?)\s+and\s+"
    r"(?P<second>(?:the\s+)?\S+(?:\s\S+)?)(?P<rest>\s+(?:each|both|respectively|mean|stand for|do|work|used for)\b.*)$",
    re.IGNORECASE,
)
_OF_EN: Final = re.compile(
    rf"^(?P<head>(?:{_ASKS_EN})\b.*?\s(?:of|for)\s+)(?P<first>(?:the\s+)?[\w'’-]+)\s+and\s+"
    rf"(?!{_ASKS_EN}\b|(?:so|others?|more)\b)(?P<second>(?:the\s+)?[\w'’-]+)(?P<rest>)\s*[?.]?$",
    re.IGNORECASE,
)
"""What is asked of two things, each named by one word: longer names are rather one with "and" in it."""
_QUOTED: Final = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”|\"[^\"]*\"|（[^（）]*）")
_MASK: Final = "\ue000"
"""Stands for what is quoted, which is not taken apart."""
_FEWEST_WORDS: Final = 3
"""An English clause with fewer is no question of its own ("... and what?")."""


def parts(question: str) -> tuple[str, ...]:
    """The questions in `question`, in order, each a question of its own; one alone where it asks one thing.

    By form, without a dictionary: several sentences; clauses that each ask ("Who ..., and what ...?", "Xは何で、
    Yはどこ？"); things asked about together ("AとBはそれぞれ何年？", "AとBの求め方は？", "XのAとBは？",
    "What do A and B mean?"). A clause
    without a topic takes that of the one before; a pronoun stays, for `workflows.standalone` to fill in. A
    comparison asks one thing of two and is not taken apart. By form alone a name that holds "と" may look like two
    things, so whoever answers should look for the whole as well.
    """
    whole = question.strip()
    quoted = [match.group() for match in _QUOTED.finditer(whole)]
    masked = _QUOTED.sub(_MASK, whole)
    found = [
        each
        for stretch in _sentences(masked)
        for clause in (_clauses_ja(stretch) if JAPANESE.search(masked) else _clauses_en(stretch))
        for each in (_each_ja(clause) if JAPANESE.search(masked) else _each_en(clause))
    ]
    if sum(each.count(_MASK) for each in found) != len(quoted):  # said of several things
        return (whole,)
    quotes = iter(quoted)
    unique = tuple(dict.fromkeys(re.sub(_MASK, lambda _: next(quotes), each) for each in found))
    return unique if 1 < len(unique) <= MOST_PARTS else (whole,)


def _sentences(question: str) -> list[str]:
    """Sentences that ask; one that does not, or names but another choice ("借方？貸方？"), stays with its neighbour."""
    kept: list[str] = []
    said = ""
    for stretch in _ENDS.split(question):
        if _asks(stretch):
            kept.append(said + stretch)
            said = ""
        elif kept:
            kept[-1] += f" {stretch}" if stretch[:1].isascii() else stretch
        else:
            said += stretch
    return kept or [question]


def _asks(text: str) -> bool:
    if JAPANESE.search(text):
        return bool(
            _ASKS_JA.search(text)
            or re.search(r"(?:は|って|とは)[?？]$|.(?:は|って).*[?？]$|教えて|ください|説明して", text)
        )
    return len(text.split()) >= _FEWEST_WORDS and text.endswith("?")


def _clauses_ja(sentence: str) -> Iterator[str]:
    """At a comma between two clauses that ask, and where "and then" joins them."""
    topic = ""
    for joined in _ALSO_JA.split(_LEADING_JA.sub("", sentence)):
        clause = ""
        pieces = joined.split("、")
        for number, piece in enumerate(pieces):
            clause = f"{clause}、{piece}" if clause else piece
            rest = "、".join(pieces[number + 1 :])
            if rest and _ASKS_JA.search(piece) and (_ASKS_JA.search(rest) or re.search(r"は[?？]?$", rest)):
                yield _with_topic(_ENDING_JA.sub("", clause), topic)
                found = _TOPIC.match(f"{clause}、")
                topic = found["topic"] if found else topic
                clause = ""
        if clause:
            yield _with_topic(clause, topic)


def _with_topic(clause: str, topic: str) -> str:
    return clause if not topic or re.search(r"[^にでと]は|って", clause) else f"{topic}は{clause}"


def _each_ja(clause: str) -> Iterator[str]:
    """One question for each of the things that are asked about together."""
    if _COMPARED.search(clause):
        yield clause
    elif (each := _EACH_JA.search(clause)) and (rest := clause[each.end() :]):
        yield from _each_of(clause[: each.start()], each["particle"] or "は", rest)
    elif found := _CASES_JA.match(clause):
        thing = _OBJECT_JA.match(found["first"])
        shared = thing[0] if thing and not _OBJECT_JA.match(found["second"]) else ""
        yield from (found["first"] + found["rest"], shared + found["second"] + found["rest"])
    elif found := _OWNED_JA.match(clause):
        yield from (found[name] + found["rest"] for name in ("first", "second"))
    elif found := _ASPECTS_JA.match(clause):
        yield from (f"{found['thing']}の{found[name]}{found['rest']}" for name in ("first", "second"))
    elif found := _BOTH_JA.match(clause):
        yield from (found[name] + found["rest"] for name in ("first", "second"))
    elif found := _ATTRIBUTE_JA.match(clause):
        yield from (f"{found[name]}の{found['rest']}" for name in ("first", "second"))
    else:
        yield clause


def _each_of(things: str, particle: str, rest: str) -> Iterator[str]:
    """`things` may have a topic above them ("XはAとBを"), and an attribute that is said once ("AとBのy")."""
    topic, mark, listed = things.rpartition("は")
    names = [name for name in _JOINT_JA.split(listed) if name]
    last, of, attribute = names[-1].partition("の") if names else ("", "", "")
    shared = of + attribute if of and not any("の" in name for name in names[:-1]) else ""
    for name in [*names[:-1], last if shared else names[-1]] if names else [listed]:
        yield f"{topic}{mark}{name}{shared}{particle}{rest}"


def _clauses_en(sentence: str) -> Iterator[str]:
    clauses = [_LEADING_EN.sub("", clause.strip()) for clause in _CLAUSE_EN.split(sentence)]
    if any(len(clause.split()) < _FEWEST_WORDS for clause in clauses) or not _OPENS_EN.match(clauses[0]):
        yield sentence
    else:
        yield from map(_ended, clauses)


def _each_en(clause: str) -> Iterator[str]:
    found = _EACH_EN.match(clause) or _OF_EN.match(clause)
    if not found or _COMPARED_EN.search(clause):
        yield clause
        return
    rest = re.sub(r"\s*,?\s+\b(?:each|both|respectively)\b", "", found["rest"])
    for thing in (found["first"], found["second"]):
        yield _ended(f"{found['head']}{thing.strip()}{rest}")


def _ended(clause: str) -> str:
    return clause if clause.endswith(("?", ".", "!")) else f"{clause}?"
