"""Formulas as TeX: Office's mathematics, and MathML as browsers show it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.formats.markup import Element
from ingest.formats.tags import tags

_DEEPEST: Final = 60
_UNSEEN: Final = dict.fromkeys(range(0x2061, 0x2065))
_STYLED: Final = re.compile(r"\{\\(?:displaystyle|textstyle)\s+(.*)\}", re.DOTALL)
_PASSED: Final = frozenset({"annotation", "annotation-xml", "mphantom"})
_ACCENTS: Final = {
    "¯": "bar", "‾": "bar", "_": "underline", "^": "hat", "ˆ": "hat", "~": "tilde", "˜": "tilde",
    "→": "vec", "⃗": "vec", "˙": "dot", "¨": "ddot", "\u0302": "hat", "\u0303": "tilde", "\u0305": "bar",
    "\u0307": "dot", "\u0308": "ddot",
}  # fmt: skip
_OPERATORS: Final = {
    "\u2212": "-",
    "\u2217": "*",
    "\u22c5": "\\cdot ",
    "\u00d7": "\\times ",
    "\u221e": "\\infty ",
}


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["_Node"] = field(default_factory=list)
    text: str = ""


def plain_tex(tex: str) -> str:
    """`tex` without the style that encyclopedias put around every formula."""
    found = _STYLED.fullmatch(tex.strip())
    return (found[1] if found else tex).strip()


def from_mathml(source: str) -> str:
    """The markup inside a `math` element as TeX; what is deeper than formulas are comes as plain characters."""
    root = _Node("mrow")
    stack = [root]
    for token in tags(source):
        if isinstance(token, str):
            stack[-1].text += token
        elif token.closing:
            if any(node.tag == token.name for node in stack[1:]):
                while stack.pop().tag != token.name:
                    pass
        elif len(stack) < _DEEPEST:
            node = _Node(token.name, token.attributes)
            stack[-1].children.append(node)
            if not token.empty:
                stack.append(node)
    return _mathml(root).strip()


def _mathml(node: _Node) -> str:
    tag = node.tag
    if tag in _PASSED:
        return ""
    if tag in ("mi", "mn", "mo", "mtext", "ms") or not node.children:
        text = " ".join(node.text.translate(_UNSEEN).split())
        if tag == "mtext":
            return rf"\text{{{text}}}" if text else ""
        return _OPERATORS.get(text, f" {text} " if tag == "mo" and text.isalpha() else text)
    if tag == "semantics":
        return _mathml(node.children[0])
    if tag == "mtable":
        return r" \\ ".join(" & ".join(map(_mathml, row.children)) for row in node.children)
    if tag == "mfenced":
        begin, end = node.attributes.get("open", "("), node.attributes.get("close", ")")
        return f"{begin}{', '.join(map(_mathml, node.children))}{end}"
    parts = [_mathml(child) for child in node.children]
    if tag == "msqrt":
        return rf"\sqrt{{{''.join(parts)}}}"
    return _built(tag, parts) if tag in _FORMS else "".join(parts)


def _built(tag: str, parts: Sequence[str]) -> str:
    count, form = _FORMS[tag]
    return form(*parts[:count], *[""] * (count - len(parts)))


def _scripts(base: str, below: str = "", above: str = "") -> str:
    return base + (f"_{_braced(below)}" if below else "") + (f"^{_braced(above)}" if above else "")


def _over(base: str, accent: str) -> str:
    name = _ACCENTS.get(accent.strip())
    return rf"\{name}{{{base}}}" if name else _scripts(base, above=accent)


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


_FORMS: Final[dict[str, tuple[int, Callable[..., str]]]] = {
    "mfrac": (2, lambda above, below: rf"\frac{{{above}}}{{{below}}}"),
    "mroot": (2, lambda base, degree: rf"\sqrt[{degree}]{{{base}}}"),
    "msup": (2, lambda base, above: _scripts(base, above=above)),
    "msub": (2, _scripts),
    "msubsup": (3, _scripts),
    "munder": (2, _scripts),
    "mover": (2, _over),
    "munderover": (3, _scripts),
}


def from_office(element: Element) -> str:
    """Office's mathematics: fractions, scripts, roots, sums, brackets, matrices; the rest in its order."""

    def part(name: str) -> str:
        found = element.first(name)
        return from_office(found) if found else ""

    def rows(name: str) -> list[str]:
        return [from_office(child) for child in element.children if child.tag == name]

    match element.tag:
        case "f":
            if element.value("fPr", "type") == "noBar":
                return rf"\binom{{{part('num')}}}{{{part('den')}}}"
            return rf"\frac{{{part('num')}}}{{{part('den')}}}"
        case "sSup" | "sSub" | "sSubSup":
            return _scripts(part("e"), part("sub"), part("sup"))
        case "sPre":
            return f"{_scripts('{}', part('sub'), part('sup'))}{part('e')}"
        case "rad":
            degree = part("deg")
            return rf"\sqrt{f'[{degree}]' if degree else ''}{{{part('e')}}}"
        case "nary":
            sign = element.value("naryPr", "chr", default="∫")
            return f"{_scripts(sign, part('sub'), part('sup'))} {part('e')}"
        case "limLow" | "limUpp":
            return _scripts(part("e"), *((part("lim"),) if element.tag == "limLow" else ("", part("lim"))))
        case "func":
            return f"{part('fName')} {part('e')}"
        case "acc" | "bar" | "groupChr":
            usual = {"acc": "\u0302", "bar": "\u0305"}.get(element.tag, "")
            return _over(part("e"), element.value(f"{element.tag}Pr", "chr", default=usual))
        case "d":
            begin = element.value("dPr", "begChr", default="(")
            end = element.value("dPr", "endChr", default=")")
            return f"{begin}{', '.join(rows('e'))}{end}"
        case "m":
            return r" \\ ".join(
                " & ".join(map(from_office, r.children)) for r in element.children if r.tag == "mr"
            )
        case "eqArr":
            return r" \\ ".join(rows("e"))
        case "t":
            return _OPERATORS.get(element.text, element.text)
    return "".join(from_office(child) for child in element.children if not child.tag.endswith("Pr"))
