"""The bytes of a note, as text.

Notes come from many editors: UTF-8 with and without a mark, UTF-16 from Windows, Shift_JIS (as cp932)
and EUC-JP from the years before, ISO-2022-JP from mail, Windows-1252 from the West. And some were read
by the wrong one and saved again (`ingest.mojibake`).

The order of the questions is from certain to likely: byte order marks, escape sequences of ISO-2022-JP,
strict UTF-8 (text in another encoding passes for it almost never), NULs in the pattern of UTF-16; then
what a page says of itself, where its bytes agree; then cp932, EUC-JP and UTF-16 without a line end, which
decode each other's text without an error more often than not, by how plausible the result is as Japanese;
then Windows-1252, if it looks like words.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ingest.mojibake import repair

__all__ = ["Decoded", "NotText", "Reason", "decode"]

Reason = Literal["binary", "undecodable"]

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_MAGIC = (
    b"%PDF-",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x7fELF",
    b"SQLite format 3\x00",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"OggS",
    b"ID3",
    b"MZ\x90\x00",
)
_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\$\([@BDOPQ]|\([BJI])")
_DOUBLE_BYTE = re.compile(rb"\x1b\$(?:[@B]|\([@BDOPQ])")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_KANA = re.compile("[ぁ-んァ-ヶ。、]")
_WORD_CHARS = re.compile("[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ]")
_PAIRS = re.compile("[À-ÖØ-öø-ÿŒœŠšŽžŸ][a-z]|[a-z][À-ÖØ-öø-ÿŒœŠšŽžŸ]|[A-Z][À-ÖØ-Þ]|[À-ÖØ-Þ][A-Z]")
_QUOTES = re.compile("[‘’“”«»–—…€§°©®·•\xa0¿¡´]")
_ACCENTED = re.compile("[À-ÖØ-öø-ÿŒœŠšŽžŸ]")
_CONTROL_BYTES = bytes(i for i in range(0x80) if _CONTROLS.match(chr(i)))
_DECLARED = re.compile("big5|gb|euc_|cp|iso8859|koi8|mac-|shift|tis|johab|hz")
_BROADER = {  # what is meant by an older name, as browsers read it
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
}
_JAPANESE = frozenset({"cp932", "shift_jis_2004", "shift_jisx0213", "euc_jp", "euc_jis_2004", "euc_jisx0213"})
_FEW_KANA = 0.05
_SHARE_OF_KANA = 0.25
_TOO_MANY_CONTROLS = 0.01
_SAMPLE = 200_000
_BROKEN = "\N{REPLACEMENT CHARACTER}"
_MOSTLY = 20
"""So many sound characters beyond ASCII for each broken one make a file UTF-8 all the same."""
_MOSTLY_DECLARED = 2
"""The same for a file that says that it is UTF-8."""


class NotText(ValueError):
    """A file that holds no text, or none in an encoding that is known here.

    Attributes:
        reason: `"binary"` for data that is no text, `"undecodable"` for text in no known encoding.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    r"""The text of a file, and how it was found.

    Attributes:
        text: the text, without a byte order mark, lines ended by `\n`; line numbers are the file's.
        encoding: the Python codec that read it, such as `"utf-8"`, `"utf-8-sig"` or `"cp932"`.
        repair: what was mended, such as `"utf-8 read as cp1254, bytes lost"`; None for sound text.
        doubtful: half-open ranges of code points in `text` that the repair could only guess.
    """

    text: str
    encoding: str
    repair: str | None = None
    doubtful: tuple[tuple[int, int], ...] = ()


