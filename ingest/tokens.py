"""An embedder's own tokenizer, without the embedder: how many tokens a text is, and how to cut what is too long."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from terakoya.protocols import TokenCounter

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_TOKENIZER: Final = "tokenizer.json"
_UNSET: Final = 1_000_000
"""Tokenizers that know no limit name a number with thirty digits."""
_LONGEST_WORD: Final = 8
"""Tokens of a word that are kept together."""
_CONTEXT_SHARE: Final = 0.25
"""Of a window that the headings above may take; what is more of them is left out."""
_OVERLAP: Final = 0.125
"""Of a window that is repeated in the next one, so that a sentence on the border stands whole in one of them."""


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """The tokenizer of a sentence-transformers model. Pickles as its place.

    Attributes:
        location: Folder or hub name of the model.
        prefix: What is put before every document.
    """

    location: str
    prefix: str = ""

    @property
    def limit(self) -> int:
        """Tokens that the model reads of one text, with prefix and marks."""
        return _loaded(self.location)[1]

    @property
    def fingerprint(self) -> str:
        """Of the tokenizer's file, the limit and the prefix."""
        return f"{_loaded(self.location)[2]}/{self.limit}/{self.prefix}"

    def count(self, text: str) -> int:
        """Tokens of a document, with prefix and marks."""
        return len(_loaded(self.location)[0].encode(self.prefix + text).ids)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each word stands."""
        found = _loaded(self.location)[0].encode(text, add_special_tokens=False)
        spans: list[tuple[int, int]] = []
        before: int | None = None
        tokens = 0
        for word, (start, end) in zip(found.word_ids, found.offsets, strict=True):
            # where nothing stands between words, as in Japanese, a tokenizer may take a whole line for one
            if word is not None and word == before and tokens < _LONGEST_WORD:
                spans[-1] = (spans[-1][0], end)
                tokens += 1
            else:
                spans.append((start, end))
                tokens = 1
            before = word
        return spans


def tokens_of(location: str, prefix: str = "") -> ModelTokens | None:
    """The tokenizer of the model at `location`, None where it has none that can be used alone, or no limit."""
    try:
        return ModelTokens(location, prefix) if _loaded(location)[1] < _UNSET else None
    except (
        Exception
    ):  # of a hub that cannot be reached, or of a file of another kind: the model itself will tell
        return None


def windows(context: str, text: str, counter: TokenCounter) -> tuple[str, ...]:
    """What an embedder reads of a chunk: all of it at once, or piece by piece where it is over the limit.

    Args:
        context: Headings and list items above; it begins every piece.
        text: Of the chunk.
        counter: The embedder's.
    """
    whole = f"{context}\n{text}" if context else text
    # no tokenizer makes more tokens than there are bytes
    if len(whole.encode(errors="replace")) < counter.limit // 2 or counter.count(whole) <= counter.limit:
        return (whole,)
    marks = counter.count("")
    context = _shortened(
        context, lambda c: counter.count(c) - marks <= _CONTEXT_SHARE * counter.limit, counter
    )
    lead = f"{context}\n" if context else ""
    spans = counter.spans(text)
    made: list[str] = []
    first = 0
    while first < len(spans):
        stop = _fitting(lead, text, spans, first, counter)
        made.append(lead + text[spans[first][0] : spans[stop - 1][1]])
        if stop == len(spans):
            break
        first = max(first + 1, stop - int((stop - first) * _OVERLAP))
    return tuple(made) or (context,)


def _fitting(lead: str, text: str, spans: list[tuple[int, int]], first: int, counter: TokenCounter) -> int:
    """The number behind the last word that fits into a window that begins with word `first`."""
    low, high = first + 1, min(len(spans), first + counter.limit)
    while low < high:
        middle = (low + high + 1) // 2
        if counter.count(lead + text[spans[first][0] : spans[middle - 1][1]]) <= counter.limit:
            low = middle
        else:
            high = middle - 1
    return low


def _shortened(text: str, fits: Callable[[str], bool], counter: TokenCounter) -> str:
    """The end of `text` that fits: the nearest heading says most."""
    if fits(text):
        return text
    spans = counter.spans(text)
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if fits(text[spans[middle][0] :]):
            high = middle
        else:
            low = middle + 1
    return text[spans[low][0] :] if low < len(spans) else ""


@cache
def _loaded(location: str) -> "tuple[Tokenizer, int, str]":
    """Tokenizer, limit and digest; the library is small and loads in hundredths of a second."""
    from tokenizers import Tokenizer

    data = _file(location, _TOKENIZER).read_bytes()
    tokenizer = Tokenizer.from_str(data.decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, _limit(location), blake2b(data, digest_size=6).hexdigest()


def _limit(location: str) -> int:
    """As sentence-transformers finds it: its own setting, else the smaller of the tokenizer's and the model's."""
    own = _settings(location, "sentence_bert_config.json").get("max_seq_length")
    if isinstance(own, int) and own > 0:
        return own
    named = (
        _settings(location, "tokenizer_config.json").get("model_max_length"),
        _settings(location, "config.json").get("max_position_embeddings"),
    )
    return min((int(n) for n in named if isinstance(n, int | float) and n > 0), default=_UNSET)


def _settings(location: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(_file(location, name).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file(location: str, name: str) -> Path:
    if Path(location).is_dir():
        return Path(location) / name
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(location, name))
