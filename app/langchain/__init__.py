"""Terakoya for LangChain programs: its store for their documents, and a retriever over a person's notes."""

from app.langchain.retriever import TerakoyaRetriever
from app.langchain.vectorstore import TerakoyaVectorStore

__all__ = ["TerakoyaRetriever", "TerakoyaVectorStore"]