def decode(data: bytes, *, declared: str = "") -> Decoded:
    """Find the encoding of `data`, decode it, and repair mojibake.

    Args:
        data: The file.
        declared: The name of the encoding that the file gives itself; followed where the bytes agree.

    Raises:
        NotText: `data` is binary, or no known encoding makes text of it.
    """
    raw, encoding = _read(data, declared)
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    if _BROKEN in text and encoding == "utf-8" and _BROKEN.encode() not in data:
        broken = tuple((m.start(), m.end()) for m in re.finditer(f"{_BROKEN}+", text))
        return Decoded(text=text, encoding=encoding, repair="invalid bytes replaced", doubtful=broken)
    repaired = repair(text)
    if repaired is None:
        return Decoded(text=text, encoding=encoding)
    how = f"utf-8 read as {repaired.page}" + (", bytes lost" if repaired.lossy else "")
    return Decoded(text=repaired.text, encoding=encoding, repair=how, doubtful=repaired.doubtful)


def _read(data: bytes, declared: str) -> tuple[str, str]:
    for magic in _MAGIC:
        if data.startswith(magic):
            raise NotText("The file is an archive, an image or another binary format.", "binary")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding), encoding
    escape = _ESCAPE.search(data)
    if escape and _DOUBLE_BYTE.search(data) and data.isascii():
        for encoding in ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2004"):
            text = _strict(data, encoding)
            if text is not None:
                return text, encoding
    text = _strict(data, "utf-8")
    if text is not None and b"\x00" not in data:
        if len(data) - len(data.translate(None, _CONTROL_BYTES)) > len(data) * _TOO_MANY_CONTROLS:
            raise NotText("The file is full of control characters.", "binary")
        return text, "utf-8"
    if b"\x00" in data:
        return _unmarked_utf16(data)
    broken = data.decode("utf-8", "replace")
    if _has_few_broken(broken, data, _MOSTLY if _codec(declared) != "utf-8" else _MOSTLY_DECLARED):
        return broken, "utf-8"
    return _as_declared(data, declared) or _legacy(data)


def _has_few_broken(text: str, data: bytes, mostly: int) -> bool:
    """Whether only a few bytes of UTF-8 are damaged, as where a file was cut or two were joined.

    No legacy encoding looks like this: its text has hardly any valid UTF-8 sequences.
    """
    holes = text.count(_BROKEN)
    beyond = len(_BEYOND.findall(text)) - holes
    return holes * mostly <= beyond and not _has_controls(text) and _BROKEN.encode() not in data


def _marked(body: bytes, encoding: str) -> str:
    codec = "utf-8" if encoding == "utf-8-sig" else encoding
    text = _strict(body, codec)
    if text is None:
        raise NotText(f"The file begins as {encoding} but is not valid {encoding}.", "undecodable")
    if "\x00" in text:
        raise NotText("The file contains NUL characters.", "binary")
    return text


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _unmarked_utf16(data: bytes) -> tuple[str, str]:
    """UTF-16 without a mark: ASCII in it has NULs on one side only, and line ends are ASCII."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    # A NUL on the other side is no ASCII but U+3000 and its like: rare beside spaces and line ends.
    for encoding, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if len(data) % 2 == 0 and high > 4 * low:
            text = _strict(data, encoding)
            if text is not None and "\x00" not in text and not _CONTROLS.search(text) and _is_written(text):
                return text, encoding
    raise NotText("The file contains NUL bytes.", "binary")


def _is_written(text: str) -> bool:
    sample = text[:_SAMPLE]
    good = sum(char.isascii() or _weight(char) > 0 for char in sample)
    return good >= 0.7 * len(sample)


def _codec(declared: str) -> str:
    """Python's name of the encoding that a file names, empty where it knows none."""
    label = declared.strip().lower()[:40].removeprefix("x-").replace("windows-31j", "cp932")
    try:
        return codecs.lookup(label).name if label.isascii() else ""
    except (LookupError, ValueError):
        return ""


