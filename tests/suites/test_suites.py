"""The published suites find faults: each broken plugin fails exactly the tests that are about what it breaks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
Outcomes = dict[str, dict[str, set[str]]]

INTEGRATIONS = {
    "draws": "the_process_is_left_as_training_alone_leaves_it",
    "filters": "the_process_is_left_as_training_alone_leaves_it",
    "prints": "the_process_is_left_as_training_alone_leaves_it",
    "sets_verbosity": """
        the_frameworks_own_settings_stay nothing_else_of_the_framework_is_changed_afterwards""",
    "keeps": "nothing_of_a_training_is_kept_in_memory",
    "changes_arguments": "what_the_user_gives_and_gets_is_left_alone",
    "changes_the_model": """
        the_result_is_untouched what_the_user_gives_and_gets_is_left_alone a_store_that_fails_harms_no_training
        a_rank_above_0_records_nothing""",
    "forgives": """
        the_users_error_arrives_unchanged a_training_that_fails_is_a_failed_run a_store_that_fails_harms_no_training
        nothing_is_contained_where_nothing_is_wrong what_the_user_gives_and_gets_is_left_alone""",
    "fails": "nothing_is_contained_where_nothing_is_wrong",
    "asks_the_store": "a_store_that_fails_harms_no_training",
    "sleeps": "without_a_budget_only_what_must_be_is_done",
    "sleeps_untold": "what_recording_costs_is_told",
    "another_run": """
        a_training_is_a_finished_run_of_this_integration in_a_run_of_the_users_nothing_else_begins
        a_run_says_what_was_trained trainings_one_after_the_other_are_runs_of_their_own
        trainings_in_threads_are_runs_of_their_own trainings_in_tasks_are_runs_of_their_own""",
    "records_nothing": "a_run_says_what_was_trained",
    "ignores_searches": "many_trainings_inside_a_search_are_its_run_alone",
    "forks_a_run": "a_training_in_a_forked_process_is_a_run_of_its_own",
    "leaves_an_attribute": "the_first_training_leaves_no_trace_in_the_framework",
    "replaces": "a_function_stays_the_object_it_is the_users_error_arrives_unchanged",
    "wraps": "a_function_stays_the_object_it_is",
    "spoils_the_model": "a_model_that_is_kept_loads_in_a_clean_process",
    "spoils_the_pickle": """
        pickles_load_where_steno_is_not_installed the_result_is_untouched what_the_user_gives_and_gets_is_left_alone
        a_store_that_fails_harms_no_training a_rank_above_0_records_nothing""",
}
FLAVORS = {
    "pickles": "a_pickle_is_written_only_when_it_is_asked_for",
    "executes": "a_pickle_in_place_of_a_file_is_never_executed asking_what_is_untrusted_executes_nothing",
    "follows_links": "a_link_out_of_the_folder_is_never_followed a_file_outside_the_folder_is_never_read",
    "requires_nothing": "requirements_name_the_packages_with_their_versions",
    "leaves_files": "a_failed_save_leaves_nothing",
    "forgets": """
        a_model_comes_back_with_the_same_predictions a_model_predicts_the_same_in_a_clean_interpreter
        a_model_is_a_function_with_a_checked_signature threads_may_save_at_once""",
    "needs_more": "a_model_predicts_the_same_in_a_clean_interpreter",
    "trusts_all": "a_strangers_type_is_named_and_nothing_is_executed the_flavor_itself_refuses_what_is_not_trusted",
    "trusts_quietly": "the_flavor_itself_refuses_what_is_not_trusted",
    "draws_as_it_saves": "saving_leaves_the_process_as_it_was",
    "runs_code": "code_that_came_with_a_model_is_not_run",
}
STORES = {
    "LosesAPoint": """
        a_series_grows_in_the_order_it_was_logged history_comes_in_pages buckets_lose_no_extreme
        buckets_of_a_range_of_steps_hold_that_range_only buckets_look_past_nan_and_keep_infinities""",
    "DoublesOnReplay": """
        a_repeated_token_changes_nothing a_token_that_overlaps_is_stale_and_says_where_to_go_on
        closing_forgets_neither_data_nor_tokens""",
    "ForgetsTheToken": """
        closing_forgets_neither_data_nor_tokens a_token_that_overlaps_is_stale_and_says_where_to_go_on""",
    "HidesAnExtreme": """
        buckets_lose_no_extreme buckets_of_a_range_of_steps_hold_that_range_only
        buckets_look_past_nan_and_keep_infinities""",
    "OrdersWithinPages": "pages_hold_every_run_once_and_end",
    "WritesByHalves": "a_batch_that_fails_leaves_nothing_behind",
    "ForgetsTheDataset": """
        points_are_of_their_model_with_run_step_and_dataset a_condition_on_metrics_holds_on_the_datasets_asked_for
        models_are_ordered_by_attributes_and_metrics_and_what_they_lack_comes_last""",
    "NamesThePlace": """
        each_model_has_a_place_of_its_own_below_its_experiment a_batch_makes_a_model_of_its_run
        a_purge_takes_what_is_deleted_and_what_some_runs_made""",
    "PurgesAll": "a_purge_takes_what_is_deleted_and_what_some_runs_made",
    "TakesAnyPath": "a_key_that_would_leave_the_store_is_refused",
    "WritesInPlace": "who_reads_already_reads_the_old_to_its_end",
}
REGISTRIES = {
    "ArchivesEverywhere": """
        those_in_the_stage_are_archived_if_asked_and_no_others
        what_changes_nothing_leaves_no_event_and_no_later_time""",
    "LatestByText": "the_latest_version_of_a_stage_is_the_highest",
    "OrdersWithinPages": "pages_of_the_registry_hold_everything_once_and_end",
    "SearchesByHalves": "a_search_returns_models_and_versions_whole",
    "NeverTellsOfTags": """
        what_comes_along_with_a_creation_is_told every_change_of_a_model_is_told every_change_of_a_version_is_told
        who_asked_and_when_are_told_and_what_changed_is_stamped a_closed_registry_can_be_used_again
        versions_created_by_many_threads_at_once_have_numbers_of_their_own""",
    "TellsOfWhatChangesNothing": """
        what_changes_nothing_leaves_no_event_and_no_later_time every_change_of_a_version_is_told""",
    "ForgetsTheNames": """
        a_trail_follows_a_model_through_its_names_and_outlives_it
        a_name_used_again_has_the_trail_of_each_model_that_had_it""",
    "DeletesTheTrail": """
        a_trail_follows_a_model_through_its_names_and_outlives_it
        a_name_used_again_has_the_trail_of_each_model_that_had_it every_change_of_a_model_is_told
        what_goes_along_with_a_deletion_is_told_before""",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("suites")]


def failed(told: Callable[[str], Outcomes], module: str, name: str) -> set[str]:
    """The tests that failed on a plugin, less the word in front of them all."""
    found = told(module)[f"Test_{name}"]
    assert found["passed"]
    return {test.removeprefix("test_") for test in found["failure"] | found["error"]}


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_a_broken_integration_is_found(told, name):
    assert failed(told, "broken_integrations.py", name) == set(INTEGRATIONS[name].split())


@pytest.mark.parametrize("name", FLAVORS)
def test_a_broken_flavor_is_found(told, name):
    assert failed(told, "broken_flavors.py", name) == set(FLAVORS[name].split())


@pytest.mark.parametrize("name", STORES)
def test_a_broken_store_is_found(told, name):
    assert failed(told, "broken_stores.py", name) == set(STORES[name].split())


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_broken_registry_is_found(told, name):
    assert failed(told, "broken_registries.py", name) == set(REGISTRIES[name].split())


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("broken_integrations.py", "toy"),
        ("broken_flavors.py", "toy_flavor"),
        ("broken_stores.py", "SqlStore"),
        ("broken_stores.py", "FileStore"),
        ("broken_registries.py", "SqlRegistry"),
    ],
)
def test_a_good_plugin_passes_whole(told, module, name):
    found = told(module)[f"Test_{name}"]
    assert found["failure"] | found["error"] | found["skipped"] == set()


def test_every_broken_plugin_is_looked_at(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE / "site"))
    import steno_toy

    assert set(steno_toy.INTEGRATIONS.split()) == {"toy", *INTEGRATIONS}
    assert set(steno_toy.FLAVORS.split()) == {"toy_flavor", *FLAVORS}


def test_the_kit_offers_its_fixtures_and_imports_no_framework(tmp_path):
    assert importlib.util.find_spec("steno.testing")
    (tmp_path / "test_fixtures.py").write_text(FIXTURES)
    options = ["-q", "-p", "steno.testing", "-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={tmp_path}"]
    command = [sys.executable, "-m", "pytest", *options, "test_fixtures.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


FIXTURES = """
import pickle, sys
import pytest, steno
from pathlib import Path

