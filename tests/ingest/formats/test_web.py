"""HTML: what a page says of its encoding, tables, readings, formulas, images, and what nobody reads in it."""

import pytest

from ingest.formats import extract
from ingest.formats.extract import Extract, target_of
from ingest.formats.grid import Grid
from ingest.formats.mathematics import from_mathml
from ingest.formats.ruby import in_ruby, with_readings
from ingest.markdown import parse


def read(html: str | bytes) -> Extract:
    return extract(html if isinstance(html, bytes) else html.encode(), path="a.html", suffix=".html")


def page(html: str | bytes) -> str:
    return read(html).text


@pytest.mark.parametrize(
    ("declaration", "codec", "found"),
    [
        ('<meta charset="windows-1251">', "cp1251", "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gbk", "gb18030"),
        ("<?xml version='1.0' encoding='Big5'?>", "big5", "big5hkscs"),
        ("<META CHARSET=x-sjis>", "cp932", "cp932"),
        ("<meta charset=euc-jp>", "euc_jp", "euc_jp"),
    ],
)
def test_the_encoding_that_a_page_names_is_followed(declaration: str, codec: str, found: str) -> None:
    text = {"cp1251": "привет, мир", "gbk": "学习笔记的内容", "big5": "學習筆記的內容"}.get(
        codec, "学習のノート"
    )
    read_page = read(f"{declaration}<p>{text}</p>".encode(codec))
    assert (read_page.text, read_page.encoding) == (text, found)


@pytest.mark.parametrize(
    "wrong", ["utf-8", "iso-8859-1", "euc-jp", "no-such-code", "utf-16", "unicode_escape"]
)
def test_the_encoding_that_a_page_names_is_not_followed_where_its_bytes_speak_against_it(wrong: str) -> None:
    html = f"<meta charset={wrong}><p>これは日本語のページです。テストの文。</p>"
    assert read(html.encode("cp932")).encoding == "cp932"
    assert read(html.encode()).encoding == "utf-8"


def test_only_the_places_that_a_repair_guessed_are_doubtful() -> None:
    lost = bytes((0x81, 0x8D, 0x8E, 0x8F, 0x90, 0x9D, 0x9E))
    note = "# 学習メモ\n- トークンは文字列の単位。「引用」も、ある。\n漢字とひらがなを使う。\n" * 3
    damaged = note.encode().translate(None, lost).decode("cp1254")
    html = (
        f"<title>{damaged[:9]}</title><h1>Sound heading</h1><p>plain text</p><p>{damaged}</p><p>the end</p>"
    )
    found = read(html)
    assert found.repair
    assert found.doubtful
    assert "\x02" not in found.text + found.title
    assert all(not found.text[start:end].isascii() for start, end in found.doubtful)
    assert found.doubtful[0][0] > found.text.index("plain text")
    assert found.doubtful[-1][1] < found.text.index("the end")


def test_a_broken_byte_makes_its_own_place_doubtful() -> None:
    data = (
        "<p>前の文。</p><ul><li>壊れた".encode()
        + b"\xff"
        + "文字の文。</ul><p>後ろの文。とても長い文。</p>".encode()
    )
    found = read(data)
    assert [found.text[start:end] for start, end in found.doubtful] == ["\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p><ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>。", "漢字(かんじ)。"),
        ("<p><ruby>漢字<rt>かんじ</ruby>を学ぶ。", "漢字を学ぶ。 (漢字: かんじ)"),
        ("<p><ruby>勉<rt>べん</rt>強<rt>きょう</rt></ruby>、", "勉強(べんきょう)、"),
        ("<p><ruby>勉<rt>べん</rt></ruby><ruby>強<rt>きょう</rt></ruby>した", "勉強した (勉強: べんきょう)"),
        ("<p><ruby><rb>食</rb><rt>た</rt></ruby>べる", "食べる (食: た)"),
        ("<h2><ruby>量子<rt>りょうし</rt></ruby></h2>", "## 量子(りょうし)"),
        ("<p><ruby>open", "open"),
    ],
)
def test_a_reading_does_not_part_its_word(html: str, text: str) -> None:
    assert page(html) == text


