"""What people preferred, as JSON Lines to train a model on: for preference optimisation, or for fine-tuning.

DPO lines have `prompt`, `chosen` and `rejected`, SFT lines `messages`: the conversational forms that Hugging Face
TRL reads. Each line also says where it comes from, which trainers leave alone.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evals.arena.duel import Vote

Format = Literal["dpo", "sft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """An answer with the thumb that it got.

    Attributes:
        question: The question.
        answer: The answer.
        up: Whether the thumb is up.
        comment: What was said with it.
        trace_id: Of the answer.
    """

    question: str
    answer: str
    up: bool
    comment: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """One answer that is better than another one to the same question.

    Attributes:
        question: The question.
        chosen: The better answer.
        rejected: The other one.
        source: `votes` or `thumbs`.
        votes: How many more say so than say the opposite.
    """

    question: str
    chosen: str
    rejected: str
    source: str
    votes: int


def preferences(votes: Iterable[Vote], thumbs: Sequence[Rated] = ()) -> list[Preference]:
    """Pairs of answers of which more voters preferred one; then answers with thumbs up beside those with thumbs down.

    Ties, `both bad`, and pairs on which votes are equally divided are left out.
    """
    balance: dict[tuple[str, str, str], int] = defaultdict(int)
    for vote in votes:
        if vote.verdict not in ("a", "b"):
            continue
        first, second = (reply.answer for reply in vote.replies)
        chosen, rejected = (first, second) if vote.verdict == "a" else (second, first)
        if chosen != rejected:
            balance[(vote.question, chosen, rejected)] += 1
            balance[(vote.question, rejected, chosen)] -= 1
    found = [
        Preference(question=question, chosen=chosen, rejected=rejected, source="votes", votes=count)
        for (question, chosen, rejected), count in balance.items()
        if count > 0
    ]
    up, down = _sides(thumbs)
    for question, answers in up.items():
        for chosen in answers:
            found += [
                Preference(question=question, chosen=chosen, rejected=rejected, source="thumbs", votes=1)
                for rejected in down.get(question, ())
            ]
    return list({(p.question, p.chosen, p.rejected): p for p in reversed(found)}.values())[::-1]


def lines(kind: Format, votes: Sequence[Vote], thumbs: Sequence[Rated] = ()) -> Iterator[str]:
    """JSON Lines in the form `kind`; each answer that was preferred, or got a thumb up, once for SFT."""
    found = preferences(votes, thumbs)
    if kind == "dpo":
        for each in found:
            yield _line(
                {
                    "prompt": [_said("user", each.question)],
                    "chosen": [_said("assistant", each.chosen)],
                    "rejected": [_said("assistant", each.rejected)],
                    "source": each.source,
                    "votes": each.votes,
                }
            )
        return
    rejected = {(each.question, each.rejected) for each in found}
    good = [(each.question, each.chosen, each.source) for each in found]
    good += [
        (question, answer, "thumbs") for question, answers in _sides(thumbs)[0].items() for answer in answers
    ]
    seen: set[tuple[str, str]] = set()
    for question, answer, source in good:
        # an answer that lost to a third one is no example to follow
        if (question, answer) not in seen | rejected:
            seen.add((question, answer))
            yield _line({"messages": [_said("user", question), _said("assistant", answer)], "source": source})


def _sides(thumbs: Sequence[Rated]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Answers with thumbs up and down, by question; one that got both is in neither."""
    up: dict[str, list[str]] = {}
    down: dict[str, list[str]] = {}
    ups = {(each.question, each.answer) for each in thumbs if each.up}
    downs = {(each.question, each.answer) for each in thumbs if not each.up}
    for question, answer in dict.fromkeys((each.question, each.answer) for each in thumbs):
        if (question, answer) in ups & downs:
            continue
        side = up if (question, answer) in ups else down
        side.setdefault(question, []).append(answer)
    return up, down


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _line(value: dict[str, Any]) -> str:
    # An unpaired surrogate, which a model may emit, cannot be written as UTF-8.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
