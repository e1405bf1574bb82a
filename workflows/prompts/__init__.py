"""Prompts as versioned files: front matter with name, version and variables, then the text."""

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files

import yaml


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: Name of the file.
        version: Number in its front matter.
        variables: What `fill` needs.
        template: The text, with `{variable}`.
    """

    name: str
    version: int
    variables: tuple[str, ...]
    template: str

    @property
    def digest(self) -> str:
        """Hash of the text, for traces."""
        return blake2b(self.template.encode(), digest_size=6).hexdigest()

    def fill(self, **values: str) -> str:
        """The text with `values` in place; braces inside values stay as they are.

        Raises:
            KeyError: A variable was not given, or is not one of the prompt's.
        """
        if set(values) != set(self.variables):
            raise KeyError(f"prompt `{self.name}` takes {sorted(self.variables)}, not {sorted(values)}")
        text = self.template
        parts = [text]
        for name in self.variables:  # split first, fill afterwards: a value may hold another's placeholder
            parts = [piece for part in parts for piece in _around(part, f"{{{name}}}")]
        return "".join(values[part[1:-1]] if part in {f"{{{n}}}" for n in values} else part for part in parts)


def _around(text: str, mark: str) -> list[str]:
    before, found, after = text.partition(mark)
    return [before, found, *_around(after, mark)] if found else [before]


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt `name` of the package."""
    source = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    _, front, template = source.split("---\n", 2)
    meta = yaml.safe_load(front)
    return Prompt(meta["name"], int(meta["version"]), tuple(meta["variables"]), template.strip())
