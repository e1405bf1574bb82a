"""Lets the tests of whole processes use the scripted service of the page's own tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))
