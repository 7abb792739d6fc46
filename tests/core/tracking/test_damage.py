"""Journal files that were cut, overwritten or flipped: read as far as they can be, named, and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import steno
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno.records import RunStart, RunStatus
from steno.tracking import places, recovery
from steno.tracking.frames import Facts, Opened
from steno.tracking.journal import Journal, new_id
from steno.tracking.left import LeftJournal

POINTS = 2000  # in two segments


class Written:
    """A journal whose owner is gone: its files' bytes, and where each point's frame ends in them."""

    def __init__(self, folder: Path) -> None:
        journal = Journal(folder, Opened(new_id(), "", True, RunStart("0", "calm-otter", 1000)))
        self.run_id = journal.run_id
        self.ends: list[tuple[int, int]] = []  # segment, byte in it
        for step in range(POINTS):
            if step % 10 == 0:
                journal.append(Facts(tags={"step": str(step)}))
            if step % 3 == 0:
                journal.append_row(("loss", f"k{step % 5}"), step, 1, [float(step), 0.0])
            else:
                journal.append_point("loss", step, 1, float(step))
            self.ends.append((len(journal._segments) - 1, journal._at))
        journal.close(remove=False)
        paths = sorted(folder.glob("*.journal"))
        self.files = {path.name: path.read_bytes() for path in paths}
        self.names = sorted(self.files)
        self.used = [max(at for segment, at in self.ends if segment == index) for index in range(len(self.names))]

    def lay_out(self, folder: Path, changed: dict[str, bytes]) -> list[Path]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, data in {**self.files, **changed}.items():
            (folder / name).write_bytes(data)
        return sorted(folder.glob("*.journal"))


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    found = Written(tmp_path_factory.mktemp("written"))
    assert len(found.names) == 2
    return found


def _steps(paths: list[Path]) -> list[int]:
    """What recovery reads of the files' points."""
    locks = recovery._lock_all(paths)
    assert locks is not None
    left = LeftJournal(paths, locks)
    steps: list[int] = []
    while left.pending():
        batch, _, end = left.read()
        assert end > left.acked
        steps += batch.series["loss"].steps if "loss" in batch.series else []
        left.acked = end
    left.close(remove=False)
    return steps


def _judge(written: Written, folder: Path, index: int, data: bytes, place: int) -> None:
    """Check what is read when segment `index` became `data`, whole before `place`."""
    paths = written.lay_out(folder, {written.names[index]: data})
    reports = recovery.check(folder)
    assert all(report.state == ("damaged" if report.damage else "waiting") for report in reports)
    named = [Path(report.path).name for report in reports if report.damage]
    assert named in ([], [written.names[index]])
    steps = _steps(paths)
    assert steps == sorted(set(steps))
    whole = {s for s, (segment, end) in enumerate(written.ends) if segment != index or (end <= place and place >= 256)}
    assert whole <= set(steps)
    assert set(steps) <= set(range(POINTS))
    if len(steps) < POINTS:
        assert named, f"{POINTS - len(steps)} points are gone and nobody says so"


