"""Errors: each says what to do, in the reader's language, wherever it surfaces."""

import pytest

from terakoya.errors import (
    BadInput,
    Busy,
    CheckFailed,
    NotFound,
    TerakoyaError,
    Unauthorised,
    Unavailable,
    rebuild,
)


def test_an_error_is_told_in_either_language() -> None:
    error = NotFound("note_unknown", source="a.md")
    assert "a.md" in error.message("en")
    assert "a.md" in error.message("ja")
    assert error.message("en") != error.message("ja")


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (BadInput, 2, 422),
        (NotFound, 2, 404),
        (CheckFailed, 1, 409),
        (Unavailable, 3, 503),
        (Busy, 3, 409),
        (Unauthorised, 3, 401),
    ],
)
def test_each_kind_has_its_exit_code_and_status(kind: type[TerakoyaError], code: int, status: int) -> None:
    assert (kind.exit_code, kind.http_status) == (code, status)


@pytest.mark.parametrize("kind", [BadInput, NotFound, Unavailable, Busy, Unauthorised])
def test_an_error_of_another_process_keeps_its_kind_and_its_sentence(kind: type[TerakoyaError]) -> None:
    again = rebuild("note_unknown", "ノートがありません。", kind.http_status)
    assert type(again) is kind
    assert (again.key, str(again), again.message("en")) == (
        "note_unknown",
        "ノートがありません。",
        "ノートがありません。",
    )
