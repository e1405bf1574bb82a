"""Lets the tests of whole processes use the scripted service of the page's tests, and what those of the app start."""

import sys
from pathlib import Path

for folder in ("ui", "app"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
