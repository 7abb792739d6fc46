"""`trusted=` is asked before anything is decoded: shown by watching which functions run, for every flavor that asks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np
import pytest
import steno
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer
from steno.errors import InvalidValue, UntrustedTypes
from steno.hookspecs import hookimpl
from steno.models import load_model, save_model, seal_model, untrusted_types
from steno.plugins import plugins
from torch import nn

from .conftest import told
from .folders import X, change, doubled, y

SOURCE = """
import pathlib, numpy, keras, xgboost
from sklearn.base import BaseEstimator
from torch import nn
pathlib.Path({canary!r}).mkdir(exist_ok=True)
def double(values):
    return values * 2
class Estimator(BaseEstimator):
    def __setstate__(self, state):
        pathlib.Path({canary!r}).mkdir(exist_ok=True)
        self.__dict__.update(state)
    def predict(self, X):
        return numpy.zeros(len(X))
class Layer(nn.Linear):
    pass
class Block(keras.layers.Layer):
    def call(self, values):
        return values * 2
class Booster(xgboost.XGBClassifier):
    pass
"""
# What turns a file's bytes into objects, by (module, name); no reader of a seal or a list of names needs any of them.
DECODERS = {
    ("_pickle", "load"),
    ("_pickle", "loads"),
    ("_pickle", "Unpickler.load"),
    ("_pickle", "_Unpickler.load"),  # of the class that admits what is trusted
    ("keras.src.saving.saving_api", "load_model"),
    ("keras.src.saving.saving_lib", "load_model"),
    ("numpy.lib._npyio_impl", "load"),
    ("safetensors", "safe_open"),
    ("skops.io._persist", "load"),
    ("skops.io._persist", "loads"),
    ("steno.models.from_code", "run_script"),
    ("steno_torch.archive_state", "_tensors"),
    ("torch.export", "load"),
    ("torch.jit._serialization", "load"),
    ("torch.serialization", "load"),
    ("xgboost.core", "Booster.load_model"),
}


@contextmanager
def decoding() -> Iterator[set[tuple[str, str]]]:
    """Collect the decoders that are called meanwhile."""
    seen: set[tuple[str, str]] = set()

    def look(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            seen.add((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname))
        elif event == "c_call":
            seen.add((getattr(argument, "__module__", None) or "_pickle", getattr(argument, "__qualname__", "")))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        seen &= DECODERS


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canary: Path) -> Iterator[Callable[[], Any]]:
    """Import a module of a user's own; afterwards it is gone again, and importing it would make the canary."""
    source = tmp_path / "source" / "steno_hostile_mine.py"
    source.parent.mkdir()
    source.write_text(SOURCE.format(canary=str(canary)), "utf-8")
    sys.path.append(str(source.parent))

    def forget() -> None:
        sys.modules.pop("steno_hostile_mine", None)
        shutil.rmtree(source.parent / "__pycache__", ignore_errors=True)
        with suppress(FileNotFoundError):
            canary.rmdir()

    def use() -> Any:
        from importlib import import_module

        return import_module("steno_hostile_mine")

    use.forget = forget  # type: ignore[attr-defined]  # a function with a second use
    yield use
    sys.path.remove(str(source.parent))
    forget()


def _sklearn(folder: Path, module: Any) -> None:
    save_model(FunctionTransformer(module.double), folder, signature=False, pyfunc_predict_fn="transform")


def _pickled(folder: Path, module: Any) -> None:
    save_model(module.Estimator(), folder, flavor="sklearn", serialization_format="pickle")


def _torch(folder: Path, module: Any) -> None:
    save_model(nn.Sequential(module.Layer(4, 1)), folder)


def _torch_pickled(folder: Path, module: Any) -> None:
    save_model(nn.Sequential(module.Layer(4, 1)), folder, serialization_format="pickle")


def _keras(folder: Path, module: Any) -> None:
    save_model(keras.Sequential([keras.layers.Input((4,)), module.Block()]), folder)


def _xgboost(folder: Path, module: Any) -> None:
    save_model(module.Booster(n_estimators=2, max_depth=2, n_jobs=1).fit(X, y), folder)


def _python(folder: Path, module: Any) -> None:
    save_model(module.double, folder, flavor="python_function")


