"""MLmodel files of several writers, and the environment files beside them."""

from __future__ import annotations

import platform
from importlib import metadata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from steno.errors import InvalidValue, ModelError
from steno.models import Manifest, ParamSchema, Schema
from steno.models.requirements import Environment, installed

NEW = """
artifact_path: mlflow-artifacts:/1/models/m-1/artifacts
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    model_path: model.skops
  sklearn: {code: null, pickled_model: model.skops}
is_signature_from_type_hint: false
mlflow_version: 3.17.2
model_id: m-1
model_size_bytes: 11544
model_uuid: m-1
prompts: null
run_id: abc
saved_input_example_info: {artifact_path: input_example.json, type: dataframe}
signature:
  inputs: '[{"type": "long", "name": "a"}, {"type": "double", "name": "b", "optional": true}]'
  outputs: null
  params: '[{"name": "t", "dtype": "double", "default": 1.0, "shape": null}]'
type_hint_from_example: false
utc_time_created: '2026-11-21 03:43:23.989108'
"""
OLD = "flavors: {python_function: {loader_module: mlflow.sklearn, data: model.pkl}}\nsignature: null\n"


def test_a_manifest_of_a_new_writer_is_read_with_defaults_for_what_it_leaves_out():
    manifest = Manifest.from_dict(yaml.safe_load(NEW))
    assert (manifest.model_id, manifest.run_id, manifest.mlflow_version) == ("m-1", "abc", "3.17.2")
    assert manifest.signature is not None
    assert [spec.required for spec in manifest.signature.inputs] == [True, False]
    assert manifest.signature.params.params[0].default == 1.0


def test_a_manifest_of_an_old_writer_is_read():
    manifest = Manifest.from_dict(yaml.safe_load(OLD))
    assert manifest.signature is None
    assert manifest.model_id is None
    assert manifest.pyfunc == {"loader_module": "mlflow.sklearn", "data": "model.pkl"}


@pytest.mark.parametrize("text", [NEW, OLD], ids=["new", "old"])
def test_what_is_read_and_written_again_says_the_same(text):
    before = yaml.safe_load(text)
    after = yaml.safe_load(Manifest.from_dict(before).to_yaml())
    assert after == {"model_id": None, **{key: value for key, value in before.items() if value is not None}} | {
        key: after[key] for key in after if key in before and before[key] is None
    }
    assert {key: value for key, value in before.items() if value is not None}.items() <= after.items()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(min_size=1), plain, max_size=4))
def test_keys_this_version_does_not_know_are_kept(extra):
    known = set(Manifest.__struct_fields__) | {"signature"}
    extra = {key: value for key, value in extra.items() if key not in known}
    manifest = Manifest.from_dict({"flavors": {}, **extra})
    assert yaml.safe_load(manifest.to_yaml()) == {"flavors": {}, "model_id": None, **extra}


@pytest.mark.parametrize(
    "content",
    [{}, {"flavors": []}, {"flavors": {"a": 1}}, {"flavors": {}, "signature": "x"}, {"flavors": {}, "metadata": 1}],
    ids=str,
)
def test_a_manifest_without_sound_sections_is_refused(content):
    with pytest.raises(ModelError):
        Manifest.from_dict(content)


@pytest.mark.parametrize("text", ["- a list", "{", "\x00", "a: &a [*a"], ids=repr)
def test_a_file_that_is_no_map_is_refused_with_its_place(text, tmp_path):
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(ModelError, match="MLmodel"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[1]",
        '[{"type": "no_such"}]',
        '[{"type": "array"}]',
        '[{"type": "tensor"}]',
        '[{"type": "long", "name": "a"}, {"type": "long"}]',
        '[{"type": "long", "name": "a"}, {"type": "long", "name": "a"}]',
        '[{"type": "long", "name": "a"}, {"name": "b", "type": "tensor", "tensor-spec": {"dtype": "x", "shape": []}}]',
        '[{"type": "long", "required": false}]',
    ],
)
def test_a_schema_that_breaks_its_rules_is_refused(text):
    with pytest.raises(InvalidValue):
        Schema.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        '[{"type": "any", "required": true}]',
        '[{"type": "sparkml_vector", "name": "v", "required": true}]',
        '[{"type": "map", "values": {"type": "array", "items": {"type": "long"}}, "name": "m", "required": false}]',
    ],
)
def test_types_that_are_never_inferred_come_back_as_they_were(text):
    assert Schema.from_json(text).to_json() == text


