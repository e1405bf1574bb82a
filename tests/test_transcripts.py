"""What the READMEs show of the command line is what it says of the sample notes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ASKED = re.compile(r'^\$ terakoya ask "(.+)"\n((?:(?!\$ ).*\n)+)', re.MULTILINE)


def terakoya(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "app.cli.program", "--home", str(home), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "terakoya.toml").write_text('embedder = "none"\n')
    terakoya(home, "ingest", "examples/notes")
    return home


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_the_answers_shown_are_the_answers_given(home: Path, readme: str) -> None:
    shown = [
        pair
        for block in _CONSOLE.findall((ROOT / readme).read_text(encoding="utf-8"))
        for pair in _ASKED.findall(block)
    ]
    assert len(shown) >= 2
    assert [(question, terakoya(home, "ask", question)) for question, _ in shown] == shown
