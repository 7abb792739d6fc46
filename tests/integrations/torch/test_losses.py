"""Which losses are recorded, under what name, and with what value."""

from __future__ import annotations

import contextlib
import gc
import math
import weakref

import pytest
import steno
import torch
from steno.autolog import autolog_one
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from .conftest import history, net, only_run

X = torch.linspace(-1.0, 1.0, 12).reshape(4, 3)
Y = X.sum(1, keepdim=True)


def sgd(model, lr=0.01):
    return torch.optim.SGD(model.parameters(), lr=lr)


def _train_gan():
    netD, netG = net(1), net(2)
    optD, optG = torch.optim.Adam(netD.parameters()), torch.optim.SGD(netG.parameters(), lr=0.05)
    seen = {"errD_real": [], "errD_fake": [], "errG": []}
    for _ in range(4):
        optD.zero_grad()
        errD_real = netD(torch.ones(2, 1)).mean()
        errD_real.backward()
        fake = netG(torch.ones(2, 2))
        errD_fake = -netD(fake.detach()).mean()
        errD_fake.backward()
        optD.step()
        optG.zero_grad()
        errG = netD(fake).mean()
        errG.backward()
        optG.step()
        for name, value in (("errD_real", errD_real), ("errD_fake", errD_fake), ("errG", errG)):
            seen[name].append(value.item())
    return seen


def test_a_gan_gives_each_network_its_series(autolog):
    seen = _train_gan()
    run = only_run()
    for name, values in seen.items():
        assert history(run, name) == [(step, value) for step, value in enumerate(values, 1)]
    assert history(run, "lr/1") == [(1, 0.05)]
    assert (run.data.params["optimizer_name"], run.data.params["optimizer/1.optimizer_name"]) == ("Adam", "SGD")
    assert run.data.params["model"] == "netD: Sequential, netG: Sequential"


def test_two_losses_of_one_name_are_two_series(autolog):
    networks = [net(), net()]
    optimizers = [sgd(each) for each in networks]
    for _ in range(3):
        for network, optimizer in zip(networks, optimizers, strict=True):
            loss = network(X).square().mean()
            loss.backward()
            optimizer.step()
    assert [len(history(only_run(), key)) for key in ("loss", "loss/1")] == [3, 3]


def test_accumulated_batches_are_points_of_the_step_they_lead_to(autolog):
    model = net()
    optimizer = sgd(model)
    for batch in range(8):
        loss = model(X).square().mean()
        (loss / 4).backward()
        if batch % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    assert [step for step, _ in history(only_run(), "loss")] == [1, 1, 1, 1, 2, 2, 2, 2]


def test_a_list_of_losses_has_the_names_of_its_elements(autolog):
    model = net()
    optimizer = sgd(model)
    for _ in range(3):
        out = model(X)
        fit, size = (out - Y).square().mean(), out.square().mean()
        torch.autograd.backward([fit, 0.5 * size])
        optimizer.step()
    run = only_run()
    assert {"fit", "size"} <= set(run.data.metrics)


@pytest.mark.parametrize("enabled", [True, False])
def test_under_a_gradient_scaler_the_true_loss_is_recorded(autolog, enabled):
    model = net()
    optimizer, scaler, seen = sgd(model), torch.amp.GradScaler("cpu", enabled=enabled), []
    for _ in range(4):
        optimizer.zero_grad()
        loss = (model(X) - Y).square().mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        seen.append(loss.item())
    assert [value for _, value in history(only_run(), "loss")] == seen


