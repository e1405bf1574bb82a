"""A calculator: expressions as people type them, exact where they are, within limits.

The reader is a recursive descent over a few tokens; nothing is evaluated by Python. Numbers are fractions, so
`0.1 + 0.2` is 0.3; what has no exact value (roots, logarithms, π) goes on as a float.
"""

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from terakoya.errors import BadInput
from terakoya.text.normalise import fold

LONGEST: Final = 400
"""Characters of an expression."""
_DEEPEST: Final = 40
_BITS: Final = 20_000
"""Of the largest number that is worked with: about 6,000 digits."""
_SHOWN: Final = 60
"""Digits of the longest whole number that is written out."""

Number = Fraction | float

# Longest first: 掛けて before 掛け. English words stand alone between spaces, Japanese ones do not.
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    (r"の(?:平方根|ルート)", "\u0001"),
    (r"の(?:二|2)乗", "^2"),
    (r"の(?:三|3)乗", "^3"),
    (r"の(?=\d+(?:\.\d+)?乗)", "^"),
    (r"(?<=\d)乗", ""),
    (r"の階乗", "!"),
    (r"(?:割る|わる|で割(?:る|った)?(?:と|数)?|÷|／)", "/"),
    (r"(?:掛ける|かける|を?掛けて|×|✕|・(?=\d)|∗|\bx\b(?=\s*[\d(])|(?<=\d)x(?=\d))", "*"),
    (r"(?:足す|たす|プラス|を?足して)", "+"),
    (r"(?:引く|ひく|マイナス|を?引いて)", "-"),
    (r"(?:平方根|ルート|√)", "sqrt "),
    (r"パーセント|\bper ?cent\b", "%"),
    (r"%\s*(?:of|の)|(?<=%)の", "% of "),
    (r"\b(?:divided by|over)\b", "/"),
    (r"\b(?:multiplied by|times)\b", "*"),
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\bto the power (?:of )?|\*\*", "^"),
    (r"\bsquared\b", "^2"),
    (r"\bcubed\b", "^3"),
    (r"\b(?:the )?square root of\b", "sqrt "),
    (r"\b(?:modulo|mod)\b|を法として", " mod "),
    (r"(?<=\d)\s*(?:円|ドル|ユーロ|個|人|本|枚|回|点)(?=\s*(?:$|[-+*/^%()の]))", ""),
    (r"[$€¥£](?=\s*\d)", ""),
    (r"π|円周率", "pi"),
)
_REWRITES: Final = tuple((re.compile(pattern), becomes) for pattern, becomes in _WORDS)
_SHARE: Final = re.compile(
    r"(\d[\d,]*(?:\.\d+)?(?:[万億兆]\d*)*)(?:円|ドル|ユーロ|個|人|本|枚|回|点)?の(\d+(?:\.\d+)?)(%|割)"
)
_LATE_ROOT: Final = re.compile(r"(\d[\d,.]*|\([^()]*\))\x01")
_UNITS: Final = {"千": 10**3, "万": 10**4, "億": 10**8, "兆": 10**12}
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d{1,4})?|\.\d+)"
    r"|(?P<units>[千万億兆])|(?P<name>[a-z][a-z0-9]*)|(?P<mark>[-+*/^%!(),]))"
)


def _log(value: Number, base: Number = Fraction(10)) -> Number:
    if base == 10:
        return math.log10(value)
    return math.log2(value) if base == 2 else math.log(value) / math.log(base)


def _factorial(value: Number) -> Number:
    if not isinstance(value, Fraction) or value.denominator != 1 or not 0 <= value <= 1000:
        raise ValueError
    return Fraction(math.factorial(int(value)))


