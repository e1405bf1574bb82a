"""Questions over a folder with a file of every format: answers cite the file, the lines and the page."""

from collections.abc import Iterator

import pytest

from app.installation import Installation
from app.settings import Settings
from app.wiring import open_installation
from terakoya.api import AskResult, SearchResult
from tests.ingest.formats import samples


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    notes = tmp_path_factory.mktemp("notes")
    for name, data in samples.samples().items():
        (notes / name).write_bytes(data)
    (notes / "packed.zip").write_bytes(samples.zipped({"in/side.md": "# 潮汐\n\n潮汐は月の引力で起こる。\n"}))
    settings = Settings(home=tmp_path_factory.mktemp("home"), embedder="none", model="")
    opened = open_installation(settings, write=True)
    assert not opened.ingest([notes]).problems
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("question", "source", "said", "page"),
    [
        ("葉緑体は何を使う？", "web.html", "葉緑体は光のエネルギーを使う。", None),
        ("学習率は何を決める？", "book.ipynb", "歩幅", None),
        ("ミトコンドリアは何と呼ばれる？", "cell.docx", "発電所", None),
        ("TCP は何を守る？", "net.pptx", "TCP は順序を守る。", 1),
        ("恒星は何を燃やして輝く？", "stars.epub", "恒星は水素を燃やして輝く。", 1),
        ("What stays the same unless a force acts?", "physics.pdf", "Momentum stays the same", 2),
        ("潮汐は何で起こる？", "packed.zip/in/side.md", "潮汐は月の引力で起こる。", None),
    ],
)
def test_an_answer_from_each_format_cites_its_lines_and_page(
    installation: Installation, question: str, source: str, said: str, page: int | None
) -> None:
    outcome = installation.ask(question, effort="fast")
    assert outcome.answered
    citation = outcome.citations[0]
    assert citation.source == source
    assert said in citation.quote
    assert citation.page == page
    lines = installation.note(source).text.split("\n")
    assert citation.quote in "\n".join(lines[citation.start_line - 1 : citation.end_line])
    assert AskResult.of(outcome).citations[0].page == page
    hits = SearchResult.of(installation.search(question)).hits
    assert any(hit.source == source and (hit.page is None) == (page is None) for hit in hits)
