"""What is read in each format: the text as a person sees it, as Markdown with its structure."""

import json
from contextlib import suppress
from pathlib import PurePosixPath

import pytest

from ingest.formats import FORMATS, extract
from ingest.formats.extract import Extract, Writer
from ingest.markdown import parse
from terakoya.errors import BadInput
from tests.ingest.formats import samples


def read(name: str, data: bytes | None = None) -> Extract:
    data = samples.samples()[name] if data is None else data
    return extract(data, path=name, suffix=PurePosixPath(name).suffix)


def page(html: str) -> str:
    return read("web.html", html.encode()).text


def test_there_is_a_sample_of_every_format() -> None:
    assert {PurePosixPath(name).suffix for name in samples.samples()} == FORMATS - {".htm", ".tsv"}


def test_a_page_keeps_its_structure_and_loses_what_nobody_reads() -> None:
    found = read("web.html")
    assert found.title == "光合成のノート"
    assert found.text == (
        "# 光合成\n\n葉緑体は光のエネルギーを使う。Chlorophyll absorbs <red> light.\n\n"
        "- 明反応\n  - 水を分解する\n- 暗反応\n3. third\n4. fourth\n\n"
        "| 段階 | 場所 |\n| --- | --- |\n| 明反応 | チラコイド \\| 膜 |\n\n"
        '```python\ndef leaf():\n    return "green"\n```\n\nSee the paper.\n\n![葉の断面](a/leaf.png)\n\n'
        "> 静かな引用\n\n$$\nE = mc^2\n$$"
    )


def test_a_page_in_shift_jis_is_read() -> None:
    found = read("web.html", "<h1>見出し</h1><p>これは日本語の文章です。</p>".encode("cp932"))
    assert (found.text, found.encoding) == ("# 見出し\n\nこれは日本語の文章です。", "cp932")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>a<li>b</ul><p>c<p>d", "- a\n- b\n\nc\n\nd"),
        ("<p>a <b>b</i> c<br>d", "a b c\nd"),
        ("a < b && c > d", "a < b && c > d"),
        ("<p># no heading</p><p>> no quote</p>", "\\# no heading\n\n\\> no quote"),
        ("<nav>never closed<p>text", "never closed\n\ntext"),
        ("<div hidden>a<div>b</div></div><div>c</div>", "c"),
        ("<script>a</script><p>b<script>never closed", "b"),
        ("<table><tr><td><h2>layout</h2><p>text</table>", "## layout\n\ntext"),
        ("<table><tr><td>only</td></tr></table>", "only"),
        ("<dl><dt>term<dd>meaning</dl>", "- term\n  - meaning"),
        ("<p>use <code>ls -l</code> now</p>", "use `ls -l` now"),
        ("<h1>İ<nav>x</nav>ok</h1>", "# İok"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<pre>```\n</pre>", "````\n```\n````"),
        ("<!-- gone --><p>here", "here"),
        ("", ""),
    ],
)
def test_a_page_is_read_as_a_browser_shows_it(html: str, text: str) -> None:
    assert page(html) == text


def test_a_notebook_keeps_its_cells_and_bounds_its_output() -> None:
    found = read("book.ipynb")
    assert "# 勾配降下法" in found.text
    assert (
        "```python\nprint('loss', 0.25)\n```\n\n```\nloss 0.25\n```\n\n![image/png](attachment:output)"
        in found.text
    )
    assert "![p](data:)" in found.text
    assert "AAAA" not in found.text
    assert len(found.text) < 2500
    assert found.markup


def test_an_unclosed_fence_of_a_cell_ends_with_the_cell() -> None:
    cells = [{"cell_type": "markdown", "source": s} for s in ("```\nopen", "# Behind")]
    found = read("a.ipynb", json.dumps({"cells": cells}).encode())
    assert [node.kind for node in parse(found.text).nodes] == ["code", "heading"]


def test_a_document_of_word_keeps_headings_lists_tables_and_notes() -> None:
    assert read("cell.docx").text == (
        "# 細胞の観察\n\nミトコンドリアは細胞の発電所と呼ばれる。\n\n## Second part\n\n"
        "- bullet 一\n  - nested 二\n1. first step\n2. second step\n\n"
        "| 器官 | 役割 |\n| --- | --- |\n| 核 | DNA を守る |\n\n"
        "\\# kept[^1]\n\n$\\frac{a}{b}$\n\n[^1]: 脚注の文"
    )


def test_slides_come_in_the_order_of_the_show_with_their_notes() -> None:
    found = read("net.pptx")
    assert found.text == (
        "# ネットワーク入門\n\n- TCP は順序を守る。\n  - acknowledgement\n\n> Speak slowly here.\n\n"
        "# Slide 2\n\n| 層 | 仕事 |\n| --- | --- |\n| IP | 経路を選ぶ |"
    )
    assert [(found.text[at:].split("\n")[0], page) for at, page in found.pages] == [
        ("# ネットワーク入門", 1),
        ("# Slide 2", 2),
    ]


