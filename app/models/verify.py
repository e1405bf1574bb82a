"""Whether a model's file is whole, and whether the model speaks."""

from pathlib import Path

from app.models.catalogue import catalogue
from app.models.choice import LocalChoice, require_file
from app.models.engine import LocalEngine
from app.models.gguf import read_header
from app.models.library import Library, digest
from app.models.sampling import Sampling
from app.settings import Settings
from terakoya.api.models import ModelVerified
from terakoya.errors import BadInput

_CONTEXT = 512


def verify(choice: LocalChoice, settings: Settings) -> ModelVerified:
    """Compares the checksum, reads the header, and lets the model say one token in a process thrown away after.

    Raises:
        BadInput: `model_missing`, `model_not_gguf`, `model_broken`; `model_checksum`: the file is not the one
            that was downloaded.
        Unavailable: The engine is missing, memory does not suffice, or the process crashed.
    """
    require_file(choice, settings)
    header = read_header(choice.path)
    wanted = _wanted(choice.path, settings)
    found = digest(choice.path)
    if wanted and found != wanted:
        raise BadInput("model_checksum", path=choice.path, wanted=wanted, found=found, name=choice.name)
    with LocalEngine(choice.path, context_tokens=_CONTEXT, timeout=settings.model_timeout) as engine:
        seconds, token = _first_token(engine)
    return ModelVerified(
        name=choice.name,
        path=str(choice.path),
        bytes=header.size,
        sha256=found,
        checksum="ok" if wanted else "unknown",
        architecture=header.architecture,
        quantization=header.quantization,
        context=header.context,
        token=token,
        load_seconds=round(seconds, 3),
    )


def _first_token(engine: LocalEngine) -> tuple[float, str]:
    import time

    began = time.perf_counter()
    engine.load()
    seconds = time.perf_counter() - began
    messages = [{"role": "user", "content": "こんにちは"}]
    with engine.generate(messages, Sampling(max_tokens=1, temperature=0)) as said:  # type: ignore[arg-type]
        return seconds, "".join(said)


def _wanted(path: Path, settings: Settings) -> str:
    """What the file's checksum has to be, empty for unknown."""
    origin = Library(settings.models_path).origin(path)
    if origin is not None:
        return origin.sha256
    entry = catalogue().get(path.stem)
    return entry.sha256 if entry is not None and path.parent == settings.models_path else ""