SLOW = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(st.data())
def test_a_file_cut_anywhere_gives_what_was_before_the_cut(written, tmp_path, data):
    index = data.draw(st.integers(0, 1))
    whole = written.files[written.names[index]]
    cut = data.draw(
        st.integers(0, written.used[index] + 100) | st.integers(0, len(whole) // 4096).map(lambda n: n * 4096)
    )
    _judge(written, tmp_path / "j", index, whole[:cut], cut)


@SLOW
@given(st.data())
def test_a_flipped_bit_costs_at_most_the_frame_it_is_in(written, tmp_path, data):
    index = data.draw(st.integers(0, 1))
    changed = bytearray(written.files[written.names[index]])
    place = data.draw(st.integers(0, 255) | st.integers(0, written.used[index] - 1))
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    _judge(written, tmp_path / "j", index, bytes(changed), place)
    if place >= 2000:  # behind the layouts
        steps = _steps(sorted((tmp_path / "j").glob("*.journal")))
        assert len(steps) >= POINTS - 1


@SLOW
@given(st.data())
def test_overwritten_stretches_give_what_was_before_and_behind_them(written, tmp_path, data):
    index = data.draw(st.integers(0, 1))
    changed = bytearray(written.files[written.names[index]])
    place = data.draw(st.integers(0, written.used[index] - 1))
    junk = data.draw(st.binary(min_size=1, max_size=300) | st.integers(1, 5000).map(bytes))
    changed[place : place + len(junk)] = junk
    _judge(written, tmp_path / "j", index, bytes(changed[: len(written.files[written.names[index]])]), place)


@given(st.binary(max_size=5000))
def test_any_bytes_at_all_are_named_as_damage_and_raise_nothing(data):
    folder = Path("junk")
    folder.mkdir(exist_ok=True)
    (folder / "a.b.000000.journal").write_bytes(data)
    (report,) = recovery.check(folder)
    assert report.state == "damaged"
    assert recovery.replay(folder).damaged


def test_a_torn_tail_is_no_damage(written, tmp_path):
    """A kill can leave a body without its head: what was never acknowledged."""
    changed = bytearray(written.files[written.names[1]])
    at = written.used[1]
    changed[at + 8 : at + 40] = b"\x01" + b"x" * 31
    paths = written.lay_out(tmp_path / "j", {written.names[1]: bytes(changed)})
    assert [report.damage for report in recovery.check(tmp_path / "j")] == ["", ""]
    assert _steps(paths) == list(range(POINTS))


def _lost_run(folder: Path, uri: str) -> str:
    """The journal of a run whose process is gone, in two segments with POINTS points."""
    journal = Journal(folder, Opened(new_id(), uri, True, RunStart("0", "calm-otter", 1000)))
    for step in range(POINTS):
        journal.append_point("loss", step, 1, float(step))
    journal.append_row(("loss", "more"), POINTS, 1, [1.0, 1.0])
    for step in range(POINTS):
        journal.append_point("rest", step, 1, float(step))
    journal.close(remove=False)
    return journal.run_id


def test_a_damaged_journal_is_delivered_as_far_as_it_goes_and_kept(tracking):
    folder = places.journal_folder(tracking)
    run_id = _lost_run(folder, tracking)
    first, second = sorted(folder.glob("*.journal"))
    data = bytearray(first.read_bytes())
    data[30_000] ^= 4
    first.write_bytes(data)
    report = recovery.sync()
    assert (report.delivered, report.closed, report.failed) == (1, [run_id], {})
    (said,) = report.damaged
    assert "a damaged frame at byte" in said
    run = steno.get_run(run_id)
    assert (run.info.status, run.data.summaries["loss"].count) == (RunStatus.KILLED, POINTS)
    assert run.data.summaries["rest"].count == POINTS
    assert not second.exists()
    (kept,) = recovery.check(folder)
    assert kept.path == str(first.with_suffix(".damaged"))
    assert kept.damage
    assert recovery.sync() == recovery.SyncReport()


def test_a_file_without_a_readable_header_costs_its_neighbours_nothing(tracking):
    folder = places.journal_folder(tracking)
    run_id = _lost_run(folder, tracking)
    second = max(folder.glob("*.journal"))
    data = bytearray(second.read_bytes())
    data[50] ^= 4
    second.write_bytes(data)
    report = recovery.sync()
    assert (report.delivered, len(report.damaged)) == (1, 1)
    assert steno.get_run(run_id).data.summaries["loss"].count > 1000
    assert second.with_suffix(".damaged").exists()


def test_a_journal_of_a_later_steno_is_left_alone(tracking):
    folder = places.journal_folder(tracking)
    _lost_run(folder, tracking)
    from steno.tracking import segment

    for path in folder.glob("*.journal"):
        data = bytearray(path.read_bytes())
        data[8] = 2
        data[112:116] = segment._CHECKSUM.pack(segment.crc32(data[:112]))
        path.write_bytes(data)
    before = sorted(folder.iterdir())
    report = recovery.sync()
    assert report.delivered == 0
    assert "install a later steno" in report.damaged[0]
    assert sorted(folder.iterdir()) == before


def test_what_the_store_has_is_not_sent_again_when_the_note_of_it_is_damaged(tracking, wait):
    folder = places.journal_folder(tracking)
    with steno.start_run() as run:
        for step in range(100):
            run.log_metric("loss", float(step), step)
        assert run.flush()
        copies = {path.name: bytearray(path.read_bytes()) for path in folder.glob("*.journal")}
        run.log_metric("loss", 100.0, 100)
        run.flush()
    wait(lambda: not list(folder.glob("*.journal")))
    for name, data in copies.items():
        data[128] ^= 0xFF
        (folder / f"{name[:-14]}000001.journal").write_bytes(data)
    assert recovery.sync().delivered == 1
    assert steno.get_run(run.run_id).data.summaries["loss"].count == 101
