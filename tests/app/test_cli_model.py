"""`terakoya model` as its user types it, with small models that the tests make."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.app.models.hub import Hub, serving
from tests.app.models.openai_server import OpenAIServer, scripted
from tests.gguf import tiny_gguf


@pytest.fixture
def models(home):
    (home / "models").mkdir(parents=True, mode=0o700)
    return home / "models"


def rows(done):
    assert done.returncode == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_the_list_says_what_each_model_takes_here_before_any_is_loaded(terakoya):
    listed = {row["name"]: row for row in rows(terakoya("model", "list", "--json"))}
    small, large = listed["qwen3-0.6b"], listed["qwen3-8b"]
    assert small["licence"] == "Apache-2.0"
    assert small["memory"]["cache"] == 28 * 8 * 128 * 2 * 2 * 4096
    assert small["memory"]["total"] == sum(small["memory"][part] for part in ("weights", "cache", "overhead"))
    assert large["memory"]["total"] > small["memory"]["total"]
    longer = {
        row["name"]: row for row in rows(terakoya("model", "list", "--json", TERAKOYA_CONTEXT_TOKENS="8192"))
    }
    assert longer["qwen3-0.6b"]["memory"]["cache"] == 2 * small["memory"]["cache"]


@pytest.mark.parametrize(("language", "word"), [("en", "Memory"), ("ja", "メモリ")])
def test_the_table_is_in_the_language_of_the_reader(terakoya, language, word):
    done = terakoya("model", "list", TERAKOYA_LANGUAGE=language)
    assert word in done.out
    assert "qwen3-4b" in done.out


def test_a_model_is_pulled_chosen_listed_and_removed(terakoya, home, tmp_path):
    made = tiny_gguf(tmp_path / "made.gguf", reply="お茶です。")
    with serving(Hub(made.read_bytes(), drops=[100_000])) as hub:
        [pulled] = rows(terakoya("model", "pull", hub.url, "--sha256", hub.digest, "--json"))
        assert pulled["checked"]
        assert Path(pulled["path"]).read_bytes() == hub.content
        assert len(hub.ranges_asked) == 2
        again = terakoya("model", "pull", hub.url, "--sha256", hub.digest)
        assert again.returncode == 0
        assert len(hub.ranges_asked) == 2
    (home / "terakoya.toml").write_text('# mine\nport = 8999\nmodel = "old.gguf"\n')
    [used] = rows(terakoya("model", "use", "model", "openai:big@https://models.example/v1", "--json"))
    written = tomllib.loads((home / "terakoya.toml").read_text())
    assert written == {"port": 8999, "models": used["models"]}
    assert "# mine" in (home / "terakoya.toml").read_text()
    listed = {row["name"]: row for row in rows(terakoya("model", "list", "--json"))}
    assert (listed["model"]["used"], listed["big"]["used"]) == (1, 2)
    kept = terakoya("model", "remove", "model")
    assert (kept.returncode, "--force" in kept.err) == (2, True)
    assert rows(terakoya("model", "use", "none", "--json"))[0]["models"] == []
    assert rows(terakoya("model", "remove", "model", "--json"))[0]["bytes"] == len(hub.content)
    assert not list((home / "models").iterdir())


def test_a_model_that_is_not_here_is_told_with_where_it_is_and_where_it_goes(terakoya, home):
    done = terakoya("model", "use", "qwen3-4b")
    assert done.returncode == 3
    assert len(done.err.splitlines()) == 1
    for part in (
        "terakoya model pull qwen3-4b",
        "https://huggingface.co/",
        str(home / "models/qwen3-4b.gguf"),
    ):
        assert part in done.err
    assert not (home / "terakoya.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pull", "qwen9"], "qwen3-4b"),
        (["pull", "http://models.example/x.gguf"], "https"),
        (["pull", "https://me:hidden@models.example/x.gguf"], "models.example"),
        (["pull", "https://"], "https://HOST/PATH/NAME.gguf"),
        (["pull", "qwen3-4b", "--sha256", "12"], "64"),
        (["pull", "http://127.0.0.1:9/x.gguf", "--sha256", "12"], "64"),
        (["pull", "http://127.0.0.1:9/x.gguf", "--name", "../x"], "../x"),
        (["use", "nothing.gguf"], "nothing.gguf"),
        (["use", "openai:x"], "openai:MODEL@URL"),
        (["use", "openai:x@http://models.example/v1"], "TERAKOYA_HTTP_HOSTS=models.example"),
        (["use", "openai:x@https://me:hidden@models.example/v1"], "models.example"),
        (["use", ""], "terakoya model list"),
        (["verify", ""], "terakoya model list"),
        (["verify", "nothing"], "terakoya model list"),
        (["verify", "/bin/true"], "terakoya model list"),
        (["bench", "nothing"], "terakoya model list"),
        (["remove", "nothing"], "terakoya model list"),
        (["verify", "openai:x@http://127.0.0.1:9/v1"], "GGUF"),
        (["bench"], "terakoya model list"),
        (["remove", "/etc/passwd"], "/etc/passwd"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(terakoya, arguments, said):
    done = terakoya("model", *arguments)
    assert done.returncode == 2
    assert len(done.err.splitlines()) == 1
    assert said in done.err
    assert "hidden" not in done.err
    assert "TERAKOYA_MODEL" not in done.err  # the model was named here, and in no setting
    assert done.err != terakoya("model", *arguments, TERAKOYA_LANGUAGE="ja").err


def test_a_file_that_changed_since_it_came_does_not_pass(terakoya, models, tmp_path):
    made = tiny_gguf(tmp_path / "made.gguf", reply="お茶です。")
    with serving(Hub(made.read_bytes())) as hub:
        rows(terakoya("model", "pull", hub.url, "--json"))
    [good] = rows(terakoya("model", "verify", "model", "--json"))
    assert (good["checksum"], good["token"], good["architecture"]) == ("ok", "お", "llama")
    content = (models / "model.gguf").read_bytes()
    (models / "model.gguf").write_bytes(content[:-1] + b"!")
    bad = terakoya("model", "verify", "model")
    assert bad.returncode == 2
    assert "terakoya model remove model" in bad.err


def test_a_quantized_copy_is_smaller_and_its_perplexity_can_be_compared(terakoya, models, tmp_path):
    tiny_gguf(models / "plain.gguf", width=256, context=256)
    text = tmp_path / "text.txt"
    text.write_text("お茶の学習。日本の茶。 " * 40, encoding="utf-8")
    [made] = rows(terakoya("model", "quantize", "plain", "Q8_0", "--json"))
    assert made["bytes"] < (models / "plain.gguf").stat().st_size / 2
    measured = rows(
        terakoya(
            "model", "perplexity", "plain", "plain-Q8_0", "--text", str(text), "--window", "64", "--json"
        )
    )
    assert [each["quantization"] for each in measured] == ["", "Q8_0"]
    plain, smaller = measured
    assert plain["scored"] == smaller["scored"]
    assert abs(plain["perplexity"] - smaller["perplexity"]) < 0.2 * plain["perplexity"]
    nowhere = terakoya("model", "quantize", "plain", "Q4_0", "--to", str(models / "plain.gguf" / "x.gguf"))
    assert (nowhere.returncode, "x.gguf" in nowhere.err, "cli.log" in nowhere.err) == (2, True, False)
    again = terakoya("model", "quantize", "plain-Q8_0", "Q4_0")
    assert (again.returncode, "--again" in again.err) == (2, True)
    assert [path.name for path in models.glob(".*")] == []


def test_a_text_that_is_too_short_is_told(terakoya, models, tmp_path):
    tiny_gguf(models / "plain.gguf")
    (tmp_path / "short.txt").write_text("茶")
    done = terakoya("model", "perplexity", "plain", "--text", str(tmp_path / "short.txt"))
    assert (done.returncode, len(done.err.splitlines())) == (2, 1)


def test_a_bench_tells_speed_and_memory(terakoya, models):
    tiny_gguf(models / "plain.gguf", context=1024)
    command = ("model", "bench", "plain", "--rounds", "1", "--prompt", "64", "--output", "16", "--json")
    [measured] = rows(terakoya(*command, TERAKOYA_CONTEXT_TOKENS="1024"))
    assert measured["output_tokens"] == 16
    assert measured["decode"] > 0
    assert measured["first_token"] > 0
    assert measured["memory"] > 10**7


def test_a_model_at_a_server_is_measured_too(terakoya):
    with scripted(OpenAIServer()) as server:
        name = f"openai:big@{server.url}"
        [measured] = rows(
            terakoya("model", "bench", name, "--rounds", "2", "--json", TERAKOYA_API_KEY=server.key)
        )
        refused = terakoya("model", "bench", name, TERAKOYA_API_KEY="sk-wrong")
    assert (measured["rounds"], measured["input_tokens"], measured["output_tokens"]) == (2, 11, 7)
    assert measured["memory"] is None
    assert len(server.asked) == 4
    assert (refused.returncode, "sk-wrong" in refused.err) == (2, False)
