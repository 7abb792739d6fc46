"""What holds for any model of any flavor that is saved and loaded: one property, for every kind of random model."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from msgspec import Struct, field
from scipy import sparse
from steno.models import Manifest, load_model, load_pyfunc, save_model, untrusted_types
from steno.models.layout import CONDA_ENV, MLMODEL, PYTHON_ENV, REQUIREMENTS
from steno.models.persist import flavor_for
from steno.testing.processes import python

_UNSEALED = {MLMODEL, REQUIREMENTS, CONDA_ENV, PYTHON_ENV}
# skops tells parts that are one from parts that are equal; a model of Keras that was loaded is not written alike.
_SAME_AS_LOADED = ("xgboost", "pytorch")
_ELSEWHERE = """
import pickle
from steno.models import load_pyfunc
with open(sys.argv[1], "rb") as file:
    tasks = pickle.load(file)
made = [load_pyfunc(folder, trusted=trusted).predict(*pickle.loads(given)) for folder, trusted, given in tasks]
with open(sys.argv[2], "wb") as file:
    pickle.dump(made, file)
"""


class Case(Struct):
    """A trained model and inputs for it.

    Attributes:
        asks: Whether loading it asks for names; otherwise it must ask for none.
        again: Whether the model, saved again, gives the same files, byte for byte.
        expected: What it predicts, where it does so only once it was loaded.
    """

    model: Any
    inputs: Any
    flavor: str
    options: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] | None = None
    asks: bool = False
    again: bool = True
    expected: Any = None


def few(examples: int) -> Any:
    """Settings for a property of models: few examples, the same each time; a failing one is shown as it was drawn."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=slow,
        phases=[Phase.generate],  # to make a smaller one of it takes minutes where each is a training
    )


def drawn(examples: int, *strategies: Any) -> list[Case]:
    """Return some cases of each strategy, made if they are yet to be."""
    cases: list[Case] = []
    for strategy in strategies:

        @few(examples)
        @given(strategy)
        def gather(case: Case | Callable[[], Case]) -> None:
            cases.append(case() if callable(case) else case)

        gather()
    return cases


def comes_back(case: Case) -> None:
    """Save and load a model, natively and as a function, and compare all that is promised of it."""
    folder = Path(tempfile.mkdtemp(dir="."))
    try:
        _comes_back(case, folder)
    finally:
        shutil.rmtree(folder)


def _comes_back(case: Case, folder: Path) -> None:
    manifest = _saved(case, case.model, folder / "first")
    assert manifest == Manifest.read(folder / "first")
    _is_sealed(folder / "first", manifest)
    trusted = untrusted_types(folder / "first")
    assert bool(trusted) == case.asks, trusted
    expected = predicted(case, case.model, manifest)
    loaded = load_model(folder / "first", trusted=trusted)
    assert type(loaded) is type(case.model) or case.flavor == "python_function"
    equal(predicted(case, loaded, manifest), expected)
    function = load_pyfunc(folder / "first", trusted=trusted)
    equal(function.predict(case.inputs, case.params), expected)
    equal(function.input_example, case.inputs)
    # Its arrays lie in memory in C order, and for another order BLAS rounds the last bit differently.
    expected = predicted(case, case.model, manifest, function.input_example)
    equal(function.predict(function.input_example, case.params), expected)
    assert function.signature == manifest.signature
    second = _saved(case, loaded, folder / "second")
    assert second.signature == manifest.signature
    if case.again:
        _is_saved_again(case, loaded, folder)


def _is_saved_again(case: Case, loaded: Any, folder: Path) -> None:
    """Without an example, since the trees of neighbours count how often they were asked, and keep that."""
    models = [case.model, case.model, *([loaded] if case.flavor in _SAME_AS_LOADED else [])]
    for number, model in enumerate(models):
        save_model(model, folder / str(number), flavor=case.flavor, **case.options)
    digests = [Manifest.read(folder / str(number)).file_digests for number in range(len(models))]
    assert digests == digests[:1] * len(models)


def _saved(case: Case, model: Any, folder: Path) -> Manifest:
    example = case.inputs if case.params is None else (case.inputs, case.params)
    return save_model(model, folder, flavor=case.flavor, input_example=example, **case.options)


def predicted(case: Case, model: Any, manifest: Manifest, inputs: Any = None) -> Any:
    """Return the flavor's own prediction, for the case's inputs or others."""
    if case.expected is not None and model is case.model:
        return case.expected
    inputs = case.inputs if inputs is None else inputs
    conf = {**(manifest.pyfunc or {}), **manifest.flavors[case.flavor]}
    return flavor_for(model, case.flavor).predict(model, inputs, case.params or {}, conf)


def _is_sealed(folder: Path, manifest: Manifest) -> None:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = {name: (each["bytes"], each["sha256"]) for name, each in (manifest.file_digests or {}).items()}
    found = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    assert told == {name: each for name, each in found.items() if name not in _UNSEALED}


def equal(given: Any, expected: Any) -> None:
    """Assert that two values are the same: types, names, and every bit of their numbers."""
    assert type(given) is type(expected)
    if isinstance(expected, dict):
        assert list(given) == list(expected)
        for key in expected:
            equal(given[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(given) == len(expected)
        for one, other in zip(given, expected, strict=True):
            equal(one, other)
    elif isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(given, expected, check_exact=True)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(given, expected, check_exact=True)
    elif sparse.issparse(expected):
        assert given.dtype == expected.dtype
        np.testing.assert_array_equal(given.toarray(), expected.toarray(), strict=True)
    else:
        np.testing.assert_array_equal(given, expected, strict=True)


def come_back_elsewhere(cases: Iterable[Case], same: Callable[[Any, Any], None] = equal) -> None:
    """Save models, load all of them in one new process, and compare what they predict there."""
    tasks, expected = [], []
    for number, case in enumerate(cases):
        folder = Path(f"elsewhere-{number}").absolute()
        expected.append(predicted(case, case.model, _saved(case, case.model, folder)))
        tasks.append((folder, untrusted_types(folder), pickle.dumps((case.inputs, case.params))))
    Path("tasks").write_bytes(pickle.dumps(tasks))
    python(_ELSEWHERE, Path("tasks").absolute(), Path("made").absolute())
    made = pickle.loads(Path("made").read_bytes())
    assert len(made) == len(expected) > 0
    for one, other in zip(made, expected, strict=True):
        same(one, other)
