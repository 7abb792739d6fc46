"""What every part of the suite for integrations stands on: its attributes, and two trainings of the author's."""

from __future__ import annotations

import pickle
from contextlib import nullcontext
from typing import Any

import pytest

import steno
from steno.autolog import autolog, autolog_one
from steno.records import Run, Tags
from steno.testing.fixtures import Fixtures, runs_of_test

WAYS = ("clean", "fork", "spawn", "loky")


class Trainings(Fixtures):
    """What an author sets and overrides; `IntegrationSuite` says how.

    Attributes:
        name: The integration's name.
        runs: How many runs without a parent one training makes.
        loop: Whether a training is a loop of the user's own, which no watched call contains. What ends its run is
            the thread, the process or switching off; that it failed only the process or the user's run can tell.
        options: Options for `autolog`, if other than the defaults are to be tested.
        most_ms: What watching one training of `train` may cost when the budget for optional work is nothing, in
            milliseconds. The default allows for params, tags, a data fingerprint and a small model.
        keeps_models: Whether a training leaves a model with its run. One that is there must load in a clean process
            whatever this says.
        trusted: Names that loading that model may ask for.
        ways: The processes in which trainings are tried. "clean": pickles and models are loaded in a process that
            knows nothing of this one. "fork": trainings in forked children, for frameworks that bear it. "spawn":
            in a fresh process of `multiprocessing`. "loky": in joblib's workers, if joblib is installed. There the
            class is found by its module's file, and made without fixtures. Each way that is left out is shown as a
            skipped test; of several classes for one framework, one should have them all.
        unsteady: What changes in the framework once it is used as the integration uses it, and is no trace of that:
            a count of registrations, what a late import of its own replaces. "package.module.Class.attribute".
    """

    name: str
    runs = 1
    loop = False
    options: dict[str, Any] = {}  # noqa: RUF012 - overridden, not changed
    most_ms = 100.0
    keeps_models = False
    trusted: tuple[str, ...] = ()
    ways: tuple[str, ...] = WAYS
    unsteady: tuple[str, ...] = ()

    def train(self) -> Any:
        """Train once, the same way each time, and return the result."""
        raise NotImplementedError

    def fail(self) -> Any:
        """Begin a training that raises."""
        raise NotImplementedError

    def shown(self, result: Any) -> Any:
        """Return what tells two results apart; their pickles, unless that does not do."""
        return pickle.dumps(result)

    def state(self) -> Any:
        """Return what else of the framework is global and must stay as it is, comparable.

        Plain values in the framework's modules are compared anyway; what is to be named here is asked for by a
        function, `sklearn.get_config()` say.
        """
        return None

    # -- how the tests stand ---------------------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def own_store(self, steno_store: str) -> str:
        """Give each test an empty store, and switch everything off round it."""
        return steno_store

    def on(self) -> None:
        """Switch the integration on."""
        autolog_one(self.name, **self.options)

    def every_run(self) -> list[Run]:
        """Return the runs of this test, the oldest first; a loop's end with switching off."""
        if self.loop:
            autolog(disable=True)
        return runs_of_test()

    def recorded(self) -> list[Run]:
        """Return the runs of this test that have no parent."""
        return [run for run in self.every_run() if Tags.PARENT_RUN_ID not in run.data.tags]

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
