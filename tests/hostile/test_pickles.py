"""Pickles of unknown origin: their imports are told without running them, or they are refused."""

from __future__ import annotations

import contextlib
import copyreg
import datetime
import io
import os
import pickle
import struct
from collections import OrderedDict

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from steno.errors import ModelError, UntrustedTypes
from steno.models import pickles

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def text(value):
    raw = value.encode()
    return pickle.SHORT_BINUNICODE + bytes([len(raw)]) + raw


def program(*parts):
    return pickle.PROTO + b"\x04" + b"".join(parts) + pickle.STOP


def call(module, name, argument):
    """Opcodes that call module.name(argument), leaving the result on the stack."""
    return text(module) + text(name) + pickle.STACK_GLOBAL + text(argument) + pickle.TUPLE1 + pickle.REDUCE


def touching(canary):
    return call("os", "mkdir", str(canary))


class Spy(pickle.Unpickler):
    """The real machine, to learn what it imports."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.names = set()

    def find_class(self, module, name):
        self.names.add(f"{module}.{name}")
        return super().find_class(module, name)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.sampled_from([OrderedDict, len, datetime.datetime]),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.frozensets(st.integers())
        | st.dictionaries(st.integers(), inner).map(OrderedDict)
    ),
    max_leaves=12,
)


@given(plain, st.sampled_from(PROTOCOLS))
def test_reading_tells_exactly_what_the_machine_imports(value, protocol):
    data = pickle.dumps(value, protocol)
    spy = Spy(data)
    assert spy.load() == value
    assert pickles.imports(data, "it") == spy.names
    assert pickles.loads(data, spy.names, "it") == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_loads_with_its_imports_named_and_not_without(protocol):
    model = LinearRegression().fit(np.eye(3), [1.0, 2.0, 3.0])
    data = pickle.dumps(model, protocol)
    with pytest.raises(UntrustedTypes) as caught:
        pickles.loads(data, (), "it")
    assert "sklearn.linear_model._base.LinearRegression" in caught.value.types
    np.testing.assert_array_equal(pickles.loads(data, caught.value.types, "it").coef_, model.coef_)


def test_a_function_by_value_needs_cloudpickles_builders_named():
    data = cloudpickle.dumps(lambda value: value)
    assert "cloudpickle.cloudpickle._make_function" in pickles.imports(data, "it")


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda op: program(op), id="plain"),
        pytest.param(lambda op: program(op, pickle.POP, pickle.NONE), id="result thrown away"),
        pytest.param(lambda op: program(pickle.MARK, op, pickle.POP_MARK, pickle.NONE), id="result dropped to a mark"),
        pytest.param(lambda op: program(text("decoy"), op, pickle.TUPLE2), id="beside a decoy"),
        pytest.param(lambda op: program(pickle.MARK, pickle.MARK, pickle.POP, op, pickle.LIST), id="a mark popped"),
        pytest.param(lambda op: program(op) + program(pickle.NONE), id="a second pickle behind"),
    ],
)
def test_a_call_is_seen_wherever_it_hides(wrap, tmp_path):
    canary = tmp_path / "canary"
    with pytest.raises(UntrustedTypes) as caught:
        pickles.loads(wrap(touching(canary)), ["builtins.list"], "it")
    assert caught.value.types == ("os.mkdir",)
    assert not canary.exists()


def test_names_fetched_from_the_memo_are_seen(tmp_path):
    canary = tmp_path / "canary"
    data = program(
        text("os") + pickle.BINPUT + b"\x07" + pickle.POP,
        text("mkdir") + pickle.LONG_BINPUT + struct.pack("<I", 9) + pickle.POP,
        pickle.BINGET + b"\x07" + pickle.LONG_BINGET + struct.pack("<I", 9) + pickle.STACK_GLOBAL,
        text(str(canary)) + pickle.TUPLE1 + pickle.REDUCE,
    )
    assert pickles.imports(data, "it") == {"os.mkdir"}
    with pytest.raises(UntrustedTypes):
        pickles.loads(data, (), "it")
    assert not canary.exists()


def test_a_memo_entry_that_was_overwritten_shows_its_last_value():
    data = program(
        text("math") + pickle.BINPUT + b"\x00" + pickle.POP,
        text("os") + pickle.BINPUT + b"\x00" + pickle.POP,
        pickle.BINGET + b"\x00" + text("mkdir") + pickle.STACK_GLOBAL,
    )
    assert pickles.imports(data, "it") == {"os.mkdir"}


def test_memoize_counts_as_the_machine_counts():
    data = program(
        text("math") + pickle.BINPUT + b"\x01" + pickle.POP,  # entry 1, so the next MEMOIZE writes entry 1 again
        text("os") + pickle.MEMOIZE + pickle.POP,
        pickle.BINGET + b"\x01" + text("mkdir") + pickle.STACK_GLOBAL,
    )
    spy = Spy(data)
    spy.load()
    assert pickles.imports(data, "it") == spy.names


def test_a_name_that_is_computed_is_refused_even_if_its_parts_are_trusted(tmp_path):
    canary = tmp_path / "canary"
    computed = text("os") + call("builtins", "str", "mkdir") + pickle.STACK_GLOBAL
    data = program(computed, text(str(canary)) + pickle.TUPLE1 + pickle.REDUCE)
    with pytest.raises(ModelError, match="a name that it computes"):
        pickles.loads(data, ["builtins.str", "os.mkdir"], "it")
    assert not canary.exists()


def test_the_second_door_holds_alone(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    monkeypatch.setattr(pickles, "imports", lambda data, where: frozenset())
    with pytest.raises(UntrustedTypes, match=r"os\.mkdir"):
        pickles.loads(program(touching(canary)), (), "it")
    assert not canary.exists()


def test_a_dotted_name_does_not_reach_through_a_trusted_one(tmp_path):
    canary = tmp_path / "canary"
    data = program(call("pathlib", "Path.mkdir", str(canary)))
    with pytest.raises(UntrustedTypes, match=r"pathlib\.Path\.mkdir"):
        pickles.loads(data, ["pathlib.Path"], "it")
    assert not canary.exists()


@pytest.mark.parametrize("module", ["__builtin__", "posix", "os"])
def test_old_opcodes_that_import_by_themselves_are_seen(module, tmp_path):
    canary = tmp_path / "canary"
    name = "eval" if module == "__builtin__" else "mkdir"
    argument = f"__import__('os').mkdir({str(canary)!r})" if name == "eval" else str(canary)
    quoted = repr(argument).encode()
    for data in (
        f"c{module}\n{name}\n".encode() + b"(S" + quoted + b"\ntR.",
        b"(S" + quoted + b"\n" + f"i{module}\n{name}\n.".encode(),
        f"(c{module}\n{name}\n".encode() + b"S" + quoted + b"\no.",
    ):
        with pytest.raises(UntrustedTypes) as caught:
            pickles.loads(data, (), "it")
        assert caught.value.types == (f"{module}.{name}",)
    assert not canary.exists()


def test_the_extension_registry_is_refused(tmp_path):
    canary = tmp_path / "canary"
    copyreg.add_extension("os", "mkdir", 250)
    try:
        pickle.loads(pickle.dumps(os.mkdir, 2))  # now cached: a machine would no longer ask for the class
        data = program(pickle.EXT1 + b"\xfa", text(str(canary)) + pickle.TUPLE1 + pickle.REDUCE)
        with pytest.raises(ModelError, match="EXT1"):
            pickles.loads(data, ["os.mkdir"], "it")
    finally:
        copyreg.remove_extension("os", "mkdir", 250)
        copyreg.clear_extension_cache()
    assert not canary.exists()


@pytest.mark.parametrize("opcode", [pickle.BINPERSID, b"Pname\n", pickle.NEXT_BUFFER])
def test_objects_from_outside_are_refused(opcode):
    with pytest.raises(ModelError, match="which no model needs"):
        pickles.loads(program(pickle.NONE, opcode), (), "it")


def test_a_memo_number_that_would_take_all_memory_is_refused():
    data = program(pickle.NONE, pickle.LONG_BINPUT + struct.pack("<I", 2**31))
    with pytest.raises(ModelError, match="more objects than it can hold"):
        pickles.loads(data, (), "it")


def test_a_key_that_holds_itself_again_and_again_is_refused_before_it_is_hashed():
    doubled = (pickle.DUP + pickle.TUPLE2) * 60  # hashing it would take longer than there is time
    data = program(pickle.EMPTY_DICT, pickle.NONE, pickle.TUPLE1, doubled, pickle.NONE, pickle.SETITEM)
    with pytest.raises(ModelError, match="more often than it has bytes"):
        pickles.loads(data, (), "it")
    honest = tuple(range(50_000))
    assert pickles.loads(pickle.dumps({honest: [honest] * 9}), (), "it") == {honest: [honest] * 9}


def test_a_pickle_inside_a_pickle_needs_the_inner_loader_named(tmp_path):
    canary = tmp_path / "canary"
    inner = program(touching(canary))
    outer = text("pickle") + text("loads") + pickle.STACK_GLOBAL
    outer += pickle.SHORT_BINBYTES + bytes([len(inner)]) + inner + pickle.TUPLE1 + pickle.REDUCE
    with pytest.raises(UntrustedTypes, match=r"pickle\.loads"):
        pickles.loads(program(outer), (), "it")
    assert not canary.exists()


def is_plain(value):
    """Whether a value is made of nothing but what needs no import, and the two types the tests admit."""
    if isinstance(value, (dict, OrderedDict)):
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(is_plain, value))
    kinds = (str, bytes, bytearray, bool, int, float, type(None), datetime.date)
    return type(value) in kinds or value in (OrderedDict, datetime.date)


@given(st.binary(max_size=60))
def test_rubbish_is_refused_and_never_executed(data):
    with contextlib.suppress(ModelError):
        assert is_plain(pickles.loads(data, (), "it"))


@given(st.data())
def test_a_damaged_pickle_imports_nothing_that_was_not_named(data):
    sound = bytearray(pickle.dumps({"a": [1, OrderedDict(b=2)], "c": datetime.date(2020, 1, 1)}))
    for _ in range(data.draw(st.integers(1, 3))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ModelError):
        assert is_plain(pickles.loads(bytes(sound), {"collections.OrderedDict", "datetime.date"}, "it"))