def _root(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0:
        above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if (above**2, below**2) == (value.numerator, value.denominator):
            return Fraction(above, below)
    return math.sqrt(value)


def _rounded(value: Number, digits: Number = Fraction(0)) -> Number:
    if not -100 <= digits <= 100 or digits != int(digits):
        raise ValueError
    exact = Fraction(value)
    places = int(digits)
    scale = Fraction(10**places) if places >= 0 else Fraction(1, 10**-places)
    half = Fraction(1, 2) if exact >= 0 else Fraction(-1, 2)
    return Fraction(int(exact * scale + half)) / scale


_FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Number], int, int]]] = {
    "sqrt": (_root, 1, 1),
    "log": (_log, 1, 2),
    "log10": (_log, 1, 1),
    "log2": (lambda v: _log(v, Fraction(2)), 1, 1),
    "ln": (math.log, 1, 1),
    "exp": (math.exp, 1, 1),
    "sin": (math.sin, 1, 1),
    "cos": (math.cos, 1, 1),
    "tan": (math.tan, 1, 1),
    "abs": (abs, 1, 1),
    "round": (_rounded, 1, 2),
    "floor": (lambda v: Fraction(math.floor(v)), 1, 1),
    "ceil": (lambda v: Fraction(math.ceil(v)), 1, 1),
    "min": (min, 1, 100),
    "max": (max, 1, 100),
    "sum": (lambda *v: sum(v, Fraction(0)), 1, 100),
    "gcd": (lambda *v: Fraction(math.gcd(*map(_whole, v))), 1, 100),
    "factorial": (_factorial, 1, 1),
}
_CONSTANTS: Final[Mapping[str, Number]] = {"pi": math.pi, "e": math.e}


def _whole(value: Number) -> int:
    if value != int(value):
        raise ValueError
    return int(value)


def calculate(expression: str) -> str:
    """The value of `expression` as a person writes it.

    Whole numbers and ends of decimals are exact; others have 12 digits and a `≈` before them.

    Raises:
        BadInput: `calculation`: it is no expression, has no value, or is over the limits.
    """
    return written(_Reader(plain_expression(expression), expression).value())


def is_calculation(expression: str) -> bool:
    """Whether `expression` is one as a whole, and there is something to work out in it."""
    try:
        reader = _Reader(plain_expression(expression), expression)
        reader.value()
    except BadInput as error:
        return error.values.get("readable") is True
    return reader.operations > 0


def plain_expression(expression: str) -> str:
    """`expression` with words and signs of Japanese and English made plain marks."""
    text = fold(expression).strip()
    text = _SHARE.sub(lambda m: f"({m[2]}{'%' if m[3] == '%' else '*10%'} of {m[1]})", text)
    for pattern, becomes in _REWRITES:
        text = pattern.sub(becomes, text)
    text = _LATE_ROOT.sub(r"sqrt(\1)", text)
    return re.sub(r"%\s*of\b", "% *", text).strip().rstrip("=").strip()


