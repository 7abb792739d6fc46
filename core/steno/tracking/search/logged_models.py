"""Searches over logged models: the filter is text as for all, the order and the datasets are MLflow's dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steno.errors import InvalidValue
from steno.queries import Condition, DatasetRef, ModelOrderKey
from steno.tracking.search.parser import parse_logged_model_filter, parse_logged_model_order

_ORDER_KEYS = {"field_name", "ascending", "dataset_name", "dataset_digest"}
_DATASET_KEYS = {"dataset_name", "dataset_digest"}


def parse_logged_models(
    filter_string: str | None, order_by: Sequence[Mapping[str, Any] | str] = ()
) -> tuple[Condition | None, tuple[ModelOrderKey, ...]]:
    """Parse a search over logged models.

    Args:
        filter_string: The condition; None or "" for none.
        order_by: Dicts with `field_name` ("metrics.accuracy", "name"), `ascending` (default True), `dataset_name` and
            `dataset_digest`; or texts as in other searches, "metrics.accuracy DESC".

    Raises:
        FilterError: It does not parse; points at the place and names the remedy.
        InvalidValue: An argument is of another form.
    """
    if isinstance(order_by, str | Mapping):
        raise InvalidValue(f"order_by is a list: [{order_by!r}]")
    keys = tuple(map(_order_key, order_by))
    for index, key in enumerate(keys):
        if any((key.field, key.dataset) == (earlier.field, earlier.dataset) for earlier in keys[:index]):
            raise InvalidValue(f"{key.field.key!r} is in order_by twice; leave one out")
    return parse_logged_model_filter(filter_string), keys


def parse_datasets(datasets: Sequence[Mapping[str, Any]]) -> tuple[DatasetRef, ...]:
    """Return datasets told as dicts with `dataset_name` and, if it matters, `dataset_digest`. Raises: InvalidValue."""
    if isinstance(datasets, str | Mapping):
        raise InvalidValue(f"datasets is a list: [{datasets!r}]")
    return tuple(_dataset(_checked("a dataset", each, _DATASET_KEYS, "dataset_name")) for each in datasets)


def _order_key(told: Mapping[str, Any] | str) -> ModelOrderKey:
    if isinstance(told, str):
        plain = parse_logged_model_order(told)
        return ModelOrderKey(plain.field, plain.ascending)
    checked = _checked("a key of order_by", told, _ORDER_KEYS, "field_name")
    ascending = checked.get("ascending", True)
    if not isinstance(ascending, bool):
        raise InvalidValue(f"ascending is True or False, not {ascending!r}")
    dataset = _dataset(checked) if checked.get("dataset_name") else None
    return ModelOrderKey(parse_logged_model_order(checked["field_name"]).field, ascending, dataset)


def _dataset(told: Mapping[str, Any]) -> DatasetRef:
    name, digest = told["dataset_name"], told.get("dataset_digest")
    if not isinstance(name, str) or not isinstance(digest, str | None):
        raise InvalidValue(f"a dataset's name and digest are texts, not {name!r} and {digest!r}")
    return DatasetRef(name, digest)


def _checked(what: str, told: Any, keys: set[str], needed: str) -> Mapping[str, Any]:
    if not isinstance(told, Mapping) or needed not in told or set(told) - keys:
        raise InvalidValue(f"{what} is a dict with {needed!r} and, if wanted, {', '.join(sorted(keys - {needed}))}")
    return told
