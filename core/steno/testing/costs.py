"""The suite for integrations, part two: what recording costs is told on the run, and optional work is bounded (P4)."""

from __future__ import annotations

from time import perf_counter

import pytest

import steno
from steno.autolog import autolog
from steno.records import Tags
from steno.testing.fixtures import runs_of_test
from steno.testing.trainings import Trainings

ROUNDS = 6
EACH = 2
SLACK_MS = 25.0


class CostTests(Trainings):
    """Timing on a machine that others use: the best of several trainings counts, and more are made while in doubt."""

    def test_what_recording_costs_is_told(self) -> None:
        """What a training takes longer by is what its run says, to a factor of two, 10 % of the training and 25 ms.

        The bounds are wide so that a busy machine does not fail; what they catch is work of tens of milliseconds
        that no run tells of: in a callback that is not `@contained`, in a thread that the training waits for.
        """
        plain = watched = told = float("inf")
        self._cost()  # first times are like no other: imports, caches, the first store
        for _ in range(ROUNDS):
            for _ in range(EACH):
                plain = min(plain, self._timed())
            for _ in range(EACH):
                took, said = self._cost()
                watched, told = min(watched, took), min(told, said)
            more, unsure = watched - plain, 0.1 * plain + SLACK_MS
            if more <= 2 * told + unsure and told <= 2 * max(more, 0.0) + unsure:
                return
        pytest.fail(f"{plain:.1f} ms without steno, {watched:.1f} ms with it, but {told:.1f} ms are told on the run")

    def test_without_a_budget_only_what_must_be_is_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With nothing allowed for optional work, a training is recorded all the same, and costs little."""
        monkeypatch.setenv("STENO_OVERHEAD_PERCENT", "0")
        monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "0")
        told = self._cost()[1]
        for _ in range(ROUNDS * EACH):
            if told <= self.most_ms:
                return
            told = min(told, self._cost()[1])
        pytest.fail(f"watching costs {told:.1f} ms where {self.most_ms} ms are allowed: ask `call.budget` first")

    def _timed(self) -> float:
        began = perf_counter()
        result = self.train()
        took_ms = (perf_counter() - began) * 1000.0
        del result
        return took_ms

    def _cost(self) -> tuple[float, float]:
        """Train watched, and return what it took and what its runs tell of the cost, in milliseconds."""
        known = {run.info.run_id for run in runs_of_test()}
        self.on()
        took_ms = self._timed()
        autolog(disable=True)
        steno.flush()
        runs = [run for run in runs_of_test() if run.info.run_id not in known]
        return took_ms, sum(float(run.data.tags.get(Tags.OVERHEAD_MS, 0.0)) for run in runs)
