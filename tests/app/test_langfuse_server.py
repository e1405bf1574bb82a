"""The Langfuse server of `make langfuse`: its compose file, its secrets, and what the app is told of it."""

import json
import os
import re
import stat
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from app.configuration import set_values
from app.langfuse_server import OLDEST, PLAIN, SECRETS, await_server, prepare
from app.settings import load_settings
from app.tracing.account import account
from app.tracing.standin import StandIn
from terakoya.errors import BadInput, Unavailable

FOLDER = Path(__file__).parents[2] / "deploy" / "langfuse"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:[-?])([^}]*))?\}")
SECRET_WORDS = re.compile("PASSWORD|SECRET|SALT|ENCRYPTION|AUTH$")


def text() -> str:
    return (FOLDER / "compose.yaml").read_text(encoding="utf-8")


def document() -> dict[str, Any]:
    return dict(yaml.safe_load(text()))


def test_a_port_in_use_is_told_before_anything_starts(folder: Path, tmp_path: Path, docker: Path) -> None:
    (docker / "docker").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n')
    with StandIn() as taken:
        prepare(folder, {"LANGFUSE_PORT": taken.url.rpartition(":")[2]})
        done = _run(folder, tmp_path, f"{docker}{os.pathsep}/bin{os.pathsep}/usr/bin")
    assert done.returncode == 3
    assert "make langfuse LANGFUSE_PORT=" in done.stderr
    assert "up --detach" not in (tmp_path / "calls").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folder of the compose file."""
    import shutil

    return Path(shutil.copytree(FOLDER, tmp_path / "langfuse", ignore=shutil.ignore_patterns(".env")))


def interpolated(values: dict[str, str]) -> dict[str, Any]:
    def put(match: re.Match[str]) -> str:
        name, how, other = match.groups()
        return values.get(name) or (other if how == ":-" else "")

    return dict(yaml.safe_load(VARIABLE.sub(put, text()).replace("$$", "$")))


def test_the_file_is_what_the_compose_specification_allows(folder: Path) -> None:
    vendored = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for each in (document(), interpolated(prepare(folder, {}))):
        assert [error.message for error in validator(schema).iter_errors(each)] == []
    wrong = document()
    wrong["services"]["redis"]["imagge"] = "redis"
    assert list(validator(schema).iter_errors(wrong)), "the schema refuses nothing"


def test_every_variable_without_a_default_is_one_that_is_made() -> None:
    wanted = {name for name, how, _ in VARIABLE.findall(text()) if how != ":-"}
    assert wanted == set(SECRETS) | set(PLAIN)


def test_no_secret_stands_in_the_file() -> None:
    found = []
    for name, service in document()["services"].items():
        for key, value in service.get("environment", {}).items():
            if SECRET_WORDS.search(key) and key not in ("AUTH_DISABLE_SIGNUP",) and "${" not in str(value):
                found.append(f"{name}.{key}")
    assert found == []


def test_every_image_has_a_version_and_langfuse_is_new_enough_for_the_sdk() -> None:
    services = document()["services"]
    for name, service in services.items():
        tag = VARIABLE.sub(lambda match: match[3], service["image"]).rpartition(":")[2]
        assert re.match(r"\d+\.\d+|RELEASE\.\d{4}", tag), f"{name}: {tag}"
    web, worker = services["langfuse-web"]["image"], services["langfuse-worker"]["image"]
    assert web.rpartition(":${")[2] == worker.rpartition(":${")[2]
    version = VARIABLE.search(web)
    assert version
    assert tuple(int(part) for part in version[3].split(".")[:2]) >= OLDEST


def test_ports_are_those_of_loopback_only_and_two_at_most() -> None:
    ports = [str(port) for service in document()["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in service for service in document()["services"].values())


def test_what_lasts_is_in_volumes_and_everything_is_bounded_and_watched() -> None:
    whole = document()
    for name, service in whole["services"].items():
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert "healthcheck" in service or name == "bucket", name
    mounts = {
        name: [mount.partition(":")[0] for mount in service.get("volumes", [])]
        for name, service in whole["services"].items()
    }
    named = {source for sources in mounts.values() for source in sources if not source.startswith(".")}
    assert named == set(whole["volumes"])
    assert all(mounts[name] for name in ("postgres", "clickhouse", "redis", "minio"))


def test_langfuse_starts_behind_what_it_needs() -> None:
    services = document()["services"]
    for name in ("langfuse-web", "langfuse-worker"):
        needed = {each: how["condition"] for each, how in services[name]["depends_on"].items()}
        assert needed.pop("bucket") == "service_completed_successfully"
        assert needed == dict.fromkeys(("postgres", "clickhouse", "redis", "minio"), "service_healthy")


def test_both_servers_and_their_stores_agree_on_names_and_passwords(folder: Path) -> None:
    values = prepare(folder, {})
    services = interpolated(values)["services"]
    web, worker = (services[name]["environment"] for name in ("langfuse-web", "langfuse-worker"))
    differ = {key for key in worker if worker[key] != web[key]}
    assert differ == {"LANGFUSE_S3_MEDIA_UPLOAD_ENDPOINT"}, "which the browser reaches by another name"
    postgres = services["postgres"]["environment"]
    assert web["DATABASE_URL"] == (
        f"postgresql://{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}"
        f"@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    for key in ("CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD"):
        assert web[key] == services["clickhouse"]["environment"][key]
    assert web["REDIS_AUTH"] in services["redis"]["command"]
    minio = services["minio"]["environment"]
    assert web["LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID"] == minio["MINIO_ROOT_USER"]
    assert web["LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY"] == minio["MINIO_ROOT_PASSWORD"]
    assert services["bucket"]["command"][0].endswith(f"store/{web['LANGFUSE_S3_EVENT_UPLOAD_BUCKET']}")
    assert re.fullmatch("[0-9a-f]{64}", web["ENCRYPTION_KEY"])
    assert web["NEXTAUTH_URL"].endswith(f":{values['LANGFUSE_PORT']}")


def test_the_system_logs_of_clickhouse_live_for_days_or_are_not_written(folder: Path) -> None:
    mount = next(m for m in document()["services"]["clickhouse"]["volumes"] if m.startswith("./"))
    source, target, mode = mount.split(":")
    assert (target, mode) == ("/etc/clickhouse-server/config.d/logs.xml", "ro")
    root = ElementTree.parse(folder / source).getroot()
    assert root.tag == "clickhouse"
    logs = [each for each in root if each.tag.endswith("_log")]
    assert {"query_log", "trace_log", "text_log", "metric_log", "asynchronous_metric_log"} <= {
        each.tag for each in logs
    }
    for each in logs:
        lives = re.fullmatch(r"event_date \+ INTERVAL \d DAY DELETE", each.findtext("ttl") or "")
        assert lives or each.get("remove") == "1", each.tag


def test_the_secrets_are_made_once_for_their_owner_alone(folder: Path) -> None:
    first = prepare(folder, {})
    path = folder / ".env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len({first[name] for name in SECRETS}) == len(SECRETS)
    assert all(re.fullmatch(r"[\w-]{20,}", first[name]) for name in SECRETS), (
        "compose reads no $ and no quotes"
    )
    path.chmod(0o644)
    assert prepare(folder, {}) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_the_owner_wrote_stays_and_what_is_missing_is_added(folder: Path) -> None:
    (folder / ".env").write_text('# mine\nLANGFUSE_VERSION=4.70.1\nSALT="pepper"\n')
    values = prepare(folder, {"LANGFUSE_PORT": "3100"})
    assert (values["SALT"], values["LANGFUSE_PORT"], values["LANGFUSE_VERSION"]) == (
        "pepper",
        "3100",
        "4.70.1",
    )
    assert (folder / ".env").read_text().startswith('# mine\nLANGFUSE_VERSION=4.70.1\nSALT="pepper"\n')
    assert prepare(folder, {"LANGFUSE_PORT": "3200"})["LANGFUSE_PORT"] == "3200"
    assert (folder / ".env").read_text().count("LANGFUSE_PORT") == 1


@pytest.mark.parametrize(("line", "environ"), [("nonsense", {}), ("A=1", {"LANGFUSE_PORT": "http"})])
def test_what_cannot_be_used_is_told_and_nothing_is_written(
    folder: Path, line: str, environ: dict[str, str]
) -> None:
    (folder / ".env").write_text(line)
    with pytest.raises(BadInput):
        prepare(folder, environ)
    assert (folder / ".env").read_text() == line


def test_the_app_finds_the_keys_that_were_written_unless_the_environment_names_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = home / "terakoya.toml"
    path.write_text('# mine\npassages = 3 # few\nlangfuse_public_key = "old"\n', encoding="utf-8")
    set_values(path, {"langfuse_base_url": "http://localhost:3000", "langfuse_public_key": "pk-lf-1"})
    set_values(path, {"langfuse_secret_key": "sk-lf-1"})
    assert path.read_text(encoding="utf-8").startswith("# mine\npassages = 3 # few\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = load_settings(home)
    assert settings.passages == 3
    found = account({}, settings)
    assert found
    assert (found.base_url, found.public_key, found.secret_key) == (
        "http://localhost:3000",
        "pk-lf-1",
        "sk-lf-1",
    )
    assert "sk-lf-1" not in repr(settings)
    other = {"LANGFUSE_BASE_URL": "http://other", "LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"}
    assert account(other, settings) == account(other)
    assert account({"LANGFUSE_TRACING_ENABLED": "false"}, settings) is None


def test_keys_go_before_the_tables_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "terakoya.toml"
    path.write_text('title = "[not a table]"\n[table]\nlangfuse_public_key = "of the table"\n')
    set_values(path, {"langfuse_public_key": 'quote " and \\ and 日本'})
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    assert read["langfuse_public_key"] == 'quote " and \\ and 日本'
    assert read["table"] == {"langfuse_public_key": "of the table"}


@pytest.mark.parametrize("content", ["passages = ", 'text = """\nlangfuse_public_key = 1\n"""\n'])
def test_a_file_that_cannot_be_changed_safely_stays_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "terakoya.toml"
    path.write_text(content)
    with pytest.raises(BadInput):
        set_values(path, {"langfuse_public_key": "pk"})
    assert path.read_text() == content


def test_a_server_is_up_when_it_knows_the_keys(tmp_path: Path) -> None:
    with StandIn() as server:
        keys = (server.public_key, server.secret_key)
        assert await_server(server.url, keys, 30, folder=tmp_path).startswith("4.")
        with pytest.raises(Unavailable, match=r"does not know|知りません"):
            await_server(server.url, ("pk", "sk"), 0, folder=tmp_path)
    with pytest.raises(Unavailable, match=r"does not answer|応答しません"):
        await_server(server.url, keys, 0, folder=tmp_path)


def _run(folder: Path, home: Path, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": path, "HOME": str(home), "TERAKOYA_LANGUAGE": "en"}
    command = [
        sys.executable,
        "-m",
        "app.langfuse_server",
        str(folder),
        "--home",
        str(home / "t"),
        *arguments,
    ]
    return subprocess.run(
        command, cwd=FOLDER.parents[1], env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def test_without_docker_one_sentence_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    done = _run(folder, tmp_path, str(tmp_path))
    assert done.returncode == 3
    assert "Docker" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "t" / "terakoya.toml").exists()


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A folder with a program `docker` that notes how it is called, and does as if it had done it."""
    place = tmp_path / "bin"
    place.mkdir()
    program = place / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$SALT|$*" >> {tmp_path}/calls\ncase "$*" in *ps*) echo running;; esac\n'
    )
    program.chmod(0o755)
    return place