def _script(folder: Path, module: Any) -> None:
    script = folder.parent / "script.py"
    script.write_text(
        "import steno_hostile_mine\nimport steno\nsteno.models.set_model(steno_hostile_mine.double)\n", "utf-8"
    )
    save_model(str(script), folder, flavor="python_function")


KINDS = {
    "skops": _sklearn,
    "a pickle of scikit-learn's": _pickled,
    "a state dict": _torch,
    "a module's pickle": _torch_pickled,
    "keras": _keras,
    "xgboost": _xgboost,
    "a python model": _python,
    "a script": _script,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_trust_is_asked_before_a_byte_is_decoded_or_a_module_imported(kind, mine, tmp_path, canary):
    folder = tmp_path / "model"
    KINDS[kind](folder, mine())
    needed = untrusted_types(folder)
    with suppress(UntrustedTypes):
        load_model(folder)  # what the framework imports once, it has imported
    mine.forget()
    asked = []

    class Gate:
        @hookimpl
        def steno_before_model_load(self, manifest, untrusted):
            asked.append(("steno_hostile_mine" in sys.modules, canary.exists(), sorted(untrusted)))

    plugins().register(Gate(), "gate")
    try:
        with decoding() as decoded, told() as events:
            for trusted in ([], needed[1:], ["os.mkdir", "steno_hostile_mine"]):
                with pytest.raises(UntrustedTypes) as caught:
                    load_model(folder, trusted=trusted)
                assert set(caught.value.types) == set(needed) - set(trusted)
    finally:
        plugins().unregister("gate")
    assert decoded == set()
    assert events == []
    assert [(imported, sung) for imported, sung, _ in asked] == [(False, False)] * 3
    assert asked[0][2] == needed
    assert "steno_hostile_mine" not in sys.modules
    with decoding() as decoded:  # the watch is not blind, nor the module harmless
        assert load_model(folder, trusted=needed) is not None
    assert decoded, "the watch sees no decoder"
    assert canary.exists()
    mine.forget()


@pytest.mark.parametrize(
    "claim",
    [
        {"skops_trusted_types": ["steno_hostile_mine.double"]},
        {"trusted": ["steno_hostile_mine.double"]},
        {"trusted": True},
        {"config": {"trusted": ["steno_hostile_mine.double"]}},
        {"allow_pickle": True, "safe_mode": False, "weights_only": False},
    ],
    ids=str,
)
def test_a_model_cannot_grant_itself_trust(claim, mine, tmp_path):
    folder = tmp_path / "model"
    _sklearn(folder, mine())
    mine.forget()

    def tell(content: dict[str, Any]) -> None:
        content["trusted"] = content["trusted_types"] = ["steno_hostile_mine.double"]
        content["metadata"] = {"trusted": ["steno_hostile_mine.double"]}
        for section in content["flavors"].values():
            section.update(claim)

    change(folder, tell)
    seal_model(folder)
    for enter in (load_model, steno.load_model, steno.pyfunc.load_model, steno.sklearn.load_model):
        with pytest.raises(UntrustedTypes):
            enter(folder)
    with pytest.raises(UntrustedTypes):
        steno.pyfunc.load_model(folder, model_config={"trusted": ["steno_hostile_mine.double"]})
    assert "steno_hostile_mine" not in sys.modules


@pytest.mark.parametrize("trusted", [True, "a.b", [1], None, {"a.b": 1, 2: 3}])
def test_trust_is_names_whoever_asks(trusted, tmp_path):
    save_model(LinearRegression().fit(X, y), tmp_path / "model")
    with pytest.raises(InvalidValue, match="qualified names"):
        load_model(tmp_path / "model", trusted=trusted)


@pytest.mark.parametrize("pattern", ["*", "steno_hostile_mine.*", "steno_hostile_mine", "", ".double", "double"])
def test_no_pattern_stands_for_names(pattern, mine, tmp_path):
    _sklearn(tmp_path / "model", mine())
    mine.forget()
    with pytest.raises(UntrustedTypes):
        load_model(tmp_path / "model", trusted=[pattern])


def test_a_trust_given_once_is_not_kept(mine, tmp_path):
    _sklearn(tmp_path / "model", mine())
    needed = untrusted_types(tmp_path / "model")
    assert np.all(load_model(tmp_path / "model", trusted=needed).transform(X) == doubled(X))
    with pytest.raises(UntrustedTypes):
        load_model(tmp_path / "model")
    mine.forget()
