import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Settings, load_settings
from app.tracing import SpanRecord, SpoolTracer, make_tracer, read_trace
from app.tracing.events import parse
from app.tracing.masking import Masker, withheld
from app.tracing.standin import StandIn
from terakoya.errors import BadInput

Make = Callable[..., SpoolTracer]
Until = Callable[..., None]

TELEPHONES = [
    "03-1234-5678",
    "(03) 1234-5678",
    "03(1234)5678",
    "０３－１２３４－５６７８",
    "0120-123-456",
    "090-1234-5678",
    "090 1234 5678",
    "09012345678",
    "０９０１２３４５６７８",
    "050-1234-5678",
    "+81 90-1234-5678",
    "+81-3-1234-5678",
    "+819012345678",
    "＋８１ ９０ １２３４ ５６７８",
    "+1 (415) 555-0132",
    "+44 20 7946 0958",
    "+49 30 901820",
    "(415) 555-0132",
    "415-555-0132",
    "電話: 0312345678",
    "TEL 0312345678",
]
ADDRESSES = ["taro.yamada+notes@example.co.jp", "a@b.io", "花子@例え.jp", "x_1@mail.example.museum"]
SECRETS = {
    "sk-proj-4f9a8b7c6d5e4f3a2b1c": "4f9a8b7c6d5e4f3a2b1c",
    "sk-lf-0f9a8b7c-6d5e-4f3a": "0f9a8b7c-6d5e-4f3a",
    "ghp_abcdefghij0123456789": "abcdefghij0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl": "11ABCDEFG0abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE": "IOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "SyA1234567890",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123": "eyJzdWIiOiIxMjM0In0",
    "Bearer abcdefghij0123456789": "abcdefghij0123456789",
    "postgresql://user:hunter22@localhost/db": "hunter22",
    "password: hunter2": "hunter2",
    'password="hunter2"': "hunter2",
    "パスワードは hunter2": "hunter2",
    "api_key = 4f9a8b7c6d5e": "4f9a8b7c6d5e",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----": "MIIEabc",
}
PRIVATE = {**{each: each for each in (*TELEPHONES, *ADDRESSES)}, **SECRETS}
PRIVATE |= {"電話: 0312345678": "0312345678", "TEL 0312345678": "0312345678"}
HARMLESS = [
    "2026-11-22",
    "05-11-2026",
    "2026-11-22 09:15:30",
    "ISBN 978-4-00-310101-8",
    "ISBN 4003101014",
    "0.1234567890",
    "1234567890123456789",
    "f(x) = 2x + 10000000",
    "x+1",
    "192.168.0.1",
    "550e8400-e29b-41d4-a716-446655440000",
    "the token is the smallest unit",
    "@dataclass",
    "primary key: pk_student_id",
    "Basic concepts of chemistry",
    "光合成は葉緑体で起こる（教科書 123 ページ）。",
    "H2O, CO2, 6.02214076e23",
    "1853-1854年",
]


@pytest.fixture
def masker() -> Masker:
    return Masker()


@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize("around", ["{}", "ここに{}があります。", "see {}, please", '"{}"', "a\n{}\tb"])
def test_what_is_private_is_masked_wherever_it_stands(masker: Masker, private: str, around: str) -> None:
    text = around.format(private)
    masked = masker.text(text)
    assert PRIVATE[private] not in masked, masked
    assert masker.text(masked) == masked
    line = json.dumps({"type": "span", "input": [text], "metadata": {"k": {"n": text}}}, ensure_ascii=False)
    read = json.loads(masker.line(line.encode()))
    assert read["input"] == [masked]
    assert read["metadata"] == {"k": {"n": masked}}


def test_only_the_address_goes_from_a_japanese_sentence(masker: Masker) -> None:
    assert masker.text("連絡先はtaro@example.comです") == "連絡先は[e-mail]です"
    assert masker.text("電話は03-1234-5678です") == "電話は[phone]です"


