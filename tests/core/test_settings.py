"""What is set from outside, and which of several sources counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from steno import settings
from steno.errors import InvalidValue
from steno.settings import Settings


def test_nothing_set_means_the_defaults():
    assert settings.load({}) == Settings()


def test_a_variable_sets_the_field_of_its_name():
    found = settings.load({"STENO_FLUSH_INTERVAL_S": "0.25", "STENO_EXIT_TIMEOUT_S": "3", "STENO_JOURNAL_DIR": "/j"})
    assert (found.flush_interval_s, found.exit_timeout_s, found.journal_dir) == (0.25, 3.0, "/j")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("TRUE", True), ("1", True), ("False", False), ("0", False)]
)
def test_a_switch_is_read_in_any_case(text, value):
    assert settings.load({"STENO_STRICT": text}).strict is value
    assert settings.load({"MLFLOW_TRUNCATE_LONG_VALUES": text}).truncate_long_values is value


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        ("MLFLOW_TRACKING_URI", "tracking_uri"),
        ("MLFLOW_REGISTRY_URI", "registry_uri"),
        ("MLFLOW_EXPERIMENT_NAME", "experiment_name"),
        ("MLFLOW_EXPERIMENT_ID", "experiment_id"),
        ("MLFLOW_RUN_ID", "run_id"),
        ("MLFLOW_RUN_CONTEXT", "run_context"),
        ("MLFLOW_TRACKING_USERNAME", "username"),
    ],
)
def test_mlflows_variable_counts_where_stenos_is_not_set(variable, field):
    assert getattr(settings.load({variable: "theirs"}), field) == "theirs"
    assert getattr(settings.load({variable: "theirs", f"STENO_{field.upper()}": "ours"}), field) == "ours"


@pytest.mark.parametrize("variable", ["RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "LOCAL_RANK"])
def test_the_rank_is_the_launchers(variable):
    assert settings.load({variable: "3"}).rank == 3
    assert settings.load({variable: "3", "STENO_RANK": "0"}).rank == 0


def test_an_empty_variable_counts_as_not_set():
    assert settings.load({"STENO_TRACKING_URI": " ", "MLFLOW_TRACKING_URI": "theirs"}).tracking_uri == "theirs"


def test_a_file_in_the_folder_or_above_it_is_read_and_variables_win(tmp_path):
    (tmp_path / "steno.toml").write_text('tracking_uri = "sqlite:///f.db"\nexit_timeout_s = 2\nstrict = true\n')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    found = settings.load({"STENO_EXIT_TIMEOUT_S": "5"}, deep)
    assert (found.tracking_uri, found.exit_timeout_s, found.strict) == ("sqlite:///f.db", 5.0, True)


def test_an_unknown_name_in_the_file_is_refused_with_those_there_are(tmp_path):
    (tmp_path / "steno.toml").write_text("traking_uri = 'x'\n")
    with pytest.raises(InvalidValue, match=r"traking_uri.*known: tracking_uri"):
        settings.load({}, tmp_path)


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "steno.toml").write_bytes(content)
    with pytest.raises(InvalidValue, match=r"steno\.toml"):
        settings.load({}, tmp_path)


@pytest.mark.parametrize(
    ("variable", "text"), [("STENO_EXIT_TIMEOUT_S", "soon"), ("RANK", "x"), ("STENO_STRICT", "maybe")]
)
def test_a_value_of_the_wrong_kind_is_refused_with_the_variables_name(variable, text):
    with pytest.raises(InvalidValue, match=f"{variable}='{text}'"):
        settings.load({variable: text})


def test_the_origin_of_a_setting_is_known():
    assert settings.origin_of("tracking_uri", {"STENO_TRACKING_URI": "a"}) == "STENO_TRACKING_URI"
    assert settings.origin_of("tracking_uri", {"MLFLOW_TRACKING_URI": "a"}) == "MLFLOW_TRACKING_URI"
    assert settings.origin_of("tracking_uri", {}) == "default"
    Path("steno.toml").write_text("tracking_uri = 'a'\n")
    assert settings.origin_of("tracking_uri", {}) == "steno.toml"


def test_a_shared_setting_is_seen_by_child_processes_until_it_is_taken_back():
    settings.share("experiment_id", "7")
    assert (os.environ["STENO_EXPERIMENT_ID"], settings.load().experiment_id) == ("7", "7")
    settings.share("experiment_id", None)
    assert "STENO_EXPERIMENT_ID" not in os.environ


def test_a_run_id_is_taken_from_both_its_variables(monkeypatch):
    monkeypatch.setenv("STENO_RUN_ID", "a")
    monkeypatch.setenv("MLFLOW_RUN_ID", "b")
    settings.take_run_id()
    assert settings.load().run_id is None
