"""The language of the reader of a reply."""

from typing import Annotated

from fastapi import Depends, Request

from terakoya.catalogue import environment_language


def reader_language(accepted: str | None) -> str:
    """`ja` or `en` from an Accept-Language header (RFC 9110, 12.5.4); the environment's without one."""
    weights: dict[str, float] = {}
    for part in (accepted or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in ("ja", "en"):
            weights[language] = max(weights.get(language, 0.0), _weight(parameter))
    weights = {language: weight for language, weight in weights.items() if weight > 0}
    return max(weights, key=lambda language: weights[language]) if weights else environment_language()


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _reader(request: Request) -> str:
    return reader_language(request.headers.get("accept-language"))


Reader = Annotated[str, Depends(_reader)]
"""That of the request that a route answers."""
