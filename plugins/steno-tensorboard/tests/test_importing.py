"""What `steno import tensorboard` carries is what TensorBoard reads."""

from __future__ import annotations

import json
import math
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import steno
from click.testing import CliRunner
from steno.cli.root import steno as root
from steno.cli.session import Session
from steno.records import Series
from steno_tensorboard.events import scalar_records, version_record
from steno_tensorboard.importing import importer
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from torch.utils.tensorboard import SummaryWriter


def imported(status: int = 0) -> dict[str, Any]:
    """Run `steno import tensorboard --from logs`, and return what it says."""
    words = ["import", "tensorboard", "--from", "logs", "--json", "-u", steno.get_tracking_uri()]
    done = CliRunner().invoke(root, words, obj=Session())
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def runs() -> dict[str, Any]:
    """The runs of the store by name."""
    return {run.info.run_name: run for run in steno.search_runs(search_all_experiments=True, output_format="list")}


def points(run: Any, key: str) -> list[tuple[int, int, str]]:
    """A series as the store has it; NaN is a text, so that it equals itself."""
    return [(m.step, m.timestamp, repr(m.value)) for m in steno.Client().get_metric_history(run.info.run_id, key)]


def series_of(run: Any) -> dict[str, list[tuple[int, int, str]]]:
    """The series that an importer gives."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for one in run.series:
        found.setdefault(one.key, []).extend(zip(one.steps, one.times, map(repr, one.values), strict=True))
    return found


def files(run: Any) -> list[str]:
    """The artifacts of a run."""

    def below(path: str | None) -> list[str]:
        found = steno.Client().list_artifacts(run.info.run_id, path)
        return [each for one in found for each in (below(one.path) if one.is_dir else [one.path])]

    return below(None)


def test_each_folder_is_a_run_and_its_files_are_one_after_the_other():
    odd = [1.5, math.nan, math.inf, -math.inf, -0.0]
    for part in (odd[:2], odd[2:]):
        with SummaryWriter("logs/a/b") as writer:
            for step, value in enumerate(part):
                writer.add_scalar("train/loss", value, step * 7, walltime=1_700_000_000.25 + step)
    with SummaryWriter("logs/a/b/inside") as writer:
        writer.add_scalar("x", 1, 0)
    with SummaryWriter("logs/c") as writer:
        writer.add_scalar("tensor", 0.25, 3, new_style=True)
    first = imported()
    assert (first["carried"]["runs"], first["carried"]["points"], first["left"]) == (3, 7, [])
    found = runs()
    assert sorted(found) == ["a/b", "a/b/inside", "c"]
    steps = [(0, 1_700_000_000_250), (7, 1_700_000_001_250)]
    steps += [*steps, (14, 1_700_000_002_250)]
    expected = [(*at, repr(value)) for at, value in zip(steps, odd, strict=True)]
    assert points(found["a/b"], "train/loss") == expected
    assert [value for _, _, value in points(found["c"], "tensor")] == ["0.25"]
    assert found["a/b/inside"].data.tags["mlflow.parentRunId"] == found["a/b"].info.run_id
    assert (found["a/b"].info.start_time, found["a/b"].info.end_time) == (1_700_000_000_250, 1_700_000_002_250)
    assert steno.get_experiment(found["c"].info.experiment_id).name == "logs"
    again = imported()
    assert not any(again["carried"].values())
    assert again["already_there"] == 3


def test_what_a_summary_writer_spreads_over_folders_is_one_run():
    with SummaryWriter("logs") as writer:
        writer.add_scalar("loss", 0.5, 0)
        for step in range(3):
            writer.add_scalars("losses/all", {"train": step, "val": 2 * step}, step)
        writer.add_hparams({"lr": 0.1, "layers": 3, "opt": "adam"}, {"hparam/acc": 0.5, "loss": 0.25})
        writer.add_text("note", "**bold**", 4)
        writer.add_image("eye", np.zeros((3, 4, 4), np.uint8), 2)
        writer.add_histogram("weights", np.arange(9.0), 0)
    imported()
    (run,) = runs().values()
    assert run.info.run_name == "logs"
    assert run.data.params == {"lr": "0.1", "layers": "3", "opt": "adam"}
    last = {"loss": 0.5, "losses/all/train": 2, "losses/all/val": 4, "hparam/acc": 0.5, "hparams/loss": 0.25}
    assert run.data.metrics == last
    (event_file,) = Path("logs").glob("events*")
    assert files(run) == [f"events/{event_file.name}", "images/eye/2.png", "text/note/4.md"]
    local = steno.artifacts.download_artifacts(run_id=run.info.run_id)
    assert Path(local, "text/note/4.md").read_text() == "**bold**"
    assert Path(local, "images/eye/2.png").read_bytes().startswith(b"\x89PNG")
    assert Path(local, "events", event_file.name).read_bytes() == event_file.read_bytes()


def test_several_sets_of_hyperparameters_are_runs_of_their_own():
    with SummaryWriter("logs/search") as writer:
        for number in range(2):
            writer.add_hparams({"lr": number}, {"acc": number / 2}, run_name=f"{number}1700000000.5")
    imported()
    found = runs()
    children = {name: run for name, run in found.items() if name != "search"}
    assert sorted((run.data.params["lr"], run.data.metrics["acc"]) for run in children.values()) == [
        ("0", 0),
        ("1", 0.5),
    ]


def test_what_tensorflow_writes_is_read():
    # Kept, since TensorFlow takes long to import; made with 2.21, by `hp.hparams` and `tf.summary`.
    (made,) = Path(__file__).with_name("data").glob("events*")
    Path("logs/tf2").mkdir(parents=True)
    Path("logs/tf2", made.name).write_bytes(made.read_bytes())
    imported()
    (run,) = runs().values()
    assert run.data.params == {"units": "16", "rate": "0.5", "act": "relu", "bias": "True"}
    values = [float(value) for _, _, value in points(run, "loss")]
    assert values == [float(np.float32(1 / (step + 1))) for step in range(3)]
    assert [value for _, _, value in points(run, "double")] == [repr(float(np.float32(0.1)))] * 3
    names = files(run)
    assert names[1:] == ["images/eye/1-2.png", "images/eye/1.png", "text/note/0.md"]
    assert names[0].startswith("events/")  # the histogram has no place of its own


def test_what_the_mirror_wrote_comes_back_with_its_params_and_status():
    run = steno.start_run(run_name="mine")
    steno.log_params({"lr": 0.1, "depth": 3, "fast": True, "name": "x"})
    steno.log_metrics({"loss": 0.5, "odd": math.nan}, 2)
    steno.end_run("FAILED")
    steno.flush()
    (found,) = importer.runs("tensorboard")
    assert found.params == {"lr": "0.1", "depth": "3", "fast": "True", "name": "x"}
    assert found.status == "FAILED"
    assert {key: (one[0][0], one[0][2]) for key, one in series_of(found).items()} == {
        "loss": (2, "0.5"),
        "odd": (2, "nan"),
    }
    assert found.name == f"Default/mine-{run.run_id[-10:]}"


def test_a_torn_or_damaged_file_is_carried_as_far_as_it_is_whole():
    series, rest = Series("loss"), Series("longer name")
    for step in range(400):
        series.append(step, 1_700_000_000_000 + step, step / 3)
        rest.append(step, 1_700_000_000_000 + step, -step / 3)
    content = version_record(1.7e9) + b"".join((*scalar_records(series), *scalar_records(rest)))
    path = Path("logs/run/events.out.tfevents.1700000000.here")
    path.parent.mkdir(parents=True)
    for trial in range(30):
        place = random.randrange(len(content))
        damaged = (
            content[:place] if trial % 2 else content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1 :]
        )
        path.write_bytes(damaged)
        (run,) = importer.runs("logs")
        expected = []
        loader = RawEventFileLoader(str(path)).Load()
        while True:
            try:
                event = Event.FromString(next(loader))
            except Exception:
                break
            expected += [(value.tag, event.step, repr(value.simple_value)) for value in event.summary.value]
        found = [(key, step, value) for key, one in series_of(run).items() for step, _, value in one]
        assert found == expected
        if len(found) < 800 and (trial % 2 == 0 or path.stat().st_size):
            boundary = trial % 2 and not run.problems  # cut between two records, nothing is torn
            assert boundary or (len(run.problems) == 1 and "what comes before it is carried" in run.problems[0])
    path.write_bytes(content[:-5])
    told = imported(status=1)
    assert (told["carried"]["points"], len(told["left"])) == (799, 1)
    assert "a record that is cut off at byte" in told["left"][0]


def test_a_folder_without_event_files_is_said():
    Path("logs").mkdir()
    for place, sentence in (("logs", "there is no event file"), ("nowhere", "there is no folder nowhere")):
        done = CliRunner().invoke(root, ["import", "tensorboard", "--from", place], obj=Session())
        assert done.exit_code == 1
        assert sentence in done.output


def test_a_long_file_is_read_in_little_memory():
    count, path = 300_000, Path("logs/events.out.tfevents.1700000000.here")
    path.parent.mkdir()
    series = Series("loss")
    for step in range(count):
        series.append(step, 1_700_000_000_000 + step, step)
    path.write_bytes(version_record(1.7e9) + b"".join(scalar_records(series)))
    (run,) = importer.runs("logs")
    sizes, last = [], struct.pack("<d", 0)
    for one in run.series:
        sizes.append(len(one))
        last = one.values[-1:].tobytes()
    assert sum(sizes) == count
    assert max(sizes) < count
    assert last == struct.pack("<d", count - 1)
