import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.errors import BadInput
from workflows.tools.arithmetic import LONGEST, calculate, is_calculation


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("12×34", "408"),
        ("１２３＋４５６", "579"),
        ("2の10乗", "1,024"),
        ("16の平方根", "4"),
        ("ルート2", "≈ 1.41421356237"),
        ("5の階乗", "120"),
        ("100割る7", "≈ 14.2857142857"),
        ("3プラス4かける2", "11"),
        ("3000円の8%", "240"),
        ("5000円の3割", "1,500"),
        ("3万5千 + 1", "35,001"),
        ("15% of 80", "12"),
        ("7 divided by 2", "3.5"),
        ("the square root of 16".removeprefix("the "), "4"),
        ("17 mod 5", "2"),
        ("0.1 + 0.2", "0.3"),
        ("-2^2", "-4"),
        ("2^-3", "0.125"),
        ("2^3^2", "512"),
        ("1,234 + 1", "1,235"),
        ("round(2.5) + gcd(12, 18)", "9"),
        ("10^-25", "≈ 1 × 10^-25"),
        ("2^10000", "≈ 1.9950631169 × 10^3010"),
        ("1/3", "≈ 0.333333333333"),
    ],
)
def test_what_people_type_is_worked_out(expression, value):
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "1/0",
        "9^9^9",
        "1001!",
        "(-8)^(1/3)",
        "sqrt(-1)",
        "log(0)",
        "exp(10^6)",
        "(" * 300,
        "-" * 300 + "1",
        "1+" * LONGEST + "1",
        "__import__('os')",
        "open('x')",
        "1 if 1 else 2",
        "(1+2",
        "1 2",
        "",
        "10^9999*10^9999*10^9999*10^9999",
        "1e99999",
        "\x00",
    ],
)
def test_what_has_no_value_or_no_end_is_refused_in_words(expression):
    with pytest.raises(BadInput) as refused:
        calculate(expression)
    assert refused.value.key == "calculation"


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from("+-*"))
def test_whole_numbers_are_exact(a, b, mark):
    # the reference is Python's own arithmetic
    expected = {"+": a + b, "-": a - b, "*": a * b}[mark]
    assert calculate(f"({a}) {mark} ({b})") == f"{expected:,}"


@given(st.text(alphabet="0123456789+-*/^%!(),. eπ√万割のsqrt", max_size=40))
def test_no_text_makes_it_fail_otherwise(expression):
    with suppress(BadInput):
        assert calculate(expression)


@given(st.floats(0.001, 1000))
def test_roots_agree_with_the_library(value):
    shown = calculate(f"sqrt({value:.6f})")
    near = shown.removeprefix("≈ ").replace(",", "").replace(" × 10^", "e")
    assert math.isclose(float(near), math.sqrt(float(f"{value:.6f}")), rel_tol=1e-9)


@pytest.mark.parametrize("text", ["2025", "e", "BM25", "C++", "3割", "TCP/IP", "12", "1+1=2だから"])
def test_what_is_no_calculation_is_not_taken_for_one(text):
    assert not is_calculation(text)
