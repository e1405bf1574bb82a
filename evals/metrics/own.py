"""A user's own metrics: Python files whose decorated functions join the registry."""

import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.metrics.registry import METRICS
from terakoya.errors import BadInput, TerakoyaError


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMetrics:
    """What a file added.

    Attributes:
        path: The file.
        digest: Hexadecimal digest of its content, for caches of results.
        names: Of its metrics, in the order of the file.
    """

    path: Path
    digest: str
    names: tuple[str, ...]


def load_metrics(paths: Sequence[Path]) -> tuple[OwnMetrics, ...]:
    """Runs Python files that register metrics with `case_metric` and `suite_metric`.

    This runs the code of the files. Call it for files that the user named on the command line only: a suite is
    data that people pass on, and names no code.

    Raises:
        BadInput: A file cannot be read, raises, registers no metric, or one whose name is taken.
    """
    return tuple(_load(path) for path in paths)


def _load(path: Path) -> OwnMetrics:
    before = set(METRICS)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name = f"terakoya_own_metrics_{digest[:16]}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise BadInput("eval_metrics_file", path=path, reason="not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickles look their module up
        spec.loader.exec_module(module)
    except OSError as error:
        raise BadInput("eval_metrics_file", path=path, reason=error.strerror or error) from None
    except TerakoyaError:
        _forget(before)
        raise
    except SyntaxError as error:
        reason = f"line {error.lineno}: {error.msg}"
        raise BadInput("eval_metrics_file", path=path, reason=reason) from None
    except (Exception, SystemExit) as error:  # whatever the file does
        _forget(before)
        reason = f"{type(error).__name__}: {error}"
        raise BadInput("eval_metrics_file", path=path, reason=reason) from error
    names = tuple(name for name in METRICS if name not in before)
    if not names:
        raise BadInput("eval_metrics_none", path=path)
    return OwnMetrics(path=path, digest=digest, names=names)


def _forget(before: set[str]) -> None:
    for name in [name for name in METRICS if name not in before]:
        del METRICS[name]
