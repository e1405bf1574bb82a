"""A learner at the page: real service, real page, real browser."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from samples import Reply, citation, note
from scripted_service import ScriptedService

from terakoya.client import ServiceClient

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SECONDS = 60
CHROMIUM_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--lang=ja"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1400,1000",
    ),
)


class Browser:
    """Chromium, with the few gestures that the tests need."""

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*CHROMIUM_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": "ja"})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))

    def open(self, address: str) -> None:
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get(address)

    def script(self, code: str):
        return self.driver.execute_script(code)

    def until(self, claim: Callable[[], object], what: str):
        """Waits until `claim` holds; what stands on the page is in the message where it does not."""
        from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        wait = WebDriverWait(
            self.driver, SECONDS, poll_frequency=0.1, ignored_exceptions=[StaleElementReferenceException]
        )
        try:
            return wait.until(lambda _: claim())
        except TimeoutException:
            raise AssertionError(f"{what} did not come:\n{self.text()}") from None

    def text(self) -> str:
        return self.script("return document.body.innerText")

    def see(self, text: str) -> None:
        self.until(lambda: text in self.text(), text)

    def all(self, css: str):
        from selenium.webdriver.common.by import By

        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def click(self, css: str, text: str = "") -> None:
        """Clicks the first element with `text` once it is there."""

        def clicked() -> bool:
            found = [element for element in self.all(css) if text in element.text]
            if found:
                self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found[0])
                self.driver.execute_script("arguments[0].click()", found[0])
            return bool(found)

        self.until(clicked, f"{css} {text}")

    def ask(self, question: str) -> None:
        from selenium.webdriver.common.keys import Keys

        (field,) = self.until(lambda: self.all("[data-testid=stChatInputTextArea]"), "the line to ask in")
        field.send_keys(question, Keys.ENTER)

    def answers(self, count: int) -> None:
        """Waits for so many complete answers; a failed one ends the wait."""
        self.until(
            lambda: self.all("[class*=st-key-again_]") or len(self.all("[data-testid=stFeedback]")) >= count,
            f"answer {count}",
        )
        assert not self.all("[class*=st-key-again_]"), self.text()

    def fetched(self) -> list[str]:
        """What the browser asked the network for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None or DRIVER is None:
        absent = (
            "not run: `chromium` and `chromedriver` are not on the PATH (Debian: apt install chromium-driver)"
        )
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    opened = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield opened
    finally:
        opened.driver.quit()


@pytest.fixture(scope="module")
def trap() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should ask, and what it was asked."""
    caught: list[str] = []

    class Trap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            caught.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", caught
    server.shutdown()
    server.server_close()


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def environment(**changes: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TERAKOYA_", "LANGFUSE_"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def write_notes(folder: Path, trap: str) -> None:
    (folder / "細胞.md").write_text(
        "# 細胞\n\n## 細胞小器官\n\n"
        "- ミトコンドリアは呼吸によって ATP をつくる\n- リボソームはタンパク質を合成する\n",
        encoding="utf-8",
    )
    filler = [f"Entry {number}: nothing of note happened in the garden." for number in range(1, 801)]
    filler[599] = "Entry 600: the volcano Krakatau erupted in 1883."
    (folder / "diary.txt").write_text("\n\n".join(filler), encoding="utf-8")
    (folder / "zebra.md").write_text(
        "# Zebras\n\n"
        f"The stripes of a zebra keep flies away ![stripes]({trap}/image.png) as experiments showed "
        f'<img src="{trap}/tag.png" onerror="document.title=\'owned\'"> '
        f"<script>document.title='owned'</script> [more]({trap}/link).\n",
        encoding="utf-8",
    )
    (folder / "giraffe.md").write_text(
        "# Giraffes\n\n- The neck of a giraffe is two metres long\n\n  ```mermaid\n  flowchart TD\n"
        f'    A@{{ img: "{trap}/mermaid.png", label: "x" }}\n  ```\n',
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, trap: tuple[str, list[str]]) -> Iterator[str]:
    """`terakoya up` with notes in its store; gives the address that it printed."""
    home, notes = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("notes")
    write_notes(notes, trap[0])
    command = [sys.executable, "-m", "app.cli.program", "--home", str(home)]
    started = subprocess.Popen(
        [*command, "up", "--port", "0", "--page-port", "0"],
        env=environment(TERAKOYA_EMBEDDER="none", TERAKOYA_LANGUAGE="ja"),
        stdout=subprocess.PIPE,
        text=True,
    )
    with ended(started) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        client = ServiceClient.discover(home)
        assert client is not None
        with client:
            client.result(client.ingest([notes]).run_id)
        yield address


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[tuple[str, ScriptedService]]:
    """The page over a service whose answers wait for the test."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(ROOT / "ui" / "page.py"),
        f"--server.port={port}",
    ]
    address = f"http://127.0.0.1:{port}/"
    with ScriptedService(tmp_path) as service:
        service.notes = [note("tcp.md", "TCP")]
        started = subprocess.Popen(
            command, env=environment(TERAKOYA_HOME=str(tmp_path)), stdout=subprocess.DEVNULL, text=True
        )
        with ended(started):
            yield address, service


def page_is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}_stcore/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_question_in_japanese_is_answered_with_its_source(browser: Browser, house: str) -> None:
    browser.open(house)
    browser.ask("ミトコンドリアは何をつくる？")
    browser.answers(1)
    browser.see("ミトコンドリアは呼吸によって ATP をつくる")
    browser.see("細胞.md:5")