def test_the_chapters_of_a_book_come_in_the_order_of_its_spine() -> None:
    found = read("stars.epub")
    assert found.title == "星の本"
    assert found.text == (
        "# 第一章\n\n恒星は水素を燃やして輝く。\n\n# Second\n\nA supernova outshines its galaxy."
    )
    assert found.pages == ((0, 1), (found.text.index("# Second"), 2))


def test_a_pdf_is_joined_where_it_was_wrapped_and_loses_repeated_lines() -> None:
    found = read("physics.pdf")
    assert "外力がはたらかないとき保存される。\n\n短い文。\n\n次の段落。" in found.text
    assert "which experiments confirm." in found.text
    assert "Physics notes" not in found.text
    assert "Page" not in found.text
    assert "• 反作用\n\n• reaction" in found.text
    assert [page for _, page in found.pages] == [1, 2, 3]
    assert found.text[found.pages[1][0] :].startswith("Momentum")


def test_lines_that_few_pages_repeat_stay() -> None:
    pages = [
        ["Same", "a.", "b.", "c.", "d."],
        ["Same", "e.", "f.", "g.", "h."],
        ["i.", "j.", "k.", "l.", "m."],
    ]
    assert read("a.pdf", samples.pdf(*pages)).text.count("Same") == 2


def test_a_table_of_text_is_a_table_whose_first_row_is_its_header() -> None:
    expected = (
        "| 語 | 意味 | Tags |\n| --- | --- | --- |\n| 細胞膜 | 細胞を包む膜 | biology, cell |\n"
        "| mitochondria | 発電所 | a \\| b c |"
    )
    assert read("words.csv").text == expected
    tabbed = samples.CSV.replace('"biology, cell"', "biology, cell").replace('"a | b\nc"', "a | b c")
    tabbed = "\n".join("\t".join(line.split(",", 2)) for line in tabbed.splitlines())
    assert read("a.tsv", tabbed.encode("cp932")).text == expected
    assert read("a.csv", expected[:0].encode()).text == ""


def test_a_table_with_the_rows_of_a_data_set_is_refused() -> None:
    assert read("a.csv", b"a,b\n" + b"1,2\n" * 2000).text.count("\n") == 2001
    with pytest.raises(BadInput) as caught:
        read("a.csv", b"a,b\n" + b"1,2\n" * 2001)
    assert caught.value.key == "note_rows"


def test_what_was_written_parses_back_into_the_same_blocks() -> None:
    writer = Writer()
    writer.heading(2, "題\n名")
    writer.item(1, "one\ntwo", 9)
    writer.item(9, "child", 10)
    writer.item(3, "grandchild")
    writer.paragraph("---\n    indented\n| a |\n```\n$x$")
    writer.table([["a", "b"], ["1\n2", "|"]])
    writer.code("``` x", "a b`c")
    writer.formula("x^2\ny")
    nodes = parse(writer.text).nodes
    kinds = [node.kind for node in nodes]
    assert kinds == ["heading", "item", "paragraph", "table", "code", "formula"]
    assert nodes[1].children[0].children[0].kind == "item"


@pytest.mark.parametrize(
    ("name", "data", "key"),
    [
        ("a.pdf", samples.pdf([], []), "note_without_text"),
        ("a.pdf", samples.pdf(["x"], encrypt=True), "note_encrypted"),
        ("a.pdf", b"%PDF-1.7\nnothing", "note_damaged"),
        ("a.epub", samples.epub(encryption="O/c2.xhtml"), "note_encrypted"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "note_encrypted",
        ),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "note_damaged"),
        ("a.docx", samples.pptx(), "note_damaged"),
        ("a.pptx", samples.docx(), "note_damaged"),
        ("a.epub", samples.docx(), "note_damaged"),
        ("a.ipynb", b"[1, 2]", "note_damaged"),
        ("a.ipynb", b"[" * 200_000, "note_damaged"),
        ("a.ipynb", b'{"cells": ' + b"9" * 100_000 + b"}", "note_damaged"),
        ("a.html", b"\x89PNG\r\n\x1a\n", "note_binary"),
        ("a.csv", b"\x89PNG\r\n\x1a\n", "note_binary"),
        ("a.csv", b'a,"' + b"x" * 200_000, "note_damaged"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(name: str, data: bytes, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(name, data)
    assert caught.value.key == key
    assert name in caught.value.message("en")
    assert name in caught.value.message("ja")


@pytest.mark.parametrize("name", sorted(samples.samples()))
def test_a_file_cut_short_or_empty_is_refused_or_read_in_part(name: str) -> None:
    data = samples.samples()[name]
    for length in (0, 1, 4, len(data) // 4, len(data) // 2, len(data) - 1):
        with suppress(BadInput):  # and nothing else
            read(name, data[:length])


def test_an_encrypted_font_does_not_close_a_book() -> None:
    assert "恒星" in read("a.epub", samples.epub(encryption="O/fonts/x.otf")).text