class _Reader:
    """Reads one expression; `operations` counts what there was to work out."""

    def __init__(self, text: str, shown: str) -> None:
        self._shown = shown.strip()[:80]
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self.operations = 0
        if len(text) > LONGEST:
            raise self._error()
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if not match:
                raise self._error()
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()

    def _error(self, *, readable: bool = False) -> BadInput:
        return BadInput("calculation", expression=self._shown, readable=readable)

    def value(self) -> Number:
        value = self._sum(0)
        if self._at != len(self._tokens):
            raise self._error()
        return value

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *marks: str) -> str:
        mark = self._peek()
        if mark not in marks or not mark:
            return ""
        self._at += 1
        return mark

    def _sum(self, depth: int) -> Number:
        if depth > _DEEPEST:
            raise self._error(readable=True)
        value = self._product(depth)
        while mark := self._take("+", "-"):
            other = self._product(depth)
            value = self._work(lambda a, b: a + b if mark == "+" else a - b, value, other)
        return value

    def _product(self, depth: int) -> Number:
        value = self._signed(depth)
        while mark := self._take("*", "/", "mod"):
            other = self._signed(depth)
            if mark == "*":
                value = self._work(lambda a, b: a * b, value, other)
            elif mark == "/":
                value = self._work(lambda a, b: a / b, value, other)
            else:
                value = self._work(lambda a, b: a % b, value, other)
        return value

    def _signed(self, depth: int) -> Number:
        if depth > _DEEPEST:
            raise self._error(readable=True)
        if self._take("-"):
            return -self._signed(depth + 1)
        if self._take("+"):
            return self._signed(depth + 1)
        return self._power(depth)

    def _power(self, depth: int) -> Number:
        value = self._after(depth)
        if self._take("^"):
            return self._work(self._raised, value, self._signed(depth + 1))
        return value

    def _raised(self, base: Number, exponent: Number) -> Number:
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(exponent) * bits > _BITS:
                raise self._error(readable=True)
            return Fraction(base ** int(exponent))
        return math.pow(base, exponent)

    def _after(self, depth: int) -> Number:
        value = self._one(depth)
        while mark := self._take("!", "%"):
            value = (
                self._work(_factorial, value)
                if mark == "!"
                else self._work(lambda a, b: a / b, value, Fraction(100))
            )
        return value

    def _one(self, depth: int) -> Number:
        if self._at >= len(self._tokens):
            raise self._error()
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return self._number(text)
        if text == "(":
            value = self._sum(depth + 1)
            if not self._take(")"):
                raise self._error()
            return value
        if kind == "name" and text in _CONSTANTS:
            return _CONSTANTS[text]
        if kind == "name" and text in _FUNCTIONS:
            return self._function(text, depth)
        raise self._error()

    def _number(self, text: str) -> Number:
        """A number with the Japanese units behind it: 3万5千 is 35,000."""
        total, part = Fraction(0), self._decimal(text)
        while self._at < len(self._tokens) and self._tokens[self._at][0] == "units":
            total += part * _UNITS[self._tokens[self._at][1]]
            part = Fraction(0)
            self._at += 1
            if self._at < len(self._tokens) and self._tokens[self._at][0] == "number":
                part = self._decimal(self._tokens[self._at][1])
                self._at += 1
        return total + part

    def _decimal(self, text: str) -> Fraction:
        return Fraction(text.replace(",", ""))

    def _function(self, name: str, depth: int) -> Number:
        call, least, most = _FUNCTIONS[name]
        if not self._take("("):
            return self._work(call, self._after(depth + 1))
        given = [self._sum(depth + 1)]
        while self._take(","):
            given.append(self._sum(depth + 1))
        if not self._take(")") or not least <= len(given) <= most:
            raise self._error()
        return self._work(call, *given)

    def _work(self, call: Callable[..., Number], *given: Number) -> Number:
        self.operations += 1
        try:
            value = call(*given)
            if isinstance(value, int):
                value = Fraction(value)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError
        except (ValueError, ArithmeticError, TypeError):
            raise self._error(readable=True) from None
        if isinstance(value, Fraction) and max(
            value.numerator.bit_length(), value.denominator.bit_length()
        ) > (_BITS * 2):
            raise self._error(readable=True)
        return value


def written(value: Number) -> str:
    """A number for people: whole and short decimals exactly, others with `≈`."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            digits = f"{value.numerator:,}" if value.numerator.bit_length() < 8_000 else ""
            if digits and len(digits.replace(",", "").lstrip("-")) <= _SHOWN:
                return digits
            return f"≈ {_scientific(value)}"
        exact = _ending(value)
        if exact:
            return exact
    try:
        near = float(value)
    except OverflowError:
        return f"≈ {_scientific(Fraction(value))}"
    if near.is_integer() and abs(near) < 1e15:
        return f"{int(near):,}"
    shown, _, power = f"{near:,.12g}".partition("e")
    return f"≈ {shown} × 10^{int(power)}" if power else f"≈ {shown}"


def _ending(value: Fraction) -> str:
    """The decimals of `value` where they end within 20, else empty."""
    for digits in range(1, 21):
        scaled = value * 10**digits
        if scaled.denominator == 1:
            whole, rest = divmod(abs(scaled.numerator), 10**digits)
            if whole.bit_length() > 200:
                return ""
            return f"{'-' if value < 0 else ''}{whole:,}.{rest:0{digits}d}"
    return ""


def _scientific(value: Fraction) -> str:
    sign, size = ("-", -value) if value < 0 else ("", value)
    power = round((size.numerator.bit_length() - size.denominator.bit_length()) * math.log10(2))
    mantissa = size / Fraction(10) ** power
    while mantissa >= 10:
        mantissa, power = mantissa / 10, power + 1
    while mantissa < 1:
        mantissa, power = mantissa * 10, power - 1
    return f"{sign}{float(mantissa):.11g} × 10^{power}"
