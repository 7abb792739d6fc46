"""Python models that were damaged, or made by someone who means harm."""

from __future__ import annotations

import importlib

import pytest
import yaml
from steno.errors import DamagedModel, ModelError, UnsafePath, UntrustedTypes
from steno.models import seal_model
from steno.pyfunc import load_model

from .conftest import FRAME, trusting


@pytest.mark.parametrize("name", ["python_model.pkl", "artifacts/offset.txt", "input_example.json"])
def test_a_file_that_was_changed_is_named_before_anything_is_read(name, folder):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedModel, match=f"{name} has"):
        trusting(folder)


@pytest.mark.parametrize("path", ["../offset.txt", "/etc/hostname", "", None, 7])
def test_an_artifact_outside_the_folder_is_never_handed_over(path, folder):
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["python_function"]["artifacts"]["offset"]["path"] = path
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    with pytest.raises(UnsafePath):
        trusting(folder)


@pytest.mark.parametrize("section", [3, ["a"], {"a": "b"}])
def test_artifacts_that_are_no_map_are_refused(section, folder):
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["python_function"]["artifacts"] = section
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    with pytest.raises(ModelError, match="no map of names to paths"):
        trusting(folder)


@pytest.mark.parametrize("config", [3, "/etc/hostname", ["a"]])
def test_a_configuration_that_is_no_map_is_refused(config, folder):
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["python_function"]["config"] = config
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    with pytest.raises(ModelError, match="is no map"):
        trusting(folder)


@pytest.mark.parametrize("form", ["gzip", "bzip2", "lzma"])
def test_a_compressed_pickle_is_read_as_mlflow_writes_it(form, folder):
    module = importlib.import_module({"gzip": "gzip", "bzip2": "bz2", "lzma": "lzma"}[form])
    path = folder / "python_model.pkl"
    path.write_bytes(module.compress(path.read_bytes()))
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["python_function"]["python_model_compression"] = form
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    seal_model(folder)
    with pytest.raises(UntrustedTypes):
        load_model(folder)
    assert trusting(folder).predict(FRAME).tolist() == [13.5, 16.5]
    path.write_bytes(path.read_bytes()[:40])
    seal_model(folder)
    with pytest.raises(ModelError, match="cannot be unpacked"):
        load_model(folder)


def test_a_small_file_that_unpacks_without_end_is_refused(folder):
    (folder / "python_model.pkl").unlink()
    (folder / "python_model.bz2").write_bytes(importlib.import_module("bz2").compress(bytes(200 * 2**20)))
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["python_function"] |= {"python_model": "python_model.bz2", "python_model_compression": "bzip2"}
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    seal_model(folder)
    with pytest.raises(ModelError, match="would unpack to more"):
        load_model(folder)
