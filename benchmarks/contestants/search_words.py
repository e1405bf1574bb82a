"""The lexical contestants: bm25s and tantivy, over the terms that Terakoya's analyser gave."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from searching import RESULTS, Task, serve


class _Finder:
    def __init__(self, task: Task) -> None:
        self.place = task.place
        self.file = task.data / "terms.txt"
        self.queries: list[list[str]] = [
            each["terms"] for each in json.loads((task.data / "asked.json").read_text(encoding="utf-8"))
        ]

    def texts(self) -> Iterator[str]:
        """The terms of each passage, between spaces."""
        with self.file.open(encoding="utf-8") as lines:
            for line in lines:
                yield line.rstrip("\n")


class Bm25s(_Finder):
    """Scores of all terms, computed beforehand, in memory."""

    def __init__(self, task: Task) -> None:
        import bm25s

        super().__init__(task)
        self.index = bm25s.BM25()

    def build(self) -> None:
        """Indexes and saves."""
        self.index.index([text.split(" ") for text in self.texts()], show_progress=False)
        self.index.save(str(self.place / "index"))

    def find(self, way: str, number: int) -> Sequence[int]:
        """The best passages."""
        found, _ = self.index.retrieve([self.queries[number]], k=RESULTS, show_progress=False)
        return list(found[0])


class Tantivy(_Finder):
    """An index on disk."""

    def __init__(self, task: Task) -> None:
        import tantivy

        super().__init__(task)
        self.tantivy = tantivy
        schema = tantivy.SchemaBuilder()
        schema.add_integer_field("id", stored=True)
        schema.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        self.schema = schema.build()
        self.index = tantivy.Index(self.schema, path=str(task.place))
        self.searcher: Any = None

    def build(self) -> None:
        """Adds and commits."""
        writer = self.index.writer(heap_size=256 * 2**20)
        for number, text in enumerate(self.texts()):
            writer.add_document(self.tantivy.Document(id=number, text=text))
        writer.commit()
        writer.wait_merging_threads()
        self.index.reload()
        self.searcher = self.index.searcher()

    def find(self, way: str, number: int) -> Sequence[int]:
        """The best passages that hold any of the terms."""
        query = self.tantivy.Query
        wanted = [
            (self.tantivy.Occur.Should, query.term_query(self.schema, "text", term, "freq"))
            for term in self.queries[number]
        ]
        found = self.searcher.search(query.boolean_query(wanted), RESULTS)
        return [self.searcher.doc(address)["id"][0] for _, address in found.hits]


if __name__ == "__main__":
    import sys

    serve({"bm25s": Bm25s, "tantivy": Tantivy}, [sys.argv[1]])
