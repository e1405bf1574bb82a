"""Words that carry no subject: function words, words that ask, and words that name what is asked."""

import tomllib
from importlib.resources import files
from typing import Final

_LISTS: Final = tomllib.loads(files("terakoya.text").joinpath("words.toml").read_text(encoding="utf-8"))

ENGLISH_STOP: Final = frozenset(_LISTS["english_stop"].split())
"""English function words: indexed, but no evidence."""
ENGLISH_QUESTION: Final = frozenset(_LISTS["english_question"].split())
"""English words that only ask."""
JAPANESE_QUESTION: Final = frozenset(_LISTS["japanese_question"].split())
"""Japanese words that only ask, or stand in for others."""
GENERIC: Final = frozenset(_LISTS["generic"].split())
"""Words that name what is asked about a subject, and need not stand where the answer stands."""
TIMES: Final = frozenset(_LISTS["times"].split())
"""Japanese nouns that say when, as an adverb does."""
SORTS: Final = frozenset(_LISTS["sort"].split())
"""Words at the end of a compound that say what sort of thing, or which quantity, the name before them is."""
SORTS_OF_NAMES: Final = frozenset(_LISTS["sort_of_name"].split())
"""The same, behind a name in Latin letters."""
SECTIONS: Final = frozenset(_LISTS["section"].split())
"""Words that name a section or a kind of text, or stand before a colon as a label."""
