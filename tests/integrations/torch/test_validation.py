"""Evaluations inside of plain loops: how long they were, and the losses that can be told of them."""

from __future__ import annotations

import copy
import threading

import pytest
import steno
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

from .conftest import all_runs, history, loader, net, only_run
from .validating import X, Y, epoch, evaluate, held_out, is_heard, sgd, told, train, true_loss

# -- what is recorded ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_evaluation_gives_the_mean_loss_of_a_row_at_the_last_step_before_it(autolog, guard, reduction):
    data, apart = held_out(), nn.MSELoss(reduction=reduction)

    def evaluation(model, criterion):
        model.eval()
        with guard():
            for inputs, wanted in data:
                apart(model(inputs), wanted)
        return true_loss(model, X * 2, Y)

    wanted = train(evaluation)
    run = only_run()
    assert [step for step, _ in history(run, "val_loss")] == [3, 6, 9]
    assert [value for _, value in history(run, "val_loss")] == pytest.approx(wanted)
    assert [step for step, _ in history(run, "eval_time_s")] == [3, 6, 9]
    assert all(0 < value < 10 for _, value in history(run, "eval_time_s"))


def test_without_a_loader_one_evaluation_of_all_data_after_each_step_is_enough(autolog):
    model, criterion, seen = net(), nn.MSELoss(), []
    optimizer = sgd(model)
    for _ in range(5):
        model.train()
        train_loss = criterion(model(X), Y)
        optimizer.zero_grad()
        train_loss.backward()
        optimizer.step()
        model.eval()
        with torch.inference_mode():
            seen.append(criterion(model(X * 2), Y * 2).item())
    assert history(only_run(), "val_loss") == list(enumerate(seen, 1))


def test_each_set_of_data_has_a_series_of_its_own(autolog):
    validation, test = held_out(), held_out(rows=6)
    model, criterion = net(), nn.MSELoss()
    optimizer, seen = sgd(model), []
    for number in range(4):
        epoch(model, optimizer, criterion, loader())
        if number < 3:
            evaluate(model, criterion, validation)
        if number in (1, 3):
            evaluate(model, criterion, test)
            seen.append(true_loss(model, X[:6] * 2, Y[:6]))
    run = only_run()
    assert [step for step, _ in history(run, "val_loss")] == [3, 6, 9]
    assert history(run, "val_loss/1") == [(6, pytest.approx(seen[0])), (12, pytest.approx(seen[1]))]


def test_data_that_are_made_anew_for_each_evaluation_are_one_series(autolog):
    train(lambda model, criterion: evaluate(model, criterion, held_out()), epochs=4)
    assert told(only_run()) == ["val_loss"]


def test_two_parts_of_one_data_set_are_two_sets_of_data(autolog):
    both = TensorDataset(X, Y)
    mine, other = (DataLoader(both, batch_size=2, sampler=SubsetRandomSampler(part)) for part in ([*range(6)], [6, 7]))
    train(lambda model, criterion: evaluate(model, criterion, other), data=mine)
    assert len(history(only_run(), "val_loss")) == 3


@pytest.mark.parametrize("divided", ["accumulated", "scaled"])
def test_a_loss_that_is_multiplied_before_backward_is_still_the_loss(autolog, divided):
    model, criterion, data = net(), nn.MSELoss(), held_out()
    optimizer, scaler = sgd(model), torch.amp.GradScaler("cpu")
    for _ in range(3):
        for _ in range(4):
            loss = criterion(model(X), Y)
            (loss / 4 if divided == "accumulated" else scaler.scale(loss)).backward()
        optimizer.step()
        optimizer.zero_grad()
        evaluate(model, criterion, data)
    assert [step for step, _ in history(only_run(), "val_loss")] == [1, 2, 3]


def test_an_evaluation_that_no_step_follows_is_there_when_the_run_is_read_and_once(autolog):
    seen = train(lambda model, criterion: evaluate(model, criterion, held_out()), epochs=1)
    assert len(seen) == len(history(only_run(), "val_loss")) == len(history(only_run(), "eval_time_s")) == 1
    steno.autolog(disable=True)
    assert len(history(only_run(), "val_loss")) == 1


