"""Searches of a large store: `python tests/benchmarks/many_runs.py URI [RUNS]` fills it if need be, and prints medians.

Each run has 20 metrics, 5 params and 3 tags. With `--plans`, what the database does for each search is printed too.
"""

from __future__ import annotations

import random
import sys
import time

from sqlalchemy import Connection
from steno.queries import And, Compare, Entity, Field, OrderKey, RunQuery
from steno.records import Batch, RunChange, RunStart
from steno_sql.paging import Place
from steno_sql.query import runs_matching
from steno_sql.store import SqlStore
from store import median_ms, report

AT_ONCE = 1000
TARGET = "<= 150"
METRIC, OTHER = Field(Entity.METRIC, "m1"), Field(Entity.METRIC, "m2")
GOOD, RARE = Compare(METRIC, ">", 0.5), Compare(METRIC, ">", 0.999)
TEAM, PARAM = Compare(Field(Entity.TAG, "team"), "=", "a"), Compare(Field(Entity.PARAM, "p0"), "=", "7")
SEARCHES = {
    "newest": RunQuery(("0",), max_results=100),
    "metric filter, newest": RunQuery(("0",), GOOD, max_results=100),
    "metric filter, metric order": RunQuery(("0",), GOOD, (OrderKey(METRIC, ascending=False),), max_results=100),
    "metric and tag filter, other metric order": RunQuery(
        ("0",), And((GOOD, TEAM)), (OrderKey(OTHER, ascending=True),), max_results=100
    ),
    "rare metric, newest": RunQuery(("0",), RARE, max_results=100),
    "param filter, metric order": RunQuery(("0",), PARAM, (OrderKey(METRIC, ascending=False),), max_results=100),
}


def fill(store: SqlStore, count: int) -> None:
    """Write runs until there are so many."""
    chance, began = random.Random(9), time.perf_counter()
    for first in range(0, count, AT_ONCE):
        children = []
        for number in range(first, first + AT_ONCE):
            start = RunStart("0", f"run-{number}", number, tags={"team": chance.choice("abc"), "user": "me"})
            child = Batch(start=start, change=RunChange("FINISHED", number + 5))
            child.params = {f"p{index}": str(chance.randrange(1000)) for index in range(5)}
            for index in range(20):
                child.add_metric(f"m{index}", chance.random(), 1000)
            children.append((f"run-{number}", child))
        store.write(f"parent-{first}", Batch(start=RunStart("0", "parent", 1), children=children))
    report(f"write {count} runs", (time.perf_counter() - began) * 1e6 / count, "µs/run")


def plan(connection: Connection, query: RunQuery) -> str:
    """Return what the database does for a search."""
    statement = runs_matching(query, Place(""))
    words = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN (ANALYZE, BUFFERS) " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + words.replace("%", "%%")))


def main(uri: str, count: int, *, plans: bool) -> None:
    """Fill a store and search it."""
    store = SqlStore(uri)
    if not store.search_runs(RunQuery(("0",), max_results=1)):
        fill(store, count)
        store.compact()
    for what, query in SEARCHES.items():
        report(f"{count} runs: {what}", median_ms(lambda query=query: store.search_runs(query), 5), "ms", TARGET)  # type: ignore[misc]
        if plans:
            with store._database.reading() as connection:
                print(plan(connection, query))
    store.close()


if __name__ == "__main__":
    numbers = [word for word in sys.argv[2:] if word.isdigit()]
    main(sys.argv[1], int(numbers[0]) if numbers else 100_000, plans="--plans" in sys.argv)
