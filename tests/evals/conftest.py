from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from evals import Report, Suite, load_suite, run_suite
from evals.testing import Reply, ScriptedTarget, cite_all

DB = """\
# Databases

- An index makes <b>search</b> faster
- A view is a stored query
- ビューは保存した問い合わせ
"""

NET = """\
# Networks

```html
<p>markup</p>
```
TCP keeps the order
UDP does not<br>
DNS maps names
"""

SUITE = """\
name: small
description: A few cases.
notes: notes
gates:
  - {metric: recall@5, min_mean: 0.9}
  - {metric: mrr@10, min_mean: 0.9}
  - {metric: citation_validity, min_mean: 1}
  - {metric: contains_expected, min_mean: 0.9}
  - {metric: citation_support, min_mean: 0.9}
  - {metric: answered_rate, min_mean: 0.9}
  - {metric: abstention_precision, min_mean: 0.9}
  - {metric: abstention_recall, min_mean: 0.9}
cases:
  - id: index
    question: What does an index do?
    language: en
    tags: [single-fact]
    expected: [search faster]
    passages: [{source: db.md, text: makes search faster}]
  - id: view
    question: ビューとは
    language: ja
    expected: [保存した 問い合わせ]
    passages: [{source: db.md, text: ビューは保存した問い合わせ}]
  - id: order
    question: Which one keeps the order?
    expected: [TCP]
    passages: [{source: net.md, text: TCP keeps the order}]
  - id: names
    question: What maps names?
    expected: [DNS]
    passages: [{source: net.md, text: DNS maps names}]
  - id: tokyo
    question: How many people live in Tokyo?
    answerable: false
  - id: kyoto
    question: How many people live in Kyoto?
    answerable: false
"""

GOOD = {
    "What does an index do?": ("db.md", 3, "An index makes search faster"),
    "ビューとは": ("db.md", 5, "ビューは保存した問い合わせ"),
    "Which one keeps the order?": ("net.md", 6, "TCP keeps the order"),
    "What maps names?": ("net.md", 8, "DNS maps names"),
}


@pytest.fixture
def write_suite(tmp_path: Path) -> Callable[[str], Path]:
    for source, content in (("db.md", DB), ("net.md", NET)):
        path = tmp_path / "notes" / source
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def write(content: str) -> Path:
        path = tmp_path / "suite.yaml"
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.fixture
def suite_path(write_suite: Callable[[str], Path]) -> Path:
    return write_suite(SUITE)


@pytest.fixture
def suite(suite_path: Path) -> Suite:
    return load_suite(suite_path)


@pytest.fixture
def good_replies() -> dict[str, Reply]:
    """A system that is right about every case of the suite."""
    replies = {
        question: Reply(
            answer=f"{quote} [1]",
            citations=cite_all([(source, line, line, quote)]),
            hits=((source, line, line),),
        )
        for question, (source, line, quote) in GOOD.items()
    }
    for city in ("Tokyo", "Kyoto"):
        replies[f"How many people live in {city}?"] = Reply(answer="The notes do not say.", answered=False)
    return replies


@pytest.fixture
def good_target(good_replies: dict[str, Reply]) -> ScriptedTarget:
    return ScriptedTarget(replies=good_replies)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def report(suite: Suite, replies: dict[str, Reply]) -> Report:
    return run_suite(suite, ScriptedTarget(replies=replies))


@pytest.fixture
def wide(write_suite: Callable[[str], Path], tmp_path: Path) -> Suite:
    """Forty questions, one a note."""
    cases = []
    for n in range(40):
        (tmp_path / "notes" / f"n{n}.md").write_text(f"fact {n} stands here\n")
        cases.append(
            f"  - {{id: c{n}, question: q{n}, expected: [fact {n} stands], passages: [{{source: n{n}.md}}]}}\n"
        )
    return load_suite(write_suite("name: wide\nnotes: notes\ncases:\n" + "".join(cases)))


def replies_of(wide: Suite, *, wrong: Collection[int] = ()) -> dict[str, Reply]:
    return {
        case.question: Reply(
            answer="no" if n in wrong else f"fact {n} stands here [1]",
            citations=cite_all([(f"n{n}.md", 1, 1, "here" if n in wrong else f"fact {n} stands here")]),
        )
        for n, case in enumerate(wide.cases)
    }


def broken(replies: dict[str, Reply], **change: object) -> dict[str, Reply]:
    return {q: replace(r, **change) if r.answered else r for q, r in replies.items()}  # type: ignore[arg-type]
