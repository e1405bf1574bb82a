"""A home whose question waits for a person: a tool of the memory server, which changes a file."""

import json
import subprocess
import sys
from contextlib import contextmanager

from running import Processes, clean_environment, until

from terakoya.client import ServiceClient
from tests.app.mcp.npm_servers import node, script

ENTITY = {"name": "メンデル", "entityType": "人", "observations": ["えんどう豆"]}
QUESTION = f"@memory.create_entities {json.dumps({'entities': [ENTITY]}, ensure_ascii=False)}"
PROGRAM = [sys.executable, "-m", "app.cli.program"]


def environment():
    return clean_environment(TERAKOYA_EMBEDDER="none")


def fill(folder):
    """A home with a note and the memory server, and the file that this server writes."""
    home, notes = folder / "home", folder / "notes"
    home.mkdir()
    notes.mkdir()
    (notes / "log.md").write_text("# Log\n\n## 2025-07-08\n\n- VLOOKUP\n", encoding="utf-8")
    graph = folder / "memory.jsonl"
    server = {"command": str(node()), "args": [script("memory")], "env": {"MEMORY_FILE_PATH": str(graph)}}
    (home / "mcp.json").write_text(json.dumps({"mcpServers": {"memory": server}}), encoding="utf-8")
    command = [*PROGRAM, "--home", str(home), "ingest", str(notes)]
    subprocess.run(command, check=True, env=environment(), capture_output=True, timeout=120)
    return home, graph


@contextmanager
def served(home, **settings):
    """A client of the service of a home, whose process is `client.process`."""
    processes = Processes()
    try:
        serving = processes.start(
            "-m",
            "app.cli.program",
            "--home",
            home,
            "serve",
            "--port",
            "0",
            TERAKOYA_EMBEDDER="none",
            **settings,
        )

        def up():
            assert serving.poll() is None, serving.communicate()[1]
            found = ServiceClient.discover(home, language="en")
            return found if found and found.ready() else None

        with until(up) as client:
            client.process = serving
            yield client
    finally:
        processes.end()


def approval(client, run_id):
    """The data of what a run asks, once it asks."""
    return next(event.data for event in client.events(run_id) if event.type == "approval")
