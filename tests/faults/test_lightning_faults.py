"""The fault matrix for Lightning: whatever fails on steno's side, a training gives what it gives without steno."""

from __future__ import annotations

import hashlib
import itertools
import random
import tempfile
import traceback
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import lightning
import numpy as np
import pytest
import pytorch_lightning
import steno
import torch
from steno.tracking import ending
from torch.utils.data import DataLoader, TensorDataset

from . import kinds

# What Lightning imports late warns of deprecations in others' code.
import torch._dynamo  # isort: skip

X = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)


class Sulky:
    """A hyper-parameter that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def _module(package: Any) -> type[Any]:
    class Net(package.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self, how: str = "", **odd: Any) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.how = how
            self.net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1))

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.how == "raises":
                try:
                    {}["no such"]
                except KeyError as error:
                    raise ArithmeticError("the user's own", 42) from error
            if self.how == "logs text":
                self.log("loss", "text")
            loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
            self.log("loss", loss * float("nan") if self.how == "nan" else loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]))

        test_step = validation_step

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    return Net


NETS = {each: _module(each) for each in (lightning.pytorch, pytorch_lightning)}


class Unpicklable(NETS[lightning.pytorch]):  # type: ignore[misc]
    """A module whose state cannot be had."""

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no state")


def _data(shuffle: bool = True) -> Any:
    return DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=shuffle)


def _trainer(package: Any = lightning.pytorch, **options: Any) -> Any:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    return package.Trainer(**{"max_epochs": 2, "enable_model_summary": False, **quiet, **options})


def _weights(net: Any) -> bytes:
    return b"".join(value.detach().numpy().tobytes() for value in net.parameters())


def _fit(package: Any = lightning.pytorch, net: Any = None, how: str = "", odd: Any = None, **options: Any) -> bytes:
    net = NETS[package](how, **(odd or {})) if net is None else net
    _trainer(package, **options).fit(net, _data(), _data(False))
    return _weights(net)


def _stopped() -> bytes:
    early = lightning.pytorch.callbacks.EarlyStopping("val_loss", patience=1, min_delta=9.0)
    return _fit(callbacks=[early], max_epochs=5)


def _checkpointed() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        best = lightning.pytorch.callbacks.ModelCheckpoint(folder, monitor="val_loss")
        return _fit(callbacks=[best], enable_checkpointing=True)


def _evaluated(name: str) -> bytes:
    net = NETS[lightning.pytorch]()
    return str(getattr(_trainer(), name)(net, _data(False), verbose=False)).encode() + _weights(net)


def _own_run() -> bytes:
    with steno.start_run():
        return _fit()


JOBS: dict[str, Callable[[], bytes]] = {
    "a fit": _fit,
    "a fit by the other package": lambda: _fit(pytorch_lightning),
    "early stopping": _stopped,
    "checkpoints": _checkpointed,
    "a validation": lambda: _evaluated("validate"),
    "a test": lambda: _evaluated("test"),
    "accumulated batches": lambda: _fit(accumulate_grad_batches=2),
    "a profiler": lambda: _fit(profiler=lightning.pytorch.profilers.SimpleProfiler("profile", "")),
    "odd hyper-parameters": lambda: _fit(odd={"sulky": Sulky(), "huge": "x" * 100_000, "ratio": float("nan")}),
    "a module without state": lambda: _fit(net=Unpicklable()),
    "a loss that is no number": lambda: _fit(how="nan"),
    "a metric that is a text": lambda: _fit(how="logs text"),
    "an error of one's own": lambda: _fit(how="raises"),
    "callbacks that are none": lambda: _fit(callbacks=["not a callback"]),
    "no optimizer": lambda: _fit(net=lightning.pytorch.LightningModule()),
    "a run of one's own": _own_run,
}


class Outcome:
    """What a training did, as far as its user can tell: result, error with traceback, warnings, random state."""

    def __init__(self, job: Callable[[], bytes]) -> None:
        random.seed(7)
        np.random.seed(7)
        torch.manual_seed(7)
        self.error: tuple[Any, ...] | None = None
        self.digest = ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                self.digest = hashlib.sha256(job()).hexdigest()
            except Exception as error:
                self.error = _told(error)
        # A file of the user's that is collected late warns late.
        told = [w for w in caught if w.category is not ResourceWarning]
        self.warnings = [(str(w.message), w.category, w.filename, w.lineno) for w in told]
        self.random = (torch.get_rng_state().tolist(), np.random.get_state()[1].tobytes(), random.getstate())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.digest} {self.error} {self.warnings}"


def _told(error: BaseException) -> tuple[Any, ...]:
    frames = [(frame.filename, frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ and (type(error.__cause__), str(error.__cause__))
    return type(error), str(error), cause, type(error.__context__), frames


def _other_lightning(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
    """What is read of Lightning's own is not there."""
    monkeypatch.setattr("steno_lightning.series._kept", kinds.broken)
    monkeypatch.setattr("steno_lightning.params.trainer_settings", kinds.broken)


_SHARED = (
    "nothing",
    "the store raises",
    "the store is away",
    "the store is read-only",
    "the store hangs",
    "no journal can be written",
    "no journal and no memory",
    "a gate stays shut",
    "an observer raises",
    "the clock jumps",
)
FAULTS = {name: kinds.FAULTS[name] for name in _SHARED} | {"another Lightning": _other_lightning}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("fault", "job"), list(itertools.product(FAULTS, JOBS)), indirect=["fault"])
def test_a_training_is_what_it_is_without_steno(fault: None, job: str) -> None:
    with_steno = Outcome(JOBS[job])
    left_open = list(ending._open.values())
    steno.autolog(disable=True)
    assert with_steno == _without(job)
    assert not left_open, "a training that is over leaves no run open"


_plain: dict[str, Outcome] = {}


def _without(job: str) -> Outcome:
    if job not in _plain:
        _plain[job] = Outcome(JOBS[job])
    return _plain[job]