@pytest.mark.parametrize("harmless", HARMLESS)
def test_what_only_looks_like_it_stays(masker: Masker, harmless: str) -> None:
    assert masker.text(harmless) == harmless
    assert masker.text(f"日本語{harmless}の文") == f"日本語{harmless}の文"


def test_values_of_the_environment_and_of_the_settings_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", 'quo"te and\\slash')
    masker = Masker(secrets=["plain-words-only"])
    line = json.dumps({"type": "span", "output": 'a quo"te and\\slash and plain-words-only'}).encode()
    assert json.loads(masker.line(line))["output"] == "a [secret] and [secret]"


def test_the_user_s_own_patterns_are_masked_at_line_ends_too() -> None:
    masker = Masker([r"学籍番号\s*\d+", r"(?m)^Name: .*$"])
    record = {"type": "trace", "input": "学籍番号 12345 の成績\nName: Taro", "tags": ["ja"]}
    read = json.loads(masker.line(json.dumps(record).encode()))
    assert read["input"] == "[masked] の成績\n[masked]"
    assert read["tags"] == ["ja"]


def test_ids_times_and_numbers_stay_as_they_are(masker: Masker, home: Path) -> None:
    tracer = make_tracer(Settings(home=home), deliver=False)
    with tracer.trace("ask", thread_id="0" * 32, input="call 090-1234-5678") as root:
        with tracer.span("search", "retriever") as span:
            span.set(output=[{"id": "0901234567", "score": 0.5}], count=9012345678)
        root.set(output="mail a@b.io", tags=["ja", "a@b.io"], metadata={"who": "a@b.io"})
    tracer.score(root.trace_id, "user-feedback", 0, comment="ask taro@example.com")
    tracer.close()
    top, step, score = read_trace(home / "traces", root.trace_id)
    assert isinstance(top, SpanRecord)
    assert isinstance(step, SpanRecord)
    assert (top.input, top.output, top.tags) == ("call [phone]", "mail [e-mail]", ("ja", "[e-mail]"))
    assert (top.metadata, top.thread_id) == ({"who": "[e-mail]"}, "0" * 32)
    assert step.output == [{"id": "0901234567", "score": 0.5}]
    assert step.metadata == {"count": 9012345678}
    assert getattr(score, "comment", "") == "ask [e-mail]"
    assert b"a@b.io" not in b"".join(path.read_bytes() for path in (home / "traces").iterdir())


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_line_stays_one_line_of_json_and_masking_again_changes_nothing(value: Any) -> None:
    masker = Masker()
    line = json.dumps({"type": "span", "input": value, "start": 1}, ensure_ascii=False).encode(
        errors="replace"
    )
    once = masker.line(line)
    assert b"\n" not in once
    assert json.loads(once)["start"] == 1
    assert masker.line(once) == once


def test_what_cannot_be_masked_is_not_kept() -> None:
    assert parse(Masker(["a"]).line(b'{"broken')) is None


def test_withheld_text_leaves_ids_and_numbers() -> None:
    value = {
        "question": "光合成とは?",
        "passages": [{"id": "p-1", "source": "理科/植物.md", "score": 0.25, "arms": {"lexical": 1}}],
        "model": "extractive",
        "fingerprints": {"store": "ab12", "prompts": "has spaces"},
        "ひみつ": True,
    }
    assert withheld(value) == {
        "question": "<6 characters>",
        "passages": [{"id": "p-1", "source": "<8 characters>", "score": 0.25, "arms": {"lexical": 1}}],
        "model": "extractive",
        "fingerprints": {"store": "ab12", "prompts": "<10 characters>"},
        "<3 characters>": True,
    }


SENTENCE = "光合成は葉緑体で起こる"


