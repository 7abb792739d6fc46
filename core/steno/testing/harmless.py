"""The suite for integrations, part one: logging cannot stop, hang or change a training (P1)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

import steno
from steno.autolog import autolog
from steno.contracts.integration import Patch
from steno.testing.broken import BROKEN, broken, rewritten
from steno.testing.faulty import FAULTS, FaultyStore
from steno.testing.onlooker import Changes, Kept
from steno.testing.surface import changed_data, surface
from steno.testing.trainings import Trainings
from steno.testing.watched import calls_of_users, packages, targets, traceback_lines, world

HANGS_S = 45.0


class HarmlessTests(Trainings):
    """What the user sees, and what the process and the framework are left as."""

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
        plain = world(self.train) | {"output": capfd.readouterr(), "state": self.state()}
        self.on()
        assert world(self._train_and_write) | {"output": capfd.readouterr(), "state": self.state()} == plain

    def _train_and_write(self) -> None:
        # Until a model is written, the filters of warnings have an entry for the thread that writes it.
        self.train()
        steno.flush()

    def test_the_frameworks_own_settings_stay(self) -> None:
        """No plain value in a module of the framework changes that a training does not change by itself."""
        self.on()
        self.train()
        names = packages(self.name)
        autolog(disable=True)
        before = surface(names)
        self.train()
        by_itself = changed_data(before, surface(names))
        self.on()
        before = surface(names)
        self.train()
        assert changed_data(before, surface(names)) <= by_itself

    def test_what_the_user_gives_and_gets_is_left_alone(self) -> None:
        """Arguments, the object that is trained and the result are not changed by advice."""
        changes = Changes()
        with rewritten(self.name, changes.look):
            self.on()
            self.train()
            self.raised()
        assert changes.found == set()

    def test_nothing_of_a_training_is_kept_in_memory(self) -> None:
        """What the user lets go of is gone, once the run has arrived."""
        plain = self._left(Kept.instead)
        assert self._left(Kept.look) == plain

    def _left(self, look: Callable[[Kept, Patch], Patch]) -> list[str]:
        kept = Kept()
        with rewritten(self.name, lambda patch: look(kept, patch)) as failures:
            self.on()
            kept.add("the result", self.train())
            if self.loop:
                autolog(disable=True)
            steno.flush()
            failures.clear()  # the list is ours, and an error holds what was there when it was raised
            gc.collect()
            return kept.alive()

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
    def test_a_store_that_fails_harms_no_training(
        self, fault: str, steno_faulty_store: Callable[[str], AbstractContextManager[FaultyStore]]
    ) -> None:
        """A store that raises or hangs, or a journal that cannot be written, is not met by the training."""
        plain = self.shown(self.train())
        with steno_faulty_store(fault) as store:
            began = time.monotonic()
            self.on()
            assert self.shown(self.train()) == plain
            assert isinstance(self.failed(), Exception)
            assert time.monotonic() - began < HANGS_S, "the training waited for the store"
            assert store.asked == [], "the training's own thread asked the store"
            autolog(disable=True)
        statuses = {run.info.status for run in self.recorded()}
        assert statuses == {"FINISHED", "FAILED"}, "what was recorded meanwhile has to arrive once the store is well"
