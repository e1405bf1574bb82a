"""Takes out of traces what should not be in them: secrets, e-mail addresses, telephone numbers, and more.

It runs behind the request's path, before a line is written to its file, and again before it is sent where a
line was written by other rules. Masking twice changes nothing more.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from app.tracing.events import ScoreRecord, SpanRecord
from app.tracing.redaction import KEYS, secret_values

R = TypeVar("R", SpanRecord, ScoreRecord)

SECRET: Final = "[secret]"  # noqa: S105 - what stands in its place
EMAIL: Final = "[e-mail]"
PHONE: Final = "[phone]"
OTHER: Final = "[masked]"

_DIGIT: Final = "[0-9０-９]"
_GAP: Final = "[-‐-―ー－−. \u3000()（）]"
_ALONE: Final = "(?<![0-9A-Za-z０-９_.-])"
_ENDS: Final = "(?![0-9A-Za-z０-９_])"
_TELEPHONE: Final = (
    "電話(?:番号)?|携帯(?:番号)?|ファック?ス|(?<![A-Za-z])(?:tel|fax|phone|mobile|cell)(?![A-Za-z])"
)

_ADDRESSES: Final = (
    re.compile(
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}[@＠](?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}"
    ),
    re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}[@＠](?:[\w-]{1,63}\.){1,8}[\w-]{2,63}"),
)
"""In ASCII first: a Japanese sentence has no spaces that would part it from an address."""
_INTERNATIONAL: Final = re.compile(
    f"(?<![0-9A-Za-z０-９_+＋])[+＋]{_DIGIT}(?:{_GAP}{{0,2}}{_DIGIT}){{7,14}}{_ENDS}"
)
_JAPANESE: Final = re.compile(
    f"{_ALONE}[(（]?[0０]{_DIGIT}{{1,4}}{_GAP}{{1,2}}{_DIGIT}{{1,4}}{_GAP}{{0,2}}{_DIGIT}{{3,4}}{_ENDS}"
)
_UNBROKEN: Final = re.compile(
    f"{_ALONE}[0０](?:[5-9５-９][0０]{_DIGIT}{{8}}|[1１][2２][0０]{_DIGIT}{{6}}|[5５][7７][0０]{_DIGIT}{{6}}){_ENDS}"
)
_LABELLED: Final = re.compile(f"(?i)((?:{_TELEPHONE})[^0-9０-９\\n]{{0,8}})[0０]{_DIGIT}{{8,10}}{_ENDS}")
_AMERICAN: Final = re.compile(rf"{_ALONE}(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[-.])[2-9]\d\d[-.]\d{{4}}{_ENDS}")
_PASSWORD: Final = re.compile(
    r"(?i)((?:password|passwd|passphrase|パスワード|暗証番号|合言葉)[\"']?\s*(?:[=:＝：]|は|is)\s*[\"'「]?)"
    r"([!-~]{4,})"
)
_KEY: Final = re.compile(
    r"(?i)((?:api[-_ ]?key|token|secret|credential|秘密鍵|APIキー)[\"']?\s*(?:[=:＝：]|は)\s*[\"'「]?)"
    r"(?=[!-~]*\d)([A-Za-z0-9+/_.=~-]{8,})"
)
_BLOCK: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)

_MASKED_FIELDS: Final = ("input", "output", "status", "metadata", "tags", "comment")
_IDENTIFIERS: Final = frozenset(
    {"id", "ids", "passage_id", "arms", "kind", "model", "effort", "language", "version", "hash", "label"}
    | {"role", "finish_reason", "name", "code", "mode", "fingerprints", "model_parameters", "prompt", "error"}
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.:|+/@-]{1,128}")


class Masker:
    """The rules of one installation.

    Args:
        patterns: The user's own regular expressions.
        secrets: Texts that are masked wherever they stand.
        withhold: Keep no text at all: only ids, names of steps, numbers.

    Raises:
        re.error: A pattern is none.
    """

    def __init__(
        self, patterns: Sequence[str] = (), *, secrets: Iterable[str] = (), withhold: bool = False
    ) -> None:
        self._own = [re.compile(pattern) for pattern in patterns]
        known = sorted({*secrets, *secret_values(os.environ)} - {""}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        written = {json.dumps(value, ensure_ascii=False)[1:-1] for value in known}
        self._known_written = re.compile("|".join(map(re.escape, written))) if known else None
        self._withhold = withhold
        rules = json.dumps([list(patterns), known, withhold])
        self.mark = sha256(f"1{rules}".encode()).hexdigest()[:8]
        self._marked = f',"mask":"{self.mark}"}}'.encode()

    def text(self, text: str) -> str:
        """`text` without what the rules name."""
        if self._known:
            text = self._known.sub(SECRET, text)
        if "-----BEGIN" in text:
            text = _BLOCK.sub(SECRET, text)
        text = KEYS.sub(SECRET, text)
        text = _PASSWORD.sub(rf"\1{SECRET}", text)
        text = _KEY.sub(rf"\1{SECRET}", text)
        if "@" in text or "＠" in text:
            for address in _ADDRESSES:
                text = address.sub(EMAIL, text)
        text = _without_telephones(text)
        for pattern in self._own:
            text = pattern.sub(OTHER, text)
        return text

    def value(self, value: Any) -> Any:
        """The same for every text in a value of JSON, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def outward(self, value: Any) -> Any:
        """A value of JSON as it may leave the machine: masked, and without its texts where they are withheld."""
        return self._field("", value)

    def line(self, line: bytes) -> bytes:
        """A line of a trace file, masked and marked. What cannot be masked is not kept."""
        try:
            if line.endswith(self._marked):  # it was to be written before, and the disk did not take it
                return line
            text = line.decode("utf-8", errors="replace")
            if not (self._withhold or self._own or self._suspicious(text)):
                return line[:-1] + self._marked
            record = json.loads(text)
            for name in _MASKED_FIELDS:
                if name in record:
                    record[name] = self._field(name, record[name])
            record["mask"] = self.mark
            return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(
                errors="backslashreplace"
            )
        except Exception:  # a pattern that runs out of stack, or a line that is none
            return b'{"type":"lost"' + self._marked

    def record(self, record: R) -> R:
        """A record that was read back, by these rules; itself where it was written by them."""
        if record.mask == self.mark:
            return record
        if isinstance(record, ScoreRecord):
            return replace(record, comment=self._field("comment", record.comment), mask=self.mark)
        return replace(
            record,
            input=self._field("input", record.input),
            output=self._field("output", record.output),
            status=self._field("status", record.status),
            metadata=self._field("metadata", record.metadata),
            tags=tuple(self._field("tags", list(record.tags))),
            mask=self.mark,
        )

    def _field(self, name: str, value: Any) -> Any:
        masked = self.value(value)
        if not self._withhold:
            return masked
        if name == "status":
            return str(masked).partition(":")[0] if _TOKEN.fullmatch(str(masked).partition(":")[0]) else ""
        if name == "comment":
            return ""
        return withheld(masked, identifier=name == "tags")

    def _suspicious(self, text: str) -> bool:
        """Whether a rule may hold in a line as it is written; a line in which none does need not be read."""
        if self._known_written and self._known_written.search(text):
            return True
        if "\\" in text:  # the letter of an escape is no part of the word behind it
            text = _ESCAPE.sub(" ", text)
        if "-----BEGIN" in text or "@" in text or "＠" in text:
            return True
        lowered = text.lower()
        if any(hint in lowered for hint in _HINTS) and (KEYS.search(text) or _LABEL.search(text)):
            return True
        return bool(_MANY_DIGITS.search(text)) and any(search(text) for search in _TELEPHONES)


