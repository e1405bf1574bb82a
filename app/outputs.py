"""Files that a run writes for its user."""

from pathlib import Path

from terakoya.errors import BadInput


def prepare_output(path: Path | None) -> None:
    """Makes the folder of a report, before minutes of work could be lost for want of it.

    Raises:
        BadInput: It cannot be written.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None


def write_output(path: Path, content: bytes, *, append: bool = False) -> None:
    """Writes a report.

    Raises:
        BadInput: It cannot be written.
    """
    try:
        with path.open("ab" if append else "wb") as file:
            file.write(content)
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None
