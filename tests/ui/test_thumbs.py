"""Thumbs, comments, and the test that a complaint becomes."""

from samples import QUESTION, answer, ask, note

from terakoya.api import PlaceModel


def test_a_thumb_reaches_the_service_and_stays(service, page, settle):
    service.notes = [note("tcp.md", "TCP")]
    service.replies[QUESTION] = answer()
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    app.feedback[0].set_value(1).run()
    app.run()
    assert [given.value for given in service.feedback] == [1]
    assert app.feedback[0].value == 1
    reloaded = page(**app.query_params)
    assert reloaded.feedback[0].value == 1


def test_a_thumb_down_can_carry_a_comment(service, page, settle, shown):
    service.notes = [note("tcp.md", "TCP")]
    service.replies[QUESTION] = answer()
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    app.feedback[0].set_value(0).run()
    next(field for field in app.text_input if "optional" in field.label).set_value("Wrong line.")
    next(button for button in app.form_submit_button if button.label == "Send comment").click().run()
    assert [(given.value, given.comment) for given in service.feedback] == [(0, ""), (0, "Wrong line.")]
    assert "Your comment was sent." in shown(app)


def test_a_thumb_down_becomes_a_test_with_one_more_click(service, page, settle, shown):
    service.notes = [note("tcp.md", "TCP")]
    service.replies[QUESTION] = answer()
    service.places = [PlaceModel(place="tcp.md:7", text="- *ssthresh*"), PlaceModel(place="a.md:1", text="b")]
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    app.feedback[0].set_value(0).run()
    next(button for button in app.button if button.label == "Make it a test").click().run()
    assert [(case.passages, case.expected, case.unanswerable) for case in service.cases] == [
        (["tcp.md:7"], [], False)
    ]
    assert "Now a test: complaints.yaml, line 5" in shown(app)
    assert "`terakoya eval run complaints`" in shown(app)


def test_a_reader_says_what_a_good_answer_would_have_been(service, page, settle, shown):
    service.notes = [note("tcp.md", "TCP")]
    service.replies[QUESTION] = answer()
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    app.feedback[0].set_value(0).run()
    app.radio[0].set_value("other")
    next(button for button in app.button if button.label == "Make it a test").click().run()
    assert "Write the words that a good answer holds." in shown(app)
    next(field for field in app.text_input if "Words" in field.label).set_value("cwnd | RTT")
    next(button for button in app.button if button.label == "Make it a test").click().run()
    assert [(case.passages, case.expected) for case in service.cases] == [([], ["cwnd", "RTT"])]