def test_a_text_with_a_reading_over_every_word_is_read_without() -> None:
    words = "".join(in_ruby(word, "よみ") + "と" for word in "東西南北春夏秋冬")
    assert with_readings(words, str.strip) == "東と西と南と北と春と夏と秋と冬と"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<tr><th>a<th>b<tr><td>東京<br>大阪<td>x", "| a | b |\n| --- | --- |\n| 東京 大阪 | x |"),
        (
            "<tr><th>a<th>b<tr><td rowspan=2>x<td>1<tr><td>2",
            "| a | b |\n| --- | --- |\n| x | 1 |\n| x | 2 |",
        ),
        (
            "<tr><th colspan=2>前期<th>後期<tr><td>1<td>2<td>3",
            "| 前期 |  | 後期 |\n| --- | --- | --- |\n| 1 | 2 | 3 |",
        ),
        (
            "<tr><th>a<th>b<tr><td>x<td><table><tr><td>1<td>2<tr><td>3<td>4</table><tr><td>y<td>z",
            "| a | b |\n| --- | --- |\n| x | 1 2; 3 4 |\n| y | z |",
        ),
        (
            "<tr><th>a<th>b<tr><td><pre>ls -l</pre><td><ul><li>p<li>q</ul>",
            "| a | b |\n| --- | --- |\n| ls -l | • p • q |",
        ),
        ("<caption>表1</caption><tr><td>a<td>b<tr><td>1<td>2", "表1\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"),
    ],
)
def test_a_table_keeps_its_cells_apart_and_its_rows_whole(html: str, text: str) -> None:
    assert page(f"<table>{html}</table>") == text


def test_a_cell_over_rows_that_are_not_there_ends_with_the_table() -> None:
    grid = Grid()
    grid.put("a", down=65_534)
    grid.row()
    grid.row()
    grid.put("b")
    assert grid.rows() == [["a"], ["a"], ["a", "b"]]


def test_what_is_written_again_in_every_row_is_bounded() -> None:
    rows = "<tr>" + "".join(f"<td rowspan=1000>{'x' * 190}" for _ in range(100)) + "<tr><td>" * 999
    assert len(page(f"<table>{rows}</table>")) < 1_000_000


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<math><mfrac><mi>a</mi><mn>2</mn></mfrac></math>", "$\\frac{a}{2}$"),
        ("<math alttext='\\alpha'><mi>α</mi></math>", "$\\alpha$"),
        ("<p>for \\( a_i \\) holds", "for $a_i$ holds"),
        ("<p>\\[ \\frac{a}{b} \\]", "$$\n\\frac{a}{b}\n$$"),
        ("<script type='math/tex; mode=display'>E=mc^2</script>", "$$\nE=mc^2\n$$"),
        ("<p>so <script type='math/tex'>x</script>", "so $x$"),
        (
            "<span class=katex><span class=katex-mathml><math><semantics><mi>x</mi><annotation "
            "encoding='application/x-tex'>x^2</annotation></semantics></math></span>"
            "<span class=katex-html aria-hidden=true><b>x2</b></span></span>",
            "$x^2$",
        ),
        (
            "<span class=mwe-math-element><math><semantics><mi>E</mi><annotation encoding='application/x-tex'>"
            "{\\displaystyle E=mc^{2}}</annotation></semantics></math><img aria-hidden=true alt=E src=e.svg></span>",
            "$E=mc^{2}$",
        ),
        ("<p>x<sup>2</sup>, 10<sup>-3</sup>, H<sub>2</sub>O, a<sub>i</sub>", "x², 10⁻³, H₂O, a_i"),
        ("<p>the 1<sup>st</sup> note<sup><a href='#n1'>1</a></sup>", "the 1st note[^1]"),
    ],
)
def test_formulas_come_as_tex_once(html: str, text: str) -> None:
    assert page(html) == text


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<msup><mi>c</mi><mn>2</mn></msup>", "c^2"),
        (
            "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><msub><mi>x</mi><mi>i</mi></msub>",
            "∑_i^nx_i",
        ),
        ("<mover><mi>v</mi><mo>→</mo></mover>", "\\vec{v}"),
        ("<msqrt><mi>a</mi><mo>+</mo><mi>b</mi></msqrt>", "\\sqrt{a+b}"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr></mtable>", "1 & 0"),
        ("<mfrac><mi>a</mi>", "\\frac{a}{}"),
        ("<mi>" * 500, ""),
    ],
)
def test_mathml_without_tex_becomes_tex(mathml: str, tex: str) -> None:
    assert from_mathml(mathml) == tex


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("img/%E5%9B%B3%201.png?v=1#x", "img/図 1.png"),
        ("img\\a.png", "img/a.png"),
        ("100%25.png", "100%.png"),
        ("%2541.png", "%2541.png"),
        ("https://example.org/a.png?b=1", "https://example.org/a.png?b=1"),
        ("data:image/png;base64,AAAA", "data:"),
        ("", ""),
    ],
)
def test_the_address_of_an_image_is_the_path_beside_the_note(address: str, target: str) -> None:
    assert target_of(address) == target


