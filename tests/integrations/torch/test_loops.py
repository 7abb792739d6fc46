"""When the run of a loop begins and ends."""

from __future__ import annotations

import threading
import time

import pytest
import steno
import torch
from steno.autolog import autolog_one
from steno_torch import loops
from torch import nn

from .conftest import all_runs, history, net, only_run, steps


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def test_a_loop_is_one_run(autolog):
    model = net()
    losses = steps(model, sgd(model), 5)
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("Sequential", "RUNNING")
    assert run.data.tags["mlflow.autologging"] == "pytorch"
    assert history(run, "loss") == [(step, value) for step, value in enumerate(losses, 1)]


def test_it_ends_when_watching_ends_with_its_last_step(autolog):
    model = net()
    steps(model, sgd(model), 3)
    last = time.time_ns() // 1_000_000
    time.sleep(0.2)
    steno.autolog(disable=True)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert abs(run.info.end_time - last) < 100
    assert float(run.data.tags["steno.overhead_ms"]) > 0.0


def test_a_single_step_is_no_run(autolog):
    model = net()
    steps(model, sgd(model), 1)
    assert all_runs() == []


def test_a_stray_backward_is_no_run(autolog):
    model = net()
    for _ in range(1200):
        model(torch.ones(1, 3)).sum().backward()
    assert all_runs() == []
    steps(model, sgd(model), 1)
    assert all_runs() == []


def test_an_image_that_is_optimized_is_no_training(autolog):
    image = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.SGD([image], lr=0.1)
    for _ in range(3):
        (image.sum() - 1).square().backward()
        optimizer.step()
    assert all_runs() == []


def test_steps_without_a_loss_are_no_training(autolog):
    model = net()
    optimizer = sgd(model)
    for _ in range(3):
        optimizer.step()
    assert all_runs() == []


def test_everything_goes_into_an_open_run_and_ends_with_it(autolog):
    model = net()
    optimizer = sgd(model)
    with steno.start_run(run_name="mine") as mine:
        steps(model, optimizer, 3)
        assert steno.active_run() is mine
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert [step for step, _ in history(run, "loss")] == [1, 2, 3]
    assert run.data.params["optimizer_name"] == "SGD"


def test_two_runs_of_the_users_take_their_own_steps(autolog):
    model = net()
    optimizer = sgd(model)
    for name in "ab":
        with steno.start_run(run_name=name):
            steps(model, optimizer, 2)
    assert [(run.info.run_name, len(history(run, "loss"))) for run in all_runs()] == [("a", 2), ("b", 2)]


def test_a_run_inside_a_run_takes_the_steps_made_in_it(autolog):
    model = net()
    optimizer = sgd(model)
    with steno.start_run(run_name="outer") as outer:
        steps(model, optimizer, 2)
        with steno.start_run(run_name="inner", nested=True) as inner:
            steps(model, optimizer, 3)
        steps(model, optimizer, 2)
    client = steno.Client()
    assert [p.step for p in client.get_metric_history(outer.run_id, "loss")] == [1, 2, 3, 4]
    assert [p.step for p in client.get_metric_history(inner.run_id, "loss")] == [1, 2, 3]


def test_three_models_in_turn_are_three_runs(autolog):
    for _ in range(3):
        model = net()
        steps(model, sgd(model), 4)
    del model
    assert [len(history(run, "loss")) for run in all_runs()] == [4, 4, 4]
    assert [run.info.status for run in all_runs()][:2] == ["FINISHED"] * 2


def test_two_trainings_that_take_turns_are_two_runs(autolog):
    first = net()
    mine = sgd(first)
    steps(first, mine, 2)
    second = net()
    other = sgd(second)
    for _ in range(3):
        steps(second, other, 1)
        steps(first, mine, 1)
    assert [len(history(run, "loss")) for run in all_runs()] == [5, 3]


