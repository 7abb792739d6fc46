"""Wrappers as files: written and read by the flavor that scikit-learn's estimators have, and judged before.

MLflow keeps LightGBM's wrappers as skops: a list of parts by type, among them a booster, which is the text that
LightGBM reads. Loading that text runs LightGBM's compiled code, so it is looked for and judged before anything is made.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from steno.contracts.flavor import Conf, Flavor
from steno.errors import ModelError
from steno.models.persist import flavor_for

from steno_lightgbm import model_text

FILES = {"skops": "model.skops", "cloudpickle": "model.pkl", "pickle": "model.pkl"}
_SKLEARN = "sklearn"
_BOOSTER = "lightgbm.basic.Booster"
# What wrappers hold besides what scikit-learn's flavor knows, each in the one role it has in a file.
_ROLES = {
    _BOOSTER: ("ObjectNode",),
    **{f"lightgbm.sklearn.LGBM{kind}": ("ObjectNode",) for kind in ("Model", "Classifier", "Regressor", "Ranker")},
    "collections.OrderedDict": ("DictNode", "TypeNode"),
    "collections.defaultdict": ("DefaultDictNode",),
}
_MOST_BYTES = 1 << 31


def save(model: Any, folder: Path, form: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Write a wrapper; return what is to be said of it, and the packages it needs. Raises: ModelError."""
    info = _sklearn().save(model, folder, serialization_format=form)
    told: dict[str, Any] = {"serialization_format": form}
    if form == "skops":
        told["skops_trusted_types"] = info.conf.get("skops_trusted_types")
    return told, info.packages


def untrusted(folder: Path, file: str, conf: Conf) -> frozenset[str]:
    """Return the types beyond LightGBM's and scikit-learn's own. Raises: ModelError."""
    section = _section(file, conf)
    known = _known(folder / file) if section["serialization_format"] == "skops" else frozenset()
    return _sklearn().untrusted(folder, section) - known


def load(folder: Path, file: str, conf: Conf, trusted: Collection[str]) -> Any:
    """Return the wrapper. Raises: UntrustedTypes, ModelError."""
    section = _section(file, conf)
    admitted = set(trusted)
    if section["serialization_format"] == "skops":
        admitted |= _known(folder / file)
    model = _sklearn().load(folder, section, trusted=admitted)
    if not hasattr(type(model), "booster_"):
        raise ModelError(f"{file} holds a {type(model).__name__}, which is none of LightGBM's wrappers")
    return model


def _sklearn() -> Flavor:
    try:
        return flavor_for(None, _SKLEARN)
    except ModelError as error:
        raise ModelError(
            "LightGBM's wrappers are kept as scikit-learn's estimators are, and that flavor is not active here "
            f"(`steno plugins` says why); save their booster_ instead: {error}"
        ) from error


def _section(file: str, conf: Conf) -> dict[str, Any]:
    form = conf.get("serialization_format") or ("skops" if file.endswith(".skops") else "cloudpickle")
    return {"pickled_model": file, "serialization_format": form}


def _known(path: Path) -> frozenset[str]:
    """Return the types of LightGBM's own in a file whose boosters are sound. Raises: ModelError."""
    schema = _schema(path)
    nodes = list(_nodes(schema))
    found: set[str] = set()
    misused: set[str] = set()
    for node in nodes:
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if name in _ROLES:
            (found if node["__loader__"] in _ROLES[name] else misused).add(name)
    boosters = [node for node in nodes if f"{node.get('__module__')}.{node.get('__class__')}" == _BOOSTER]
    for node in boosters:
        parts = _judged(node, path.name)
        _demand_unique(parts, nodes, path.name)
    return frozenset(found - misused)


def _judged(booster: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """Judge the text in a booster; return the parts that lead to it. Raises: ModelError."""
    try:
        state = booster["content"]
        handle = state["content"]["_handle"]
        loaders = [booster["__loader__"], state["__loader__"], handle["__loader__"]]
        text = json.loads(handle["content"])
        sound = loaders == ["ObjectNode", "DictNode", "JsonNode"] and "handle" not in state["content"]
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{where} is damaged or hostile: a booster in it has no text") from error
    if not sound or not isinstance(text, str):
        raise ModelError(f"{where} is damaged or hostile: a booster in it is not made of a text")
    model_text.check(text, where)
    return [booster, state, handle]


def _demand_unique(parts: list[dict[str, Any]], nodes: list[dict[str, Any]], where: str) -> None:
    """skops takes a part whose number it has met for the one it met: that must be the one that was judged."""
    for part in parts:
        number = part.get("__id__")
        if any(each is not part and each.get("__id__") == number and each != part for each in nodes):
            raise ModelError(f"{where} is damaged or hostile: two different parts of it have one number")


def _schema(path: Path) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            if archive.getinfo("schema.json").file_size > _MOST_BYTES:
                raise ModelError(f"{path.name} would unpack to more than {_MOST_BYTES >> 30} GB; refused")
            return json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, LookupError, ValueError, OSError, RecursionError, NotImplementedError) as error:
        raise ModelError(f"{path.name} is no sound skops file: {error!r}") from error


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            stack += value.values()
        elif isinstance(value, list):
            stack += value
