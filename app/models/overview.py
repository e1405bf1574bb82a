"""All models that a home knows of, with what each takes here."""

from collections.abc import Iterator
from pathlib import Path

from app.models.catalogue import CatalogueEntry, catalogue
from app.models.choice import Choice, LocalChoice, RemoteChoice, chosen
from app.models.footprint import Footprint
from app.models.gguf import read_header
from app.models.library import Library
from app.models.options import ModelOptions
from app.settings import Settings
from terakoya.api.models import ModelMemory, ModelSummary
from terakoya.errors import TerakoyaError


def overview(settings: Settings, *, free: int | None) -> list[ModelSummary]:
    """The models of the catalogue, the other files of the home, and what else the settings name.

    Args:
        settings: Of the home.
        free: Bytes of memory that are free, None for unknown.

    Raises:
        BadInput: A model of the settings cannot be meant like this.
    """
    choices = chosen(settings)
    library = Library(settings.models_path)
    return list(_summaries(settings, library, choices, free))


def _summaries(
    settings: Settings, library: Library, choices: list[Choice], free: int | None
) -> Iterator[ModelSummary]:
    places = {_place(choice): number for number, choice in reversed(list(enumerate(choices, 1)))}
    told: set[str] = set()
    for entry in catalogue().values():
        path = library.path(entry.name)
        told.add(str(path))
        yield _known(entry, path, settings, free, places.get(str(path)))
    for path in (*library.files(), *(choice.path for choice in choices if isinstance(choice, LocalChoice))):
        if str(path) not in told:
            told.add(str(path))
            yield _file(path, settings, free, places.get(str(path)))
    for choice in choices:
        if isinstance(choice, RemoteChoice):
            yield ModelSummary(
                name=choice.name,
                kind="remote",
                address=choice.endpoint.url,
                here=False,
                used=places[_place(choice)],
            )


def _place(choice: Choice) -> str:
    if isinstance(choice, LocalChoice):
        return str(choice.path)
    return f"{choice.name}@{choice.endpoint.url}"


def _known(
    entry: CatalogueEntry, path: Path, settings: Settings, free: int | None, used: int | None
) -> ModelSummary:
    return ModelSummary(
        name=entry.name,
        kind="local",
        title=entry.title,
        path=str(path),
        address=entry.address(settings.model_hub),
        here=path.exists(),
        used=used,
        bytes=entry.footprint.weights,
        parameters=entry.parameters,
        quantization=entry.quantization,
        licence=entry.licence,
        languages=entry.languages,
        context=_context(entry.footprint, settings),
        memory=_memory(entry.footprint, settings),
        fits=_fits(entry.footprint, settings, free),
    )


def _file(path: Path, settings: Settings, free: int | None, used: int | None) -> ModelSummary:
    try:
        header = read_header(path)
    except TerakoyaError as error:
        return ModelSummary(
            name=path.stem,
            kind="local",
            path=str(path),
            here=path.exists(),
            used=used,
            problem=error.message(),
        )
    return ModelSummary(
        name=path.stem,
        kind="local",
        title=header.name,
        path=str(path),
        here=True,
        used=used,
        bytes=header.size,
        quantization=header.quantization,
        context=_context(header.footprint, settings),
        memory=_memory(header.footprint, settings),
        fits=_fits(header.footprint, settings, free),
    )


def _context(footprint: Footprint, settings: Settings) -> int:
    return footprint.window(settings.context_tokens, ModelOptions.of(settings))


def _memory(footprint: Footprint, settings: Settings) -> ModelMemory:
    options = ModelOptions.of(settings)
    cells = footprint.window(settings.context_tokens, options)
    return ModelMemory(
        weights=footprint.weights,
        cache=footprint.cache(cells, options),
        overhead=footprint.overhead(cells, options),
        total=footprint.taken(cells, options),
    )


def _fits(footprint: Footprint, settings: Settings, free: int | None) -> bool | None:
    return (
        None if free is None else footprint.memory(settings.context_tokens, ModelOptions.of(settings)) <= free
    )
