import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langfuse import Langfuse

from app.langfuse.project import Project
from app.langfuse.prompts import LangfusePrompts, as_file, labelled, push
from app.prompts import make_prompts, read_folder
from app.settings import Settings
from app.tracing import make_tracer
from app.tracing.account import Account
from app.tracing.standin import StandIn
from terakoya.errors import BadInput
from workflows.prompts import Prompt, load_prompt, write_prompt

FILE = load_prompt("answer")
OTHER = "In {{language}}: {{passages}} Kurz! {{ question }} {not one}"


def until(claim: Callable[[], object], *, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.01)


@pytest.fixture
def prompts(account: Account) -> Callable[..., LangfusePrompts]:
    def make(**how: Any) -> LangfusePrompts:
        return LangfusePrompts(account, load_prompt, label="production", **how)

    return make


Make = Callable[..., LangfusePrompts]


def test_a_file_pushed_is_what_the_sdk_compiles(project: Project, sdk: Langfuse) -> None:
    assert push(project, FILE, "production") == 1
    prompt = sdk.get_prompt("answer", type="text")
    values = {"language": "Japanese", "passages": "P {question}", "question": "Q {{x}}"}
    assert prompt.compile(**values) == FILE.fill(**values)
    assert set(prompt.variables) == set(FILE.variables)
    assert prompt.config["hash"] == FILE.digest
    assert labelled(project, FILE, "production").state(FILE) == "same"


def test_what_the_server_does_not_like_of_a_push_is_said(project: Project) -> None:
    with pytest.raises(BadInput, match="400, Invalid request data; commitMessage: "):
        push(project, FILE, "production", message="x" * 501)


def test_the_label_wins_over_the_file(prompts: Make, sdk: Langfuse) -> None:
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["production"])
    used = prompts(wait=30.0)("answer")
    assert used.template == "In {language}: {passages} Kurz! {question} {not one}"
    assert used.mark == {"name": "answer", "version": 1, "hash": used.digest, "source": "langfuse"}
    assert used.fill(language="a", passages="b", question="c") == "In a: b Kurz! c {not one}"


def test_a_moved_label_is_seen_behind_the_back_of_the_question(prompts: Make, sdk: Langfuse) -> None:
    get = prompts(wait=30.0, kept=0.0)
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["production"])
    assert get("answer").version == 1
    sdk.create_prompt(name="answer", prompt=OTHER + "!", labels=["production"])
    until(lambda: get("answer").version == 2)


def test_a_prompt_without_the_label_leaves_the_file(prompts: Make, sdk: Langfuse) -> None:
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["staging"])
    assert prompts(wait=30.0)("answer") is FILE


@pytest.mark.parametrize(
    ("text", "named"),
    [("{{language}} {{passages}}", "-question"), (OTHER + "{{weather}}", "+weather")],
)
def test_a_prompt_with_other_variables_is_refused_and_named(
    prompts: Make, sdk: Langfuse, caplog: pytest.LogCaptureFixture, text: str, named: str
) -> None:
    sdk.create_prompt(name="answer", prompt=text, labels=["production"])
    get = prompts(wait=30.0, kept=0.0)
    assert get("answer") is FILE
    until(lambda: get("answer") is FILE and named in caplog.text)
    assert "`answer`" in caplog.text
    assert "version 1 is refused" in caplog.text


def test_a_chat_prompt_is_refused(prompts: Make, sdk: Langfuse, project: Project) -> None:
    sdk.create_prompt(
        name="answer", type="chat", prompt=[{"role": "user", "content": OTHER}], labels=["production"]
    )
    assert labelled(project, FILE, "production").state(FILE) == "refused"
    assert prompts(wait=30.0)("answer") is FILE


@pytest.mark.parametrize("fault", ["hang", "drop", 401, 429, 500])
def test_a_server_that_does_not_answer_leaves_the_file(prompts: Make, server: StandIn, fault: Any) -> None:
    server.fault = fault
    assert prompts(wait=0.05)("answer") is FILE


def test_a_server_that_hangs_is_waited_for_once(prompts: Make, server: StandIn) -> None:
    server.fault = "hang"
    get = prompts(wait=0.2)
    get("answer")
    waits: list[bool] = []
    entry = get._entries["answer"]
    entry.arrived.wait = lambda timeout=None: bool(waits.append(True))  # type: ignore[method-assign,assignment]
    assert [get("answer") for _ in range(50)] == [FILE] * 50
    assert waits == []
    until(lambda: server.hanging == 1)


def test_a_server_that_goes_away_leaves_its_last_word(prompts: Make, sdk: Langfuse, server: StandIn) -> None:
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["production"])
    get = prompts(wait=30.0, kept=0.0)
    assert get("answer").source == "langfuse"
    server.stop()
    assert [get("answer").source for _ in range(20)] == ["langfuse"] * 20


def test_many_threads_ask_once(prompts: Make, sdk: Langfuse, server: StandIn) -> None:
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["production"])
    get = prompts(wait=30.0)
    used: list[Prompt] = []
    threads = [threading.Thread(target=lambda: used.append(get("answer"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.source for each in used} == {"langfuse"}
    asked = [one for one in server.kept.exchanges if one.method == "GET" and one.path.endswith("/answer")]
    assert len(asked) == 1


def test_a_pulled_prompt_is_the_next_version_of_the_file(
    project: Project, sdk: Langfuse, tmp_path: Path
) -> None:
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["production"])
    found = labelled(project, FILE, "production").prompt
    assert found is not None
    (tmp_path / "answer.md").write_text(write_prompt(as_file(FILE, found)), encoding="utf-8")
    (pulled,) = read_folder(tmp_path).values()
    assert (pulled.version, pulled.settled) == (FILE.version + 1, True)
    settings = Settings(home=tmp_path / "home", prompts=str(tmp_path))
    assert make_prompts(settings, environ={})("answer") == pulled


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("answer.md", "nothing"),
        ("other.md", write_prompt(FILE)),
        ("answer.md", write_prompt(Prompt("answer", 1, ("question",), "{question}"))),
    ],
)
def test_a_folder_with_a_prompt_that_cannot_be_used_is_bad_input(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=name):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="TERAKOYA_PROMPTS"):
        make_prompts(Settings(home=tmp_path, prompts=str(tmp_path / "none")), environ={})


def test_a_generation_is_linked_to_a_version_of_langfuse_and_names_the_hash_of_either(
    account: Account, server: StandIn, sdk: Langfuse, tmp_path: Path
) -> None:
    sdk.create_prompt(name="answer", prompt=OTHER, labels=["production"])
    used = LangfusePrompts(account, load_prompt, label="production", wait=30.0)("answer")
    environ = {
        "LANGFUSE_BASE_URL": server.url,
        "LANGFUSE_PUBLIC_KEY": server.public_key,
        "LANGFUSE_SECRET_KEY": server.secret_key,
    }
    tracer = make_tracer(Settings(home=tmp_path), deliver=True, environ=environ)
    with tracer.trace("ask"):
        for prompt in (FILE, used):
            with tracer.span(prompt.source, "generation") as span:
                span.set(metadata={"prompt": prompt.mark})
    tracer.close()
    until(lambda: server.kept.observations)
    spans = {one.name: one.attributes for one in server.kept.observations.values()}
    version = "langfuse.observation.prompt.version"
    assert (spans["langfuse"][version], version in spans["file"]) == (1, False)
    for prompt in (FILE, used):
        assert prompt.digest in spans[prompt.source]["langfuse.observation.metadata.prompt"]
