"""Whether llama.cpp may repack weights for this processor: where that may crash, tried in a process of its own.

On processors with AMX some builds of llama.cpp end with a segmentation fault at the first batch of a quantized
model (llama.cpp#20824), and others are several times quicker for it. So there the model's first batch is tried
once in a process of its own, and what came of it is remembered for this processor, build and kind of model.
On other processors it is as llama.cpp has it, which repacks what it has quicker kernels for.

Run as `python -m app.models.selfcheck MODEL`, it is that process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

_SECONDS: Final = 300.0
_TOKENS: Final = 64
_CPUINFO: Final = Path("/proc/cpuinfo")

Verdict = str
"""`works`, or how the process ended."""


class SelfCheck:
    """Remembers for which models extra buffers work here.

    Args:
        record: File that remembers; None remembers for the life of this object.
        cpuinfo: Where the processor is described.
        run: Tries a model and says how that ended.
    """

    def __init__(
        self,
        record: Path | None = None,
        *,
        cpuinfo: Path = _CPUINFO,
        run: Callable[[Path], Verdict] | None = None,
    ) -> None:
        self._record = record
        self._cpuinfo = cpuinfo
        self._run = run or try_out
        self._known: dict[str, Verdict] = {}

    def extra_buffers(self, model: Path, kind: str) -> bool:
        """Whether the model is loaded with extra buffers; takes as long as loading it, the first time.

        Args:
            model: The GGUF file.
            kind: Architecture and quantisation: what decides whether the fault is met.
        """
        processor = self._processor()
        if processor is None:
            return self._cpuinfo.exists()  # of a processor that nothing tells of, nothing is known
        key = f"{processor}; llama-cpp-python {_version()}; {kind}"
        verdicts = self.verdicts()
        if key not in verdicts:
            verdicts[key] = self._run(model)
            self._remember(verdicts)
        return verdicts[key] == "works"

    def verdicts(self) -> dict[str, Verdict]:
        """What was found so far, by processor, build and kind of model."""
        if self._record is None:
            return self._known
        try:
            found: Any = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def has_amx(self) -> bool:
        """Whether the processor has AMX."""
        return self._processor() is not None

    def _processor(self) -> str | None:
        """Name of the processor where it has AMX."""
        try:
            lines = self._cpuinfo.read_text().splitlines()
        except OSError:
            return None
        values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return values.get("model name", "?") if "amx_tile" in values.get("flags", "").split() else None

    def _remember(self, verdicts: dict[str, Verdict]) -> None:
        self._known = verdicts
        if self._record is None:
            return
        part = self._record.with_suffix(f".{os.getpid()}")
        try:
            part.write_text(json.dumps(verdicts, indent=1))
            part.replace(self._record)
        except OSError:  # a home that cannot be written costs a trial at the next start
            part.unlink(missing_ok=True)


def try_out(model: Path, *, command: Sequence[str] = (), seconds: float = _SECONDS) -> Verdict:
    """Evaluates a batch with extra buffers in a process of its own.

    Args:
        model: The GGUF file.
        command: Run instead of this module.
        seconds: After which it counts as hung.
    """
    from app.models.process import ending, worker_environment

    try:
        done = subprocess.run(  # noqa: S603 (the arguments are made here)
            [*(command or (sys.executable, "-P", "-m", "app.models.selfcheck")), str(model)],
            env=worker_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hung"
    except OSError as error:
        return str(error.strerror)
    return "works" if done.returncode == 0 else ending(done.returncode)


def _version() -> str:
    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return "?"


def main(path: str) -> int:
    """Loads the model with extra buffers and evaluates a batch; 0 where that comes to an end."""
    from app.models.native import NativeModel
    from app.models.options import ModelOptions
    from app.models.process import leave_no_core
    from app.models.supervision import processors

    leave_no_core()
    options = ModelOptions(slots=1, extra_buffers=True, batch_tokens=_TOKENS)
    model = NativeModel(path, context_tokens=256, cells=256, threads=processors(), options=options)
    model.batch.add(
        [token % model.vocabulary_size for token in range(_TOKENS)], start=0, sequence=0, wanted=1
    )
    return 0 if model.evaluate() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
