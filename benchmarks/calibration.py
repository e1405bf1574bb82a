"""Learns when to answer: `python -m benchmarks.calibration --learn SUITE... --report SUITE... [--write]`.

Cases of the suites are asked of notes that hold the answer, and again of notes from which the lines that answer were
taken out: of a line with several sentences only those with the answer. What the extractive answerer sees for and
against its answer (`workflows/signals.py`) is put beside whether that answer is right, and a logistic regression with
a ridge is fitted, both outcomes weighing the same and a suite no more than `MOST` cases. The threshold is where, over
cases whose notes the regression had not seen, the precision and the recall of declining meet; questions that were made
unanswerable count there, too. `--write` puts the result with its date, data and evidence into
`workflows/confidence.toml`.
"""

import argparse
import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.settings import Settings, load_settings
from app.tracing import NoTracer
from app.wiring import open_installation
from evals import Suite, load_suites
from evals.case import Case
from ingest.decode import decode
from terakoya.text.normalise import squeeze
from terakoya.text.question import analyse_question
from terakoya.text.sentences import sentence_spans
from terakoya.types import Citation, Passage, Turn
from workflows.composing import nearest
from workflows.confidence import NAMES, Confidence
from workflows.extractive import ExtractiveAnswerer
from workflows.scoring import asks_tasks, read_candidates
from workflows.signals import possible
from workflows.standalone import stand_alone
from workflows.units import Unit

MOST: Final = 300
"""Cases of a suite that count: a large suite shall not outweigh all others."""
RIDGE: Final = 30.0
FOLDS: Final = 6
"""Parts in which the lines that answer are taken out, so that most of the notes stay."""
PLACE: Final = Path("workflows/confidence.toml")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_UNJUDGED: Final = Confidence(intercept=0.0, weights={}, answer_from=0.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The answer to one case, and whether it is right.

    Attributes:
        suite: Name of the suite.
        group: Examples of one group stand on the same note.
        signals: In the order of `NAMES`.
        worth: Factor of the confidence that is not learned, see `Unit.worth` and `workflows.signals.possible`.
        right: Whether it is; None of a case that the notes answer and this answer does not.
        cut: The lines that answer were taken out.
    """

    suite: str
    group: str
    signals: tuple[float, ...]
    worth: float
    right: bool | None
    cut: bool


def examples_of(suite: Suite, settings: Settings, folds: int) -> Iterator[Example]:
    """Every case over the notes as they are, and every answerable one over notes without the lines that answer."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / suite.folder.name
        suite.write_notes(folder)
        yield from _asked(suite, suite.cases, folder, settings, cut=False)
    answerable = [c for c in suite.cases if c.answerable and c.passages]
    random.Random(1).shuffle(answerable)
    for fold in range(folds):
        cases = answerable[fold::folds]
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / suite.folder.name
            _write_cut(suite, cases, folder)
            yield from _asked(suite, cases, folder, settings, cut=True)


def _asked(
    suite: Suite, cases: Sequence[Case], folder: Path, settings: Settings, *, cut: bool
) -> Iterator[Example]:
    with tempfile.TemporaryDirectory() as home:
        placed = settings.model_copy(update={"home": Path(home)})
        installation = open_installation(placed, write=True, tracer=NoTracer())
        try:
            installation.ingest([folder])
            wiring = installation.wiring
            answerer = ExtractiveAnswerer(wiring.analyser, confidence=_UNJUDGED)
            for case in cases:
                said: list[Turn] = []
                for question in (*case.earlier, case.question):
                    alone = stand_alone(question, said, wiring.analyser)
                    said.append(Turn(question=question, answer="", standalone=alone))
                hits = wiring.retriever.search(said[-1].standalone, k=settings.passages).hits
                passages = [hit.passage for hit in hits]
                if cut and _still_there(case, passages):
                    continue
                candidates = read_candidates(passages, wiring.analyser)
                found = answerer.find(analyse_question(said[-1].standalone, wiring.analyser), candidates)
                if found.signals is None:
                    continue
                units = [scored.unit for scored in found.chosen]
                right = answers_case(case, nearest(units), units)
                yield Example(
                    suite=suite.name,
                    group=case.cluster,
                    signals=tuple(asdict(found.signals)[name] for name in NAMES),
                    worth=units[0].worth(tasks=asks_tasks(found.asked))
                    * possible(found.asked, found.signals),
                    right=False if cut or not case.answerable else right or None,
                    cut=cut,
                )
        finally:
            installation.close()


def answers_case(case: Case, citations: Sequence[Citation], units: Sequence[Unit]) -> bool:
    """Whether these quotes hold what the case expects, from where it expects it."""
    said = [" ".join((*u.headings, *u.ancestors, *u.header, u.text)) for u in units]
    cited = any(p.overlaps(c.source, c.start_line, c.end_line) for p in case.passages for c in citations)
    return cited and not case.missing("", tuple(said)) and _short_answer(case, said)


def _short_answer(case: Case, texts: Iterable[str]) -> bool:
    there = squeeze(" ".join(texts))
    return not case.answers or any(squeeze(answer) in there for answer in case.answers)


def _still_there(case: Case, passages: Sequence[Passage]) -> bool:
    """Other lines say it as well."""
    texts = [passage.text for passage in passages]
    if case.answers:
        return _short_answer(case, texts)
    return bool(case.expected) and not case.missing("", (" ".join(texts),))


def _write_cut(suite: Suite, cases: Sequence[Case], folder: Path) -> None:
    gone: dict[str, dict[int, list[Case]]] = {}
    for case in cases:
        for passage in case.passages:
            for line in passage.lines:
                gone.setdefault(passage.source, {}).setdefault(line, []).append(case)
    for path in sorted(p for p in suite.folder.rglob("*") if p.is_file()):
        source = path.relative_to(suite.folder).as_posix()
        lines = _LINE_BREAK.split(decode(path.read_bytes()).text)
        kept = (_without(line, gone.get(source, {}).get(n, [])) for n, line in enumerate(lines, 1))
        target = folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(line for line in kept if line is not None), encoding="utf-8")


