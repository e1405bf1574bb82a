import pytest

from terakoya.text.analyser import Analyser


@pytest.fixture(scope="session")
def analyser() -> Analyser:
    """One for all tests: its dictionary takes a moment to load."""
    return Analyser()
