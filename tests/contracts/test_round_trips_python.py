"""Random models that are Python code come back whole: classes and functions, with artifacts, configuration, modules."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steno.pyfunc import PythonModel

from .round_trips import Case, come_back_elsewhere, comes_back, drawn, few

NAMES = st.text("abcxyz_", min_size=1, max_size=6)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("aü\n'", max_size=4)
CONFIGS = st.dictionaries(NAMES, st.recursive(PLAIN, lambda each: st.lists(each, max_size=2), max_leaves=3), max_size=3)
FORMS = {
    "frame": lambda a: pd.DataFrame(a, columns=["x", "y"]),
    "array": lambda a: a,
    "list": lambda a: a[:, 0].tolist(),
}
SCRIPT = """
def _told(names):
    return sorted((names or {}).items(), key=lambda each: each[0])

class Told(PythonModel):
    def __init__(self, state):
        self.state = state

    def load_context(self, context):
        from pathlib import Path
        self.texts = {name: Path(path).read_text("utf-8") for name, path in context.artifacts.items()}

    def predict(self, context, model_input, params=None):
        return [repr(self.state), _told(self.texts), _told(context.model_config), _told(params), len(model_input)]

def counted(model_input):
    return [len(model_input), repr(state)]

def shipped(model_input):
    import steno_round_trip_module
    return [len(model_input), steno_round_trip_module.VALUE]
"""


def made(state):
    names = {"__name__": "__main__", "PythonModel": PythonModel, "state": state}
    exec(SCRIPT, names)
    return names


@pytest.fixture(autouse=True)
def module_beside(monkeypatch):
    Path("steno_round_trip_module.py").write_text("VALUE = 7\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path.cwd())])
    yield
    sys.modules.pop("steno_round_trip_module", None)


def inputs():
    values = st.integers(1, 4).map(lambda rows: np.arange(rows * 2.0).reshape(rows, 2))
    return st.builds(lambda form, each: FORMS[form](each), st.sampled_from(sorted(FORMS)), values)


@st.composite
def classes(draw):
    folder = Path(tempfile.mkdtemp(dir="."))
    texts = draw(st.dictionaries(NAMES, st.text("aü ", max_size=9), max_size=3))
    for number, text in enumerate(texts.values()):
        (folder / f"{number}.txt").write_text(text, "utf-8")
    options = {"model_config": draw(CONFIGS)}
    options["artifacts"] = {name: folder / f"{number}.txt" for number, name in enumerate(texts)}
    params = draw(st.none() | st.fixed_dictionaries({"more": st.integers(0, 9) | st.floats(0, 1) | st.text("ab")}))
    state = draw(st.recursive(PLAIN, lambda each: st.dictionaries(NAMES, each, max_size=2), max_leaves=3))
    given, model = draw(inputs()), made(state)["Told"](state)
    maps = [sorted(each.items(), key=lambda item: item[0]) for each in (texts, options["model_config"], params or {})]
    told = [repr(state), *maps, len(given)]
    return Case(model, given, "python_function", options, params, asks=True, again=False, expected=told)


@st.composite
def functions(draw):
    name = draw(st.sampled_from(["counted", "shipped"]))
    options = {"code_paths": [Path("steno_round_trip_module.py").absolute()]} if name == "shipped" else {}
    given, state = draw(inputs()), draw(PLAIN | st.lists(PLAIN, max_size=2))
    told = [len(given), 7 if name == "shipped" else repr(state)]
    return Case(made(state)[name], given, "python_function", options, asks=True, again=False, expected=told)


@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
@few(15)
@given(classes())
def test_an_object_comes_back_with_its_artifacts_and_configuration(case):
    comes_back(case)


@few(15)
@given(functions())
def test_a_function_comes_back_with_its_modules(case):
    comes_back(case)


def test_models_come_back_in_a_clean_interpreter():
    come_back_elsewhere(drawn(4, classes(), functions()))
