"""Tells by reading whether loading an exported program could run anything but tensor operations.

`torch.export.load` unpickles, evaluates expressions and generates code from what it reads, and its documentation says
to load only what is trusted. This admits archives in which none of that has anything to work on: tensors as raw bytes,
operations of PyTorch's own, names that are plain words, expressions of a small grammar, and no metadata. Programs that
steno writes are of this kind. Everything else is for the caller to trust as a whole, under the name of the loader.

Source: the layout is that of PyTorch's `torch/export/pt2_archive`, versions 2.8 to 2.13.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from steno.errors import ModelError

from steno_torch import archive_pickle
from steno_torch.archive_allowed import pickled

WHOLE = "torch.export.load"
_MODEL = "models/model.json"
_SAMPLES = "data/sample_inputs/model.pt"
_CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_RAW = re.compile(r"data/(weights/weight|constants/tensor)_\d+|archive_(format|version)|byteorder|version|\.data/\w+")
_WORD = re.compile(r"[\w.+-]{0,300}", re.ASCII)
_OPERATION = re.compile(r"torch\.ops\.(aten|prims)\.(?!from_file\.)(_?[a-z]\w*)\.([a-zA-Z]\w*)", re.ASCII)
_ARITHMETIC = frozenset(
    [f"_operator.{name}" for name in "add sub mul truediv floordiv mod neg eq ne lt le gt ge getitem and_ or_".split()]
    + [f"torch.sym_{name}" for name in "int float max min not ite sqrt".split()]
    + [f"math.{name}" for name in "ceil floor trunc".split()]
)
_FUNCTIONS = (
    "Add Mul Max Min Mod Integer Float Rational Symbol FloorDiv PythonMod CleanDiv CeilDiv ModularIndexing Where "
    "IntTrueDiv FloatTrueDiv ToFloat TruncToInt CeilToInt FloorToInt RoundToInt Eq Ne Equality Unequality "
    "StrictLessThan StrictGreaterThan LessThan GreaterThan And Or Not true false Identity"
)
_EXPRESSION = re.compile(
    r"(?:(?:" + "|".join(_FUNCTIONS.split()) + r")\b|'[a-z]{1,2}\d{1,6}'|-?\d{1,19}(?:\.\d{1,19})?"
    r"|(?:positive|nonnegative|nonzero|integer|real)=(?:True|False)|[(), ])*",
    re.ASCII,
)
# "L['a'].size()[0] == L['b'].size()[0]": what inputs have to fulfil, of which the loader makes code.
_GUARD = re.compile(
    r"(?:L\['\w{1,99}'\](?:\[(?:\d{1,4}|'\w{1,99}')\])*\.size\(\)\[\d\]"
    r"|\d{1,19}|[=!<>]=|//|\*(?!\*)|and\b|[<>+%() -])*",
    re.ASCII,
)
_CONTAINERS = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")
_EMPTY = ("metadata", "custom_obj_values", "treespec_namedtuple_fields")
_FAULTS = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, RecursionError, zipfile.BadZipFile)


class _Doubt(Exception):
    """Something beyond what is admitted."""


def untrusted(content: bytes, where: str) -> frozenset[str]:
    """Return the operations beyond PyTorch's own, or the loader's name for a program to be trusted as a whole.

    Raises:
        ModelError: It is no archive at all.
    """
    archive = archive_pickle.records(content, where)
    try:
        _check_files(archive, content, where)
        program = json.loads(archive.get_record(_MODEL))
        operations: set[str] = set()
        _check(program, "", operations)
    except (_Doubt, ModelError, *_FAULTS):
        return frozenset({WHOLE})
    return frozenset(operations)


def _check_files(archive: Any, content: bytes, where: str) -> None:
    names = set(archive.get_all_records())
    if not {_MODEL, _SAMPLES, *_CONFIGS} <= names:
        raise _Doubt
    if not all(_RAW.fullmatch(name) for name in names - {_MODEL, _SAMPLES, *_CONFIGS}):
        raise _Doubt
    # A file of this name at the top is what the loader takes for its older format.
    with zipfile.ZipFile(io.BytesIO(content)) as plain:
        if "version" in plain.namelist():
            raise _Doubt
    for name in _CONFIGS:
        config = json.loads(archive.get_record(name))
        _check(config, "", set())
        if any(entry["use_pickle"] is not False for entry in config["config"].values()):
            raise _Doubt
    samples = archive.get_record(_SAMPLES)
    if "constants.pkl" in archive_pickle.records(samples, where).get_all_records():
        raise _Doubt
    if archive_pickle.imports(samples, where) - pickled():
        raise _Doubt


def _check(value: Any, key: str, operations: set[str]) -> None:
    if isinstance(value, str):
        _check_text(value, key, operations)
    elif key in _EMPTY and value:
        raise _Doubt
    elif isinstance(value, dict):
        for name, each in value.items():
            _check_text(name, "", operations)
            _check(each, name, operations)
    elif isinstance(value, list):
        for each in value:
            _check(each, key, operations)


def _check_text(text: str, key: str, operations: set[str]) -> None:
    if key in ("target", "as_operator"):
        if not _WORD.fullmatch(text):
            raise _Doubt
        if not _OPERATION.fullmatch(text) and text not in _ARITHMETIC:
            operations.add(text)
    elif key in ("expr_str", "guards_code"):
        grammar = _EXPRESSION if key == "expr_str" else _GUARD
        if len(text) > 2000 or not grammar.fullmatch(text):
            raise _Doubt
    elif key in ("in_spec", "out_spec"):
        version, tree = json.loads(text)
        if version != 1:
            raise _Doubt
        _check_container(tree)
    elif key not in ("as_string", "as_strings") and not _WORD.fullmatch(text):
        raise _Doubt


def _check_container(tree: Any) -> None:
    kind, context = tree["type"], tree["context"]
    if kind not in _CONTAINERS:
        raise _Doubt
    names = json.loads(context) if context is not None else None
    if names is not None and not all(isinstance(name, str) and _WORD.fullmatch(name) for name in names):
        raise _Doubt
    for child in tree["children_spec"]:
        _check_container(child)
