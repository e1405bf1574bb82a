"""Errors: each says what to do, in the reader's language, wherever it surfaces."""

import pickle
from pathlib import Path

import pytest

from terakoya import errors
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

EVERY_KIND = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TerakoyaError)
]


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


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_an_error_passes_between_processes_as_it_is(kind: type[TerakoyaError]) -> None:
    error = kind("path_unreadable", path=Path("a.md"), reason=OSError("locked"))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.key == error.key
    assert [again.message(language) for language in ("en", "ja")] == [
        error.message(language) for language in ("en", "ja")
    ]
    told = rebuild("note_unknown", "ノートがありません。", 404)
    assert pickle.loads(pickle.dumps(told)).message("en") == "ノートがありません。"
    numbered = kind("note_large", path="a.md", size=2.5, limit=1)
    assert pickle.loads(pickle.dumps(numbered)).values == {"path": "a.md", "size": 2.5, "limit": 1}
