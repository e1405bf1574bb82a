"""Uploads: copies that the home keeps of files that were sent, as long as they are notes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from terakoya.api import IngestReport
from terakoya.errors import BadInput

if TYPE_CHECKING:
    from app.installation import Installation


def ingest_uploads(
    installation: "Installation",
    files: Sequence[Path],
    *,
    progress: Callable[[int, int, str], None],
    cancelled: Callable[[], bool],
) -> IngestReport:
    """Takes in `files`, which lie in the folder of uploads; of the problems there, only theirs are told.

    A file of which nothing can be read is deleted again: whoever sent it has it still, and has no other way to
    take the copy away.

    Raises:
        BadInput: Nothing of any file in the folder can be read.
        Busy: Another ingest is under way.
    """
    folder = installation.settings.uploads_path
    try:
        report = installation.ingest([folder], progress=progress, cancelled=cancelled)
    except BadInput:
        _drop(installation, files)
        raise
    names = {file.name for file in files}
    told = [problem for problem in report.problems if not names.isdisjoint(problem.path.split("/")[:2])]
    dropped = [] if report.cancelled else _drop(installation, files)
    return report.model_copy(update={"problems": told, "dropped": dropped})


def _drop(installation: "Installation", files: Sequence[Path]) -> list[str]:
    """Deletes those that are no notes, nor archives of notes; their names."""
    known = installation.wiring.store.files_below(installation.settings.uploads_path)
    dropped = [file for file in files if not any(path.split("/")[0] == file.name for path in known)]
    for file in dropped:
        file.unlink(missing_ok=True)
    return list(dict.fromkeys(file.name for file in dropped))
