"""An MLmodel file by a stranger: it is data, bounded, and whatever it says is a model or one clear error."""

from __future__ import annotations

import copy
import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
import steno
import yaml
from steno.errors import ModelError, StenoError, UnsafePath
from steno.models import load_model, load_pyfunc, seal_model, untrusted_types
from steno.models.manifest import dump_yaml, load_yaml

from .conftest import told
from .disguises import CANARY
from .doors import loaders, lookers
from .folders import X, change, copied

TAGS = {
    "apply": "!!python/object/apply:os.mkdir [canary]",
    "apply with a map": "!!python/object/apply:os.mkdir {args: [canary]}",
    "new": "!!python/object/new:os.mkdir [canary]",
    "an object": "!!python/object:subprocess.Popen {args: [mkdir, canary]}",
    "a name": "!!python/name:os.mkdir",
    "a module": "!!python/module:antigravity",
    "a tuple": "!!python/tuple [1]",
    "a tag of its own": "!os.mkdir canary",
    "a tag written out": "!<tag:yaml.org,2002:python/object/apply:os.mkdir> [canary]",
    "in a key": "{!!python/object/apply:os.mkdir [canary] : 1}",
    "behind a merge": "{<<: !!python/object/apply:os.mkdir [canary]}",
}


@pytest.mark.parametrize("what", TAGS)
@pytest.mark.parametrize("file", ["MLmodel", "conda.yaml", "python_env.yaml"])
def test_a_tag_constructs_nothing(file, what, models, tracking, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    text = (folder / file).read_text("utf-8")
    (folder / file).write_text(f"{text}\nmetadata: {TAGS[what]}\n", "utf-8")
    doors = {**loaders("sklearn"), **lookers(tmp_path), "register": lambda each: steno.register_model(str(each), "m")}
    with told() as events:
        for door, enter in doors.items():
            refuses = file == "MLmodel" and door != "download_artifacts"
            with pytest.raises(ModelError) if refuses else nullcontext():
                enter(folder)
    assert events == []
    assert not Path(CANARY).exists()
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("what", TAGS)
def test_a_configuration_file_constructs_nothing(what, models, tmp_path):
    (tmp_path / "config.yaml").write_text(f"a: {TAGS[what]}", "utf-8")
    with pytest.raises(ModelError, match="cannot be read as YAML"):
        steno.pyfunc.load_model(models / "sklearn", model_config=str(tmp_path / "config.yaml"))


def laughing(levels: int, merged: bool = False) -> str:
    """A few lines that stand for two to the power of `levels` values."""
    lines = ["a0: &a0 {x: 1, y: 2}" if merged else "a0: &a0 [x, x]"]
    for each in range(1, levels):
        pair = f"[*a{each - 1}, *a{each - 1}]"
        lines.append(f"a{each}: &a{each} {{<<: {pair}}}" if merged else f"a{each}: &a{each} {pair}")
    return "\n".join(lines)


BOMBS = {
    "lists without end": "[" * 200_000,
    "maps without end": "{a: " * 100_000,
    "steps without end": "\n".join(" " * each + "a:" for each in range(3000)),
    "a million lists": "[" + "[]," * 1_000_000 + "]",
    "a million keys": "\n".join(f"k{each}: 1" for each in range(1_000_000)),
    "a laugh": laughing(60),
    "a laugh merged": laughing(60, merged=True),
    "a part of itself": "a: &a [*a]",
    "a key of itself": "? &a [*a]\n: 1",
    "a number of sixties": "a: " + ":".join(["59"] * 200_000),
    "a number of digits": "a: " + "9" * 100_000,
    "a number to the base of sixteen": "a: 0x" + "f" * 100_000,
    "no integer": "a: !!int ''",
    "no number": "a: !!float ''",
    "no truth": "a: !!bool x",
    "no moment": "a: !!timestamp x",
    "a day that is not": "a: 2020-13-45",
    "no end": "a: [1, 2",
    "a byte of nothing": "a: \x00",
    "an alias of nothing": "a: *a",
    "two documents": "a: 1\n---\nb: 2",
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_in_bounded_time_and_memory(what):
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(ModelError, match="the file"):
        load_yaml(BOMBS[what], "the file")
    assert time.perf_counter() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_a_model_with_a_bomb_does_not_end_the_process(models, tmp_path):
    """In a process of its own: PyYAML by itself would follow these on the stack until that overflows."""
    for name in ("lists without end", "maps without end", "a laugh"):
        folder = copied(models, "sklearn", tmp_path / name)
        (folder / "MLmodel").write_text(BOMBS[name], "utf-8")
    code = (
        "import pathlib, steno\n"
        "for folder in sorted(pathlib.Path('.').glob('*/')):\n"
        "    for enter in (steno.load_model, steno.pyfunc.load_model, steno.models.untrusted_types):\n"
        "        try: enter(folder)\n"
        "        except steno.errors.ModelError as error: print(str(error)[:99].count(chr(10)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "0\n" * 9), done.stderr


def test_what_is_shared_honestly_is_read():
    assert load_yaml("a: &a [1, 2]\nb: *a\nc: {<<: &m {x: 1}, y: 2}\nd: *m", "it")["c"] == {"x": 1, "y": 2}
    assert len(load_yaml(dump_yaml({"f": {str(i): {"bytes": 1} for i in range(5_000)}}), "it")["f"]) == 5_000


ODD = [None, True, 5, -1.5, "", "x", "..", "/etc/passwd", "os.system", "MLmodel", [], [1], {}, {"a": {}}, "a" * 5000]
ODD += [{5: [{}]}, "[[", '{"a": 1}', '[{"type": "x"}]', "\0", b"\xff", "cuda:99", "[" * 2000]
ADDED = ["code", "config", "model_config", "predict_fn", "data", "model_data", "env", "artifacts", "model_class"]


def _places(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if way:
        yield way
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield from _places(tree[key], (*way, key))


def _put(tree: Any, way: tuple[Any, ...], value: Any) -> Any:
    tree = copy.deepcopy(tree)
    here = tree
    for step in way[:-1]:
        here = here[step]
    here[way[-1]] = value
    return tree


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["sklearn", "xgboost", "lightgbm", "catboost", "pytorch", "keras", "python"])
def test_whatever_an_mlmodel_file_says_is_a_model_or_an_error_of_stenos(model, models, tmp_path):
    chance, folder = random.Random(5), copied(models, model, tmp_path / "model")
    sound = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    trusted = untrusted_types(folder)
    places = list(_places(sound)) + [("flavors", name, key) for name in sound["flavors"] for key in ADDED]
    passed = 0
    for _ in range(15 if model == "keras" else 70):  # Keras takes a while to load one
        way, odd = chance.choice(places), chance.choice(ODD)
        (folder / "MLmodel").write_text(dump_yaml(_put(sound, way, odd)), "utf-8")
        with told() as events, suppress(StenoError):
            found = load_pyfunc(folder, trusted=trusted, suppress_warnings=True)
            assert found.metadata is not None
            _ = repr(found), found.input_example
            found.predict(X[:2])
            passed += 1
        assert {each for each in events if each[0] != "pickle.find_class"} == set()
    assert passed


@pytest.mark.parametrize("kind", ["a link", "a pipe", "a folder", "a link to nothing"])
def test_an_mlmodel_that_is_no_file_is_refused(kind, models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    text = (folder / "MLmodel").read_text("utf-8")
    (folder / "MLmodel").unlink()
    (tmp_path / "elsewhere").write_text(text, "utf-8")
    if kind == "a pipe":
        import os

        os.mkfifo(folder / "MLmodel")
    elif kind == "a folder":
        (folder / "MLmodel").mkdir()
    else:
        (folder / "MLmodel").symlink_to(tmp_path / ("elsewhere" if kind == "a link" else "nothing"))
    for enter in loaders("sklearn").values():
        with pytest.raises((ModelError, UnsafePath)):
            enter(folder)


@pytest.mark.parametrize("deep", [99, 100_000])
def test_a_signature_nested_without_end_is_an_error(deep, models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    inner = '{"type": "array", "items": ' * deep + '{"type": "long"}' + "}" * deep
    change(folder, lambda content: content["signature"].update(inputs=f'[{inner[:-1]}, "name": "a"}}]'))
    with pytest.raises(StenoError):
        load_pyfunc(folder).predict(X)


REQUIREMENTS = "--find-links nowhere\n-e git+file:nowhere\n$(mkdir canary)\n`mkdir canary`\n;mkdir canary\n"


def test_lines_of_requirements_are_text(models, tracking, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    (folder / "requirements.txt").write_text(REQUIREMENTS + "a" * 100_000 + "==1\n" + "\0==1\n../x==1\n", "utf-8")
    (folder / "conda.yaml").write_text("dependencies: [{pip: ['$(mkdir canary)']}]", "utf-8")
    with told() as events:
        for enter in (*loaders("sklearn").values(), *lookers(tmp_path).values()):
            enter(folder)
        steno.register_model(str(folder), "m")
    assert events == []
    assert Path(steno.pyfunc.get_model_dependencies(folder)).read_text("utf-8").startswith(REQUIREMENTS)


def test_a_seal_is_as_bounded_as_the_rest(models, tmp_path):
    folder = copied(models, "sklearn", tmp_path / "model")
    seal_model(folder)
    told_of = {f"x{each}": {"bytes": 1, "sha256": "0" * 64} for each in range(8_000)}
    change(folder, lambda content: content["file_digests"].update(told_of))
    start = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert time.perf_counter() - start < 20
    assert len(str(caught.value)) < 1000
    assert json.dumps(str(caught.value))
    shutil.rmtree(folder)
