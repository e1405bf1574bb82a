"""What a setting names as a chat model: a GGUF file here, or a model that a server has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.models.catalogue import catalogue
from app.models.endpoint import Endpoint
from app.settings import Settings
from terakoya.errors import BadInput, Unavailable

_REMOTE = re.compile(r"openai:(?P<model>.+)@(?P<url>[a-z]+://.*)", re.IGNORECASE)
_SUFFIX = ".gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalChoice:
    """A GGUF file.

    Attributes:
        name: What the model is called.
        path: The file, which may be missing.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteChoice:
    """A model that an OpenAI-compatible server has.

    Attributes:
        name: What the server calls the model.
        endpoint: The server.
    """

    name: str
    endpoint: Endpoint


Choice = LocalChoice | RemoteChoice


def chosen(settings: Settings) -> list[Choice]:
    """The models of the settings, in the order in which they are tried.

    Raises:
        BadInput: `remote_form`, `remote_url`, `remote_insecure`: a remote model cannot be meant like this.
    """
    return [choice_of(name, settings) for name in settings.chat_models]


def choice_of(name: str, settings: Settings) -> Choice:
    """What one name means. Looks at no file and no server, but that a bare name may be a file here.

    Raises:
        BadInput: See `chosen`; `model_nothing`: an empty name.
    """
    name = name.strip()
    if not name:
        raise BadInput("model_nothing")
    if name.lower().startswith("openai:"):
        match = _REMOTE.fullmatch(name)
        if match is None:
            raise BadInput("remote_form", name=_without_password(name))
        endpoint = Endpoint.at(match["url"], http_hosts=settings.http_hosts)
        return RemoteChoice(name=match["model"], endpoint=endpoint)
    path = Path(name).expanduser()
    if path.suffix.lower() == _SUFFIX or len(path.parts) > 1 or path.exists():
        ours = settings.models_path / path.name
        found = ours if len(path.parts) == 1 and not path.exists() and ours.exists() else path
        return LocalChoice(name=path.stem, path=found)
    return LocalChoice(name=name, path=settings.models_path / f"{name}{_SUFFIX}")


def require_file(choice: LocalChoice, settings: Settings) -> None:
    """Raises unless there is a file.

    Raises:
        BadInput: `model_missing`: there is no such file, and nobody knows the name.
        Unavailable: `model_unpulled`: it is in the catalogue and was not downloaded yet.
    """
    if choice.path.exists():
        return
    entry = catalogue().get(choice.name)
    if entry is not None and choice.path.parent == settings.models_path:
        raise Unavailable(
            "model_unpulled",
            name=entry.name,
            address=entry.address(settings.model_hub),
            path=choice.path,
        )
    raise BadInput("model_missing", path=choice.path)


def names(choices: Sequence[Choice]) -> list[str]:
    """How the models are called in answers."""
    return [choice.name for choice in choices]


def _without_password(name: str) -> str:
    return re.sub(r"//[^/@]*@", "//...@", name)
