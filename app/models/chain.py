"""The chat models of the settings, in the order in which they are tried."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.models.choice import Choice, LocalChoice, RemoteChoice, chosen, require_file
from app.models.endpoint import Endpoint, key_for
from app.models.engine import LocalEngine
from app.models.gguf import read_header
from app.models.options import ModelOptions
from app.models.selfcheck import SelfCheck
from app.settings import Settings
from terakoya.protocols import Tracer

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models import BaseChatModel

    from app.models.remote.server import Server


_REMOTE = {"temperature", "top_p", "seed"}
"""Controls that every server knows."""


class ModelChain:
    """The models with what serves them: engines, and connections to servers. Nothing starts before it is used.

    Args:
        settings: Of the home.
        tracer: Records each call of a model, under the step that makes it.

    Raises:
        BadInput: A model of the settings cannot be meant like this.
    """

    def __init__(self, settings: Settings, tracer: Tracer | None = None) -> None:
        self._settings = settings
        self._tracer = tracer
        self.choices: Sequence[Choice] = tuple(chosen(settings))
        self.engines: dict[str, LocalEngine] = {}
        self._servers: dict[str, Server] = {}

    def check(self) -> None:
        """Looks at the files and the keys, without loading or asking anything.

        Raises:
            BadInput: A file is missing or no GGUF that can be read; the file of keys cannot be used.
            Unavailable: A model of the catalogue was not downloaded.
        """
        for choice in self.choices:
            if isinstance(choice, LocalChoice):
                require_file(choice, self._settings)
                read_header(choice.path)
            else:
                self.server(choice.endpoint)

    def chat_models(self) -> list[tuple[str, "BaseChatModel"]]:
        """Name and model of each."""
        return [(choice.name, self._model(choice)) for choice in self.choices]

    def server(self, endpoint: Endpoint) -> "Server":
        """What asks at this endpoint; one for all models there, so that they share what is known of it.

        Raises:
            BadInput: `keys_open` or `keys_file`.
        """
        from app.models.remote.server import Server

        if endpoint.url not in self._servers:
            settings = self._settings
            hosts = {choice.endpoint.host for choice in self.choices if isinstance(choice, RemoteChoice)}
            self._servers[endpoint.url] = Server(
                endpoint,
                key_for(endpoint, settings.keys_path, alone=hosts <= {endpoint.host}),
                connect_timeout=settings.connect_timeout,
                read_timeout=settings.read_timeout,
                timeout=settings.model_timeout,
            )
        return self._servers[endpoint.url]

    def close(self) -> None:
        """Ends the workers, and closes connections."""
        for engine in self.engines.values():
            engine.close()
        for server in self._servers.values():
            server.close()

    def _model(self, choice: Choice) -> "BaseChatModel":
        longest = self._settings.max_answer_tokens
        if isinstance(choice, RemoteChoice):
            from app.models.remote.chat import RemoteChatModel

            own = self._settings.sampling.model_dump(include=_REMOTE, exclude_unset=True)
            return RemoteChatModel(
                server=self.server(choice.endpoint),
                model=choice.name,
                max_tokens=longest,
                callbacks=self._watches(),
                **own,
            )
        from app.models.local import LocalChatModel
        from app.models.queue_place import tell_place

        return LocalChatModel(
            engine=self._engine(choice),
            model=choice.name,
            max_tokens=longest,
            waiting=tell_place,
            callbacks=self._watches(),
            **self._settings.sampling.model_dump(),
        )

    def _watches(self) -> "list[BaseCallbackHandler]":
        if self._tracer is None:
            return []
        from app.tracing.generations import GenerationWatch

        return [GenerationWatch(self._tracer)]

    def _engine(self, choice: LocalChoice) -> LocalEngine:
        key = str(choice.path)
        if key not in self.engines:
            self.engines[key] = LocalEngine(
                choice.path,
                context_tokens=self._settings.context_tokens,
                timeout=self._settings.model_timeout,
                options=ModelOptions.of(self._settings),
                selfcheck=SelfCheck(self._settings.selfcheck_path),
            )
        return self.engines[key]
