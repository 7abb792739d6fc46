"""Runs that were read before, for as long as nothing is written to them: what is looked at again and again.

Each write to a run raises the version in its row, in the same transaction; so the row alone, which a search reads
anyway, tells whether what was read earlier still holds, whichever process wrote.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct
from steno.records import RunData, RunInputs, RunOutputs

from steno_sql.schema import AnyRow

KEPT_FACTS = 50_000
"""How many params, tags, metrics and inputs of runs are kept; that takes some 15 MB."""

Facts: TypeAlias = tuple[RunData, RunInputs, RunOutputs]
_Key: TypeAlias = tuple[int, str]


class _Known(Struct):
    """What a version of a run says."""

    version: int
    facts: Facts
    size: int


class KnownRuns:
    """The facts of runs by their version; the longest unused are given up first. Any thread may call its methods."""

    def __init__(self, most: int = KEPT_FACTS) -> None:
        self._most = most
        self._size = 0
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, rows: Iterable[AnyRow]) -> dict[int, Facts]:
        """Return the facts of those rows of `runs` whose version is known, by number; the caller's to change."""
        found = {}
        with self._lock:
            for row in rows:
                key = row.id, row.run_id
                known = self._known.get(key)
                if known is not None and known.version == row.version:
                    self._known.move_to_end(key)
                    found[row.id] = known.facts
        return {number: copied(facts) for number, facts in found.items()}

    def keep(self, row: AnyRow, facts: Facts) -> None:
        """Take note of what the version of a row says; nobody else may change it any more."""
        data, ins, outs = facts
        pairs, others = len(data.params) + len(data.tags), len(ins.dataset_inputs) + len(outs.model_outputs)
        size = pairs + len(data.metrics) + others + 1
        if size > self._most // 10:
            return
        key = row.id, row.run_id
        with self._lock:
            self._drop(key)
            self._known[key] = _Known(row.version, facts, size)
            self._size += size
            while self._size > self._most:
                self._drop(next(iter(self._known)))

    def _drop(self, key: _Key) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._size -= known.size


def copied(facts: Facts) -> Facts:
    """Return facts whose collections are new."""
    data, ins, outs = facts
    return (
        RunData(dict(data.metrics), dict(data.params), dict(data.tags), dict(data.summaries)),
        RunInputs(list(ins.dataset_inputs), list(ins.model_inputs)),
        RunOutputs(list(outs.model_outputs)),
    )
