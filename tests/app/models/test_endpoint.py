"""Where servers may be, whose key goes there, and how long one waits before asking again."""

from pathlib import Path

import pytest

from app.models.endpoint import Endpoint, key_for
from app.models.waiting import backoff, retry_after
from terakoya.errors import BadInput


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://models.example/v1", "remote_insecure"),
        ("http://10.0.0.7:8080/v1", "remote_insecure"),
        ("ftp://models.example", "remote_url"),
        ("https://me:hidden@models.example/v1", "remote_url"),
        ("https://models.example/v1?key=hidden", "remote_url"),
        ("https://models.example:port/v1", "remote_url"),
        ("https:///v1", "remote_url"),
        ("https://[::1/v1", "remote_url"),
    ],
)
def test_an_address_that_would_show_notes_or_keys_is_refused(url: str, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        Endpoint.at(url)
    assert caught.value.key == key
    assert "hidden" not in str(caught.value)


def test_this_machine_and_a_host_that_is_named_may_go_without_encryption() -> None:
    for url in ("http://localhost:1/v1", "http://127.0.0.9:1/v1", "http://[::1]:1/v1"):
        assert Endpoint.at(url).on_this_machine
    assert (
        Endpoint.at("http://10.0.0.7:8080/v1/", http_hosts=["10.0.0.7:8080"]).url == "http://10.0.0.7:8080/v1"
    )


def test_a_key_goes_to_the_server_that_it_is_for(tmp_path: Path) -> None:
    one, other = Endpoint.at("https://one.example/v1"), Endpoint.at("https://other.example:8443/v1")
    keys = tmp_path / "keys.toml"

    def key(endpoint: Endpoint, *, alone: bool = False, **environ: str) -> str | None:
        found = key_for(endpoint, keys, alone=alone, environ=environ)
        return found.get_secret_value() if found else None

    assert key(one, TERAKOYA_API_KEY="a") is None
    assert key(one, alone=True, TERAKOYA_API_KEY="a") == "a"
    assert key(other, TERAKOYA_API_KEY_OTHER_EXAMPLE_8443="b") == "b"
    assert key(one, TERAKOYA_API_KEY_OTHER_EXAMPLE_8443="b") is None
    keys.write_text('"one.example" = "kept"\n')
    keys.chmod(0o600)
    assert key(one) == "kept"
    keys.chmod(0o644)
    with pytest.raises(BadInput) as caught:
        key(one)
    assert caught.value.key == "keys_open"
    keys.chmod(0o600)
    keys.write_text('"one.example" = kept-secret')
    with pytest.raises(BadInput) as caught:
        key(one)
    assert "kept-secret" not in str(caught.value)


def test_waits_grow_are_drawn_and_have_an_end() -> None:
    assert [backoff(n, draw=lambda: 1.0) for n in (1, 2, 3, 9, 10_000)] == [0.5, 1.0, 2.0, 8.0, 8.0]
    assert backoff(3, draw=lambda: 0.0) == 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_both_forms_of_retry_after_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=lambda: 1445412480.0) == seconds
