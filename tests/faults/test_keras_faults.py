"""The fault matrix for Keras: whatever fails on steno's side, a training gives what it gives without steno."""

from __future__ import annotations

import itertools
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import keras
import numpy as np
import pytest
import steno
from steno.tracking import ending

from . import kinds

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")


class Own(keras.Model):
    """A model of the user's, whose configuration cannot be told and whose step is its own."""

    def __init__(self, fails: bool = False):
        super().__init__()
        self.fails = fails
        self.head = keras.layers.Dense(1, "sigmoid")

    def call(self, inputs):
        return self.head(inputs)

    def get_config(self):
        raise RuntimeError("no config")

    def train_step(self, data):
        if self.fails:
            try:
                {}["no such"]
            except KeyError as error:
                raise ArithmeticError("the user's own", 42) from error
        logs = super().train_step(data)
        return {**logs, "odd": "no number", "bad/näme": float("inf")}


class Strange(keras.callbacks.Callback):
    """Puts into the logs what no store would like."""

    def on_epoch_end(self, epoch, logs=None):
        logs["huge" * 200] = 1.0
        logs["none"] = None


def _net(*layers: Any, **compiled: Any) -> Any:
    model = keras.Sequential([keras.layers.Input((4,)), *layers, keras.layers.Dense(1, "sigmoid")])
    model.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "run_eagerly": True, **compiled})
    return model


def _own(**options: Any) -> Any:
    model = Own(**options)
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    return model


def _fit(model: Any, *args: Any, **kwargs: Any) -> Any:
    result = model.fit(*(args or (X, Y)), **{"epochs": 2, "batch_size": 16, "verbose": 0, **kwargs})
    return model.get_weights(), result.history, result.epoch, model.stop_training


def _generator() -> Iterator[Any]:
    for start in itertools.cycle((0, 16)):
        yield X[start : start + 16], Y[start : start + 16]


def _evaluated() -> Any:
    model = _net(metrics=["accuracy"])
    weights = _fit(model)[0]
    return weights, model.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0, return_dict=True)


def _user_run() -> Any:
    with steno.start_run():
        return _fit(_net())


def _restored() -> Any:
    stopping = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=9.0, restore_best_weights=True)
    return _fit(_net(), epochs=4, callbacks=[stopping]), stopping.best_epoch, stopping.stopped_epoch


JOBS: dict[str, Callable[[], Any]] = {
    "a net": lambda: _fit(_net(), validation_split=0.25),
    "a net that draws": lambda: _fit(_net(keras.layers.Dropout(0.5), keras.layers.BatchNormalization())),
    "a model of one's own": lambda: _fit(_own()),
    "an error of one's own": lambda: _fit(_own(fails=True)),
    "a generator": lambda: _fit(_net(), _generator(), batch_size=None, steps_per_epoch=2, shuffle=False),
    "early stopping": _restored,
    "strange logs": lambda: _fit(_net(), callbacks=Strange()),
    "a callback list that is none": lambda: _fit(_net(), callbacks=5),
    "bad data": lambda: _fit(_net(), X, Y[:3]),
    "no number any more": lambda: _fit(_net(), X * np.float32("nan"), Y),
    "an evaluation": _evaluated,
    "an evaluation that fails": lambda: _net().evaluate(X, Y[:3], verbose=0),
    "a run of one's own": _user_run,
}


class Outcome:
    """What a training did, as far as its user can tell: weights, error with traceback, warnings, random state."""

    def __init__(self, job: Callable[[], Any]) -> None:
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        self.error: tuple[Any, ...] | None = None
        self.digest = ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                self.digest = sha256(_bytes(job())).hexdigest()
            except Exception as error:
                self.error = _told(error)
        self.warnings = sorted((str(w.message), w.category.__name__, w.filename, w.lineno) for w in caught)
        self.random = np.random.get_state()[1].tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.digest} {self.error} {self.warnings}"


def _bytes(result: Any) -> bytes:
    if isinstance(result, list | tuple):
        return b"".join(map(_bytes, result))
    return result.tobytes() if isinstance(result, np.ndarray) else repr(result).encode()


def _told(error: BaseException) -> tuple[Any, ...]:
    frames = [(frame.filename, frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ and (type(error.__cause__), str(error.__cause__))
    return type(error), str(error), cause, type(error.__context__), frames


def _no_temporary_files(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))


_SHARED = (
    "nothing",
    "the store raises",
    "the store hangs",
    "the store is away",
    "the store is read-only",
    "no journal can be written",
    "a gate stays shut",
    "an observer raises",
    "the clock jumps",
)
FAULTS = {name: kinds.FAULTS[name] for name in _SHARED} | {"there is no room for files": _no_temporary_files}


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


SCRIPT = """
import os, sys
import numpy as np
if os.environ["WATCHED"] == "yes":
    import steno
    from steno.plugins import plugins
    import awkward
    plugins().register(awkward, "awkward")
    steno.set_tracking_uri(sys.argv[1])
    steno.autolog()
import keras
keras.utils.set_random_seed(0)
X = np.arange(40.0).reshape(20, 2) / 40
model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(X, X[:, 0], epochs=2, verbose=2 if sys.argv[2] == "fall off" else 0)
print(model.get_weights())
if sys.argv[2] == "raise":
    model.fit(X, X[:3, 0], verbose=0)
"""


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("way", "end", "status"), [("", "fall off", 0), ("raise", "raise", 1)])
def test_a_script_prints_and_ends_as_it_does_without_steno(
    way: str, end: str, status: int, awkward: Any, script: Any
) -> None:
    awkward.be(way)
    told = []
    for watched in ("yes", "no"):
        environ = {"WATCHED": watched, "STENO_EXIT_TIMEOUT_S": "0.5" if way else "30"}
        child = script.start(SCRIPT, awkward.uri, end, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", **environ)
        out, err = child.communicate(timeout=100)
        lines = [line for line in err.splitlines() if not _of_tensorflow(line) and "could not be written" not in line]
        told.append(
            (child.returncode, [line.partition(" - ")[0] for line in out.splitlines() if "s/step" not in line], lines)
        )
    assert told[0] == told[1]
    assert told[0][0] == status


def _of_tensorflow(line: str) -> bool:
    """Whether TensorFlow says this as it is imported, with the time and its process in it."""
    return line.startswith(("I0000", "W0000", "E0000", "WARNING: All log messages before absl"))
