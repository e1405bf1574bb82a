"""Terakoya for LangChain programs: its store and embedders, and a retriever over a person's notes."""

from app.langchain.embeddings import TerakoyaEmbeddings
from app.langchain.retriever import TerakoyaRetriever
from app.langchain.vectorstore import TerakoyaVectorStore
from terakoya.types import Filter

__all__ = ["Filter", "TerakoyaEmbeddings", "TerakoyaRetriever", "TerakoyaVectorStore"]
