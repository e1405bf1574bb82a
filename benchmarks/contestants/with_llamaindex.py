"""LlamaIndex: directory reader, ingestion pipeline (Markdown nodes, sentences, embedding), simple index, persisted."""

from typing import Any

from contest import Job, Stored, compete


def _documents(job: Job) -> list[Any]:
    from llama_index.core import SimpleDirectoryReader

    reader = SimpleDirectoryReader(str(job.notes), recursive=True, required_exts=[".md"])
    documents: list[Any] = reader.load_data()
    for document in documents:
        # its path would be embedded with every chunk; without it the texts are as long as those of the others
        document.excluded_embed_metadata_keys.append("file_path")
    return documents


def _splitters(job: Job) -> list[Any]:
    from llama_index.core.node_parser import MarkdownNodeParser, SentenceSplitter

    sentences = SentenceSplitter(chunk_size=job.size, chunk_overlap=0) if job.size else SentenceSplitter()
    return [MarkdownNodeParser(), sentences]


def _embedded(nodes: Any) -> list[str]:
    from llama_index.core.schema import MetadataMode

    return [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]


class LlamaIndex:
    """One run of the pipeline."""

    def __init__(self, job: Job) -> None:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        self._job = job
        options: dict[str, Any] = {"embed_batch_size": job.batch} if job.batch else {}
        if job.precision:
            options["model_kwargs"] = {"dtype": job.precision}
        self._model = HuggingFaceEmbedding(model_name=str(job.model), device="cpu", **options)
        self._model.get_text_embedding("warm")
        from llama_index.core import SimpleDirectoryReader, VectorStoreIndex  # noqa: F401 - before the clock
        from llama_index.core.ingestion import IngestionPipeline

        # its cache of transformations would hash all texts once more
        self._pipeline = IngestionPipeline(
            transformations=[*_splitters(job), self._model], disable_cache=True
        )

    def ingest(self) -> None:
        """Reads, splits, embeds, and leaves everything on disk."""
        from llama_index.core import VectorStoreIndex

        nodes = self._pipeline.run(documents=_documents(self._job))
        index = VectorStoreIndex(list(nodes), embed_model=self._model)
        index.storage_context.persist(persist_dir=str(self._job.store))


def split(job: Job) -> list[str]:
    """The texts that it would embed."""
    from llama_index.core.ingestion import IngestionPipeline

    pipeline = IngestionPipeline(transformations=_splitters(job), disable_cache=True)
    return _embedded(pipeline.run(documents=_documents(job)))


def stored(job: Job) -> Stored:
    """What the index on disk holds."""
    from llama_index.core import StorageContext

    context = StorageContext.from_defaults(persist_dir=str(job.store))
    vectors = context.vector_store.to_dict()["embedding_dict"]
    texts = _embedded(context.docstore.get_nodes(list(vectors)))
    return list(zip(texts, vectors.values(), strict=True))


if __name__ == "__main__":
    compete(
        prepare=LlamaIndex,
        split=split,
        stored=stored,
        libraries=("llama-index-core", "llama-index-embeddings-huggingface"),
    )
