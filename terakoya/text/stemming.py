"""English words without their endings."""

import threading
from functools import cached_property, lru_cache
from typing import Any


class _Stemmer:
    """Snowball's English stemmer; the C object is not safe in several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def _english(self) -> Any:
        import Stemmer

        return Stemmer.Stemmer("english")

    def stem(self, word: str) -> str:
        with self._lock:
            return str(self._english.stemWord(word))


_stemmer = _Stemmer()


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A folded English word without its ending."""
    return _stemmer.stem(word)
