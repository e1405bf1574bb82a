"""The vector contestants: numpy, FAISS, usearch, LanceDB, Chroma. Settings that are not named are the defaults."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from searching import RESULTS, Task, pages, serve

WIDTH = 128
"""Candidates that the graphs of FAISS and usearch keep while they search: with their defaults, 16 and 64, they find
far fewer of the true neighbours."""
REFINED = 10
"""LanceDB's index compares so many times as many as wanted exactly, as its documentation has it."""


class _Finder:
    def __init__(self, task: Task) -> None:
        self.place = task.place
        self.file = task.data / "vectors.npy"
        self.queries = np.load(task.data / "queries.npy")


class Numpy(_Finder):
    """One product of all vectors and the query, and the best of it."""

    def build(self) -> None:
        """Reads the file."""
        self.vectors = np.load(self.file)

    def find(self, way: str, number: int) -> Sequence[int]:
        """Exact."""
        scores = self.vectors @ self.queries[number]
        best = np.argpartition(scores, -RESULTS)[-RESULTS:]
        return list(best[np.argsort(-scores[best])])


class Faiss(_Finder):
    """An index of FAISS, in memory."""

    index: Any

    def build(self) -> None:
        """Adds page by page."""
        for _, page in pages(self.file):
            self.index.add(page)

    def find(self, way: str, number: int) -> Sequence[int]:
        """As the index does it."""
        _, found = self.index.search(self.queries[number : number + 1], RESULTS)
        return list(found[0])


class FaissFlat(Faiss):
    """Exact."""

    def __init__(self, task: Task) -> None:
        import faiss

        super().__init__(task)
        self.index = faiss.IndexFlatIP(self.queries.shape[1])


class FaissGraph(Faiss):
    """HNSW."""

    def __init__(self, task: Task) -> None:
        import faiss

        super().__init__(task)
        self.index = faiss.IndexHNSWFlat(self.queries.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efSearch = WIDTH


class Usearch(_Finder):
    """HNSW, with the number format that usearch chooses for the machine."""

    def __init__(self, task: Task) -> None:
        from usearch.index import Index

        super().__init__(task)
        self.index = Index(ndim=self.queries.shape[1], metric="ip", expansion_search=WIDTH)

    def build(self) -> None:
        """Adds page by page, in all threads, and saves."""
        for at, page in pages(self.file):
            self.index.add(np.arange(at, at + len(page)), page)
        self.index.save(str(self.place / "index.usearch"))

    def find(self, way: str, number: int) -> Sequence[int]:
        """As the index does it."""
        return list(self.index.search(self.queries[number], RESULTS).keys)


class Lance(_Finder):
    """A table of LanceDB without an index."""

    refined = 0

    def __init__(self, task: Task) -> None:
        import lancedb

        super().__init__(task)
        self.base = lancedb.connect(str(task.place))

    def build(self) -> None:
        """Writes the table."""
        import pyarrow as pa

        width = self.queries.shape[1]
        schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), width))])

        def batches() -> Iterator[Any]:
            for at, page in pages(self.file):
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(page.reshape(-1)), width)
                yield pa.record_batch([pa.array(np.arange(at, at + len(page))), vectors], schema=schema)

        self.table = self.base.create_table("vectors", batches(), schema=schema)

    def find(self, way: str, number: int) -> Sequence[int]:
        """The ids alone."""
        query = self.table.search(self.queries[number]).distance_type("dot").select(["id"]).limit(RESULTS)
        if self.refined:
            query = query.refine_factor(self.refined)
        return list(query.to_arrow()["id"].to_pylist())


class LanceIndex(Lance):
    """With an index of graphs and quantised vectors."""

    refined = REFINED

    def build(self) -> None:
        """Writes table and index."""
        super().build()
        self.table.create_index(metric="dot", index_type="IVF_HNSW_SQ")


class Chroma(_Finder):
    """A collection of Chroma on disk."""

    def __init__(self, task: Task) -> None:
        import chromadb

        super().__init__(task)
        client = chromadb.PersistentClient(path=str(task.place))
        self.collection = client.create_collection("vectors", configuration={"hnsw": {"space": "ip"}})
        self.most = client.get_max_batch_size()

    def build(self) -> None:
        """Adds as many at once as it takes."""
        for first, page in pages(self.file):
            for at in range(0, len(page), self.most):
                part = page[at : at + self.most]
                ids = [str(number) for number in range(first + at, first + at + len(part))]
                self.collection.add(ids=ids, embeddings=part)

    def find(self, way: str, number: int) -> Sequence[int]:
        """The ids alone."""
        found = self.collection.query(self.queries[number : number + 1], n_results=RESULTS, include=[])
        return [int(each) for each in found["ids"][0]]


if __name__ == "__main__":
    import sys

    LIBRARIES = {"faiss": ["faiss-cpu"], "usearch": ["usearch"], "lance": ["lancedb"], "chroma": ["chromadb"]}
    serve(
        {
            "numpy": Numpy,
            "faiss-flat": FaissFlat,
            "faiss-hnsw": FaissGraph,
            "usearch": Usearch,
            "lance-flat": Lance,
            "lance-index": LanceIndex,
            "chroma": Chroma,
        },
        ["numpy", *LIBRARIES.get(sys.argv[1].split("-")[0], [])],
    )
