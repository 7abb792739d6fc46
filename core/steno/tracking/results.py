"""Search over runs, as a table or a list."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steno.errors import InvalidValue, MissingDependency
from steno.queries import RunQuery, ViewType
from steno.records import Run
from steno.tracking import experiments, places, reading
from steno.tracking.client import view_type_of
from steno.tracking.search import parse_runs

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("steno.tracking")
PAGE = 10_000
_INFO = ("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time")


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: str | int = ViewType.ACTIVE_ONLY,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> pd.DataFrame | list[Run]:
    """Return the runs that match, as a DataFrame (one row a run) or, with output_format="list", as records.

    Without ids and names the active experiment is searched.

    Raises:
        FilterError: The filter or an order does not parse; names the position.
        InvalidValue: Ids and names together, or an unknown output format.
    """
    if output_format not in ("pandas", "list"):
        raise InvalidValue(f"output_format is 'pandas' or 'list', not {output_format!r}")
    ids = _experiment_ids(experiment_ids, experiment_names, search_all_experiments)
    where, order = parse_runs(filter_string, tuple(order_by or ()))
    found: list[Run] = []
    token: str | None = None
    while len(found) < max_results:
        size = min(PAGE, max_results - len(found))
        query = RunQuery(ids, where, order, view_type_of(run_view_type), size, token)
        page = reading.search_runs(places.get_tracking_uri(), query)
        found += page
        token = page.token
        if token is None:
            break
    return found if output_format == "list" else to_frame(found)


def _experiment_ids(ids: Sequence[str] | None, names: Sequence[str] | None, everywhere: bool) -> tuple[str, ...] | None:
    if ids and names:
        raise InvalidValue("give experiment_ids or experiment_names, not both")
    if names:
        found = {name: experiments.get_experiment_by_name(name) for name in names}
        missing = sorted(name for name, experiment in found.items() if experiment is None)
        if missing:
            logger.warning("no experiment is named %s", ", ".join(map(repr, missing)))
        return tuple(experiment.experiment_id for experiment in found.values() if experiment is not None)
    if ids:
        return tuple(str(i) for i in ids)
    return None if everywhere else (experiments.active_experiment_id(),)


def to_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return runs as a table: head fields, then `metrics.*`, `params.*`, `tags.*` in the order first seen.

    A missing metric is NaN, a missing param or tag None; times are UTC.

    Raises:
        MissingDependency: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependency("search_runs as a table (output_format='list' needs nothing)", "pandas") from error
    columns: dict[str, list[Any]] = {name: [getattr(run.info, name) for run in runs] for name in _INFO}
    for name in ("start_time", "end_time"):
        columns[name] = list(pd.to_datetime(columns[name], unit="ms", utc=True))
    for kind, missing in (("metrics", float("nan")), ("params", None), ("tags", None)):
        keys = dict.fromkeys(key for run in runs for key in getattr(run.data, kind))
        for key in keys:
            columns[f"{kind}.{key}"] = [getattr(run.data, kind).get(key, missing) for run in runs]
    return pd.DataFrame(columns)