_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_LABEL: Final = re.compile(
    r"(?i)passw|passphrase|パスワード|暗証番号|合言葉|api[-_ ]?key|APIキー|secret|credential|秘密鍵"
    r"|token[\\\"']*\s*[=:＝：は]"
)
_HINTS: Final = (
    *(
        "passw",
        "passphrase",
        "パスワード",
        "暗証番号",
        "合言葉",
        "api",
        "token",
        "secret",
        "credential",
        "秘密鍵",
    ),
    *("bearer", "basic", "akia", "asia", "aiza", "eyj", "://", "glpat", "github_pat", "dop_v1", "xox"),
    *("sk-", "sk_", "pk-", "pk_", "rk_", "hf_", "npm_", "gho_", "ghp_", "ghs_", "ghu_", "ghr_"),
)
"""Of these, in small letters, one is in every text with a secret: to look for them is quicker than to match."""
_MANY_DIGITS: Final = re.compile(f"(?<![0-9A-Za-z０-９_]){_DIGIT}(?:{_GAP}{{0,2}}{_DIGIT}){{7,14}}{_ENDS}")
_TELEPHONES: Final[Sequence[Callable[[str], object]]] = (
    _INTERNATIONAL.search,
    _JAPANESE.search,
    _UNBROKEN.search,
    _LABELLED.search,
    _AMERICAN.search,
)


def withheld(value: Any, *, identifier: bool = False) -> Any:
    """A value of JSON with numbers and identifiers as they are, and the length of each text in its place."""
    if isinstance(value, str):
        return value if identifier and _TOKEN.fullmatch(value) else f"<{len(value)} characters>"
    if isinstance(value, Mapping):
        return {
            key if _TOKEN.fullmatch(key) else f"<{len(key)} characters>": withheld(
                item, identifier=identifier or key in _IDENTIFIERS
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [withheld(item, identifier=identifier) for item in value]
    return value


def _without_telephones(text: str) -> str:
    if "+" in text or "＋" in text:
        text = _INTERNATIONAL.sub(_international, text)
    text = _JAPANESE.sub(_japanese, text)
    text = _UNBROKEN.sub(PHONE, text)
    text = _LABELLED.sub(rf"\1{PHONE}", text)
    return _AMERICAN.sub(PHONE, text)


def _digits(text: str) -> int:
    return sum(character.isdecimal() for character in text)


def _international(match: re.Match[str]) -> str:
    """Digits in one piece are a number of another kind where they are few (`+10000000`)."""
    digits = _digits(match[0])
    return match[0] if digits < 10 and len(match[0]) == digits + 1 else PHONE


def _japanese(match: re.Match[str]) -> str:
    """Ten digits, or eleven: what has fewer or more (`05-11-2026`) is no telephone number."""
    return PHONE if _digits(match[0]) in (10, 11) else match[0]
