"""What is to be done with a question: only what certainly is something else is not asked of the notes."""

import pytest

from workflows.routing import LONGEST_FACT, fact_in, intent_of


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("こんにちは", "greeting"),
        ("こんにちは、寺子屋！", "greeting"),
        ("おはようございます。", "greeting"),
        ("Hello there!", "greeting"),
        ("ＨＥＬＬＯ", "greeting"),
        ("ありがとうございました！", "thanks"),
        ("ok, thanks a lot", "thanks"),
        ("あなたは誰ですか？", "about"),
        ("What can you do?", "about"),
        ("使い方を教えてください", "about"),
        ("覚えていることは？", "recall"),
        ("What do you remember about me?", "recall"),
        ("試験は7月3日だと覚えておいて", "remember"),
        ("Please remember that my exam is on 3 July.", "remember"),
    ],
)
def test_courtesy_and_memory_are_told_by_their_form(said: str, intent: str) -> None:
    assert intent_of(said) == intent


@pytest.mark.parametrize(
    "asked",
    [
        "こんにちはの語源は？",
        "Hello World プログラムの書き方は？",
        "ありがとうは英語で何と言う？",
        "What is help in Python?",
        "Who are the Fates?",
        "漢字をどうやって覚えておいていますか",
        "英単語を覚えて使うにはどうする？",
        "Do I have to remember the formula?",
        "Remember the formula of the circle",
        "覚えておくべき公式は何？",
        "記憶とは",
        "",
        "？",
        "a" * 5000,
    ],
)
def test_a_question_that_only_looks_like_it_goes_to_the_notes(asked: str) -> None:
    assert intent_of(asked) == "notes"


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("覚えておいて：試験は7月3日。", "試験は7月3日"),
        ("「鍵は机の中」と覚えておいてください。", "鍵は机の中"),
        ("私の誕生日は5月だということを覚えておいてね", "私の誕生日は5月だ"),
        ("remember: the key is in the desk", "the key is in the desk"),
    ],
)
def test_the_fact_is_what_the_person_says_of_it(said: str, fact: str) -> None:
    assert fact_in(said) == fact


def test_a_fact_is_short() -> None:
    assert fact_in("remember that " + "x" * LONGEST_FACT) == ""
