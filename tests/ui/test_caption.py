"""The line under an answer: who made it, how, and in what time."""

import pytest
from samples import Reply, note

QUESTION = "What is TCP?"


@pytest.mark.parametrize(
    ("locale", "model", "said"),
    [
        ("en-GB", "extractive", "quoted, without a model · Normal"),
        ("ja-JP", "extractive", "引用のみ（モデルなし） · 標準"),
        ("ja-JP", "qwen3-4b", "qwen3-4b · 標準"),
        ("ja-JP", "calendar", "学習ログ · 標準"),
        ("en-GB", "calculator", "calculator · Normal"),
    ],
)
def test_whoever_answered_is_named_in_the_readers_language(
    service, page, settle, locale: str, model: str, said: str
) -> None:
    service.notes = [note("tcp.md", "TCP")]
    service.replies[QUESTION] = Reply(pieces=["A transport."], model=model)
    app = page(locale=locale)
    app.chat_input(key="ask").set_value(QUESTION).run()
    settle(app, lambda: any(caption.value.startswith(said) for caption in app.caption))