def test_a_step_that_a_scaler_skips_stays_in_the_series(autolog):
    model = net()
    optimizer, scaler = sgd(model), torch.amp.GradScaler("cpu")
    for batch in range(5):
        optimizer.zero_grad()
        loss = model(X).square().mean() * (math.inf if batch == 2 else 1.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    points = history(only_run(), "loss")
    assert [step for step, _ in points] == [1, 2, 3, 3, 4]
    assert math.isinf(points[2][1])


def test_a_loss_that_is_not_a_number_is_a_point(autolog):
    model = net()
    optimizer = sgd(model)
    for _ in range(3):
        loss = model(X).square().mean() * math.nan
        loss.backward()
        optimizer.step()
    points = history(only_run(), "loss")
    assert len(points) == 3
    assert all(math.isnan(value) for _, value in points)


def test_lbfgs_gives_each_evaluation_at_its_step(autolog):
    model = net()
    optimizer, seen = torch.optim.LBFGS(model.parameters(), max_iter=4), []

    def closure():
        optimizer.zero_grad()
        loss = (model(X) - Y).square().mean()
        loss.backward()
        seen.append(loss.item())
        return loss

    for _ in range(3):
        optimizer.step(closure)
    points = history(only_run(), "loss")
    assert [value for _, value in points] == seen
    assert {step for step, _ in points} == {1, 2, 3}


def test_a_checkpoint_that_computes_again_is_no_loss(autolog):
    model = net()
    optimizer = sgd(model)
    for _ in range(3):
        loss = checkpoint(model, X.clone().requires_grad_(), use_reentrant=True).square().mean()
        loss.backward()
        optimizer.step()
    run = only_run()
    assert len(history(run, "loss")) == 3
    assert set(run.data.metrics) == {"loss", "lr"}


def test_a_gradient_that_is_given_is_no_loss(autolog):
    model = net()
    optimizer = sgd(model)
    for _ in range(3):
        out = model(X)
        out.backward(torch.ones_like(out))
        loss = model(X).square().mean()
        loss.backward()
        optimizer.step()
    assert set(only_run().data.metrics) == {"loss", "lr"}


def test_a_large_result_is_not_read(autolog, monkeypatch):
    read = []
    for name in (
        "tolist",
        "item",
    ):  # the first once the search for its module is over
        plain = getattr(torch.Tensor, name)
        noted = lambda tensor, plain=plain: read.append(tensor.numel()) or plain(tensor)  # noqa: E731
        monkeypatch.setattr(torch.Tensor, name, noted)
    model = net()
    optimizer = sgd(model)
    for size in (1, 1, 1, 50, 50):
        out = model(X.repeat(size, 1)).mean(dim=1)[:size].squeeze()
        out.backward(torch.ones_like(out))
        optimizer.step()
    only_run()  # by then all is read that ever will be
    assert set(read) == {1}


class Seen(torch.overrides.TorchFunctionMode):
    """Takes note of what it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.asked.append(getattr(func, "__name__", str(func)))
        return func(*args, **(kwargs or {}))


def test_a_mode_of_the_users_sees_what_it_would_see_without_us(tmp_path):
    def train():
        model, outer, inner = net(), Seen(), Seen()
        optimizer = sgd(model)
        for modes in (1, 1, 1, 0, 0, 0, 2, 2, 2):
            with contextlib.ExitStack() as stack:
                for mode in (outer, inner)[:modes]:
                    stack.enter_context(mode)
                loss = model(X).square().mean()
                loss.backward()
                optimizer.step()
        return outer.asked, inner.asked

    plain = train()
    autolog_one("pytorch", log_models=False)
    try:
        assert train() == plain
    finally:
        steno.autolog(disable=True)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("losses['total'].backward()", "total"),
        ("box.value.backward()", "value"),
        ("(value * 0.5).backward()", "value"),
        ("value.mean().backward()", "value"),
        ("(value + other).backward()", "loss"),
        ("(-value).backward()", "loss"),
        ("torch.autograd.backward(value)", "value"),
        ("torch.autograd.backward(tensors=[value, other])", "value"),
        ("criterion(value).backward()", "loss"),
    ],
)
def test_a_loss_is_called_what_the_user_calls_it(autolog, tmp_path, line, name):
    script = tmp_path / "loop.py"
    script.write_text(f"""
def train(model, optimizer, X, torch):
    class box: pass
    def criterion(value): return value * 1.0
    for _ in range(3):
        value = model(X).square().mean()
        other = model(X).abs().mean()
        losses = {{"total": value}}
        box.value = value
        {line}
        optimizer.step()
        optimizer.zero_grad()
""")
    scope = {}
    exec(compile(script.read_text(), str(script), "exec"), scope)
    model = net()
    scope["train"](model, sgd(model), X, torch)
    assert name in only_run().data.metrics


def test_without_source_it_is_the_loss(autolog):
    model = net()
    optimizer = sgd(model)
    text = "for _ in range(3):\n    v = model(X).sum()\n    v.backward()\n    optimizer.step()"
    exec(text, {"model": model, "X": X, "optimizer": optimizer})
    assert len(history(only_run(), "loss")) == 3


def test_nothing_of_a_step_is_kept_alive(autolog):
    def train():
        model = nn.Linear(3, 2)
        optimizer = sgd(model)
        for _ in range(40):
            hidden = model(X)
            loss = hidden.square().mean()
            loss.backward()
            optimizer.step()
            kept.append((weakref.ref(hidden), weakref.ref(loss)))
            del hidden, loss
            assert all(reference() is None for pair in kept for reference in pair)
        return weakref.ref(model)

    kept = []
    model = train()
    assert only_run().data.metrics
    gc.collect()
    steno.autolog(disable=True)
    gc.collect()
    assert model() is None


def _train_compiled():
    model = net()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    optimizer, seen = sgd(model), []
    for _ in range(4):
        optimizer.zero_grad()
        loss = (compiled(X) - Y).square().mean()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def test_a_compiled_model_gives_the_same(autolog):
    seen = _train_compiled()
    run = only_run()
    assert [value for _, value in history(run, "loss")] == seen
    assert run.data.params["model"] == "Sequential"


def test_modes_and_subclasses_of_the_users_see_nothing_of_ours(autolog):
    class Counting(TorchDispatchMode):
        calls = ()

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            self.calls = (*self.calls, str(function))
            return function(*args, **(kwargs or {}))

    def train():
        model = net()
        optimizer = sgd(model)
        with Counting() as counting:
            for _ in range(4):
                loss = model(X).square().mean()
                loss.backward()
                optimizer.step()
        return counting.calls

    watched = train()
    assert len(history(only_run(), "loss")) == 4
    steno.autolog(disable=True)
    assert watched == train()


def test_the_gradient_norm_is_recorded_on_request(autolog):
    autolog_one("pytorch", log_models=False, log_gradient_norm=True)
    model = net()
    optimizer, seen = sgd(model), []
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(X).square().mean()
        loss.backward()
        seen.append(nn.utils.clip_grad_norm_(model.parameters(), 1e9).item())
        optimizer.step()
    assert [value for _, value in history(only_run(), "gradient_norm")] == pytest.approx(seen)
