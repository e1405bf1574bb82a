"""How sure a model was of an answer: from the engine, or a server, into the report of a suite."""

import math
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_suite import QUESTION, write_small_suite

from app.evaluating import run_suites
from app.models.reasoning import answer_begins
from app.settings import Settings, load_settings
from app.suite_target import open_local_target
from evals import Report, load_suite, run_suite
from terakoya.types import Outcome
from tests.app.models.openai_server import OpenAIServer, scripted
from tests.gguf import tiny_gguf

REPLY = "An index makes search faster. [1]"
Measured = Callable[..., tuple[Report, Outcome]]


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    path = write_small_suite(tmp_path)

    def measure(model: str) -> tuple[Report, Outcome]:
        settings: Settings = load_settings(
            tmp_path / "home", model=model, embedder="none", context_tokens=2048, max_answer_tokens=64
        )
        suite = load_suite(path)
        target = open_local_target(settings, suite, lambda line: None)
        try:
            return run_suite(suite, target), target.ask(QUESTION)
        finally:
            target.close()

    return measure


def test_the_engine_tells_how_sure_it_was_of_each_token_of_the_answer(
    measured: Measured, tmp_path: Path
) -> None:
    report, outcome = measured(str(tiny_gguf(tmp_path / "sure.gguf", context=2048, reply=REPLY)))
    known = outcome.log_probabilities
    assert outcome.model == "sure"
    assert len(known) > 10
    assert all(each <= 0 for each in known)
    (value,) = [case.metrics["perplexity"] for case in report.cases if "perplexity" in case.metrics]
    assert value == pytest.approx(math.exp(-sum(known) / len(known)))
    assert value >= 1
    assert report.total("perplexity").cases == 1


def test_a_quote_has_no_perplexity_even_where_a_model_spoke_before_it(
    measured: Measured, tmp_path: Path
) -> None:
    report, outcome = measured(
        str(tiny_gguf(tmp_path / "wrong.gguf", context=2048, reply="Tea is green. [1]"))
    )
    assert (outcome.model, outcome.log_probabilities) == ("extractive", ())
    assert report.total("perplexity").value is None


def test_a_model_that_cannot_be_asked_is_told_beside_the_report(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")
    path = write_small_suite(tmp_path)
    model = tiny_gguf(tmp_path / "short.gguf", context=64, reply=REPLY)
    settings = load_settings(tmp_path / "home", model=str(model), embedder="none")
    run_suites(settings, [path])
    assert "in 1 of 2 cases a model could not be asked" in " ".join(capfd.readouterr().err.split())


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with scripted(OpenAIServer(answer=REPLY, key="", logprobs=(math.log(0.5), math.log(0.25)))) as made:
        yield made


def test_a_server_that_tells_is_heard(measured: Measured, server: OpenAIServer) -> None:
    report, _ = measured(f"openai:big@{server.url}")
    assert report.total("perplexity").value == pytest.approx(8**0.5)


def test_a_server_that_refuses_to_tell_is_asked_without_and_answers(
    measured: Measured, server: OpenAIServer
) -> None:
    server.refuses = frozenset({"logprobs"})
    report, outcome = measured(f"openai:big@{server.url}")
    assert (outcome.model, outcome.answered) == ("big", True)
    assert report.total("perplexity").value is None
    assert sum("logprobs" in body for body in server.asked) == 1


def test_only_an_eval_asks_for_it(measured: Measured, server: OpenAIServer, tmp_path: Path) -> None:
    from app.wiring import open_installation

    settings = load_settings(tmp_path / "own", model=f"openai:big@{server.url}", embedder="none")
    installation = open_installation(settings, write=True)
    try:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "db.md").write_text("An index makes search faster\n")
        installation.ingest([tmp_path / "folder"])
        assert installation.ask(QUESTION).log_probabilities == ()
    finally:
        installation.close()
    assert server.asked
    assert not any("logprobs" in body for body in server.asked)


@settings(deadline=None)
@given(st.text("ab 茶", max_size=20), st.text("cd <>", max_size=20), st.lists(st.integers(1, 4), min_size=40))
def test_thoughts_are_no_part_of_the_answer_however_the_tokens_are_cut(
    thought: str, answer: str, sizes: list[int]
) -> None:
    ends = list(accumulate(sizes))

    def cut(text: str) -> list[str]:
        return [text[a:b] for a, b in zip([0, *ends], ends, strict=False) if a < len(text)]

    tokens = [*cut(f"<think>{thought}</think>"), *cut(answer)]
    assert "".join(tokens[answer_begins(tokens) :]) == answer
    assert answer_begins(cut(answer)) == 0
