"""Whatever happens to a file of a PyTorch model: it loads, or the error is one of steno's, and nothing else is run."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno.errors import StenoError
from steno.models import load_model, save_model, seal_model, untrusted_types
from steno_torch import archive_program
from steno_torch.archive_export import WRITES
from torch import nn

quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 99)
    | st.text(max_size=8)
    | st.sampled_from(["$module", "0.weight", "os"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$module", "$tensor", "$seen", "$dict", "id", "0", "name"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("damage") / "model"
    save_model(nn.Sequential(nn.Linear(3, 2), nn.LSTM(2, 2), nn.ModuleDict({"a": nn.BatchNorm1d(2)})), place)
    return place


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if not WRITES:
        pytest.skip("exported programs are kept with PyTorch 2.8 and later")
    place = tmp_path_factory.mktemp("program") / "model"
    example = torch.ones(2, 3)
    save_model(nn.Linear(3, 2), place, flavor="pytorch", serialization_format="export", input_example=example)
    return (place / "data" / "model.pt2").read_bytes()


def places(tree, path=()):
    """The way to every value in a tree."""
    yield path
    if isinstance(tree, dict):
        for key, each in tree.items():
            yield from places(each, (*path, key))
    elif isinstance(tree, list):
        for index, each in enumerate(tree):
            yield from places(each, (*path, index))


def put(tree, path, value):
    if not path:
        return value
    here = tree
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return tree


@quick
@given(data=st.data())
def test_any_change_to_a_description_loads_or_is_refused(folder, data):
    path = folder / "data" / "model.json"
    text = path.read_text("utf-8")
    tree = json.loads(text)
    changed = put(tree, data.draw(st.sampled_from(list(places(tree)))), data.draw(values))
    try:
        path.write_text(json.dumps(changed), "utf-8")
        seal_model(folder)
        load_model(folder)
    except StenoError:
        pass
    finally:
        path.write_text(text, "utf-8")
        seal_model(folder)


@quick
@given(data=st.data())
def test_any_change_to_the_weights_loads_or_is_refused(folder, data):
    path = folder / "data" / "model.safetensors"
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = content[:at] + data.draw(st.binary(max_size=8)) + content[at + data.draw(st.integers(0, 8)) :]
    try:
        path.write_bytes(changed)
        seal_model(folder)
        load_model(folder)
    except StenoError:
        pass
    finally:
        path.write_bytes(content)
        seal_model(folder)


@quick
@given(data=st.data())
def test_any_text_in_a_program_that_is_no_plain_word_needs_trust(program, data):
    with zipfile.ZipFile(io.BytesIO(program)) as given_files:
        files = {info.filename: given_files.read(info) for info in given_files.infolist()}
    name = next(each for each in files if each.endswith("models/model.json"))
    tree = json.loads(files[name])
    free = ("as_string", "as_strings")
    ways = [way for way in places(tree) if way and not set(free) & set(way)]
    code = data.draw(
        st.sampled_from(["f()", "a;b", "__import__('os')", "x\ny", "a b", "x=1", "/tmp/x", "é", "a[0]()", "`"])
    )
    files[name] = json.dumps(put(tree, data.draw(st.sampled_from(ways)), code)).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as new:
        for each, content in files.items():
            new.writestr(each, content)
    assert archive_program.untrusted(made.getvalue(), "it") == {archive_program.WHOLE}


def test_the_files_themselves_are_sound(folder, program):
    assert untrusted_types(folder) == []
    assert archive_program.untrusted(program, "it") == frozenset()
