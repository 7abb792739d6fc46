"""What is appended is read, once, in order, whoever appends and wherever the disk ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from array import array
from pathlib import Path

import pytest
from steno.records import Batch, RunStart, Series
from steno.tracking import journal as journals
from steno.tracking.frames import Facts, Opened, SpooledFile
from steno.tracking.journal import Journal, new_id
from steno.tracking.recovery import check
from steno.tracking.segment import SUFFIX

START = RunStart("0", "calm-otter", 1000)


def _journal(folder: Path, **options) -> Journal:
    return Journal(folder, Opened(new_id(), "sqlite:///nowhere.db", True, START), **options)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _read_all(journal: Journal, *, acknowledge: bool = True) -> list[Batch]:
    batches = []
    while journal.pending():
        batch, _, end = journal.read()
        assert end > journal.acked, "a read that goes nowhere"
        batches.append(batch)
        if not acknowledge:
            break
        journal.acknowledge(end)
    return batches


def _values(batches: list[Batch], key: str) -> list[float]:
    return [value for batch in batches if key in batch.series for value in batch.series[key].values]


def _checked(folder: Path) -> int:
    """The points in a folder's files, which must be whole."""
    reports = check(folder)
    assert [report.damage for report in reports] == [""] * len(reports)
    return sum(report.points for report in reports)


def test_what_is_appended_is_read_in_order(tmp_path):
    journal = _journal(tmp_path)
    journal.append(Facts(params={"lr": "0.1"}))
    journal.append_point("loss", -3, 5, 0.5)
    journal.append_row(("loss", "acc"), 7, 6, [0.25, 1.0])
    journal.append(SpooledFile("a.txt", "s1"))
    batch, files, end = journal.read()
    assert (batch.start, batch.params) == (START, {"lr": "0.1"})
    assert [(m.step, m.timestamp, m.value) for m in batch.series["loss"].metrics()] == [(-3, 5, 0.5), (7, 6, 0.25)]
    assert list(batch.series["acc"].values) == [1.0]
    assert (files, end) == ([SpooledFile("a.txt", "s1")], journal.committed)
    journal.close(remove=False)


def test_a_read_is_repeated_until_it_is_acknowledged(tmp_path):
    journal = _journal(tmp_path)
    journal.append_point("loss", 1, 1, 1.0)
    first = journal.read()
    assert journal.read() == first
    journal.acknowledge(first[2])
    assert not journal.pending()
    journal.append_point("loss", 2, 2, 2.0)
    batch, _, _ = journal.read()
    assert batch.start is None
    assert list(batch.series["loss"].values) == [2.0]
    journal.acknowledge(0)  # late news of an older acknowledgement takes nothing back
    assert journal.acked == first[2]
    journal.close(remove=False)


def test_segments_roll_over_and_go_once_they_are_acknowledged(tmp_path):
    journal = _journal(tmp_path)
    for step in range(20_000):
        journal.append_point("loss", step, step, float(step))
    assert len(_files(tmp_path)) > 2
    assert _checked(tmp_path) == 20_000
    assert _values(_read_all(journal), "loss") == [float(step) for step in range(20_000)]
    assert len(_files(tmp_path)) == 1
    journal.close(remove=True)
    assert _files(tmp_path) == []


def test_layouts_outlive_the_segment_that_announced_them(tmp_path):
    journal = _journal(tmp_path)
    for step in range(3000):
        journal.append_row(("a", "b"), step, step, [1.0, 2.0])
    _read_all(journal)
    journal.append_row(("a", "b"), 3000, 3000, [3.0, 4.0])
    (report,) = check(tmp_path)
    assert report.damage == ""
    assert (report.run_id, report.store_uri) == (journal.run_id, "sqlite:///nowhere.db")
    assert _values(_read_all(journal), "b") == [4.0]
    journal.close(remove=False)


def test_a_frame_larger_than_any_segment_gets_one_of_its_own(tmp_path):
    journal = _journal(tmp_path)
    tags = {f"t{n}": "x" * 8000 for n in range(1000)}
    journal.append(Facts(tags=tags))
    journal.append_point("loss", 0, 0, 1.0)
    assert _read_all(journal)[-1].series["loss"].values[0] == 1.0
    journal.close(remove=True)


