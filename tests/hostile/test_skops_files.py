"""Model folders made by someone who means harm: nothing of theirs runs, is read from elsewhere, or takes all memory."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile

import numpy as np
import pytest
import yaml
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from steno.errors import ModelError, StenoError, UnsafePath, UntrustedTypes
from steno.models import Manifest, load_model, load_pyfunc, save_model, seal_model, untrusted_types
from steno.plugins import plugins

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
y = (X[:, 0] > 0).astype(int)


@pytest.fixture
def folder(tmp_path):
    save_model(LogisticRegression().fit(X, y), tmp_path / "model")
    return tmp_path / "model"


def entries(folder):
    with zipfile.ZipFile(folder / "model.skops") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(folder, change):
    """Let `change` edit the schema and the other entries of the skops file."""
    files = entries(folder)
    schema = json.loads(files["schema.json"])
    schema = change(schema, files) or schema
    files["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    seal_model(folder)  # whoever means harm would


def node(loader, module, name, **more):
    return {"__loader__": loader, "__module__": module, "__class__": name, "__id__": next(IDS), **more}


IDS = iter(range(10**9, 2 * 10**9))


def as_json(value):
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def planted(attack):
    """Return a change that puts a node among the model's attributes."""

    def change(schema, _):
        attributes = schema["content"]
        attributes["content"]["planted"] = attack
        attributes["key_types"]["content"].append(node("TypeNode", "builtins", "str"))

    return change


def calls(function, *arguments):
    """Every way a skops file has to make a loader call a function."""
    module, _, name = function.rpartition(".")
    content = node("TupleNode", "builtins", "tuple", content=[as_json(each) for each in arguments])
    empty = node("DictNode", "builtins", "dict", content={}, key_types=node("ListNode", "builtins", "list", content=[]))
    return {
        "constructor": node("ConstructorFromReduceNode", module, name, content=content),
        "list": node("ListNode", module, name, content=[as_json(each) for each in arguments]),
        "set": node("SetNode", module, name, content=[as_json(each) for each in arguments]),
        "loss": node("LossNode", module, name, content=empty, __reduce__={"args": content}),
        "object": node("ObjectNode", module, name, content=content),
        "operator": node("OperatorFuncNode", "operator", "methodcaller", attrs=content),
        "partial": node(
            "PartialNode",
            "functools",
            "partial",
            content={
                "func": node("FunctionNode", module, name),
                "args": content,
                "kwds": empty,
                "namespace": as_json(None),
            },
        ),
    }


@pytest.mark.parametrize("way", calls("os.mkdir", "x"))
@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_skops_file_calls_nothing(way, protocol, folder, tmp_path):
    canary = tmp_path / "canary"

    def change(schema, files):
        planted(calls("os.mkdir", str(canary))[way])(schema, files)
        schema["protocol"] = protocol

    rewrite(folder, change)
    with pytest.raises(ModelError):
        load_model(folder)
    assert not canary.exists()


@pytest.mark.parametrize("way", ["constructor", "list", "set", "loss"])
@pytest.mark.parametrize(
    "name",
    ["sklearn.metrics._classification.accuracy_score", "numpy.dtype", "sklearn.tree._tree.Tree", "numpy.mean"],
)
def test_a_name_of_scikit_learns_own_is_trusted_in_its_role_only(way, name, folder):
    rewrite(folder, planted(calls(name, [1, 2])[way]))
    with pytest.raises(UntrustedTypes) as caught:
        load_model(folder)
    assert name in caught.value.types


def test_a_name_misused_once_is_trusted_nowhere_in_the_file(tmp_path):
    save_model(DecisionTreeClassifier().fit(X, y), tmp_path / "model")
    assert untrusted_types(tmp_path / "model") == []
    rewrite(tmp_path / "model", planted(calls("sklearn.tree._tree.Tree", 1)["constructor"]))
    assert untrusted_types(tmp_path / "model") == ["sklearn.tree._tree.Tree"]


