import json
from pathlib import Path
from typing import Any

import pytest
from langfuse import Langfuse

from app.langfuse.datasets import Plan, Side, carry_out, draft, plan
from app.langfuse.items import item_id
from app.langfuse.project import Project
from app.tracing.masking import Masker
from app.tracing.standin import StandIn
from evals.importers import Options, write_draft
from evals.suite import load_suite
from evals.suite_file import read_cases
from terakoya.errors import BadInput, NotFound, Unavailable


def sync(project: Project, suite: Path, prefer: Side | None = None) -> Plan:
    made = plan(project, suite, prefer=prefer)
    carry_out(project, suite, made)
    return made


def edit(sdk: Langfuse, case: str, **changes: Any) -> str:
    """Changes a case's item as a person does on the page of the dataset."""
    (item,) = [item for item in sdk.get_dataset("small").items if item.metadata["case"] == case]
    given = {"input": item.input, "expected_output": item.expected_output, "metadata": item.metadata}
    sdk.create_dataset_item(dataset_name="small", id=item.id, **{**given, **changes})
    return item.id


def write_over(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def test_every_case_becomes_one_item_that_says_the_same(project: Project, suite: Path, sdk: Langfuse) -> None:
    assert set(sync(project, suite).push) == {"heat", "four", "tokyo"}
    items = {item.metadata["case"]: item for item in sdk.get_dataset("small").items}
    assert items["four"].input == {"question": "4"}
    assert items["four"].expected_output == {"answers": ["4"]}
    assert items["heat"].expected_output["passages"] == [{"source": "tea.md", "text": "Green tea: 80 C"}]
    assert [m["content"] for m in items["tokyo"].input["messages"]] == ["緑茶とは?", "東京の人口は?"]
    assert items["tokyo"].expected_output == {"answerable": False}


def test_a_second_time_changes_nothing(project: Project, suite: Path, server: StandIn) -> None:
    sync(project, suite)
    before, content = dict(server.kept.items), suite.read_bytes()
    again = sync(project, suite)
    assert (again.push, again.pull, again.same) == ({}, {}, 3)
    assert (server.kept.items, suite.read_bytes()) == (before, content)


def test_what_changed_on_one_side_goes_to_the_other(project: Project, suite: Path, sdk: Langfuse) -> None:
    sync(project, suite)
    write_over(suite, '["80 C"]', '["80 C", "green"]')
    edit(sdk, "four", expected_output={"answers": ["4", "four"]})
    made = sync(project, suite)
    assert (set(made.push), set(made.pull), made.same) == ({"heat"}, {"four"}, 1)
    assert read_cases(suite)["four"]["answers"] == ["4", "four"]
    (heat,) = [item for item in sdk.get_dataset("small").items if item.metadata["case"] == "heat"]
    assert heat.expected_output["expected"] == ["80 C", "green"]
    assert plan(project, suite).same == 3


def test_every_other_line_of_the_suite_stays(project: Project, suite: Path, sdk: Langfuse) -> None:
    sync(project, suite)
    before = suite.read_text(encoding="utf-8").splitlines()
    sdk.create_dataset_item(
        dataset_name="small", id="new", input="緑茶は何度?", expected_output={"expected": ["80 度"]}
    )
    sync(project, suite)
    after = suite.read_text(encoding="utf-8").splitlines()
    new = [line for line in after if line not in before]
    assert [line for line in after if line not in new] == before
    assert new == [
        "  - id: new",
        '    question: "緑茶は何度?"',
        "    language: ja",
        '    expected: ["80 度"]',
    ]
    assert load_suite(suite).cases[-1].id == "new"


def test_an_item_of_the_page_keeps_its_id_and_does_not_come_twice(
    project: Project, suite: Path, sdk: Langfuse
) -> None:
    sync(project, suite)
    sdk.create_dataset_item(dataset_name="small", id="cm1", input="Hot?", expected_output="80 C")
    sync(project, suite)
    write_over(suite, "Hot?", "How hot?")
    assert set(sync(project, suite).push) == {"cm1"}
    assert sorted(item.id == "cm1" for item in sdk.get_dataset("small").items) == [False] * 3 + [True]


def test_a_case_that_both_sides_changed_waits_for_a_decision(
    project: Project, suite: Path, sdk: Langfuse
) -> None:
    sync(project, suite)
    write_over(suite, '["80 C"]', '["80 C", "green"]')
    edit(sdk, "heat", expected_output={"expected": ["80 C", "tea"]})
    content = suite.read_bytes()
    assert sync(project, suite).conflicts == ("heat",)
    assert suite.read_bytes() == content
    assert set(sync(project, suite, "dataset").pull) == {"heat"}
    assert read_cases(suite)["heat"]["expected"] == ["80 C", "tea"]
    assert plan(project, suite).same == 3


def test_a_case_taken_out_of_the_suite_does_not_come_back_by_itself(
    project: Project, suite: Path, sdk: Langfuse
) -> None:
    sync(project, suite)
    write_over(suite, '  - id: four\n    question: "4"\n    answers: ["4"]\n    tags: [odd]\n', "")
    assert sync(project, suite).removed == ("four",)
    assert set(sync(project, suite, "suite").archive) == {"four"}
    assert "four" not in {item.metadata["case"] for item in sdk.get_dataset("small").items}
    assert sdk.api.dataset_items.get(item_id("small", "four")).status == "ARCHIVED"
    last = plan(project, suite)
    assert (last.removed, last.left_out) == ((), {})


def test_an_item_that_was_archived_stays_so_until_the_suite_is_preferred(
    project: Project, suite: Path, sdk: Langfuse
) -> None:
    sync(project, suite)
    edit(sdk, "four", status="ARCHIVED")
    made = sync(project, suite)
    assert (made.push, made.same, made.left_out) == ({}, 2, {"set_aside": 1})
    assert made.items["four"] == item_id("small", "four")  # an experiment still names it
    assert read_cases(suite)["four"]["answers"] == ["4"]
    assert set(sync(project, suite, "suite").push) == {"four"}
    assert plan(project, suite).same == 3


@pytest.mark.parametrize("name", ["<b>small</b>", "/small", "small/", "a//b"])
def test_a_name_that_no_dataset_can_have_is_said(project: Project, suite: Path, name: str) -> None:
    with pytest.raises(BadInput, match="400, Invalid request data; name: "):
        carry_out(project, suite, plan(project, suite, dataset=name))


def test_an_item_that_the_notes_do_not_bear_out_stops_no_other(
    project: Project, suite: Path, sdk: Langfuse
) -> None:
    sync(project, suite)
    passages = {"passages": [{"source": "coffee.md"}]}
    sdk.create_dataset_item(dataset_name="small", id="x", input="?", expected_output=passages)
    sdk.create_dataset_item(dataset_name="small", id="y", input="Tea?", expected_output="80 C")
    made = sync(project, suite)
    assert (set(made.pull), made.left_out) == ({"y"}, {"unusable": 1})


def test_a_dataset_becomes_a_suite_that_is_in_step_with_it(
    project: Project, suite: Path, tmp_path: Path
) -> None:
    sync(project, suite)
    made = tmp_path / "other" / "small.yaml"
    write_draft(draft(project, "small", Options(notes=tmp_path / "notes")), made)
    assert read_cases(made) == read_cases(suite)
    assert plan(project, made).same == 3


def test_a_dataset_that_is_not_there_is_named(project: Project, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="`nothing`"):
        draft(project, "nothing", Options(notes=tmp_path))


def test_a_dataset_of_many_pages_is_read_whole(project: Project, suite: Path, server: StandIn) -> None:
    cases = "".join(f"  - {{id: c{n}, question: Q{n}, expected: [x]}}\n" for n in range(120))
    suite.write_text(f"name: many\nnotes: notes\ncases:\n{cases}", encoding="utf-8")
    assert len(sync(project, suite).push) == 120
    assert plan(project, suite).same == 120


@pytest.mark.parametrize("fault", [500, 429, "drop"])
def test_a_server_that_is_away_is_said_and_nothing_is_written(
    project: Project, suite: Path, server: StandIn, fault: Any
) -> None:
    server.fault = fault
    content = suite.read_bytes()
    with pytest.raises(Unavailable, match=server.url):
        sync(project, suite)
    assert suite.read_bytes() == content


def test_what_the_server_refuses_is_bad_input(project: Project, suite: Path, server: StandIn) -> None:
    server.faults["/api/public/dataset-items"] = 400
    with pytest.raises(BadInput, match="HTTP 400"):
        sync(project, suite)


def test_half_a_push_is_finished_by_the_next_one(project: Project, suite: Path, server: StandIn) -> None:
    made = plan(project, suite)
    half = Plan(dataset=made.dataset, push={"heat": made.push["heat"]}, items=made.items)
    carry_out(project, suite, half)
    assert set(sync(project, suite).push) == {"four", "tokyo"}
    assert len(server.kept.items) == 3


SECRET = Masker([r"kestrel-\d+"])
WITHHELD = Masker(withhold=True)
PRIVATE = """\
name: small
notes: notes
cases:
  - id: mail
    question: "What did jo@example.com write of kestrel-7?"
    expected: ["80 C"]
    tags: [jo@example.com]
    passages: [{source: tea.md, text: "Green tea: 80 C"}]
"""


@pytest.mark.parametrize("masker", [SECRET, WITHHELD])
def test_what_is_masked_in_traces_is_masked_in_items_and_stays_in_the_file(
    project: Project, server: StandIn, suite: Path, masker: Masker
) -> None:
    suite.write_text(PRIVATE, encoding="utf-8")
    carry_out(project, suite, plan(project, suite, masker=masker), masker=masker)
    (item,) = server.kept.items.values()
    told = json.dumps(item, ensure_ascii=False)
    assert "jo@example.com" not in told
    assert "kestrel-7" not in told
    assert ("Green tea" in told) is (masker is SECRET)
    again = plan(project, suite, masker=masker)
    assert (again.same, again.push, again.pull, again.conflicts) == (1, {}, {}, ())
    assert suite.read_text(encoding="utf-8") == PRIVATE


def test_masks_of_a_changed_item_never_replace_the_words_of_the_file(
    project: Project, server: StandIn, suite: Path
) -> None:
    suite.write_text(PRIVATE, encoding="utf-8")
    carry_out(project, suite, plan(project, suite, masker=SECRET), masker=SECRET)
    (item,) = server.kept.items.values()
    item["expectedOutput"] = {**item["expectedOutput"], "expected": ["81 C"]}
    made = plan(project, suite, masker=SECRET)
    assert (made.conflicts, made.pull, made.push) == (("mail",), {}, {})
    suite.write_text(PRIVATE.replace('80 C"]', '82 C"]'), encoding="utf-8")
    assert plan(project, suite, masker=SECRET).conflicts == ("mail",)


def test_another_rule_of_masking_sends_the_items_that_it_changes_again(
    project: Project, server: StandIn, suite: Path
) -> None:
    suite.write_text(PRIVATE, encoding="utf-8")
    carry_out(project, suite, plan(project, suite))
    assert "kestrel-7" in json.dumps(list(server.kept.items.values()))
    made = plan(project, suite, masker=SECRET)
    assert list(made.push) == ["mail"]
    carry_out(project, suite, made, masker=SECRET)
    assert "kestrel-7" not in json.dumps(list(server.kept.items.values()))
