"""Prompts: versioned files, filled without surprises."""

import pytest

from workflows.prompts import Prompt, load_prompt, prompt_names, read_prompt, write_prompt


def test_the_answer_prompt_names_its_variables() -> None:
    prompt = load_prompt("answer")
    assert (prompt.name, set(prompt.variables)) == ("answer", {"language", "passages", "question"})
    assert prompt.version >= 1
    assert len(prompt.digest) == 12


def test_values_with_braces_stay_as_they_are() -> None:
    prompt = Prompt(name="p", version=1, variables=("a", "b"), template="{a}-{b}-{a} {c} {}")
    assert prompt.fill(a="{b}", b="{a} {0} {{x}}") == "{b}-{a} {0} {{x}}-{b} {c} {}"


@pytest.mark.parametrize("values", [{}, {"a": "x"}, {"a": "x", "b": "y", "c": "z"}])
def test_a_value_too_few_or_too_many_is_told(values: dict[str, str]) -> None:
    with pytest.raises(KeyError, match="takes"):
        Prompt(name="p", version=1, variables=("a", "b"), template="{a}{b}").fill(**values)


def test_the_digest_changes_with_the_text() -> None:
    one, other = (Prompt(name="p", version=1, variables=(), template=t) for t in ("a", "b"))
    assert one.digest != other.digest


@pytest.mark.parametrize("name", prompt_names())
def test_a_text_that_changes_gets_a_new_version(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.settled, f'{name}.md has changed: raise `version`, and write `hash: "{prompt.digest}"`'


def test_a_file_comes_back_as_it_was_written() -> None:
    prompt = Prompt(name="p", version=3, variables=("a",), template="Say {a}.\n\n---\n{b}")
    assert read_prompt(write_prompt(prompt)) == Prompt(
        name="p", version=3, variables=("a",), template=prompt.template, stated=prompt.digest
    )


@pytest.mark.parametrize(
    "content",
    [
        "no front matter",
        "---\nname: p\n---\ntext",
        "---\nname: p\nversion: x\nvariables: []\n---\ntext",
        "---\n[\n---\ntext",
        "---\nname: p\nversion: 1\nvariables: [a]\n---\ntext without it",
    ],
)
def test_a_file_that_is_no_prompt_is_told(content: str) -> None:
    with pytest.raises(ValueError, match=r"front matter|the text has no"):
        read_prompt(content)