def ask(tracer: SpoolTracer) -> str:
    with tracer.trace("ask", thread_id="t-1", input=f"{SENTENCE}?", tags=["normal", "ja"]) as root:
        with tracer.span("search", "retriever", input=SENTENCE) as span:
            span.set(output=[{"id": "p1", "score": 0.5, "text": SENTENCE}])
        root.set(output=SENTENCE, metadata={"citations": 2, "note": SENTENCE})
        with pytest.raises(ValueError, match=SENTENCE), tracer.span("verify"):
            raise ValueError(SENTENCE)
    tracer.score(root.trace_id, "user-feedback", 0, comment=SENTENCE)
    return root.trace_id


def sent(server: StandIn) -> str:
    exchanges = [exchange.body for exchange in server.kept.exchanges]
    return b"".join(exchanges).decode("utf-8", errors="replace") + repr(server.kept)


@pytest.mark.parametrize(("text", "in_files"), [("local", True), ("none", False)])
def test_no_text_leaves_the_machine_where_the_settings_say_so(
    home: Path, environ: dict[str, str], server: StandIn, until: Until, text: str, in_files: bool
) -> None:
    settings = Settings.model_validate({"home": home, "trace_text": text})
    tracer = make_tracer(settings, deliver=True, environ=environ)
    trace_id = ask(tracer)
    until(lambda: server.kept.scores)
    tracer.close()
    search = next(one for one in server.trace(trace_id) if one.name == "search")
    assert json.loads(search.attributes["langfuse.observation.output"]) == [
        {"id": "p1", "score": 0.5, "text": "<11 characters>"}
    ]
    root = server.trace(trace_id)[0]
    assert root.attributes["langfuse.trace.tags"] == ["normal", "ja"]
    assert root.attributes["langfuse.observation.metadata.citations"] == "2"
    failed = next(one for one in server.trace(trace_id) if one.name == "verify")
    assert failed.status[1] == "ValueError"
    assert SENTENCE not in sent(server)
    assert "\\u5149" not in sent(server), "nor escaped"
    kept = b"".join(path.read_bytes() for path in (home / "traces").glob("*.jsonl")).decode()
    assert (SENTENCE in kept) is in_files


def test_lines_that_other_rules_wrote_are_masked_when_they_are_sent(
    home: Path, environ: dict[str, str], server: StandIn, until: Until
) -> None:
    before = make_tracer(Settings(home=home), deliver=False)
    with before.trace("ask", input="学籍番号 12345", metadata={"a": "学籍番号 1"}) as root:
        pass
    before.close()
    settings = Settings(home=home, trace_mask=(r"学籍番号 \d+",), trace_user="taro")
    tracer = make_tracer(settings, deliver=True, environ=environ)
    until(lambda: server.trace(root.trace_id))
    tracer.close()
    attributes = server.trace(root.trace_id)[0].attributes
    assert attributes["langfuse.observation.input"] == "[masked]"
    assert attributes["langfuse.observation.metadata.a"] == '"[masked]"'


def test_who_asks_is_on_the_trace_where_the_settings_say(
    home: Path, environ: dict[str, str], server: StandIn, until: Until
) -> None:
    tracer = make_tracer(Settings(home=home, trace_user="taro"), deliver=True, environ=environ)
    with tracer.trace("ask") as root:
        pass
    until(lambda: server.trace(root.trace_id))
    tracer.close()
    assert server.trace(root.trace_id)[0].attributes["user.id"] == "taro"


@pytest.mark.parametrize("given", ['["[0-9]+", "x"]', "[0-9]+"])
def test_patterns_come_from_the_environment_as_json_or_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("TERAKOYA_TRACE_MASK", given)
    assert load_settings(tmp_path).trace_mask[0] == "[0-9]+"


def test_a_pattern_that_is_none_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "terakoya.toml").write_text('trace_mask = ["(open"]\n')
    with pytest.raises(BadInput, match=r"trace_mask.*\(open"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "0-" * 50_000, "+1 " * 30_000, "a@" * 50_000, "://a:" * 20_000]
)
def test_no_text_makes_masking_take_long(masker: Masker, text: str) -> None:
    begin = time.process_time()
    masker.text(text)
    assert time.process_time() - begin < 20, "what grows with the square takes minutes"