def test_a_bound_method_is_named_with_its_owner(folder):
    owner = node("ObjectNode", "sklearn.linear_model._base", "LinearRegression")
    method = node("MethodNode", "sklearn.linear_model._base", "LinearRegression", content={"func": "fit", "obj": owner})
    rewrite(folder, planted(method))
    assert "sklearn.linear_model._base.LinearRegression.fit" in untrusted_types(folder)


def test_a_users_function_is_named_ready_to_paste(tmp_path):
    model = make_pipeline(FunctionTransformer(os.path.basename), LogisticRegression())
    model.steps[-1][1].fit(X, y)
    save_model(model, tmp_path / "model", signature=False)
    with pytest.raises(UntrustedTypes, match=r"trusted=\['posixpath.basename'\]"):
        load_model(tmp_path / "model")


def test_the_trust_a_file_claims_for_itself_counts_for_nothing(folder, tmp_path):
    canary = tmp_path / "canary"
    rewrite(folder, planted(calls("os.mkdir", str(canary))["constructor"]))
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["sklearn"]["skops_trusted_types"] = ["os.mkdir"]
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    seal_model(folder)
    with pytest.raises(UntrustedTypes, match=r"os\.mkdir"):
        load_model(folder)
    assert not canary.exists()


@pytest.mark.parametrize("trusted", [True, "os.mkdir", [os.mkdir], None])
def test_trust_is_a_list_of_names_and_nothing_else(trusted, folder):
    with pytest.raises(StenoError, match="qualified names"):
        load_model(folder, trusted=trusted)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda schema, files: [1, 2], id="the schema is a list"),
        pytest.param(lambda schema, files: {"protocol": 2}, id="the schema is empty"),
        pytest.param(lambda schema, files: {**schema, "protocol": 99}, id="a protocol of the future"),
        pytest.param(lambda schema, files: {**schema, "__loader__": "NoSuchNode"}, id="an unknown loader"),
        pytest.param(lambda schema, files: {**schema, "content": {"__loader__": 1}}, id="a loader that is a number"),
        pytest.param(lambda schema, files: files.update({k: b"x" for k in files if k.endswith("npy")}), id="no arrays"),
    ],
)
def test_a_damaged_skops_file_is_an_error_that_names_the_file(change, folder):
    rewrite(folder, change)
    with pytest.raises(ModelError, match=r"model\.skops"):
        load_model(folder)


def test_a_schema_nested_without_end_is_an_error(folder):
    files = entries(folder)
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        archive.writestr("schema.json", b"[" * 200_000 + b"]" * 200_000)
        archive.writestr(*next(item for item in files.items() if item[0] != "schema.json"))
    seal_model(folder)
    with pytest.raises(ModelError):
        load_model(folder)


def bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(2):
            archive.writestr(f"{index}.npy", bytes(40 * 2**20))
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(folder):
    with zipfile.ZipFile(folder / "model.skops", "a", zipfile.ZIP_DEFLATED) as archive:
        for index in range(2):
            archive.writestr(f"bomb{index}.npy", bytes(40 * 2**20))
    seal_model(folder)
    with pytest.raises(ModelError, match="would unpack from"):
        load_model(folder)


def test_a_zip_bomb_inside_a_sparse_matrix_is_refused(folder):
    with zipfile.ZipFile(folder / "model.skops", "a") as archive:
        archive.writestr("matrix.npz", bomb())
    seal_model(folder)
    with pytest.raises(ModelError, match="would unpack from"):
        load_model(folder)


def test_an_honest_compressed_matrix_passes(tmp_path):
    model = KNeighborsClassifier(algorithm="brute").fit(sparse.csr_matrix(np.abs(X)), y)
    save_model(model, tmp_path / "model")
    assert load_model(tmp_path / "model").predict(X[:3]).tolist() == model.predict(X[:3]).tolist()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.bsr_matrix])
