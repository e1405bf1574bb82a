"""Prompts: versioned files, filled without surprises."""

import pytest

from workflows.prompts import Prompt, load_prompt


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
