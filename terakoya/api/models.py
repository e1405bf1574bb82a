"""Chat models: what there is, what they take, and how they do."""

from typing import Literal

from terakoya.api.schema import Schema


class ModelMemory(Schema):
    """Bytes that running a model takes."""

    weights: int
    cache: int
    overhead: int
    total: int


class ModelSummary(Schema):
    """A chat model: of the catalogue, of the home, or of the settings.

    `memory` counts for `context`, the smaller of the setting and what the model was trained for; `fits` says
    whether so much is free now, None where the system does not tell or the model runs elsewhere. `used` is its
    place in the order in which models are tried, from 1.
    """

    name: str
    kind: Literal["local", "remote"]
    title: str = ""
    path: str = ""
    address: str = ""
    here: bool
    used: int | None = None
    bytes: int = 0
    parameters: float | None = None
    quantization: str = ""
    licence: str = ""
    languages: str = ""
    context: int = 0
    memory: ModelMemory | None = None
    fits: bool | None = None
    problem: str = ""


class ModelFile(Schema):
    """A file that was downloaded or made."""

    name: str
    path: str
    address: str
    bytes: int
    sha256: str
    checked: bool


class ModelUse(Schema):
    """The models of the settings, in order."""

    models: list[str]
    path: str


class ModelRemoved(Schema):
    """A file that is gone."""

    name: str
    path: str
    bytes: int


class ModelVerified(Schema):
    """What was found of a model that works.

    `checksum` is `ok`, or `unknown` where nobody said what it has to be. `token` is the first that it said.
    """

    name: str
    path: str
    bytes: int
    sha256: str
    checksum: Literal["ok", "unknown"]
    architecture: str
    quantization: str
    context: int
    token: str
    load_seconds: float


class ModelBench(Schema):
    """How fast a model is, medians of the rounds.

    `first_token` is in seconds from the question to the first text, `prefill` and `decode` in tokens a second.
    `memory` is the most that its process took, `foreseen` what was computed before; both in bytes, and None for
    a model that runs elsewhere.
    """

    name: str
    rounds: int
    input_tokens: int
    output_tokens: int
    load_seconds: float | None
    first_token: float
    prefill: float
    decode: float
    memory: int | None
    foreseen: int | None


class ModelPerplexity(Schema):
    """How well a model foretells a text; see `docs/models.md` for the definition."""

    name: str
    quantization: str
    perplexity: float
    error: float
    scored: int
    tokens: int
    windows: int
    window: int
    seconds: float
