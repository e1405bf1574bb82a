"""From the bytes of tokens to text that can be shown at once."""

import codecs
from collections.abc import Sequence


class Pieces:
    """Turns token bytes into whole characters and holds back what may become a stop text.

    The pieces do not depend on how the bytes were split: the stop text that is complete first ends the
    output, the longest one where several end at the same character.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = sorted(stop, key=len, reverse=True)
        self._held = ""
        self.stopped = False

    def feed(self, data: bytes) -> str:
        """The text that is certain after these bytes; empty when nothing is, or after a stop."""
        text = self._decoder.decode(data)
        if not self._stop:
            return text
        ready: list[str] = []
        for character in text:
            if self.stopped:
                break
            self._held += character
            ending = next((text for text in self._stop if self._held.endswith(text)), None)
            if ending is not None:
                self.stopped = True
                ready.append(self._held.removesuffix(ending))
                self._held = ""
                break
            keep = self._possible_stop()
            ready.append(self._held[: len(self._held) - keep])
            self._held = self._held[len(self._held) - keep :]
        return "".join(ready)

    def finish(self) -> str:
        """What was held back. Bytes of a character that never became whole are dropped."""
        rest, self._held = self._held, ""
        return rest

    def _possible_stop(self) -> int:
        """Length of the longest end of the held text that begins a stop text."""
        for length in range(len(self._held), 0, -1):
            if any(text.startswith(self._held[-length:]) for text in self._stop):
                return length
        return 0
