"""Word and PowerPoint: notes, numbers, tables, text boxes, pages; the order that a slide is read in."""

import pytest

from ingest.formats import extract
from ingest.formats.extract import Extract
from ingest.formats.markup import parse_xml
from ingest.formats.mathematics import from_office
from tests.ingest.formats import samples
from tests.ingest.formats.samples import A, M, P, R, W

STYLES = f"""<w:styles {W}>
<w:style w:styleId="h1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
<w:style w:styleId="h2"><w:name w:val="見出し 2"/><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr></w:pPr>
</w:style>
<w:style w:styleId="toc1"><w:name w:val="toc 1"/></w:style>
<w:style w:styleId="lb2"><w:name w:val="List Bullet 2"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
</w:styles>"""
NUMBERING = f"""<w:numbering {W}>
<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:start w:val="4"/><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="9">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="japaneseCounting"/><w:lvlText w:val="第%1章"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1-%2"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="9"/></w:num></w:numbering>"""


UP, DOWN = (f'<w:vertAlign w:val="{place}"/>' for place in ("superscript", "subscript"))


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{r(text)}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def docx(body: str) -> Extract:
    def notes(kind: str, name: str, text: str) -> str:
        return f'<w:{kind} {W}><w:{name} w:id="-1" w:type="separator"/><w:{name} w:id="5">{p(text)}</w:{name}></w:{kind}>'

    data = samples.zipped(
        {
            "_rels/.rels": samples.relations(("r1", "officeDocument", "word/document.xml")),
            "word/_rels/document.xml.rels": samples.relations(
                *((f"r{n}", kind, f"{kind}.xml") for n, kind in enumerate(("styles", "numbering", "footnotes", "endnotes")))
            ),
            "word/document.xml": f"<w:document {W} {M} {A}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": STYLES,
            "word/numbering.xml": NUMBERING,
            "word/footnotes.xml": notes("footnotes", "footnote", "脚注の文"),
            "word/endnotes.xml": notes("endnotes", "endnote", "at the end"),
            "word/comments.xml": f"<w:comments {W}>{p('a comment')}</w:comments>",
        }
    )  # fmt: skip
    return extract(data, path="a.docx", suffix=".docx")


def test_footnotes_and_endnotes_have_the_numbers_that_the_text_gives_them() -> None:
    body = "<w:p><w:r><w:t>See</w:t><w:footnoteReference w:id='5'/><w:endnoteReference w:id='5'/></w:r></w:p>"
    assert docx(body).text == "See[^1][^e1]\n\n[^1]: 脚注の文\n\n[^e1]: at the end"


def test_headings_carry_the_numbers_that_word_counts() -> None:
    style = '<w:pStyle w:val="{}"/>'
    body = (
        p("細胞", style.format("h1"))
        + p("核", style.format("h2"))
        + p("膜", style.format("h2"))
        + p("Plants", style.format("h1"))
        + p("leaf", style.format("h2"))
    )
    assert docx(body).text == "# 第一章 細胞\n\n## 一-I 核\n\n## 一-II 膜\n\n# 第二章 Plants\n\n## 二-I leaf"


def test_lists_begin_where_they_begin_and_styles_tell_their_depth() -> None:
    def item(text: str, number: int) -> str:
        return p(text, f'<w:numPr><w:numId w:val="{number}"/></w:numPr>')

    body = item("four", 2) + item("five", 2) + item("bullet", 1) + p("deeper", '<w:pStyle w:val="lb2"/>')
    assert docx(body).text == "4. four\n5. five\n- bullet\n  - deeper"


