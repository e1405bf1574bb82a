"""A run that waits for a person while its process is killed, gone on with by the next one: one trace."""

import json

from remembering import QUESTION, approval, fill
from running import until

from app.tracing.standin import StandIn
from terakoya.api import AskResult, DecisionRequest
from terakoya.client import ServiceClient


def test_a_run_that_its_process_died_over_while_a_person_was_asked_is_one_trace(tmp_path, processes):
    home, graph = fill(tmp_path)
    with StandIn() as server:
        named = {
            "LANGFUSE_BASE_URL": server.url,
            "LANGFUSE_PUBLIC_KEY": server.public_key,
            "LANGFUSE_SECRET_KEY": server.secret_key,
        }

        def up():
            serve = ("-m", "app.cli.program", "--home", home, "serve", "--port", "0")
            serving = processes.start(*serve, TERAKOYA_EMBEDDER="none", **named)
            return serving, until(lambda: ServiceClient.discover(home, language="en"))

        serving, client = up()
        with client:
            run = client.ask(QUESTION)
            approval(client, run.run_id)
            trace = until(lambda: [line for line in trace_lines(home) if line["type"] == "start"])[0][
                "trace_id"
            ]
            until(lambda: any(line.get("name") == "choose" for line in trace_lines(home)))
            serving.kill()
            serving.wait()
        serving, client = up()
        with client:
            until(lambda: server.trace(trace))  # it goes out as cut short
            again = client.resume(run.thread_id)
            asked = approval(client, again.run_id)
            client.decide(again.run_id, DecisionRequest(call_id=asked["call_id"], verdict="approve"))
            result = AskResult.model_validate(client.result(again.run_id))
            assert result.trace_id == trace
            until(lambda: any(one.name == "tell" for one in server.trace(trace)))
        roots = [one for one in server.trace(trace) if not one.parent_id]
        assert [(one.name, one.attributes["langfuse.observation.metadata.resumed"]) for one in roots] == [
            ("ask", "1")
        ]
        assert server.trace_ids() == {trace}
        assert server.orphans() == []
        assert server.duplicates() == {roots[0].key: 2}  # the root, once cut short and once to its end
        names = [one.name for one in server.trace(trace)]
        assert names.count("choose") == names.count("memory__create_entities") == 1
    assert "メンデル" in graph.read_text(encoding="utf-8")


def trace_lines(home):
    files = sorted((home / "traces").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
