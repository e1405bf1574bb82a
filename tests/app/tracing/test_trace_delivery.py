import json
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from app.tracing import SpoolTracer
from app.tracing.langfuse import LangfuseDelivery
from app.tracing.standin import SCORES, TRACES, Fault, StandIn
from app.tracing.tail import Item, Tail

Until = Callable[..., None]
Make = Callable[..., SpoolTracer]
Child = Callable[[str], subprocess.Popen[str]]


def ask(tracer: SpoolTracer, question: str = "光合成とは?") -> str:
    with tracer.trace("ask", thread_id="t-1", input=question, tags=["ja"]) as root:
        with tracer.span("retrieve", "retriever"), tracer.span("embed", "embedding"):
            pass
        with tracer.span("generate", "generation") as step:
            step.set(output="答え", model="tiny", usage={"input": 3, "output": 2})
        root.set(output="答え")
    return root.trace_id


def delivery(tracer: SpoolTracer) -> LangfuseDelivery:
    assert isinstance(tracer.delivery, LangfuseDelivery)
    return tracer.delivery


def attempts(server: StandIn) -> int:
    return len(server.kept.exchanges)


def assert_each_seen_once(server: StandIn, ids: list[str]) -> None:
    assert server.trace_ids() == set(ids)
    assert server.orphans() == []
    assert server.duplicates() == {}
    for trace_id in ids:
        names = {one.span_id: one.name for one in server.trace(trace_id)}
        assert {one.name: names.get(one.parent_id, "") for one in server.trace(trace_id)} == {
            "ask": "",
            "retrieve": "ask",
            "embed": "retrieve",
            "generate": "ask",
        }


def test_a_question_becomes_one_trace_with_a_root_of_kind_agent(
    delivering: Make, server: StandIn, until: Until
) -> None:
    tracer = delivering()
    trace_id = ask(tracer)
    until(lambda: server.trace(trace_id))
    root, *steps = server.trace(trace_id)
    assert root.attributes["langfuse.observation.type"] == "agent"
    assert [one.attributes["langfuse.observation.type"] for one in steps] == [
        "retriever",
        "embedding",
        "generation",
    ]
    assert all(one.attributes["session.id"] == "t-1" for one in (root, *steps))
    assert all(root.start <= one.start <= one.end <= root.end for one in steps)
    assert steps[-1].attributes["langfuse.observation.usage_details"] == '{"input": 3, "output": 2}'
    assert_each_seen_once(server, [trace_id])


def test_nothing_is_sent_before_the_trace_has_ended(delivering: Make, server: StandIn, until: Until) -> None:
    tracer = delivering()
    with tracer.trace("open") as root:
        with tracer.span("done"):
            pass
        other = ask(tracer)
        until(lambda: server.trace(other))
        assert server.trace(root.trace_id) == []
    until(lambda: server.trace(root.trace_id))
    assert len(server.trace(root.trace_id)) == 2
    assert server.duplicates() == {}


@pytest.mark.parametrize("fault", [400, 401, 404, 429, 500, 503, "drop"])
def test_an_outage_loses_nothing_and_repeats_nothing(
    delivering: Make, server: StandIn, until: Until, fault: Fault
) -> None:
    server.fault = fault
    tracer = delivering()
    ids = [ask(tracer) for _ in range(5)]
    until(lambda: delivery(tracer).state().problem)
    server.fault = None
    until(lambda: delivery(tracer).state().delivered == 5)
    assert delivery(tracer).state().problem == ""
    assert_each_seen_once(server, ids)


def test_a_server_that_is_down_gets_everything_in_order_when_it_comes_back(
    delivering: Make, server: StandIn, until: Until
) -> None:
    server.stop()
    tracer = delivering()
    ids = [ask(tracer) for _ in range(60)]
    until(lambda: delivery(tracer).state().problem)
    server.start()
    until(lambda: delivery(tracer).state().delivered == 60)
    assert_each_seen_once(server, ids)
    arrived = [one.trace_id for one in server.kept.observations.values() if not one.parent_id]
    assert arrived == ids


