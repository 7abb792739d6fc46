"""Logged models as MLflow's users call them, without a client, and the one that is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from steno import settings
from steno.errors import InvalidValue, MissingDependency
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.records import Tags
from steno.tracking import context, experiments, limits
from steno.tracking.client import Client
from steno.tracking.logged_models import EXTERNAL

if TYPE_CHECKING:
    import pandas as pd

    from steno.tracking.run import ActiveRun

_client = Client()
_ORIGIN = (Tags.USER, Tags.SOURCE_NAME, Tags.SOURCE_TYPE, Tags.GIT_COMMIT)
_COLUMNS = tuple(sorted(set(LoggedModel.__struct_fields__) - {"lifecycle_stage"}))
_PAGE = 1000


class ActiveModel:
    """A logged model that metrics are of besides, and a context manager that makes the one before it active again."""

    def __init__(self, model: LoggedModel, before: str | None) -> None:
        self._model = model
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __enter__(self) -> ActiveModel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _activate(self._before)


def initialize_logged_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Begin a logged model, PENDING until `finalize_logged_model`. Run and experiment default to the active ones.

    Raises:
        InvalidValue: A name, param or tag that is not allowed.
        NotFound: No such experiment.
    """
    run = context.active_run()
    if run is not None and source_run_id is None:
        source_run_id = run.run_id
    if experiment_id is None:
        experiment_id = run.info.experiment_id if run is not None else experiments.active_experiment_id()
    told = {**origin_of(run), **(tags or {})}
    made = _client.create_logged_model(experiment_id, name, source_run_id, told, params, model_type)
    context.last_model.set(made.model_id)
    return made


def origin_of(run: ActiveRun | None) -> dict[str, str]:
    """Return the tags that a model has from the run that is open when it is made."""
    return {key: run.data.tags[key] for key in _ORIGIN if key in run.data.tags} if run is not None else {}


def create_external_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Make a logged model whose files are elsewhere, READY at once; otherwise as `initialize_logged_model`."""
    from steno.models.manifest import Manifest
    from steno.tracking import places

    external = {**(tags or {}), EXTERNAL: "true"}
    made = initialize_logged_model(name, source_run_id, external, params, model_type, experiment_id)
    manifest = Manifest(
        flavors={},
        run_id=made.source_run_id,
        artifact_path=made.artifact_location,
        model_id=made.model_id,
        model_uuid=made.model_id,
        metadata={EXTERNAL: True},
    )
    places.artifact_store(made.artifact_location).put("MLmodel", manifest.to_yaml().encode())
    return finalize_logged_model(made.model_id, LoggedModelStatus.READY)


def last_logged_model() -> LoggedModel | None:
    """Return the model that this thread logged last, as it stands now."""
    model_id = context.last_model.get()
    return _client.get_logged_model(model_id) if model_id else None


def remember_last(model_id: str) -> None:
    """Let a model be the last one of this thread."""
    context.last_model.set(model_id)


finalize_logged_model = _client.finalize_logged_model
get_logged_model = _client.get_logged_model
set_logged_model_tags = _client.set_logged_model_tags
delete_logged_model_tag = _client.delete_logged_model_tag


def log_model_params(params: Mapping[str, Any], model_id: str | None = None) -> None:
    """Add params to a logged model, the active one by default. Raises: InvalidValue, NotFound, ParamConflict."""
    chosen = model_id or get_active_model_id()
    if chosen is None:
        raise InvalidValue("log_model_params needs a model: give model_id, or choose one with steno.set_active_model")
    _client.log_model_params(chosen, params)


def search_logged_models(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, Any]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any] | str] | None = None,
    output_format: str = "pandas",
) -> pd.DataFrame | list[LoggedModel]:
    """Return the logged models that match, as a DataFrame (one row a model) or, with output_format="list", as records.

    Without ids the active experiment is searched; `Client.search_logged_models` says what the others mean.

    Raises:
        FilterError: The filter or an order does not parse; names the position.
        InvalidValue: An argument of another form.
    """
    if output_format not in ("pandas", "list"):
        raise InvalidValue(f"output_format is 'pandas' or 'list', not {output_format!r}")
    ids = [experiments.active_experiment_id()] if experiment_ids is None else experiment_ids
    found: list[LoggedModel] = []
    token: str | None = None
    while True:
        size = _PAGE if max_results is None else min(_PAGE, max_results - len(found))
        page = _client.search_logged_models(ids, filter_string, datasets, size, order_by, token)
        found, token = [*found, *page], page.token
        if token is None or len(found) == max_results:
            return found if output_format == "list" else _frame(found)


def set_active_model(*, name: str | None = None, model_id: str | None = None) -> ActiveModel:
    """Choose the logged model that this thread's metrics are of from now on, besides their run.

    Args:
        name: Of the newest model of the active experiment; one that is not there is made, with its files elsewhere.
        model_id: Its id.

    Raises:
        InvalidValue: Not exactly one of name and model_id, or a name that is not allowed.
        NotFound: No model has that id.
    """
    if (name is None) == (model_id is None):
        raise InvalidValue("set_active_model needs either a name or a model_id")
    before = get_active_model_id()
    chosen = _client.get_logged_model(model_id) if model_id is not None else _named(str(name))
    _activate(chosen.model_id)
    return ActiveModel(chosen, before)


def get_active_model_id() -> str | None:
    """Return the id of the active model, None if there is none."""
    found = context.active_model.get()
    if found is context.UNASKED:
        found = settings.load(only=("active_model_id",)).active_model_id
        context.active_model.set(found)
    return found


def clear_active_model() -> None:
    """Make no model the active one."""
    _activate(None)


def _activate(model_id: str | None) -> None:
    context.active_model.set(model_id)
    settings.share("active_model_id", model_id)


def _named(name: str) -> LoggedModel:
    quoted = limits.logged_model_name(name)
    where = {"filter_string": f"name = '{quoted}'", "max_results": 1, "output_format": "list"}
    found = search_logged_models(**where)  # type: ignore[arg-type]
    return found[0] if len(found) else create_external_model(name=quoted)


def _frame(models: Sequence[LoggedModel]) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependency(
            "search_logged_models as a table (output_format='list' needs nothing)", "pandas"
        ) from error
    rows = [asdict(model) for model in models]
    return pd.DataFrame({name: [row[name] for row in rows] for name in _COLUMNS})
