"""The published suite holds for a framework of our own, under both mechanisms, and finds what is broken."""

from __future__ import annotations

import random
import warnings

import pytest
import steno
from steno.autolog import autolog
from steno.contracts.integration import Patch, Via
from steno.testing.integration import IntegrationSuite


def fit(call):
    call.run.log_params({"depth": call.instance.depth})
    result = yield
    call.run.log_metric("score", result.score())


class ToySuite(IntegrationSuite):
    via = Via.AUTO
    ways = ()  # the framework is made by a fixture, which other processes have not; tests/suites tries them

    @pytest.fixture(autouse=True)
    def framework(self, toy, own_store):
        self.name = toy.name
        toy.rows = [Patch(f"{name}.fit", fit, via=self.via) for name in ("Tree", "Forest", "Boosted")]
        toy.rows.append(Patch("train", fit, via=self.via))
        self.fw = toy.load()

    def train(self):
        return self.fw.Boosted(depth=2).fit([1, 2], [3, 4])

    def fail(self):
        self.fw.Boosted().fit(self.fw.Problem("no"))


class TestWithWrappers(ToySuite):
    via = Via.WRAPT
    by_name = False


class TestWithSwappedCode(ToySuite):
    via = Via.CODE


class TestAsCoreChooses(ToySuite):
    pass


def draws(call):
    yield
    random.random()


def warns_filter(call):
    yield
    warnings.simplefilter("ignore", DeprecationWarning)


def trains_again(call):
    yield
    type(call.instance)().fit(1)


def changes_the_result(call):
    (yield).depth = 99


def leaves_a_run_open(call):
    call.run.log_param("a", 1)
    yield
    steno.start_run(nested=True)


def fails(call):
    yield
    raise ValueError("a bug")


def drops_an_argument(call):
    call.kwargs.clear()
    yield


@pytest.mark.parametrize(
    ("advice", "test"),
    [
        (draws, "test_the_process_is_left_as_training_alone_leaves_it"),
        (warns_filter, "test_the_process_is_left_as_training_alone_leaves_it"),
        (trains_again, "test_the_users_function_is_called_as_often_as_without_us"),
        (changes_the_result, "test_the_result_is_untouched"),
        (drops_an_argument, "test_the_result_is_untouched"),
        (leaves_a_run_open, "test_a_training_is_a_finished_run_of_this_integration"),
        (fails, "test_nothing_is_contained_where_nothing_is_wrong"),
    ],
    ids=lambda value: getattr(value, "__name__", value).removeprefix("test_"),
)
def test_the_suite_finds_a_bad_integration(toy, capfd, monkeypatch, tmp_path, advice, test):
    monkeypatch.setenv("STENO_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    suite = ToySuite()
    suite.name, suite.fw = toy.name, toy.load()
    suite.train = lambda: suite.fw.Boosted(depth=2).fit(1, y=2)
    toy.rows = [Patch("Boosted.fit", advice)]
    arguments = [capfd] if "process" in test else []
    try:
        with warnings.catch_warnings(), pytest.raises(AssertionError):
            getattr(suite, test)(*arguments)
    finally:
        steno.end_run()
        steno.flush()  # what a bad integration left; the next test waits for nobody
        autolog(disable=True)
