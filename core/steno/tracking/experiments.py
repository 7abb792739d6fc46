"""Which experiment is active in this process, and experiments as MLflow's users call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steno import settings
from steno.errors import InvalidValue, RunStateError
from steno.queries import ViewType
from steno.records import DEFAULT_EXPERIMENT_ID, Experiment, LifecycleStage
from steno.tracking import limits, places
from steno.tracking.client import Client

PAGE = 1000
_active: tuple[str, str] | None = None  # the store's URI and the experiment's id
_client = Client()

create_experiment = _client.create_experiment
get_experiment = _client.get_experiment
get_experiment_by_name = _client.get_experiment_by_name
rename_experiment = _client.rename_experiment
delete_experiment = _client.delete_experiment
restore_experiment = _client.restore_experiment


def set_experiment(
    experiment_name: str | None = None, experiment_id: str | None = None, trace_location: Any = None
) -> Experiment:
    """Choose the experiment of the runs that follow, by name (created if missing) or by id.

    Raises:
        InvalidValue: Not exactly one of name and id, or a bad name.
        NotFound: No experiment has that id.
        RunStateError: It is deleted.
    """
    global _active
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidValue("set_experiment needs either a name or an experiment_id")
    experiment = named(experiment_name) if experiment_name is not None else get_experiment(str(experiment_id))
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise RunStateError(
            f"experiment {experiment.name!r} is deleted: restore_experiment({experiment.experiment_id!r}) undoes that"
        )
    _active = (places.get_tracking_uri(), experiment.experiment_id)
    settings.share("experiment_id", experiment.experiment_id)
    return experiment


def active_experiment_id() -> str:
    """Return the id of the active experiment; asks the store only where a name was set from outside."""
    wanted = for_new_run()
    return places.experiment_id(places.run_store(), wanted) if wanted.startswith(places.BY_NAME) else wanted


def chosen_here() -> str | None:
    """Return the id of the experiment that `set_experiment` chose in this process for the current store."""
    return _active[1] if _active is not None and _active[0] == places.get_tracking_uri() else None


def for_new_run() -> str:
    """Return the experiment of a run that begins now, its id or `BY_NAME` and its name, without asking the store."""
    here = chosen_here()
    if here is not None:
        return here
    elsewhere = _active[1] if _active is not None else None  # told to child processes for another store
    chosen = settings.load(only=("experiment_id", "experiment_name"))
    if chosen.experiment_id not in (None, elsewhere):
        return str(chosen.experiment_id)
    if chosen.experiment_name is not None:
        return places.BY_NAME + limits.experiment_name(chosen.experiment_name)
    return DEFAULT_EXPERIMENT_ID


def named(name: str) -> Experiment:
    """Return the experiment of a name, created if it is missing."""
    return places.experiment_named(places.run_store(), limits.experiment_name(name))


def search_experiments(
    view_type: str | int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Return all experiments that match. Raises: FilterError, InvalidValue."""
    found: list[Experiment] = []
    token: str | None = None
    while True:
        wanted = PAGE if max_results is None else min(PAGE, max_results - len(found))
        page = _client.search_experiments(view_type, wanted, filter_string, order_by, token)
        found += page
        token = page.token
        if token is None or len(found) == max_results:
            return found


def list_experiments(view_type: str | int = ViewType.ACTIVE_ONLY, max_results: int | None = None) -> list[Experiment]:
    """Return all experiments, the newest first."""
    return search_experiments(view_type, max_results)


def set_experiment_tag(key: str, value: Any) -> None:
    """Set a tag on the active experiment. Raises: InvalidValue."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set tags on the active experiment. Raises: InvalidValue."""
    places.run_store().set_experiment_tags(active_experiment_id(), limits.experiment_tags(tags))


def delete_experiment_tag(key: str) -> None:
    """Remove a tag from the active experiment. Raises: NotFound."""
    places.run_store().delete_experiment_tag(active_experiment_id(), key)


def forget() -> None:
    """Go back to the default experiment."""
    global _active
    _active = None
    settings.share("experiment_id", None)
