"""Thumbs over HTTP."""

import json


def test_the_thumbs_that_were_given_are_told_over_http(service):
    (item,) = service.feedback_given()
    assert (item.trace_id, item.value, item.given_at) == ("a" * 32, 0, "2026-01-01T00:00:00+00:00")


def test_the_command_line_lists_them_while_the_service_is_up(own_service, terakoya):
    done = terakoya("feedback", "list", "--json")
    assert done.returncode == 0, done.err
    assert json.loads(done.out)["trace_id"] == "a" * 32