def test_one_read_is_bounded(tmp_path):
    journal = _journal(tmp_path)
    for step in range(200_000):
        journal.append_point("loss", step, step, 1.0)
    batches = _read_all(journal)
    assert max(len(batch.series["loss"]) for batch in batches) * 40 <= journals.BATCH_BYTES + 40
    assert sum(len(batch.series["loss"]) for batch in batches) == 200_000
    journal.close(remove=True)


def test_many_threads_lose_nothing_and_tear_nothing(tmp_path):
    journal = _journal(tmp_path)
    batches: list[Batch] = []
    done = threading.Event()

    def log(thread: int) -> None:
        for step in range(3000):
            if step % 3 == 0:
                journal.append_row((f"t{thread}", f"u{thread}"), step, 0, [float(step), 0.0])
            else:
                journal.append_point(f"t{thread}", step, 0, float(step))
            if step % 100 == 0:
                journal.append(Facts(tags={f"t{thread}": str(step)}))

    def carry() -> None:
        while not done.is_set() or journal.pending():
            batches.extend(_read_all(journal))

    carrier = threading.Thread(target=carry)
    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in (carrier, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    carrier.join(30)
    assert not carrier.is_alive()
    for number in range(8):
        assert _values(batches, f"t{number}") == [float(step) for step in range(3000)]
        assert len(_values(batches, f"u{number}")) == 1000
    journal.close(remove=True)


_SENDER = """
import os, sys, time
pid, parent = int(sys.argv[1]), os.getppid()
while os.getppid() == parent:
    os.kill(pid, int(sys.argv[2]))
    time.sleep(0.0002)
"""


class _Signals:
    """Calls a function from a signal handler thousands of times a second, wherever the journal's code then stands."""

    def __init__(self, action) -> None:
        self.calls, self._action, self._inside = 0, action, False

    def _handle(self, signum, frame) -> None:
        while frame is not None and frame.f_code.co_filename != journals.__file__:
            frame = frame.f_back
        if frame is None or self._inside:
            return
        self._inside = True
        try:
            self.calls += 1
            self._action(self.calls)
        finally:
            self._inside = False

    def __enter__(self) -> _Signals:
        self._old = signal.signal(signal.SIGUSR1, self._handle)
        command = [sys.executable, "-c", _SENDER, str(os.getpid()), str(int(signal.SIGUSR1))]
        self._sender = subprocess.Popen(command)
        return self

    def __exit__(self, *_) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        self._sender.kill()
        self._sender.wait()
        signal.signal(signal.SIGUSR1, self._old)


def test_a_signal_handler_may_log_while_its_thread_is_logging(tmp_path):
    journal = _journal(tmp_path)

    def from_handler(call: int) -> None:
        journal.append_point(f"handler{call % 7}", call, 0, float(call))
        journal.append_row((f"handler{call % 7}", f"new{call}"), call, 0, [float(call), 1.0])
        journal.append(Facts(tags={"call": str(call)}))

    with _Signals(from_handler) as signals:
        step = 0
        while signals.calls < 1500:
            journal.append_point("main", step, 0, float(step))
            journal.append_row((f"main{step % 500}", "row"), step, 0, [float(step), float(step)])
            step += 1
    batches = _read_all(journal)
    assert _values(batches, "main") == [float(s) for s in range(step)]
    assert _values(batches, "row") == [float(s) for s in range(step)]
    for number in range(500):
        assert _values(batches, f"main{number}") == [float(s) for s in range(number, step, 500)]
    for number in range(7):
        calls = range(1, signals.calls + 1)
        expected = [float(c) for c in calls if c % 7 == number for _ in range(2)]
        assert _values(batches, f"handler{number}") == expected
    journal.close(remove=True)


class _Interrupt(Exception):
    """What a signal handler of the user's raises, as Ctrl-C does."""


def _interrupt(call: int) -> None:
    raise _Interrupt


def test_an_exception_out_of_a_signal_handler_leaves_the_journal_whole(tmp_path):
    journal = _journal(tmp_path)
    kept, step = [], 0
    with _Signals(_interrupt) as signals:
        while signals.calls < 1500:
            step += 1
            try:
                journal.append_point("loss", step, 0, float(step))
                kept.append(float(step))
                journal.append_row((f"r{step % 400}", "row"), step, 0, [1.0, float(step)])
                if step % 50 == 0:
                    journal.append(Facts(params={f"p{step}": "x" * 1000}))
            except _Interrupt:
                pass
    journal.append_point("after", 0, 0, 1.0)
    _checked(tmp_path)
    batches = _read_all(journal)
    values = _values(batches, "loss")
    assert set(kept) <= set(values)
    assert values == sorted(set(values))
    assert _values(batches, "after") == [1.0]
    journal.close(remove=True)


def test_a_folder_that_cannot_be_made_means_memory_and_is_said_once(tmp_path, caplog):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    with caplog.at_level(logging.WARNING, "steno.journal"):
        journal = _journal(blocker / "journal")
        for step in range(20_000):
            journal.append_point("loss", step, 0, float(step))
    assert journal.in_memory
    assert _values(_read_all(journal), "loss") == [float(step) for step in range(20_000)]
    assert journal.dropped == 0
    (said,) = caplog.records
    assert "STENO_JOURNAL_DIR" in said.getMessage()


def test_memory_is_bounded_and_what_does_not_fit_is_counted(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    journal = _journal(tmp_path / "file" / "journal", memory_limit=256 << 10)
    for step in range(20_000):
        journal.append_point("loss", step, 0, float(step))
        journal.append_row((f"k{step}",), step, 0, [1.0])
    kept = _values(_read_all(journal), "loss")
    assert 0 < len(kept) < 20_000
    assert kept == [float(step) for step in range(len(kept))]
    assert journal.dropped >= 20_000 - len(kept)
    assert len([r for r in caplog.records if "further points are lost" in r.getMessage()]) == 1


def test_memory_that_was_delivered_is_used_again(tmp_path):
    (tmp_path / "file").write_text("")
    journal = _journal(tmp_path / "file" / "journal", memory_limit=256 << 10)
    for round_ in range(20):
        for step in range(1000):
            journal.append_point("loss", step, 0, float(round_))
        assert len(_values(_read_all(journal), "loss")) == 1000
    assert journal.dropped == 0


def test_an_append_after_the_end_opens_the_journal_again(tmp_path):
    journal = _journal(tmp_path)
    journal.append_point("loss", 0, 0, 1.0)
    _read_all(journal)
    journal.close(remove=True)
    assert _files(tmp_path) == []
    journal.append_point("loss", 1, 0, 2.0)
    assert _checked(tmp_path) == 1
    assert _values(_read_all(journal), "loss") == [2.0]
    journal.close(remove=True)


def test_ids_are_ordered_by_time_and_never_repeat():
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(len(i) == 32 and int(i, 16) >> 76 & 0xF == 7 for i in ids)
    assert [i[:12] for i in ids] == sorted(i[:12] for i in ids)


def test_many_points_at_once_come_back_in_their_series(tmp_path):
    journal = _journal(tmp_path)
    points = [(("loss", "lr", "acc")[n % 3], n, 10 + n, n / 7) for n in range(2500)]
    journal.append_points(points)
    journal.append_points([])
    (batch,) = _read_all(journal, acknowledge=False)
    for key in ("loss", "lr", "acc"):
        series = batch.series[key]
        mine = [point[1:] for point in points if point[0] == key]
        assert list(zip(series.steps, series.times, series.values, strict=True)) == mine
    journal.close(remove=False)
    assert _checked(tmp_path) == 2500


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_a_stretch_of_one_metric_comes_back_as_it_was(tmp_path, count):
    journal = _journal(tmp_path)
    stretch = Series("loss", array("q", range(count)), array("q", range(10, 10 + count)), array("d", range(count)))
    journal.append_point("loss", -1, 9, 0.5)
    journal.append_series(stretch)
    (batch,) = _read_all(journal, acknowledge=False)
    read = batch.series["loss"]
    assert (read.steps[1:], read.times[1:], read.values[1:]) == (stretch.steps, stretch.times, stretch.values)
    journal.close(remove=False)
    assert _checked(tmp_path) == count + 1


def test_points_that_are_appended_together_are_kept_or_dropped_together(tmp_path):
    (tmp_path / "file").write_text("")
    journal = _journal(tmp_path / "file" / "no folder", memory_limit=80 << 10)
    for begin in range(0, 4000, 100):
        journal.append_points([("loss", begin + n, 0, float(begin + n)) for n in range(100)])
    assert 0 < journal.dropped < 4000
    assert _values(_read_all(journal), "loss") == list(map(float, range(4000 - journal.dropped)))