def test_merged_cells_stand_in_every_row_that_they_reach() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"

    rows = (
        cell("学期", '<w:vMerge w:val="restart"/>') + cell("科目", '<w:gridSpan w:val="2"/>'),
        cell("", "<w:vMerge/>") + cell("数学") + cell("物理"),
        cell("春") + cell("90") + cell("80"),
    )
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert (
        docx(table).text
        == "| 学期 | 科目 |  |\n| --- | --- | --- |\n| 学期 | 数学 | 物理 |\n| 春 | 90 | 80 |"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"<w:p><w:del>{r('gone')}</w:del><w:moveFrom>{r('moved')}</w:moveFrom><w:ins>{r('kept')}</w:ins></w:p>", "kept"),
        (f"<w:p>{r('seen ')}{r('hidden', '<w:vanish/>')}{r('text')}</w:p>", "seen text"),
        (f"<w:p>{r('x')}{r('2', UP)} {r('H')}"
         f"{r('2', DOWN)}{r('O')}</w:p>", "x²H₂O"),
        (f"<w:p><w:r><w:ruby><w:rubyPr/><w:rt>{r('かんじ')}</w:rt><w:rubyBase>{r('漢字')}</w:rubyBase></w:ruby></w:r>"
         f"{r('を読む。')}</w:p>", "漢字を読む。 (漢字: かんじ)"),
        (p("1 章 .... 3", '<w:pStyle w:val="toc1"/>') + p("text"), "text"),
        (f"<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj></w:sdtPr>"
         f"<w:sdtContent>{p('contents')}</w:sdtContent></w:sdt>" + p("text"), "text"),
        ("<w:p><m:oMathPara><m:oMath><m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r>"
         "<m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath></m:oMathPara></w:p>", "$$\nE=mc^2\n$$"),
        (f"<w:p>{r('above')}<w:r><w:pict><w:txbxContent>{p('in a box')}</w:txbxContent></w:pict></w:r></w:p>{p('below')}",
         "above\n\nin a box\n\nbelow"),
        ('<w:p><w:r><w:drawing><w:docPr name="Picture 1" descr="細胞の図"/></w:drawing></w:r></w:p>',
         "![細胞の図](attachment:Picture1)"),
        ('<w:p><w:r><w:drawing><w:docPr name="Picture 1"/></w:drawing></w:r></w:p>', ""),
        (f"<w:p>{r('noted')}<w:r><w:commentReference w:id='1'/></w:r></w:p>", "noted"),
    ],
)  # fmt: skip
def test_a_document_is_read_as_it_is_printed(body: str, text: str) -> None:
    assert docx(body).text == text


def test_pages_are_those_that_word_saw_last() -> None:
    turn = "<w:r><w:lastRenderedPageBreak/><w:t>{}</w:t></w:r>"
    found = docx(
        p("first")
        + f"<w:p>{turn.format('second')}</w:p><w:p>{r('ends here ')}{turn.format('on 3')}</w:p>{p('third')}"
    )
    assert [(found.text[at:].split("\n")[0], page) for at, page in found.pages] == [
        ("first", 1),
        ("second", 2),
        ("third", 3),
    ]  # fmt: skip
    assert docx(p("no pages known")).pages == ()


@pytest.mark.parametrize(
    ("formula", "tex"),
    [
        ("<m:f><m:fPr><m:type m:val='noBar'/></m:fPr><m:num>{n}</m:num><m:den>{k}</m:den></m:f>", "\\binom{n}{k}"),
        ("<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{k}</m:sub><m:sup>{n}</m:sup><m:e>{k}</m:e></m:nary>",
         "∑_k^n k"),
        ("<m:m><m:mr><m:e>{n}</m:e><m:e>{k}</m:e></m:mr><m:mr><m:e>{k}</m:e><m:e>{n}</m:e></m:mr></m:m>",
         "n & k \\\\ k & n"),
        ("<m:acc><m:accPr/><m:e>{n}</m:e></m:acc>", "\\hat{n}"),
        ("<m:rad><m:deg/><m:e>{n}</m:e></m:rad>", "\\sqrt{n}"),
        ("<m:limLow><m:e>{n}</m:e><m:lim>{k}</m:lim></m:limLow>", "n_k"),
    ],
)  # fmt: skip
def test_formulas_of_office_become_tex(formula: str, tex: str) -> None:
    letters = {letter: f"<m:r><m:t>{letter}</m:t></m:r>" for letter in "nk"}
    assert (
        from_office(parse_xml(f"<m:oMath {M}>{formula.format(**letters)}</m:oMath>".encode(), path="a"))
        == tex
    )


C = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'


def t(text: str) -> str:
    return f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"


def box(text: str, x: int, y: int, *, size: int = 100) -> str:
    frame = f'<p:spPr><a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{size}" cy="{size}"/></a:xfrm></p:spPr>'
    return f"<p:sp>{frame}<p:txBody>{t(text)}</p:txBody></p:sp>"


