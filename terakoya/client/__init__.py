"""The HTTP client of the service: what the page and the command line speak to it with."""

from terakoya.client.events import run_error
from terakoya.client.record import CHALLENGE_HEADER, PROOF_HEADER, ServiceRecord, answers, proof
from terakoya.client.service import ServiceClient

__all__ = [
    "CHALLENGE_HEADER",
    "PROOF_HEADER",
    "ServiceClient",
    "ServiceRecord",
    "answers",
    "proof",
    "run_error",
]
