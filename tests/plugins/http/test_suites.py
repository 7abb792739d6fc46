"""The published suites, by way of servers: steno's, and MLflow's as far as its wire goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest
from steno.errors import InvalidValue, StoreError
from steno.records import Batch
from steno.testing.registry import RegistryStoreSuite
from steno.testing.registry_trail import TrailTests
from steno.testing.searches import CONDITIONS, _fill, found
from steno.testing.stores import ArtifactStoreSuite, RunStoreSuite
from steno.tracking.search import format_condition
from steno_http import address
from steno_http.artifacts import HttpArtifacts
from steno_http.registry import HttpRegistry
from steno_http.store import HttpStore

KEYS = "the wire allows letters, digits and _-. :/ in a key, no more"
TRAIL = "the wire has no trail of changes"
SUMMARY = "the wire tells the last value of a metric, no other summary"
PURGE = "the wire has no words for removing for good: that is done on the server"
MANY = "what takes several requests is not one transaction"
DELETED = "the wire neither searches deleted models nor brings them back"
CHOSEN = "the server chooses ids, keeps them in artifact URIs and orders by them"
CHANCE = "MLflow chooses ids, and orders by them what began at the same time"

STAMPS = "test_a_change_of_a_version_or_alias_stamps_its_model"

BY_WIRE = {
    "test_the_summary_is_exact": SUMMARY,
    "test_a_series_of_nan_has_nan_for_extremes": SUMMARY,
    "test_a_series_grows_in_the_order_it_was_logged": SUMMARY,
    "test_keys_may_be_any_text": KEYS,
    "test_every_comparison_finds_what_it_says": KEYS,
    "test_purging_removes_what_was_deleted_and_nothing_else": PURGE,
    "test_the_id_of_a_purged_experiment_is_not_used_again": PURGE,
    "test_an_experiment_that_holds_a_model_is_not_purged": PURGE,
    "test_a_purge_takes_what_is_deleted_and_what_some_runs_made": PURGE,
    "test_a_model_outlives_its_run": PURGE,
    "test_a_deleted_model_is_read_but_not_written": DELETED,
    "test_models_go_with_their_experiment_and_come_back": DELETED,
    "test_a_model_is_finalized_tagged_and_given_params": "the wire has no message beside a model's status",
    "test_each_model_has_a_place_of_its_own_below_its_experiment": CHOSEN,
    "test_pages_hold_every_model_once_and_end": CHOSEN,
    "test_every_condition_on_models_finds_what_it_says": "the language of filters has no words for all conditions",
}
BY_WIRE_REGISTRY = {
    **{name: TRAIL for name in vars(TrailTests) if name.startswith("test_") and name != STAMPS},
    "test_a_new_registry_is_empty": TRAIL,
    "test_a_closed_registry_can_be_used_again": TRAIL,
    "test_versions_created_by_many_threads_at_once_have_numbers_of_their_own": TRAIL,
    "test_every_comparison_finds_the_models_it_says": KEYS,
    "test_every_comparison_finds_the_versions_it_says": KEYS,
    "test_a_comparison_that_makes_no_sense_in_the_registry_is_refused": KEYS,
    "test_a_search_returns_models_and_versions_whole": KEYS,
    "test_a_token_of_another_search_of_the_registry_is_refused": KEYS,
    "test_a_version_is_read_as_it_was_created": "the server asks for the model and the run that a version names",
}
BY_STENO = {
    **BY_WIRE,
    "test_text_sorts_as_text_with_the_missing_last": KEYS,
    "test_a_search_returns_runs_whole": KEYS,
}
BY_MLFLOW = {
    **BY_WIRE,
    "test_a_batch_that_fails_in_a_child_leaves_nothing_behind": MANY,
    "test_points_are_kept_bit_for_bit": "MLflow orders a history by time, and keeps no minus zero",
    "test_a_started_run_is_running_and_named": CHOSEN,
    "test_only_the_named_experiments_are_searched": CHANCE,
    "test_runs_come_newest_first_then_by_id": CHANCE,
    "test_views_show_active_deleted_or_all": CHANCE,
    "test_a_write_without_a_token_counts_each_time": "MLflow counts equal points once",
    "test_a_condition_on_metrics_holds_on_the_datasets_asked_for": "MLflow keeps no second dataset of a point",
    "test_a_batch_makes_a_model_of_its_run": "MLflow's clock tells when a model was made",
    "test_points_are_of_their_model_with_run_step_and_dataset": "to MLflow a model's point is its run's too",
    "test_a_point_that_comes_twice_counts_once_and_nan_is_kept": "MLflow keeps no NaN for a model",
    "test_models_are_ordered_by_attributes_and_metrics_and_what_they_lack_comes_last": "to MLflow no type is a type",
    "test_restoring_an_experiment_restores_the_runs_that_went_with_it": "MLflow restores all runs of an experiment",
}
LONG_ONES = ("30000", "sizes4", "sizes5", "buckets_of_a_range", "history_comes_in_pages")
LONG = "by way of MLflow this takes ten seconds and more; with fewer points the same test is run"


class Served:
    """A suite's tests at a server; those in `fails` must fail, for the reason that stands there."""

    fails: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(autouse=True)
    def less(self, request: pytest.FixtureRequest) -> None:
        name = request.function.__name__
        if name in self.fails:
            reason = self.fails[name]
            request.applymarker(pytest.mark.xfail(reason=reason, strict=reason is not CHANCE))


