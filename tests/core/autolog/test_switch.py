"""Switching on and off: what is asked for, by whom, and when the framework comes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import steno
from steno.autolog import autolog, autolog_one, watch
from steno.autolog.switch import states
from steno.contracts.integration import Options, Patch
from steno.errors import InvalidValue


@pytest.fixture
def seen():
    return []


@pytest.fixture
def fit(seen):
    def advice(call):
        seen.append(call.options)
        yield

    return Patch("Tree.fit", advice)


@pytest.mark.parametrize("imported_first", [True, False])
def test_autolog_works_before_and_after_the_import(toy, fit, seen, imported_first):
    toy.rows = [fit]
    if imported_first:
        fw = toy.load()
        autolog()
    else:
        autolog()
        assert states()[toy.name] == f"waiting for `import {toy.module_name}`"
        fw = toy.load()
    assert states()[toy.name] == "active"
    fw.Tree().fit(1)
    assert seen == [Options()]
    autolog(disable=True)
    assert states()[toy.name] == "off"


def test_autolog_imports_no_framework():
    code = """
import sys, steno
steno.autolog()
heavy = {"sklearn", "torch", "numpy", "pandas", "scipy", "tensorflow", "xgboost", "sqlalchemy"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_name_works_as_function_and_as_package():
    code = """
import steno
from steno.autolog import contained
import steno.autolog.switch as switch
steno.autolog(disable=True)
assert callable(contained) and switch.autolog
from steno import autolog
autolog(disable=True)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_call_by_name_goes_before_the_global_one(toy, fit, seen):
    toy.rows = [fit]
    fw = toy.load()
    autolog_one(toy.name, log_models=False)
    autolog(log_datasets=False)
    fw.Tree().fit(1)
    autolog_one(toy.name, every_n_steps=3)
    fw.Tree().fit(1)
    assert seen == [Options(log_models=False), Options(every_n_steps=3)]
    autolog_one(toy.name, disable=True)
    autolog()
    fw.Tree().fit(1)
    assert len(seen) == 2
    autolog(disable=True)
    autolog()
    fw.Tree().fit(1)
    assert len(seen) == 3


def test_a_later_global_call_replaces_the_earlier_one(toy, fit, seen):
    toy.rows = [fit]
    fw = toy.load()
    autolog(log_models=False, log_input_examples=True)
    autolog(log_datasets=False)
    fw.Tree().fit(1)
    assert seen == [Options(log_datasets=False)]


@pytest.mark.parametrize("word", ["exclude", "exclude_flavors"])
@pytest.mark.parametrize("many", [False, True])
def test_excluded_integrations_are_left_alone(toy, fit, seen, word, many):
    toy.rows = [fit]
    autolog(**{word: [toy.name] if many else toy.name})
    toy.load().Tree().fit(1)
    assert seen == []
    with pytest.raises(InvalidValue, match="did you mean"):
        autolog(**{word: toy.name + "x"})


def test_disabled_from_outside_it_does_nothing(toy, fit, seen, monkeypatch):
    monkeypatch.setenv("STENO_AUTOLOG_DISABLE", "true")
    toy.rows = [fit]
    autolog()
    autolog_one(toy.name)
    toy.load().Tree().fit(1)
    assert seen == []


def test_mlflows_names_are_accepted(toy, fit, seen):
    toy.rows = [fit]
    autolog_one(
        toy.name,
        log_every_n_steps=5,
        extra_tags=None,
        disable_for_unsupported_versions=True,
        exclusive=False,
    )
    toy.load().Tree().fit(1)
    assert seen == [Options(every_n_steps=5)]
    autolog(log_traces=True, exclude_flavors=None)


def test_an_integrations_own_options_reach_it_only(toy, fit, seen):
    toy.register(options=("max_tuning_runs", "pos_label"))
    toy.rows = [fit]
    fw = toy.load()
    autolog_one(toy.name, max_tuning_runs=None, pos_label=1)
    fw.Tree().fit(1)
    assert seen == [Options(extra={"max_tuning_runs": None, "pos_label": 1})]
    with pytest.raises(InvalidValue, match="did you mean 'max_tuning_runs'"):
        autolog_one(toy.name, max_tuning_run=1)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("log_modells", True, "did you mean 'log_models'"),
        ("nonsense_entirely", 1, "no option 'nonsense_entirely'"),
        ("training_metrics", "some", "'auto', 'full' or False"),
        ("every_n_steps", 0, "from 1"),
        ("log_models", "yes", "True or False"),
        ("extra_tags", ["a"], "dict"),
    ],
)
def test_an_option_nobody_knows_or_a_bad_value_is_refused(toy, option, value, message):
    for call in (autolog, lambda **options: autolog_one(toy.name, **options)):
        with pytest.raises(InvalidValue, match=message):
            call(**{option: value})
    assert states()[toy.name] == "off"


def test_an_unknown_framework_is_refused(toy):
    with pytest.raises(InvalidValue, match=toy.name):
        autolog_one("no_such_framework")


@pytest.mark.parametrize(
    ("requires", "state"),
    [
        ("no-such-distribution>=1", "needs no-such-distribution>=1, which is not installed"),
        ("pytest>=10000", f"needs pytest>=10000, found {pytest.__version__}"),
        ("pytest>=7", "active"),
    ],
)
def test_a_framework_outside_the_range_is_left_alone(toy, fit, seen, requires, state):
    toy.register(requires=requires)
    toy.rows = [fit]
    autolog()
    toy.load().Tree().fit(1)
    assert states()[toy.name] == state
    assert len(seen) == (state == "active")


def test_a_row_that_fails_spoils_no_other(toy, fit, seen):
    both = Patch("Tree.fit", advice=fit.advice, tap=lambda args, kwargs: None)
    fw = toy.watch(Patch("NoSuch.fit", fit.advice), both, Patch("Tree.nothing", fit.advice), fit)
    fw.Tree().fit(1)
    assert len(seen) == 1
    assert [target for target, _ in toy.failures] == ["NoSuch.fit", "Tree.fit", "Tree.nothing"]


def test_an_optional_target_may_be_missing(toy, fit):
    toy.watch(Patch("NoSuch.fit", fit.advice, optional=True), fit)
    assert toy.failures == []


def test_an_integration_that_breaks_does_not_break_the_users_import(toy):
    toy.patches = lambda module: 1 / 0
    autolog()
    assert toy.load().train(1) == ("model", 1, 10)
    assert [type(error) for _, error in toy.failures] == [ZeroDivisionError]
    assert states()[toy.name].startswith("failed: ZeroDivisionError")


def test_an_integration_that_cannot_be_loaded_does_not_break_the_users_import(toy):
    del sys.modules[f"{toy.name}_plugin"].integration
    autolog()
    assert toy.load().train(1) == ("model", 1, 10)
    assert states()[toy.name].startswith("failed: PluginError")


def test_rows_come_with_each_module_that_is_imported(toy, seen, fit):
    (toy.folder / f"{toy.name}_more.py").write_text("class Late:\n    def fit(self):\n        return 1\n")
    toy.modules = (toy.module_name, f"{toy.name}_more")
    asked = []

    def patches(module):
        asked.append(module.__name__)
        return [Patch("Late.fit", fit.advice)] if module.__name__.endswith("more") else [fit]

    toy.patches = patches
    autolog()
    toy.load()
    assert asked == [toy.module_name]
    import importlib

    late = importlib.import_module(f"{toy.name}_more")
    assert asked == list(toy.modules)
    assert late.Late().fit() == 1
    assert len(seen) == 1
    autolog(disable=True)
    autolog()
    late.Late().fit()
    assert len(seen) == 2


def test_rows_for_a_users_own_class_come_and_go_with_the_rest(toy, seen, fit):
    fw = toy.watch(fit)

    class Mine:
        def fit(self):
            return 1

    own = dict(vars(Mine))
    watch(toy.name, Mine, [Patch("fit", fit.advice)])
    assert Mine().fit() == 1
    assert len(seen) == 1
    autolog(disable=True)
    assert dict(vars(Mine)) == own
    watch(toy.name, Mine, [Patch("fit", fit.advice)])
    Mine().fit()
    fw.Tree().fit(1)
    assert len(seen) == 1


def test_autolog_is_a_name_of_the_front_door():
    assert callable(steno.autolog)


def test_a_name_to_register_is_judged_at_once():
    with pytest.raises(InvalidValue, match="cannot be named 'a/b'"):
        steno.autolog(registered_model_name="a/b")
