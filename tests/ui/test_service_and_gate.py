import pytest
from samples import note

from terakoya.api import Check


def test_without_a_service_one_sentence_names_the_command(page, shown, tmp_path):
    app = page()
    assert not app.exception
    assert f"terakoya --home {tmp_path} up" in app.warning[0].value
    assert [button.label for button in app.button if button.key == "retry"] == ["Try again"]


def test_a_service_that_went_away_is_named_and_found_again(service, page, shown, tmp_path):
    app = page()
    service.stop()
    app.session_state["kept"] = {}
    app.run()
    assert not app.exception
    assert "The service of Terakoya is not running" in shown(app)
    from scripted_service import ScriptedService

    with ScriptedService(tmp_path):
        app.button(key="retry").click().run()
        assert "The service of Terakoya is not running" not in shown(app)


@pytest.mark.parametrize("key", ["", "wrong", "ひみつ"])
def test_without_the_key_nothing_but_the_form_shows(service, page, shown, monkeypatch, key):
    monkeypatch.setenv("TERAKOYA_PAGE_KEY", "secret")
    service.notes = [note("private.md", "Private")]
    app = page(key=key) if key else page()
    assert "This page is locked" in shown(app)
    assert "private" not in shown(app).lower()
    assert not app.chat_input
    assert service.requests == []


def test_the_key_of_the_address_opens_the_page(service, page, monkeypatch):
    monkeypatch.setenv("TERAKOYA_PAGE_KEY", "secret")
    service.notes = [note("tcp.md", "TCP")]
    assert page(key="secret").chat_input


def test_a_typed_key_opens_the_page_and_stays_for_a_reload(service, page, monkeypatch):
    monkeypatch.setenv("TERAKOYA_PAGE_KEY", "secret")
    service.notes = [note("tcp.md", "TCP")]
    app = page()
    app.text_input[0].set_value("secret")
    app.form_submit_button[0].click().run()
    assert app.chat_input
    assert app.query_params["key"] == "secret"


@pytest.mark.parametrize(
    ("locale", "placeholder"), [("ja-JP", "ノートに質問する"), ("en-GB", "Ask your notes")]
)
def test_the_page_speaks_the_language_of_the_browser(service, page, locale, placeholder):
    service.notes = [note("tcp.md", "TCP")]
    assert page(locale=locale).chat_input[0].placeholder == placeholder


def test_the_language_can_be_switched_and_stays_for_a_reload(service, page):
    service.notes = [note("tcp.md", "TCP")]
    app = page(locale="en-US")
    app.segmented_control(key="language_en").set_value("ja").run()
    app.run()
    assert app.chat_input[0].placeholder == "ノートに質問する"
    assert page(**app.query_params).chat_input[0].placeholder == "ノートに質問する"


def test_the_chosen_effort_goes_with_the_question(service, page):
    service.notes = [note("tcp.md", "TCP")]
    app = page()
    app.segmented_control(key="effort").set_value("deep").run()
    app.chat_input(key="ask").set_value("What is TCP?").run()
    assert service.asked[0].effort == "deep"


def test_the_state_of_the_model_is_in_sight_and_problems_are_counted(service, page, shown):
    service.notes = [note("tcp.md", "TCP")]
    service.status.checks = [
        Check(name="model", status="building", detail="engine is being built"),
        Check(name="embedder", status="problem", detail="missing", remedy="Run this."),
    ]
    text = shown(page())
    assert "engine is being built" in text
    assert "Needs attention: 1" in text
    assert "Run this." in text
