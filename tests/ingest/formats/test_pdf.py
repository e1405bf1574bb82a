"""PDF: reading order, headings, tables and paragraphs from where characters stand; the process that is kept."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from ingest.formats import extract
from ingest.formats.pdf import pages as pdf_pages
from ingest.formats.pdf import process as pdf_process
from ingest.formats.pdf.process import PdfProcess
from terakoya.errors import BadInput, Unavailable
from tests.ingest.formats import samples
from tests.ingest.formats.samples import Placed

ENGLISH = [
    "The light reactions take place in the",
    "thylakoid membranes of the chloroplast",
    "and need water, which is split there.",
    "Oxygen is what remains of the water.",
]
JAPANESE = [
    "カルビン回路は葉緑体のストロマで行われ",
    "る。二酸化炭素はルビスコによって固定さ",
    "れ、三炭素化合物になる。ここでは明反応",
    "で得られたエネルギーが使われる。",
]


def read(*pages: list[Placed], rotate: int = 0, outline: tuple[tuple[str, int], ...] = ()) -> str:
    data = samples.placed_pdf(*pages, rotate=rotate, outline=outline)
    return extract(data, path="a.pdf", suffix=".pdf").text


def column(lines: list[str], x: float, top: float = 700, size: float = 10) -> list[Placed]:
    return [(x, top - 14 * at, size, line) for at, line in enumerate(lines)]


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("is_drawn_across", [False, True])
def test_two_columns_are_read_one_after_the_other(is_drawn_across: bool) -> None:
    left, right = column(ENGLISH, 50), column(JAPANESE, 310)
    across = [part for pair in zip(left, right, strict=True) for part in pair]
    text = read([(50, 740, 10, "A line over both columns, as an abstract or a title has it, to the end"),
                 *(across if is_drawn_across else left + right)])  # fmt: skip
    assert flat(" ".join(ENGLISH)) in flat(text)
    assert "".join(JAPANESE) in text
    assert text.index("over both") < text.index("thylakoid") < text.index("カルビン")


def test_a_header_that_is_drawn_last_comes_first() -> None:
    text = read([*column(ENGLISH, 50), *column(JAPANESE, 310), (50, 800, 10, "A heading drawn at the end")])
    assert text.startswith("A heading drawn at the end")


def test_vertical_japanese_is_read_from_the_right_column_on() -> None:
    lines = ["吾輩は猫である。名前はまだ", "無い。どこで生れたか頓と", "見当がつかぬ。"]
    page = [
        (500.0 - 20 * at, 780.0 - 12 * row, 12.0, char)
        for at, line in enumerate(lines)
        for row, char in enumerate(line)
    ]
    assert read(page) == "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。"


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_page_that_is_turned_is_read_as_it_is_looked_at(rotate: int) -> None:
    # the text stands upright in the page's own measure, so after the turn its lines go up or down
    page = column(ENGLISH, 50)
    text = flat(read(page, rotate=rotate))
    assert sorted(text.replace(" ", "")) == sorted("".join(ENGLISH).replace(" ", ""))


def test_large_type_makes_headings_by_size() -> None:
    page = [
        (50, 780, 24, "Photosynthesis"),
        (50, 740, 16, "1.2 明反応"),
        *column(ENGLISH, 50, 710),
        (50, 640, 16, "1.3 暗反応"),
        *column(JAPANESE, 50, 610),
    ]
    text = read(page)
    assert text.startswith("# Photosynthesis\n\n## 1.2 明反応\n\nThe light")
    assert "\n\n## 1.3 暗反応\n\nカルビン" in text


def test_the_outline_makes_headings_of_lines_in_plain_type() -> None:
    page = [(50, 780, 10, "2 Results"), *column(ENGLISH, 50, 740)]
    assert read(page, outline=(("Results", 0),)).startswith("# 2 Results\n\nThe light")


def test_a_text_that_is_all_in_large_type_has_no_headings() -> None:
    pages = [column(ENGLISH, 50, size=10), column(ENGLISH, 50, size=14), column(ENGLISH, 50, size=14)]
    assert "#" not in read(*pages)


def test_cells_that_stand_in_columns_are_a_table() -> None:
    rows = [("Stage", "場所", "Product"), ("Light", "チラコイド", "ATP"), ("Dark", "ストロマ", "Sugar")]
    page: list[Placed] = [
        (x, 700 - 16 * at, 10, cell)
        for at, row in enumerate(rows)
        for x, cell in zip((50, 150, 300), row, strict=True)
    ]
    page.insert(6, (300, 676, 10, "and NADPH"))  # goes on in its cell
    text = read([*column(ENGLISH, 50, 780), *page])
    assert (
        "| Stage | 場所 | Product |\n| --- | --- | --- |\n"
        "| Light | チラコイド | ATP and NADPH |\n| Dark | ストロマ | Sugar |" in text
    )


def test_numbered_items_are_no_table() -> None:
    page = [(x, 700 - 16 * at, 10, t) for at in range(4) for x, t in ((50, f"{at + 1}."), (75, f"item {at}"))]
    text = read(page)
    assert "|" not in text
    assert "1. item 0\n\n2. item 1" in text


def test_a_word_that_was_parted_is_whole_again_and_a_compound_keeps_its_hyphen() -> None:
    page = column(
        ["A well-known result says that energy is con-", "served, and that every closed and well-",
         "known system keeps its energy for ever, so"], 50)  # fmt: skip
    text = flat(read(page))
    assert "energy is conserved" in text
    assert "closed and well-known system" in text


def test_ligatures_radicals_and_parted_accents_come_as_letters() -> None:
    text = read([(50, 700, 10, "eﬃcient ﬂow"), (50, 686, 10, "⾃⼰の⻑さ"), (50, 672, 10, "か\u3099く")])
    assert "efficient flow" in text
    assert "自己の長さ" in text
    assert "がく" in text


def test_small_raised_and_lowered_type_is_told_apart() -> None:
    page = [
        (50, 700, 10, "x"),
        (55, 704, 6, "2"),
        (58, 700, 10, " and H"),
        (88, 698, 6, "2"),
        (91, 700, 10, "O"),
    ]
    assert read(page) == "x² and H₂O"


def test_readings_over_words_do_not_part_the_lines() -> None:
    page = [(50, 700, 12, "漢字の学習は毎日の積み重ねで"), (50, 712, 5, "かんじ"), (50, 680, 12, "ある。")]
    assert read(sorted(page, key=lambda placed: -placed[1])) == "漢字の学習は毎日の積み重ねである。"


def test_headers_and_footers_of_a_chapter_are_left_out_and_slide_titles_stay() -> None:
    body = [f"line {n} of the text, which is long enough" for n in range(8)]
    pages = []
    for number in range(8):
        head = f"Chapter {1 + number // 4} Cells {number + 1}" if number % 2 else f"{number + 1} Biology"
        own = [f"{line} {'abcdefgh'[number]}" for line in body]
        pages.append([(50, 800, 9, head), (280, 30, 9, str(number + 1)), *column(own, 50)])
    text = read(*pages)
    assert "Biology" not in text
    assert text.count("Cells") == 0
    slides = [[(50, 780, 24, "Example"), *column([f"{line} {n}" for line in body], 50)] for n in "abc"]
    plain = [column([f"{line} {n}" for line in body], 50) for n in "defgh"]
    assert read(*slides, *plain).count("# Example") == 3


def test_a_text_goes_on_over_the_end_of_a_page() -> None:
    first, second = column([*ENGLISH[:2]], 50), column([*ENGLISH[2:]], 50)
    found = extract(samples.placed_pdf(first, second), path="a.pdf", suffix=".pdf")
    assert flat(found.text) == flat(" ".join(ENGLISH))
    assert found.pages[0] == (0, 1)


def test_characters_without_a_code_are_no_text() -> None:
    with pytest.raises(BadInput) as caught:
        read([(50, 700, 10, "\ue000\ue001\ue002\ue003")])
    assert caught.value.key == "note_without_text"


@pytest.fixture
def process() -> Iterator[PdfProcess]:
    made = PdfProcess()
    yield made
    made.close()


def asked(process: PdfProcess) -> str:
    found = process.pages(samples.pdf(["text"]), path="a.pdf")
    return str(found["pages"][0][0][-1][0][-1])


def test_one_process_reads_file_after_file(process: PdfProcess) -> None:
    assert asked(process) == "text"
    kept = process.number
    assert asked(process) == "text"
    assert process.number == kept
    with pytest.raises(BadInput):
        process.pages(b"%PDF-1.7 broken", path="a.pdf")
    assert asked(process) == "text"
    assert process.number == kept


def test_what_the_program_itself_holds_does_not_end_the_process(process: PdfProcess) -> None:
    held = b"x" * (pdf_pages.GROWN + 2**26)  # the kernel hands this peak on to what is started
    asked(process)
    kept = process.number
    del held
    asked(process)
    assert process.number == kept


def test_a_process_that_was_killed_is_started_again(process: PdfProcess) -> None:
    asked(process)
    os.kill(process.number, signal.SIGKILL)
    with pytest.raises(BadInput) as caught:
        process.pages(samples.pdf(["text"]), path="a.pdf")
    assert caught.value.key == "note_damaged"
    assert asked(process) == "text"


def test_a_process_that_went_to_rest_costs_no_file() -> None:
    answer = "sys.stdout.buffer.write((12).to_bytes(8, 'big') + b'{\"pages\":[]}'); sys.stdout.flush()"
    code = (
        f"import sys; n = int.from_bytes(sys.stdin.buffer.read(8), 'big'); sys.stdin.buffer.read(n); {answer}"
    )
    once = PdfProcess([sys.executable, "-c", code])
    for _ in range(3):
        assert once.pages(b"x", path="a.pdf") == {"pages": []}
    once.close()


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("import threading; threading.Event().wait()", "note_slow"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "note_damaged"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "note_slow"),
        ("import sys; sys.stdout.buffer.write((3).to_bytes(8, 'big') + b'no!')", "note_damaged"),
        ("", "note_damaged"),
    ],
)
def test_a_file_that_stops_or_ends_the_process_is_given_up(code: str, key: str) -> None:
    made = PdfProcess([sys.executable, "-c", code], seconds=1)
    with pytest.raises(BadInput) as caught:
        made.pages(samples.pdf(["x"]), path="a.pdf")
    made.close()
    assert caught.value.key == key
    assert "a.pdf" in caught.value.message("en")


def test_a_process_that_cannot_start_or_lacks_its_library_is_told() -> None:
    with pytest.raises(Unavailable):
        PdfProcess(["/nowhere/python"]).pages(b"x", path="a.pdf")
    answer = b'{"problem": "library"}'
    code = f"import sys; sys.stdout.buffer.write(({len(answer)}).to_bytes(8, 'big') + {answer!r})"
    lacking = PdfProcess([sys.executable, "-c", code])
    with pytest.raises(Unavailable) as caught:
        lacking.pages(b"x", path="a.pdf")
    lacking.close()
    assert "pypdfium2" in caught.value.message("ja")


def test_the_limits_hold_in_the_process() -> None:
    code = (
        f"import sys; sys.path.append({pdf_process.ROOT!r}); import ingest.formats.pdf.pages as p\n"
        "p.pages_of = lambda data: {'kept': len(bytearray(8 * 2**30))}\n"
        "sys.argv[1:] = ['5']; p.main()"
    )
    greedy = PdfProcess([sys.executable, "-c", code])
    with pytest.raises(BadInput) as caught:
        greedy.pages(b"x", path="a.pdf")
    greedy.close()
    assert caught.value.key == "note_damaged"
