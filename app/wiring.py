"""The only place that builds things: from settings to store, embedder, answerer, tracer and graph.

Heavy imports stand inside the functions that need them: a command pays only for what it uses.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from app.home import prepare_home, read_only
from app.installation import Installation
from app.settings import Settings
from terakoya.errors import TerakoyaError
from terakoya.protocols import Answerer, Retriever, Tracer
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.types import Language

if TYPE_CHECKING:
    from app.asking import Asker
    from app.memory import Facts
    from app.models.chain import ModelChain
    from app.models.engine import LocalEngine
    from app.models.heard import Heard
    from app.scoring import AnswerScores
    from app.threads import Threads
    from ingest.embedder import SentenceTransformerEmbedder
    from ingest.explain import Explainer
    from ingest.reranker import CrossEncoderReranker
    from ingest.spelling import Speller
    from ingest.store import Store
    from ingest.vectors import Vectors
    from workflows.advising import Adviser
    from workflows.nodes import Parts
    from workflows.prompts import Prompts
    from workflows.summarising import Summariser
    from workflows.tools.choosing import Chooser
    from workflows.tools.nodes import ToolParts

T = TypeVar("T")
Around = Callable[["Store", Retriever], Retriever]


class built_once(cached_property[T]):  # noqa: N801 - used as a decorator
    """A part that is built by the first thread that needs it, while others wait for it.

    There is one lock for all parts, taken before any part's own: two threads that need the same parts in
    another order would wait for one another for ever.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        """The part."""
        if instance is None:
            return self
        with instance._building:
            return super().__get__(instance, owner)