def test_an_evaluation_that_goes_on_is_not_told_before_it_is_over(autolog):
    model, criterion, seen = net(), nn.MSELoss(), []
    optimizer = sgd(model)
    epoch(model, optimizer, criterion, loader())
    model.eval()
    with torch.no_grad():
        for inputs, wanted in held_out():
            criterion(model(inputs), wanted)
            seen.append(told(only_run()))
    assert seen == [[], [], []]
    assert history(only_run(), "val_loss") == [(3, pytest.approx(true_loss(model, X * 2, Y)))]


def test_another_thread_that_reads_cuts_no_evaluation_short(autolog):
    def read():
        thread = threading.Thread(target=lambda: seen.append(told(only_run())))
        thread.start()
        thread.join()

    def evaluation(model, criterion):
        model.eval()
        with torch.no_grad():
            for half in (slice(0, 5), slice(5, 10)):
                criterion(model(X[half] * 2), Y[half])
                read()
        return true_loss(model, X * 2, Y)

    seen = []
    (wanted,) = train(evaluation, epochs=1)
    assert seen == [[], []]
    assert history(only_run(), "val_loss") == [(3, pytest.approx(wanted))]


def test_an_error_in_an_evaluation_leaves_its_loss_out(autolog):
    def run():
        model, criterion = net(), nn.MSELoss()
        with steno.start_run():
            epoch(model, sgd(model), criterion, loader())
            model.eval()
            with torch.no_grad():
                criterion(model(X), Y)
                criterion(model(X), None)

    with pytest.raises(AttributeError, match="size"):
        run()
    assert told(only_run()) == []
    assert not is_heard()


