"""Small files of every format, written by hand, each with Japanese and English."""

import io
import json
import zipfile

HTML = """<!DOCTYPE html><html><head><title>光合成のノート</title><style>p{color:red}</style>
<script>var menu = "<p>no</p>";</script></head><body><nav><ul><li>Home</li><li>Menu</li></ul></nav>
<h1>光合成</h1><p>葉緑体は光の
エネルギーを使う。<b>Chlorophyll</b> absorbs &lt;red&gt; light.</p>
<ul><li>明反応<ul><li>水を分解する</li></ul></li><li>暗反応</li></ul><ol start="3"><li>third</li><li>fourth</li></ol>
<table><tr><th>段階</th><th>場所</th></tr><tr><td>明反応</td><td>チラコイド | 膜</td></tr></table>
<pre><code class="language-python">def leaf():
    return "green"
</code></pre><p>See <a href="https://example.org/x?y=1">the paper</a>.</p><img src="a/leaf.png?v=1" alt="葉の断面">
<blockquote>静かな引用</blockquote><p hidden>secret</p><div aria-hidden="true">unseen</div>
<math display="block"><mi>x</mi><annotation encoding="application/x-tex">E = mc^2</annotation></math>
</body></html>"""

NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": ["# 勾配降下法\n", "\n", "学習率は**歩幅**を決める。<br>次の行"],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "source": "print('loss', 0.25)",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mloss 0.25\x1b[0m\n"]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"},
                },
                {"output_type": "stream", "name": "stdout", "text": "y" * 9000},
            ],
        },
        {
            "cell_type": "markdown",
            "source": "Gradient descent walks downhill. ![p](data:image/png;base64,AAAA)",
        },
    ],
}

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def zipped(files: dict[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def relations(*targets: tuple[str, str, str]) -> str:
    rows = "".join(f'<Relationship Id="{i}" Type="{RELATION}/{k}" Target="{t}"/>' for i, k, t in targets)
    return f'<Relationships xmlns="{RELATIONS}">{rows}</Relationships>'


def _p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def _item(text: str, level: int, number: int) -> str:
    return _p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def docx(body: str | None = None) -> bytes:
    if body is None:
        body = (
            _p("細胞の観察", '<w:pStyle w:val="a1"/>')
            + _p("ミトコンドリアは細胞の発電所と呼ばれる。")
            + _p("Second part", '<w:pStyle w:val="child"/>')
            + _item("bullet 一", 0, 1)
            + _item("nested 二", 1, 1)
            + _item("first step", 0, 2)
            + _item("second step", 0, 2)
            + "<w:tbl><w:tr><w:tc>"
            + _p("器官")
            + "</w:tc><w:tc>"
            + _p("役割")
            + "</w:tc></w:tr><w:tr><w:tc>"
            + _p("核")
            + "</w:tc><w:tc>"
            + _p("DNA を守る")
            + "</w:tc></w:tr></w:tbl>"
            + "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t># kept</w:t></w:r></w:ins>"
            '<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
            "<w:p><m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath></w:p>"
        )
    levels = '<w:lvl w:ilvl="{0}"><w:numFmt w:val="{1}"/></w:lvl>'
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": relations(("r1", "officeDocument", "word/document.xml")),
            "word/_rels/document.xml.rels": relations(
                ("r1", "styles", "styles.xml"),
                ("r2", "numbering", "numbering.xml"),
                ("r3", "footnotes", "footnotes.xml"),
            ),
            "word/document.xml": f"<w:document {W} {M}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": f'<w:styles {W}><w:style w:styleId="a1"><w:name w:val="heading 1"/></w:style>'
            '<w:style w:styleId="child"><w:name w:val="Mine"/><w:basedOn w:val="a2"/></w:style>'
            '<w:style w:styleId="a2"><w:name w:val="heading 2"/></w:style></w:styles>',
            "word/numbering.xml": f"<w:numbering {W}>"
            + "".join(
                f'<w:abstractNum w:abstractNumId="{n}">{levels.format(0, k)}{levels.format(1, k)}</w:abstractNum>'
                for n, k in ((7, "bullet"), (8, "decimal"))
            )
            + '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
            '<w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num></w:numbering>',
            "word/footnotes.xml": f'<w:footnotes {W}><w:footnote w:id="2">{_p("脚注の文")}</w:footnote></w:footnotes>',
        }
    )


def _shape(kind: str, *paragraphs: tuple[int, str]) -> str:
    rows = "".join(
        f'<a:p><a:pPr lvl="{level}"/><a:r><a:t>{text}</a:t></a:r></a:p>' for level, text in paragraphs
    )
    return (
        f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:txBody>{rows}</p:txBody></p:sp>'
    )


def _slide(shapes: str) -> str:
    return f"<p:sld {P} {A} {R}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"


