"""Those who hold something back for a run are asked in time."""

from __future__ import annotations

import os

import pytest
import steno
from steno.tracking import followers


class Holder:
    """Holds points until it is asked."""

    def __init__(self, run):
        self.run, self.held, self.errors = run, [], []
        followers.follow(run.run_id, self)

    def settle(self):
        held, self.held = self.held, []
        for step, value in held:
            self.run.log_metric("loss", value, step)

    def ending(self, error):
        self.settle()
        self.errors.append(error)


@pytest.mark.parametrize("read", [steno.get_run, lambda run_id: steno.flush(run_id) and steno.get_run(run_id)])
def test_a_reader_sees_what_was_held(tracking, read):
    with steno.start_run() as run:
        holder = Holder(run)
        holder.held.append((3, 0.5))
        assert read(run.run_id).data.metrics == {"loss": 0.5}


def test_who_reads_everything_sees_it_too(tracking):
    with steno.start_run() as run:
        Holder(run).held.append((3, 0.5))
        assert steno.search_runs(output_format="list")[0].data.metrics == {"loss": 0.5}


def test_before_the_end_everything_is_handed_over_once(tracking):
    run = steno.start_run()
    holder = Holder(run)
    holder.held.append((1, 0.25))
    run.__exit__(KeyError, KeyError("lost"), None)
    assert steno.get_run(run.run_id).data.metrics == {"loss": 0.25}
    assert [type(error) for error in holder.errors] == [KeyError]


def test_a_follower_that_fails_harms_neither_read_nor_end(tracking, caplog):
    class Broken:
        def settle(self):
            raise ValueError("no device")

        ending = None

    with steno.start_run() as run:
        followers.follow(run.run_id, Broken())
        holder = Holder(run)
        holder.held.append((1, 0.25))
        assert steno.get_run(run.run_id).data.metrics == {"loss": 0.25}
    assert steno.get_run(run.run_id).info.status == "FINISHED"
    assert len(holder.errors) == 1
    assert "no device" in caplog.text


def test_a_forked_child_follows_nothing(tracking):
    with steno.start_run() as run:
        holder = Holder(run)
        holder.held.append((1, 0.25))
        pid = os.fork()
        if pid == 0:
            followers.settle()
            os._exit(0 if holder.held else 1)
        assert os.waitpid(pid, 0)[1] == 0
