"""Images of a note: which there are, where they lead, and what they are called."""

import pytest

from ingest.markdown import parse
from ingest.view import view_of


def images(text: str) -> list[tuple[str, str]]:
    return [(image.target, image.alt) for image in parse(text).images]


@pytest.mark.parametrize(
    ("text", "target", "alt"),
    [
        ('![a **b**](x.png "title")', "x.png", "a b"),
        ("![図](%E5%9B%B3%201.png)", "図 1.png", "図"),
        ("![](<my file.png>)", "my file.png", ""),
        ("![](my file.png)", "my file.png", ""),
        ("![](a_(1).png)", "a_(1).png", ""),
        ("![](a.png =300x200)", "a.png", ""),
        ("![a|300](a.png)", "a.png", "a"),
        ("![a][Ref]\n\n[ref]: <x y.png> 'title'", "x y.png", "a"),
        ("![ref][]\n\n[ref]: x.png", "x.png", "ref"),
        ("![ref]\n\n[ref]: x.png", "x.png", "ref"),
        ("![[a b.png|300x200]]", "a b.png", ""),
        ("![[a.png|alt|300]]", "a.png", "alt"),
        ("- ![in an item](x.png)", "x.png", "in an item"),
        ("> ![in a quote](x.png)", "x.png", "in a quote"),
        ("|![in a cell](x.png)|\n|-|", "x.png", "in a cell"),
        ("text ![inline](x.png) text", "x.png", "inline"),
    ],
)
def test_images_have_target_and_alternative_text(text: str, target: str, alt: str) -> None:
    assert images(text) == [(target, alt)]


@pytest.mark.parametrize(
    "text",
    [
        "`![a](b.png)`",
        "```\n![a](b.png)\n```",
        "    ![a](b.png)",
        "\\![a](b.png)",
        "[a](b.png)",
        "![[Note]]",
        "! [a](b)",
        "![a]",
        "![a][nowhere]",
    ],
)
def test_what_shows_no_image_is_none(text: str) -> None:
    assert images(text) == []


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("a/b.png", "a/b.png"),
        ("../a%20b.png", "../a b.png"),
        ("a\\b.png", "a/b.png"),
        ("a.png?raw=true#x", "a.png"),
        ("https://example.org/a.png", ""),
        ("//example.org/a.png", ""),
        ("data:image/png;base64,AAAA", ""),
        ("attachment:a.png", ""),
        ("file:///etc/passwd", ""),
        ("C:\\a.png", ""),
        ("/etc/passwd", ""),
        ("~/a.png", ""),
    ],
)
def test_only_paths_beside_or_below_the_note_are_local(target: str, path: str) -> None:
    document = parse(f"![x](<{target}>)")
    assert [image.path for image in document.images] == [path]
    assert [image.path for image in document.local_images()] == ([path] if path else [])


def test_an_embedded_file_is_named_and_not_placed() -> None:
    assert [(i.path, i.by_name) for i in parse("![[図 1.png]] ![](a.png)").images] == [
        ("図 1.png", True),
        ("a.png", False),
    ]


def test_images_of_html_are_listed_where_they_stood() -> None:
    source = "a <b>c</b>\n\n<img alt='図 &amp; 表' width=3 src=\"x.png\"> ![d](e.png)\n"
    view = view_of(source)
    document = parse(view.text, images=view.images)
    assert [(i.target, i.alt, i.offset) for i in document.images] == [
        ("x.png", "図 & 表", 5),
        ("e.png", "d", 6),
    ]
