"""How tokens are chosen: what each control does to the distribution, against what it should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from app.models.choosing import Chooser, Logits, NothingLeft, candidates
from app.models.sampling import Sampling

DRAWS = 4000
VOCABULARY = 1000


def logits(seed: int = 1) -> Logits:
    return (np.random.default_rng(seed).standard_normal(VOCABULARY) * 1.8).astype(np.float32)


def spelling(token: int) -> bytes:
    return chr(97 + token % 26).encode()


def chooser(sampling: Sampling, *, seed: int = 5) -> Chooser:
    return Chooser(sampling, seed=seed, spelling=spelling)


def draws(sampling: Sampling, scores: Logits, count: int = DRAWS) -> np.ndarray:
    one = chooser(sampling)
    return np.array([one.choose(scores).token for _ in range(count)])


def assert_drawn_from(found: np.ndarray, expected: np.ndarray) -> None:
    """Chi-squared test; tokens that are expected fewer than five times count as one."""
    assert not set(found) - set(np.flatnonzero(expected))
    counts = np.bincount(found, minlength=len(expected))
    often = expected * len(found) >= 5
    observed = [*counts[often], counts[~often].sum()]
    wanted = [*(expected[often] * len(found)), expected[~often].sum() * len(found)]
    if wanted[-1] < 5:
        observed, wanted = observed[:-1], wanted[:-1]
    wanted = np.array(wanted) * sum(observed) / sum(wanted)
    assert len(observed) == 1 or stats.chisquare(observed, wanted).pvalue > 1e-4


def softmax(scores: Logits, temperature: float = 1.0) -> np.ndarray:
    values = np.exp((scores.astype(np.float64) - scores.max()) / temperature)
    return values / values.sum()


def only(probabilities: np.ndarray, kept: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    values = np.where(kept, probabilities, 0) ** (1 / temperature)
    return values / values.sum()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_alone_draws_from_the_softmax(temperature: float) -> None:
    sampling = Sampling(temperature=temperature, top_p=1)
    assert_drawn_from(draws(sampling, logits()), softmax(logits(), temperature))


@pytest.mark.parametrize("k", [1, 5, 40])
def test_top_k_draws_from_the_k_likeliest(k: int) -> None:
    p = softmax(logits())
    kept = p >= np.sort(p)[-k]
    assert_drawn_from(draws(Sampling(temperature=1.5, top_p=1, top_k=k), logits()), only(p, kept, 1.5))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_top_p_draws_from_the_fewest_that_hold_the_share(share: float) -> None:
    p = softmax(logits())
    order = np.argsort(-p)
    count = int(np.searchsorted(np.cumsum(p[order]), share)) + 1
    kept = np.isin(np.arange(VOCABULARY), order[:count])
    assert_drawn_from(draws(Sampling(temperature=0.8, top_p=share), logits()), only(p, kept, 0.8))


@pytest.mark.parametrize("least", [0.02, 0.5])
def test_min_p_draws_from_those_above_a_share_of_the_best(least: float) -> None:
    p = softmax(logits())
    assert_drawn_from(
        draws(Sampling(temperature=1, top_p=1, min_p=least), logits()), only(p, p >= least * p.max())
    )


def test_a_bias_is_added_and_minus_a_hundred_rules_out() -> None:
    scores = logits()
    best = int(scores.argmax())
    changed = scores.copy()
    changed[7] += 6
    changed[best] = -np.inf
    sampling = Sampling(temperature=1, top_p=1, logit_bias={7: 6, best: -100, VOCABULARY + 5: 3})
    assert_drawn_from(draws(sampling, scores), softmax(changed))


def test_penalties_count_what_was_said() -> None:
    scores = np.zeros(4, dtype=np.float32)
    scores[:] = [4, 3, 2, -1]
    sampling = Sampling(temperature=0, presence_penalty=0.5, frequency_penalty=0.6)
    # 4 is 2.9 once it was said, and 2.3 after the second time; 3 is 1.9.
    assert draws(sampling, scores, 4).tolist() == [0, 1, 0, 0]
    repeated = Sampling(temperature=0, repetition_penalty=2.0)
    assert draws(repeated, scores, 3).tolist() == [0, 1, 0]  # 4 -> 2, ties with the third: the first one


def test_a_bias_and_penalties_on_one_token_add_up_in_that_order() -> None:
    scores = np.array([4, 3, -1], dtype=np.float32)
    sampling = Sampling(temperature=0, repetition_penalty=2.0, logit_bias={0: 1.5, 2: 2.5})
    # 5.5 is 2.75 once it was said, then 3 is 1.5, and 1.5 (-1 with its bias) is 0.75.
    assert draws(sampling, scores, 4).tolist() == [0, 1, 0, 0]


def test_penalties_forget_what_left_their_window() -> None:
    scores = np.array([4, 3.9], dtype=np.float32)
    sampling = Sampling(temperature=0, presence_penalty=1.0, penalty_window=1)
    assert draws(sampling, scores, 6).tolist() == [0, 1, 0, 1, 0, 1]


def test_forbidden_texts_never_appear_across_tokens_either() -> None:
    scores = logits()
    one = chooser(Sampling(temperature=1, top_p=1, forbidden=("ab", "C", "xyz")))
    text = b"".join(spelling(one.choose(scores).token) for _ in range(5000)).decode()
    assert "ab" not in text
    assert "c" not in text
    assert "xyz" not in text
    assert "a" in text


def test_what_is_not_forbidden_keeps_its_shares() -> None:
    scores = logits()
    allowed = np.array([spelling(token) != b"c" for token in range(VOCABULARY)])
    sampling = Sampling(temperature=1, top_p=1, forbidden=("c",))
    assert_drawn_from(draws(sampling, scores), only(softmax(scores), allowed))


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("top_k", [0, 5])
def test_when_everything_is_forbidden_nothing_is_left(temperature: float, top_k: int) -> None:
    sampling = Sampling(
        temperature=temperature,
        top_k=top_k,
        forbidden=tuple("abcdefghijklmnopqrstuvwxyz"),
        top_p=1,
        min_p=0.1,
    )
    with pytest.raises(NothingLeft):
        chooser(sampling).choose(logits())


def test_the_seed_alone_decides() -> None:
    sampling = Sampling(temperature=1, top_p=1)
    one, other, third = (chooser(sampling, seed=s) for s in (1, 1, 2))
    said = [[c.choose(logits()).token for _ in range(50)] for c in (one, other, third)]
    assert said[0] == said[1] != said[2]


def test_log_probabilities_are_the_models_own() -> None:
    scores = logits()
    choice = chooser(Sampling(temperature=0, logprobs=3, logit_bias={5: 50})).choose(scores)
    p = softmax(scores)
    assert choice.token == 5
    assert choice.logprob == pytest.approx(np.log(p[5]), abs=1e-6)
    assert [token for token, _ in choice.top] == np.argsort(-p)[:3].tolist()
    assert choice.top[0][1] == pytest.approx(np.log(p.max()), abs=1e-6)


def test_logits_are_left_as_they_are() -> None:
    scores = logits()
    before = scores.copy()
    one = chooser(Sampling(temperature=1, forbidden=("a",), logit_bias={3: 2.0}, presence_penalty=1))
    for _ in range(20):
        one.choose(scores)
    assert (scores == before).all()


def test_a_share_that_tokens_reach_exactly_takes_no_more_of_them() -> None:
    for reached in (1, 3, 9):
        tokens, _ = candidates(np.zeros(10, dtype=np.float32), 0, reached / 10, 0.0)
        assert len(tokens) == reached


@pytest.mark.parametrize("flat", [0.3, 3.0, 9.0])
def test_a_large_vocabulary_has_the_nucleus_of_its_exact_sum(flat: float) -> None:
    scores = (np.random.default_rng(3).standard_normal(150_000) * flat).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    sums = np.exp(scores[order].astype(np.float64) - scores.max()).cumsum()
    for share in (0.2, 0.9, 0.999):
        tokens, _ = candidates(scores, 0, share, 0.0)
        assert set(tokens) == set(order[: int(np.searchsorted(sums, share * sums[-1])) + 1])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 3000),
    top_k=st.integers(0, 50),
    top_p=st.floats(0.01, 1),
    min_p=st.floats(0, 1),
    scale=st.floats(0.01, 30),
)
def test_candidates_are_what_a_plain_sort_gives(
    seed: int, size: int, top_k: int, top_p: float, min_p: float, scale: float
) -> None:
    scores = (np.random.default_rng(seed).standard_normal(size) * scale).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > scores.max() - 30.0]
    order = order[:top_k] if top_k else order
    if top_p < 1:
        p = np.exp((scores[order] - scores.max()).astype(np.float64))
        order = order[: int(np.searchsorted(p.cumsum(), top_p * p.sum() * (1 - 1e-12))) + 1]
    if min_p > 0:
        order = order[(scores[order] - scores.max()).astype(np.float64) >= np.log(min_p)]
    tokens, below = candidates(scores, top_k, top_p, min_p)
    assert sorted(tokens.tolist()) == sorted(order.tolist())
    assert below.max() == 0
    assert below == pytest.approx(scores[tokens].astype(np.float64) - scores.max())
