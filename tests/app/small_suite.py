"""A suite of a note and two questions, for tests of what runs suites."""

from pathlib import Path

QUESTION = "What does an index do?"
NOTE = "An index makes search faster\n"
CASES = """\
cases:
  - id: index
    question: What does an index do?
    expected: [faster]
    passages: [{source: db.md, text: faster}]
  - {id: tokyo, question: "How many people live in Tokyo?", answerable: false}
"""


def write_small_suite(place: Path, *gates: str) -> Path:
    """The suite at `place/suite.yaml`, its note beside it."""
    (place / "notes").mkdir()
    (place / "notes" / "db.md").write_text(NOTE)
    head = "name: small\nnotes: notes\n"
    gated = "".join(["gates:\n", *(f"  - {{{gate}}}\n" for gate in gates)]) if gates else ""
    (place / "suite.yaml").write_text(head + gated + CASES)
    return place / "suite.yaml"