def test_a_lost_reply_makes_a_resend_under_the_same_ids(
    delivering: Make, server: StandIn, until: Until
) -> None:
    server.fault = "lose reply"
    tracer = delivering()
    trace_id = ask(tracer)
    until(lambda: attempts(server))
    server.fault = None
    until(lambda: delivery(tracer).state().delivered)
    assert len(server.trace(trace_id)) == 4
    assert set(server.duplicates().values()) == {server.kept.accepted.total() // 4}


def test_what_one_process_could_not_deliver_the_next_one_does(
    delivering: Make, server: StandIn, until: Until
) -> None:
    server.fault = 500
    first = delivering()
    ids = [ask(first) for _ in range(3)]
    first.close()
    assert server.trace_ids() == set()
    server.fault = None
    second = delivering()
    until(lambda: delivery(second).state().delivered == 3)
    assert_each_seen_once(server, ids)


def test_what_was_delivered_is_not_sent_again_by_the_next_process(
    delivering: Make, server: StandIn, until: Until
) -> None:
    first = delivering()
    ids = [ask(first) for _ in range(3)]
    first.close()
    second = delivering()
    ids.append(ask(second))
    second.close()
    assert_each_seen_once(server, ids)


def test_a_long_trace_does_not_make_those_after_it_go_out_twice(
    delivering: Make, server: StandIn, until: Until
) -> None:
    first = delivering()
    with first.trace("long") as root:
        ids = [ask(first) for _ in range(3)]
        until(lambda: server.trace_ids() == set(ids))
        first.close()
        second = delivering()
        ids.append(ask(second))
        until(lambda: len(server.trace_ids()) == 4)
        second.close()
    assert server.duplicates() == {}
    assert server.trace(root.trace_id) == []


def test_a_killed_process_is_delivered_by_another_with_a_root_that_says_so(
    delivering: Make, child: Child, server: StandIn, home: Path, until: Until
) -> None:
    process = child("""
import time
with tracer.trace("ask") as whole:
    with tracer.span("step"):
        pass
with tracer.trace("ask", input="poison?", thread_id="t-9") as root:
    with tracer.span("open"):
        with tracer.span("done"):
            pass
        tracer.flush(10)
        print(whole.trace_id, root.trace_id, flush=True)
        time.sleep(600)
""")
    assert process.stdout
    whole, cut = process.stdout.readline().split()
    tracer = delivering()
    until(lambda: server.trace(whole))
    assert server.trace(cut) == []
    process.kill()
    process.wait()
    until(lambda: server.trace(cut))
    root, done = server.trace(cut)
    assert (root.name, root.parent_id) == ("ask", "")
    assert root.attributes["langfuse.observation.level"] == "ERROR"
    assert root.attributes["langfuse.observation.input"] == "poison?"
    assert (done.name, done.parent_id) == ("done", root.span_id)
    assert server.duplicates() == {}
    until(lambda: delivery(tracer).state().delivered == 2)


def test_a_process_killed_while_it_delivers_is_taken_over(
    child: Child, delivering: Make, server: StandIn, environ: dict[str, str], until: Until
) -> None:
    server.fault = "hang"
    process = child(f"""
import time
sender = make_tracer(Settings(home=home), deliver=True, environ={environ!r})
for n in range(3):
    with sender.trace("ask") as root:
        with sender.span("retrieve", "retriever"), sender.span("embed", "embedding"):
            pass
        with sender.span("generate", "generation"):
            pass
    print(root.trace_id)
sender.flush(10)
print("ready", flush=True)
time.sleep(600)
""")
    assert process.stdout
    ids = [line.strip() for line in iter(process.stdout.readline, "ready\n")]
    other = delivering()
    until(lambda: server.hanging)
    process.kill()
    process.wait()
    server.fault = None
    until(lambda: delivery(other).state().delivered == 3)
    assert_each_seen_once(server, ids)


def test_only_one_of_two_processes_delivers(
    delivering: Make, child: Child, server: StandIn, environ: dict[str, str], until: Until
) -> None:
    tracer = delivering()
    first = ask(tracer)
    until(lambda: server.trace(first))
    process = child(f"""
sender = make_tracer(Settings(home=home), deliver=True, environ={environ!r})
with sender.trace("ask") as root:
    with sender.span("retrieve"), sender.span("embed"):
        pass
    with sender.span("generate"):
        pass
sender.close()
print(root.trace_id)
""")
    out, _ = process.communicate(timeout=60)
    until(lambda: len(server.trace_ids()) == 2)
    assert_each_seen_once(server, [first, out.strip()])


@pytest.mark.parametrize("fault", ["hang", 500, 429, 401, "drop", "down"])
def test_close_returns_whatever_the_server_does(
    delivering: Make, server: StandIn, until: Until, fault: Fault | Literal["down"]
) -> None:
    if fault == "down":
        server.stop()
    else:
        server.fault = fault
    tracer = delivering(LANGFUSE_TIMEOUT="30")
    ids = [ask(tracer) for _ in range(3)]
    if fault == "hang":
        until(lambda: server.hanging)
    before = time.monotonic()
    tracer.close()
    assert time.monotonic() - before < 10, "three seconds are promised; the rest is for a slow machine"
    assert {item.key for item in waiting(tracer)} == set(ids)


def waiting(tracer: SpoolTracer) -> list[Item]:
    tail = Tail(tracer.spool.folder)
    tail.read(most=2**20)
    return list(tail.traces)


def test_a_wrong_key_is_said_once_without_the_key(
    delivering: Make, server: StandIn, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    tracer = delivering(LANGFUSE_SECRET_KEY="sk-lf-wrong")
    ask(tracer)
    until(lambda: attempts(server) >= 3)
    said = [record.getMessage() for record in caplog.records if "does not take" in record.getMessage()]
    assert said == ["Langfuse does not take traces now (HTTP 401); they wait on disk"]
    assert "sk-lf" not in caplog.text
    assert server.trace_ids() == set()


def test_scores_arrive_once_and_the_last_word_counts(delivering: Make, server: StandIn, until: Until) -> None:
    server.faults[SCORES] = 500
    tracer = delivering()
    trace_id = ask(tracer)
    tracer.score(trace_id, "user-feedback", 0, comment="引用が違う")
    until(lambda: delivery(tracer).state().problem == "HTTP 500")
    tracer.score(trace_id, "user-feedback", 1, comment="やはり合っている")
    assert tracer.flush(10)
    del server.faults[SCORES]
    until(lambda: delivery(tracer).state().delivered == 3)
    (score,) = server.kept.scores.values()
    assert (score["traceId"], score["name"], score["value"]) == (trace_id, "user-feedback", 1.0)
    assert score["comment"] == "やはり合っている"
    assert_each_seen_once(server, [trace_id])


def test_a_server_that_takes_no_scores_still_gets_traces(
    delivering: Make, server: StandIn, until: Until
) -> None:
    server.faults[SCORES] = 400
    tracer = delivering()
    ids = [ask(tracer)]
    tracer.score(ids[0], "user-feedback", 1)
    until(lambda: delivery(tracer).state().problem == "HTTP 400")
    ids.append(ask(tracer))
    until(lambda: server.trace_ids() == set(ids))
    del server.faults[SCORES]
    tracer.close()
    assert [score["traceId"] for score in server.kept.scores.values()] == [ids[0]]
    assert_each_seen_once(server, ids)


def test_one_trace_that_the_server_refuses_holds_up_no_other(
    delivering: Make, server: StandIn, home: Path, until: Until
) -> None:
    tracer = delivering()
    with tracer.trace("poison") as root:
        poison = root.trace_id
        server.refuse = lambda id: id == poison
    ids = [ask(tracer) for _ in range(3)]
    until(lambda: delivery(tracer).state().refused == 1)
    until(lambda: server.trace_ids() >= set(ids))
    assert_each_seen_once(server, ids)
    noted = home / "traces" / "langfuse.refused.jsonl"
    until(lambda: noted.exists() and noted.read_text().endswith("\n"))
    assert json.loads(noted.read_text())["key"] == poison
    assert stat.S_IMODE(noted.stat().st_mode) == 0o600


def test_a_cursor_that_cannot_be_read_means_a_resend_under_the_same_ids(
    delivering: Make, server: StandIn, home: Path, until: Until
) -> None:
    first = delivering()
    ids = [ask(first) for _ in range(2)]
    first.close()
    (home / "traces" / "langfuse.cursor").write_text('{"offsets": [')
    second = delivering()
    until(lambda: delivery(second).state().delivered == 2)
    assert server.trace_ids() == set(ids)
    assert set(server.duplicates().values()) == {2}


def test_a_thousand_step_trace_goes_out_parents_first(
    delivering: Make, server: StandIn, until: Until
) -> None:
    tracer = delivering()
    with tracer.trace("ask") as root:
        for number in range(600):
            with tracer.span(f"outer {number}"), tracer.span("inner"):
                pass
    until(lambda: len(server.trace(root.trace_id)) == 1201)
    known: set[str] = set()
    for one in server.kept.observations.values():
        assert not one.parent_id or one.parent_id in known
        known.add(one.span_id)


def test_scores_with_long_comments_go_in_requests_that_a_server_takes(
    delivering: Make, server: StandIn, until: Until
) -> None:
    tracer = delivering()
    trace_id = ask(tracer)
    until(lambda: delivery(tracer).state().delivered == 1)
    server.faults[SCORES] = 503
    for number in range(80):
        tracer.score(trace_id, f"n{number}", 1, comment="\x01" * 4_000)
    assert tracer.flush(10)
    del server.faults[SCORES]
    until(lambda: delivery(tracer).state().delivered == 81)
    assert {exchange.status for exchange in server.kept.exchanges if exchange.path == SCORES} <= {202, 503}
    assert len(server.kept.scores) == 80


def test_the_cursor_is_private(delivering: Make, home: Path) -> None:
    tracer = delivering()
    ask(tracer)
    tracer.close()
    cursor = home / "traces" / "langfuse.cursor"
    assert stat.S_IMODE(cursor.stat().st_mode) == 0o600


def test_the_two_paths_are_those_of_the_sdk(delivering: Make, server: StandIn) -> None:
    tracer = delivering()
    tracer.score(ask(tracer), "user-feedback", 1)
    tracer.close()
    assert [exchange.path for exchange in server.kept.exchanges] == [TRACES, SCORES]