def _without(line: str, cases: Sequence[Case]) -> str | None:
    """The line without the sentences that answer; None where nothing is left of it."""
    if not cases:
        return line
    answers = [squeeze(text) for case in cases for text in (*case.answers, *case.expected)]
    sentences = [line[start:end] for start, end in sentence_spans(line)]
    left = [s for s in sentences if not any(a in squeeze(s) for a in answers)]
    return " ".join(left) if 0 < len(left) < len(sentences) and len(sentences) > 2 else None


def fit(examples: Sequence[Example]) -> Confidence:
    """The logistic regression of `right` on the signals; its threshold is left at 0.5.

    Newton's method; see Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning" (2009), 4.4.1, with the
    ridge on standardised signals and none on the intercept.
    """
    known = [e for e in examples if e.right is not None]
    x = np.array([e.signals for e in known])
    y = np.array([float(bool(e.right)) for e in known])
    size = {suite: sum(e.suite == suite for e in known) for suite in {e.suite for e in known}}
    weight = np.array([min(1.0, MOST / size[e.suite]) for e in known])
    for outcome in (0.0, 1.0):
        weight[y == outcome] /= 2 * weight[y == outcome].sum() / weight.sum()
    mean, spread = np.average(x, axis=0, weights=weight), x.std(axis=0)
    spread[spread == 0] = 1.0
    design = np.column_stack([np.ones(len(x)), (x - mean) / spread])
    penalty = np.diag([0.0] + [RIDGE] * x.shape[1])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (y - p)) - penalty @ beta
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    weights = beta[1:] / spread
    return Confidence(
        intercept=float(beta[0] - weights @ mean),
        weights=dict(zip(NAMES, weights.tolist(), strict=True)),
        answer_from=0.5,
    )


def judged(confidence: Confidence, examples: Sequence[Example]) -> Floats:
    """How likely each answer is right, by `confidence`."""
    logits = np.array([e.signals for e in examples]) @ np.array([confidence.weights[n] for n in NAMES])
    likely: Floats = np.array([e.worth for e in examples]) / (1 + np.exp(-confidence.intercept - logits))
    return likely


def unseen(examples: Sequence[Example], folds: int = 5) -> Floats:
    """How likely each answer is right, by a regression that saw no example of its note."""
    groups = sorted({(e.suite, e.group) for e in examples})
    random.Random(2).shuffle(groups)
    fold_of = {group: number % folds for number, group in enumerate(groups)}
    place = np.array([fold_of[e.suite, e.group] for e in examples])
    found = np.zeros(len(examples))
    for fold in range(folds):
        learned = fit([e for e, at in zip(examples, place, strict=True) if at != fold])
        found[place == fold] = judged(
            learned, [e for e, at in zip(examples, place, strict=True) if at == fold]
        )
    return found


