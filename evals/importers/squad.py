"""Questions in the form of SQuAD (Rajpurkar et al. 2016, 2018): SQuAD 1.1 and 2.0, JSQuAD, and their like.

`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text",
"answer_start"}], "is_impossible"}]}]}]}`. Each title becomes a note, its contexts the paragraphs.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from evals.importers.draft import Draft, Ids, Options, Sources, case, read_text
from terakoya.errors import BadInput


class _Answer(BaseModel):
    text: str
    answer_start: int


class _Question(BaseModel):
    id: str | int = ""
    question: str
    answers: tuple[_Answer, ...] = ()
    is_impossible: bool = False


class _Paragraph(BaseModel):
    context: str
    qas: tuple[_Question, ...] = ()


class _Article(BaseModel):
    title: str = ""
    paragraphs: tuple[_Paragraph, ...]


class _File(BaseModel):
    data: tuple[_Article, ...]


def read(path: Path, options: Options) -> Draft:
    """Reads the file.

    An answer is `expected` where there is one, and where there are several, one of them has to occur. A
    question without an answer is not answerable from all notes only as far as the collection says so.

    Raises:
        BadInput: It is not of that form, or an answer does not stand where it should.
    """
    raw = read_text(path)
    try:
        content = _File.model_validate(json.loads(raw))
    except json.JSONDecodeError as error:
        raise BadInput("eval_import", path=path, line=error.lineno, reason=error.msg) from None
    except (ValidationError, RecursionError) as error:
        reason = _first(error) if isinstance(error, ValidationError) else "nested too deeply"
        raise BadInput("eval_import", path=path, line=1, reason=reason) from None
    sources, ids = Sources(), Ids()
    texts: dict[str, str] = {}
    cases: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for number, article in enumerate(content.data, 1):
        source = sources.of(article.title or f"article-{number}")
        title = " ".join(article.title.replace("_", " ").split()) or f"Article {number}"
        contexts = list(dict.fromkeys(paragraph.context for paragraph in article.paragraphs))
        texts[source] = "\n\n".join([texts.get(source, f"# {title}").rstrip("\n"), *contexts]) + "\n"
        for paragraph in article.paragraphs:
            for question in paragraph.qas:
                if not question.question.strip():
                    left_out["question"] += 1
                elif options.limit is None or len(cases) < options.limit:
                    keys = _expected(path, raw, paragraph.context, source, question)
                    name = ids.of(question.id, len(cases) + 1)
                    cases.append(case(id=name, question=question.question.strip(), **keys))
    if not cases:
        raise BadInput("eval_import_none", path=path, kind="squad")
    return Draft(
        name=path.stem,
        description=f"Questions of {path.name}.",
        cases=tuple(cases),
        texts=texts,
        left_out=left_out,
    )


def _expected(path: Path, raw: str, context: str, source: str, question: _Question) -> dict[str, Any]:
    if question.is_impossible or not question.answers:
        return {"answerable": False, "tags": ["unanswerable"]}
    answers = list(dict.fromkeys(answer.text.strip() for answer in question.answers))
    lines: dict[str, None] = {}
    for answer in question.answers:
        end = answer.answer_start + len(answer.text)
        if answer.answer_start < 0 or context[answer.answer_start : end] != answer.text or not answer.text:
            line = raw[: max(raw.find(json.dumps(question.id)), 0)].count("\n") + 1
            reason = (
                f"the answer {answer.text[:60]!r} of {question.id!r} does not stand at {answer.answer_start}"
            )
            raise BadInput("eval_import", path=path, line=line, reason=reason)
        lines[_line_at(context, answer.answer_start)] = None
    keys: dict[str, Any] = {
        "answers": answers,
        "passages": [{"source": source, "text": line} for line in lines],
    }
    return keys | ({"expected": answers} if len(answers) == 1 else {"key_facts": [{"any_of": answers}]})


def _line_at(context: str, offset: int) -> str:
    start = context.rfind("\n", 0, offset) + 1
    end = context.find("\n", offset)
    return context[start : end if end >= 0 else len(context)].strip()


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
