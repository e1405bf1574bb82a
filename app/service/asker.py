"""For whom a client of the service asks."""

from typing import Annotated

from fastapi import Depends, Request

from terakoya.client.record import ASKER_HEADER


def _asker(request: Request) -> str:
    return request.headers.get(ASKER_HEADER, "")


Asker = Annotated[str, Depends(_asker)]
"""As the client says; empty where it does not, and then each conversation is somebody of its own."""
