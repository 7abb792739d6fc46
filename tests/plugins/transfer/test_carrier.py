"""The carrier of runs: whatever is carried, and wherever it is interrupted, a run ends as if carried at once."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno.contracts.importing import ForeignRun, Importer
from steno.errors import StoreUnavailable
from steno.hookspecs import hookimpl
from steno.plugins import Plugins
from steno.records import Batch, Series, Token
from steno.tracking import places
from steno_transfer import carrier as carrying
from steno_transfer.carrier import Carrier, Origin
from steno_transfer.importing import importer_of, tools
from steno_transfer.report import Report

ORIGIN = Origin("toy", "/logs")
numbers = count()


@pytest.fixture(autouse=True)
def _few_points_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(carrying, "POINTS_AT_ONCE", 7)
    yield
    places.forget_stores()


class Toy:
    """Reads nothing."""

    def runs(self, location: str) -> Iterator[ForeignRun]:
        yield from ()


toy = Toy()


def test_steno_register_importers_makes_an_importer_known() -> None:
    class Plugin:
        @hookimpl
        def steno_register_importers(self, register: Any) -> None:
            register("toy", f"{__name__}:toy", requires="toy>=1", description="toys")

    plugins = Plugins()
    plugins.register(Plugin(), "a plugin")
    offer = plugins.importers.offers["toy"]
    assert (offer.requires, offer.description, offer.kind) == ("toy>=1", "toys", "runs recorded by")
    assert plugins.importers.find_one("other") is None
    plugins.unregister("a plugin")
    assert not plugins.importers.offers
    assert isinstance(toy, Importer)


def test_the_importers_that_are_installed_are_listed() -> None:
    assert tools()["mlflow"] == "mlflow.db, a folder mlruns, or a tracking server"
    assert isinstance(importer_of("mlflow"), Importer)


class Interrupted:
    """A store that goes away after some writes."""

    def __init__(self, store: Any, writes: int) -> None:
        self._store, self._left = store, writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, run_id: str, batch: Batch, token: Token | None = None) -> None:
        if self._left == 0:
            raise StoreUnavailable("it went away")
        self._left -= 1
        self._store.write(run_id, batch, token)


values = st.floats(allow_nan=True, allow_infinity=True)
point = st.tuples(st.integers(-9, 9), st.integers(0, 99), values)
stretch = st.tuples(st.sampled_from("abc"), st.lists(point, max_size=12))
texts = st.dictionaries(st.sampled_from("xyz"), st.text(max_size=5), max_size=3)
recorded = st.tuples(st.lists(stretch, max_size=5), texts, texts, st.booleans(), st.booleans())


def foreign(number: int, found: Any, folder: Path) -> ForeignRun:
    stretches, params, tags, deleted, with_file = found
    series = []
    for key, its in stretches:
        columns = (
            array("q", [s for s, _, _ in its]),
            array("q", [t for _, t, _ in its]),
            array("d", [v for *_, v in its]),
        )
        series.append(Series(key, *columns))
    files = {"a/b.txt": folder / "file"} if with_file else None
    parent = str(number + 1) if number % 2 else None
    return ForeignRun(str(number), "e", f"run {number}", start_time=1, end_time=2, params=params, tags=tags,
                      series=iter(series), artifacts=files, deleted=deleted, parent=parent)  # fmt: skip


def carry(store: Any, runs: list[Any], folder: Path) -> Report:
    report = Report()
    carrier = Carrier(store, ORIGIN, report)
    for number, found in enumerate(runs):
        carrier.carry(foreign(number, found, folder))
    carrier.finish()
    return report


def held(store: Any, runs: list[Any]) -> list[Any]:
    found = []
    for number, _ in enumerate(runs):
        run = store.get_run(ORIGIN.run_id(str(number)))
        series = [store.metric_history(run.info.run_id, key) for key in sorted(run.data.metrics)]
        logged = [(one.key, list(one.steps), list(one.times), repr(list(one.values))) for one in series]
        files = [entry.path for entry in places.artifact_store(run.info.artifact_uri).list("a")]
        info = (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time, run.info.lifecycle_stage)
        found.append((info, run.data.params, run.data.tags, logged, files))
    return found


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(recorded, min_size=1, max_size=3), stops=st.lists(st.integers(0, 4), max_size=4))
def test_interrupted_anywhere_and_carried_again_it_is_as_carried_at_once(
    tmp_path: Path, runs: list[Any], stops: list[int]
) -> None:
    (tmp_path / "file").write_text("content")
    whole, broken = (places.run_store(f"sqlite:///{tmp_path}/{next(numbers)}/s.db") for _ in range(2))
    report = carry(whole, runs, tmp_path)
    assert not report.left
    for writes in stops:
        try:
            carry(Interrupted(broken, writes), runs, tmp_path)
        except StoreUnavailable:
            continue
    carry(broken, runs, tmp_path)
    assert held(broken, runs) == held(whole, runs)
    for number, (stretches, params, tags, deleted, with_file) in enumerate(runs):
        info, its_params, its_tags, logged, files = held(whole, runs)[number]
        assert (its_params, bool(files), info[-1] == "deleted") == (params, with_file, deleted)
        assert tags.items() <= its_tags.items()
        wanted = {key: [repr(v) for other, its in stretches if other == key for *_, v in its] for key, _ in stretches}
        assert {key: shown for key, *_, shown in logged} == {
            key: f"[{', '.join(its)}]" for key, its in wanted.items() if its
        }
    assert sum(carry(whole, runs, tmp_path).carried.values()) == 0


def test_what_cannot_be_read_of_a_run_is_told_and_the_rest_is_there(tmp_path: Path) -> None:
    store = places.run_store(f"sqlite:///{tmp_path}/s.db")

    def torn(problems: list[str]) -> Iterator[Series]:
        yield Series("m", array("q", [1]), array("q", [2]), array("d", [math.nan]))
        problems.append("record 2 is torn")

    def run() -> ForeignRun:
        problems: list[str] = []
        return ForeignRun("k", "e", series=torn(problems), problems=problems, artifacts={"gone": tmp_path / "gone"})

    for _ in range(2):
        report = Report()
        Carrier(store, ORIGIN, report).carry(run())
        assert [line.partition(": ")[2] for line in report.left if "torn" in line] == ["record 2 is torn"]
        assert any("artifact gone" in line for line in report.left)
        assert len(store.metric_history(ORIGIN.run_id("k"), "m")) == 1


def test_runs_of_an_experiment_that_is_deleted_here_are_told(tmp_path: Path) -> None:
    store = places.run_store(f"sqlite:///{tmp_path}/s.db")
    store.delete_experiment(store.create_experiment("e").experiment_id)
    report = Report()
    Carrier(store, ORIGIN, report).carry(ForeignRun("k", "e"))
    assert len(report.left) == 1
    assert "experiment 'e' is deleted at the target: restore it and do this again" in report.left[0]
