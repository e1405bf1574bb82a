"""A real engine with a tiny model as the judge."""

from pathlib import Path

import pytest
from small_suite import write_small_suite

from app.cli.entry import main
from app.judging import LocalJudge, judged_by
from app.settings import Settings
from evals import METRICS
from evals.judging import VERDICT, read_verdict
from terakoya.errors import BadInput
from tests.gguf import tiny_gguf


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", model_timeout=60)


def test_a_model_that_would_say_something_else_is_held_to_a_verdict(
    settings: Settings, tmp_path: Path
) -> None:
    judge = LocalJudge(tiny_gguf(tmp_path / "chatty.gguf", reply="Well, I think so."), settings)
    try:
        said = judge.reply("Is it?", schema=VERDICT, seed=1)
        assert said.startswith("{")
        assert judge.reply("Is it?", schema=VERDICT, seed=1) == said
    finally:
        judge.close()


def test_a_verdict_is_read(settings: Settings, tmp_path: Path) -> None:
    reply = '{"reason": "It says so.", "verdict": "no"}'
    judge = LocalJudge(tiny_gguf(tmp_path / "stern.gguf", reply=reply), settings)
    try:
        assert read_verdict(judge.reply("Is it?", schema=VERDICT, seed=1)) is False
    finally:
        judge.close()


def test_the_metrics_of_a_judge_are_there_while_it_judges(settings: Settings, tmp_path: Path) -> None:
    before = dict(METRICS)
    with judged_by(tiny_gguf(tmp_path / "m.gguf", reply="x"), settings):
        assert [name for name in METRICS if name not in before] == [
            "judge_correct",
            "judge_faithful",
            "judge_agreement",
            "judge_unreadable",
        ]
        assert METRICS["judge_correct"].judged
    assert dict(METRICS) == before


def test_a_judge_that_is_no_model_is_told_before_anything_runs(settings: Settings, tmp_path: Path) -> None:
    before = dict(METRICS)
    (tmp_path / "text.gguf").write_text("no model")
    for name in ("none.gguf", "text.gguf"):
        with pytest.raises(BadInput, match="--judge"), judged_by(tmp_path / name, settings):
            pass
    assert dict(METRICS) == before


@pytest.mark.parametrize(("context", "code"), [(64, 2), (2048, 0)])
def test_a_judge_that_gives_no_verdict_at_all_is_wrong_use_in_one_sentence(
    context: int,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")
    monkeypatch.setenv("TERAKOYA_EMBEDDER", "none")
    monkeypatch.setenv("TERAKOYA_CONTEXT_TOKENS", "2048")
    path = write_small_suite(tmp_path)
    reply = '{"reason": "It does.", "verdict": "yes"}'
    judge = tiny_gguf(tmp_path / "judge.gguf", context=context, reply=reply)
    junit = tmp_path / "junit.xml"
    arguments = ("--home", tmp_path / "home", "eval", "run", path, "--judge", judge, "--junit", junit)
    assert main([str(argument) for argument in arguments]) == code
    assert junit.exists()
    said = capfd.readouterr().err.splitlines()
    assert ("follows instructions" in said[-1] and str(path) in said[-1]) == (code == 2)
