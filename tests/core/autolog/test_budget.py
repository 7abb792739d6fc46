"""The overhead budget: what optional work may take, and what is learned of it."""

from __future__ import annotations

import time

import pytest
from steno.autolog import autolog
from steno.contracts.integration import Patch


def budget_in(toy, before=lambda budget: None, after=lambda budget: None, seconds=0.0):
    """Watch one call of a length, and look at its budget before and after."""
    found = []

    def advice(call):
        found.append(before(call.budget))
        yield
        found.append(after(call.budget))

    autolog(disable=True)  # so that what is set from outside is read again
    fw = toy.watch(Patch("Tree.fit", advice))
    fw.Tree().fit(lambda model: time.sleep(seconds))
    assert toy.failures == []
    return found


def test_a_short_call_has_the_floor_and_a_long_one_its_percentage(toy, monkeypatch):
    monkeypatch.setenv("STENO_OVERHEAD_PERCENT", "50")
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "20")
    before, after = budget_in(toy, lambda b: b.remaining_ms(), lambda b: b.remaining_ms(), seconds=0.2)
    assert 0 < before <= 20
    assert after > 80


def test_time_in_advice_counts_as_spent(toy):
    def used(budget):
        first = budget.remaining_ms()
        time.sleep(0.02)
        return first, budget.remaining_ms()

    [(before, left), (later, at_end)] = budget_in(toy, used, used)
    assert before - left >= 20
    assert later - at_end >= 20
    assert at_end < -30


def test_work_is_done_if_it_fits_and_learned(toy, monkeypatch):
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "300")
    done = []

    def work():
        time.sleep(0.2)
        done.append(1)
        return "result"

    assert budget_in(toy, after=lambda b: (b.spend("score", work), b.spend("score", work)))[1] == ("result", None)
    assert done == [1]
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "100")
    assert budget_in(toy, after=lambda b: b.spend("score", work))[1] is None
    assert done == [1]


def test_an_estimate_goes_before_what_was_learned(toy, monkeypatch):
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "1000")
    asked = budget_in(toy, lambda b: (b.allows("x", 2000.0), b.allows("x", 1.0), b.allows("never seen")))[0]
    assert asked == (False, True, True)


def test_one_slow_occasion_does_not_ban_work_for_good(toy, monkeypatch):
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "1000")
    budget_in(toy, lambda b: b.spend("slow", lambda: time.sleep(0.3)))
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "100")
    asked = budget_in(toy, lambda b: [b.allows("slow") for _ in range(40)])[0]
    assert asked[0] is False
    assert asked[-1] is True


def test_what_work_raises_goes_to_advice(toy, monkeypatch):
    def asks(budget):
        with pytest.raises(ZeroDivisionError):
            budget.spend("breaks", lambda: 1 / 0)
        return True

    assert budget_in(toy, asks)[0]
