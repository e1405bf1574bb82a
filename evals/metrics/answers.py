"""What an answer says, against what a case expects it to say."""

from collections import Counter
from typing import Final

from evals.case import KeyFact
from evals.metrics.observation import Observation
from evals.metrics.registry import case_metric
from evals.metrics.tokens import claims, held_share, is_japanese, plain, reading, squad_tokens, substance
from terakoya.text.language import language_of
from terakoya.text.normalise import squeeze

HALF_SAID: Final = 0.5
"""Share of a key fact's words of substance, in one sentence or quote, for which it is partly said."""
OKAY: Final = 0.5
"""Weight of a key fact that is not vital."""


@case_metric("contains_expected", "higher", "Share of cases whose answer or quotes hold every expected text.")
def contains_expected(o: Observation) -> float | None:
    """1 where every expected text occurs in the answer or a quote, else 0; 0 where not answered.

    Compared after NFKC, in lower case and without white space. Also called substring exact match, or accuracy
    by inclusion (Mallen et al. 2023, "When Not to Trust Language Models", section 3).
    """
    if not (o.asked and o.case.expected):
        return None
    return float(bool(o.answered) and not o.case.missing(o.answer, tuple(c.quote for c in o.citations)))


@case_metric("short_answer", "higher", "Share of cases whose answer or quotes hold one of the short answers.")
def short_answer(o: Observation) -> float | None:
    """1 where one of the short answers occurs in the answer or a quote, else 0; 0 where not answered.

    Compared as `contains_expected` does, of which it is the form for answers any of which is right.
    """
    if not (o.asked and o.case.answers):
        return None
    said = [squeeze(text) for text in o.shown]
    return float(any(squeeze(answer) in text for answer in o.case.answers for text in said))


@case_metric(
    "exact_match", "higher", "Share of cases whose answer is one of the short answers, word for word."
)
def exact_match(o: Observation) -> float | None:
    """1 where the answer's tokens are those of a short answer, in this order, else 0; 0 where not answered.

    SQuAD's exact match (Rajpurkar et al. 2016, section 6.1), with citation marks taken out; for tokens see
    `squad_tokens`. Best over the short answers.
    """
    if not (o.asked and o.case.answers):
        return None
    return float(bool(o.answered) and any(exact(plain(o.answer), answer) for answer in o.case.answers))


@case_metric(
    "token_f1", "higher", "How far the words of an answer and of the best short answer are the same."
)
def token_f1(o: Observation) -> float | None:
    """2 * P * R / (P + R) of the tokens that both have, counted with repeats; 0 where not answered.

    P: shared tokens / tokens of the answer; R: shared tokens / tokens of the short answer. SQuAD's F1
    (Rajpurkar et al. 2016, section 6.1), with citation marks taken out; for tokens see `squad_tokens`. Best over
    the short answers.
    """
    if not (o.asked and o.case.answers):
        return None
    return max(f1(plain(o.answer), answer) for answer in o.case.answers) if o.answered else 0.0


def exact(said: str, right: str) -> bool:
    """Whether two texts have the same tokens; by characters where one of them is Japanese."""
    japanese = is_japanese(said) or is_japanese(right)
    return squad_tokens(said, japanese=japanese) == squad_tokens(right, japanese=japanese)


def f1(said: str, right: str) -> float:
    """SQuAD's F1 of two texts; by characters where one of them is Japanese.

    Where either has no token it is 1 if the other has none too, as in the scoring of SQuAD 2.0.
    """
    japanese = is_japanese(said) or is_japanese(right)
    ours, theirs = squad_tokens(said, japanese=japanese), squad_tokens(right, japanese=japanese)
    if not (ours and theirs):
        return float(ours == theirs)
    shared = (Counter(ours) & Counter(theirs)).total()
    return 2 * shared / (len(ours) + len(theirs))


@case_metric("key_facts", "higher", "Share of the vital key facts that an answer or its quotes say.")
def key_facts(o: Observation) -> float | None:
    """Vital key facts that occur / vital key facts; 0 where not answered. Strict nugget recall.

    A fact occurs where one of its ways to say it does, compared as `contains_expected` does. A case without key
    facts lends its expected texts, each being one. Vital strict score of Pradeep et al. 2024, "Initial Nugget
    Evaluation Results for the TREC 2024 RAG Track", after Voorhees 2003, "Overview of the TREC 2003 Question
    Answering Track", with the case's wording for the assessor.
    """
    vital = [fact for fact in _facts(o) if fact.vital]
    if not (o.asked and vital):
        return None
    return sum(fact.stands_in(o.shown) for fact in vital) / len(vital)


@case_metric(
    "key_facts_partial", "higher", "Share of the key facts that are said, in part or not vital counting half."
)
def key_facts_partial(o: Observation) -> float | None:
    """Sum of weight * degree / sum of weights over all key facts; 0 where not answered.

    Weight: 1 for a vital fact, 0.5 for another. Degree: 1 where it occurs as in `key_facts`; 0.5 where one
    sentence or quote holds at least half of the words of substance of one of its ways, and every number of it;
    else 0. Weighted score of Pradeep et al. 2024, with shared words for the assessor's partial support.
    """
    facts = _facts(o)
    if not (o.asked and facts):
        return None
    weights = [1.0 if fact.vital else OKAY for fact in facts]
    degrees = [_degree(fact, o) for fact in facts]
    return sum(w * d for w, d in zip(weights, degrees, strict=True)) / sum(weights)


def _facts(o: Observation) -> tuple[KeyFact, ...]:
    return o.case.key_facts or tuple(KeyFact(any_of=(text,)) for text in o.case.expected)


def _degree(fact: KeyFact, o: Observation) -> float:
    if not o.answered or fact.stands_in(o.shown):
        return float(bool(o.answered))
    said = [reading(text) for text in (*claims(o.answer), *(c.quote for c in o.citations))]
    ways = [terms for way in fact.any_of if (terms := substance(way))]
    return 0.5 if any(held_share(terms, text) >= HALF_SAID for terms in ways for text in said) else 0.0


@case_metric("language_match", "higher", "Share of answers in the language of the question.")
def language_match(o: Observation) -> float | None:
    """1 where the text that came, declining or not, is in the case's language, else that of its question.

    Told by script: one kana or kanji for every eight Latin letters is Japanese. An answer that quotes notes in
    another language counts as in that language, which is what its reader sees.
    """
    if not o.answer.strip():
        return None
    return float(language_of(plain(o.answer)) == (o.case.language or language_of(o.case.question)))


@case_metric("answer_characters", "lower", "Length of an answer in code points.")
def answer_characters(o: Observation) -> float | None:
    """Length of the text; answered cases only."""
    return float(len(o.answer)) if o.answered else None
