"""Checks the text of a model before LightGBM reads it: its compiled code follows sizes and indices without looking.

A crafted text can make loading or `predict` read and write foreign memory, or never end. Only what LightGBM itself
would write is let through.
Source: the text that LightGBM 4.0 to 4.7 writes and reads (its format v4; v3, of LightGBM 2.3 to 3.3, is the same).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from steno.errors import ModelError

from steno_lightgbm import tree_text
from steno_lightgbm.tree_text import Unsound, demand, whole

_MOST_FEATURES = 10_000_000
_MOST_OUTPUTS = 1_000_000
_HEADER = frozenset(
    """version num_class num_tree_per_iteration label_index max_feature_idx objective feature_names feature_infos
    monotone_constraints tree_sizes""".split()
)
_OBJECTIVE = re.compile(r"[a-z0-9_]{1,40}( [a-z_]{1,40}:[-+0-9.e]{1,40}| sqrt)*")
_SEVERAL_OUTPUTS = ("multiclass", "multiclassova", "softmax", "multiclass_ova", "ova", "ovr")
_NUMBER = r"(?:[-+]?[0-9.]+(?:e[-+]?[0-9]+)?|[-+]?inf|-?nan)"
_INFO = re.compile(rf"none|\[{_NUMBER}:{_NUMBER}\]|-?[0-9]+(:-?[0-9]+)*")
_PARAMETER = re.compile(r"\[[a-z0-9_]{1,60}: [^\x00-\x1f]*\]")
_CATEGORIES = "pandas_categorical:"


def check(text: str, where: str) -> None:
    """Judge a model's text.

    Raises:
        ModelError: It is damaged, hostile, or in a format that is not known here; LightGBM must not be given it.
    """
    try:
        header, _, rest = text.partition("\n\n")
        demand("\x00" not in text and "\r" not in text, "it holds characters that no model has")
        demand(rest != "", "it ends within its header")
        features, outputs, sizes = _header(_pairs(header))
        _tail(_trees(rest, features, outputs, sizes))
    except (Unsound, LookupError, ValueError, OverflowError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        message = f"{where} is damaged or hostile, and loading it could crash the process: {reason}"
        raise ModelError(message) from error


def _pairs(header: str) -> dict[str, str]:
    lines = header.split("\n")
    demand(lines[0] == "tree", "it is no text of LightGBM's")
    found: dict[str, str] = {}
    for line in lines[1:]:
        key, sign, value = line.partition("=")
        demand(key in _HEADER if sign else key == "average_output", f"its header has a line {line[:40]!r}")
        demand(key not in found, f"{key} comes twice")
        found[key] = value
    return found


def _header(header: Mapping[str, str]) -> tuple[int, int, list[int]]:
    """Return the numbers of features and of outputs, and the length of each tree's text."""
    demand(header["version"] in ("v3", "v4"), "its format is none that is known")
    features = whole(header["max_feature_idx"]) + 1
    outputs = whole(header["num_tree_per_iteration"])
    classes = whole(header["num_class"])
    demand(features <= _MOST_FEATURES and 1 <= outputs <= _MOST_OUTPUTS, "it claims more than there can be")
    demand(classes == outputs, "its outputs are not as many as its classes")
    whole(header["label_index"])
    if "objective" in header:  # one of the user's own has no name
        _objective(header["objective"], outputs)
    names, infos = header["feature_names"].split(" "), header["feature_infos"].split(" ")
    demand(len(names) == features and all(names), "the names are not as many as the features")
    demand(len(infos) == features, "the ranges are not as many as the features")
    demand(all(map(_INFO.fullmatch, infos)), "a feature has no range")
    if "monotone_constraints" in header:
        demand(len(tree_text.integers(header["monotone_constraints"])) == features, "a feature has no constraint")
    return features, outputs, tree_text.integers(header["tree_sizes"]).tolist()


def _objective(objective: str, outputs: int) -> None:
    demand(_OBJECTIVE.fullmatch(objective) is not None, "its objective is none")
    name, *settings = objective.split(" ")
    told = [each.partition(":")[2] for each in settings if each.startswith("num_class:")]
    if name in _SEVERAL_OUTPUTS:
        demand(told == [str(outputs)], "its objective has other outputs than its trees")
    else:
        demand(outputs == 1 and not told, "its objective has one output, and its trees have several")


def _trees(rest: str, features: int, outputs: int, sizes: list[int]) -> str:
    """Judge each tree, and return what follows them."""
    data = rest.encode()
    demand(len(sizes) % outputs == 0, "the trees are not as many for each output")
    at = 0
    for number, size in enumerate(sizes):
        demand(0 < size <= len(data) - at, "a tree ends behind the text")
        tree_text.check(data[at : at + size].decode("ascii"), number, features)
        at += size
    tail = data[at:].decode()
    demand(tail.startswith("end of trees\n"), "the trees do not end where it is said")
    return tail.removeprefix("end of trees\n")


def _tail(tail: str) -> None:
    """Judge what follows the trees: importances, the training's params, and the categories of pandas' columns."""
    section = ""
    seen: set[str] = set()
    for line in tail.split("\n"):
        if line in ("feature_importances:", "parameters:", "end of parameters"):
            demand(line not in seen, f"{line!r} comes twice")
            seen.add(line)
            section = line
        elif line.startswith(_CATEGORIES):
            demand(_CATEGORIES not in seen, "the categories come twice")
            seen.add(_CATEGORIES)
            section = "end"
            _categories(json.loads(line.removeprefix(_CATEGORIES)))
        elif section == "parameters:":
            demand(line == "" or _PARAMETER.fullmatch(line) is not None, "a param is none")
        elif section == "feature_importances:":
            demand(line == "" or re.fullmatch(r".+=[-+0-9.e]+", line) is not None, "an importance is none")
        else:
            demand(line == "", f"it has a line {line[:40]!r}")
    demand(("parameters:" in seen) == ("end of parameters" in seen), "the params do not end")


def _categories(value: Any) -> None:
    demand(value is None or isinstance(value, list), "the categories are no list")
    for column in value or ():
        demand(isinstance(column, list), "a column's categories are no list")
        plain = all(isinstance(each, str | int | float | bool) for each in column)
        demand(plain, "a category is neither text nor number")
