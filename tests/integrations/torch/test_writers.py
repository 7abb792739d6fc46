"""What is written for TensorBoard is recorded too; the event files stay as they are."""

from __future__ import annotations

import pytest
import steno
import torch

from .conftest import all_runs, history, net, only_run, steps

tensorboard = pytest.importorskip("torch.utils.tensorboard")


@pytest.fixture
def writer(autolog, tmp_path):
    with tensorboard.SummaryWriter(tmp_path / "events") as writer:
        yield writer


def test_scalars_go_into_the_open_run(writer):
    with steno.start_run():
        for step in range(3):
            writer.add_scalar("val/accuracy", torch.tensor(step / 4), step)
        writer.add_scalars("both", {"a": 1, "b": 2.5}, 7)
    run = only_run()
    assert history(run, "val/accuracy") == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert (history(run, "both/a"), history(run, "both/b")) == ([(7, 1.0)], [(7, 2.5)])


def test_scalars_go_into_the_loops_run(writer):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(3):
        (loss,) = steps(model, optimizer, 1)
        writer.add_scalar("Loss/train", loss, step)
        writer.add_scalar("no step", loss)
    run = only_run()
    assert [step for step, _ in history(run, "Loss/train")] == [0, 1, 2]
    assert [step for step, _ in history(run, "no step")] == [1, 2, 3]
    assert [v for _, v in history(run, "Loss/train")] == [v for _, v in history(run, "loss")]


def test_without_a_run_or_loop_there_is_nowhere(writer):
    writer.add_scalar("a", 1.0, 1)
    assert all_runs() == []


def test_hyper_parameters_are_params(writer):
    with steno.start_run():
        writer.add_hparams({"width": 3, "kind": "mlp"}, {"accuracy": 0.5})
    run = only_run()
    assert (run.data.params["width"], run.data.params["kind"]) == ("3", "mlp")
    assert run.data.metrics["accuracy"] == 0.5


def test_what_is_no_number_is_left_to_the_writer(writer):
    with steno.start_run(), pytest.raises(Exception):  # noqa: B017, PT011 - the writer's own
        writer.add_scalar("a", object(), 1)
    assert only_run().data.metrics == {}


def test_the_event_files_are_the_users(autolog, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with steno.start_run(), tensorboard.SummaryWriter(tmp_path / "events") as writer:
        writer.add_scalar("a", 1.5, 3)
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    assert [(each.step, each.value) for each in events.Scalars("a")] == [(3, 1.5)]
