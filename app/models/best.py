"""The best of several generations."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from app.models.generation import Finished, Generation


class Best(Generation):
    """The generation with the highest mean log-probability, once all are over; then all of it at once."""

    def __init__(self, *, until: Callable[[str], bool] | None = None) -> None:
        super().__init__()
        self._condition = until
        self._running: list[Generation] = []
        self._chosen: Iterator[str] | None = None

    def add(self, generation: Generation) -> None:
        """One of those to choose from."""
        self._running.append(generation)

    def __next__(self) -> str:
        """The pieces of the best."""
        if self._closed:
            raise StopIteration
        if self._chosen is None:
            self._chosen = iter([text] if (text := self._choose()) else [])
        try:
            return next(self._chosen)
        except StopIteration:
            self._closed = True
            raise

    def close(self) -> None:
        """Stops all of them."""
        self._closed = True
        for generation in self._running:
            generation.close()

    def _choose(self) -> str:
        ended: list[tuple[float, str, Finished]] = []
        try:
            for generation in self._running:
                text = "".join(generation)
                if generation.finished is not None:
                    ended.append((_mean(generation.finished), text, generation.finished))
        except BaseException:
            self.close()
            raise
        if not ended:
            return ""
        _, text, finished = max(ended, key=lambda one: one[0])
        self.finished = replace(finished, output_tokens=sum(one.output_tokens for _, _, one in ended))
        if self._condition is not None:
            text, met = _up_to(text, self._condition)
            if met:
                self.finished = replace(self.finished, finish_reason="condition")
        return text


def _mean(finished: Finished) -> float:
    values = [token.logprob for token in finished.logprobs]
    return sum(values) / len(values) if values else float("-inf")


def _up_to(text: str, condition: Callable[[str], bool]) -> tuple[str, bool]:
    for length in range(1, len(text) + 1):
        if condition(text[:length]):
            return text[:length], True
    return text, False