def test_a_sparse_matrix_whose_indices_point_outside_is_refused(kind, tmp_path):
    model = LogisticRegression().fit(X, y)
    model.planted = kind(np.eye(3))
    save_model(model, tmp_path / "sound", signature=False)
    assert load_model(tmp_path / "sound").planted.nnz
    model.planted.indices[0] = 10**9
    save_model(model, tmp_path / "model", signature=False)
    with pytest.raises(ModelError, match="point outside"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("name", ["../secret.skops", "/etc/hostname", "a/../../secret.skops", "", ".", 7, None, ["x"]])
@pytest.mark.parametrize("loader", [load_model, load_pyfunc])
def test_a_name_that_leaves_the_folder_is_refused(loader, name, folder, tmp_path):
    (folder / "model.skops").rename(tmp_path / "secret.skops")
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["sklearn"]["pickled_model"] = name
    content["flavors"]["python_function"]["model_path"] = name
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    seal_model(folder)
    with pytest.raises(UnsafePath):
        loader(folder)


def test_a_link_on_the_way_is_refused_also_as_a_folder(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "model.skops").rename(tmp_path / "elsewhere" / "model.skops")
    (folder / "data").symlink_to(tmp_path / "elsewhere")
    content = yaml.safe_load((folder / "MLmodel").read_text())
    content["flavors"]["sklearn"]["pickled_model"] = "data/model.skops"
    (folder / "MLmodel").write_text(yaml.safe_dump(content))
    seal_model(folder)
    with pytest.raises(UnsafePath, match="symbolic link"):
        load_model(folder)


def test_an_mlmodel_file_is_data_and_never_constructs(folder, tmp_path):
    canary = tmp_path / "canary"
    (folder / "MLmodel").write_text(f"flavors: !!python/object/apply:os.mkdir [{str(canary)!r}]\n")
    with pytest.raises(ModelError, match="cannot be read as YAML"):
        load_model(folder)
    assert not canary.exists()


@pytest.mark.parametrize(
    "loader_module",
    ["os", "antigravity", "mlflow.no_such_flavor", "mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model", ""],
)
def test_a_loader_module_is_never_imported(loader_module, folder):
    manifest = Manifest.read(folder)
    manifest.flavors.pop("sklearn")
    manifest.flavors["python_function"]["loader_module"] = loader_module
    manifest.write(folder)
    before = set(sys.modules)
    with pytest.raises(ModelError, match=r"can be read by|names no python_model"):
        load_pyfunc(folder)
    assert not {"antigravity", "mlflow"} & (set(sys.modules) - before)


def test_a_models_own_code_stays_off_the_path_until_a_type_of_it_is_trusted(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    package = tmp_path / "source" / "steno_test_shipped.py"
    package.parent.mkdir()
    package.write_text(f"import pathlib\npathlib.Path({str(canary)!r}).touch()\ndef double(x):\n    return x * 2\n")
    shadow = tmp_path / "source" / "json.py"
    shadow.write_text("raise RuntimeError('shadowed')")
    monkeypatch.setattr(sys, "path", [*sys.path, str(package.parent)])
    from importlib import import_module

    double = import_module("steno_test_shipped").double
    canary.unlink()
    save_model(FunctionTransformer(double).fit(X), tmp_path / "model", code_paths=[package, shadow])
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(package.parent)])
    monkeypatch.delitem(sys.modules, "steno_test_shipped")

    path_before = list(sys.path)
    with pytest.raises(UntrustedTypes) as caught:
        load_model(tmp_path / "model")
    assert sys.path == path_before
    assert not canary.exists()

    model = load_model(tmp_path / "model", trusted=caught.value.types)
    assert canary.exists()
    assert model.transform(X[:1]).tolist() == (X[:1] * 2).tolist()
    # Behind everything installed, so that its json.py stands in for nobody's.
    assert sys.path == [*path_before, str((tmp_path / "model" / "code").resolve())]
    canary.unlink()


def test_a_gate_sees_what_is_untrusted_and_can_refuse_before_anything_is_decoded(folder):
    from steno.hookspecs import hookimpl

    seen = []

    class Guard:
        @hookimpl
        def steno_before_model_load(self, manifest, untrusted):
            seen.append((manifest.model_uuid, untrusted))
            raise PermissionError("not this one")

    plugins().register(Guard(), "guard")
    try:
        with pytest.raises(PermissionError, match="not this one"):
            load_model(folder)
    finally:
        plugins().unregister("guard")
    assert seen == [(Manifest.read(folder).model_uuid, frozenset())]
