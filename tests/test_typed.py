"""Programs that import the product get its types."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_that_is_installed_says_that_it_has_types() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    names = [pattern.rstrip("*") for pattern in setuptools["packages"]["find"]["include"]]
    assert [name for name in names if not (ROOT / name / "py.typed").is_file()] == []
    assert "py.typed" in setuptools["package-data"]["*"]
