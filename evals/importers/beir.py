"""A folder in the form of BEIR (Thakur et al. 2021): retrieval alone, with graded judgements.

`corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`) and `qrels/SPLIT.tsv` (query-id,
corpus-id, score, under a row of names). Each document becomes a note; a passage is the whole note.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from evals.importers.draft import Draft, Ids, Options, Sources, case, read_text
from terakoya.errors import BadInput

_SPLITS: Final = ("test", "dev", "train")


def read(path: Path, options: Options) -> Draft:
    """Reads the folder; the judgements of `options.split`, else of the first of test, dev and train.

    A document that is judged 0 is no passage; a query without a passage is left out.

    Raises:
        BadInput: A file is missing or not of that form, or a judgement names what is not there.
    """
    documents = {str(entry["_id"]): entry for entry in _entries(path / "corpus.jsonl")}
    queries = {str(entry["_id"]): entry for entry in _entries(path / "queries.jsonl")}
    qrels = _qrels(path, options)
    sources, ids = Sources(), Ids()
    passages: dict[str, list[dict[str, Any]]] = {}
    for line, query, document, score in _judgements(qrels):
        for name, known in ((query, queries), (document, documents)):
            if name not in known:
                raise BadInput("eval_import", path=qrels, line=line, reason=f"there is no `{name}`")
        found = passages.setdefault(query, [])
        if score > 0:
            found.append({"source": sources.of(document), "grade": score})
    left_out: Counter[str] = Counter()
    cases: list[dict[str, Any]] = []
    for query, found in passages.items():
        if not found:
            left_out["relevant"] += 1
        elif options.limit is None or len(cases) < options.limit:
            question = " ".join(str(queries[query].get("text", "")).split())
            cases.append(case(id=ids.of(query, len(cases) + 1), question=question, passages=found))
    if not cases:
        raise BadInput("eval_import_none", path=path, kind="beir")
    texts = {sources.of(name): _note(name, entry) for name, entry in documents.items()}
    return Draft(
        name=path.resolve().name,
        description=f"Queries of {path.resolve().name}, {qrels.stem}.",
        cases=tuple(cases),
        texts=texts,
        left_out=left_out,
    )


def _note(name: str, entry: dict[str, Any]) -> str:
    title = " ".join(str(entry.get("title") or name).split())
    return f"# {title}\n\n{str(entry.get('text') or '').strip()}\n"


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput("eval_import", path=path, line=number, reason=error) from None
        if not isinstance(entry, dict) or "_id" not in entry:
            raise BadInput("eval_import", path=path, line=number, reason="no object with `_id`")
        yield entry


def _qrels(path: Path, options: Options) -> Path:
    folder = path / "qrels"
    wanted = [options.split] if options.split else [*_SPLITS, *sorted(p.stem for p in folder.glob("*.tsv"))]
    found = [folder / f"{split}.tsv" for split in wanted if (folder / f"{split}.tsv").is_file()]
    return found[0] if found else folder / f"{wanted[0]}.tsv"


def _judgements(path: Path) -> Iterator[tuple[int, str, str, int]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        cells = line.strip().split("\t")
        if number == 1 and cells[-1].strip() == "score":
            continue
        if not line.strip():
            continue
        try:
            query, document, score = cells
            yield number, query, document, int(score)
        except ValueError:
            reason = "not query-id, corpus-id and score, with tabs between them"
            raise BadInput("eval_import", path=path, line=number, reason=reason) from None