def test_a_params_default_that_is_no_moment_is_refused():
    with pytest.raises(InvalidValue, match="no moment"):
        ParamSchema.from_json('[{"name": "d", "type": "datetime", "default": "soon", "shape": null}]')


# -- requirements ----------------------------------------------------------------------------------------


def lines(**options):
    return Environment(**options).files(("sklearn", "numpy"))["requirements.txt"].splitlines()


SKLEARN = f"scikit-learn=={metadata.version('scikit-learn')}"
NUMPY = f"numpy=={metadata.version('numpy')}"


def test_packages_become_pinned_distributions_behind_the_reader():
    assert lines() == ["mlflow", SKLEARN, NUMPY]
    assert not Environment().files(("numpy",))["requirements.txt"].endswith("\n")


def test_modules_that_no_distribution_brings_are_left_out():
    assert installed("no_such_module_anywhere") is None
    assert Environment().files(("no_such_module_anywhere",))["requirements.txt"] == "mlflow"


def test_environments_for_conda_and_virtualenv_say_the_same():
    files = Environment().files(("numpy",))
    conda = yaml.safe_load(files["conda.yaml"])
    assert conda["dependencies"][0] == f"python={platform.python_version()}"
    assert conda["dependencies"][2] == {"pip": ["mlflow", NUMPY]}
    assert (conda["channels"], conda["name"]) == (["conda-forge"], "mlflow-env")
    python = yaml.safe_load(files["python_env.yaml"])
    assert python["python"] == platform.python_version()
    assert python["dependencies"] == ["-r requirements.txt"]
    assert [line.partition("==")[0] for line in python["build_dependencies"]] == ["pip", "setuptools", "wheel"]


def test_own_requirements_stand_in_place_of_the_packages():
    assert lines(pip_requirements=["torch>=2", "  # a comment", ""]) == ["mlflow", "torch>=2"]
    assert lines(pip_requirements=["MLflow==3.17.2"]) == ["MLflow==3.17.2"]


def test_extra_requirements_win_over_the_same_package():
    assert lines(extra_pip_requirements=["scikit_learn>=1", "x"]) == ["mlflow", NUMPY, "scikit_learn>=1", "x"]


def test_requirement_files_are_read_and_constraints_kept_apart(tmp_path):
    (tmp_path / "base.txt").write_text("a==1  # why\n")
    (tmp_path / "limits.txt").write_text("b<2\n")
    (tmp_path / "all.txt").write_text(f"-r {tmp_path / 'base.txt'}\n-c {tmp_path / 'limits.txt'}\nc\n")
    files = Environment(pip_requirements=str(tmp_path / "all.txt")).files()
    assert files["requirements.txt"] == "mlflow\na==1\nc\n-c constraints.txt"
    assert files["constraints.txt"] == "b<2"


def test_a_conda_environment_is_kept_and_its_pip_part_is_the_requirements(tmp_path):
    own = {"name": "mine", "channels": ["x"], "dependencies": ["python=3.11", {"pip": ["torch"]}]}
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(own))
    for given_as in (own, tmp_path / "env.yaml"):
        files = Environment(conda_env=given_as).files()
        assert yaml.safe_load(files["conda.yaml"]) == own
        assert files["requirements.txt"] == "mlflow\ntorch"


@pytest.mark.parametrize(
    "options",
    [
        {"pip_requirements": [], "extra_pip_requirements": []},
        {"pip_requirements": "no/such/file"},
        {"pip_requirements": [1]},
        {"conda_env": {"name": "x"}},
        {"conda_env": "no/such/file"},
    ],
    ids=str,
)
def test_requirements_that_cannot_be_are_refused(options):
    with pytest.raises(InvalidValue):
        Environment(**options).files()
