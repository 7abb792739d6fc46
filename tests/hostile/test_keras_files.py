"""Files made by strangers: what they name is told by reading, and nothing of it is imported, run or written."""

from __future__ import annotations

import io
import json
import marshal
import pickle
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from steno.errors import ModelError, UntrustedTypes
from steno.models import load_model, save_model, seal_model, untrusted_types

# Keras 3.15 asks TensorFlow's variables for arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")


def net(*layers):
    """A small compiled model, the same each time; eager, for a graph takes a second to build."""
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.layers.Input((4,)), *layers, keras.layers.Dense(1, "sigmoid")])
    made.compile("adam", "binary_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return made


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The files of a sound model, by name."""
    folder = tmp_path_factory.mktemp("sound") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STENO_STRICT", "")
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            save_model(net(), folder)
    with zipfile.ZipFile(folder / "data" / "model.keras") as archive:
        return folder, {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def hostile(parts, tmp_path):
    """Make a model folder whose archive is changed, and return it."""
    import shutil

    sound, files = parts

    def make(change=None, *, archive=None, h5=None) -> Path:
        folder = tmp_path / f"model{len(list(tmp_path.iterdir()))}"
        shutil.copytree(sound, folder)
        path = folder / "data" / "model.keras"
        if h5 is not None:
            path.unlink()
            h5(folder / "data" / "model.h5")
            seal_model(folder)
            return folder
        changed = dict(files)
        if change is not None:
            config = json.loads(files["config.json"])
            change(config)
            changed["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(path, "w") as made:
            (archive or _write)(made, changed)
        seal_model(folder)  # as one would who wants it loaded
        return folder

    return make


def _write(made, files):
    for name, content in files.items():
        made.writestr(name, content)


def layer(config):
    """The configuration of the one dense layer."""
    return config["config"]["layers"][-1]


CANARY = "canary"


def _code() -> str:
    import base64

    function = compile(f"open({CANARY!r}, 'w').close()", "<hostile>", "exec")
    return base64.b64encode(marshal.dumps(function)).decode()


def node(module, name, config=None, registered=None):
    return {"module": module, "class_name": name, "config": config or {}, "registered_name": registered}


LAMBDA = {"class_name": "__lambda__", "config": {"value": {"code": _code(), "defaults": None, "closure": None}}}

NAMED = {
    "a module of Python's": (node("os", "system"), "os.system"),
    "a class of subprocess": (node("subprocess", "Popen", {"args": ["touch", CANARY]}), "subprocess.Popen"),
    "a function of Python's": (
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        "os.system",
    ),
    "a builtin": (
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
        "eval",
    ),
    "a lambda": (LAMBDA, "keras.layers.Lambda"),
    "a lambda layer": (node("keras.layers", "Lambda", {"function": LAMBDA}), "keras.layers.Lambda"),
    "a lambda layer by its source": (node("keras.src.layers.core.lambda_layer", "Lambda"), "Lambda"),
    "a saved model": (node("keras.layers", "TFSMLayer", {"filepath": "."}), "keras.layers.TFSMLayer"),
    "a pickled module": (node("keras.layers", "TorchModuleWrapper"), "keras.layers.TorchModuleWrapper"),
    "a download": (node("keras.utils", "get_file", {"origin": "http://localhost"}), "keras.utils.get_file"),
    "a loader": (node("keras.models", "load_model", {"filepath": "x"}), "keras.models.load_model"),
    "a loader as a function": (
        {"module": "keras.models", "class_name": "function", "config": "load_model", "registered_name": "load_model"},
        "keras.models.load_model",
    ),
    "a look-up": (
        {"module": "keras.layers", "class_name": "function", "config": "deserialize", "registered_name": "x"},
        "keras.layers.deserialize",
    ),
    "something inside Keras": (node("keras.src.saving.saving_lib", "load_model"), "saving_lib.load_model"),
    "a type specification": (
        {"class_name": "__typespec__", "spec_name": "system", "module": "os", "config": [], "registered_name": None},
        "os.system",
    ),
    "a known class under another name": (node("keras.layers", "Dense", {"units": 1}, "Mine>Other"), "Mine>Other"),
    "a class of nowhere": (node(None, "Stranger", None, "Stranger"), "Stranger"),
}


@pytest.mark.parametrize("what", NAMED)
@pytest.mark.parametrize("where", ["a layer", "an activation", "the compilation", "the building"])
def test_a_name_that_is_not_keras_own_is_asked_for_wherever_it_stands(what, where, hostile):
    bad, name = NAMED[what]

    def change(config):
        if where == "a layer":
            config["config"]["layers"].append(bad)
        elif where == "an activation":
            layer(config)["config"]["activation"] = bad
        elif where == "the compilation":
            config["compile_config"]["loss"] = bad
        else:
            layer(config)["build_config"] = {"input_shape": bad}

    folder = hostile(change)
    assert any(name in each for each in untrusted_types(folder))
    with pytest.raises(UntrustedTypes):
        load_model(folder)
    assert not Path(CANARY).exists()


class Registered(keras.layers.Layer):
    """A class of the user's."""


@pytest.mark.parametrize(
    "bad",
    [
        "Mine>Registered",
        node("keras.layers", "Dense", {"units": 1}, "Mine>Registered"),
        node("some.trusted", "Layer", {}, "Mine>Registered"),
        {"module": "builtins", "class_name": "function", "config": "Mine>Registered", "registered_name": "relu"},
    ],
)
def test_what_the_process_has_registered_is_asked_for_by_its_own_name(bad, hostile):
    keras.saving.register_keras_serializable("Mine", "Registered")(Registered)
    try:
        folder = hostile(lambda config: layer(config)["config"].update(activation=bad))
        assert untrusted_types(folder) == [f"{__name__}.Registered"]
        with pytest.raises(UntrustedTypes):
            load_model(folder, trusted=["some.trusted.Layer", "Mine>Registered"])
    finally:
        del keras.saving.get_custom_objects()["Mine>Registered"]


REFUSED = {
    "a vocabulary from a file": lambda config: config["config"]["layers"].append(
        node("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"})
    ),
    "a class that is no text": lambda config: layer(config).update(class_name=["Dense"]),
    "a module that is no text": lambda config: layer(config).update(module={"a": 1}),
    "a function that is no text": lambda config: layer(config).update(class_name="function", config=[1]),
    "no class at all": lambda config: config.clear(),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_configuration_that_misleads_is_refused(what, hostile):
    folder = hostile(REFUSED[what])
    with pytest.raises(ModelError):
        load_model(folder, trusted=["keras.layers.Lambda"])


def _deep(made, files):
    deep = b'{"class_name": "x", "config": ' * 50_000 + b"1" + b"}" * 50_000
    _write(made, files | {"config.json": deep})


def _twice(made, files):
    _write(made, files)
    made.writestr("config.json", b"{}")


def _link(made, files):
    _write(made, files)
    entry = zipfile.ZipInfo("assets/link")
    entry.external_attr = 0o120777 << 16
    made.writestr(entry, "/etc/passwd")


def _bomb(made, files):
    _write(made, files)
    made.writestr("assets/zeros", b"\0" * (200 << 20), zipfile.ZIP_DEFLATED)


def _with(name, content=b""):
    return lambda made, files: _write(made, files | {name: content})


def _npz(made, files):
    held = io.BytesIO()
    np.savez(held, a=np.array([print], dtype=object))
    _write(made, {name: content for name, content in files.items() if "weights" not in name})
    made.writestr("model.weights.npz", held.getvalue())


ARCHIVES = {
    "a name that climbs": _with("assets/../../canary"),
    "an absolute name": _with("/canary"),
    "a name with a backslash": _with("assets\\..\\canary"),
    "a pickle beside": _with("model.pkl", pickle.dumps(print)),
    "a configuration twice": lambda made, files: _silently(made, files),
    "a link": _link,
    "a bomb": _bomb,
    "arrays of objects": _npz,
    "a configuration without end": _deep,
    "no configuration": lambda made, files: _write(made, {k: v for k, v in files.items() if k != "config.json"}),
    "no weights": lambda made, files: _write(made, {k: v for k, v in files.items() if "weights" not in k}),
    "a configuration that is no JSON": _with("config.json", b"\x80"),
    "weights that are none": _with("model.weights.h5", b"nothing"),
}


def _silently(made, files):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _twice(made, files)


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_that_misleads_is_refused(what, hostile):
    folder = hostile(archive=ARCHIVES[what])
    with pytest.raises(ModelError):
        load_model(folder)
    assert not Path(CANARY).exists()


def _h5(change):
    def archive(made, files):
        held = io.BytesIO(files["model.weights.h5"])
        with h5py.File(held, "r+") as file:
            change(file)
        _write(made, files | {"model.weights.h5": held.getvalue()})

    return archive


def _external(file):
    file["layers/dense/vars/9"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file):
    file["layers/dense/vars/9"] = h5py.SoftLink("/layers")


def _outside(file):
    file.create_dataset("layers/dense/vars/9", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def _virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("layers/dense/vars/9", layout)


def _huge(file):
    file.create_dataset("layers/dense/vars/9", (1 << 34,), "f4", chunks=(1 << 20,), compression="gzip")


def _loop(file):
    file["layers/dense/again"] = file["layers"]


@pytest.mark.parametrize("change", [_external, _soft, _outside, _virtual, _huge, _loop])
def test_weights_that_lead_elsewhere_are_refused(change, hostile):
    folder = hostile(archive=_h5(change))
    with pytest.raises(ModelError, match="refused"):
        load_model(folder)


@pytest.mark.filterwarnings("ignore")
def test_a_file_of_the_old_format_is_read_and_its_lambda_is_asked_for(hostile):
    model = net()
    folder = hostile(h5=model.save)
    assert np.allclose(load_model(folder).predict(X, verbose=0), model.predict(X, verbose=0))
    bad = net(keras.layers.Lambda(lambda values: values))
    with pytest.raises(UntrustedTypes, match="Lambda"):
        load_model(hostile(h5=bad.save))


def test_a_saved_model_is_refused(hostile, parts):
    folder = hostile()
    (folder / "data" / "model.keras").unlink()
    (folder / "data" / "model").mkdir()
    seal_model(folder)
    with pytest.raises(ModelError, match="program"):
        load_model(folder)
