"""The stand-in is spoken to by the Langfuse SDK itself: what works here has the SDK's own shapes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from langfuse import Evaluation, Langfuse, propagate_attributes
from langfuse._client.resource_manager import LangfuseResourceManager
from langfuse.api import DatasetStatus, NotFoundError
from langfuse.api.core.api_error import ApiError
from opentelemetry.sdk.trace import TracerProvider

from app.tracing.standin import SCORES, TRACES, StandIn

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def sdk(server: StandIn) -> Iterator[Langfuse]:
    client = Langfuse(
        public_key=server.public_key,
        secret_key=server.secret_key,
        base_url=server.url,
        tracer_provider=TracerProvider(),
    )
    yield client
    client.shutdown()
    LangfuseResourceManager._instances.clear()


def test_a_prompt_has_versions_and_labels_move(sdk: Langfuse) -> None:
    sdk.create_prompt(name="answer", prompt="Answer {{question}}", labels=["production"], config={"n": 1})
    sdk.create_prompt(name="answer", prompt="Answer well: {{question}}", labels=["production", "staging"])
    prompt = sdk.get_prompt("answer", type="text", cache_ttl_seconds=0)
    assert (prompt.version, prompt.compile(question="?")) == (2, "Answer well: ?")
    assert set(prompt.labels) == {"production", "staging", "latest"}
    assert sdk.get_prompt("answer", version=1, type="text").labels == []
    with pytest.raises(NotFoundError):
        sdk.get_prompt("answer", label="nobody", max_retries=0)
    (listed,) = sdk.api.prompts.list().data
    assert listed.versions == [1, 2]


def test_a_prompt_may_lie_in_a_folder(sdk: Langfuse) -> None:
    sdk.create_prompt(name="terakoya/答え", prompt="a", labels=["production"])
    assert sdk.get_prompt("terakoya/答え", type="text").prompt == "a"


def test_an_item_with_a_known_id_replaces_it_and_strings_are_read_as_json(sdk: Langfuse) -> None:
    sdk.create_dataset(name="suite", description="what")
    sdk.create_dataset(name="suite", description="what else")
    for question in ("1", "4"):
        sdk.create_dataset_item(dataset_name="suite", id="a", input=question, expected_output={"x": "4"})
    (item,) = sdk.get_dataset("suite").items
    assert (item.input, item.expected_output) == (4, {"x": "4"})
    assert sdk.get_dataset("suite").description == "what else"


def test_an_id_belongs_to_one_dataset(sdk: Langfuse) -> None:
    for name in ("one", "two"):
        sdk.create_dataset(name=name)
    sdk.create_dataset_item(dataset_name="one", id="a", input="?")
    with pytest.raises(ApiError) as raised:
        sdk.create_dataset_item(dataset_name="two", id="a", input="?")
    assert raised.value.status_code == 409


def test_items_that_are_archived_are_in_no_list_and_stay_archived_unless_a_body_says_otherwise(
    sdk: Langfuse,
) -> None:
    sdk.create_dataset(name="one")
    sdk.create_dataset_item(dataset_name="one", id="a", input="?", status=DatasetStatus.ARCHIVED)
    sdk.create_dataset_item(dataset_name="one", id="a", input="!")
    assert sdk.get_dataset("one").items == []
    item = sdk.api.dataset_items.get("a")
    assert (item.input, item.status) == ("!", DatasetStatus.ARCHIVED)
    sdk.create_dataset_item(dataset_name="one", id="a", status=DatasetStatus.ACTIVE)
    assert [one.input for one in sdk.get_dataset("one").items] == ["!"]


def test_metadata_of_a_trace_must_not_hide_those_of_an_observation(sdk: Langfuse, server: StandIn) -> None:
    for own in ({"n": 1}, {"n": 2}):
        with (
            propagate_attributes(metadata={"n": 1}),
            sdk.start_as_current_observation(name="a", metadata=own),
        ):
            pass
        sdk.flush()
    assert [one.status for one in server.kept.exchanges if one.path == TRACES] == [200, 400]


def test_datasets_come_in_pages(sdk: Langfuse) -> None:
    sdk.create_dataset(name="many")
    for number in range(7):
        sdk.create_dataset_item(dataset_name="many", id=f"i{number}", input={"question": str(number)})
    items = sdk.get_dataset("many", fetch_items_page_size=3).items
    assert {item.id for item in items} == {f"i{number}" for number in range(7)}


def test_an_experiment_of_the_sdk_can_be_read_back(sdk: Langfuse, server: StandIn) -> None:
    sdk.create_dataset(name="suite")
    for name in ("a", "b", "c"):
        sdk.create_dataset_item(dataset_name="suite", id=name, input={"question": name}, expected_output="x")

    def task(*, item: Any, **_: Any) -> str:
        if item.id == "b":
            raise RuntimeError("no")
        return "x"

    def right(*, output: Any, expected_output: Any, **_: Any) -> Evaluation:
        return Evaluation(name="correct", value=float(output == expected_output))

    def share(*, item_results: Any, **_: Any) -> Evaluation:
        return Evaluation(name="share", value=len(item_results) / 3)

    result = sdk.get_dataset("suite").run_experiment(
        name="try", run_name="r1", task=task, evaluators=[right], run_evaluators=[share], max_concurrency=1
    )
    (experiment,) = sdk.api.experiments.list(from_start_time=LONG_AGO, fields="scores").data
    assert (experiment.id, experiment.name, experiment.item_count) == (result.experiment_id, "r1", 3)
    assert [score.value for score in experiment.scores or ()] == [pytest.approx(2 / 3)]
    items = sdk.api.experiments.list_items(from_start_time=LONG_AGO, experiment_id=experiment.id).data
    assert {item.experiment_item_id: len(item.scores or ()) for item in items} == {"a": 1, "b": 0, "c": 1}
    assert not server.orphans()


def test_scores_can_be_read_back_by_their_trace(sdk: Langfuse) -> None:
    trace = "ab" * 16
    sdk.create_score(name="latency", value=3.5, trace_id=trace, score_id="s")
    sdk.flush()
    (score,) = sdk.api.scores.get_many(trace_id=trace, fields="details,subject").data
    assert (score.id, score.value, score.name) == ("s", 3.5, "latency")


@pytest.fixture
def post(server: StandIn) -> Iterator[Any]:
    with httpx.Client(base_url=server.url, auth=(server.public_key, server.secret_key)) as client:
        yield client.post


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "n", "value": 1},
        {"name": "n", "value": True, "traceId": "t"},
        {"name": "n", "value": 1, "traceId": "t", "datasetRunId": "r"},
        {"name": "n", "value": "good", "traceId": "t", "dataType": "NUMERIC"},
        {"name": "n", "value": 1, "traceId": "t", "environment": "Langfuse"},
        {"name": "n", "value": 1, "traceId": "t", "timestamp": "2026-01-01T00:00:00"},
    ],
)
def test_a_score_that_is_wrong_is_told_among_those_that_are_taken(post: Any, wrong: dict[str, Any]) -> None:
    reply = post(SCORES, json=[wrong, {"name": "n", "value": 1, "traceId": "t"}])
    assert (reply.status_code, reply.json()["accepted"], reply.json()["rejected"]) == (207, 1, 1)


@pytest.mark.parametrize("id", ["", 7, "x" * 256])
def test_an_id_is_a_string_of_a_length(post: Any, id: Any) -> None:
    score = {"id": id, "name": "n", "value": 1, "traceId": "t"}
    assert post(SCORES, json=[score]).json()["rejected"] == 1
    assert post("/api/public/v2/datasets", json={"name": "d"}).status_code == 200
    item = {"id": id or " " * 256, "datasetName": "d", "input": 1}
    assert post("/api/public/dataset-items", json=item).status_code == 400


@pytest.mark.parametrize("path", [SCORES, "/api/public/v2/prompts", "/api/public/dataset-items"])
def test_bodies_are_json_and_no_larger_than_the_servers_limit(post: Any, path: str) -> None:
    assert post(path, content=b"[]", headers={"Content-Type": "text/plain"}).status_code == 400
    assert (
        post(path, content=b" " * 1_000_001, headers={"Content-Type": "application/json"}).status_code == 413
    )


def test_what_is_said_to_be_packed_is(post: Any) -> None:
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    assert post(TRACES, content=b"no", headers=headers).status_code == 400


@pytest.mark.parametrize("authorization", [None, "Basic", "Basic bm9ib2R5", "Bearer sk-lf-standin"])
def test_nothing_is_taken_or_read_without_the_keys(server: StandIn, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for method, path in (("POST", TRACES), ("POST", SCORES), ("GET", "/api/public/v2/prompts")):
        assert httpx.request(method, f"{server.url}{path}", headers=headers).status_code == 401


def test_a_single_score_is_not_taken(post: Any) -> None:
    assert post(SCORES, json={"name": "n", "value": 1, "traceId": "t"}).status_code == 400


def test_legacy_reads_are_gone(server: StandIn) -> None:
    auth = (server.public_key, server.secret_key)
    for path in ("traces", "observations", "sessions"):
        assert httpx.get(f"{server.url}/api/public/{path}", auth=auth).status_code == 404


@pytest.mark.parametrize("fault", [400, 429, 500])
def test_it_fails_as_it_is_told(server: StandIn, post: Any, fault: int) -> None:
    server.faults["/api/public/v2/"] = fault
    assert post("/api/public/v2/datasets", json={"name": "d"}).status_code == fault
    assert post(SCORES, json=[]).status_code == 202


def test_it_drops_connections_as_it_is_told(server: StandIn, post: Any) -> None:
    server.fault = "drop"
    with pytest.raises(httpx.TransportError):
        post(TRACES, content=json.dumps({}))