def rates(examples: Sequence[Example], found: Floats, threshold: float) -> tuple[float, float]:
    """Shares of the answerable questions that are answered, and of the others that are declined."""
    answered = [p >= threshold for p, e in zip(found, examples, strict=True) if e.right]
    declined = [p < threshold for p, e in zip(found, examples, strict=True) if e.right is False]
    return float(np.mean(answered)), float(np.mean(declined))


def abstention(examples: Sequence[Example], found: Floats, threshold: float) -> tuple[float, float]:
    """Precision and recall of declining below `threshold`.

    Questions that were made unanswerable count, but all that cannot be answered together no more than those that a
    suite itself has: the share of such questions decides how dear a wrong answer is beside a missing one.
    """
    wrong = [e.right is False for e in examples]
    itself = sum(w and not e.cut for w, e in zip(wrong, examples, strict=True))
    each = itself / max(1, sum(wrong))
    declined = [w for w, p in zip(wrong, found, strict=True) if p < threshold]
    rightly, vainly = each * sum(declined), len(declined) - sum(declined)
    return rightly / max(1.0, rightly + vainly), rightly / max(1, itself)


def meeting(examples: Sequence[Example], found: Floats) -> float:
    """The threshold at which precision and recall of declining are the same, or nearly; both are wanted high."""
    known = [n for n, e in enumerate(examples) if e.right is not None]
    some, likely = [examples[n] for n in known], found[known]
    return float(max(np.unique(likely.round(3)), key=lambda t: min(abstention(some, likely, t))))


def separation(examples: Sequence[Example], found: Floats) -> float:
    """How often a right answer is thought more likely than a wrong one: the area under the ROC curve."""
    right = [p for p, e in zip(found, examples, strict=True) if e.right]
    wrong = np.array([p for p, e in zip(found, examples, strict=True) if e.right is False])
    return float(np.mean([(p > wrong).mean() + 0.5 * (p == wrong).mean() for p in right]))


def _table(confidence: Confidence, evidence: Sequence[str]) -> str:
    weights = "\n".join(f"{name} = {weight:.4f}" for name, weight in confidence.weights.items())
    return (
        "# When the extractive answerer answers. Learned by `python -m benchmarks.calibration`; not to be edited.\n"
        f'learned = "{datetime.now(UTC).date().isoformat()}"\n'
        + "".join(f"# {line}\n" for line in evidence)
        + f"answer_from = {confidence.answer_from:.3f}\nintercept = {confidence.intercept:.4f}\n\n[weights]\n{weights}\n"
    )


def main() -> None:
    """Learns, reports, and writes where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("--learn", nargs="+", type=Path, required=True, metavar="SUITE")
    parser.add_argument("--report", nargs="*", type=Path, default=[], metavar="SUITE")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    settings = load_settings(Path(tempfile.gettempdir()))
    suites = load_suites([*options.learn, *options.report])  # a mistake in one is told before minutes of work
    learned, reported = suites[: len(options.learn)], suites[len(options.learn) :]
    learning = [e for s in learned for e in examples_of(s, settings, FOLDS)]
    found = unseen(learning)
    # suites without a question that the notes cannot answer tell nothing of where to stop
    both = {e.suite for e in learning if e.right is False and not e.cut}
    counted = [n for n, e in enumerate(learning) if e.suite in both]
    threshold = meeting([learning[n] for n in counted], found[counted])
    confidence = replace(fit(learning), answer_from=threshold)
    evidence = []
    for name in dict.fromkeys(e.suite for e in learning):
        for cut in (False, True):
            at = [n for n, e in enumerate(learning) if e.suite == name and (not cut or e.cut or e.right)]
            at = [n for n in at if cut or not learning[n].cut]
            some, p = [learning[n] for n in at], found[at]
            if any(e.right is False for e in some):
                evidence.append(_line(f"{name}, notes unseen{', lines taken out' * cut}", some, p, threshold))
    for suite in reported:
        some = list(examples_of(suite, settings, 0))
        evidence.append(_line(f"{suite.name}, reported only", some, judged(confidence, some), threshold))
    print("\n".join(evidence))
    if options.write:
        PLACE.write_text(_table(confidence, evidence), encoding="utf-8")


def _line(what: str, examples: Sequence[Example], found: Floats, threshold: float) -> str:
    answered, declined = rates(examples, found, threshold)
    right = sum(bool(e.right) for e in examples)
    wrong = sum(e.right is False for e in examples)
    return (
        f"{what}: {right} answerable, {answered:.3f} answered; {wrong} not, {declined:.3f} declined; "
        f"area under the curve {separation(examples, found):.3f}"
    )


if __name__ == "__main__":
    main()
