"""The registry's database: what is true after any changes, from many processes, and after a process was killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from steno.errors import AlreadyExists, NotFound
from steno.model_records import Change, Stage
from steno.queries import RegistryQuery
from steno.records import Batch, RunStart
from steno.registry.standing import standing
from steno_sql.registry import models, versions
from steno_sql.registry.store import SqlRegistry
from steno_sql.runs import MANY
from steno_sql.store import SqlStore

NAMES = st.sampled_from(["a", "b", "ä"])
NUMBERS = st.sampled_from(["1", "2", "3"])
TEXTS = st.sampled_from(["", "x", "y"])
TAGS = st.dictionaries(st.sampled_from(["k", "l"]), TEXTS, max_size=2)
ALIASES = st.sampled_from(["champion", "best"])
COUNT = """
import sys
from steno_sql.registry.store import SqlRegistry
registry = SqlRegistry(sys.argv[1])
for number in range(int(sys.argv[2])):
    made = registry.create_model_version("a", "s3://b/m", tags={"n": str(number)}, description="d")
    print(made.version, flush=True)
"""


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/steno.db"


@pytest.fixture
def registry(uri):
    with closing(SqlRegistry(uri)) as registry:
        yield registry


class AnyChanges(RuleBasedStateMachine):
    """After whatever was asked for, the trail that is played back is the registry."""

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        self.registry = SqlRegistry(f"sqlite:///{self.folder.name}/steno.db")

    def teardown(self):
        self.registry.close()
        self.folder.cleanup()

    def ask(self, method, *arguments, **options):
        before = self.registry.registry_events()
        try:
            getattr(self.registry, method)(*arguments, **options)
        except (NotFound, AlreadyExists):
            assert self.registry.registry_events() == before

    @rule(name=NAMES, tags=TAGS, description=TEXTS)
    def create(self, name, tags, description):
        self.ask("create_registered_model", name, tags=tags, description=description)

    @rule(name=NAMES, other=NAMES)
    def rename(self, name, other):
        self.ask("rename_registered_model", name, other)

    @rule(name=NAMES)
    def delete(self, name):
        self.ask("delete_registered_model", name)

    @rule(name=NAMES, tags=TAGS, description=TEXTS)
    def change(self, name, tags, description):
        self.ask("describe_registered_model", name, description)
        self.ask("set_registered_model_tags", name, tags)
        self.ask("delete_registered_model_tag", name, "l")

    @rule(name=NAMES, tags=TAGS, description=TEXTS)
    def create_version(self, name, tags, description):
        self.ask("create_model_version", name, "s3://b/m", tags=tags, description=description, user="ada")

    @rule(name=NAMES, number=NUMBERS)
    def delete_version(self, name, number):
        self.ask("delete_model_version", name, number)

    @rule(name=NAMES, number=NUMBERS, tags=TAGS, description=TEXTS)
    def change_version(self, name, number, tags, description):
        self.ask("describe_model_version", name, number, description)
        self.ask("set_model_version_tags", name, number, tags)
        self.ask("delete_model_version_tag", name, number, "k")

    @rule(name=NAMES, number=NUMBERS, stage=st.sampled_from(Stage), alone=st.booleans())
    def move(self, name, number, stage, alone):
        self.ask("transition_model_version_stage", name, number, stage.value, archive_existing_versions=alone)

    @rule(name=NAMES, number=NUMBERS, alias=ALIASES)
    def point(self, name, number, alias):
        self.ask("set_registered_model_alias", name, alias, number)

    @rule(name=NAMES, alias=ALIASES)
    def point_no_more(self, name, alias):
        self.ask("delete_registered_model_alias", name, alias)

    @invariant()
    def the_trail_tells_the_whole_story(self):
        models, versions = standing(self.registry.registry_events())
        there = [_timeless(each) for each in self.registry.search_registered_models(RegistryQuery())]
        assert [_timeless(each) for each in models] == there
        found = self.registry.search_model_versions(RegistryQuery())
        key = lambda each: (each.name, int(each.version))  # noqa: E731
        assert sorted(map(_timeless, versions), key=key) == sorted(map(_timeless, found), key=key)
        for model in there:
            mine = standing(self.registry.registry_events(model.name))[0]
            assert model in [_timeless(each) for each in mine]


AnyChanges.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_a_trail_that_is_played_back_is_the_registry = AnyChanges.TestCase


def _timeless(record):
    rest = {"creation_timestamp": 0, "last_updated_timestamp": 0}
    latest = getattr(record, "latest_versions", None)
    return replace(record, **rest, **({} if latest is None else {"latest_versions": [*map(_timeless, latest)]}))


def test_processes_that_create_versions_at_once_get_numbers_of_their_own(uri, registry):
    registry.create_registered_model("a")
    command = [sys.executable, "-c", COUNT, uri, "10"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sorted(int(number) for numbers in told for number in numbers) == list(range(1, 31))
    assert Counter(event.change for event in registry.registry_events("a"))[Change.VERSION_CREATED] == 30


def test_a_process_that_is_killed_leaves_registry_and_trail_agreed_and_nothing_told_lost(uri, registry):
    registry.create_registered_model("a")
    for delay in (0.0, 0.013, 0.031):
        process = subprocess.Popen([sys.executable, "-c", COUNT, uri, "100000"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        told = [line for line in process.communicate(timeout=60)[0].splitlines(keepends=True) if line.endswith("\n")]
        highest = int(told[-1]) if told else 1
        versions = registry.search_model_versions(RegistryQuery(max_results=100_000))
        assert len(versions) >= highest
        counts = Counter(event.change for event in registry.registry_events("a", limit=1_000_000))
        of_versions = [
            counts[change] for change in (Change.VERSION_CREATED, Change.VERSION_DESCRIBED, Change.VERSION_TAG)
        ]
        assert of_versions == [len(versions)] * 3
        assert sorted(int(each.version) for each in versions) == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("statement", ["DELETE FROM registry_events", "UPDATE registry_events SET user = 'nobody'"])
def test_the_trail_cannot_be_changed_by_other_programs_either(tmp_path, registry, statement):
    registry.create_registered_model("a", user="ada")
    message = pytest.raises(sqlite3.IntegrityError, match="only ever added to")
    with closing(sqlite3.connect(tmp_path / "steno.db")) as connection, message:
        connection.execute(statement)
    assert [event.user for event in registry.registry_events()] == ["ada"]


def test_runs_and_models_live_in_one_file(uri, registry, tmp_path):
    with closing(SqlStore(uri)) as store:
        store.write("r1", Batch(start=RunStart("0", "run", 1)))
        registry.create_registered_model("a")
        registry.create_model_version("a", "runs:/r1/m", run_id="r1")
        store.delete_run("r1")
        assert store.purge_runs(2**52)
        assert registry.get_model_version("a", "1").run_id == "r1"
        store.compact()
    assert registry.get_registered_model("a").latest_versions[0].version == "1"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".db"] == ["steno.db"]


def test_a_registry_is_usable_on_both_sides_of_a_fork(registry):
    registry.create_registered_model("a")
    child = os.fork()
    if child == 0:
        try:
            registry.create_model_version("a", "s3://b/child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert registry.create_model_version("a", "s3://b/parent").version == "2"
    assert registry.get_model_version("a", "1").source == "s3://b/child"


def test_a_long_page_is_whole(registry):
    registry.create_registered_model("a")
    with registry._changing("ada") as changes:  # a thousand transactions would take their time
        model = models.find(changes.connection, "a")
        for number in range(MANY + 100):
            versions.create(changes, model, "s3://b/m", tags={"n": str(number + 1)})
    found = registry.search_model_versions(RegistryQuery(max_results=MANY + 100))
    assert [each.tags["n"] for each in found] == [each.version for each in found]
    assert (len(found), found.token) == (MANY + 100, None)
    registry.delete_registered_model("a")
    assert len(registry.registry_events("a", limit=10_000)) == 2 + 3 * len(found)
