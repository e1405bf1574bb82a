import pytest
from samples import note, problem

from terakoya.api import IngestReport


def test_an_empty_store_says_how_to_begin_and_offers_it(service, page, shown):
    app = page()
    assert "Begin with your notes" in shown(app)
    assert app.main.file_uploader
    assert not app.chat_input


def test_a_folder_is_read_and_problems_are_listed_by_name(service, page, settle, shown, tmp_path):
    service.report = IngestReport(added=["new.md"], problems=[problem("broken.md", "It is not text.")])
    app = page()
    app.text_input(key="folder").set_value(str(tmp_path))
    next(button for button in app.form_submit_button if button.label == "Read this folder").click().run()
    settle(app, lambda: bool(app.success))
    assert service.ingested == [str(tmp_path)]
    assert app.success[0].value.startswith("1 added")
    assert app.success[0].value.endswith("Not read in full: 1")
    assert "**broken.md**" in shown(app)
    assert "It is not text." in shown(app)
    assert "ingest" not in app.query_params
    assert app.chat_input


@pytest.mark.parametrize("copied", ['"{}"', "'{}'", "file://{}", " {} \n"])
def test_a_path_may_be_pasted_as_other_programs_copy_it(service, page, settle, tmp_path, copied):
    folder = tmp_path / "ノート 2026"
    folder.mkdir()
    typed = folder.as_uri()[7:] if copied.startswith("file") else str(folder)
    app = page()
    app.text_input(key="folder").set_value(copied.format(typed))
    next(button for button in app.form_submit_button if button.label == "Read this folder").click().run()
    settle(app, lambda: bool(app.success))
    assert service.ingested == [str(folder)]


@pytest.mark.parametrize("typed", ["notes", "~nobody-of-that-name/notes"])
def test_a_relative_folder_is_refused_with_a_sentence(service, page, typed):
    app = page()
    app.text_input(key="folder").set_value(typed)
    next(button for button in app.form_submit_button if button.label == "Read this folder").click().run()
    assert "is not a full path" in app.warning[0].value
    assert service.ingested == []


def test_uploaded_files_reach_the_service(service, page, settle):
    app = page()
    app.file_uploader[0].upload("new.md", "# 新しい\n".encode()).run()
    app.button(key="upload").click().run()
    settle(app, lambda: bool(app.success))
    assert service.uploads == {"new.md": "# 新しい\n".encode()}


def test_notes_are_listed_with_passages_language_and_repair(service, page, shown):
    service.notes = [note("細胞.md", "細胞", language="ja", repair="utf-8 read as cp932")]
    text = shown(page())
    assert "細胞.md" in text
    assert "passages: 3 · 日本語" in text
    assert ":material/healing: repaired" in text
    assert "cp932" not in text, "there is no room in the side bar; the opened note tells it"


def test_many_notes_come_a_page_at_a_time_and_can_be_found(service, page):
    service.notes = [note(f"n{number}.md", f"title {number}") for number in range(500)]
    app = page()
    assert len([button for button in app.sidebar.button if button.key.startswith("notebutton_")]) == 12
    app.text_input(key="filter").set_value("TITLE 499").run()
    assert [button.label for button in app.sidebar.button if button.key.startswith("notebutton_")] == [
        "n499.md"
    ]


def test_problems_of_a_note_are_counted_in_the_list_and_told_where_it_is_open(service, page, shown):
    service.notes = [
        note("cell.md", "Cell", problems=["The picture `a.png` is not there.", "Another one."]),
        note("sound.md", "Sound"),
    ]
    service.texts = {"cell.md": "# Cell\n", "sound.md": "# Sound\n"}
    app = page()
    badges = [caption.value for caption in app.sidebar.caption if caption.value.startswith("passages")]
    assert ["problems: 2" in badge for badge in badges] == [True, False]
    app.button(key="notebutton_0").click().run()
    assert "problems: 2" in shown(app)
    assert "The picture `a.png` is not there." in shown(app)
    app.button(key="notebutton_1").click().run()
    assert "The picture" not in shown(app)
    assert not app.exception


def test_a_file_that_was_not_kept_is_named(service, page, settle, shown):
    service.report = IngestReport(
        added=["new.md"], problems=[problem("bad.md", "It is not text.")], dropped=["bad.md"]
    )
    app = page()
    app.file_uploader[0].upload("bad.md", b"\0").run()
    app.button(key="upload").click().run()
    settle(app, lambda: bool(app.success))
    assert "Not kept, as nothing could be read: bad.md" in shown(app)


def test_an_upload_can_be_removed_where_a_note_of_it_is_open_and_a_folders_note_cannot(service, page, shown):
    service.notes = [
        note("notes/cell.md", "Cell"),
        note("uploads/week.zip/a.md", "A", upload="uploads/week.zip"),
        note("uploads/week.zip/b.md", "B", upload="uploads/week.zip"),
    ]
    service.texts = {each.source: "# Text\n" for each in service.notes}
    app = page()
    app.button(key="notebutton_0").click().run()
    assert "Remove this upload" not in shown(app)
    app.button(key="notebutton_1").click().run()
    assert "uploads/week.zip" in shown(app)
    app.button(key="note_remove").click().run()
    assert [each.source for each in service.notes] == ["notes/cell.md"]
    assert not app.exception
    assert "uploads/week.zip" not in shown(app)
    assert [toast.value for toast in app.toast] == ["uploads/week.zip was removed."]


def test_a_note_that_holds_nothing_is_not_offered_to_be_asked_about(service, page):
    service.notes = [note("a.md", "Algebra"), note("b.md", "Blank").model_copy(update={"chunks": 0})]
    app = page()
    assert [button.label for button in app.button if button.key.startswith("about_")] == [
        "Ask about: Algebra"
    ]


def test_streamlit_s_own_words_are_in_the_reader_s_language(service, page):
    drawn = page(lang="ja")._tree[2]  # Streamlit keeps what is style alone outside of the page
    style = next(element.value for element in drawn if "{--tk-choose" in getattr(element, "value", ""))
    assert '--tk-choose: "ファイルを選ぶ";' in style
    assert '--tk-limit: "1 件 ' in style