def test_trainings_in_threads_are_evaluated_each_by_itself(autolog, wait):
    def work(lr):
        model, criterion = net(), nn.MSELoss()
        optimizer = sgd(model, lr)
        for _ in range(3):
            epoch(model, optimizer, criterion, loader())
            turn.wait(20)
            evaluate(model, criterion, held_out())
            seen.setdefault(lr, []).append(true_loss(model, X * 2, Y))

    turn, seen = threading.Barrier(2), {}
    threads = [threading.Thread(target=work, args=[lr]) for lr in (0.01, 0.1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(lambda: [run.info.status for run in all_runs()] == ["FINISHED"] * 2)
    for run in all_runs():
        values = [value for _, value in history(run, "val_loss")]
        assert values == pytest.approx(seen[float(run.data.params["lr"])])


# -- what is not -----------------------------------------------------------------------------------------------


def _with_another_model(model, criterion):
    teacher = copy.deepcopy(model)
    evaluate(teacher, criterion, held_out())
    model.eval()
    evaluate(teacher, criterion, held_out(6))


def _two_models_in_turn(model, criterion):
    other = copy.deepcopy(model).eval()
    model.eval()
    with torch.no_grad():
        for inputs, wanted in held_out():
            criterion(model(inputs), wanted)
            criterion(other(inputs), wanted)


def _two_models_from_one_line(model, criterion):
    models = (copy.deepcopy(model).eval(), model.eval())
    with torch.no_grad():
        for inputs, wanted in held_out():
            for each in models:
                criterion(each(inputs), wanted)


def _the_same_data_twice(model, criterion):
    data = held_out()
    evaluate(model, criterion, data)
    evaluate(model, criterion, data)


def _two_sets_by_hand(model, criterion):
    model.eval()
    with torch.no_grad():
        criterion(model(X), Y)
        criterion(model(X[:5]), Y[:5])


def _two_sets_by_one_line(model, criterion):
    for inputs, wanted in ((X, Y), (X * 2, Y * 2)):
        model.eval()
        with torch.no_grad():
            criterion(model(inputs), wanted)


def _another_measure(model, criterion):
    evaluate(model, nn.L1Loss(), held_out())


def _not_one_number(model, criterion):
    evaluate(model, nn.MSELoss(reduction="none"), held_out())


def _back_in_training(model, criterion):
    model.eval()
    model.train()
    with torch.no_grad():
        criterion(model(X), Y)


def _with_gradients(model, criterion):
    model.eval()
    criterion(model(X), Y)


def _a_function(model, criterion):
    evaluate(model, nn.functional.mse_loss, held_out())


def _nothing(model, criterion):
    model.eval()


@pytest.mark.parametrize(
    "evaluation",
    [
        _with_another_model,
        _two_models_in_turn,
        _two_models_from_one_line,
        _the_same_data_twice,
        _two_sets_by_hand,
        _two_sets_by_one_line,
        _another_measure,
        _not_one_number,
        _back_in_training,
        _with_gradients,
        _a_function,
        _nothing,
    ],
)
def test_what_is_not_certain_is_not_told(autolog, evaluation):
    train(evaluation)
    run = only_run()
    assert told(run) == []
    assert len(history(run, "loss")) == 9


def test_a_measure_of_another_kind_is_none_of_the_loss_after_the_very_first_step_either(autolog):
    train(_another_measure, data=loader(batch_size=24))
    assert told(only_run()) == []


def test_the_loss_of_the_data_it_trains_on_is_no_validation(autolog):
    data = loader()
    train(lambda model, criterion: evaluate(model, criterion, DataLoader(data.dataset, batch_size=24)), data=data)
    assert told(only_run()) == []
    steno.autolog(disable=True)

    model, criterion = net(), nn.MSELoss()
    optimizer = sgd(model)
    with steno.start_run() as run:
        steno.autolog(log_models=False)
        for _ in range(3):
            loss = criterion(model(X), Y)
            loss.backward()
            optimizer.step()
            evaluate(model, criterion, [(X, Y)])
    assert told(steno.get_run(run.run_id)) == []


def test_a_sum_of_losses_is_none_of_a_module(autolog):
    model, criterion, data = net(), nn.MSELoss(), held_out()
    optimizer = sgd(model)
    for number in range(3):
        loss = criterion(model(X), Y) + 0.1 * model[0].weight.square().sum()
        loss.backward()
        optimizer.step()
        evaluate(model, criterion, data)
        assert is_heard() == (number == 0)  # after the second step it is known that it would be in vain
    assert told(only_run()) == []
    assert [step for step, _ in history(only_run(), "eval_time_s")] == [1, 2, 3]


def test_a_training_with_several_losses_has_no_one_validation_loss(autolog):
    netD, netG, criterion = net(1), net(2), nn.MSELoss()
    optD, optG = sgd(netD), sgd(netG)
    for _ in range(3):
        fake = netG(torch.ones(2, 2))
        errD = criterion(netD(fake.detach()), torch.zeros(2, 1))
        errD.backward()
        optD.step()
        netD.eval()
        errG = criterion(netD(fake), torch.ones(2, 1))
        errG.backward()
        optG.step()
        netD.train()
    evaluate(netD, criterion, [(torch.ones(2, 1), torch.ones(2, 1))])
    run = only_run()
    assert told(run) == []
    assert [len(history(run, key)) for key in ("errD", "errG")] == [3, 3]


def test_steps_of_a_module_that_stays_in_eval_are_steps(autolog):
    model, criterion = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), nn.MSELoss()
    optimizer = sgd(model)
    for _ in range(3):
        model.eval()
        for inputs, wanted in [(X * factor, Y) for factor in (1.0, 2.0, 3.0)]:
            optimizer.zero_grad()
            loss = checkpoint(lambda X, Y: criterion(model(X), Y), inputs.requires_grad_(), wanted, use_reentrant=True)
            loss.backward()
            optimizer.step()
    run = only_run()
    assert len(history(run, "loss")) == 9
    assert (told(run), told(run, "eval")) == ([], [])


def test_before_the_first_step_there_is_nothing_to_validate(autolog):
    model, criterion = net(), nn.MSELoss()
    evaluate(model, criterion, held_out())
    assert not is_heard()
    assert all_runs() == []
    epoch(model, sgd(model), criterion, loader())
    assert told(only_run()) == []


def test_inside_another_watched_call_nothing_is_told(autolog):
    class Network(RegressorMixin, BaseEstimator):
        def fit(self, inputs, wanted):
            train(lambda model, criterion: evaluate(model, criterion, held_out()))
            assert not is_heard()
            self.is_fitted_ = True
            return self

        def predict(self, inputs):
            return inputs.sum(1)

    Network().fit(X.numpy(), Y.numpy().ravel())
    assert [told(run) for run in all_runs()] == [[]]
