"""The fault matrix of PyTorch loops: whatever fails on steno's side, a loop gives what it gives without steno."""

from __future__ import annotations

import hashlib
import itertools
import random
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import steno
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from .kinds import FAULTS

# What writes models imports it first when a run ends.
import safetensors.torch  # noqa: F401, isort: skip

X = torch.linspace(-1.0, 1.0, 24).reshape(8, 3)
Y = X.sum(1, keepdim=True)
Job = Callable[[], list[nn.Module]]


def _net(inputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 4), nn.Dropout(0.3), nn.Linear(4, 1))


def _loss(model: nn.Module) -> torch.Tensor:
    return nn.functional.mse_loss(model(X), Y)


def _plain() -> list[nn.Module]:
    model = _net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for _ in range(2):
        for inputs, wanted in DataLoader(TensorDataset(X, Y), batch_size=3, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), wanted)
            loss.backward()
            optimizer.step()
        schedule.step()
    return [model]


def _scaled() -> list[nn.Module]:
    model, scaler = _net(), torch.amp.GradScaler("cpu")
    optimizer = torch.optim.Adam(model.parameters())
    for step in range(5):
        optimizer.zero_grad()
        loss = _loss(model) * (float("inf") if step == 2 else 1.0)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    return [model]


def _gan() -> list[nn.Module]:
    critic, maker = _net(1), _net()
    optimizers = [torch.optim.Adam(each.parameters()) for each in (critic, maker)]
    for _ in range(3):
        fake = maker(X)
        optimizers[0].zero_grad()
        real_loss = -critic(Y).mean()
        real_loss.backward()
        fake_loss = critic(fake.detach()).mean()
        fake_loss.backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        loss = -critic(fake).mean()
        loss.backward()
        optimizers[1].step()
    return [critic, maker]


def _compiled() -> list[nn.Module]:
    model = _net()
    fast = torch.compile(model, backend="eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        _loss(fast).backward()
        optimizer.step()
    return [model]


def _accumulated() -> list[nn.Module]:
    model = _net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.01))
    for batch in range(6):
        (_loss(model) / 3).backward()
        if batch % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()
    return [model]


def _lbfgs() -> list[nn.Module]:
    model = _net()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = _loss(model)
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return [model]


def _in_a_run() -> list[nn.Module]:
    with steno.start_run():
        return _plain()


def _wrong_shape() -> list[nn.Module]:
    (model,) = _plain()
    model(torch.ones(2, 7))
    return [model]


def _wrong_backward() -> list[nn.Module]:
    (model,) = _plain()
    model(X).backward()  # not a scalar
    return [model]


def _own_error() -> list[nn.Module]:
    model = _net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(4):
        _loss(model).backward()
        optimizer.step()
        if step == 2:
            try:
                {}["no such"]
            except KeyError as error:
                raise ArithmeticError("the user's own", 42) from error
    return [model]


def _warned() -> list[nn.Module]:
    model = _net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):
        schedule.step()  # before the optimizer, of which torch warns
        _loss(model).backward()
        optimizer.step()
    return [model]


JOBS: dict[str, Job] = {
    "a loop": _plain,
    "a gradient scaler": _scaled,
    "a GAN": _gan,
    "a compiled model": _compiled,
    "accumulated gradients": _accumulated,
    "LBFGS": _lbfgs,
    "a run of one's own": _in_a_run,
    "a wrong shape": _wrong_shape,
    "a wrong backward": _wrong_backward,
    "an error of one's own": _own_error,
    "a warning": _warned,
}


class Outcome:
    """What a loop did, as far as its user can tell: weights, error with traceback, warnings, random states."""

    def __init__(self, job: Job) -> None:
        random.seed(7)
        np.random.seed(7)
        torch.manual_seed(7)
        torch.compiler.reset()
        self.error: tuple[Any, ...] | None = None
        self.digest = ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                weights = [each.detach().numpy().tobytes() for model in job() for each in model.state_dict().values()]
                self.digest = hashlib.sha256(b"".join(weights)).hexdigest()
            except Exception as error:
                self.error = _told(error)
        self.warnings = [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
        self.random = (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.digest} {self.error} {self.warnings}"


def _told(error: BaseException) -> tuple[Any, ...]:
    frames = [(frame.filename, frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ and (type(error.__cause__), str(error.__cause__))
    return type(error), str(error), cause, type(error.__context__), frames


# The user's own start_run says what is wrong with a setting; everything else goes on.
CELLS = [cell for cell in itertools.product(FAULTS, JOBS) if cell != ("a setting is nonsense", "a run of one's own")]
_without_steno: dict[str, Outcome] = {}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("fault", "job"), CELLS, indirect=["fault"])
def test_a_loop_is_what_it_is_without_steno(fault: None, job: str) -> None:
    with_steno = Outcome(JOBS[job])
    steno.autolog(disable=True)
    if job not in _without_steno:
        _without_steno[job] = Outcome(JOBS[job])
    assert with_steno == _without_steno[job]


SCRIPT = """
import os, sys
import torch
from torch import nn
if os.environ["WATCHED"] == "yes":
    import steno
    from steno.plugins import plugins
    import awkward
    plugins().register(awkward, "awkward")
    steno.set_tracking_uri(sys.argv[1])
    steno.autolog()
torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    loss = model(torch.ones(2, 3)).square().mean()
    loss.backward()
    optimizer.step()
    if step == 4 and sys.argv[2] == "raise":
        model(torch.ones(2, 4))
    if step == 4 and sys.argv[2] == "exit":
        sys.exit(3)
print(model.weight.sum().item(), torch.rand(1).item())
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["", "hang"])
@pytest.mark.parametrize(("end", "status"), [("fall off", 0), ("raise", 1), ("exit", 3)])
def test_a_script_prints_and_ends_as_it_does_without_steno(
    way: str, end: str, status: int, awkward: Any, script: Any
) -> None:
    if end not in _plain_scripts:
        _plain_scripts[end] = script.ended(SCRIPT, awkward.uri, end, WATCHED="no")
    awkward.be(way)
    deadline = "0.5" if way else "30"
    code, out, said = script.ended(SCRIPT, awkward.uri, end, WATCHED="yes", STENO_EXIT_TIMEOUT_S=deadline)
    said = [line for line in said if not (way and "could not be written" in line)]
    assert (code, out, said) == _plain_scripts[end]
    assert code == status


_plain_scripts: dict[str, tuple[int, str, list[str]]] = {}
