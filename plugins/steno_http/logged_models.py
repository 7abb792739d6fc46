"""Logged models on a server, by way of MLflow's wire."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace
from steno.errors import AlreadyExists, InvalidValue, NotFound, ParamConflict, RunStateError, StoreError
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.queries import And, Compare, Condition, Entity, Field, LoggedModelQuery, ModelOrderKey, Stat, ViewType
from steno.records import LifecycleStage, Page
from steno.tracking.search import format_condition
from steno.wire import calls, entities, outward
from steno.wire import messages as m
from steno.wire import model_messages as mm

from steno_http.queries import MOST_RESULTS, Place, flat, page_size

if TYPE_CHECKING:
    from steno_http.server import Server

_AT_ONCE = 50
_NUMBERS = {status.value: number for number, status in enumerate(LoggedModelStatus)}
_ATTRIBUTES = frozenset(
    "name model_id model_type source_run_id experiment_id status creation_timestamp last_updated_timestamp".split()
)
_STATUS = Field(Entity.ATTRIBUTE, "status")


class _Writable(NamedTuple):
    model: LoggedModel
    theirs: str


class LoggedModels:
    """A `steno.contracts.logged_models.LoggedModelStore`; see there for what each method promises.

    The wire shows and searches deleted models by their ids alone, brings none back, and has no status message.

    Args:
        server: Where they are.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def create_logged_model(
        self,
        experiment_id: str,
        model_id: str,
        name: str,
        *,
        source_run_id: str | None = None,
        model_type: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> LoggedModel:
        experiment = self._server.call(calls.GET_EXPERIMENT, m.ExperimentId(experiment_id=experiment_id)).experiment
        if experiment.lifecycle_stage == LifecycleStage.DELETED:
            raise RunStateError(f"experiment {experiment_id} is deleted: restore it first")
        if self._server.model_ids.is_there(model_id, experiment_id):
            raise AlreadyExists(f"there is a logged model with the id {model_id!r} already")
        asked = mm.CreateLoggedModel(
            experiment_id=experiment_id,
            name=name,
            model_type=model_type,
            source_run_id=self._server.run_ids.known([source_run_id])[0] if source_run_id else None,
            params=outward.pairs(params or {}),
            tags=outward.pairs(tags or {}),
        )
        self._server.model_ids.make(model_id, asked)
        return self.get_logged_model(model_id)

    def get_logged_model(self, model_id: str) -> LoggedModel:
        theirs = self._server.model_ids.theirs(model_id)
        try:
            return self._model(self._server.call(calls.GET_LOGGED_MODEL, mm.LoggedModelId(model_id=theirs)).model)
        except NotFound:
            asked = mm.LoggedModelId(model_id=theirs, allow_deleted=True)
            found = self._model(self._server.call(calls.GET_LOGGED_MODEL, asked).model)
            return replace(found, lifecycle_stage=LifecycleStage.DELETED)

    def search_logged_models(self, query: LoggedModelQuery) -> Page[LoggedModel]:
        place, size = Place(query), page_size(query.max_results, MOST_RESULTS)
        if query.view is not ViewType.ACTIVE_ONLY:
            raise StoreError("the wire has no search for deleted models: get_logged_model shows one by its id")
        ids = self._server.run_ids.experiments() if query.experiment_ids is None else query.experiment_ids
        known = [each for each in ids if each.isdecimal() and len(each) < 19]
        found: list[LoggedModel] = []
        token = place.token
        while known:
            asked = mm.SearchLoggedModels(
                experiment_ids=known,
                filter=self._filter(query.where),
                datasets=[entities.DatasetRef(each.name, each.digest) for each in query.datasets] or None,
                max_results=min(size - len(found), _AT_ONCE),
                order_by=[_order(key) for key in query.order_by] or None,
                page_token=token,
            )
            page = self._server.call(calls.SEARCH_LOGGED_MODELS, asked)
            found += map(self._model, page.models or ())
            token = page.next_page_token
            if not token or len(found) >= size:
                break
        return Page(found, place.next(token))

    def finalize_logged_model(self, model_id: str, status: str, message: str | None = None) -> LoggedModel:
        theirs = self._writable(model_id).theirs
        asked = mm.FinalizeLoggedModel(model_id=theirs, status=outward.logged_model_status(status))
        return self._model(self._server.call(calls.FINALIZE_LOGGED_MODEL, asked).model)

    def log_logged_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        writable = self._writable(model_id)
        there = writable.model.params
        for key, value in params.items():
            if there.get(key, value) != value:
                raise ParamConflict(key, there[key], value, model_id)
        new = {key: value for key, value in params.items() if key not in there}
        self._server.model_ids.add_params(writable.theirs, outward.pairs(new) or [])

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        if not tags:
            return
        asked = mm.LoggedModelTags(model_id=self._writable(model_id).theirs, tags=outward.pairs(tags))
        self._server.call(calls.SET_LOGGED_MODEL_TAGS, asked)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        asked = mm.LoggedModelTagKey(model_id=self._writable(model_id).theirs, key=key)
        self._server.call(calls.DELETE_LOGGED_MODEL_TAG, asked)

    def delete_logged_model(self, model_id: str) -> None:
        if self.get_logged_model(model_id).lifecycle_stage == LifecycleStage.ACTIVE:
            theirs = self._server.model_ids.theirs(model_id)
            self._server.call(calls.DELETE_LOGGED_MODEL, mm.LoggedModelId(model_id=theirs))

    def restore_logged_model(self, model_id: str) -> None:
        if self.get_logged_model(model_id).lifecycle_stage == LifecycleStage.DELETED:
            raise StoreError(f"the wire brings no deleted model back: restore {model_id} on the server itself")

    def purge_logged_models(
        self, deleted_before_ms: int, *, of_runs: Collection[str] = (), keep: Collection[str] = ()
    ) -> list[tuple[str, str]]:
        raise StoreError("what was deleted is removed for good on the server itself: `mlflow gc` or `steno gc` there")

    def _writable(self, model_id: str) -> _Writable:
        """Return a model that is not deleted. Raises: NotFound, RunStateError."""
        model = self.get_logged_model(model_id)
        if model.lifecycle_stage == LifecycleStage.DELETED:
            raise RunStateError(f"the logged model {model_id} is deleted")
        return _Writable(model, self._server.model_ids.theirs(model_id))

    def _model(self, shown: entities.LoggedModel) -> LoggedModel:
        found = self._server.model_ids.record_of(shown)
        return replace(found, artifact_location=self._server.seen_from_here(found.artifact_location))

    def _filter(self, where: Condition | None) -> str | None:
        if where is None:
            return None
        if self._server.is_steno():
            return format_condition(where) or None
        return format_condition(And(tuple(self._of(part) for part in flat(where)))) or None

    def _of(self, compare: Compare) -> Compare:
        """Return a condition as MLflow knows it, where a status is a number and a text in single quotes."""
        _check(compare.field)
        if compare.field == _STATUS and compare.op in ("=", "!="):
            return replace(compare, value=_NUMBERS.get(str(compare.value), -1))
        texts = compare.value if isinstance(compare.value, tuple) else (compare.value,)
        if any(isinstance(text, str) and "'" in text for text in texts):
            raise InvalidValue(f"MLflow cannot be asked for a model by a text with ' in it: {compare.value!r}")
        return self._told(compare)

    def _told(self, compare: Compare) -> Compare:
        known = {
            "source_run_id": lambda text: self._server.run_ids.known([text])[0],
            "model_id": self._server.model_ids.known,
        }.get(compare.field.key if compare.field.entity is Entity.ATTRIBUTE else "")
        if known is None or compare.op not in ("=", "!=", "IN", "NOT IN"):
            return compare
        if isinstance(compare.value, tuple):
            return replace(compare, value=tuple(map(known, compare.value)))
        return replace(compare, value=known(str(compare.value)))


def _check(field: Field) -> None:
    """Judge a field, since MLflow's server fails over one that it does not know. Raises: InvalidValue."""
    if field.stat is not Stat.LAST or (field.entity is Entity.ATTRIBUTE and field.key not in _ATTRIBUTES):
        raise InvalidValue(f"MLflow's models have no {field.key!r} that one could ask for")


def _order(key: ModelOrderKey) -> entities.ModelOrder:
    _check(key.field)
    name = f"metrics.{key.field.key}" if key.field.entity is Entity.METRIC else key.field.key
    on = key.dataset
    return entities.ModelOrder(name, key.ascending, on.name if on else None, on.digest if on else None)
