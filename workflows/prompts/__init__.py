"""Prompts as versioned files: front matter with name, version, variables and hash, then the text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Final, Literal

import yaml


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: Name of the file.
        version: Number in its front matter, or the number that Langfuse gave it.
        variables: What `fill` needs.
        template: The text, with `{variable}`.
        source: Where it comes from.
        stated: Hash in the front matter: that of the text when its version was given; empty where there is none.
    """

    name: str
    version: int
    variables: tuple[str, ...]
    template: str
    source: Literal["file", "langfuse"] = "file"
    stated: str = ""

    @property
    def digest(self) -> str:
        """Hash of the text, for traces."""
        return blake2b(self.template.encode(), digest_size=6).hexdigest()

    @property
    def settled(self) -> bool:
        """Whether the version stands for this text: false where the text was changed and the version was not."""
        return self.stated in ("", self.digest)

    @property
    def mark(self) -> dict[str, str | int]:
        """What a trace says of the prompt that was used."""
        return {"name": self.name, "version": self.version, "hash": self.digest, "source": self.source}

    def fill(self, **values: str) -> str:
        """The text with `values` in place; braces inside values stay as they are.

        Raises:
            KeyError: A variable was not given, or is not one of the prompt's.
        """
        return self._filled(self.template, values)

    def messages(self, **values: str) -> tuple[str, str]:
        """What stays the same for all turns of a conversation, and what is filled anew for this one.

        The line `TURN` stands between the two. The first part goes to the front of the prompt, so that a model
        that keeps what it read need not read it again; it is empty where the prompt has no such line.

        Raises:
            KeyError: See `fill`.
        """
        first, line, second = self.template.partition(f"\n{TURN}\n")
        if not line:
            return "", self.fill(**values)
        return self._filled(first, values).strip(), self._filled(second, values).strip()

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        if set(values) != set(self.variables):
            raise KeyError(f"prompt `{self.name}` takes {sorted(self.variables)}, not {sorted(values)}")
        parts = [text]
        for name in self.variables:  # split first, fill afterwards: a value may hold another's placeholder
            parts = [piece for part in parts for piece in _around(part, f"{{{name}}}")]
        return "".join(values[part[1:-1]] if part in {f"{{{n}}}" for n in values} else part for part in parts)


TURN: Final = "<!-- turn -->"
"""The line of a template between what stays the same and what each question changes."""

Prompts = Callable[[str], Prompt]
"""Gives the prompt of a name. Called for every use, so that a prompt may change while the service runs."""


def _around(text: str, mark: str) -> list[str]:
    before, found, after = text.partition(mark)
    return [before, found, *_around(after, mark)] if found else [before]


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt `name` of the package."""
    return read_prompt(files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8"))


def prompt_names() -> tuple[str, ...]:
    """The names of all prompts of the package."""
    found = (each.name for each in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in found if name.endswith(".md")))


def read_prompt(content: str) -> Prompt:
    """The prompt that a file holds.

    Raises:
        ValueError: It is none: the front matter is missing or broken, or a variable does not stand in the text.
    """
    try:
        _, front, template = content.replace("\r\n", "\n").split("---\n", 2)
        meta: Any = yaml.safe_load(front)
        variables = tuple(map(str, meta["variables"]))
        made = Prompt(
            name=str(meta["name"]),
            version=int(meta["version"]),
            variables=variables,
            template=template.strip(),
            stated=str(meta.get("hash") or ""),
        )
    except (ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise ValueError(f"no front matter with name, version and variables: {error}") from None
    if missing := [name for name in made.variables if f"{{{name}}}" not in made.template]:
        raise ValueError(f"the text has no {', '.join(f'{{{name}}}' for name in missing)}")
    return made


def write_prompt(prompt: Prompt) -> str:
    """The file of a prompt."""
    front = [
        f"name: {prompt.name}",
        f"version: {prompt.version}",
        f"variables: [{', '.join(prompt.variables)}]",
        f'hash: "{prompt.digest}"',
    ]
    return "\n".join(["---", *front, "---", prompt.template, ""])
