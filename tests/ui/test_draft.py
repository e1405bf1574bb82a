"""An answer that grows has not been checked yet, and its reader is told."""

import threading

from scripted_service import Reply, citation, note


def test_a_growing_answer_is_called_a_draft_until_it_has_been_checked(service, page, settle, shown):
    service.notes = [note("tcp.md", "TCP")]
    gate = threading.Event()
    service.replies["What?"] = Reply(
        pieces=["cwnd doubles ", "[1]."], citations=[citation("- cwnd doubles")], gate=gate
    )
    app = page()
    app.chat_input(key="ask").set_value("What?").run()
    settle(app, lambda: "cwnd doubles" in shown(app))
    assert "a draft" in shown(app)
    gate.set()
    settle(app, lambda: len(app.feedback) == 1)
    assert "a draft" not in shown(app)
