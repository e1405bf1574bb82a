"""LangChain's `BaseRetriever` over the notes of an installation."""

from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from app.searching import HomeSearch
from app.settings import load_settings
from terakoya.api import HitModel
from terakoya.types import Filter


class TerakoyaRetriever(BaseRetriever):
    """Passages of the notes of an installation, found by words and by meaning as `terakoya search` finds them.

    Where the service of the home is up it is asked; else the store is opened read-only for each search. A
    `Document` has the passage as its text, the passage's id, and as metadata `source`, `heading`,
    `start_line`, `end_line`, `start`, `end` and `score`, as the JSON of `terakoya search`; `page` where the
    note has pages.

    Attributes:
        home: Folder of the installation; None for `TERAKOYA_HOME`, else `~/.terakoya`.
        k: How many passages; `invoke(query, k=3)` asks for another number.
        filter: Where they are looked for; `invoke(query, filter=Filter(tags=("exam",)))` asks for others.
    """

    home: Path | None = None
    k: int = Field(default=10, ge=1)
    filter: Filter | None = None

    @cached_property
    def _search(self) -> HomeSearch:
        return HomeSearch(load_settings(self.home))

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        result = self._search.search(query, k=self.k if k is None else k, filter=filter or self.filter)
        return [_document(hit) for hit in result.hits]


def _document(hit: HitModel) -> Document:
    metadata = hit.model_dump(exclude={"id", "text"}, exclude_none=True)
    return Document(id=hit.id, page_content=hit.text, metadata=metadata)