def _as_declared(data: bytes, declared: str) -> tuple[str, str] | None:
    """The text in the encoding that the file names, None where that is unknown or the bytes speak against it."""
    name = _codec(declared)
    if not _DECLARED.match(name):  # UTF-8 was tried, UTF-16 cannot say so, and the others are no text
        return None
    encoding = _BROADER.get(name, name)
    text = _strict(data, encoding)
    if text is None or _has_controls(text):
        return None
    if encoding in _JAPANESE:
        return (text, encoding) if _plausibility(text) > 0 else None
    # many servers call Japanese pages Latin-1; kana in numbers tell
    for other, read, plausible in _japanese(data):
        if plausible > 0 and len(_KANA.findall(read)) > _FEW_KANA * len(_BEYOND.findall(read)):
            return read, other
    return text, encoding


def _japanese(data: bytes) -> list[tuple[str, str, float]]:
    """The encodings that make text of `data`, with the text and how plausible it is as Japanese; best first."""
    found: list[tuple[str, str, float]] = []
    for encoding in ("cp932", "euc_jp"):
        text = _strict(data, encoding)
        if text is not None and not _has_controls(text):
            found.append((encoding, text, _plausibility(text)))
    for encoding, high in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
        if len(data) % 2 == 0 and high.count(0x30) > _SHARE_OF_KANA * len(high):  # kana, and no line end
            text = _strict(data, encoding)
            if text is not None and not _has_controls(text) and _is_written(text):
                found.append((encoding, text, _plausibility(text)))
    return sorted(found, key=lambda item: item[2], reverse=True)


def _legacy(data: bytes) -> tuple[str, str]:
    found = _japanese(data)
    western = _strict(data, "cp1252")
    is_western = western is not None and not _has_controls(western) and _is_western(western)
    if found:
        encoding, text, plausible = found[0]
        # An accented letter and the plain letter after it can pass for one kanji; Japanese has kana.
        if plausible > 0 and not (is_western and not _KANA.search(text)):
            return text, encoding
    if western is not None and is_western:
        return western, "cp1252"
    if _CONTROLS.search(data.decode("latin-1")):
        raise NotText("The file is binary data.", "binary")
    raise NotText("The file is in no encoding that is known here.", "undecodable")


def _has_controls(text: str) -> bool:
    return _CONTROLS.search(text) is not None


def _plausibility(text: str) -> float:
    """The mean weight of the characters beyond ASCII: about 1 for Japanese, below 0 for misread text."""
    return _mean(_weight(char) for char in text[:_SAMPLE] if not char.isascii())


def _mean(weights: Iterable[float]) -> float:
    total = count = 0.0
    for weight in weights:
        total += weight
        count += 1
    return total / count if count else 0.0


def _weight(char: str) -> float:
    point = ord(char)
    if 0x3041 <= point <= 0x3093 or 0x3001 <= point <= 0x3002 or point == 0x30FC:
        return 1.2
    if 0x30A1 <= point <= 0x30F6 or 0x3000 <= point <= 0x3017:
        return 1.0
    if 0x4E00 <= point <= 0x9FFF:
        raw = char.encode("euc_jp", "ignore")
        return 1.0 if len(raw) == 2 and 0xB0 <= raw[0] < 0xD0 else -1.0
    if 0xFF61 <= point <= 0xFF9F:
        return -0.6
    if 0xFF01 <= point <= 0xFF5E or 0x2000 <= point <= 0x27FF:
        return 0.6
    if 0x80 <= point <= 0x9F or 0xE000 <= point <= 0xF8FF:
        return -3.0
    return -0.3


def _is_western(text: str) -> bool:
    """Whether the accented letters of `text` stand in words and the other signs are punctuation."""
    sample = text[:_SAMPLE]
    beyond = len(_BEYOND.findall(sample))
    accented = len(_ACCENTED.findall(sample))
    signs = len(_QUOTES.findall(sample))
    letters = len(_WORD_CHARS.findall(sample))
    in_words = len(_PAIRS.findall(sample))
    return (
        accented + signs >= 0.9 * beyond
        and letters > 0
        and 2 * in_words >= accented
        and letters - accented >= 2 * accented
    )
