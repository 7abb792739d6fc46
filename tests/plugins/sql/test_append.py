"""However points arrive, what is stored beside them is what they say."""

from __future__ import annotations

import sqlite3
from array import array
from contextlib import closing
from itertools import count

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from steno.records import Batch, RunStart, Series
from steno_sql.append import OPEN_POINTS, SEALED_POINTS
from steno_sql.blocks import pack_blocks, summarise
from steno_sql.chunks import unpack_floats, unpack_integers
from steno_sql.schema import TAIL
from steno_sql.store import SqlStore

_names = count()
SIZES = st.integers(1, 2000) | st.sampled_from(
    [OPEN_POINTS, OPEN_POINTS + 1, SEALED_POINTS - 1, SEALED_POINTS, SEALED_POINTS + OPEN_POINTS, 20_000]
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SIZES, min_size=1, max_size=4), st.sampled_from([1, -1, 0]))
@example([3, 20_000, 1, 600], 1)
def test_stretches_and_summary_are_those_of_the_points(tmp_path, sizes, direction):
    store, run_id, first = SqlStore(f"sqlite:///{tmp_path}/s.db"), f"run-{next(_names)}", 0
    store.write(run_id, Batch(start=RunStart("0", "run", 1)))
    whole = Series("m")
    for size in sizes:
        steps = array("q", [direction * each for each in range(first, first + size)])
        values = array("d", [(each * 7919) % 1013 / 7 for each in range(first, first + size)])
        first += size
        store.write(run_id, Batch(series={"m": Series("m", steps, steps if direction >= 0 else steps[::-1], values)}))
        whole.steps.extend(steps)
        whole.values.extend(values)
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        query = "SELECT number, count, blocks, steps, points FROM chunks JOIN runs ON run = id WHERE run_id = ?"
        rows = connection.execute(f"{query} ORDER BY number", (run_id,)).fetchall()
    steps, values = array("q"), array("d")
    for number, points, blocks, packed_steps, packed_values in rows:
        steps.extend(piece := unpack_integers(packed_steps))
        values.extend(numbers := unpack_floats(packed_values))
        assert points == len(piece) == len(numbers) <= SEALED_POINTS
        assert blocks == (b"" if number == TAIL else pack_blocks(summarise(piece, numbers)))
    if rows:
        assert (steps, values) == (whole.steps, whole.values)
    summary = store.get_run(run_id).data.summaries["m"]
    low, high = min(whole.values), max(whole.values)
    assert (summary.count, summary.min, summary.max) == (len(whole), low, high)
    assert summary.min_step == whole.steps[whole.values.index(low)]
    assert summary.max_step == whole.steps[whole.values.index(high)]
    store.close()