def test_images_of_a_page_are_images_of_its_note() -> None:
    html = "<p><img src='img/%E5%9B%B3%201%281%29.png' alt='葉の[断面]'><img src='bare.png' alt=''>"
    text = page(html + "<figure><img src=b.png><figcaption>図2</figcaption></figure><p>behind")
    assert text == "![葉の断面](img/図%201%281%29.png)\n\n![図2](b.png)\n\nbehind"
    assert [(image.path, image.alt) for image in parse(text).images] == [
        ("img/図 1(1).png", "葉の断面"),
        ("b.png", "図2"),
    ]


CHROME = """<body><a class="skip-nav" href="#main">Skip to content</a>
<header class=site-header><a href=/>Site</a> <a href=/b>Blog</a></header>
<div id=cookie-banner>We use cookies to improve. <button>OK</button></div>
<ul class=breadcrumb><li><a href=/>Home</a><li><a href=/n>Notes</a></ul>
<div role=dialog>Subscribe now!</div><div class="sidebar"><a href=1>One</a><a href=2>Two</a></div>
<main><h1>Real<a class=anchor href=#real>§</a></h1>
<p>Body with <a href=x>a link</a>.</p><p>Second<span class=mw-editsection>[edit]</span></p></main>
<footer>© 2026 Somebody. <a href=p>Privacy</a></footer></body>"""


def test_menus_notices_and_footers_of_a_saved_page_are_left_out() -> None:
    assert page(CHROME) == "# Real\n\nBody with a link.\n\nSecond"


@pytest.mark.parametrize(
    "html",
    [
        "<section id=cookies><h2>Cookies</h2><p>A cookie is a small file.</p></section>",
        "<footer>Sources: a long book by Smith.</footer>",
        "<div class=sidebar><p>A definition that a reader wants. <a href=x>More</a></p></div>",
        "<a class=anchor id=x href=#x>A heading in its anchor</a>",
        "<header><h1>Title</h1><p>By me</p></header>",
        "<ul class=menu><li>Soup<li>Bread</ul>",
        "<p style='display: none'>an answer that a click opens</p>",
        "<div hidden=until-found>an answer that a click opens</div>",
        "<details><summary>Question</summary>Answer</details>",
    ],
)
def test_what_only_looks_like_clutter_stays(html: str) -> None:
    assert page(html)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br><br>b<br>c", "a\n\nb\nc"),
        (
            "<ul><li><input type=checkbox checked> done<li><input type=checkbox> open</ul>",
            "- [x] done\n- [ ] open",
        ),
        ("<ul><li><div class='checkbox checkbox-on'></div> done</ul>", "- [x] done"),
        ("<ol><li value=5>five<li>six</ol>", "5. five\n6. six"),
        ("<dl><dt>葉緑体<dd>光合成の場。<dd>緑色。</dl>", "- 葉緑体\n  - 光合成の場。\n  - 緑色。"),
        (
            "<figure><img src=a.png alt=leaf><figcaption>a leaf</figcaption></figure>",
            "![leaf](a.png)\n\na leaf",
        ),
    ],
)
def test_lists_breaks_and_captions_come_as_they_are_shown(html: str, text: str) -> None:
    assert page(html) == text
