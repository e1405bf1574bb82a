from collections.abc import Iterator
from pathlib import Path

import pytest
from langfuse import Langfuse
from langfuse._client.resource_manager import LangfuseResourceManager
from opentelemetry.sdk.trace import TracerProvider

from app.langfuse.project import Project
from app.tracing.account import Account
from app.tracing.standin import StandIn

SUITE = """\
# kept
name: small
description: A few cases.
notes: notes

cases:

  # --- tea
  - id: heat   # how hot
    question: "How hot is green tea?"
    language: en
    expected: ["80 C"]
    passages:
      - {source: tea.md, text: "Green tea: 80 C"}
  - id: four
    question: "4"
    answers: ["4"]
    tags: [odd]

  # the notes do not say
  - id: tokyo
    conversation: ["緑茶とは?", "東京の人口は?"]
    answerable: false
# the end
"""


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def account(server: StandIn) -> Account:
    return Account(
        base_url=server.url, public_key=server.public_key, secret_key=server.secret_key, timeout=5.0
    )


@pytest.fixture
def project(account: Account) -> Iterator[Project]:
    with Project(account, tries=2) as project:
        yield project


@pytest.fixture
def sdk(server: StandIn) -> Iterator[Langfuse]:
    """The SDK itself, to read what was written and to write what is read."""
    client = Langfuse(
        public_key=server.public_key,
        secret_key=server.secret_key,
        base_url=server.url,
        tracer_provider=TracerProvider(),
    )
    yield client
    client.shutdown()
    LangfuseResourceManager._instances.clear()


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("# Tea\n\n- Green tea: 80 C\n- 緑茶は 80 度\n", encoding="utf-8")
    path = tmp_path / "small.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path
