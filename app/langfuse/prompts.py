"""Prompts of Langfuse, by label: in place of the files at run time, and pushed, pulled and compared.

A file has `{variable}`, Langfuse `{{variable}}`. A prompt of Langfuse that has other variables than the file is
refused, since it could not be filled.
"""

import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from app.langfuse.project import Project, named
from app.tracing.account import Account
from terakoya.errors import TerakoyaError
from workflows.prompts import Prompt, Prompts

log = logging.getLogger(__name__)

PROMPTS: Final = "/api/public/v2/prompts"
WAIT: Final = 0.3
"""Seconds that the first use of a prompt waits for Langfuse; later ones do not wait."""
KEPT: Final = 60.0
"""Seconds after which a prompt is looked for again, behind the back of whoever uses it; the SDK's default."""
_VARIABLE: Final = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")

State = Literal["same", "differs", "missing", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What Langfuse has under a label.

    Attributes:
        prompt: The prompt with the variables of the file; None where there is none, or none that can be used.
        version: Number that Langfuse gave it; 0 where there is none.
        reason: Why it is refused; empty where it is not.
    """

    prompt: Prompt | None = None
    version: int = 0
    reason: str = ""

    def state(self, file: Prompt) -> State:
        """How it stands to the file."""
        if self.reason:
            return "refused"
        if self.prompt is None:
            return "missing"
        return "same" if self.prompt.template == file.template else "differs"


def labelled(project: Project, file: Prompt, label: str) -> Labelled:
    """The prompt of the name of `file` that has the label.

    Raises:
        Unavailable: See `Project.get`.
        BadInput: The server does not like the label.
    """
    found = project.get(f"{PROMPTS}/{named(file.name)}", missing=True, label=label)
    return Labelled() if found is None else _usable(found, file)


def push(project: Project, file: Prompt, label: str, *, message: str = "") -> int:
    """Makes a version of a file, and gives it the label; gives its number. Raises as `Project.post` does."""
    body = {
        "type": "text",
        "name": file.name,
        "prompt": as_langfuse(file),
        "labels": [label],
        "tags": ["terakoya"],
        "config": {"variables": list(file.variables), "version": file.version, "hash": file.digest},
        "commitMessage": message or f"Version {file.version} of the file, {file.digest}",
    }
    return int(project.post(PROMPTS, body)["version"])


def as_langfuse(file: Prompt) -> str:
    """The text with its variables as Langfuse writes them."""
    text = file.template
    for name in file.variables:
        text = text.replace(f"{{{name}}}", f"{{{{{name}}}}}")
    return text


def as_file(file: Prompt, found: Prompt) -> Prompt:
    """A prompt of Langfuse as the file's next version; the file itself where the text is the same."""
    if found.template == file.template:
        return file
    return replace(found, version=file.version + 1, source="file", stated="")


def _usable(found: Mapping[str, Any], file: Prompt) -> Labelled:
    version, text = int(found["version"]), found.get("prompt")
    if found.get("type") != "text" or not isinstance(text, str):
        return Labelled(version=version, reason="chat")
    there, here = set(_VARIABLE.findall(text)), set(file.variables)
    if there != here:
        missing = " ".join(f"-{name}" for name in sorted(here - there))
        unknown = " ".join(f"+{name}" for name in sorted(there - here))
        return Labelled(version=version, reason=f"{missing} {unknown}".strip())
    template = _VARIABLE.sub(lambda mark: f"{{{mark[1]}}}", text).strip()
    return Labelled(
        prompt=replace(file, version=version, template=template, source="langfuse", stated=""),
        version=version,
    )


class _Entry:
    """What is known of one name."""

    __slots__ = ("arrived", "asked", "found", "running")

    def __init__(self) -> None:
        self.found: Prompt | None = None
        self.asked = float("-inf")
        self.running = False
        self.arrived = threading.Event()


class LangfusePrompts:
    """Gives the prompt that has the label, where Langfuse has answered, else the file. Safe in several threads.

    Only the first uses of a name wait, for `wait` seconds from the very first one. After that the last answer
    counts, and is asked for anew behind the back of whoever uses it once it is `kept` seconds old. A server that
    goes away leaves the last answer in use.
    """

    def __init__(
        self, account: Account, files: Prompts, *, label: str, wait: float = WAIT, kept: float = KEPT
    ) -> None:
        self._account = account
        self._files = files
        self._label = label
        self._wait = wait
        self._kept = kept
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def __call__(self, name: str) -> Prompt:
        """The prompt to use now.

        Raises:
            FileNotFoundError: There is no file of that name.
        """
        file = self._files(name)
        with self._lock:
            entry = self._entries.setdefault(name, _Entry())
            if not entry.running and time.monotonic() - entry.asked >= self._kept:
                entry.running, entry.asked = True, time.monotonic()
                threading.Thread(
                    target=self._ask, args=(file, entry), name="langfuse-prompt", daemon=True
                ).start()
            left = entry.asked + self._wait - time.monotonic()
        if left > 0:
            entry.arrived.wait(left)
        return entry.found or file

    def _ask(self, file: Prompt, entry: _Entry) -> None:
        try:
            with Project(self._account, tries=1) as project:
                found = labelled(project, file, self._label)
            entry.found = found.prompt
            self._tell(file.name, found.reason and f"version {found.version} is refused: {found.reason}")
        except TerakoyaError as error:
            self._tell(file.name, error.message("en"))
        except Exception as error:
            self._tell(file.name, type(error).__name__)
        finally:
            entry.running = False
            entry.arrived.set()

    def _tell(self, name: str, trouble: str) -> None:
        """Logs why a prompt of Langfuse is not used, once for each reason."""
        line = f"prompt `{name}`, label `{self._label}`: {trouble}"
        if trouble and line not in self._told:
            self._told.add(line)
            log.warning("%s", line)
