"""`steno.<framework>`: a module for each flavor or integration a plugin registered."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

import pytest
import steno
from sklearn.linear_model import LinearRegression
from steno import namespaces
from steno.errors import MissingDependency, PluginError
from steno.hookspecs import hookimpl
from steno.models import load_model
from steno.plugins import plugins


@pytest.fixture(autouse=True)
def finder():
    namespaces.install()


class Stranger:
    """A plugin of someone else's that brings a flavor and no integration."""

    @hookimpl
    def steno_register_flavors(self, register):
        register("strange_boost", "steno_sklearn.flavor:flavor", owns=("strange_boost",))


@pytest.fixture
def stranger():
    assert plugins().register(Stranger(), "stranger")
    yield
    plugins().unregister("stranger")
    sys.modules.pop("steno.strange_boost", None)
    vars(steno).pop("strange_boost", None)


def test_a_namespace_is_imported_in_every_spelling():
    module = importlib.import_module("steno.sklearn")
    from steno.sklearn import log_model

    assert namespaces.namespace("sklearn") is module is steno.sklearn
    assert log_model is module.log_model
    assert module.__all__ == ["autolog", "log_model", "save_model", "load_model"]


def test_a_strangers_flavor_has_its_namespace_with_what_it_brings(stranger):
    module = importlib.import_module("steno.strange_boost")
    assert module.__all__ == ["log_model", "save_model", "load_model"]
    assert not hasattr(module, "autolog")


@pytest.mark.parametrize("keyword", [None, "model", "sk_model"])
def test_save_and_load_use_the_namespaces_flavor(keyword, tmp_path):
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    module = importlib.import_module("steno.sklearn")
    if keyword:
        module.save_model(**{keyword: model}, path=tmp_path / "model")
    else:
        module.save_model(model, tmp_path / "model")
    assert load_model(tmp_path / "model").coef_ == pytest.approx(1.0)
    assert module.load_model(tmp_path / "model").coef_ == pytest.approx(1.0)
    assert importlib.import_module("steno.pyfunc").load_model(tmp_path / "model").predict([[1.0]]) == pytest.approx(1.0)


def test_a_call_without_a_model_says_so():
    with pytest.raises(TypeError, match="the model as the first argument"):
        importlib.import_module("steno.sklearn").save_model(path="x")


class Explicit:
    """A plugin whose integration brings classes for explicit use."""

    @hookimpl
    def steno_register_integrations(self, register):
        names = {"Wave": "wave:Wave_read", "surf.Wave": "wave:Wave_write", "Missing": "no_such_module:Missing"}
        register("waves", "nowhere:integration", when="nowhere", requires="waves", also=("surf",), names=names)


@pytest.fixture
def explicit():
    assert plugins().register(Explicit(), "explicit")
    yield
    plugins().unregister("explicit")
    for name in ("waves", "surf"):
        sys.modules.pop(f"steno.{name}", None)
        vars(steno).pop(name, None)


def test_an_integrations_classes_are_loaded_when_they_are_asked_for(explicit):
    sys.modules.pop("wave", None)
    module = importlib.import_module("steno.waves")
    assert module.__all__ == ["autolog", "Wave", "Missing"]
    assert {"autolog", "Wave"} <= set(dir(module))
    assert "wave" not in sys.modules
    assert module.Wave.__name__ == "Wave_read"
    assert module.Wave is vars(module)["Wave"]
    with pytest.raises(AttributeError, match=r"'steno\.waves' has no attribute 'nothing'"):
        _ = module.nothing


def test_a_namespace_may_have_a_class_of_its_own_under_a_name(explicit):
    from steno.surf import Wave

    assert Wave.__name__ == "Wave_write"


def test_a_class_that_needs_a_missing_package_names_it(explicit):
    with pytest.raises(MissingDependency, match="pip install waves"):
        _ = importlib.import_module("steno.waves").Missing


def test_an_address_of_a_class_is_checked_when_it_is_offered():
    with pytest.raises(PluginError, match="not of the form"):
        plugins().integrations("bad", "a:b", when="nowhere", names={"Wave": "wave"})


def test_an_unknown_name_is_a_normal_error_that_lists_the_known_ones():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'steno\.nothing'.*sklearn") as caught:
        importlib.import_module("steno.nothing")
    assert caught.value.name == "steno.nothing"
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'.*sklearn"):
        namespaces.namespace("nothing")


def test_only_public_names_directly_below_steno_are_answered():
    found = namespaces.NamespaceFinder()
    assert found.find_spec("os.nothing") is None
    assert found.find_spec("steno.sklearn.nothing") is None
    assert found.find_spec("steno._private") is None
    with pytest.raises(AttributeError):
        namespaces.namespace("_private")


def test_files_of_steno_are_found_before_any_namespace():
    assert importlib.util.find_spec("steno.errors").origin.endswith("errors.py")


def test_a_namespace_imports_no_framework():
    script = (
        "import sys, steno.namespaces as n; n.install(); import steno.sklearn; "
        "assert not {'sklearn', 'numpy', 'pandas'} & set(sys.modules), 'imported'"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_models_of_steno_import_no_framework():
    script = "import sys, steno.models; assert not {'sklearn', 'numpy', 'pandas', 'yaml'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
