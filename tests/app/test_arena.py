"""The arena: blind duels in the terminal and over HTTP, votes that last, and what is exported of them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from running import Processes, clean_environment, until

from app.arena import CURRENT, Contest, Contestant, cast, contestants, known_duels
from app.evaluating import history_path
from app.settings import Settings
from app.wiring import open_installation
from evals import Suite, load_suite
from evals.arena import Ballots
from evals.history import History
from evals.testing import Reply, ScriptedTarget
from terakoya.api import FeedbackRequest, VoteRequest
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, NotFound

NOTES = "# Bread\n\nBread needs yeast to rise.\n\n# Salt\n\nSalt dissolves in water.\n"
QUESTIONS = ("What does rustic bread need?", "What dissolves in lukewarm water?", "Who baked the moon?")
SUITE = "name: kitchen\nnotes: notes\ncases:\n" + "".join(
    f"  - {{id: c{n}, question: {question!r}, must_not: [zebra]}}\n" for n, question in enumerate(QUESTIONS)
)
STRICT = "answers.support=1"
OPEN = "answers.support=0.001"


@pytest.fixture(scope="module")
def suite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("suite")
    (place / "notes").mkdir()
    (place / "notes" / "kitchen.md").write_text(NOTES)
    (place / "suite.yaml").write_text(SUITE)
    return place / "suite.yaml"


@pytest.fixture
def suite(suite_path: Path) -> Suite:
    return load_suite(suite_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", embedder="none")


def scripted(name: str, answer: str, **options: object) -> Contestant:
    target = ScriptedTarget(otherwise=Reply(answer=answer), **options)  # type: ignore[arg-type]
    return Contestant(name=name, open=lambda suite, say: target)


def contest(suite: Suite, *who: Contestant, known: Sequence[object] = (), seed: str = "s") -> Contest:
    return Contest([suite], who, seed=seed, known=known, say=lambda line: None)  # type: ignore[arg-type]


def test_every_question_is_a_duel_and_pairs_take_turns(suite: Suite) -> None:
    duels = list(contest(suite, *(scripted(n, f"says {n}") for n in "abc")).duels())
    assert {duel.question for duel in duels} == set(QUESTIONS)
    assert {frozenset(duel.names) for duel in duels} == {frozenset("ab"), frozenset("ac"), frozenset("bc")}
    for duel in duels:
        assert [reply.answer for reply in duel.replies] == [f"says {name}" for name in duel.names]


def test_the_same_seed_gives_the_same_duels(suite: Suite) -> None:
    def drawn(seed: str) -> list[tuple[str, bool]]:
        held = contest(suite, *(scripted(n, f"says {n}") for n in "ab"), seed=seed)
        return [(duel.question, duel.swapped) for duel in held.duels()]

    assert drawn("s") == drawn("s")
    assert len({tuple(drawn(str(seed))) for seed in range(20)}) > 5


def test_answers_that_are_alike_are_not_shown(suite: Suite) -> None:
    held = contest(suite, scripted("a", "the same"), scripted("b", "The  same"))
    assert list(held.duels()) == []
    assert held.same == 3


def test_what_a_target_cannot_answer_is_told_and_the_others_go_on(suite: Suite) -> None:
    replies = {QUESTIONS[0]: Reply(answer="x"), QUESTIONS[1]: Reply(answer="y")}
    poor = Contestant(name="poor", open=lambda suite, say: ScriptedTarget(replies=replies))
    held = contest(suite, scripted("good", "z"), poor)
    assert len(list(held.duels())) == 2
    assert len(held.failed) == 1


def test_targets_are_closed_where_the_voter_leaves_early(suite: Suite) -> None:
    target = ScriptedTarget(otherwise=Reply(answer="x"))
    duels = contest(suite, Contestant(name="a", open=lambda s, say: target), scripted("b", "y")).duels()
    next(duels)
    duels.close()
    assert target.closed


def test_a_target_without_answers_cannot_stand(suite: Suite) -> None:
    only_searches = scripted("a", "x", offers=frozenset({"search"}))
    with pytest.raises(BadInput) as raised:
        list(contest(suite, only_searches, scripted("b", "y")).duels())
    assert raised.value.key == "eval_arena_retrieval"


def test_who_has_voted_goes_on_where_it_was(suite: Suite, settings: Settings) -> None:
    who = [scripted("a", "x"), scripted("b", "y")]
    first, second, *_ = contest(suite, *who).duels()
    cast(settings, first.voted("a", "person"))
    cast(settings, second.voted("tie", "judge:tiny"))
    left = contest(suite, *who, known=known_duels(settings, "person")).duels()  # type: ignore[arg-type]
    assert {duel.question for duel in left} == set(QUESTIONS) - {first.question}


def test_one_setting_stands_against_those_in_use(settings: Settings) -> None:
    assert [c.name for c in contestants(settings, [STRICT], [], timeout=1)] == [CURRENT, STRICT]
    assert len(contestants(settings, ["passages=1,2", STRICT], [], timeout=1)) == 2
    assert [c.name for c in contestants(settings, [], ["local", "cat"], timeout=1)] == [CURRENT, "cat"]
    for alone in ([], ["local"]):
        with pytest.raises(BadInput) as raised:
            contestants(settings, [], alone, timeout=1)
        assert raised.value.key == "eval_arena_alone"


@pytest.fixture
def terakoya(tmp_path: Path):
    def run(*arguments: object, stdin: str = "", home: Path | None = None):
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "app.cli.program",
                "--home",
                str(home or tmp_path / "home"),
                *map(str, arguments),
            ],
            env=clean_environment(TERAKOYA_EMBEDDER="none"),
            input=stdin.encode(),
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run


def test_a_person_votes_in_the_terminal_without_knowing_whose_answer_it_is(
    terakoya, suite_path: Path
) -> None:
    arguments = ("eval", "arena", suite_path, "--set", f"{STRICT},0.001", "--seed", "x")
    done = terakoya(*arguments, "--json", stdin="what\ns\na\nq\n")
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.decode().splitlines()]
    kinds = [entry["type"] for entry in entries]
    assert kinds[:3] == ["duel", "duel", "vote"]
    for duel in entries[:2]:
        assert set(duel) == {"type", "question", "a", "b"}
        assert set(duel["a"]) == {"answer", "answered", "citations"}
    assert {entries[2]["a"], entries[2]["b"]} == {STRICT, OPEN}
    assert "`what`" in done.stderr.decode()
    winner = entries[2]["a"]
    board = terakoya("--json", "eval", "arena").stdout.decode().splitlines()
    first, _ = map(json.loads, board)
    assert (first["name"], first["wins"]) == (winner, 1)
    exported = terakoya("eval", "export", "--format", "dpo")
    (pair,) = map(json.loads, exported.stdout.decode().splitlines())
    assert pair["prompt"][0]["content"] == entries[1]["question"]
    assert pair["chosen"][0]["content"] == entries[1]["a"]["answer"]


def test_without_votes_there_is_no_leaderboard_and_nothing_to_export(terakoya, tmp_path: Path) -> None:
    done = terakoya("eval", "arena")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert terakoya("eval", "export", "--format", "sft").stdout == b""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, suite_path: Path) -> Iterator[ServiceClient]:
    home = tmp_path_factory.mktemp("home")
    (home / "terakoya.toml").write_text('embedder = "none"\nport = 0\n', encoding="utf-8")
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    installation.ingest([suite_path.parent / "notes"])
    installation.close()
    processes = Processes()
    process = processes.start("-m", "app.cli.program", "--home", home, "serve")

    def look() -> ServiceClient | None:
        assert process.poll() is None, process.communicate()[1]
        return ServiceClient.discover(home, language="en")

    try:
        with until(look) as client:
            client.home = home  # type: ignore[attr-defined]
            yield client
    finally:
        processes.end()


def test_the_service_asks_two_sides_and_tells_who_they_were_after_the_vote(served: ServiceClient) -> None:
    duel = served.duel(QUESTIONS[0], STRICT, OPEN)
    assert not duel.same
    assert {duel.a.answered, duel.b.answered} == {True, False}
    shown = served.vote(duel.duel_id, VoteRequest(verdict="a" if duel.a.answered else "b"))
    assert (shown.a if duel.a.answered else shown.b) == OPEN
    first, second = served.standings()
    assert (first.name, first.wins, second.name, second.losses) == (OPEN, 1, STRICT, 1)
    with pytest.raises(NotFound):
        served.vote(duel.duel_id, VoteRequest(verdict="a"))


def test_sides_without_a_difference_are_told_to_be_the_same(served: ServiceClient) -> None:
    duel = served.duel(QUESTIONS[0], "passages=5", "passages=6")
    assert duel.same
    with pytest.raises(NotFound):
        served.vote(duel.duel_id, VoteRequest(verdict="tie"))


def test_duels_are_no_conversations(served: ServiceClient) -> None:
    served.duel(QUESTIONS[0], STRICT, OPEN)
    assert all(summary.title != QUESTIONS[0] for summary in served.threads())


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ("", "", "eval_arena_alone"),
        (STRICT, STRICT, "eval_arena_alone"),
        ("answers.suport=1", "", "eval_set_key"),
        ("answers.support=1,0.5", "", "eval_set"),
        ("answers.support", "", "eval_set"),
        ("model=/nowhere.gguf", "", "model_missing"),
        ("model=openai:big@https://away.example/v1", "", "eval_arena_server"),
        ("home=/tmp", "", "eval_set_key"),
    ],
)
def test_sides_that_cannot_stand_are_told(served: ServiceClient, first: str, second: str, key: str) -> None:
    with pytest.raises(BadInput) as raised:
        served.duel(QUESTIONS[0], first, second)
    assert raised.value.key == key


def test_thumbs_are_exported_with_their_answers(served: ServiceClient, terakoya) -> None:
    liked = served.answer("What does bread need to rise?")
    served.feedback(FeedbackRequest(trace_id=liked.trace_id, value=1, comment="yes"))
    served.feedback(FeedbackRequest(trace_id="0" * 32, value=0))
    (rated,) = served.rated()
    assert (rated.question, rated.answer, rated.value, rated.comment) == (
        liked.question,
        liked.answer,
        1,
        "yes",
    )
    done = terakoya("eval", "export", "--format", "sft", home=served.home)  # type: ignore[attr-defined]
    messages = [json.loads(line)["messages"] for line in done.stdout.decode().splitlines()]
    assert [liked.question, liked.answer] in [[m["content"] for m in each] for each in messages]


def test_votes_of_the_service_are_in_the_history_of_its_home(served: ServiceClient) -> None:
    duel = served.duel(QUESTIONS[1], "", OPEN)
    if not duel.same:
        served.vote(duel.duel_id, VoteRequest(verdict="bad"))
    with History(history_path(Settings(home=served.home))) as history:  # type: ignore[attr-defined]
        votes = Ballots(history).votes()
    assert {vote.voter for vote in votes} <= {"person"}
