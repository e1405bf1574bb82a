"""Drafts by prompt lookup, on scripted streams of tokens that quote what stands before them."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.models.lookup import Lookup
from benchmarks.lookup import evaluations

TEXTS = st.lists(st.integers(0, 8), max_size=120)


def steps(prompt: list[int], answer: list[int], longest: int) -> int:
    """Evaluations that an answer takes when what it says is known beforehand."""
    return len(evaluations(prompt, answer, longest))


@given(prompt=TEXTS, answer=TEXTS)
def test_an_answer_never_takes_more_evaluations_than_tokens(prompt: list[int], answer: list[int]) -> None:
    assert steps(prompt, answer, 8) <= len(answer)


@given(text=TEXTS)
def test_a_draft_is_what_followed_the_same_tokens_before(text: list[int]) -> None:
    draft = Lookup(text, 6).draft()
    if draft:
        places = [p for p in range(2, len(text)) if text[p - 2 : p] == text[-2:]]
        assert any(text[p : p + len(draft)] == draft for p in places)


def test_an_answer_that_quotes_its_passages_takes_less_than_half_the_evaluations() -> None:
    chance = random.Random(3)
    passages = [[chance.randrange(5000) for _ in range(120)] for _ in range(6)]
    prompt = [token for passage in passages for token in passage]
    answer: list[int] = []
    for passage in passages[:3]:
        start = chance.randrange(60)
        answer += [chance.randrange(5000) for _ in range(6)]  # words of its own
        answer += passage[start : start + 30]
    assert steps(prompt, answer, 8) < 0.5 * len(answer)
