"""Python models for the tests, as a script or a notebook would make them."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pandas as pd
import pytest
from steno.models import untrusted_types
from steno.pyfunc import PythonModel, load_model, save_model

FRAME = pd.DataFrame({"a": [1.0, 2.0]})


def by_value(cls):
    """Make a class one that pickles carry with its code, as they do one from a script or a notebook."""
    cls.__module__ = "__main__"
    for each in vars(cls).values():
        if isinstance(each, types.FunctionType):
            each.__module__ = "__main__"
    return cls


@by_value
class Scaled(PythonModel):
    def __init__(self, factor=3.0):
        self.factor = factor

    def load_context(self, context):
        self.offset = float(Path(context.artifacts["offset"]).read_text())

    def predict(self, context, model_input, params=None):
        more = (params or {}).get("more", 0) + context.model_config.get("more", 0)
        return model_input["a"] * self.factor + self.offset + more


def trusting(folder, **options):
    """Load a model by naming what its error asks for."""
    return load_model(folder, trusted=untrusted_types(folder), **options)


@pytest.fixture
def offset(tmp_path):
    (tmp_path / "offset.txt").write_text("0.5")
    return tmp_path / "offset.txt"


@pytest.fixture
def folder(tmp_path, offset):
    example = (FRAME, {"more": 0.0})
    config = {"more": 10}
    save_model(
        tmp_path / "model",
        python_model=Scaled(),
        artifacts={"offset": offset},
        model_config=config,
        input_example=example,
        metadata={"team": "x"},
    )
    return tmp_path / "model"


def saved(model, tmp_path, **options):
    save_model(tmp_path / "model", python_model=model, **options)
    return trusting(tmp_path / "model")


def python(folder, *arguments, **environ):
    """Run a clean interpreter in a folder and return what it prints."""
    command = [sys.executable, *map(str, arguments)]
    environ = {**os.environ, **environ}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
