import threading
from pathlib import Path

import pytest

from app.settings import Settings
from app.tracing import make_tracer
from app.tracing.account import account
from app.tracing.otlp import environment_name

ALL = {
    "LANGFUSE_BASE_URL": "http://127.0.0.1:3000/",
    "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
    "LANGFUSE_SECRET_KEY": "sk-lf-1",
}


def test_three_variables_make_an_account() -> None:
    found = account(ALL)
    assert found
    assert (found.base_url, found.public_key, found.timeout) == ("http://127.0.0.1:3000", "pk-lf-1", 5.0)
    assert "sk-lf-1" not in repr(found)


def test_the_deprecated_name_of_the_address_still_works() -> None:
    old = {**ALL, "LANGFUSE_HOST": "http://old:1", "LANGFUSE_BASE_URL": ""}
    assert account(old) == account({**ALL, "LANGFUSE_BASE_URL": "http://old:1"})


@pytest.mark.parametrize("missing", sorted(ALL))
def test_one_that_is_missing_is_named_and_nothing_is_sent(
    missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert account({name: value for name, value in ALL.items() if name != missing}) is None
    assert missing in caplog.text
    assert "sk-lf-1" not in caplog.text


@pytest.mark.parametrize(
    "environ",
    [{}, {**ALL, "LANGFUSE_TRACING_ENABLED": "False"}, {**ALL, "LANGFUSE_BASE_URL": "127.0.0.1:3000"}],
)
def test_without_an_address_or_with_tracing_off_nothing_is_sent(environ: dict[str, str]) -> None:
    assert account(environ) is None


def test_a_process_that_may_not_deliver_starts_nothing(tmp_path: Path) -> None:
    before = threading.active_count()
    tracer = make_tracer(Settings(home=tmp_path), deliver=False, environ=ALL)
    assert tracer.delivery is None
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("local", "local"),
        ("My Laptop", "my-laptop"),
        ("langfuse-x", "x-langfuse-x"),
        ("", None),
        ("本番", "--"),
    ],
)
def test_environments_are_named_as_the_server_allows(name: str, allowed: str | None) -> None:
    assert environment_name(name) == allowed
