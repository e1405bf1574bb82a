"""`--judge`: a GGUF that judges answers, in a worker process of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from app.codebase import file_digest
from app.settings import Settings
from evals.judging import REPEATS, Court
from evals.metrics import METRICS
from terakoya.errors import BadInput

_NO_MODEL: Final = {"model_missing": "eval_judge_missing", "model_not_gguf": "eval_judge_not_gguf"}
_TOKENS: Final = 256
_TEMPERATURE: Final = 0.7
"""Above 0, so that repeated verdicts tell how sure the judge is."""


class LocalJudge:
    """A GGUF as a judge, its replies held to the schema by llama.cpp's grammar.

    Args:
        path: The file.
        settings: For the context and the time that a request may take.

    Raises:
        BadInput: The file is no GGUF that can be read.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        from app.models.engine import LocalEngine
        from app.models.gguf import read_header
        from app.models.local import LocalChatModel

        try:
            read_header(path)
        except BadInput as error:
            if error.key not in _NO_MODEL:
                raise
            raise BadInput(_NO_MODEL[error.key], path=path) from None
        self.fingerprint = file_digest(path)
        self._engine = LocalEngine(
            path, context_tokens=settings.context_tokens, timeout=settings.model_timeout
        )
        self._model = LocalChatModel(
            engine=self._engine, model=path.stem, max_tokens=_TOKENS, temperature=_TEMPERATURE
        )

    def reply(self, prompt: str, *, schema: Mapping[str, Any], seed: int) -> str:
        """See `evals.judging.Judge`."""
        return str(self._model.invoke(prompt, schema=schema, seed=seed).content)

    def close(self) -> None:
        """Ends its process."""
        self._engine.close()


@contextmanager
def judged_by(path: Path | None, settings: Settings, *, repeats: int = REPEATS) -> Iterator[None]:
    """While this lasts, the registry has the metrics of the judge at `path`; without one it changes nothing.

    Raises:
        BadInput: The file is no GGUF that can be read.
    """
    if path is None:
        yield
        return
    before = set(METRICS)
    judge = LocalJudge(path, settings)
    try:
        Court(judge, repeats=repeats).register()
        yield
    finally:
        for name in [name for name in METRICS if name not in before]:
            del METRICS[name]
        judge.close()
