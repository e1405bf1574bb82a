"""What a model thinks before it answers, kept apart from the answer."""

from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class Thoughts:
    """Separates a `<think>` block at the beginning of a text that comes in pieces.

    Servers that know the model's template do this themselves and send `reasoning_content`; others pass the marks
    on as they are.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, piece: str) -> tuple[str, str]:
        """What of the text so far is certainly answer, and what certainly thought; each once."""
        self._held += piece
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith(_OPEN):
                self._held = begun[len(_OPEN) :]
                self._state = "thinking"
            elif not _OPEN.startswith(begun):
                self._state = "answer"
            else:
                return "", ""
        if self._state == "thinking":
            thought, mark, rest = self._held.partition(_CLOSE)
            if not mark:
                keep = _overlap(self._held, _CLOSE)
                ready = self._held[: len(self._held) - keep]
                self._held = self._held[len(self._held) - keep :]
                return "", ready
            self._held = rest.lstrip()
            self._state = "answer" if self._held else "gap"
            answer, self._held = self._held, ""
            return answer, thought
        if self._state == "gap":  # line breaks between thought and answer
            self._held = self._held.lstrip()
            if not self._held:
                return "", ""
            self._state = "answer"
        answer, self._held = self._held, ""
        return answer, ""

    def finish(self) -> tuple[str, str]:
        """What was held back: answer and thought."""
        rest, self._held = self._held, ""
        return ("", rest) if self._state == "thinking" else (rest, "")


def _overlap(text: str, mark: str) -> int:
    """Length of the longest end of `text` that begins `mark`."""
    return next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)
