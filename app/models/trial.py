"""Work on a model in a process that is thrown away: what is native there may crash, and nobody else does.

The process reads one request from stdin, a line of JSON with `op`, and writes lines of JSON: any number of
`progress` {done, total}, then `result` or `error` {code, values}. When stdin ends before, its parent is gone
and it exits.

Run as `python -m app.models.trial`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.models.build import BUILD_COMMAND, require_engine
from terakoya.errors import BadInput, TerakoyaError, Unavailable

Progress = Callable[[int, int], None]


def run_trial(
    op: str, path: Path, request: Mapping[str, object], progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Does one thing with the model at `path` in a process of its own, and gives its result.

    Args:
        op: `perplexity` or `quantize`.
        path: The model.
        request: What the function of this name takes.
        progress: Gets how far it is.

    Raises:
        BadInput: `model_broken`, or another that `op` names.
        Unavailable: `engine_missing`, `engine_building`; `model_crashed`, `model_failed`.
    """
    require_engine()
    source = Path(__file__).parents[2]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.models.trial"],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH", "")])),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        try:
            return _heard(process, {**request, "op": op, "path": str(path)}, path, progress)
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()


def _heard(
    process: "subprocess.Popen[bytes]", request: Mapping[str, object], path: Path, progress: Progress
) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it ended at once, and the next lines tell how
    for line in process.stdout:
        try:
            reply = json.loads(line)
        except ValueError:
            continue  # printed by something native before stdout was taken away from it
        match reply.get("event"):
            case "progress":
                progress(reply["done"], reply["total"])
            case "result":
                return dict(reply["values"])
            case "error":
                raise _error(reply, path)
    code = process.wait()
    reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise Unavailable("model_crashed", path=path, reason=reason)


def _error(reply: Mapping[str, Any], path: Path) -> TerakoyaError:
    values = dict(reply["values"])
    match reply["code"]:
        case "load_failed":
            return BadInput("model_broken", path=path, reason=values.get("reason"))
        case "perplexity_short":
            return BadInput("perplexity_short", **values)
        case "import_failed":
            return Unavailable("engine_broken", reason=values.get("reason"), command=BUILD_COMMAND)
        case _:
            return Unavailable("model_failed", path=path, reason=values.get("reason"))


def main() -> None:
    """Serves one request."""
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)

    def reply(event: str, **values: object) -> None:
        replies.write(json.dumps({"event": event, **values}) + "\n")
        replies.flush()

    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    op = request.pop("op")
    try:
        from app.models import perplexity, quantize
    except Exception as error:
        reply("error", code="import_failed", values={"reason": str(error)})
        return
    works: dict[str, Callable[..., Mapping[str, object]]] = {
        "perplexity": perplexity.measure,
        "quantize": quantize.write,
    }
    try:
        result = works[op](**request, progress=lambda done, total: reply("progress", done=done, total=total))
        reply("result", values=result)
    except perplexity.TrialError as error:
        reply("error", code=error.code, values=error.values)
    except Exception as error:
        reply("error", code="internal", values={"reason": f"{type(error).__name__}: {error}"})


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
