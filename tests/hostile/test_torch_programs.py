"""Pickles and exported programs made by someone who means harm: nothing of theirs runs, and its names are told."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from steno.errors import ModelError, UntrustedTypes
from steno.models import Manifest, load_model, save_model, seal_model, untrusted_types
from steno_torch import archive_program
from steno_torch.archive_export import WRITES
from torch import nn

pytestmark = pytest.mark.skipif(not WRITES, reason="exported programs are kept with PyTorch 2.8 and later")


class Bomb:
    """Makes a folder when a pickle of it is executed."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return (os.mkdir, (self.place,))


@pytest.fixture
def canary(tmp_path):
    """The folder that every attack tries to make; tests run in `tmp_path`."""
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


def folder_of(form, tmp_path):
    example = {"input_example": torch.ones(2, 3)} if form == "export" else {}
    module = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    save_model(module, tmp_path / "model", flavor="pytorch", serialization_format=form, **example)
    return tmp_path / "model"


def test_the_attacks_would_succeed_with_pytorchs_own_loaders(program, tmp_path):
    torch.load(io.BytesIO(archive(BOMB)), weights_only=False)
    Path("canary").rmdir()
    for how in ("an expression that calls", "a pickled weight"):
        with suppress(Exception):  # it notices, too late
            torch.export.load(io.BytesIO(changed(program, PROGRAMS[how])))
        Path("canary").rmdir()


# -- pickles ---------------------------------------------------------------------------------------------------------


def archive(content, **files):
    """A file as `torch.save` writes it, with another pickle inside."""
    buffer = io.BytesIO()
    torch.save({}, buffer)
    with zipfile.ZipFile(buffer) as given:
        kept = {info.filename: given.read(info) for info in given.infolist()}
    top = next(iter(kept)).partition("/")[0]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as new:
        for name, old in kept.items():
            new.writestr(name, content if name.endswith("data.pkl") else old)
        for name, more in files.items():
            new.writestr(f"{top}/{name.replace('__', '.')}", more)
    return made.getvalue()


BOMB = pickle.dumps(Bomb("canary"), 2)
PICKLES = {
    "in the archive": archive(BOMB),
    "twice in the archive": archive(pickle.dumps({}, 2)) + archive(BOMB),
    "with a trusted class": archive(pickle.dumps([nn.Linear, Bomb("canary")], 2)),
    "plain": BOMB,
    "plain, as old versions wrote it": pickle.dumps(0x1950A86A20F9469CFC6C, 2) + BOMB,
    "by a name that is computed": archive(b"\x80\x04\x8c\x02os\x94\x8c\x05mkdir\x94h\x00h\x01\x93\x8c\x06canary\x85R."),
    "through getattr": archive(b"cbuiltins\ngetattr\n(ctorch\nhub\nVload\ntR."),
    "an id that is a bomb": archive(b"\x80\x02" + BOMB[2:-1] + b"Q."),
    "empty": b"",
    "not an archive": b"PK\x03\x04" + b"x" * 100,
    "a program of TorchScript": archive(pickle.dumps({}, 2), constants__pkl=BOMB),
}


@pytest.mark.parametrize("how", PICKLES)
def test_a_pickle_runs_nothing(how, canary, tmp_path):
    folder = folder_of("pickle", tmp_path)
    (folder / "data" / "model.pth").write_bytes(PICKLES[how])
    seal_model(folder)
    with pytest.raises(ModelError):
        load_model(folder)
    for name in ("collections.OrderedDict", "torch.nn.modules.linear.Linear"):
        with pytest.raises(ModelError):
            load_model(folder, trusted=[name])


def test_a_pickle_cannot_change_a_function_it_may_name(canary, tmp_path):
    folder = folder_of("pickle", tmp_path)
    relu = torch.nn.functional.relu
    before = (relu.__defaults__, relu.__name__, dict(vars(relu)))
    # Sets attributes as those of an object with slots.
    state = pickle.dumps((None, {"__defaults__": (True,), "__name__": "x", "planted": 1}), 2)[2:-1]
    (folder / "data" / "model.pth").write_bytes(archive(b"\x80\x02ctorch.nn.functional\nrelu\n" + state + b"b."))
    seal_model(folder)
    assert load_model(folder) is relu
    assert (relu.__defaults__, relu.__name__, dict(vars(relu))) == before


def test_the_pickles_imports_are_named_ready_to_paste(canary, tmp_path):
    folder = folder_of("pickle", tmp_path)
    (folder / "data" / "model.pth").write_bytes(archive(BOMB))
    seal_model(folder)
    assert untrusted_types(folder) == ["posix.mkdir"]


def test_the_module_that_a_pickles_note_names_is_not_imported(canary, tmp_path):
    folder = folder_of("pickle", tmp_path)
    (folder / "data" / "pickle_module_info.txt").write_text("antigravity", "utf-8")
    seal_model(folder)
    load_model(folder)
    assert "antigravity" not in sys.modules


# -- exported programs -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The bytes of a program that steno wrote."""
    folder = tmp_path_factory.mktemp("program")
    return (folder_of("export", folder) / "data" / "model.pt2").read_bytes()


def entries(content):
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        return {info.filename: given.read(info) for info in given.infolist()}


