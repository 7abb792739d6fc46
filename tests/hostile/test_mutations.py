"""Bytes changed at random in any file of any flavor: sealed, the damage is told; unsealed, it is an error or a model.

Loading and predicting happen in processes of their own, for what is looked for first of all is a process that dies.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from steno.errors import DamagedModel
from steno.models import load_model, load_pyfunc, seal_model, untrusted_types

FILES = {
    "sklearn": ["model.skops"],
    "xgboost": ["model.ubj"],
    "lightgbm": ["model.lgb"],
    "catboost": ["model.cb"],
    "pytorch": ["data/model.safetensors", "data/model.json"],
    "keras": ["data/model.keras"],
    "python": ["python_model.pkl"],
}
EACH = {"keras": 15}
FOLLOW = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
root, name, file = sys.argv[1:4]
sys.path.append(root)  # a model's class is one of the tests'
if name in ("lightgbm", "catboost"):
    from importlib import import_module
    from steno.plugins import plugins
    sys.path.append(str(Path(root) / "plugins" / f"steno-{name}"))
    plugins().flavors.find_one(name) or plugins().register(import_module(f"steno_{name}"), name)
import numpy as np
from steno.errors import StenoError
from steno.models import load_pyfunc, untrusted_types
from steno.models import load_model
seen = []
def hook(event, arguments):
    if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect"):
        seen.append(event)
    if event == "pickle.find_class" and not arguments[0].endswith((".folders", "mlflow.pyfunc.model")):
        seen.append(str(arguments))
X = np.random.default_rng(0).normal(size=(40, 4))
folder, told = Path("model"), {"errors": 0, "same": 0, "other": 0}
trusted = untrusted_types(folder)
expected = np.asarray(load_pyfunc(folder, trusted=trusted).predict(X))
sys.addaudithook(hook)
for change in sorted(Path("changed").iterdir()):
    os.replace(change, folder / file)
    try:
        model = load_pyfunc(folder, trusted=trusted, suppress_warnings=True)
    except StenoError:
        told["errors"] += 1
        continue
    try:
        found = model.predict(X)
    except Exception:  # another model, which has other inputs or lacks a part
        told["errors"] += 1
    else:
        same = np.shape(found) == expected.shape and np.array_equal(found, expected)
        told["same" if same else "other"] += 1
print(json.dumps({**told, "seen": sorted(set(seen))[:5]}))
"""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, taken out, put in or moved, or the end cut off."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 3, 8])):
        at, way = chance.randrange(len(changed)), chance.random()
        if way < 0.5:
            changed[at] ^= 1 << chance.randrange(8)
        elif way < 0.7:
            changed[at : at + chance.choice([1, 2, 4, 8])] = chance.choice(
                [b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"]
            )
        elif way < 0.8:
            del changed[at : at + chance.randrange(1, 20)]
        elif way < 0.9:
            start = chance.randrange(len(changed))
            changed[at:at] = changed[start : start + chance.randrange(1, 20)]
        else:
            del changed[max(at, 1) :]
        if not changed:
            break
    return bytes(changed)


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in FILES.items() for file in files])
def test_a_changed_file_is_told_where_there_is_a_seal(name, file, models, tmp_path):
    folder = Path(shutil.copytree(models / name, tmp_path / "model"))
    seal_model(folder)
    data, chance = (folder / file).read_bytes(), random.Random(3)
    for _ in range(20):
        changed = mutated(data, chance)
        if changed != data:
            (folder / file).write_bytes(changed)
            for enter in (load_model, load_pyfunc, untrusted_types):
                with pytest.raises(DamagedModel) as caught:
                    enter(folder)
                assert file in caught.value.files[0]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in FILES.items() for file in files])
def test_without_a_seal_a_changed_file_is_an_error_or_a_model(name, file, models, root, tmp_path):
    folder = Path(shutil.copytree(models / name, tmp_path / "model"))
    data, chance = (folder / file).read_bytes(), random.Random(11)
    (tmp_path / "changed").mkdir()
    count = EACH.get(name, 60)
    for number in range(count):
        (tmp_path / "changed" / f"{number:04}").write_bytes(mutated(data, chance))
    command = [sys.executable, "-W", "ignore", "-c", FOLLOW, str(root), name, file]
    environ = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", "PATH": "", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, env=environ, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    assert told.pop("seen") == []
    assert sum(told.values()) == count
    assert told["errors"] > 0, told
    if name in ("sklearn", "keras"):  # an archive has a checksum of each file in it
        assert told["other"] == 0, told
