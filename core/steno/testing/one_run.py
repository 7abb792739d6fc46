"""The suite for integrations, part three: one training is one run, wherever it takes place (P5)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import steno
from steno.autolog import watch
from steno.contracts.integration import Patch
from steno.records import Run, Tags
from steno.testing.trainings import Trainings

TRAININGS = 2


def search(train: Callable[[], Any], way: str) -> list[Any]:
    """Train several times in one call, as a search over hyper-parameters does."""
    if way == "in threads":
        with ThreadPoolExecutor(TRAININGS) as pool:
            return [training.result() for training in [pool.submit(train) for _ in range(TRAININGS)]]
    return [train() for _ in range(TRAININGS)]


def records_a_search(call: Any) -> Generator[None, Any, None]:
    """The advice of `search`."""
    call.run.log_param("candidates", TRAININGS)
    yield
    call.run.log_metric("done", TRAININGS)


def watch_searches(name: str) -> None:
    """Let an integration that is on watch `search`, as one that many trainings happen in."""
    watch(name, sys.modules[__name__], [Patch("search", records_a_search, many=True)])


class RunTests(Trainings):
    """How many runs there are, whose they are, and how they ended."""

    def test_a_training_is_a_finished_run_of_this_integration(self) -> None:
        """One training, one run; its cost is on it."""
        self.on()
        self.train()
        found = self.recorded()
        assert len(found) == self.runs
        for run in found:
            assert run.info.status == "FINISHED"
            assert run.data.tags[Tags.AUTOLOGGING] == self.name
            assert float(run.data.tags[Tags.OVERHEAD_MS]) > 0.0
        assert steno.active_run() is None

    def test_a_run_says_what_was_trained(self) -> None:
        """Params, metrics or datasets are on it: a run without any is no record."""
        self.on()
        self.train()
        for run in self.recorded():
            assert run.data.params or run.data.metrics or run.inputs.dataset_inputs

    def test_a_training_that_fails_is_a_failed_run(self) -> None:
        """The run says what ended it."""
        self.on()
        error = self.failed()
        failed = [run for run in self.recorded() if run.info.status == "FAILED"]
        assert failed
        assert failed[0].data.tags[Tags.END_REASON] == type(error).__name__
        assert steno.active_run() is None

    def test_in_a_run_of_the_users_nothing_else_begins(self) -> None:
        """Everything goes into the user's run, which stays open."""
        self.on()
        with steno.start_run() as mine:
            self.train()
            assert steno.active_run() is mine
        found = self.recorded()
        assert [run.info.run_id for run in found] == [mine.run_id]
        assert Tags.AUTOLOGGING not in found[0].data.tags

    def test_trainings_one_after_the_other_are_runs_of_their_own(self) -> None:
        """Three trainings, and nothing of one in another."""
        self.on()
        for _ in range(3):
            self.train()
        self.one_each(self.recorded(), 3)

    def test_trainings_in_threads_are_runs_of_their_own(self) -> None:
        """Three threads, three trainings."""
        self.on()
        with ThreadPoolExecutor(3) as pool:
            for training in [pool.submit(self.train) for _ in range(3)]:
                training.result()
        self.one_each(self.recorded(), 3)

    def test_trainings_in_tasks_are_runs_of_their_own(self) -> None:
        """Three tasks, three trainings."""
        self.on()

        async def train() -> None:
            await asyncio.sleep(0)
            self.train()

        async def main() -> None:
            await asyncio.gather(*(train() for _ in range(3)))

        asyncio.run(main())
        self.one_each(self.recorded(), 3)

    def one_each(self, found: list[Run], trainings: int) -> None:
        """Check that these are the finished runs of so many trainings."""
        assert [run.info.status for run in found] == ["FINISHED"] * trainings * self.runs

    @pytest.mark.parametrize("way", ["one after the other", "in threads"])
    def test_many_trainings_inside_a_search_are_its_run_alone(self, way: str) -> None:
        """Inside of a call whose row says `many` an integration opens no run and writes nothing to that call's."""
        self.on()
        watch_searches(self.name)
        search(self.train, way)
        is_a_searchs_alone(self.every_run(), "FINISHED")

    def test_a_rank_above_0_records_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of several processes that train one model, the first records it."""
        plain = self.shown(self.train())
        monkeypatch.setenv("STENO_RANK", "1")
        self.on()
        assert self.shown(self.train()) == plain
        assert self.every_run() == []


def is_a_searchs_alone(found: list[Run], status: str) -> None:
    """Check that there is one run, and on it what `search` records."""
    assert [run.info.status for run in found] == [status]
    assert found[0].data.params == {"candidates": str(TRAININGS)}
    assert found[0].data.metrics == {"done": TRAININGS}
