"""PostgreSQL behind a store: what it is asked and answers, as SQLite would; and what goes wrong with servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno.contracts import patience
from steno.errors import InvalidValue, StoreError, StoreReadOnly, StoreTooNew, StoreUnavailable
from steno.plugins.manager import plugins
from steno.queries import And, Compare, Entity, Field, Not, OrderKey, RunQuery, Stat
from steno.records import Batch, RunChange, RunStart, Token
from steno_sql import schema
from steno_sql.postgresql_address import Address
from steno_sql.store import SqlStore

from tests.plugins.sql.postgres import PASSWORD

START = Batch(start=RunStart("0", "run", 1))
TEXTS = (
    "",
    "a",
    "A",
    "B",
    "b",
    "ä",
    "Ä",
    "z",
    "ß",
    "%",
    "_",
    "\\",
    "a\\b",
    "a%b",
    "a\nb",
    "'",
    '"',
    ":x",
    "%s",
    "é",
    "\U0001f600",
)
NUMBERS = (-0.0, 0.0, 1.0, -1.5, 2.5, 1e300, float("inf"), float("-inf"), float("nan"), 2.0**53, 5e-324)
TIMES = (0, 1, 2, 10**12, 2**53, 2**53 + 1, 2**63 - 1)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_each_way_to_write_the_scheme_opens_a_store_and_a_registry(uri, scheme):
    address = uri.replace("postgresql", scheme)
    for register in (plugins().stores.run_stores, plugins().stores.registry_stores):
        store = register.open(address)
        assert store.uri == uri
        store.close()


def _filled(store: SqlStore) -> SqlStore:
    children = []
    for number, text in enumerate(TEXTS * 2):
        child = Batch(start=RunStart("0", text, TIMES[number % len(TIMES)]), change=RunChange("FINISHED"))
        child.params = {"p": text} if number % 3 else {}
        child.tags = {"t": text[::-1], "k" + text: text}
        for step in range(number % 4):
            child.add_metric("m", NUMBERS[(number + step) % len(NUMBERS)], step, TIMES[(number + step) % len(TIMES)])
        children.append((f"{number:032x}", child))
    store.write("parent", Batch(start=RunStart("0", "parent", 5), children=children))
    return store


@pytest.fixture(scope="module")
def both(server, tmp_path_factory):
    """The same runs in PostgreSQL and in SQLite."""
    with (
        closing(SqlStore(server.uri(server.new()))) as one,
        closing(SqlStore(f"sqlite:///{tmp_path_factory.mktemp('both')}/steno.db")) as other,
    ):
        yield _filled(one), _filled(other)


TEXT_FIELDS = st.sampled_from(
    [Field(Entity.PARAM, "p"), Field(Entity.TAG, "t"), Field(Entity.TAG, "kä"), Field(Entity.ATTRIBUTE, "run_name")]
)
METRICS = st.builds(Field, st.just(Entity.METRIC), st.just("m"), st.sampled_from(list(Stat)))
WHOLE = st.sampled_from([Field(Entity.ATTRIBUTE, "start_time"), Field(Entity.ATTRIBUTE, "end_time")])
PATTERNS = st.text("aAäÄßb%_\\\n'", max_size=4) | st.sampled_from(TEXTS)
ANY_NUMBER = st.sampled_from([*NUMBERS, *TIMES, 2**70, -(2**70), 0.5]) | st.floats() | st.integers(-5, 5)
COMPARISONS = st.one_of(
    st.builds(Compare, TEXT_FIELDS, st.sampled_from(["=", "!=", "LIKE", "ILIKE"]), PATTERNS),
    st.builds(Compare, TEXT_FIELDS, st.sampled_from(["IN", "NOT IN"]), st.lists(PATTERNS, max_size=3).map(tuple)),
    st.builds(Compare, METRICS | WHOLE, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), ANY_NUMBER),
    st.builds(Compare, TEXT_FIELDS | METRICS | WHOLE, st.sampled_from(["IS NULL", "IS NOT NULL"]), st.none()),
)
CONDITIONS = COMPARISONS | COMPARISONS.map(Not) | st.tuples(COMPARISONS, COMPARISONS.map(Not)).map(And)
ORDERS = st.lists(st.builds(OrderKey, TEXT_FIELDS | METRICS | WHOLE, st.booleans()), max_size=2).map(tuple)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=CONDITIONS, order=ORDERS)
def test_a_search_finds_the_same_in_the_same_order_as_in_sqlite(both, where, order):
    found = [[run.info.run_id for run in store.search_runs(RunQuery(("0",), where, order))] for store in both]
    assert found[0] == found[1]


def test_runs_are_the_same_as_in_sqlite(both):
    one, other = ({run.info.run_id: run for run in store.search_runs(RunQuery(("0",)))} for store in both)
    assert len(one) == 2 * len(TEXTS) + 1
    for run_id, run in one.items():
        twin = other[run_id]
        assert (run.info.run_name, run.info.start_time) == (twin.info.run_name, twin.info.start_time)
        assert (run.data.params, run.data.tags) == (twin.data.params, twin.data.tags)
        mine, its = (repr(each.data.summaries).replace("-0.0,", "0.0,") for each in (run, twin))
        assert mine == its
        mine, its = (store.metric_history(run_id, "m") for store in both)
        assert (mine.values.tobytes(), mine.steps, mine.times) == (its.values.tobytes(), its.steps, its.times)


@pytest.mark.parametrize(
    "batch", [Batch(tags={"t": "a\x00b"}), Batch(params={"p\x00": "1"}), Batch(tags={"t": "\ud800"})]
)
def test_text_that_cannot_be_kept_is_refused_and_nothing_of_it_stays(store, batch):
    store.write("r1", START)
    batch.params["whole"] = "or not at all"
    with pytest.raises(InvalidValue, match=r"NUL|surrogates"):
        store.write("r1", batch)
    assert store.get_run("r1").data.params == {}


def test_many_new_rows_are_copied_and_chunks_lie_in_parts(store, uri, monkeypatch):
    copied = []
    plain = psycopg.Cursor.copy
    monkeypatch.setattr(psycopg.Cursor, "copy", lambda self, words: copied.append(words) or plain(self, words))
    children = []
    for number in range(40):
        child = Batch(start=RunStart("0", "child", number, tags={"a": "b"}), params={"p": str(number)})
        for step in range(2000):
            child.add_metric("m", number + step / 7, step, step)
        children.append((f"child-{number}", child))
    store.write("parent", Batch(start=RunStart("0", "parent", 1), children=children))
    assert [words.split()[1] for words in copied] == ["params", "tags", "series", "chunks"]
    assert list(store.metric_history("child-7", "m").values) == [7 + step / 7 for step in range(2000)]
    with psycopg.connect(uri) as connection:
        parts = connection.execute("SELECT tableoid::regclass::text, count(*) FROM chunks GROUP BY 1").fetchall()
    assert len(parts) == schema.PARTITIONS
    assert sum(count for _, count in parts) == 80


def test_a_login_that_is_wrong_missing_or_refused_is_told_in_one_sentence_without_the_password(server):
    place = f"127.0.0.1:{server.port}/store"
    wrong = {
        f"locked:pass%20word-7@{place}": "password authentication failed",
        f"locked@{place}": "password",
        f"nobody:pass%20word-7@{place}": 'role "nobody" does not exist',
        f"steno:pass%20word-7@127.0.0.1:{server.port}/nowhere": 'database "nowhere" does not exist',
        "steno:pass%20word-7@127.0.0.1:1/store": "refused",
        "steno:pass%20word-7@nowhere.invalid/store": "host",
    }
    for rest, reason in wrong.items():
        with closing(SqlStore(f"postgresql://{rest}")) as store, pytest.raises(StoreUnavailable, match=reason) as told:
            store.get_experiment("0")
        said = f"{store.uri} {told.value} {told.value.__cause__!r}"
        assert "word-7" not in said
        assert "\n" not in str(told.value)
        assert ": " in str(told.value).partition(")")[2]


def test_a_password_in_the_address_lets_one_in(server, uri):
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO locked")
        connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO locked")
    with closing(SqlStore(uri.replace("steno@", f"locked:{quote(PASSWORD)}@"))) as store:
        store.write("r1", START)
        assert store.uri == uri.replace("steno@", "locked@")
        assert store.get_run("r1").info.run_name == "run"


def test_a_user_who_may_only_read_reads(server, uri, store):
    store.write("r1", START)
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM locked")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO locked")
    with closing(SqlStore(uri.replace("steno@", f"locked:{quote(PASSWORD)}@"))) as reader:
        assert reader.get_run("r1").info.run_name == "run"
        with pytest.raises(StoreReadOnly, match="GRANT"):
            reader.write("r1", Batch(tags={"a": "b"}))


@pytest.mark.parametrize(
    "uri",
    ["postgresql+asyncpg://host/db", "postgresql://a:sec/ret@host/db", "postgresql://a:secret@host/db?nosuch=1"],
)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(uri):
    with pytest.raises(InvalidValue, match="postgresql://") as told:
        SqlStore(uri)
    assert "sec" not in f"{told.value} {told.value.__cause__!r}"


def test_an_address_says_where_artifacts_are_and_what_libpq_is_told(tmp_path):
    there = Address.of("postgresql://ann:s3@h:7/d?artifacts=s3://bucket/x/&sslmode=require")
    assert (there.artifacts, there.parameters["sslmode"]) == ("s3://bucket/x", "require")
    assert there.shown == "postgresql://ann@h:7/d?sslmode=require"
    assert Address.of("postgresql://h/d").artifacts == f"{tmp_path}/stenoruns/artifacts"
    socket = Address.of("postgresql:///d?host=/run/postgresql")
    assert Address.of(socket.shown).parameters == socket.parameters


def test_without_its_driver_the_remedy_is_named():
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from steno.plugins.manager import plugins\n"
        "try: plugins().stores.run_stores.open('postgresql://host/db')\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "pip install steno[postgresql]" in done.stdout


def test_a_database_of_a_later_steno_or_of_somebody_else_is_refused(server, empty):
    with closing(SqlStore(empty)) as store:
        store.get_experiment("0")
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(StoreTooNew, match=r"0099.*upgrade"):
        SqlStore(empty).get_experiment("0")
    with psycopg.connect(empty) as connection:
        connection.execute("DROP TABLE alembic_version")
    with pytest.raises(StoreError, match="not a steno store"):
        SqlStore(empty).get_experiment("0")


def test_a_database_that_cannot_hold_every_text_is_refused(server):
    server.admin("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match="UTF8"):
        SqlStore(server.uri("latin")).get_experiment("0")


def test_a_server_that_was_restarted_is_found_again(server, store):
    store.write("r1", START)
    with store._database.reading():  # so that the pool holds two
        store.get_run("r1")
    server.stop(signal.SIGINT)
    with pytest.raises(StoreUnavailable, match="server runs"):
        store.write("r2", START)
    server.start()
    store.write("r2", START)
    assert store.get_run("r1").info.run_name == "run"


def test_a_connection_that_ends_in_the_middle_of_a_write_is_unavailable_and_later_works(uri, store):
    store.write("r1", START)
    with pytest.raises(StoreUnavailable):
        _write_and_lose_the_connection(store, uri)
    store.write("r2", START)
    assert store.get_run("r2").info.run_name == "run"


def _write_and_lose_the_connection(store: SqlStore, uri: str) -> None:
    with store._database.writing() as connection, psycopg.connect(uri, autocommit=True) as other:
        mine = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (mine,))
        connection.exec_driver_sql("SELECT 1")


def test_a_caller_who_cannot_wait_is_not_kept_waiting(uri, store):
    store.write("r1", START)
    with psycopg.connect(uri) as other:
        other.execute("SELECT * FROM runs FOR UPDATE")
        began = time.monotonic()
        with patience.at_most(0.3), pytest.raises(StoreUnavailable):
            store.write("r1", Batch(tags={"a": "b"}))
        assert time.monotonic() - began < 5
        with patience.at_most(0.3):
            store.write("r2", START)
    store.write("r1", Batch(tags={"a": "b"}))


def test_readers_and_writers_of_other_runs_do_not_wait_for_a_writer(store):
    for run_id in ("r1", "r2"):
        store.write(run_id, START)
    with store._database.writing() as connection, patience.at_most(0.5):
        connection.exec_driver_sql("SELECT * FROM runs WHERE run_id = 'r1' FOR UPDATE")
        store.write("r2", Batch(tags={"a": "b"}))
        assert store.get_run("r1").info.run_name == "run"
        with pytest.raises(StoreUnavailable):
            store.create_experiment("while somebody is alone")
    store.create_experiment("afterwards")


def test_a_forked_child_writes_with_connections_of_its_own_also_from_the_middle_of_a_call(store):
    store.write("r1", START)
    with store._database.reading():
        child = os.fork()
        if child == 0:
            code = 1
            try:
                store.write("r2", START)
                store.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for number in range(5):
        store.write("r1", Batch(params={f"p{number}": "1"}))
    assert store.get_run("r2").info.run_name == "run"


def test_a_token_that_comes_again_changes_nothing_and_one_that_overlaps_is_refused(store):
    store.write("r1", START, Token("w", 0, 5))
    store.write("r1", START, Token("w", 0, 5))
    with pytest.raises(StoreError, match="offset 5"):
        store.write("r1", START, Token("w", 3, 9))
    assert store.offset("w") == 5
