"""The page driven without a browser, against a service over real HTTP."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_service import ScriptedService
from streamlit.testing.v1 import AppTest

PAGE = Path(__file__).parents[2] / "ui" / "page.py"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_HOME", str(tmp_path))
    monkeypatch.delenv("TERAKOYA_PAGE_KEY", raising=False)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ScriptedService]:
    with ScriptedService(tmp_path) as running:
        yield running


@pytest.fixture
def page() -> Callable[..., AppTest]:
    """Opens the page as a browser with this locale and this address would."""

    def open_page(*, locale: str = "en-US", **address: str) -> AppTest:
        app = AppTest.from_file(str(PAGE), default_timeout=30)
        app.context = {"locale": locale}
        app.query_params.update(address)
        return app.run()

    return open_page


@pytest.fixture
def settle() -> Callable[[AppTest, Callable[[], bool]], None]:
    """Reruns the page, as its timers do in a browser, until something shows."""

    def rerun_until(app: AppTest, shown: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not shown():
            assert time.monotonic() < deadline, texts(app)
            app.run()
        assert not app.exception

    return rerun_until


def texts(app: AppTest) -> str:
    """All that stands on the page, one element a line."""
    kinds = ("markdown", "caption", "warning", "success", "info", "error", "code", "html")
    shown = [str(element.value) for kind in kinds for element in getattr(app, kind)]
    labels = [button.label for button in app.button] + [expander.label for expander in app.expander]
    return "\n".join(shown + labels)


@pytest.fixture
def shown() -> Callable[[AppTest], str]:
    """Reads the page."""
    return texts
