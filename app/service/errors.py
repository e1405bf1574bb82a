"""How an error is told: in the service's own shape, or in OpenAI's for those who ask at `/v1`."""

from typing import Any

from terakoya.api import ErrorBody
from terakoya.errors import TerakoyaError

OPENAI = "/v1/"
"""What the paths of OpenAI's API begin with."""
_NAMING = {"completion_option": "name", "request_invalid": "field"}
"""Which of an error's values names the parameter that it is about."""
_ABOUT = {
    "completion_model": "model",
    "completion_last": "messages",
    "completion_content": "messages",
    "question_empty": "messages",
    "question_long": "messages",
}
"""The parameter that an error is always about."""


def status_at(path: str, status: int) -> int:
    """The status of a reply to a request for `path`: OpenAI's API has no 422, and its clients look for 400."""
    return 400 if status == 422 and path.startswith(OPENAI) else status


def error_body(path: str, error: TerakoyaError, status: int, language: str | None) -> dict[str, Any]:
    """The body of a reply that tells of an error.

    Args:
        path: What was asked for.
        error: The error.
        status: Status of the reply.
        language: Of the reader.
    """
    message = error.message(language)
    if not path.startswith(OPENAI):
        return ErrorBody(code=error.key, message=message).model_dump()
    kind = "server_error" if status >= 500 else "invalid_request_error"
    parameter = error.values.get(_NAMING.get(error.key, ""), _ABOUT.get(error.key))
    named = None if parameter in (None, "body") else str(parameter).removeprefix("body.")
    return {"error": {"message": message, "type": kind, "param": named, "code": error.key}}