def test_a_new_optimizer_for_the_same_model_goes_on_with_its_run(autolog):
    model = net()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    steps(model, optimizer, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    steps(model, optimizer, 2)
    run = only_run()
    assert [step for step, _ in history(run, "loss")] == [1, 2, 3, 4, 5]
    assert history(run, "lr") == [(1, 0.1), (4, 0.01)]
    assert (run.data.params["optimizer_name"], run.data.params["optimizer/1.optimizer_name"]) == ("SGD", "Adam")


def test_trainings_in_threads_are_runs_of_their_own_and_end_with_them(autolog, wait):
    def train():
        model = net()
        steps(model, sgd(model), 20)

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(lambda: [run.info.status for run in all_runs()] == ["FINISHED"] * 2)
    assert [len(history(run, "loss")) for run in all_runs()] == [20, 20]


def test_threads_that_step_in_turn_record_each_their_own_losses(autolog, wait):
    turn, seen = threading.Barrier(2), {}

    def train(lr):
        model = net()
        optimizer = sgd(model, lr)
        for _ in range(20):
            turn.wait(20)
            seen.setdefault(lr, []).extend(steps(model, optimizer, 1))

    threads = [threading.Thread(target=train, args=[lr]) for lr in (0.1, 0.2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(lambda: [run.info.status for run in all_runs()] == ["FINISHED"] * 2)
    for run in all_runs():
        assert history(run, "loss") == list(enumerate(seen[float(run.data.params["lr"])], 1))


def test_what_is_wrong_with_our_own_look_at_a_step_is_said_once_and_ends_no_loop(autolog, monkeypatch, caplog):
    def broken(*_):
        raise ValueError("ours")

    def train():
        model = net()
        seen.extend(steps(model, sgd(model), 3))

    seen = []
    monkeypatch.setattr(loops, "_step", broken)
    thread = threading.Thread(target=train)  # the losses that no step takes go with it
    thread.start()
    thread.join()
    assert len(seen) == 3
    assert [record.name for record in caplog.records if "ours" in record.getMessage()] == ["steno.autolog"]


def test_a_failure_is_told_by_the_run_it_happened_in(autolog):
    def train():
        model = net()
        with steno.start_run():
            steps(model, sgd(model), 3)
            model(torch.ones(1, 7))

    with pytest.raises(RuntimeError, match="shapes"):
        train()
    run = only_run()
    assert (run.info.status, run.data.tags["steno.end_reason"]) == ("FAILED", "RuntimeError")
    assert len(history(run, "loss")) == 3


def test_inside_a_run_that_another_wants_for_itself_nothing_is_recorded(autolog):
    autolog(exclusive=True)
    model = net()
    with steno.start_run():
        steps(model, sgd(model), 3)
    assert only_run().data.metrics == {}


def test_every_nth_step_is_enough_for_who_says_so(autolog):
    autolog(every_n_steps=3)
    model = net()
    steps(model, sgd(model), 9)
    assert [step for step, _ in history(only_run(), "loss")] == [3, 6, 9]


def test_switched_on_later_it_sees_what_was_made_before(autolog):
    steno.autolog(disable=True)
    model = net()
    optimizer = sgd(model)
    autolog_one("pytorch", log_models=False)
    steps(model, optimizer, 3)
    assert len(history(only_run(), "loss")) == 3


def test_the_run_reaches_the_store_while_the_loop_goes_on(autolog):
    model = net()
    optimizer = sgd(model)
    for count in (40, 45):
        steps(model, optimizer, count - (0 if count == 40 else 40))
        assert len(history(only_run(), "loss")) == count


def test_a_network_inside_a_trainer_of_ones_own_is_found(autolog):
    class Trainer:
        def __init__(self):
            self.network = net()
            self.optimizer = sgd(self.network)

        def fit(self):
            for _ in range(3):
                self.optimizer.zero_grad()
                self.network(torch.ones(2, 3)).square().mean().backward()
                self.optimizer.step()

    Trainer().fit()
    run = only_run()
    assert run.data.params["model"] == "Sequential"
    assert run.data.params["n_parameters"] == "21"
    assert [step for step, _ in history(run, "loss")] == [1, 2, 3]


def test_variables_that_a_function_looks_at_itself_stay_as_they_are(autolog):
    def train(width, lr):
        config = locals()
        model = nn.Linear(3, width)
        optimizer = sgd(model, lr)
        for _ in range(3):
            model(torch.ones(2, 3)).sum().backward()
            optimizer.step()
        return config

    assert train(2, 0.1) == {"width": 2, "lr": 0.1}
    assert len(history(only_run(), "loss")) == 3