def pptx() -> bytes:
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
    table = "".join(
        "<a:tr>" + "".join(map(cell.format, row)) + "</a:tr>"
        for row in (("層", "仕事"), ("IP", "経路を選ぶ"))
    )
    return zipped(
        {
            "_rels/.rels": relations(("r1", "officeDocument", "/ppt/presentation.xml")),
            "ppt/presentation.xml": f'<p:presentation {P} {R}><p:sldIdLst><p:sldId r:id="s2"/><p:sldId r:id="s1"/>'
            "</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relations(
                ("s1", "slide", "slides/slide1.xml"), ("s2", "slide", "slides/slide2.xml")
            ),
            "ppt/slides/slide2.xml": _slide(
                _shape("body", (0, "TCP は順序を守る。"), (1, "acknowledgement"))
                + _shape("title", (0, "ネットワーク入門"))
                + _shape("sldNum", (0, "1"))
            ),
            "ppt/slides/slide1.xml": _slide(
                f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl>{table}</a:tbl></a:graphicData></a:graphic>"
                "</p:graphicFrame>"
            ),
            "ppt/slides/_rels/slide2.xml.rels": relations(
                ("n1", "notesSlide", "../notesSlides/notesSlide1.xml")
            ),
            "ppt/notesSlides/notesSlide1.xml": f"<p:notes {P} {A}><p:cSld><p:spTree>"
            + _shape("body", (0, "Speak slowly here."))
            + "</p:spTree></p:cSld></p:notes>",
        }
    )


def epub(*, encryption: str = "") -> bytes:
    head = (
        '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
    )
    files: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="O/book.opf"/></rootfiles></container>',
        "O/book.opf": '<package xmlns:dc="d"><metadata><dc:title>星の本</dc:title></metadata><manifest>'
        '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="a" href="c%201.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="c2.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="n"/><itemref idref="b"/><itemref idref="a"/></spine></package>',
        "O/nav.xhtml": f"{head}<body><ol><li>contents</li></ol></body></html>",
        "O/c 1.xhtml": f"{head}<body><h1>Second</h1><p>A supernova outshines its galaxy.</p></body></html>",
        "O/c2.xhtml": f"{head}<body><h1>第一章</h1><p>恒星は水素を燃やして輝く。</p></body></html>",
    }
    if encryption:
        files["META-INF/encryption.xml"] = f'<e><CipherReference URI="{encryption}"/></e>'
    return zipped(files)


def pdf(*pages: list[str], encrypt: bool = False) -> bytes:
    """A PDF with one text line below the other, in a Japanese font that is not embedded."""
    streams = []
    for lines in pages:
        shown = "".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -20 Td " for line in lines)
        streams.append(f"BT /F1 12 Tf 50 780 Td {shown} ET" if lines else "0 0 100 100 re f")
    return _pdf(streams, encrypt=encrypt)


Placed = tuple[float, float, float, str]
"""Left, baseline and size in points, and a text; kana and kanji are as wide as high, ASCII half of it."""


def placed_pdf(*pages: list[Placed], rotate: int = 0, outline: tuple[tuple[str, int], ...] = ()) -> bytes:
    """A PDF that draws texts where they are told to stand, in this order."""
    streams = [
        "".join(
            f"BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm <{text.encode('utf-16-be').hex()}> Tj ET\n"
            for x, y, size, text in page
        )
        for page in pages
    ]
    return _pdf(streams, rotate=rotate, outline=outline)


def _pdf(
    streams: list[str], *, encrypt: bool = False, rotate: int = 0, outline: tuple[tuple[str, int], ...] = ()
) -> bytes:
    objects: list[bytes] = [
        b"",
        b"",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /UniJIS-UTF16-H /DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /DW 1000 /W [1 [500 500 500] 4 94 500] "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> /FontDescriptor 5 0 R >>",
        b"<< /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 "
        b"/Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
    ]
    kids = []
    for text in streams:
        stream = text.encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Rotate %d "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (len(objects), rotate)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    first = len(objects) + 1
    for at, (title, page) in enumerate(outline):
        follows = b"/Next %d 0 R" % (first + at + 1) if at + 1 < len(outline) else b""
        named = b"<feff%s>" % title.encode("utf-16-be").hex().encode()
        objects.append(
            b"<< /Title %s /Parent %d 0 R /Dest [%s /Fit] %s >>"
            % (named, first + len(outline), kids[page], follows)
        )
    marks = b""
    if outline:
        last = first + len(outline) - 1
        objects.append(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R >>" % (first, last))
        marks = b"/Outlines %d 0 R" % len(objects)
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % marks
    out = bytearray(b"%PDF-1.5\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    locked = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00> <00>]"
        % (b"11" * 32, b"22" * 32)
        if encrypt
        else b""
    )
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        locked,
        start,
    )
    return bytes(out)


CSV = '語,意味,Tags\n細胞膜,細胞を包む膜,"biology, cell"\nmitochondria,発電所,"a | b\nc"\n'

PDF_PAGES = (
    [
        "Physics notes 2026",
        "運動量は質量と速度の積であり、外力がはたらかない",
        "とき保存される。",
        "短い文。",
        "次の段落。",
        "Page 1",
    ],
    [
        "Physics notes 2026",
        "Momentum stays the same unless a force acts, which experi-",
        "ments confirm.",
        "Next.",
        "More.",
        "Page 2",
    ],
    ["Physics notes 2026", "• 反作用", "• reaction", "a wide line that fills the page", "end.", "Page 3"],
)


def samples() -> dict[str, bytes]:
    return {
        "web.html": HTML.encode(),
        "book.ipynb": json.dumps(NOTEBOOK).encode(),
        "cell.docx": docx(),
        "net.pptx": pptx(),
        "stars.epub": epub(),
        "physics.pdf": pdf(*PDF_PAGES),
        "words.csv": CSV.encode(),
    }
