"""SIGTERM while the Langfuse server hangs: the service ends all the same, and loses nothing."""

import signal

from running import until

from app.settings import Settings
from app.tracing.standin import StandIn
from app.wiring import open_installation
from terakoya.client import ServiceClient


def test_a_service_that_is_ended_while_langfuse_hangs_loses_nothing(tmp_path, processes):
    home, notes = tmp_path / "home", tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("# Tea\n\nGreen tea is brewed at 80 C.\n", encoding="utf-8")
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    try:
        installation.ingest([notes])
    finally:
        installation.close()
    with StandIn() as server:
        named = {
            "LANGFUSE_BASE_URL": server.url,
            "LANGFUSE_PUBLIC_KEY": server.public_key,
            "LANGFUSE_SECRET_KEY": server.secret_key,
            "LANGFUSE_TIMEOUT": "600",
        }

        def up():
            serve = ("-m", "app.cli.program", "--home", home, "serve", "--port", "0")
            started = processes.start(*serve, TERAKOYA_EMBEDDER="none", **named)
            return started, until(lambda: ServiceClient.discover(home, language="en"))

        server.fault = "hang"
        serving, client = up()
        with client:
            traces = [client.answer("How hot is green tea?").trace_id for _ in range(3)]
            until(lambda: server.hanging)
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(60) == 0
        assert server.trace_ids() == set()
        server.fault = None
        serving, client = up()
        with client:
            until(lambda: server.trace_ids() == set(traces))
            until(lambda: len(server.kept.scores) >= 2 * len(traces))
        assert server.orphans() == []
        assert server.duplicates() == {}
