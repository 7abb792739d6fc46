"""State dict archives made by someone who means harm: nothing of theirs runs, and nothing is read from elsewhere."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import pytest
from steno.errors import ModelError, StenoError, UntrustedTypes
from steno.models import Manifest, load_model, save_model, seal_model
from torch import nn


class Explosive(nn.Linear):
    """Makes a folder when its state is set."""

    def __setstate__(self, state):
        Path("canary").mkdir()
        super().__setstate__(state)


@pytest.fixture
def canary(tmp_path):
    """The folder that every attack tries to make; tests run in `tmp_path`."""
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


def folder_of(tmp_path, module=None):
    save_model(module or nn.Sequential(nn.Linear(3, 2), nn.ReLU()), tmp_path / "model", flavor="pytorch")
    return tmp_path / "model"


# -- state dict: the description -------------------------------------------------------------------------------------


def described(folder, change):
    path = folder / "data" / "model.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")
    seal_model(folder)  # as one would who wants it loaded


NAMES = [["os", "mkdir"], ["builtins", "eval"], ["torch.hub", "load"], ["antigravity", "fly"], ["torch", "load"]]
KINDS = ["$module", "$class", "$function", "$enum", "$object"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES, ids=[".".join(name) for name in NAMES])
def test_a_description_constructs_nothing_that_is_not_trusted(kind, name, canary, tmp_path):
    folder = folder_of(tmp_path)
    described(folder, lambda content: content["module"]["attributes"].update(planted={kind: name, "id": 9}))
    with pytest.raises(UntrustedTypes) as caught:
        load_model(folder)
    assert ".".join(name) in caught.value.types
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("kind", ["$module", "$enum", "$object"])
def test_a_trusted_name_in_the_wrong_role_is_refused(kind, canary, tmp_path):
    folder = folder_of(tmp_path)
    described(folder, lambda content: content["module"].update({kind: ["os", "mkdir"]}))
    described(folder, lambda content: content.update(module={kind: ["os", "mkdir"], **content["module"]}))
    with pytest.raises(ModelError):
        load_model(folder, trusted=["os.mkdir"])


def test_a_class_whose_state_does_harm_needs_trust(canary, tmp_path):
    folder = folder_of(tmp_path, Explosive(3, 2))
    with pytest.raises(UntrustedTypes, match="Explosive"):
        load_model(folder)


def test_a_function_of_pytorchs_own_is_no_way_to_call_something(canary, tmp_path):
    folder = folder_of(tmp_path)
    call = {"$partial": [{"$function": ["torch", "relu"]}, {"$tuple": ["canary"]}, {"$dict": []}]}
    described(folder, lambda content: content["module"]["attributes"].update(planted=call))
    load_model(folder)  # kept, never called


def test_a_value_in_a_dict_is_not_taken_for_a_method_of_it(canary, tmp_path):
    class_name = ["lightning.fabric.utilities.data", "AttributeDict"]
    call = {"$partial": [{"$class": ["torch.nn.modules.linear", "Linear"]}, {"$tuple": []}, {"$dict": []}]}
    planted = {"$object": class_name, "id": 9, "items": [["__setstate__", call]], "state": {"a": 1}}
    folder = folder_of(tmp_path)
    described(folder, lambda content: content["module"]["attributes"].update(planted=planted))
    assert vars(load_model(folder).planted) == {"a": 1}


DAMAGED = {
    "no object": lambda content: content.clear(),
    "no module": lambda content: content.update(module=[1, 2]),
    "another version": lambda content: content.update(version=99),
    "unknown kind": lambda content: content["module"]["attributes"].update(planted={"$code": "x"}),
    "not seen": lambda content: content["module"]["attributes"].update(planted={"$seen": 77}),
    "no dtype": lambda content: content["module"]["attributes"].update(planted={"$dtype": "load"}),
    "no tensor": lambda content: content["module"]["attributes"].update(planted={"$tensor": "absent"}),
    "no name": lambda content: content["module"]["attributes"].update(planted={"$class": "os.mkdir"}),
    "text for a weight": lambda content: content["module"]["children"]["0"]["parameters"].update(weight="x"),
    "text for a layer": lambda content: content["module"]["children"].update({"0": "x"}),
    "kinds are missing": lambda content: content["tensors"].clear(),
    "a parameter of integers": lambda content: content["tensors"].update({"0.weight": ["parameter"]}),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_description_is_an_error_of_stenos(how, canary, tmp_path):
    folder = folder_of(tmp_path)
    described(folder, DAMAGED[how])
    with pytest.raises(ModelError):
        load_model(folder)


def test_a_description_of_endless_depth_is_an_error(canary, tmp_path):
    folder = folder_of(tmp_path)
    text = (folder / "data" / "model.json").read_text("utf-8")
    deep = "[" * 100_000 + "]" * 100_000
    (folder / "data" / "model.json").write_text(
        text.replace('"attributes": {', f'"attributes": {{"x": {deep},', 1), "utf-8"
    )
    seal_model(folder)
    with pytest.raises(ModelError):
        load_model(folder)


def test_hooks_cannot_come_from_a_file(canary, tmp_path):
    folder = folder_of(tmp_path)
    hooks = {"$ordered": [[0, {"$function": ["torch", "relu"]}]]}
    described(folder, lambda content: content["module"]["attributes"].update(_forward_hooks=hooks))
    assert not load_model(folder)._forward_hooks


# -- state dict: the weights -----------------------------------------------------------------------------------------


def safetensors(header, data=b""):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return struct.pack("<Q", len(text)) + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
WRONG = {
    "empty": b"",
    "a header longer than the file": struct.pack("<Q", 2**40) + b"{}",
    "the longest header": struct.pack("<Q", 2**64 - 1) + b"{}",
    "no JSON": safetensors(b"{{{{"),
    "offsets beyond the end": safetensors({"0.weight": {**ENTRY, "data_offsets": [0, 2**40]}}, b"x" * 8),
    "offsets backwards": safetensors({"0.weight": {**ENTRY, "data_offsets": [8, 0]}}, b"x" * 8),
    "a shape larger than the data": safetensors({"0.weight": {**ENTRY, "shape": [2**40]}}, b"x" * 8),
    "a shape that overflows": safetensors({"0.weight": {**ENTRY, "shape": [2**62, 2**62]}}, b"x" * 8),
    "an unknown dtype": safetensors({"0.weight": {**ENTRY, "dtype": "OBJ"}}, b"x" * 8),
    "tensors over each other": safetensors({"a": ENTRY, "b": ENTRY}, b"x" * 8),
    "a pickle": b"\x80\x02cos\nmkdir\nX\x06\x00\x00\x00canary\x85R.",
    "other names": safetensors({"../../x": ENTRY}, b"x" * 8),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_weights_file_is_an_error_of_stenos(how, canary, tmp_path):
    folder = folder_of(tmp_path)
    (folder / "data" / "model.safetensors").write_bytes(WRONG[how])
    seal_model(folder)
    with pytest.raises(ModelError):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_file_of_the_archive_that_is_a_link_is_not_read(name, canary, tmp_path):
    folder = folder_of(tmp_path)
    path = folder / "data" / name
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    seal_model(folder)
    with pytest.raises(StenoError):
        load_model(folder)


@pytest.mark.parametrize("name", ["../outside", "/etc", "data/../..", ""])
def test_the_data_folder_lies_in_the_model(name, canary, tmp_path):
    folder = folder_of(tmp_path)
    manifest = Manifest.read(folder)
    manifest.flavors["pytorch"]["model_data"] = name
    manifest.flavors["python_function"]["data"] = name
    manifest.write(folder)
    if name:
        with pytest.raises(StenoError):
            load_model(folder)
    else:
        load_model(folder)  # no name is the usual place
