"""`steno runs` on a real store."""

from __future__ import annotations

import csv
import io
import json

import pytest
from steno.queries import RunQuery, ViewType

FIRST, SECOND, THIRD = "aaaa0001", "aaaa0002", "bbbb0003"


def lines_of(result):
    return [line.split() for line in result.stdout.splitlines()]


def test_the_newest_run_is_listed_first(steno, seeded):
    rows = lines_of(steno("runs", "list"))
    assert rows[0] == ["id", "name", "experiment", "status", "started", "took", "loss", "spike", "broken"]
    assert [row[:4] for row in rows[2:]] == [
        [THIRD, "third", "Default", "FINISHED"],
        [SECOND, "second", "vision", "FAILED"],
        [FIRST, "first", "vision", "FINISHED"],
    ]
    assert rows[4][-4:] == ["1m", "05s", "0.1", "1"]


def test_a_list_says_that_there_are_more(steno, seeded):
    result = steno("runs", "list", "-n", "2")
    assert len(lines_of(result)) == 4
    assert "there are more" in result.stderr
    assert "there are more" not in steno("runs", "list", "-n", "3").output


def test_an_experiment_is_named_by_name_or_id(steno, seeded):
    by_name = steno("runs", "list", "-e", "vision").stdout
    assert by_name == steno("runs", "list", "-e", seeded.vision).stdout
    assert "first" in by_name
    assert "third" not in by_name
    assert "vision" not in by_name  # with one experiment its column says nothing


def test_columns_may_be_chosen(steno, seeded):
    rows = lines_of(steno("runs", "list", "-c", "metrics.spike.max, params.lr,tags.team,status,metrics.loss.step"))
    assert rows[0][-5:] == ["spike.max", "lr", "team", "status", "loss.step"]
    assert rows[2][-5:] == ["1000", "0.3", "eyes", "FINISHED", "9"]


def test_search_filters_and_orders(steno_json, seeded):
    found = steno_json("runs", "search", "metrics.spike.max > 999 AND NOT status = 'FAILED'", "-o", "params.lr")
    assert [run["info"]["run_name"] for run in found] == ["first", "third"]


def test_a_filter_that_does_not_parse_is_shown_with_a_pointer(steno, seeded):
    result = steno("runs", "search", "status = FAILED", status=1)
    assert result.stdout == ""
    assert result.stderr.startswith("Error: expected a quoted text, found 'FAILED'; texts need quotes: 'FAILED'")
    assert result.stderr.endswith("  status = FAILED\n           ^\n")


def test_nothing_found_is_said_and_is_an_empty_list_for_programs(steno, steno_json, seeded):
    assert steno("runs", "search", "params.lr = '7'").stdout == "no runs\n"
    assert steno_json("runs", "search", "params.lr = '7'") == []


@pytest.mark.parametrize("name", [FIRST, "0" * 24 + FIRST, "first", "0001"])
def test_a_run_is_found_by_id_part_of_an_id_or_name(steno_json, seeded, name):
    assert steno_json("runs", "show", name)["info"]["run_name"] == "first"


def test_an_ambiguous_run_is_an_error_that_lists_them(steno, seeded):
    error = steno("runs", "show", "0000", status=1).stderr
    assert "may mean several runs" in error
    assert all(name in error for name in ["(first)", "(second)", "(third)"])


@pytest.mark.parametrize("name", ["nope", "%", "_" * 32, "x' OR run_id LIKE '%"])
def test_an_unknown_run_is_an_error_in_one_line(steno, seeded, name):
    error = steno("runs", "show", name, status=1).stderr
    assert "no run has the id or name" in error
    assert error.count("\n") == 1


def test_show_has_the_whole_run(steno, seeded):
    page = steno("runs", "show", "second").stdout
    rows = [line.split() for line in page.splitlines()]
    assert ["status", "FAILED"] in rows
    assert ["experiment", "vision"] in rows
    assert ["source", "train.py"] in rows
    assert ["lr", "0.2"] in rows
    assert ["team", "eyes"] in rows
    assert ["digits", "d1", "training"] in rows
    assert ["m-1", "9"] in rows
    loss = next(row for row in rows if row[:1] == ["loss"])
    assert loss[:-1] == ["loss", "1.1", "1.1", "9", "2", "0", "10"]
    spike = next(row for row in rows if row[:1] == ["spike"])
    assert spike[-1] == "▁█▁"


def test_show_without_a_run_takes_the_newest(steno_json, seeded):
    assert steno_json("runs", "show")["info"]["run_name"] == "third"


def test_system_tags_are_shown_on_request(steno, seeded):
    assert "mlflow.runName" not in steno("runs", "show", "first").stdout
    assert "mlflow.runName" in steno("runs", "show", "first", "--all-tags").stdout


