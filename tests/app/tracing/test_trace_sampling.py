import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import Settings
from app.tracing import SpoolTracer, make_tracer
from app.tracing.langfuse import LangfuseDelivery
from app.tracing.sampling import Sampling
from app.tracing.standin import StandIn

Until = Callable[..., None]
Sampled = Callable[[float], SpoolTracer]


@pytest.fixture
def sampled(home: Path, environ: dict[str, str]):
    made = []

    def make(rate: float, *, slow_ms: float = 1e9) -> SpoolTracer:
        settings = Settings(home=home, trace_sample=rate, trace_slow_ms=slow_ms)
        made.append(make_tracer(settings, deliver=True, environ=environ))
        return made[-1]

    yield make
    for tracer in made:
        tracer.close()


def ask(tracer: SpoolTracer, *, fails: bool = False) -> str:
    with tracer.trace("ask", input="q") as root:
        if fails:
            with pytest.raises(ValueError, match="no"), tracer.span("verify"):
                raise ValueError("no")
        with tracer.span("retrieve", "retriever"):
            pass
    return root.trace_id


def settled(tracer: SpoolTracer) -> bool:
    delivery = tracer.delivery
    assert isinstance(delivery, LangfuseDelivery)
    cursor = delivery.folder / "langfuse.cursor"
    sizes = sum(path.stat().st_size for path in delivery.folder.glob("*.jsonl"))
    return cursor.exists() and str(sizes) in cursor.read_text()


def test_a_rate_lets_that_part_through_and_the_same_traces_each_time() -> None:
    ids = [f"{number * 2_654_435_761 % 2**32:08x}{'0' * 24}" for number in range(10_000)]
    kept = [one for one in ids if Sampling(rate=0.2).by_rate(one)]
    assert len(kept) == pytest.approx(2_000, rel=0.05)
    assert set(kept) <= {one for one in ids if Sampling(rate=0.3).by_rate(one)}
    assert all(Sampling(rate=1.0).by_rate(one) for one in [*ids, "f" * 32])
    assert not any(Sampling(rate=0.0).by_rate(one) for one in [*ids, "0" * 32])


def test_errors_go_whatever_the_rate_and_others_stay_in_the_files(
    sampled: Sampled, server: StandIn, until: Until
) -> None:
    tracer = sampled(0.0)
    quiet, failed = [ask(tracer) for _ in range(20)], ask(tracer, fails=True)
    tracer.score(quiet[0], "latency", 12.0)
    tracer.score(failed, "latency", 13.0)
    until(lambda: settled(tracer))
    assert server.trace_ids() == {failed}
    assert [score["traceId"] for score in server.kept.scores.values()] == [failed], "its score goes with it"
    assert tracer.spool.folder.joinpath(f"{time.strftime('%Y-%m-%d', time.gmtime())}.jsonl").exists()


def test_slow_ones_go_whatever_the_rate(sampled, server: StandIn, until: Until) -> None:
    tracer = sampled(0.0, slow_ms=0.0)
    slow = ask(tracer)
    until(lambda: server.trace(slow))
    assert len(server.trace(slow)) == 2


def test_a_thumb_down_brings_its_trace_back_and_a_thumb_up_does_not(
    sampled: Sampled, server: StandIn, until: Until
) -> None:
    tracer = sampled(0.0)
    bad, good = ask(tracer), ask(tracer)
    until(lambda: settled(tracer))
    assert server.trace_ids() == set()
    tracer.score(good, "user-feedback", 1)
    tracer.score(bad, "user-feedback", 0, comment="wrong")
    until(lambda: server.kept.scores)
    assert server.trace_ids() == {bad}
    assert server.orphans() == []
    assert [score["traceId"] for score in server.kept.scores.values()] == [bad]
    tracer.score(bad, "user-feedback", 0, comment="quite wrong", score_id="another")
    until(lambda: "another" in server.kept.scores)
    assert server.duplicates() == {}


def test_a_thumb_down_after_a_restart_brings_it_back_too(
    sampled: Sampled, server: StandIn, until: Until
) -> None:
    tracer = sampled(0.0)
    bad = ask(tracer)
    until(lambda: settled(tracer))
    tracer.close()
    again = sampled(0.0)
    again.score(bad, "user-feedback", 0)
    until(lambda: server.kept.scores)
    assert {one.name for one in server.trace(bad)} == {"ask", "retrieve"}


def test_a_trace_that_comes_back_during_an_outage_is_sent_before_its_score(
    sampled: Sampled, server: StandIn, until: Until
) -> None:
    tracer = sampled(0.0)
    bad = ask(tracer)
    until(lambda: settled(tracer))
    server.fault = 503
    tracer.score(bad, "user-feedback", 0)
    until(lambda: any(exchange.status == 503 for exchange in server.kept.exchanges))
    server.fault = None
    until(lambda: server.kept.scores)
    assert server.trace_ids() == {bad}
    assert server.duplicates() == {}
