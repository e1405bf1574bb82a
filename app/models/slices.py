"""How much of a prompt may be read at a time beside outputs that are under way."""

_SECONDS = 0.12
"""How much longer a slice may make a batch for those who are being told their answers."""
_SMALLEST, _FIRST = 16, 64


class Slices:
    """Learns how long a slice may be on this machine, now, so that others are not held up by it.

    What counts is what the slice adds, not the whole batch: with many outputs that takes as long without any
    prompt, and prompts read in ever smaller slices would keep the batch from filling.

    Args:
        most: Tokens that a batch may hold.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bare: dict[int, float] = {}
        self.tokens = _FIRST
        """Of a prompt that may be read beside others now."""

    def measure(self, *, read: int, beside: int, seconds: float) -> None:
        """Takes what a batch took.

        Args:
            read: Tokens of prompts in it.
            beside: Tokens of outputs in it.
            seconds: That it took.
        """
        if not read:
            known = self._bare.get(beside, seconds)
            # Other programs only ever add to it: quickly down, slowly up.
            self._bare[beside] = min(seconds, known + (seconds - known) / 8)
        elif beside and read >= self.tokens:
            added = max(seconds - self._without(beside), _SECONDS / 2)
            wanted = max(int(read * _SECONDS / added), read // 2, _SMALLEST)
            self.tokens = min(wanted, self._most)

    def _without(self, beside: int) -> float:
        """Seconds of a batch of so many tokens of outputs alone; 0 for unknown, never too many."""
        nearest = max((count for count in self._bare if count <= beside), default=None)
        if nearest is None:
            return 0.0
        # More tokens take no less: what was measured of them corrects what was measured at a busy moment.
        return min(seconds for count, seconds in self._bare.items() if count >= nearest)
