"""What a person asked to remember, for answers that may do without it."""

from collections.abc import Sequence

from terakoya.errors import Unavailable
from terakoya.protocols import Memory
from terakoya.types import Fact


def readable_facts(memory: Memory | None) -> Sequence[Fact]:
    """All of it, oldest first; none where there is no memory, or it cannot be read now."""
    try:
        return memory.facts() if memory else ()
    except Unavailable:
        return ()
