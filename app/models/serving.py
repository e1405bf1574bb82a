"""A loaded model with all that serves requests for it. Lives in the worker process."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.models.batching import Batcher
from app.models.choosing import Chooser
from app.models.grammar import Grammar, checked_rules, schema_rules
from app.models.native import ModelError, NativeModel
from app.models.options import ModelOptions
from app.models.reasoning import MARKS
from app.models.sampling import Sampling
from app.models.shelf import Shelf
from app.models.task import Task, Tell
from app.models.template import ChatTemplate


class Serving:
    """Turns requests into tasks of a batcher.

    Args:
        path: The GGUF file.
        context_tokens: Longest prompt and answer of one request together.
        cells: Tokens that all requests and kept threads may hold together.
        threads: That compute.
        options: See there.
        folder: Where states of threads may be put on disk; the system's folder for temporary files when None.

    Raises:
        ModelError: `load_failed`.
    """

    def __init__(
        self,
        path: str,
        *,
        context_tokens: int,
        cells: int,
        threads: int,
        options: ModelOptions,
        folder: Path | None = None,
    ) -> None:
        self.model = NativeModel(
            path, context_tokens=context_tokens, cells=cells, threads=threads, options=options
        )
        self.template = ChatTemplate(self.model)
        self._shelf = Shelf(
            memory=options.shelf_mb * 2**20, disk=options.shelf_disk_mb * 2**20, folder=folder
        )
        self._batcher = Batcher(self.model, self._shelf, slots=options.slots)

    @property
    def facts(self) -> dict[str, Any]:
        """What the engine is told of the model."""
        return {
            "context": self.model.context_tokens,
            "cells": self.model.cells,
            "vocabulary": self.model.vocabulary_size,
            "description": self.model.description,
        }

    def submit(
        self,
        number: int,
        messages: Sequence[Mapping[str, Any]],
        sampling: Sampling,
        *,
        seed: int,
        tell: Tell,
        tools: Sequence[Mapping[str, Any]] = (),
        thinking: bool | None = None,
        asker: str = "",
    ) -> None:
        """Takes a request; what comes of it goes to `tell`.

        Raises:
            ModelError: `prompt_too_long`, `template_failed`, `schema_refused`, `grammar_refused`.
        """
        text = self.template.text(messages, tools, thinking=thinking)
        prompt = self.template.tokens_of(text)
        if len(prompt) >= self.model.context_tokens:
            raise ModelError("prompt_too_long", tokens=len(prompt), context=self.model.context_tokens)
        if not prompt:
            raise ModelError("template_failed", reason="it gives no tokens for these messages")
        grammar = self._grammar(sampling)
        chooser = Chooser(
            sampling,
            seed=seed,
            spelling=self.model.spelling,
            mask=grammar,
            logprobs=sampling.best_of > 1,
        )
        self._batcher.submit(
            Task(
                number=number,
                prompt=prompt,
                sampling=sampling,
                chooser=chooser,
                room=min(sampling.max_tokens, self.model.context_tokens - len(prompt)),
                tell=tell,
                asker=asker,
                thinking=text.rstrip().endswith(tuple(begin for begin, _ in MARKS)),
                close=grammar.close if grammar else _nothing,
            )
        )

    @property
    def census(self) -> dict[str, int]:
        """What is held at the moment; see `Batcher.census`."""
        return self._batcher.census()

    def cancel(self, number: int) -> None:
        """Ends a request soon."""
        self._batcher.cancel(number)

    def run(self, after: Callable[[], None]) -> None:
        """Serves; does not return.

        Args:
            after: Called when each running output came a token further.
        """
        while True:
            self._batcher.step()
            after()

    def sweep(self) -> None:
        """Takes away what is on disk."""
        self._shelf.sweep()

    def _grammar(self, sampling: Sampling) -> Grammar | None:
        if sampling.schema is not None:
            try:
                return Grammar(self.model, schema_rules(sampling.schema))
            except ModelError as error:
                raise ModelError("schema_refused", **error.values) from None
        if sampling.grammar is not None:
            return Grammar(self.model, checked_rules(sampling.grammar))
        return None


def _nothing() -> None:
    pass
