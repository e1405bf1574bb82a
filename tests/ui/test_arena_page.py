"""The arena of the page: two answers, a vote, and only then the names."""

from samples import note


def arena(service, page, **address):
    service.notes = [note("tcp.md", "TCP")]
    return page(view="arena", **address)


def ask(app, question="Which keeps order?", second="answers.support=0.5"):
    app.text_input("arena_second").set_value(second)
    app.text_input("arena_asked").set_value(question)
    (go,) = [button for button in app.button if button.label == "Ask both"]
    return go.click().run()


def test_the_side_bar_leads_there_and_back(service, page, shown) -> None:
    service.notes = [note("tcp.md", "TCP")]
    app = page()
    app.button("arena").click().run()
    assert "Compare two settings" in shown(app)
    app.button("arena").click().run()
    assert "Compare two settings" not in shown(app)


def test_a_new_conversation_leaves_the_arena(service, page, shown) -> None:
    app = arena(service, page)
    app.button("new_thread").click().run()
    assert "Compare two settings" not in shown(app)


def test_names_come_with_the_vote_and_not_before(service, page, shown) -> None:
    app = ask(arena(service, page))
    assert not app.exception
    assert "Answer left" in shown(app)
    assert "quote right" in shown(app)
    assert "B · as it is" not in shown(app)
    assert not app.dataframe
    app.button("arena_vote_b").click().run()
    assert service.votes == ["d1 b"]
    assert "B · as it is" in shown(app)
    assert "Your vote: B is better." in shown(app)
    assert "arena_vote_a" not in [button.key for button in app.button]
    assert app.dataframe[0].value["Points"].tolist() == [1050]
    assert (service.duels[0].first, service.duels[0].second) == ("", "answers.support=0.5")


def test_models_can_be_chosen_where_there_are_some(service, page, shown) -> None:
    service.arena_models = ["/models/small.gguf", "big", "none"]
    app = arena(service, page)
    first = app.selectbox("arena_model_first")
    assert first.options == ["as it is", "small", "big", "none: quotes alone"]
    first.set_value("big")
    app.selectbox("arena_model_second").set_value("none")
    ask(app, second="passages=4")
    assert (service.duels[0].first, service.duels[0].second) == ("model=big", "model=none passages=4")


def test_without_models_there_is_nothing_to_choose(service, page) -> None:
    assert len(arena(service, page).selectbox) == 0


def test_the_same_answers_are_not_voted_on(service, page, shown) -> None:
    app = ask(arena(service, page), question="the same?")
    assert "nothing to vote on" in shown(app)
    assert "arena_vote_a" not in [button.key for button in app.button]


def test_a_setting_that_is_none_is_told_and_the_page_goes_on(service, page, shown) -> None:
    app = ask(arena(service, page), second="nonsense")
    assert "sets nothing" in shown(app)
    assert "Answer left" in shown(ask(app))
    assert "sets nothing" not in shown(app)


def test_a_vote_that_comes_too_late_is_told(service, page, shown) -> None:
    app = ask(arena(service, page))
    service.votes.append("another tab")
    app.button("arena_vote_tie").click().run()
    assert "No such pair" in shown(app)


def test_it_speaks_japanese(service, page, shown) -> None:
    app = arena(service, page, lang="ja")
    assert "2 つの設定を比べる" in shown(app)
    assert "両方に聞く" in shown(app)


def test_without_a_question_the_page_says_what_is_missing(service, page, shown) -> None:
    app = ask(arena(service, page), question=" ")
    assert [warning.value for warning in app.warning] == ["Write a question first."]
    assert service.duels == []