def test_no_framework_comes_along():
    assert not {"numpy", "pandas", "sklearn", "torch", "keras", "xgboost", "joblib"} & set(sys.modules)

def test_a_store_of_its_own(steno_store, tmp_path):
    assert str(tmp_path) in steno_store and Path.cwd() == tmp_path

def test_runs(steno_runs):
    with steno.start_run(run_name="a"): pass
    with steno.start_run(run_name="b"): pass
    assert [run.info.run_name for run in steno_runs()] == ["a", "b"]

def test_autolog(steno_autolog):
    steno_autolog()
    with pytest.raises(steno.errors.InvalidValue):
        steno_autolog("nobody knows this")

def test_a_store_that_fails(steno_faulty_store, steno_runs):
    with steno_faulty_store("is unavailable"):
        with steno.start_run(): steno.log_metric("a", 1.0)
    assert [run.data.metrics for run in steno_runs()] == [{"a": 1.0}]

def test_a_canary(steno_canary, steno_strict):
    assert not steno_canary.executed
    pickle.loads(steno_canary.pickle)
    assert steno_canary.executed

def test_a_process(steno_python, steno_runs):
    assert steno_python("import steno\\nwith steno.start_run(): print(sys.argv[1])", "hello").stdout == "hello\\n"
    assert len(steno_runs()) == 1
"""
