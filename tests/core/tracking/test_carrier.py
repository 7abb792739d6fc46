"""A journal is carried into its store in whatever order the processes of a run come to it."""

from __future__ import annotations

import logging

import pytest
import steno
from steno.errors import NotFound, StoreUnavailable
from steno.records import RunStart
from steno.tracking.carrier import Carrier
from steno.tracking.frames import Opened
from steno.tracking.journal import Journal, new_id


@pytest.fixture
def journal(tracking, tmp_path):
    def journal(run_id, *, begins):
        start = RunStart("0", "calm-otter", 1000) if begins else None
        return Journal(tmp_path / "journals", Opened(run_id, tracking, begins, start))

    return journal


def test_a_child_that_is_first_waits_in_silence_for_the_run_to_begin(tracking, journal, caplog):
    run_id = new_id()
    parent, child = (journal(run_id, begins=begins) for begins in (True, False))
    child.append_point("loss", 0, 5, 0.5)
    carriers = {each: Carrier(each, tracking) for each in (parent, child)}
    with caplog.at_level(logging.WARNING):
        assert not carriers[child].carry()
        assert isinstance(carriers[child].failure, StoreUnavailable)
        assert not carriers[child].hopeless
        assert carriers[parent].carry()
        assert carriers[child].carry(now=True)
    assert caplog.records == []
    assert steno.get_run(run_id).data.metrics == {"loss": 0.5}


def test_what_no_journal_begins_is_said(tracking, journal, caplog):
    child = journal(new_id(), begins=False)
    child.append_point("loss", 0, 5, 0.5)
    carrier = Carrier(child, tracking)
    assert not carrier.carry()
    assert isinstance(carrier.failure, NotFound)
    assert carrier.hopeless
    assert "could not be written" in caplog.text