class AtSteno(Served):
    @pytest.fixture(autouse=True)
    def at(self, steno_url: str) -> None:
        self.url = steno_url


class AtPeer(Served):
    @pytest.fixture(autouse=True)
    def at(self, peer: str) -> None:
        self.url = peer


class TestStenoRuns(AtSteno, RunStoreSuite):
    fails = BY_STENO

    def make_store(self, folder: Path) -> HttpStore:
        return HttpStore(self.url)


class TestStenoRegistry(AtSteno, RegistryStoreSuite):
    fails = BY_WIRE_REGISTRY

    def make_store(self, folder: Path) -> HttpRegistry:
        return HttpRegistry(self.url)


class TestStenoArtifacts(AtSteno, ArtifactStoreSuite):
    def make_store(self, folder: Path) -> HttpArtifacts:
        return HttpArtifacts(f"{self.url}{address.PROXY}/{uuid4().hex}")


class TestPeerRuns(AtPeer, RunStoreSuite):
    fails = BY_MLFLOW

    @pytest.fixture(autouse=True)
    def short(self, request: pytest.FixtureRequest) -> None:
        if any(part in request.node.name for part in LONG_ONES):
            pytest.skip(LONG)

    def make_store(self, folder: Path) -> HttpStore:
        return HttpStore(self.url)


class TestPeerRegistry(AtPeer, RegistryStoreSuite):
    fails: ClassVar = {**BY_WIRE_REGISTRY, STAMPS: "MLflow does not"}

    def make_store(self, folder: Path) -> HttpRegistry:
        return HttpRegistry(self.url)


class TestPeerArtifacts(AtPeer, ArtifactStoreSuite):
    def make_store(self, folder: Path) -> HttpArtifacts:
        return HttpArtifacts(f"{self.url}{address.PROXY}/{uuid4().hex}")


# Conditions that a store knows, and that the language of filters has no words for.
NO_WORDS = {
    "(tags.`team` = 'Red' OR tags.`team` = 'red') AND NOT ()",
    "end_time IS NULL",
    "metrics.`loss` = nan",
    "metrics.`loss` IS NULL",
}


class Allowed:
    """A store to be filled with no more than the wire allows."""

    def __init__(self, store: HttpStore) -> None:
        self._store = store

    def write(self, run_id: str, batch: Batch) -> None:
        batch.start.tags.pop("x%", None)
        self._store.write(run_id, batch)


def _told(store: HttpStore) -> tuple[set[str], set[str]]:
    """Ask every condition of the suite; return those that were refused, and those that found other than they say."""
    _fill(Allowed(store))
    refused, wrong = set(), set()
    for condition, expected in CONDITIONS:
        if "x%" in str(condition):
            continue
        try:
            if "".join(sorted(found(store, condition))) != expected:
                wrong.add(format_condition(condition))
        except InvalidValue:
            refused.add(format_condition(condition))
    return refused, wrong


def test_every_comparison_finds_what_it_says_at_a_steno_server(steno_url):
    assert _told(HttpStore(steno_url)) == (NO_WORDS, set())


def test_at_mlflow_every_comparison_finds_what_it_says_or_is_refused(peer):
    refused, wrong = _told(HttpStore(peer))
    assert wrong == {"artifact_uri LIKE '%/b/artifacts'"}  # the id in it is MLflow's
    beyond = {text for text in refused if "NOT " in text or " OR " in text or ")." in text or "`." in text}
    assert refused - beyond == NO_WORDS - beyond
    assert len(beyond) == 10


def test_what_a_server_cannot_do_is_said_with_a_remedy(steno_url):
    with pytest.raises(StoreError, match="on the server"):
        HttpStore(steno_url).purge_runs(0)
    with pytest.raises(StoreError, match="keeps no trail"):
        HttpRegistry(steno_url).registry_events()
    with pytest.raises(InvalidValue, match="http://host:5000"):
        HttpStore("http://")