def zipped(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as new:
        for name, content in files.items():
            new.writestr(name, content)
    return made.getvalue()


def changed(content, change):
    """The program with its JSON, its other files, or both changed."""
    files = entries(content)
    top = next(iter(files)).partition("/")[0]
    model = json.loads(files[f"{top}/models/model.json"])
    change(model, files, top)
    files[f"{top}/models/model.json"] = json.dumps(model).encode()
    return zipped(files)


def graph(model):
    return model["graph_module"]["graph"]


def spec(model, text):
    model["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = text


def symbol(model):
    """The text of the first expression for a size that may differ."""
    sizes = graph(model)["tensor_values"]["input"]["sizes"]
    return sizes[0]["as_expr"]


def pickled_weight(model, files, top):
    name = f"{top}/data/weights/model_weights_config.json"
    config = json.loads(files[name])
    first = next(iter(config["config"].values()))
    first["use_pickle"] = True
    files[name] = json.dumps(config)
    files[f"{top}/data/weights/{first['path_name']}"] = archive(BOMB)


PROGRAMS = {
    "an expression that calls": lambda m, f, t: symbol(m).update(expr_str="__import__('os').mkdir('canary')"),
    "an expression with an attribute": lambda m, f, t: symbol(m).update(expr_str="Symbol('s0').func.mro()"),
    "an expression with text": lambda m, f, t: symbol(m).update(expr_str="Symbol('os.mkdir')"),
    "a power without end": lambda m, f, t: symbol(m).update(expr_str="Pow(Integer(9), Integer(999999999999))"),
    "a guard": lambda m, f, t: m.update(guards_code=["__import__('os').mkdir('canary')"]),
    "a guard that is looked up": lambda m, f, t: m.update(guards_code=["L['x'].__class__"]),
    "a guard without end": lambda m, f, t: m.update(guards_code=["9**9**9**9 == 0"]),
    "metadata": lambda m, f, t: graph(m)["nodes"][0]["metadata"].update(custom="x"),
    "a name that is code": lambda m, f, t: graph(m)["nodes"][0].update(name="x = __import__('os').mkdir('canary')"),
    "an argument that is code": lambda m, f, t: m["graph_module"]["module_call_graph"][0]["signature"].update(
        forward_arg_names=["x=__import__('os').mkdir('canary')"]
    ),
    "a container that imports": lambda m, f, t: spec(
        m,
        '[1, {"type": "builtins.dict", "context": "[{\\"__enum__\\": true, \\"fqn\\": \\"antigravity:x\\", '
        '\\"name\\": \\"y\\"}]", "children_spec": []}]',
    ),
    "a container of a factory": lambda m, f, t: spec(
        m, '[1, {"type": "collections.defaultdict", "context": "[]", "children_spec": []}]'
    ),
    "a pickled weight": pickled_weight,
    "a pickled sample": lambda m, f, t: f.update({f"{t}/data/sample_inputs/model.pt": archive(BOMB)}),
    "a plain pickle for a sample": lambda m, f, t: f.update({f"{t}/data/sample_inputs/model.pt": BOMB}),
    "a library": lambda m, f, t: f.update({f"{t}/data/aotinductor/model/x.so": b"\x7fELF"}),
    "an object": lambda m, f, t: f.update({f"{t}/data/constants/custom_obj_0": BOMB}),
    "the older format": lambda m, f, t: f.update({"version": b"1.0", "serialized_state_dict.pt": archive(BOMB)}),
    "no program": lambda m, f, t: m.clear() or f.pop(f"{t}/data/sample_inputs/model.pt"),
}


@pytest.mark.parametrize("how", PROGRAMS)
def test_a_program_that_is_more_than_a_graph_has_to_be_trusted_as_a_whole(how, program, canary, tmp_path):
    folder = folder_of("state_dict", tmp_path)
    hostile_program(folder, changed(program, PROGRAMS[how]))
    assert untrusted_types(folder) == [archive_program.WHOLE]
    with pytest.raises(UntrustedTypes):
        load_model(folder)
    assert "antigravity" not in sys.modules


OPERATIONS = [
    "torch.ops.aten.from_file.default",
    "torch.hub.load",
    "torch.serialization.os.mkdir",
    "_operator.methodcaller",
    "_operator.attrgetter",
    "torch.ops.aten.__class__.default",
    "torch.ops.mine.anything.default",
    "#registered:anything",
]


@pytest.mark.parametrize("target", OPERATIONS)
def test_an_operation_that_is_not_pytorchs_own_is_named(target, program, canary, tmp_path):
    folder = folder_of("state_dict", tmp_path)
    hostile_program(folder, changed(program, lambda m, f, t: graph(m)["nodes"][0].update(target=target)))
    assert untrusted_types(folder) == [archive_program.WHOLE if "#" in target else target]
    with pytest.raises(UntrustedTypes):
        load_model(folder)


def test_weights_that_reach_beyond_their_bytes_are_refused(program, canary, tmp_path):
    def reach(model, files, top):
        name = f"{top}/data/weights/model_weights_config.json"
        config = json.loads(files[name])
        for entry in config["config"].values():
            entry["tensor_meta"]["strides"] = [{"as_int": 2**30}] * len(entry["tensor_meta"]["sizes"])
        files[name] = json.dumps(config)

    folder = folder_of("state_dict", tmp_path)
    hostile_program(folder, changed(program, reach))
    with pytest.raises(ModelError):
        load_model(folder)


def hostile_program(folder, content):
    """Make a saved model one of an exported program with these bytes."""
    manifest = Manifest.read(folder)
    manifest.flavors["pytorch"]["serialization_format"] = "export"
    manifest.write(folder)
    (folder / "data" / "model.pt2").write_bytes(content)
    seal_model(folder)


def test_the_program_itself_loads_without_a_question(program, tmp_path):
    folder = folder_of("state_dict", tmp_path)
    hostile_program(folder, program)
    assert load_model(folder)(torch.ones(5, 3)).shape == (5, 2)
    hostile_program(folder, changed(program, lambda m, f, t: None))
    assert load_model(folder)(torch.ones(5, 3)).shape == (5, 2)
