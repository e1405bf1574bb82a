"""LangChain: directory loader, Markdown splitter, Hugging Face embeddings, Chroma, persisted."""

from typing import Any

from contest import Job, Stored, compete


def _documents(job: Job) -> list[Any]:
    from langchain_community.document_loaders import DirectoryLoader, TextLoader

    loader = DirectoryLoader(
        str(job.notes), glob="**/*.md", loader_cls=TextLoader, loader_kwargs={"encoding": "utf-8"}
    )
    documents: list[Any] = loader.load()
    return documents


def _splitter(job: Job) -> Any:
    from langchain_text_splitters import MarkdownTextSplitter

    return MarkdownTextSplitter(chunk_size=job.size, chunk_overlap=0) if job.size else MarkdownTextSplitter()


class LangChain:
    """One run of loader, splitter and store."""

    def __init__(self, job: Job) -> None:
        from langchain_huggingface import HuggingFaceEmbeddings

        self._job = job
        options: dict[str, Any] = {"model_kwargs": {"dtype": job.precision}} if job.precision else {}
        self._model = HuggingFaceEmbeddings(
            model_name=str(job.model),
            model_kwargs={"device": "cpu", **options},
            encode_kwargs={
                "normalize_embeddings": True,
                **({"batch_size": job.batch} if job.batch else {}),
            },
        )
        self._model.embed_documents(["warm"])
        self._splitter = _splitter(job)
        from langchain_chroma import Chroma
        from langchain_community.document_loaders import DirectoryLoader, TextLoader  # noqa: F401 - as above

        self._chroma = Chroma

    def ingest(self) -> None:
        """Reads, splits, embeds, and leaves everything on disk."""
        chunks = self._splitter.split_documents(_documents(self._job))
        self._chroma.from_documents(chunks, self._model, persist_directory=str(self._job.store))


def split(job: Job) -> list[str]:
    """The texts that it would embed."""
    return [chunk.page_content for chunk in _splitter(job).split_documents(_documents(job))]


def stored(job: Job) -> Stored:
    """What the collection on disk holds."""
    from langchain_chroma import Chroma

    found = Chroma(persist_directory=str(job.store)).get(include=["documents", "embeddings"])
    return list(zip(found["documents"], found["embeddings"], strict=True))


if __name__ == "__main__":
    compete(
        prepare=LangChain,
        split=split,
        stored=stored,
        libraries=(
            "langchain-community",
            "langchain-text-splitters",
            "langchain-huggingface",
            "langchain-chroma",
            "chromadb",
        ),
    )
