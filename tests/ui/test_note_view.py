"""A note that is opened: the cited lines are marked, and it leads to related passages."""

import pytest
from samples import QUESTION, QUOTE, answer, ask, citation, hit, note


def test_a_click_on_a_source_opens_the_note_with_the_lines_marked(service, page, settle):
    service.notes = [note("tcp.md", "TCP")]
    service.texts["tcp.md"] = f"# TCP\n<img src=x onerror=alert(1)>\n{QUOTE}\nlast\n"
    service.replies[QUESTION] = answer()
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    next(button for button in app.button if "tcp.md:3" in button.label).click().run()
    drawn = next(element.value for element in app.html if 'class="tk-note"' in element.value)
    assert '<span class="tk-number">3</span><mark class="tk-text">- slow start' in drawn
    assert drawn.count("tk-cited") == 1
    assert "&lt;img src=x onerror=alert(1)&gt;" in drawn
    assert "<img" not in drawn


def test_the_question_s_terms_stand_out_in_the_quote_and_in_the_opened_note(service, page, settle):
    quote = "a <b>slow</b> start\nand a slow end"
    spans = [(5, 9), (9, 11), (26, 30)]
    cited = citation(quote, line=2).model_copy(update={"marks": spans})
    service.notes = [note("tcp.md", "TCP")]
    service.texts["tcp.md"] = f"# TCP\n{quote}\nslow\n"
    service.replies[QUESTION] = answer(citations=[cited])
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    assert any("and a :orange-background[slow] end" in element.value for element in app.markdown)
    next(button for button in app.button if "tcp.md:2-3" in button.label).click().run()
    drawn = next(element.value for element in app.html if 'class="tk-note"' in element.value)
    assert (
        'a &lt;b&gt;<mark class="tk-term">slow</mark><mark class="tk-term">&lt;/</mark>b&gt; start' in drawn
    )
    assert 'and a <mark class="tk-term">slow</mark> end' in drawn
    assert drawn.count("tk-term") == len(spans)


def test_of_a_note_that_has_changed_since_only_the_lines_are_marked(service, page, settle):
    cited = citation("slow start", line=2).model_copy(update={"marks": [(0, 4)]})
    service.notes = [note("tcp.md", "TCP")]
    service.texts["tcp.md"] = "# TCP\nanother line\n"
    service.replies[QUESTION] = answer(citations=[cited])
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    next(button for button in app.button if "tcp.md:2" in button.label).click().run()
    drawn = next(element.value for element in app.html if 'class="tk-note"' in element.value)
    assert "tk-cited" in drawn
    assert "tk-term" not in drawn


def test_below_an_opened_note_related_passages_lead_to_their_notes(service, page, settle):
    service.notes = [note("tcp.md", "TCP")]
    service.texts |= {"tcp.md": f"# TCP\n\n{QUOTE}\n", "udp.md": "# UDP\n\n\nno order\n"}
    near, far = hit("udp.md", line=4, heading="*UDP*"), hit("far.md", score=0.2)
    service.related[("tcp.md", 3)] = [near, far]
    service.replies[QUESTION] = answer()
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    next(button for button in app.button if "tcp.md:3" in button.label).click().run()
    labels = [button.label for button in app.button if (button.key or "").startswith("related_")]
    assert labels == ["**udp.md:4** · \\*UDP\\*"]
    next(button for button in app.button if button.key == "related_0").click().run()
    drawn = next(element.value for element in app.html if 'class="tk-note"' in element.value)
    assert '<mark class="tk-text">no order</mark>' in drawn
    assert not [button for button in app.button if (button.key or "").startswith("related_")]


def test_passages_that_are_hardly_near_are_not_shown_as_related(service, page):
    service.notes = [note("tcp.md", "TCP")]
    service.texts["tcp.md"] = "# TCP\n"
    service.related[("tcp.md", None)] = [hit("cooking.md", score=0.12)]
    app = page()
    next(button for button in app.button if button.label == "tcp.md").click().run()
    assert not [button for button in app.button if (button.key or "").startswith("related_")]


@pytest.mark.parametrize(
    ("repair", "told"),
    [
        ("utf-8 read as cp932", "UTF-8 を cp932 として読んだもの"),
        ("utf-8 read as cp932, bytes lost", "一部の文字は推測です"),
        ("invalid bytes replaced", "その位置に � を表示"),
    ],
)
def test_an_opened_note_says_what_was_repaired(service, page, repair, told):
    service.notes = [note("tcp.md", "TCP", repair=repair)]
    service.texts["tcp.md"] = "# TCP\n"
    app = page(lang="ja")
    next(button for button in app.button if button.label == "tcp.md").click().run()
    assert any(told in caption.value for caption in app.caption)


def test_of_a_long_note_only_the_surroundings_are_drawn_until_all_is_asked_for(service, page, settle):
    service.notes = [note("tcp.md", "TCP")]
    service.texts["tcp.md"] = "\n".join(f"line {number}" for number in range(1, 1001))
    service.replies[QUESTION] = answer(citations=[citation("line 500", line=500)])
    app = page()
    ask(app)
    settle(app, lambda: len(app.feedback) == 1)
    next(button for button in app.button if "tcp.md:500" in button.label).click().run()
    drawn = next(element.value for element in app.html if 'class="tk-note"' in element.value)
    assert "line 500<" in drawn
    assert "line 700<" not in drawn
    app.button(key="note_whole").click().run()
    drawn = next(element.value for element in app.html if 'class="tk-note"' in element.value)
    assert "line 1<" in drawn
    assert "line 1000<" in drawn
