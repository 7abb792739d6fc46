"""What core promises round every watched call, as tests: an integration passes them by naming two trainings."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import steno
from steno.autolog import autolog, autolog_one
from steno.records import Run, Tags
from steno.testing.broken import BROKEN, broken
from steno.testing.faulty import FAULTS, faulty_store
from steno.testing.watched import calls_of_users, looks, targets, traceback_lines, world


class IntegrationSuite:
    """The promises of autologging, for one integration.

    It passes in six lines of a test module:

        from steno.testing.integration import IntegrationSuite

        class TestMine(IntegrationSuite):
            name = "mine"

            def train(self):
                return Model(seed=0).fit(X, y)

            def fail(self):
                Model(seed=0).fit(X, "no labels")

    `train` makes one small watched training, the same each time, and returns its result. `fail` makes one in
    which the framework or the user's code raises inside the watched call. The framework is imported by the
    test module, as a user's program does.

    Attributes:
        name: The integration's name.
        runs: How many runs without a parent one training makes.
        loop: Whether a training is a loop of the user's own, which no watched call contains. What ends its run is
            the thread, the process or switching off; that it failed only the process or the user's run can tell.
        options: Options for `autolog`, if other than the defaults are to be tested.
    """

    name: str
    runs = 1
    loop = False
    options: dict[str, Any] = {}  # noqa: RUF012 - overridden, not changed

    def train(self) -> Any:
        """Train once, the same way each time, and return the result."""
        raise NotImplementedError

    def fail(self) -> Any:
        """Begin a training that raises."""
        raise NotImplementedError

    def shown(self, result: Any) -> Any:
        """Return what tells two results apart; their pickles, unless that does not do."""
        return pickle.dumps(result)

    # -- how the tests stand ---------------------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def own_store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Give each test an empty store, and switch everything off round it."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("STENO_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
        monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "journals"))
        monkeypatch.delenv("STENO_STRICT", raising=False)
        autolog(disable=True)
        yield
        autolog(disable=True)
        steno.flush()

    def on(self) -> None:
        """Switch the integration on."""
        autolog_one(self.name, **self.options)

    def recorded(self) -> list[Run]:
        """Return the runs of this test that have no parent."""
        if self.loop:
            autolog(disable=True)
        steno.flush()
        found: list[Run] = steno.search_runs(output_format="list")
        return [run for run in found if Tags.PARENT_RUN_ID not in run.data.tags]

    def raised(self) -> BaseException:
        """Let a training fail, and return what it raised."""
        with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is, it has to stay it
            self.fail()
        return caught.value

    def failed(self) -> BaseException:
        """Let a training fail where its run learns of it, and return what it raised."""
        with pytest.raises(BaseException) as caught:  # noqa: PT011, SIM117
            with steno.start_run() if self.loop else nullcontext():
                self.fail()
        return caught.value

    # -- what the user sees ----------------------------------------------------------------------------------

    def test_the_result_is_untouched(self) -> None:
        """What training returns is what it returns without steno."""
        plain = self.shown(self.train())
        self.on()
        assert self.shown(self.train()) == plain

    def test_the_users_function_is_called_as_often_as_without_us(self) -> None:
        """Core calls it once for each call, and advice calls it never."""
        self.on()
        functions = [target.function for target in targets(self.name)]
        autolog(disable=True)
        plain = calls_of_users(functions, self.train)
        self.on()
        assert plain, "`train` calls nothing that is watched"
        assert calls_of_users(functions, self.train) == plain

    def test_the_users_error_arrives_unchanged(self) -> None:
        """The same error, the same lines, the same cause and context."""
        plain = self.raised()
        self.on()
        ours = self.raised()
        assert (type(ours), str(ours)) == (type(plain), str(plain))
        assert traceback_lines(ours) == traceback_lines(plain)
        for link in ("__cause__", "__context__"):
            assert type(getattr(ours, link)) is type(getattr(plain, link))

    def test_the_process_is_left_as_training_alone_leaves_it(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Random generators, warnings, logging, figures, folder, environment and output are the training's."""
        plain = world(self.train) | {"output": capfd.readouterr()}
        self.on()
        assert world(self.train) | {"output": capfd.readouterr()} == plain

    # -- errors of ours --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("how", BROKEN)
    def test_advice_that_breaks_is_contained_and_reported(self, how: str) -> None:
        """Advice that raises, does not yield or yields twice costs nothing but the record."""
        plain = self.shown(self.train())
        with broken(self.name, BROKEN[how]) as failures:
            self.on()
            assert self.shown(self.train()) == plain
            assert failures, "no advice ran"
            assert all(target and error for target, error in failures)
            assert isinstance(self.raised(), Exception)

    def test_nothing_is_contained_where_nothing_is_wrong(self) -> None:
        """The integration's own advice raises nothing, whether training goes well or not."""
        with broken(self.name, None) as failures:
            self.on()
            self.train()
            self.raised()
        assert failures == []

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_store_that_fails_harms_no_training(self, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A store that raises or hangs, or a journal that cannot be written, is not met by the training."""
        plain = self.shown(self.train())
        with faulty_store(fault, monkeypatch):
            self.on()
            assert self.shown(self.train()) == plain
            assert isinstance(self.failed(), Exception)
            autolog(disable=True)
        statuses = {run.info.status for run in self.recorded()}
        assert statuses == {"FINISHED", "FAILED"}, "what was recorded meanwhile has to arrive once the store is well"

    # -- runs ------------------------------------------------------------------------------------------------

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

    def test_trainings_in_threads_are_runs_of_their_own(self) -> None:
        """Three threads, three trainings."""
        self.on()
        with ThreadPoolExecutor(3) as pool:
            for training in [pool.submit(self.train) for _ in range(3)]:
                training.result()
        assert [run.info.status for run in self.recorded()] == ["FINISHED"] * 3 * self.runs

    def test_trainings_in_tasks_are_runs_of_their_own(self) -> None:
        """Three tasks, three trainings."""
        self.on()

        async def train() -> None:
            await asyncio.sleep(0)
            self.train()

        async def main() -> None:
            await asyncio.gather(*(train() for _ in range(3)))

        asyncio.run(main())
        assert [run.info.status for run in self.recorded()] == ["FINISHED"] * 3 * self.runs

    # -- on and off ------------------------------------------------------------------------------------------

    def test_what_is_watched_looks_like_itself(self) -> None:
        """Signature, name and documentation hold while on, and pickles are the original's."""
        self.on()
        found = targets(self.name)
        assert found
        watched = [target.looks() for target in found]
        texts = [target.pickled() for target in found]
        autolog(disable=True)
        assert [target.looks() for target in found] == watched
        for target, text in zip(found, texts, strict=True):
            assert (text is None) == (target.pickled() is None), f"{target.name} has to pickle as ever"
            assert b"steno" not in (text or b""), f"{target.name} has to load without steno"

    def test_switching_off_leaves_no_trace(self) -> None:
        """Every attribute of every owner is the object it was, with the code it had."""
        self.on()
        owners = [target.owner for target in targets(self.name)]
        autolog(disable=True)
        before = looks(owners)
        for _ in range(2):
            self.on()
            self.train()
            autolog(disable=True)
        assert looks(owners) == before
        count = len(self.recorded())
        self.train()
        assert len(self.recorded()) == count
