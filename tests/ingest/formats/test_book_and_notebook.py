"""EPUB: chapters under their titles, without the table of contents. Notebooks: what cells hold and show."""

import json

import pytest

from ingest.formats import extract
from ingest.formats.extract import Extract
from tests.ingest.formats import samples

CONTAINER = '<container><rootfiles><rootfile full-path="O/b.opf"/></rootfiles></container>'


def epub(
    pages: dict[str, str | bytes], *, package: str = "", others: dict[str, str] | None = None
) -> Extract:
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in pages)
    spine = "".join(f'<itemref idref="{name}"/>' for name in pages)
    files: dict[str, str | bytes] = {
        "META-INF/container.xml": CONTAINER,
        "O/b.opf": f"<package><manifest>{items}{package.partition('|')[0]}</manifest><spine>{spine}</spine>"
        f"{package.partition('|')[2]}</package>",
        **{f"O/{name}": content for name, content in pages.items()},
        **{f"O/{name}": content for name, content in (others or {}).items()},
    }
    return extract(samples.zipped(files), path="a.epub", suffix=".epub")


@pytest.mark.parametrize(
    ("item", "name", "content"),
    [
        (
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
            "nav.xhtml",
            '<nav epub:type="toc"><ol><li><a href="c%201.xhtml">第一章 <b>星</b></a><li>'
            '<a href="c%201.xhtml#x">part</a></ol></nav>',
        ),
        (
            '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
            "toc.ncx",
            "<ncx><navMap><navPoint><navLabel><text>第一章 星</text></navLabel>"
            "<content src='c%201.xhtml'/></navPoint></navMap></ncx>",
        ),
    ],
)
def test_a_chapter_without_a_heading_has_its_title_from_the_contents(
    item: str, name: str, content: str
) -> None:
    found = epub(
        {"c 1.xhtml": "<p>恒星。</p>", "c2.xhtml": "<h2>Own</h2><p>x</p>"},
        package=item,
        others={name: content},
    )
    assert found.text == "# 第一章 星\n\n恒星。\n\n## Own\n\nx"
    assert [page for _, page in found.pages] == [1, 2]


def test_the_page_of_contents_is_left_out_where_it_holds_nothing_else() -> None:
    pages = {
        "t.xhtml": "<p><a href='c.xhtml'>Chapter one</a></p>",
        "c.xhtml": "<h1>Chapter one</h1><p>Text.</p>",
    }
    guide = '|<guide><reference type="toc" href="t.xhtml"/></guide>'
    assert epub(pages, package=guide).text == "# Chapter one\n\nText."
    pages["t.xhtml"] += "<p>A preface that is much longer than the links above it, and wants to be read.</p>"
    assert "preface" in epub(pages, package=guide).text


def test_readings_images_notes_and_page_marks_of_a_book() -> None:
    page = (
        "<p><ruby>水素<rt>すいそ</rt></ruby>、<span epub:type='pagebreak' title='7'>7</span>星"
        "<a epub:type='noteref' href='#n1'><sup>1</sup></a></p>"
        "<p><img src='../i/s%20p.png' alt='spiral'/></p><aside epub:type='footnote' id='n1'>A note.</aside>"
    )
    assert (
        epub({"c.xhtml": page}).text == "水素(すいそ)、星[^1]\n\n![spiral](attachment:s%20p.png)\n\nA note."
    )


def test_a_chapter_follows_the_encoding_that_it_declares() -> None:
    page = "<?xml version='1.0' encoding='big5'?><p>學習筆記的內容</p>".encode("big5")
    assert epub({"c.xhtml": page}).text == "學習筆記的內容"


def notebook(*cells: dict[str, object]) -> str:
    return extract(json.dumps({"cells": cells}).encode(), path="a.ipynb", suffix=".ipynb").text


def code(*outputs: dict[str, object]) -> dict[str, object]:
    return {"cell_type": "code", "source": "run()", "outputs": list(outputs)}


def shown(**data: str) -> dict[str, object]:
    return {"output_type": "execute_result", "data": {k.replace("_", "/", 1): v for k, v in data.items()}}


WIDGET = "application/vnd.jupyter.widget-view+json"
RUN = "```python\nrun()\n```"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            shown(text_html="<style>x</style><table><tr><th><th>a</tr><tr><th>0<td>1</table>", text_plain="   a\n0  1"),
            "|  | a |\n| --- | --- |\n| 0 | 1 |",
        ),
        (shown(text_html="<b>x</b>", text_plain="x"), "```\nx\n```"),
        (shown(text_markdown="**so** it is", text_plain="<Markdown>"), "**so** it is"),
        (shown(text_plain="<Figure size 640x480 with 1 Axes>"), ""),
        (shown(text_plain="[<matplotlib.lines.Line2D at 0x7f00>]"), ""),
        (shown(image_png="AAAA", text_plain="<Figure>"), "![image/png](attachment:output)"),
        ({"output_type": "stream", "text": " 10%|#   |\r 50%|##  |\r100%|####|\ndone\r\n"}, "```\n100%|####|\ndone\n```"),
        ({"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["x" * 9000]}, "```\nE: v\n```"),
        ({"output_type": "display_data", "data": {"text/plain": "HBox()", WIDGET: {}}}, ""),
    ],
)  # fmt: skip
def test_what_a_cell_shows_comes_in_the_form_that_is_read_best(output: dict[str, object], text: str) -> None:
    assert notebook(code(output)) == "\n\n".join(filter(None, (RUN, text)))


def test_what_a_cell_prints_is_bounded() -> None:
    endless = {"output_type": "error", "ename": "E", "evalue": "v" * 99_999}
    rows = {"output_type": "display_data", "data": {"text/html": "<table>" + "<tr><td>1<td>2" * 50_000}}
    assert len(notebook(code(endless), code(rows))) < 3000


def test_attachments_and_raw_cells_keep_their_text() -> None:
    text = notebook(
        {
            "cell_type": "markdown",
            "source": "![a](attachment:x.png)",
            "attachments": {"x.png": {"image/png": "A"}},
        },
        {"cell_type": "raw", "source": ["raw ", "text"]},
    )
    assert text == "![a](attachment:x.png)\n\nraw text"


def test_only_the_guessed_places_of_a_notebook_are_doubtful() -> None:
    data = json.dumps(
        {"cells": [{"cell_type": "markdown", "source": s} for s in ("sound", "壊れた文字の列と文")]},
        ensure_ascii=False,
    )
    broken = data.encode().replace("の".encode(), b"\xff", 1)
    found = extract(broken, path="a.ipynb", suffix=".ipynb")
    assert [found.text[start:end] for start, end in found.doubtful] == ["\N{REPLACEMENT CHARACTER}"]
