"""Epochs, batches and speed, as data loaders tell them; learning rates and optimizers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from .conftest import history, loader, net, only_run, steps


def train(data, epochs=3, validation=None, scheduler=None, optimizer=None, model=None):
    model = model or net()
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = scheduler(optimizer) if scheduler else None
    seen = []
    for _ in range(epochs):
        losses = []
        for inputs, wanted in data:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seen.append(sum(losses) / len(losses))
        if schedule is not None:
            schedule.step()
        if validation is not None:
            with torch.no_grad():
                for inputs, wanted in validation:
                    nn.functional.mse_loss(model(inputs), wanted)
    return seen


@pytest.mark.parametrize("validation", [False, True])
def test_epochs_have_a_number_a_mean_loss_and_a_speed(autolog, validation):
    means = train(loader(), validation=loader() if validation else None)
    run = only_run()
    assert history(run, "epoch") == [(3, 0.0), (6, 1.0), (9, 2.0)]
    assert [step for step, _ in history(run, "loss_epoch")] == [3, 6, 9]
    assert [value for _, value in history(run, "loss_epoch")] == pytest.approx(means)
    assert all(value > 0 for _, value in history(run, "samples_per_second"))
    assert run.data.params["batch_size"] == "8"


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_that_load_the_data_change_nothing(autolog, persistent):
    means = train(loader(num_workers=1, persistent_workers=persistent), epochs=2)
    run = only_run()
    assert [value for _, value in history(run, "loss_epoch")][:1] == pytest.approx(means[:1])
    assert history(run, "epoch")[0] == (3, 0.0)


def test_the_number_of_epochs_is_told_at_the_end(autolog):
    import steno

    train(loader(), epochs=4)
    steno.autolog(disable=True)
    assert only_run().data.params["epochs"] == "4"


def test_a_loader_used_inside_an_epoch_begins_none(autolog):
    data, other = loader(), loader(rows=8, batch_size=4)
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for inputs, wanted in data:
            next(iter(other))
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    assert history(only_run(), "epoch") == [(3, 0.0), (6, 1.0)]


def test_a_loader_that_only_the_for_of_an_epoch_has_made_gives_an_epoch(autolog):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for inputs, wanted in loader():
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    run = only_run()
    assert history(run, "epoch") == [(3, 0.0), (6, 1.0), (9, 2.0)]
    assert len(history(run, "loss")) == 9


def test_two_loaders_side_by_side_are_one_epoch_each_time(autolog):
    one, other = loader(), loader()
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for (inputs, wanted), _ in zip(one, other, strict=True):
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            optimizer.step()
    assert [number for _, number in history(only_run(), "epoch")] == [0.0, 1.0]


def test_batches_made_by_hand_are_no_epochs(autolog):
    model = net()
    steps(model, torch.optim.SGD(model.parameters(), lr=0.1), 5)
    assert "epoch" not in only_run().data.metrics


def test_the_loader_is_asked_for_no_more_than_the_loop_asks(autolog):
    class Counting(torch.utils.data.IterableDataset):
        drawn = 0

        def __iter__(self):
            for _ in range(6):
                self.drawn += 1
                yield torch.ones(3), torch.ones(1)

    data = Counting()
    train(torch.utils.data.DataLoader(data, batch_size=2), epochs=2)
    assert data.drawn == 12
    assert len(history(only_run(), "loss_epoch")) == 2


def test_the_learning_rate_is_recorded_where_it_changes(autolog):
    train(
        loader(batch_size=24), epochs=6, scheduler=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    )
    run = only_run()
    assert history(run, "lr") == [(1, 0.1), (3, 0.05), (5, 0.025)]
    assert run.data.params["lr_scheduler"] == "StepLR"
    assert (run.data.params["lr_scheduler.step_size"], run.data.params["lr_scheduler.gamma"]) == ("2", "0.5")


def test_each_group_of_parameters_has_its_learning_rate(autolog):
    model = net()
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.5}], lr=0.1
    )
    steps(model, optimizer, 3)
    run = only_run()
    assert (history(run, "lr"), history(run, "lr/pg1")) == ([(1, 0.1)], [(1, 0.5)])


def test_a_learning_rate_that_is_a_tensor_is_read(autolog):
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(0.5), capturable=False)
    steps(model, optimizer, 2)
    optimizer.param_groups[0]["lr"].fill_(0.25)
    steps(model, optimizer, 2)
    assert history(only_run(), "lr") == [(1, 0.5), (3, 0.25)]


def test_an_optimizers_settings_stand_under_the_names_mlflow_gives_them(autolog):
    model = net()
    steps(model, torch.optim.AdamW(model.parameters(), lr=0.02, betas=(0.8, 0.9)), 2)
    params = only_run().data.params
    assert (params["optimizer_name"], params["lr"], params["betas"]) == ("AdamW", "0.02", "(0.8, 0.9)")


def test_an_optimizer_of_ones_own_is_recorded(autolog):
    class Signed(torch.optim.Optimizer):
        def __init__(self, params, strength):
            super().__init__(params, {"strength": strength, "odd": object()})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter -= group["strength"] * parameter.grad.sign()

    model = net()
    steps(model, Signed(model.parameters(), 0.01), 3)
    run = only_run()
    assert (run.data.params["optimizer_name"], run.data.params["strength"]) == ("Signed", "0.01")
    assert set(run.data.metrics) == {"loss"}


@pytest.mark.filterwarnings("ignore:The epoch parameter")  # PyTorch 2.5 warns of a call of its own
def test_the_last_scheduler_made_is_the_one_that_is_told(autolog):
    def schedule(optimizer):
        parts = [torch.optim.lr_scheduler.ConstantLR(optimizer), torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]
        return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[1])

    train(loader(), epochs=2, scheduler=schedule)
    assert only_run().data.params["lr_scheduler"] == "SequentialLR"
