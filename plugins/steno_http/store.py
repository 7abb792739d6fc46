"""Runs and experiments on a server, by way of MLflow's wire."""

from __future__ import annotations

import math
import re
import sys
from array import array
from collections.abc import Mapping
from typing import NoReturn

from msgspec.structs import replace
from steno.errors import AlreadyExists, InvalidValue, NotFound, RunStateError, StoreError
from steno.queries import ExperimentQuery, RunQuery
from steno.records import Batch, Experiment, LifecycleStage, MetricBucket, Page, Run, Series, Token
from steno.wire import calls, entities, inward, outward
from steno.wire import chart_messages as c
from steno.wire import messages as m

from steno_http import address
from steno_http.buckets import received, thinned
from steno_http.logged_models import LoggedModels
from steno_http.queries import MOST_RESULTS, Place, filter_text, order_texts, page_size
from steno_http.server import server_at
from steno_http.writing import Writing

_HISTORY_PAGE = 25_000
_EXPERIMENT_ID = re.compile(r"[a-zA-Z0-9][\w-]{0,63}")
_NUMBER = re.compile(r"\d{1,18}")


class HttpStore(LoggedModels):
    """A `steno.contracts.stores.RunStore`; see there for what each method promises.

    Runs have ids here that the server does not choose (`run_ids`). What the wire has no words for raises StoreError, a
    search that MLflow's language cannot express InvalidValue. Of metrics the server keeps the points and the last
    value, no other summary; equal points count once, and a history comes ordered by time.

    Args:
        uri: `http://host:5000`, perhaps with a path, perhaps with `user:password@`.
    """

    def __init__(self, uri: str) -> None:
        self.uri = address.hidden(uri)
        self._server = server_at(uri)
        self._server.transport.is_chosen = True
        super().__init__(self._server)
        self._ids = self._server.run_ids
        self._writing = Writing(self._server)

    # -- experiments -----------------------------------------------------------------------------------------

    def create_experiment(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Experiment:
        location = self._server.seen_from_there(artifact_location) if artifact_location else None
        asked = m.CreateExperiment(name=name, artifact_location=location, tags=outward.pairs(tags or {}))
        return self.get_experiment(self._server.call(calls.CREATE_EXPERIMENT, asked).experiment_id)

    def get_experiment(self, experiment_id: str) -> Experiment:
        asked = m.ExperimentId(experiment_id=_experiment_id(experiment_id))
        try:
            return self._experiment(self._server.call(calls.GET_EXPERIMENT, asked).experiment)
        except InvalidValue as error:  # no whole number, and so the id of no experiment there
            raise NotFound(error.message) from error

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        try:
            found = self._server.call(calls.GET_EXPERIMENT_BY_NAME, m.ExperimentName(experiment_name=name))
        except NotFound:
            return None
        return self._experiment(found.experiment)

    def search_experiments(self, query: ExperimentQuery) -> Page[Experiment]:
        place, whole = Place(query), self._server.is_steno()
        asked = m.SearchExperiments(
            max_results=page_size(query.max_results, MOST_RESULTS),
            page_token=place.token,
            filter=filter_text(query.where, self._ids, whole_language=whole),
            order_by=order_texts(query.order_by, whole_language=whole),
            view_type=query.view.value,
        )
        found = self._server.call(calls.SEARCH_EXPERIMENTS, asked)
        return Page(map(self._experiment, found.experiments or ()), place.next(found.next_page_token))

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        asked = m.UpdateExperiment(experiment_id=_experiment_id(experiment_id), new_name=name)
        try:
            self._server.call(calls.UPDATE_EXPERIMENT, asked)
        except InvalidValue as error:
            self._check_active(experiment_id, error)
            if self.get_experiment_by_name(name) is not None:
                raise AlreadyExists(f"an experiment named {name!r} exists already") from error
            raise

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        number = _experiment_id(experiment_id)
        try:
            for key, value in tags.items():
                asked = m.ExperimentTag(experiment_id=number, key=key, value=value)
                self._server.call(calls.SET_EXPERIMENT_TAG, asked)
        except InvalidValue as error:
            self._check_active(experiment_id, error)
            raise

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        asked = m.ExperimentTagKey(experiment_id=_experiment_id(experiment_id), key=key)
        self._server.call(calls.DELETE_EXPERIMENT_TAG, asked)

    def delete_experiment(self, experiment_id: str) -> None:
        self.get_experiment(experiment_id)
        self._server.call(calls.DELETE_EXPERIMENT, m.ExperimentId(experiment_id=experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        self.get_experiment(experiment_id)
        self._server.call(calls.RESTORE_EXPERIMENT, m.ExperimentId(experiment_id=experiment_id))

    # -- runs ------------------------------------------------------------------------------------------------

    def write(self, run_id: str, batch: Batch, token: Token | None = None) -> None:
        self._writing.write(run_id, batch, token)

    def offset(self, writer_id: str) -> int:
        return self._writing.offset(writer_id)

    def get_run(self, run_id: str) -> Run:
        return self._run(self._server.call(calls.GET_RUN, self._named(run_id)).run)

    def search_runs(self, query: RunQuery) -> Page[Run]:
        place, size, whole = Place(query), page_size(query.max_results, MOST_RESULTS), self._server.is_steno()
        wanted = self._ids.experiments() if query.experiment_ids is None else query.experiment_ids
        known = [each for each in wanted if _NUMBER.fullmatch(each)]
        if not known:
            return Page()
        asked = m.SearchRuns(
            experiment_ids=known,
            filter=filter_text(query.where, self._ids, whole_language=whole),
            run_view_type=query.view.value,
            max_results=size,
            order_by=order_texts(query.order_by, whole_language=whole),
            page_token=place.token,
        )
        found = self._server.call(calls.SEARCH_RUNS, asked)
        return Page(map(self._run, found.runs or ()), place.next(found.next_page_token))

    def delete_run(self, run_id: str) -> None:
        self._server.call(calls.DELETE_RUN, self._named(run_id))

    def restore_run(self, run_id: str) -> None:
        self._server.call(calls.RESTORE_RUN, self._named(run_id))

    def purge_runs(self, deleted_before_ms: int) -> list[tuple[str, str]]:
        self._cannot_purge()

    def purge_experiments(self, deleted_before_ms: int) -> list[tuple[str, str]]:
        self._cannot_purge()

    def compact(self) -> None:
        self._cannot_purge()

    # -- metrics ---------------------------------------------------------------------------------------------

    def metric_history(self, run_id: str, key: str, *, offset: int = 0, limit: int | None = None) -> Series:
        if offset < 0 or (limit is not None and limit < 0):
            raise InvalidValue(f"offset and limit are not below 0: {offset}, {limit}")
        theirs = self._ids.theirs(run_id)
        end = sys.maxsize if limit is None else offset + limit
        found: list[entities.Metric] = []
        token: str | None = None
        while len(found) < end:
            size = min(_HISTORY_PAGE, end - len(found))
            asked = m.GetHistory(run_id=theirs, run_uuid=theirs, metric_key=key, max_results=size, page_token=token)
            page = self._server.call(calls.GET_HISTORY, asked)
            found += page.metrics or ()
            token = page.next_page_token
            if not token:
                break
        return self._exact(inward.series(key, found[offset:end]))

    def metric_buckets(
        self,
        run_id: str,
        key: str,
        buckets: int,
        *,
        first_step: int | None = None,
        last_step: int | None = None,
    ) -> list[MetricBucket]:
        if buckets < 1:
            raise InvalidValue(f"a chart has at least one bucket, not {buckets}")
        if not self._server.is_steno():
            return thinned(self.metric_history(run_id, key), buckets, first_step, last_step)
        asked = c.GetBuckets(
            run_ids=[self._ids.theirs(run_id)],
            metric_keys=[key],
            buckets=min(buckets, c.MOST_BUCKETS),
            start_step=first_step,
            end_step=last_step,
        )
        found = self._server.call(calls.GET_BUCKETS, asked).series
        if not found:
            self.get_run(run_id)  # tells if it is not there
        return received(found[0]) if found else []

    def close(self) -> None:
        self._server.transport.close()

    # -- what the wire shows ---------------------------------------------------------------------------------

    def _named(self, run_id: str) -> m.OfRun:
        theirs = self._ids.theirs(run_id)
        return m.OfRun(run_id=theirs, run_uuid=theirs)

    def _run(self, shown: entities.Run) -> Run:
        run = self._server.model_ids.in_run(self._ids.record_of(shown))
        if not self._server.is_steno():
            run.data.metrics.update({key: _infinite(value) for key, value in run.data.metrics.items()})
        return replace(run, info=replace(run.info, artifact_uri=self._server.seen_from_here(run.info.artifact_uri)))

    def _exact(self, series: Series) -> Series:
        if not self._server.is_steno():
            series.values = array("d", map(_infinite, series.values))
        return series

    def _experiment(self, shown: entities.Experiment) -> Experiment:
        found = inward.experiment(shown)
        return replace(found, artifact_location=self._server.seen_from_here(found.artifact_location))

    def _check_active(self, experiment_id: str, error: InvalidValue) -> None:
        """Raise RunStateError if that is what a refusal was for."""
        if self.get_experiment(experiment_id).lifecycle_stage == LifecycleStage.DELETED:
            raise RunStateError(f"experiment {experiment_id} is deleted: restore it first") from error

    def _cannot_purge(self) -> NoReturn:
        raise StoreError(
            f"what was deleted is removed for good on the server of {self.uri} itself: `mlflow gc` or `steno gc` there"
        )


def _infinite(value: float) -> float:
    """Return what MLflow was told: it keeps infinities as the largest number there is."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _experiment_id(value: str) -> str:
    """Return an id that could be one. Raises: NotFound."""
    if not _EXPERIMENT_ID.fullmatch(value) or (value.isdecimal() and not _NUMBER.fullmatch(value)):
        raise NotFound(f"there is no experiment with the id {value!r}")
    return value
