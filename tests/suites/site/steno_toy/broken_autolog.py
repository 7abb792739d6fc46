"""Integrations that each break one promise."""

from __future__ import annotations

import contextvars
import copy
import functools
import os
import random
import time
import warnings
from contextlib import suppress

import steno
import toyframework
from steno.autolog import Session
from steno.contracts.integration import Patch, Via

from steno_toy.autolog import Integration, record

KEPT = []


def beside(before=None, after=None):
    """Return advice that records, and does something it should not before or after the user's call."""

    def advice(call):
        if before:
            before(call)
        inner = record(call)
        next(inner)
        result = yield
        with suppress(StopIteration):
            inner.send(result)
        if after:
            after(call, result)

    return advice


def callback(function, **attributes):
    """Return advice that hands such a callback to the framework, with nothing round it."""

    def before(call):
        added = functools.wraps(function)(lambda step, loss: function())
        vars(added).update(attributes)
        given = call.arguments["callbacks"]
        call.kwargs["callbacks"] = [*given, added]

    return beside(before)


def _filter(call):
    warnings.simplefilter("ignore", DeprecationWarning)


draws = Integration("draws", beside(after=lambda call, result: random.random()))
filters = Integration("filters", beside(_filter))
prints = Integration("prints", beside(lambda call: os.write(1, b"recording\n")))
sleeps = Integration("sleeps", beside(lambda call: time.sleep(0.15)))
sleeps_untold = Integration("sleeps_untold", callback(lambda: time.sleep(0.05)))
keeps = Integration("keeps", beside(after=lambda call, result: KEPT.append(result)))
changes_arguments = Integration("changes_arguments", beside(after=lambda call, result: call.args[0].append(1.0)))
changes_the_model = Integration("changes_the_model", beside(after=lambda call, result: setattr(result, "seen", True)))
forgives = Integration("forgives", callback(lambda: None, forgives=True))
asks_the_store = Integration("asks_the_store", beside(lambda call: steno.search_experiments()))
fails = Integration("fails", beside(after=lambda call, result: result.no_such_attribute))


def _another(call, result):
    contextvars.Context().run(lambda: Session("another_run", "another").end())


def _sets_verbosity(call, result):
    toyframework.SETTINGS["verbosity"] += 1


def _records_nothing(call):
    call.run  # noqa: B018 - opens it
    yield


another_run = Integration("another_run", beside(after=_another))
sets_verbosity = Integration("sets_verbosity", beside(after=_sets_verbosity))
records_nothing = Integration("records_nothing", _records_nothing)


def _spoils_the_model(call):
    inner = record(call)
    next(inner)
    result = yield
    kept = copy.copy(result)
    del kept.bias  # it is written, and cannot be read
    with suppress(StopIteration):
        inner.send(kept)


def _spoils_the_pickle(call, result):
    result.recorded_by = _spoils_the_pickle


spoils_the_model = Integration("spoils_the_model", _spoils_the_model)
spoils_the_pickle = Integration("spoils_the_pickle", beside(after=_spoils_the_pickle))


class _IgnoresSearches(Integration):
    """Opens runs on its own account from inside the framework's code."""

    def patches(self, module):
        def init(model, rate=0.1):
            model.rate = rate
            Session("ignores_searches", "a model").end()

        self.init, module.Model.__init__ = module.Model.__init__, init
        return super().patches(module)

    def switched_off(self):
        toyframework.Model.__init__ = self.init


ignores_searches = _IgnoresSearches("ignores_searches")


class _ForksARun(Integration):
    """Begins a run in each child of a process in which it is on."""

    asked = False

    def patches(self, module):
        if not self.asked:
            os.register_at_fork(after_in_child=lambda: Session("forks_a_run", "a child").end())
            self.asked = True
        return super().patches(module)


forks_a_run = _ForksARun("forks_a_run")


class _LeavesAnAttribute(Integration):
    """Remembers on the framework's class that it was here."""

    def patches(self, module):
        module.Model.watched_by = self.name
        return super().patches(module)


leaves_an_attribute = _LeavesAnAttribute("leaves_an_attribute")


class _Replaces(Integration):
    """Puts a function of its own in the place of the framework's."""

    def patches(self, module):
        self.original = module.train
        module.train = functools.wraps(self.original)(lambda *args, **kwargs: self.original(*args, **kwargs))
        return [Patch("Model.fit", record)]

    def switched_off(self):
        toyframework.train = self.original


replaces = _Replaces("replaces")


class _Wraps(Integration):
    """Wraps a function that people import by name, where its code should be swapped."""

    def patches(self, module):
        return [Patch("train", record, via=Via.WRAPT), Patch("Model.fit", record)]


wraps = _Wraps("wraps")
