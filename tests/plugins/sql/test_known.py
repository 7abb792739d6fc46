"""What was read of a run is used again only while it holds, whoever wrote in between."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steno.queries import RunQuery
from steno.records import Batch, Dataset, DatasetInput, ModelInput, ModelOutput, RunChange, RunStart, Series
from steno_sql import known
from steno_sql.known import KnownRuns
from steno_sql.store import SqlStore

WRITES = {
    "param": lambda n: Batch(params={f"p{n}": str(n)}),
    "tag": lambda n: Batch(tags={"same": str(n)}),
    "dropped tag": lambda n: Batch(deleted_tags={"same"}),
    "point": lambda n: Batch(series={"loss": Series("loss", array("q", [n]), array("q", [n]), array("d", [n]))}),
    "end": lambda n: Batch(change=RunChange("FINISHED", n)),
    "data": lambda n: Batch(inputs=[DatasetInput(Dataset(f"d{n}", "x", "local", "{}", "", ""))]),
    "model in": lambda n: Batch(model_inputs=[ModelInput(f"m-{n}")]),
    "model out": lambda n: Batch(outputs=[ModelOutput(f"m-{n}", n)]),
    "child": lambda n: Batch(children=[("b", Batch(tags={"of the other": str(n)}))]),
}


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/steno.db"


def begun(store, *run_ids):
    for run_id in run_ids:
        store.write(run_id, Batch(start=RunStart("0", run_id, 1)))


def everything(store):
    found = store.search_runs(RunQuery(("0",)))
    assert {run.info.run_id: store.get_run(run.info.run_id) for run in found} == {run.info.run_id: run for run in found}
    return list(found)


@settings(max_examples=25)
@given(writes=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(WRITES)), st.booleans()), max_size=12))
def test_what_is_read_is_what_a_store_reads_that_never_read_before(tmp_path_factory, writes):
    uri = f"sqlite:///{tmp_path_factory.mktemp('known')}/steno.db"
    store, other = SqlStore(uri), SqlStore(uri)
    begun(store, "a", "b")
    for number, (run_id, kind, by_other) in enumerate(writes):
        (other if by_other else store).write(run_id, WRITES[kind](number))
        fresh = SqlStore(uri)
        assert everything(store) == everything(other) == everything(fresh)
        fresh.close()
    store.close()
    other.close()


def test_a_run_that_was_purged_and_begun_again_is_another(uri):
    store = SqlStore(uri)
    store.write("a", Batch(start=RunStart("0", "a", 1), params={"lr": "1"}))
    assert store.get_run("a").data.params == {"lr": "1"}
    store.delete_run("a")
    store.purge_runs(2**62)
    store.write("a", Batch(start=RunStart("0", "a", 1), params={"lr": "2"}))
    assert store.get_run("a").data.params == {"lr": "2"}


def test_what_a_reader_does_to_a_run_stays_with_the_reader(uri):
    store = SqlStore(uri)
    begun(store, "a")
    for _ in range(3):
        run = store.get_run("a")
        assert set(run.data.tags) == {"mlflow.runName"}
        run.data.tags["mine"] = "1"
        run.data.metrics["mine"] = 1.0
        run.outputs.model_outputs.append(ModelOutput("m-1", 0))


def test_no_more_is_kept_than_is_allowed(uri):
    store = SqlStore(uri)
    kept = store._known = KnownRuns(most=100)
    begun(store, *(f"{number:03}" for number in range(60)))
    store.write("big", Batch(start=RunStart("0", "big", 1), params={str(n): "" for n in range(50)}))
    assert len(everything(store)) == 61
    assert 0 < kept._size <= 100
    assert kept._size == sum(each.size for each in kept._known.values())
    assert not any(run_id == "big" for _, run_id in kept._known)
    assert known.KEPT_FACTS > 10_000


def test_a_run_that_is_read_again_costs_one_statement(uri):
    store = SqlStore(uri)
    begun(store, *(f"{number:03}" for number in range(50)))
    everything(store)
    statements = []
    with store._database.reading() as connection:
        driver = connection.connection.dbapi_connection
    driver.set_trace_callback(statements.append)
    store.search_runs(RunQuery(("0",)))
    driver.set_trace_callback(None)
    assert sum(words.startswith("SELECT") for words in statements) == 1
