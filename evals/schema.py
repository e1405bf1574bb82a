"""The form of a suite file: what its keys are, for the reader and, as a JSON Schema, for editors."""

import difflib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

from evals.case import Part
from evals.document import Document, Location
from terakoya.errors import BadInput
from terakoya.types import Language

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Bound = Annotated[FiniteFloat, Field(ge=0)]


class Form(BaseModel):
    """A mapping of a suite file, with no other keys than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PassageForm(Form):
    """A place in the notes."""

    source: Filled = Field(description="The note: its path relative to the note folder, with `/`.")
    text: Filled | None = Field(
        default=None,
        description="A piece of one line of the note, without HTML tags; without it the whole note is meant.",
    )
    grade: int = Field(default=1, ge=1, description="How relevant it is; for nDCG.")


class KeyFactForm(Form):
    """A fact that a good answer holds, with the ways to say it."""

    any_of: tuple[Filled, ...] = Field(min_length=1, description="Ways to say it; one has to occur.")
    vital: bool = Field(default=True, description="False where its absence is no fault.")


class CaseForm(Form):
    """A question, and what a good answer to it holds."""

    id: Filled = Field(description="Unique in the suite; the results of two runs are paired by it.")
    question: Filled | None = Field(default=None, description="As a user would type it.")
    conversation: tuple[Filled, ...] = Field(
        default=(),
        description="Questions of one thread in order, in place of `question`; the last is judged.",
    )
    language: Language | None = Field(default=None, description="Of the question.")
    tags: tuple[Filled, ...] = Field(default=(), description="Kinds of question, for reading the report.")
    answerable: bool = Field(
        default=True, description="False where the notes hold no answer; then a good answer says so."
    )
    expected: tuple[Filled, ...] = Field(
        default=(), description="Texts that must all occur in the answer or in its quotes."
    )
    answers: tuple[Filled, ...] = Field(
        default=(), description="Short answers any of which is right, for exact match and token F1."
    )
    must_not: tuple[Filled, ...] = Field(
        default=(), description="Texts that must not occur in the answer or in its quotes."
    )
    key_facts: tuple[Filled | KeyFactForm, ...] = Field(
        default=(), description="What a full answer says: a text, or a mapping with ways to say it."
    )
    passages: tuple[PassageForm, ...] = Field(default=(), description="Where the answer stands.")
    relevant: tuple[PassageForm, ...] = Field(
        default=(), description="Further places that may be quoted, though the answer does not need them."
    )
    must_pass: bool = Field(
        default=False, description="The suite fails where this case is not right, whatever the means are."
    )


class GateForm(Form):
    """Bounds of one metric; all that are set must hold."""

    metric: Filled | None = Field(
        default=None, description="Name of the metric; not needed beside `max_p95_ms` alone."
    )
    min_mean: FiniteFloat | None = Field(default=None, description="Smallest value that passes.")
    max_mean: FiniteFloat | None = Field(default=None, description="Largest value that passes.")
    max_drop: Bound | None = Field(
        default=None,
        description="How much worse than the baseline it may be, in the metric's unit. Fails where the drop is"
        " larger and certain, and where there are too few cases to tell a drop of this size.",
    )
    too_few_cases: Literal["fail", "pass"] = Field(
        default="fail", description="What `max_drop` does where there are too few cases to tell."
    )
    judge: bool = Field(
        default=False, description="Whether a metric that is a model's opinion may fail the suite."
    )
    max_p95_ms: Bound | None = Field(
        default=None, description="Longest time of an answer that passes, in milliseconds; 95 of 100 answers."
    )


class SuiteForm(Form):
    """A suite file of Terakoya: cases over one folder of notes, and gates."""

    name: Filled = Field(description="Unique among the suites of a run; a baseline is matched by it.")
    notes: Filled = Field(description="The folder of the notes, relative to this file.")
    description: str = Field(default="", description="For people.")
    target: Part = Field(
        default="workflow",
        description="What is measured: the whole workflow, `retrieval` alone, or the `answer` over the passages"
        " that the cases expect.",
    )
    without: tuple[PassageForm, ...] = Field(
        default=(), description="Lines that are taken out of the notes before they are read."
    )
    repeats: int = Field(
        default=1, ge=1, le=100, description="How often each case is asked, for models that sample."
    )
    gates: tuple[GateForm, ...] = Field(default=(), description="How good the metrics have to be.")
    cases: tuple[CaseForm, ...] = Field(description="The questions.")


def suite_schema() -> str:
    """The JSON Schema (draft 2020-12) of a suite file, as `evals/suites/suite.schema.json` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SuiteForm.model_json_schema()}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def read_form(document: Document) -> SuiteForm:
    """`document` as a suite.

    Raises:
        BadInput: It is none. The message names file and line, and for an unknown key the nearest known one.
    """
    try:
        return SuiteForm.model_validate(document.value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
    # A key that is unknown is most often the one that is missing, misspelt.
    kinds = ("extra_forbidden", "missing")
    problem = min(problems, key=lambda p: (document.line(p["loc"]), p["type"] not in kinds, p["type"]))
    location: Location = problem["loc"]
    place: dict[str, Any] = {"path": document.path, "line": document.line(location)}
    if problem["type"] == "extra_forbidden":
        name = str(location[-1])
        keys = list(_form(location).model_fields)
        raise BadInput("eval_key", **place, name=name, nearest=nearest(name, keys), known=", ".join(keys))
    if problem["type"] == "missing":
        raise BadInput("eval_key_missing", **place, name=location[-1])
    if problem["type"] in ("model_type", "model_attributes_type"):
        known = ", ".join(_form((*location, "")).model_fields)
        raise BadInput("eval_form", **place, value=short(problem["input"] or ""), known=known)
    name = ".".join(str(part) for part in location)
    raise BadInput("eval_value", **place, name=name, value=short(problem["input"]), reason=problem["msg"])


def nearest(name: str, known: list[str]) -> str:
    """The one of `known` that `name` is most likely meant to be: the one that is most alike."""
    return max(known, key=lambda k: difflib.SequenceMatcher(None, name.lower(), k.lower()).ratio())


def short(value: Any) -> str:
    """The beginning of a value, for a message."""
    shown = str(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _form(location: Location) -> type[Form]:
    if not {"passages", "relevant", "without"}.isdisjoint(location[:-1]):
        return PassageForm
    if "key_facts" in location[:-1]:
        return KeyFactForm
    if len(location) < 2:
        return SuiteForm
    return CaseForm if location[0] == "cases" else GateForm
