"""How `steno.pyfunc` comes by functions of plugins, and what is said before any job begins."""

from __future__ import annotations

import sys

import pytest
import steno
from steno import hookimpl
from steno.errors import InvalidValue, MissingDependency, NotFound, SchemaMismatch, UntrustedTypes
from steno.models import ColSpec, ModelSignature, ParamSchema, ParamSpec, Schema
from steno.plugins import plugins
from steno_scoring.archive import name_of, packed, unpack
from steno_scoring.sent import Here, choose, sent

NO_MORE = {"params": None, "model_config": None, "trusted": ()}


@pytest.fixture
def plugged():
    """Register a plugin for one test."""
    names = []

    def register(functions):
        class Brings:
            @hookimpl
            def steno_pyfunc_functions(self):
                return functions

        names.append(f"brings-{len(names)}")
        assert plugins().register(Brings(), names[-1])
        return names[-1]

    yield register
    for name in names:
        plugins().unregister(name)
        plugins().failures.pop(name, None)


def test_steno_pyfunc_functions_are_found_in_steno_pyfunc(plugged):
    plugged({"sum_of": "math:fsum"})
    assert steno.pyfunc.sum_of([1, 2]) == 3
    del steno.pyfunc.sum_of
    assert {"sum_of", "spark_udf", "ray_predictor", "dask_map", "load_model"} <= set(dir(steno.pyfunc))
    with pytest.raises(AttributeError, match=r"no attribute 'flink_map'; plugins bring .*spark_udf"):
        _ = steno.pyfunc.flink_map


@pytest.mark.parametrize("functions", [["spark_udf"], {"f": 3}, {"not a name": "math:fsum"}, {"f": "math"}])
def test_a_plugin_that_brings_no_addresses_is_set_aside(plugged, functions):
    name = plugged(functions)
    assert callable(steno.pyfunc.dask_map)
    assert "f" not in dir(steno.pyfunc)
    assert name in plugins().failures


@pytest.mark.parametrize(
    ("function", "engine", "given"),
    [
        ("spark_udf", "pyspark.sql.functions", [None, "model"]),
        ("ray_predictor", "ray", ["model"]),
        ("dask_map", "dask", [None, "model"]),
    ],
)
def test_an_engine_that_is_not_installed_is_named_with_its_extra(monkeypatch, function, engine, given):
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(MissingDependency, match=rf"{function} needs .*'steno\[{function.partition('_')[0]}\]'"):
        getattr(steno.pyfunc, function)(*given)


def test_what_is_wrong_with_a_model_is_said_before_it_is_sent(linear, scripted, tmp_path):
    with pytest.raises(NotFound, match="nowhere"):
        choose(tmp_path / "nowhere", **NO_MORE)
    script = scripted("return [1.0] * n")
    with pytest.raises(UntrustedTypes, match=r"model\.py"):
        choose(script, **NO_MORE)
    with pytest.raises(InvalidValue, match="trusted is a list"):
        choose(script, **{**NO_MORE, "trusted": "model.py"})
    with pytest.raises(InvalidValue, match="model_config holds what JSON does not"):
        choose(linear, **{**NO_MORE, "model_config": {"since": object()}})
    signature = ModelSignature(Schema([ColSpec("double", "a")]), params=ParamSchema([ParamSpec("times", "long", 2)]))
    script = scripted("return [params['times']] * n", signature=signature)
    trusted = {**NO_MORE, "trusted": ["model.py"]}
    assert choose(script, **trusted).params == {"times": 2}
    with pytest.raises(SchemaMismatch, match="times"):
        choose(script, **{**trusted, "params": {"times": "often"}})


def test_a_model_is_loaded_once_however_often_it_is_asked_for(linear):
    chosen = choose(linear, **NO_MORE)
    first, again = sent(chosen, Here(str(linear))), sent(chosen, Here(str(linear)))
    assert first.model() is again.model()


def test_a_folder_that_a_worker_does_not_see_is_named(linear):
    away = sent(choose(linear, **NO_MORE), Here(str(linear.parent / "away")))
    with pytest.raises(NotFound, match=r"worker .* cannot reach model .*: it sees no folder .*away; put the model"):
        away.model()


def test_an_archive_holds_what_the_folder_does_and_its_name_tells_the_content(linear, scripted, rows):
    chosen = choose(linear, **NO_MORE)
    folder = unpack(packed(linear), chosen.name)
    assert name_of(folder, chosen.manifest) == chosen.name
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == {
        each.name: each.read_bytes() for each in linear.iterdir()
    }
    assert chosen.name != choose(scripted("return [1] * n"), **{**NO_MORE, "trusted": ["model.py"]}).name