def pptx(shapes: str, parts: dict[str, tuple[str, str]] | None = None) -> str:
    """The text of one slide; `parts` are what it refers to: kind, and content."""
    named = {f"x{n}": (key, *part) for n, (key, part) in enumerate((parts or {}).items())}
    data = samples.zipped(
        {
            "_rels/.rels": samples.relations(("r1", "officeDocument", "/ppt/presentation.xml")),
            "ppt/presentation.xml": f'<p:presentation {P} {R}><p:sldIdLst><p:sldId r:id="s"/></p:sldIdLst>'
            "</p:presentation>",
            "ppt/_rels/presentation.xml.rels": samples.relations(("s", "slide", "slides/s.xml")),
            "ppt/slides/s.xml": f"<p:sld {P} {A} {R}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>",
            "ppt/slides/_rels/s.xml.rels": samples.relations(
                *((key, kind, f"../{name}.xml") for name, (key, kind, _) in named.items())
            ),
            **{f"ppt/{name}.xml": content for name, (_, _, content) in named.items()},
        }
    )
    return extract(data, path="a.pptx", suffix=".pptx").text.removeprefix("# Slide 1\n\n")


def test_boxes_are_read_from_above_to_below_and_from_left_to_right() -> None:
    shapes = box("bottom", 0, 500) + box("right", 300, 110) + box("left", 0, 100) + box("top", 0, 0, size=50)
    assert pptx(shapes) == "top\n\nleft\n\nright\n\nbottom"


def test_boxes_of_a_group_stand_where_the_group_puts_them() -> None:
    group = (
        '<p:grpSp><p:grpSpPr><a:xfrm><a:off x="0" y="1000"/><a:ext cx="100" cy="100"/><a:chOff x="0" y="0"/>'
        f'<a:chExt cx="1000" cy="1000"/></a:xfrm></p:grpSpPr>{box("in group", 0, 0)}</p:grpSp>'
    )
    assert pptx(group + box("above", 0, 500)) == "above\n\nin group"


def test_merged_cells_of_a_slide_s_table_keep_their_columns() -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<a:tc {attributes}><a:txBody>{t(text)}</a:txBody></a:tc>"

    rows = (
        cell("a", 'rowSpan="2"') + cell("b", 'gridSpan="2"') + cell("", 'hMerge="1"'),
        cell("", 'vMerge="1"') + cell("c") + cell("d"),
    )
    table = "<a:tbl>" + "".join(f"<a:tr>{row}</a:tr>" for row in rows) + "</a:tbl>"
    frame = f"<p:graphicFrame><a:graphic><a:graphicData>{table}</a:graphicData></a:graphic></p:graphicFrame>"
    assert pptx(frame) == "| a | b |  |\n| --- | --- | --- |\n| a | c | d |"


def test_charts_and_drawings_with_text_are_read_from_their_parts() -> None:
    def points(tag: str, *values: str) -> str:
        found = "".join(f"<c:pt><c:v>{value}</c:v></c:pt>" for value in values)
        return f"<c:{tag}><c:cache>{found}</c:cache></c:{tag}>"

    chart = (
        f"<c:chartSpace {C} {A}><c:chart><c:title>{t('売上')}</c:title><c:ser>{points('tx', '2026')}"
        f"{points('cat', '東', '西')}{points('val', '1.5', '2')}</c:ser></c:chart></c:chartSpace>"
    )
    points_of = "".join(f"<d:pt><d:t>{t(step)}</d:t></d:pt>" for step in ("step one", "step two"))
    diagram = f'<d:dataModel xmlns:d="d" {A}>{points_of}</d:dataModel>'
    shapes = "".join(
        f"<p:graphicFrame><a:graphic><a:graphicData>{inner}</a:graphicData></a:graphic></p:graphicFrame>"
        for inner in (f'<c:chart {C} r:id="k1"/>', '<d:relIds xmlns:d="d" r:dm="k2"/>')
    )
    text = pptx(shapes, {"k1": ("chart", chart), "k2": ("diagramData", diagram)})
    assert text == "売上\n\n|  | 2026 |\n| --- | --- |\n| 東 | 1.5 |\n| 西 | 2 |\n\n- step one\n- step two"


def test_pictures_tell_what_they_show_and_small_type_is_told_apart() -> None:
    picture = '<p:pic><p:nvPicPr><p:cNvPr name="Picture 3" descr="葉の図"/></p:nvPicPr></p:pic>'
    runs = '<a:p><a:r><a:t>x</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>2</a:t></a:r></a:p>'
    assert (
        pptx(f"{picture}<p:sp><p:txBody>{runs}</p:txBody></p:sp>") == "![葉の図](attachment:Picture3)\n\nx²"
    )
