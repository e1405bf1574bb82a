"""Who is asked before a tool changes something, where nobody can be."""

from terakoya.types import Approval, Decision


def nobody(approval: Approval) -> Decision:
    """Refuses, because there is nobody to ask."""
    return Decision(verdict="refuse", asked=False)
