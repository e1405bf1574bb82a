"""Decoding: every encoding that notes come in is found; what is no text is refused."""

import contextlib
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decode import NotText, decode

NOTE = "# 学習メモ\n- トークンは文字列の単位。「引用」も、ある。\n漢字とひらがなを使う。\n"
WESTERN = [
    "Le café était fermé – « déjà vu ».",
    "Übung macht den Meister, größer ist schöner.",
    "El niño comió piñas.",
    "“Quoted” text, don’t panic",
    "Smörgåsbord på svenska: åäö är bokstäver",
]
KANA = st.text(
    alphabet="あいうえおかきくけこさしすせそたちつてとなにぬねのまみむめもやゆよらりるれろわをん"
    "アイウエオ漢字学習日本語。、\n ab1",
    min_size=12,
    max_size=200,
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "iso2022_jp"]
)
def test_each_encoding_of_a_japanese_note_is_found(encoding: str) -> None:
    found = decode(NOTE.encode(encoding))
    assert (found.text, found.encoding, found.repair, found.doubtful) == (NOTE, encoding, None, ())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["これはテストです", "漢字とかなの、行がひとつ。", "カタカナとひらがな"])
def test_utf_16_without_a_mark_or_a_line_end_is_found(encoding: str, text: str) -> None:
    found = decode(text.encode(encoding))
    assert (found.text, found.encoding) == (text, encoding)


@pytest.mark.parametrize(
    ("text", "codec", "declared", "encoding"),
    [
        ("привет, это заметка", "cp1251", "windows-1251", "cp1251"),
        ("학습 노트의 내용", "cp949", "ks_c_5601-1987", "cp949"),
        ("学習のノート。", "cp932", "Windows-31J", "cp932"),
        ("学習のノート。", "cp932", "iso-8859-1", "cp932"),
        ("学習のノート。", "euc_jp", "Shift_JIS", "euc_jp"),
        ("学習のノート。", "utf-8", "euc-jp", "utf-8"),
        ("déjà vu, très bien", "cp1252", "no such thing", "cp1252"),
        ("déjà vu, très bien", "cp1252", "rot13", "cp1252"),
        ("déjà vu, très bien", "cp1252", "é", "cp1252"),
    ],
)
def test_what_a_file_says_of_its_encoding_is_followed_where_its_bytes_agree(
    text: str, codec: str, declared: str, encoding: str
) -> None:
    found = decode(text.encode(codec), declared=declared)
    assert (found.text, found.encoding) == (text, encoding)


def test_a_file_that_says_it_is_utf_8_may_have_more_broken_bytes() -> None:
    data = "短い文".encode() + b"\xff" + "です".encode()
    assert decode(data, declared="UTF-8").encoding == "utf-8"
    with pytest.raises(NotText):
        decode(b"\xe9\xff\xfe\xe8", declared="utf-8")


@pytest.mark.parametrize(("codec", "found"), [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")])
def test_a_byte_order_mark_is_obeyed_and_removed(codec: str, found: bytes) -> None:
    decoded = decode(found + NOTE.encode(codec))
    assert (decoded.text, decoded.encoding) == (NOTE, codec)


@pytest.mark.parametrize("text", WESTERN)
def test_western_text_is_windows_1252(text: str) -> None:
    found = decode(text.encode("cp1252"))
    assert (found.text, found.encoding) == (text, "cp1252")


@given(KANA.filter(lambda text: sum(not c.isascii() for c in text) >= 6))
@settings(max_examples=150, deadline=None)
def test_cp932_and_euc_jp_are_told_apart(text: str) -> None:
    assert decode(text.encode("cp932")).text == text
    assert decode(text.encode("euc_jp")).text == text


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=100))
@settings(max_examples=150, deadline=None)
def test_utf_8_is_always_read_as_utf_8(text: str) -> None:
    found = decode(text.encode())
    assert found.encoding in ("utf-8", "utf-8-sig")
    assert found.repair is not None or found.text == text.removeprefix("\ufeff")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_become_newlines(end: str) -> None:
    assert decode(NOTE.replace("\n", end).encode("cp932")).text == NOTE


def test_mojibake_is_repaired_and_reported() -> None:
    lost = bytes((0x81, 0x8D, 0x8E, 0x8F, 0x90, 0x9D, 0x9E))
    damaged = (NOTE * 3).encode().translate(None, lost).decode("cp1254")
    found = decode(damaged.encode())
    assert found.repair == "utf-8 read as cp1254, bytes lost"
    assert found.encoding == "utf-8"
    assert found.text.count("\n") == 3 * NOTE.count("\n")


def test_mojibake_without_loss_says_so() -> None:
    found = decode(NOTE.encode().decode("latin-1").encode("utf-16"))
    assert (found.text, found.encoding, found.repair) == (NOTE, "utf-16-le", "utf-8 read as latin-1")


def test_a_broken_byte_in_utf_8_is_marked_not_fatal() -> None:
    data = (NOTE * 3).encode()
    found = decode(data[:100] + b"\xff" + data[100:])
    start, end = found.doubtful[0]
    assert found.encoding == "utf-8"
    assert found.repair == "invalid bytes replaced"
    assert set(found.text[start:end]) == {"\N{REPLACEMENT CHARACTER}"}
    assert found.text.count("\n") == 3 * NOTE.count("\n")


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"%PDF-1.7\n%\xe2\xe3",
        b"PK\x03\x04rest",
        b"text with a \x00 in it",
        b"\x01\x02\x03\x04 control \x05\x06",
        zlib.compress(NOTE.encode() * 50),
        random.Random(7).randbytes(4000),
    ],
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(NotText) as refusal:
        decode(data)
    assert refusal.value.reason == "binary"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\xef\xbb\xbf\xff", bytes(range(0x80, 0x100))])
def test_text_in_no_known_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(NotText) as refusal:
        decode(data)
    assert refusal.value.reason == "undecodable"


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotText):
        assert "\r" not in decode(data).text


def test_an_empty_file_is_an_empty_text() -> None:
    assert decode(b"").text == ""


@pytest.mark.parametrize("text", ["「" * 3_000_000, "é »" * 1_000_000, "ã“" * 1000 + "x" * 5_000_000])
def test_one_very_long_line_is_no_trouble(text: str) -> None:
    assert decode(text.encode()).text.count("\n") == 0