def test_the_program_starts_compose_waits_and_writes_the_keys(
    folder: Path, tmp_path: Path, docker: Path
) -> None:
    values = prepare(folder, {})
    with StandIn(
        public_key=values["LANGFUSE_INIT_PROJECT_PUBLIC_KEY"],
        secret_key=values["LANGFUSE_INIT_PROJECT_SECRET_KEY"],
    ) as server:
        port = server.url.rpartition(":")[2]
        prepare(folder, {"LANGFUSE_PORT": port})
        done = _run(folder, tmp_path, f"{docker}{os.pathsep}/bin{os.pathsep}/usr/bin")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"http://localhost:{port}\n"
    settings = load_settings(tmp_path / "t")
    assert settings.langfuse_secret_key == values["LANGFUSE_INIT_PROJECT_SECRET_KEY"]
    assert values["LANGFUSE_INIT_USER_PASSWORD"] not in done.stderr + done.stdout
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.partition("|")[2] for call in calls] == [
        "compose version",
        "info",
        "compose -f compose.yaml config --quiet",
        "compose -f compose.yaml ps --quiet",
        "compose -f compose.yaml up --detach",
    ]


def test_compose_itself_reads_the_file_where_it_is_installed(folder: Path) -> None:
    """`docker compose config` is the judge; where it is missing, the schema above has to do."""
    prepare(folder, {})
    try:
        done = subprocess.run(
            ["docker", "compose", "-f", "compose.yaml", "config", "--quiet"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except FileNotFoundError:
        return
    known = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 or known.returncode != 0, done.stderr
