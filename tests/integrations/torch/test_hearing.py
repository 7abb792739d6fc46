"""What the look at evaluations leaves as it is: loss modules, errors, modes, what is compiled, weights, memory."""

from __future__ import annotations

import multiprocessing
import os
import traceback
import weakref

import pytest
import steno
import torch
from steno_torch import evaluations
from torch import nn

from .conftest import history, loader, net, only_run
from .validating import X, Y, epoch, evaluate, held_out, is_heard, sgd, told, train

FORKS = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")


def test_loss_modules_are_heard_only_from_eval_to_the_next_step(autolog):
    model, criterion = net(), nn.MSELoss()
    optimizer = sgd(model)
    epoch(model, optimizer, criterion, loader())
    assert not is_heard()
    evaluate(model, criterion, held_out())
    assert is_heard()
    epoch(model, optimizer, criterion, loader())
    assert not is_heard()
    evaluate(model, criterion, held_out())
    steno.autolog(disable=True)
    assert not is_heard()


@FORKS
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_hears_nothing(autolog):
    train(lambda model, criterion: evaluate(model, criterion, held_out()), epochs=1)
    assert is_heard()
    child = os.fork()
    if not child:
        os._exit(int(is_heard()))
    assert os.waitpid(child, 0)[1] == 0


def test_an_error_of_a_loss_is_as_it_would_be(autolog):
    def frames():
        try:
            with torch.no_grad():
                criterion(torch.ones(2), None)
        except AttributeError as error:
            return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    criterion = nn.L1Loss()
    plain = frames()
    train(lambda model, _: model.eval(), epochs=1)
    assert is_heard()
    assert frames() == plain


def test_what_is_wrong_with_our_own_ear_is_said_once(autolog, monkeypatch, caplog):
    monkeypatch.setattr(evaluations, "value_of", lambda _: 1 / 0)
    train(lambda model, criterion: evaluate(model, criterion, held_out()))
    assert [record.name for record in caplog.records if "division" in record.getMessage()] == ["steno.autolog"]


def test_nothing_of_an_evaluation_is_kept_alive(autolog):
    def evaluation(model, criterion):
        model.eval()
        with torch.no_grad():
            for inputs, wanted in held_out():
                kept.extend(map(weakref.ref, (inputs, wanted, criterion(model(inputs), wanted))))

    kept = []
    train(evaluation, epochs=1)
    assert all(reference() is None for reference in kept)
    assert told(only_run())


class Seen(torch.overrides.TorchFunctionMode):
    """Takes note of what it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.asked.append(getattr(func, "__name__", str(func)))
        return func(*args, **(kwargs or {}))


def _train_under_a_mode():
    torch.manual_seed(3)
    model, criterion, data = nn.Sequential(net(), nn.Dropout(0.2)), nn.MSELoss(), held_out()
    optimizer = sgd(model)
    with Seen() as mode:
        for _ in range(4):
            epoch(model, optimizer, criterion, loader(shuffle=True))
            evaluate(model, criterion, data)
    return mode.asked, [each.tolist() for each in model.parameters()], torch.get_rng_state().tolist()


def test_weights_random_state_and_what_a_mode_sees_are_as_without(autolog):
    watched = _train_under_a_mode()
    assert len(history(only_run(), "val_loss")) == 4
    steno.autolog(disable=True)
    assert watched == _train_under_a_mode()


def _train_compiled():
    graphs = []

    def backend(graph, inputs):
        graphs.append(len(graph.graph.nodes))
        return graph

    torch._dynamo.reset()
    model, criterion, data = net(), nn.MSELoss(), held_out()
    compiled = torch.compile(model, backend=backend, fullgraph=True)

    @torch.compile(backend=backend, fullgraph=True)
    def judge(inputs, wanted):
        model.eval()
        return criterion(model(inputs), wanted)

    optimizer = sgd(model)
    for _ in range(3):
        epoch(compiled, optimizer, criterion, loader())
        evaluate(compiled, criterion, data)
        with torch.no_grad():
            judge(X, Y)
    return graphs


def test_what_is_compiled_is_compiled_as_without(autolog):
    watched = _train_compiled()
    assert len(history(only_run(), "val_loss")) == 3
    steno.autolog(disable=True)
    assert watched == _train_compiled()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_loss_is_scripted_and_traced_in_an_evaluation_as_ever(autolog):
    train(lambda model, criterion: model.eval(), epochs=1)
    assert is_heard()
    assert torch.jit.script(nn.MSELoss())(X, X).item() == 0.0
    with torch.no_grad():
        assert torch.jit.trace(nn.MSELoss(), (X, X))(X, X).item() == 0.0
