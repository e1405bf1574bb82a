import json
import os
import re
import signal
from pathlib import Path

import httpx
import pytest
from running import until

from terakoya.client import ServiceClient, ServiceRecord

UP = ("-m", "app.cli.program", "up", "--port", "0", "--page-port", "0")
LIGHT = {"TERAKOYA_EMBEDDER": "none"}


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


STARTING = "Starting the service and the page ...\n"


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def house(processes, home):
    """`terakoya up`, the address it printed, and its child processes."""
    process = processes.start(*UP, "--home", home, **LIGHT)
    process.address = process.stdout.readline().strip()
    assert process.address, process.communicate()[1]
    process.children = children(process.pid)
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(20)


def test_up_prints_an_address_with_a_key_where_the_page_answers(house, home):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?key=[\w-]{22}", house.address)
    assert httpx.get(house.address, trust_env=False).status_code == 200
    assert ServiceRecord.read(home).page == house.address
    with ServiceClient.discover(home) as client:
        assert client.ready()


def test_notes_go_in_and_answers_come_out_alike_with_and_without_the_service(
    house, home, processes, tmp_path
):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "peas.md").write_text("# Heredity\n\nMendel grew peas in a monastery garden in Brno.\n")

    def terakoya(*arguments):
        process = processes.start("-m", "app.cli.program", "--home", home, "--json", *arguments, **LIGHT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return json.loads(out)

    assert terakoya("ingest", folder)["added"] == ["peas.md"]
    served = terakoya("ask", "Where did Mendel grow peas?")
    with ServiceClient.discover(home) as client:
        assert client.thread(served["thread_id"]).turns[0].question == "Where did Mendel grow peas?"
        run = client.ask("Where did Mendel grow peas?")
        result = client.result(run.run_id)
        assert (result["answer"], result["thread_id"]) == (served["answer"], run.thread_id)
    house.terminate()
    assert house.wait(20) == 0
    alone = terakoya("ask", "Where did Mendel grow peas?")
    assert served["citations"][0]["source"] == "peas.md"
    for key in ("answer", "answered", "citations", "model", "effort"):
        assert served[key] == alone[key]
    assert terakoya("search", "peas")["hits"][0]["start_line"] >= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_service_and_page_with_code_0(house, home, number):
    assert len(house.children) == 2
    house.send_signal(number)
    assert house.wait(20) == 0
    assert not any(alive(child) for child in house.children)
    assert not (home / "service.json").exists()
    assert house.communicate() == ("", STARTING)


def test_a_second_up_gives_the_same_address(house, home, processes):
    again = processes.start(*UP, "--home", home, "--json", **LIGHT)
    out, _ = again.communicate(timeout=60)
    assert (again.returncode, json.loads(out)) == (0, {"address": house.address})
    assert house.poll() is None


@pytest.mark.parametrize(("index", "name"), [(0, "service"), (1, "page")])
def test_when_one_of_them_dies_the_other_ends_too_and_it_is_said(house, index, name):
    os.kill(house.children[index], signal.SIGKILL)
    _, err = house.communicate(timeout=30)
    assert house.returncode == 3
    assert f"The {name} ended unexpectedly" in err
    assert not any(alive(child) for child in house.children)


def test_when_up_itself_is_killed_nothing_is_left(house):
    house.kill()
    house.wait(10)
    until(lambda: not any(alive(child) for child in house.children))


def test_a_port_in_use_is_a_sentence_and_code_3(house, home, processes, tmp_path):
    page_port = re.search(r":(\d+)/", house.address)[1]
    service_port = ServiceRecord.read(home).address.rpartition(":")[2]
    other = ("-m", "app.cli.program", "up", "--home", tmp_path / "other")
    for arguments, port in (
        (("--port", "0", "--page-port", page_port), page_port),
        (("--port", service_port, "--page-port", "0"), service_port),
    ):
        process = processes.start(*other, *arguments, **LIGHT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (3, "")
        assert f"Port {port} is in use" in err
        assert err.removeprefix(STARTING).count("\n") == 1


def test_without_a_page_the_address_is_that_of_the_service(processes, home):
    process = processes.start(
        "-m", "app.cli.program", "up", "--no-page", "--port", "0", "--home", home, **LIGHT
    )
    assert process.stdout.readline().strip() == ServiceRecord.read(home).address
    process.terminate()
    assert process.wait(20) == 0