def test_a_click_on_a_source_brings_the_cited_line_of_a_long_note_in_sight(
    browser: Browser, house: str
) -> None:
    browser.open(house)
    browser.ask("When did Krakatau erupt?")
    browser.answers(1)
    browser.click("[class*=st-key-open_] button", "diary.txt")
    browser.until(lambda: browser.all(".tk-cited"), "the cited line")
    assert "Krakatau erupted in 1883" in browser.script(
        "return document.querySelector('.tk-cited').innerText"
    )
    browser.until(
        lambda: browser.script(
            "const place = document.querySelector('.tk-cited').getBoundingClientRect();"
            "return place.top >= 0 && place.bottom <= innerHeight"
        ),
        "the cited line in sight",
    )


def test_a_reload_right_after_asking_still_shows_the_answer(browser: Browser, house: str) -> None:
    browser.open(house)
    browser.ask("リボソームは何を合成する？")
    browser.until(lambda: "thread=" in browser.driver.current_url, "the thread in the address")
    browser.driver.refresh()
    browser.answers(1)
    browser.see("リボソームはタンパク質を合成する")


def test_a_reload_in_mid_answer_shows_what_was_said_and_goes_on(
    browser: Browser, scripted: tuple[str, ScriptedService]
) -> None:
    address, service = scripted
    gate = threading.Event()
    reply = Reply(
        pieces=["Slow start doubles ", "the window [1]."], citations=[citation("- doubles")], gate=gate
    )
    service.replies["What is slow start?"] = reply
    browser.until(lambda: page_is_up(address), "the page")
    browser.open(address)
    browser.ask("What is slow start?")
    browser.see("Slow start doubles")
    browser.driver.refresh()
    browser.until(lambda: browser.script("return document.readyState") == "complete", "the page")
    browser.see("Slow start doubles")
    assert "the window" not in browser.text()
    gate.set()
    browser.answers(1)
    browser.see("the window")
    assert len(service.asked) == 1


def test_an_answer_grows_without_a_hand_on_the_page_and_a_second_question_waits(
    browser: Browser, scripted: tuple[str, ScriptedService]
) -> None:
    address, service = scripted
    gate = threading.Event()
    service.replies["First?"] = Reply(pieces=["One ", "and two."], gate=gate)
    service.replies["Second?"] = Reply(pieces=["Three."])
    browser.until(lambda: page_is_up(address), "the page")
    browser.open(address)
    browser.ask("First?")
    browser.see("One")
    browser.ask("Second?")
    browser.see("上の回答が終わったら質問します。")
    gate.set()
    browser.answers(2)
    browser.see("and two.")
    browser.see("Three.")


def test_a_thumb_is_still_there_after_a_reload(browser: Browser, house: str) -> None:
    browser.open(house)
    browser.ask("ミトコンドリアは何をつくる？")
    browser.answers(1)
    chosen = "return document.querySelectorAll('[data-testid=stFeedback] [aria-checked=true]').length"
    assert browser.script(chosen) == 0
    browser.click("[data-testid=stFeedback] [role=radio]")
    browser.see("評価を記録しました")
    browser.driver.refresh()
    browser.answers(1)
    browser.until(lambda: browser.script(chosen) == 1, "the thumb")


def test_a_hostile_note_does_nothing(browser: Browser, house: str, trap: tuple[str, list[str]]) -> None:
    browser.open(house)
    browser.ask("What do zebra stripes keep away?")
    browser.answers(1)
    browser.see("keep flies away")
    browser.ask("How long is the neck of a giraffe?")
    browser.answers(2)
    browser.see("two metres long")
    browser.click("[class*=st-key-open_] button", "zebra.md")
    browser.until(lambda: browser.all(".tk-note"), "the note")
    browser.see("stripes](")
    page = house.partition("?")[0]
    elsewhere = [url for url in browser.fetched() if url.startswith("http") and not url.startswith(page)]
    assert elsewhere == []
    assert trap[1] == []
    assert browser.driver.title == "寺子屋"


def test_an_uploaded_file_can_be_asked_about(browser: Browser, house: str, tmp_path: Path) -> None:
    uploaded = tmp_path / "茶道.md"
    uploaded.write_text("# 茶道\n\n千利休はわび茶を大成した。\n", encoding="utf-8")
    browser.open(house)
    browser.until(lambda: browser.all("[data-testid=stChatInputTextArea]"), "the page")
    browser.click("summary", "ノートを追加")
    field = browser.until(lambda: browser.all("input[type=file]"), "the field for files")
    field[0].send_keys(str(uploaded))
    browser.see("茶道.md")
    browser.click(".st-key-upload button:not([disabled])")
    browser.see("追加 1 件")
    browser.ask("わび茶を大成したのは誰？")
    browser.answers(1)
    browser.see("千利休はわび茶を大成した")


def test_without_its_key_the_page_shows_only_the_form(browser: Browser, house: str) -> None:
    browser.open(house.partition("?")[0])
    browser.see("このページには鍵がかかっています")
    assert "細胞" not in browser.text()


def test_nothing_is_wider_than_a_phone(browser: Browser, house: str) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.open(house)
        browser.ask("ミトコンドリアは何をつくる？")
        browser.answers(1)
        assert browser.script("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
