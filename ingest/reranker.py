"""Rerankers: cross-encoders of sentence-transformers by name or folder, loaded at first use."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ingest.tokens import tokens_of, windows
from terakoya.errors import BadInput, Unavailable
from terakoya.protocols import TokenCounter
from terakoya.types import Language

_BOTH: Final = frozenset[Language]({"ja", "en"})
_ENGLISH: Final = frozenset[Language]({"en"})
_JAPANESE: Final = frozenset[Language]({"ja"})
LONGEST: Final = 512
"""Tokens of query and text together: what these models were trained on, even where they take more."""
_QUERY_SHARE: Final = 0.5
"""Of those, what a query may take; where it is longer, the model's own tokenizer cuts it."""
_MARKS: Final = 4
"""Tokens that stand around and between the two."""
_SCORING: Final = ("ForSequenceClassification", "ForCausalLM")
"""Models that have a head for scores; to any other the library would give one with random weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerSpec:
    """What is known of a reranker before it is loaded.

    Attributes:
        name: Name in the settings.
        location: Folder or hub name.
        languages: What it was trained to read; what is in another keeps its place.
        licence: SPDX name; empty for a folder.
        parameters: Millions of weights, embeddings included; 0 for a folder.
    """

    name: str
    location: str
    languages: frozenset[Language]
    licence: str = ""
    parameters: float = 0


def _japanese(size: str, parameters: float) -> RerankerSpec:
    """Tateno's second series, which stands on Ruri v3's ModernBERT."""
    return RerankerSpec(
        name=f"japanese-reranker-{size}-v2",
        location=f"hotchpotch/japanese-reranker-{size}-v2",
        languages=_JAPANESE,
        licence="MIT",
        parameters=parameters,
    )


CATALOGUE: Final = {
    spec.name: spec
    for spec in (
        _japanese("tiny", 29),
        _japanese("xsmall", 37),
        _japanese("small", 70),
        RerankerSpec(
            name="bge-reranker-v2-m3",
            location="BAAI/bge-reranker-v2-m3",
            languages=_BOTH,
            licence="Apache-2.0",
            parameters=568,
        ),
        RerankerSpec(
            name="mxbai-rerank-xsmall-v1",
            location="mixedbread-ai/mxbai-rerank-xsmall-v1",
            languages=_ENGLISH,
            licence="Apache-2.0",
            parameters=71,
        ),
        RerankerSpec(
            name="ms-marco-MiniLM-L6-v2",
            location="cross-encoder/ms-marco-MiniLM-L6-v2",
            languages=_ENGLISH,
            licence="Apache-2.0",
            parameters=23,
        ),
    )
}


def reranker_named(name: str) -> "CrossEncoderReranker | None":
    """The reranker of the settings; None for `none`. Nothing is loaded yet.

    Raises:
        BadInput: Neither a name of the catalogue nor a folder.
        Unavailable: sentence-transformers is not installed.
    """
    if name == "none":
        return None
    known = CATALOGUE.get(name) or next((s for s in CATALOGUE.values() if s.location == name), None)
    folder = Path(name).expanduser()
    if known is None:
        if not folder.is_dir():
            raise BadInput("reranker_unknown", name=name, names=", ".join([*CATALOGUE, "none"]))
        known = _of_folder(folder.resolve())
    if find_spec("sentence_transformers") is None:
        raise Unavailable("reranker_missing", name=name)
    return CrossEncoderReranker(known)


def _of_folder(folder: Path) -> RerankerSpec:
    """A model in a folder: as in the catalogue where its folder has a name of it, else one that reads both."""
    known = CATALOGUE.get(folder.name)
    if known:
        return replace(known, location=str(folder))
    return RerankerSpec(name=str(folder), location=str(folder), languages=_BOTH)


def _cross_encoder(location: str, **how: Any) -> Any:
    from sentence_transformers import CrossEncoder

    return CrossEncoder(location, device="cpu", **how)


@dataclass(frozen=True, slots=True)
class _BesideQuery:
    """The model's tokenizer with the room that a query leaves."""

    counter: TokenCounter
    limit: int

    @property
    def fingerprint(self) -> str:
        return f"{self.counter.fingerprint}/{self.limit}"

    def count(self, text: str) -> int:
        return self.counter.count(text)

    def spans(self, text: str) -> list[tuple[int, int]]:
        return self.counter.spans(text)


class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers on the CPU. Safe in several threads, one at a time."""

    def __init__(self, spec: RerankerSpec) -> None:
        self.spec = spec
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """As the settings name it."""
        return self.spec.name

    @property
    def languages(self) -> frozenset[Language]:
        """The languages it was trained to read."""
        return self.spec.languages

    def warm(self) -> None:
        """Loads the model, from this machine where it is here, else from the hub.

        Raises:
            Unavailable: It cannot be loaded, or is no reranker.
        """
        with self._lock:
            _ = self._model

    def relevance(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How relevant each text is to `query`, 0 to 1. A text over the limit is as relevant as its best piece.

        Raises:
            Unavailable: The model cannot be loaded.
        """
        with self._lock:
            model = self._model
            pairs: list[tuple[str, str]] = []
            ends: list[int] = []
            for text in texts:
                pairs += [(query, piece) for piece in self._pieces(query, text)]
                ends.append(len(pairs))
            if not pairs:
                return []
            from torch.nn import Sigmoid

            # some of these models come without an activation and would give logits
            scores = model.predict(
                pairs, batch_size=len(pairs), activation_fn=Sigmoid(), show_progress_bar=False
            )
        starts = [0, *ends]
        return [float(max(scores[first:stop])) for first, stop in zip(starts, ends, strict=False)]

    @cached_property
    def _model(self) -> Any:
        """Read under the lock only: two threads must not load it twice."""
        # its progress bars would stand between the lines of a command's own output
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TQDM_DISABLE", "1")
        try:
            from transformers import AutoConfig
            from transformers.utils import logging

            logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            kind = (self._here(AutoConfig.from_pretrained).architectures or ["?"])[0]
            model = self._here(_cross_encoder) if kind.endswith(_SCORING) else None
        except Exception as error:  # whatever a model's own loading code raises
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Unavailable("reranker_load", name=self.spec.name, reason=reason) from error
        if model is None or model.num_labels != 1:
            raise Unavailable("reranker_kind", name=self.spec.name, kind=kind)
        model.max_seq_length = min(model.max_seq_length or LONGEST, LONGEST)
        return model

    def _here(self, load: Callable[..., Any]) -> Any:
        """What `load` makes of the model's files: of those on this machine, and only without them from the hub."""
        try:
            return load(self.spec.location, local_files_only=True)
        except OSError:
            if Path(self.spec.location).is_dir():
                raise
        return load(self.spec.location)

    @cached_property
    def _tokens(self) -> TokenCounter | None:
        return tokens_of(self.spec.location)

    def _pieces(self, query: str, text: str) -> Sequence[str]:
        if not self._tokens:
            return (text,)
        longest = min(self._tokens.limit, LONGEST)
        room = longest - min(self._tokens.count(query), int(_QUERY_SHARE * longest)) - _MARKS
        return windows("", text, _BesideQuery(self._tokens, room))
