"""Which prompts are used: those that Langfuse labels, those of a folder, or those of the product."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from app.settings import Settings
from terakoya.errors import BadInput
from workflows.prompts import Prompt, Prompts, load_prompt, prompt_names, read_prompt

log = logging.getLogger(__name__)


def make_prompts(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Prompts:
    """The prompts of an installation.

    Args:
        settings: Of the installation.
        environ: Where the `LANGFUSE_*` variables stand; the process's own environment when None.

    Raises:
        BadInput: The folder of the settings is not there, or a file in it is no prompt that can be used.
    """
    variables = os.environ if environ is None else environ
    files = prompt_files(settings)
    if not settings.prompt_label:
        return files
    from app.tracing.account import account

    project = account(variables, settings)
    if project is None:
        return files
    from app.langfuse.prompts import KEPT, LangfusePrompts

    try:
        kept = float(variables.get("LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS") or KEPT)
    except ValueError:
        kept = KEPT
    return LangfusePrompts(project, files, label=settings.prompt_label, kept=kept)


def prompt_files(settings: Settings) -> Prompts:
    """The prompts of the folder of the settings, and those of the product where it has none.

    Raises:
        BadInput: The folder is not there, or a file in it is no prompt that can be used.
    """
    if not settings.prompts:
        return load_prompt
    own = read_folder(Path(settings.prompts).expanduser())
    return lambda name: own.get(name) or load_prompt(name)


def read_folder(folder: Path) -> dict[str, Prompt]:
    """The prompts of a folder by name.

    Raises:
        BadInput: It is not there, or a file in it is no prompt of the product, or has other variables.
    """
    if not folder.is_dir():
        raise BadInput("prompts_folder", path=folder)
    known = prompt_names()
    found = {}
    for path in sorted(folder.glob("*.md")):
        try:
            prompt = read_prompt(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise BadInput("prompt_file", path=path, reason=error) from None
        if path.stem not in known or prompt.name != path.stem:
            raise BadInput("prompt_unknown", path=path, name=prompt.name, known=", ".join(known))
        if set(prompt.variables) != set(load_prompt(path.stem).variables):
            wanted = ", ".join(sorted(load_prompt(path.stem).variables))
            raise BadInput("prompt_variables", path=path, wanted=wanted, found=", ".join(prompt.variables))
        found[path.stem] = prompt
    return found