class Wiring:
    """The parts of one home, each built when it is first needed. Safe in several threads.

    Args:
        settings: Of the installation.
        store: Open already.
        deliver: Carry traces to Langfuse from this process.
        tracer: Used instead of the one that the settings name.
        like: Parts of the same settings, whose analyser, embedder and reranker are used if they are loaded.
        around: Makes the retriever that is used of the store and the one that the settings name.
        heard: Keeps how sure the models were of their answers, which they are then asked to tell.
    """

    def __init__(
        self,
        settings: Settings,
        store: "Store",
        *,
        deliver: bool,
        tracer: Tracer | None = None,
        like: "Wiring | None" = None,
        around: "Around | None" = None,
        heard: "Heard | None" = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self._around = around
        self._heard = heard
        self._deliver = deliver
        self._given_tracer = tracer
        self._building = threading.RLock()
        self.analyser: Analyser = like.analyser if like else Analyser()
        for name in ("embedder", "reranker"):
            if like and name in like.__dict__:
                self.__dict__[name] = like.__dict__[name]

    def loaded(self, name: str) -> Any:
        """A part if it was built already, else None."""
        return self.__dict__.get(name)

    def foresee(self, question: str) -> None:
        """Begins to load the embedder, which takes seconds, while the graph is still being built."""
        if self.loaded("asker") or not self.vectors or not self.vectors.readable(language_of(question)):
            return
        if self.vectors.count():
            threading.Thread(target=self._warm_embedder, name="embedder", daemon=True).start()

    def _warm_embedder(self) -> None:
        # whoever needs the embedder is told what is wrong with it
        with suppress(TerakoyaError):
            if self.vectors:
                self.vectors.warm()

    def check_model(self) -> None:
        """Looks at the models' files and keys, without loading or asking anything.

        Raises:
            BadInput: A file of the settings is missing or no GGUF that can be read, or a name means nothing.
            Unavailable: A model of the settings was not downloaded.
        """
        self.models.check()

    def close(self) -> None:
        """Ends the models' processes, delivers traces, and lets go of all files."""
        if tools := self.loaded("tools"):
            tools.toolbox.close()
        for part in map(self.loaded, ("models", "scores", "tracer", "threads")):
            if part is not None:
                part.close()
        self.store.close()

    def leave(self, ours: "Wiring") -> None:
        """Ends what `ours` does not use as well: of what was opened beside it."""
        if tools := self.loaded("tools"):
            tools.toolbox.close()
        for name in ("models", "scores", "threads"):
            part = self.loaded(name)
            if part is not None and part is not ours.loaded(name):
                part.close()

    @built_once
    def tracer(self) -> Tracer:
        """Records every question."""
        if self._given_tracer is not None:
            return self._given_tracer
        from app.fingerprints import fingerprints
        from app.tracing import make_tracer

        tracer = make_tracer(self.settings, deliver=self._deliver)
        told = fingerprints(self.settings, self.store, self.analyser.fingerprint)
        tracer.about = lambda: {"fingerprints": told()}
        return tracer

    @built_once
    def embedder(self) -> "SentenceTransformerEmbedder | None":
        """That of the settings, which loads at its first use; None where they name none."""
        from ingest.embedder import embedder_named

        return embedder_named(self.settings.embedder)

    @built_once
    def vectors(self) -> "Vectors | None":
        """The vector arm; None without an embedder."""
        from app.tracing.embedding import TracedEmbedder
        from ingest.vectors import Vectors

        return Vectors(self.store, TracedEmbedder(self.embedder, self.tracer)) if self.embedder else None

    @built_once
    def reranker(self) -> "CrossEncoderReranker | None":
        """That of the settings, which loads at its first use; None where they name none."""
        from ingest.reranker import reranker_named

        return reranker_named(self.settings.reranker)

    @built_once
    def retriever(self) -> Retriever:
        """All arms of the search, and the reranker behind them."""
        from ingest.search import HybridRetriever

        retriever: Retriever = HybridRetriever(
            self.store, self.analyser, self.vectors, self.settings.search.weighing()
        )
        if self.reranker:
            from ingest.reranking import Reranking, RerankingRetriever

            budget = self.settings.reranker_ms / 1000
            retriever = RerankingRetriever(retriever, Reranking(self.reranker, budget))
        return self._around(self.store, retriever) if self._around else retriever

    @built_once
    def explainer(self) -> "Explainer":
        """Says why a hit stands where it does."""
        from ingest.explain import Explainer

        languages = self.embedder.languages if self.embedder else frozenset[Language]()
        return Explainer(self.store, self.analyser, languages)

    @built_once
    def speller(self) -> "Speller":
        """Suggests other spellings."""
        from ingest.spelling import Speller

        return Speller(self.store, self.analyser)

    @built_once
    def threads(self) -> "Threads":
        """The conversations."""
        from app.threads import Threads

        return Threads(self.settings.threads_path, server=self.settings.threads)

    @built_once
    def memory(self) -> "Facts":
        """What the person asked to remember."""
        from app.memory import Facts

        return Facts(self.settings.threads_path)

    @built_once
    def models(self) -> "ModelChain":
        """The chat models of the settings, whose processes start at their first use."""
        from app.models.chain import ModelChain

        return ModelChain(self.settings, self.tracer)

    @property
    def engine(self) -> "LocalEngine | None":
        """What serves the first local model; None where there is none, or nobody asked yet."""
        return next(iter(self.models.engines.values()), None)

    @built_once
    def tools(self) -> "ToolParts":
        """The tools; servers are started when the first question wants them.

        Raises:
            BadInput: The configuration of MCP servers cannot be read.
        """
        from app.tools import make_tool_parts

        return make_tool_parts(self.settings, self.store, self.retriever, self.tracer, self._chooser())

    def _chooser(self) -> "Chooser | None":
        from app.models.choice import RemoteChoice
        from workflows.tools.choosing import ChooserChain, GrammarChooser, NativeChooser

        # servers know the form of calls of their models
        choosers = [
            NativeChooser(model, name=name)
            if isinstance(choice, RemoteChoice)
            else GrammarChooser(model, name=name)
            for choice, (name, model) in zip(self.models.choices, self.models.chat_models(), strict=True)
        ]
        return ChooserChain(choosers) if len(choosers) > 1 else next(iter(choosers), None)

    @built_once
    def asker(self) -> "Asker":
        """The graph, and what runs questions through it."""
        from app.asking import Asker

        return Asker(self.parts(), self.threads, self.tracer, second_message=self.settings.second_message)

    def parts(self) -> "Parts":
        """What the nodes of the graph work with."""
        from workflows.nodes import Parts

        return Parts(
            retriever=self.retriever,
            answerers=self._answerers(),
            analyser=self.analyser,
            tracer=self.tracer,
            passages=self.settings.passages,
            adviser=self._adviser(),
            memory=self.memory,
            tools=self.tools,
            speller=self.speller.suggest,
            summariser=self._summariser(),
        )

    def _summariser(self) -> "Summariser | None":
        from app.models.room import room_of
        from workflows.summarising import Summariser

        for name, model in self.models.chat_models()[:1]:
            room = room_of(model, self.settings)
            return Summariser(
                model, self.analyser, name=name, room=room, tracer=self.tracer, prompts=self.prompts
            )
        return None

    def _adviser(self) -> "Adviser | None":
        from workflows.advising import Adviser

        models = self.models.chat_models()
        return Adviser(*(model for _, model in models), prompts=self.prompts) if models else None

    @built_once
    def scores(self) -> "AnswerScores | None":
        """Scores answers on their traces; not those of a run of a suite, which are measured against cases."""
        if self._given_tracer is not None:
            return None
        from app.scoring import AnswerScores

        return AnswerScores(self.tracer, self.analyser)

    @built_once
    def prompts(self) -> "Prompts":
        """Those of Langfuse, of the folder of the settings, or of the product."""
        from app.prompts import make_prompts

        return make_prompts(self.settings)

    def _answerers(self) -> list[Answerer]:
        from workflows.extractive import ExtractiveAnswerer

        self.check_model()
        answerers: list[Answerer] = []
        if self.models.choices:
            from app.models.room import room_of
            from workflows.generative import GenerativeAnswerer

            for name, model in self.models.chat_models():
                asked = self._heard.listened(model, name) if self._heard else model
                answerers.append(
                    GenerativeAnswerer(
                        asked,
                        self.analyser,
                        name=name,
                        prompts=self.prompts,
                        memory=self.memory,
                        room=room_of(model, self.settings),
                    )
                )
        return [*answerers, ExtractiveAnswerer(self.analyser, supported=self.settings.answers.support)]


def open_installation(
    settings: Settings,
    *,
    write: bool = False,
    deliver: bool = False,
    tracer: Tracer | None = None,
    like: Installation | None = None,
    processes: bool = False,
    around: "Around | None" = None,
    heard: "Heard | None" = None,
) -> Installation:
    """Opens the installation at `settings.home`.

    Args:
        settings: Of the installation.
        write: Open the store for writing, which makes it when it is not there.
        deliver: Carry traces to Langfuse from this process.
        tracer: Used instead of the one that the settings name.
        like: An earlier opening with the same settings, whose analyser and embedder are loaded already.
        processes: Read many notes in worker processes. They import the program's main module anew, so this is
            for programs that do nothing when they are imported.
        around: Makes the retriever that is used of the store and the one that the settings name.
        heard: Keeps how sure the models were of their answers, which they are then asked to tell.

    Raises:
        Busy: Another process holds the store.
        Unavailable: There is no store yet, or it cannot be read.
    """
    from ingest.moved_root import follow
    from ingest.store import Store

    if write or (settings.home.exists() and not read_only(settings.home)):
        prepare_home(settings.home)
    wiring = Wiring(
        settings,
        Store(settings.store_path, read_only=not write, memory_mb=settings.memory_mb),
        deliver=deliver,
        tracer=tracer,
        like=like.wiring if like else None,
        around=around,
        heard=heard,
    )
    if write:
        follow(wiring.store, settings.uploads_path)
    return Installation(wiring, processes=processes)


def open_beside(installation: Installation, settings: Settings) -> Installation:
    """The notes of an open installation under other settings, with conversations of its own.

    Store and tracer are the installation's, and its models where the settings name the same ones. So this one is
    not to be closed; `Wiring.leave` ends what it has of its own.
    """
    ours = installation.wiring
    same = all(getattr(settings, name) == getattr(ours.settings, name) for name in ("embedder", "reranker"))
    wiring = Wiring(settings, ours.store, deliver=False, tracer=ours.tracer, like=ours if same else None)
    if settings.chat_models == ours.settings.chat_models:
        wiring.__dict__["models"] = ours.models
    return Installation(wiring)