def test_json_has_texts_for_the_numbers_that_json_lacks(steno, seeded):
    data = json.loads(steno("runs", "show", "third", "--json").stdout, parse_constant=pytest.fail)
    assert data["data"]["metrics"]["broken"] == "NaN"
    assert data["data"]["summaries"]["spike"]["max"] == 1000.0


def test_compare_shows_what_differs(steno, steno_json, seeded):
    compared = steno_json("runs", "compare", "first", "second")
    assert compared["params"] == {"lr": ["0.1", "0.2"]}
    assert compared["metrics"] == {"loss": [0.1, 1.1]}
    assert compared["attributes"]["status"] == ["FINISHED", "FAILED"]
    assert "optimizer" not in steno("runs", "compare", "first", "second").stdout
    everything = steno_json("runs", "compare", "first", "second", "--all")
    assert everything["params"]["optimizer"] == ["adam", "adam"]


def test_compare_shows_what_only_one_has(steno, steno_json, seeded):
    assert steno_json("runs", "compare", "first", "third")["metrics"]["broken"] == [None, "NaN"]
    assert "nan" in steno("runs", "compare", "first", "third").stdout


def test_comparing_one_run_is_a_usage_error(steno, seeded):
    assert "two runs or more" in steno("runs", "compare", "first", status=2).stderr


def test_delete_and_restore_undo_each_other(steno, steno_json, seeded):
    assert "(first)" in steno("runs", "delete", "first", "second").stdout
    assert [run["info"]["run_name"] for run in steno_json("runs", "list")] == ["third"]
    assert len(steno_json("runs", "list", "--view", "deleted")) == 2
    assert "deleted; `steno runs restore`" in steno("runs", "show", "first").stdout
    assert steno_json("runs", "restore", "first") == {"restored": ["0" * 24 + FIRST]}
    assert len(seeded.store.search_runs(RunQuery(None, view=ViewType.DELETED_ONLY))) == 1


def test_delete_of_several_checks_all_names_first(steno, steno_json, seeded):
    steno("runs", "delete", "first", "nope", status=1)
    assert len(steno_json("runs", "list")) == 3


def test_csv_has_the_columns_of_search_runs(steno, seeded):
    rows = list(csv.DictReader(io.StringIO(steno("runs", "export", "--format", "csv").stdout)))
    assert list(rows[0])[:6] == ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    assert list(rows[0])[6:11] == ["metrics.broken", "metrics.loss", "metrics.spike", "params.lr", "params.optimizer"]
    assert [row["params.lr"] for row in rows] == ["0.3", "0.2", "0.1"]
    assert [row["metrics.broken"] for row in rows] == ["nan", "", ""]
    assert rows[2]["start_time"] == "2023-11-14T22:13:20.000+00:00"


def test_json_export_holds_the_history_on_request(steno, seeded, tmp_path):
    target = tmp_path / "runs.json"
    steno("runs", "export", "-e", "vision", "-f", "status = 'FAILED'", "--history", "-o", target)
    (run,) = json.loads(target.read_text("utf-8"))
    assert run["info"]["run_name"] == "second"
    assert run["history"]["spike"] == {"step": [0, 1, 2], "timestamp": [1_700_000_060_000] * 3, "value": [1, 1000, 1]}
    assert [path.name for path in tmp_path.glob("runs*")] == ["runs.json"]


def test_an_export_that_fails_leaves_the_old_file(steno, seeded, tmp_path):
    target = tmp_path / "kept.json"
    target.write_text("old")
    steno("runs", "export", "nope", "-o", target, status=1)
    assert target.read_text() == "old"
    missing = tmp_path / "missing" / "runs.json"
    assert "No such file" in steno("runs", "export", "-o", missing, status=1).stderr


def test_csv_with_history_is_a_usage_error(steno, seeded):
    steno("runs", "export", "--format", "csv", "--history", status=2)


def test_recorded_text_cannot_reach_the_terminal_as_commands(steno, seeded):
    from steno.records import Batch, RunStart

    evil = "\x1b[2J[bold]x\r\n" + "y" * 500
    seeded.store.write("e" * 32, Batch(start=RunStart("0", evil, 1_800_000_000_000), params={"p": evil}))
    for words in [("list",), ("show", "eeee"), ("compare", "eeee", "first")]:
        output = steno("runs", *words).stdout
        assert "\x1b" not in output
        assert "[2J[bold]x" in output


def test_every_page_is_read(steno_json, seeded, monkeypatch):
    monkeypatch.setattr("steno.cli.lookup.PAGE", 2)
    assert len(steno_json("runs", "list")) == 3
    assert len(steno_json("runs", "list", "-n", "1")) == 1
