"""The ids of logged models: steno's, chosen before the server is asked, and the server's own; as with runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace
from steno.errors import NotFound
from steno.model_records import LoggedModel
from steno.records import ModelInput, ModelOutput, ModelStart, Run, RunInputs, RunOutputs, Tags
from steno.wire import calls, entities, inward, outward
from steno.wire import messages as m
from steno.wire import model_messages as mm

from steno_http.run_ids import MOST_KNOWN, RunIds

PARAMS_AT_ONCE = 100


class ModelIds:
    """Finds, makes and remembers. Thread-safe: what is remembered does not change.

    Args:
        call: Asks the server.
        run_ids: Those of its runs.
    """

    def __init__(self, call: Callable[[Any, Any], Any], run_ids: RunIds) -> None:
        self._call = call
        self._run_ids = run_ids
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def theirs(self, model_id: str) -> str:
        """Return the server's id of a model. Raises: NotFound."""
        known = self._theirs.get(model_id)
        if known is not None:
            return known
        with suppress(NotFound):
            self._call(calls.GET_LOGGED_MODEL, mm.LoggedModelId(model_id=model_id, allow_deleted=True))
            return self._learned(model_id, model_id)
        tagged = self._tagged(model_id, self._run_ids.experiments())
        if tagged is None:
            raise NotFound(f"there is no logged model with the id {model_id!r}")
        return tagged

    def known(self, model_id: str) -> str:
        """Return the server's id of a model; one that is not there stays as it is."""
        try:
            return self.theirs(model_id)
        except NotFound:
            return model_id

    def is_there(self, model_id: str, experiment_id: str) -> bool:
        """Say whether a model was made before, of this experiment."""
        return model_id in self._theirs or self._tagged(model_id, [experiment_id]) is not None

    def make(self, model_id: str, asked: mm.CreateLoggedModel) -> None:
        """Make a model under an id of ours; `asked` holds all its params."""
        params, tags = asked.params or [], [*(asked.tags or ()), entities.Pair(Tags.MODEL_ID, model_id)]
        asked.params, asked.tags = params[:PARAMS_AT_ONCE] or None, tags
        made = self._call(calls.CREATE_LOGGED_MODEL, asked).model.info.model_id
        self._learned(model_id, made)
        self.add_params(made, params[PARAMS_AT_ONCE:])

    def add_params(self, theirs: str, params: list[entities.Pair]) -> None:
        """Add params that a model does not have."""
        for start in range(0, len(params), PARAMS_AT_ONCE):
            some = params[start : start + PARAMS_AT_ONCE]
            self._call(calls.LOG_LOGGED_MODEL_PARAMS, mm.LoggedModelParams(model_id=theirs, params=some))

    def make_in_run(self, run_id: str, model: ModelStart) -> None:
        """Make a model of a run, with what the run has by then; all of it may be done again."""
        theirs = self._run_ids.theirs(run_id)
        run = self._call(calls.GET_RUN, m.OfRun(run_id=theirs, run_uuid=theirs)).run
        data, experiment_id = run.data or entities.RunData(), run.info.experiment_id or ""
        params = {**inward.texts(data.params), **model.params}
        if self.is_there(model.model_id, experiment_id):
            made = self._call(calls.GET_LOGGED_MODEL, mm.LoggedModelId(model_id=self._theirs[model.model_id])).model
            there = inward.logged_model(made).params
            left = {key: value for key, value in params.items() if key not in there}
            self.add_params(self._theirs[model.model_id], outward.pairs(left) or [])
        else:
            asked = mm.CreateLoggedModel(
                experiment_id=experiment_id,
                name=model.name,
                model_type=model.model_type,
                source_run_id=theirs,
                params=outward.pairs(params),
                tags=outward.pairs(model.tags),
            )
            self.make(model.model_id, asked)
        self._tell_run(run, theirs, model)

    def in_run(self, run: Run) -> Run:
        """Return a run with the models in it named as they are here, as far as that is known."""
        used = [ModelInput(self._ours.get(each.model_id, each.model_id)) for each in run.inputs.model_inputs]
        made = [
            ModelOutput(self._ours.get(each.model_id, each.model_id), each.step) for each in run.outputs.model_outputs
        ]
        if not used and not made:
            return run
        return replace(run, inputs=RunInputs(run.inputs.dataset_inputs, used), outputs=RunOutputs(made))

    def record_of(self, shown: entities.LoggedModel) -> LoggedModel:
        """Return a model as a record, under steno's ids if it and its run have some."""
        found = inward.logged_model(shown)
        tags = dict(found.tags)
        ours = tags.pop(Tags.MODEL_ID, found.model_id)
        self._learned(ours, found.model_id)
        points = [
            replace(each, model_id=ours, run_id=self._run_ids.ours(each.run_id) if each.run_id else each.run_id)
            for each in found.metrics
        ]
        source = self._run_ids.ours(found.source_run_id) if found.source_run_id else None
        return replace(
            found, model_id=ours, source_run_id=source, model_type=found.model_type or None, tags=tags, metrics=points
        )

    def _tell_run(self, run: entities.Run, theirs: str, model: ModelStart) -> None:
        """Make a model an output of its run, and the run's last points its own."""
        model_id = self._theirs[model.model_id]
        outputs = (run.outputs.model_outputs if run.outputs else None) or ()
        if model_id not in {each.model_id for each in outputs}:
            told = [entities.ModelOutput(model_id, model.step)]
            self._call(calls.LOG_OUTPUTS, m.LogOutputs(run_id=theirs, run_uuid=theirs, models=told))
        points = (run.data.metrics if run.data else None) or ()
        chosen = [
            entities.Metric(each.key, each.value, each.timestamp, each.step or 0, model_id=model_id)
            for each in points
            if model.whole_run or (each.step or 0) == model.step
        ]
        for start in range(0, len(chosen), 1000):
            some = chosen[start : start + 1000]
            self._call(calls.LOG_BATCH, m.LogBatch(run_id=theirs, run_uuid=theirs, metrics=some))

    def _tagged(self, model_id: str, experiments: list[str]) -> str | None:
        if "'" in model_id or not experiments:
            return None
        asked = mm.SearchLoggedModels(
            experiment_ids=experiments, filter=f"tags.`{Tags.MODEL_ID}` = '{model_id}'", max_results=2
        )
        found = self._call(calls.SEARCH_LOGGED_MODELS, asked).models or ()
        return self._learned(model_id, min(each.info.model_id for each in found)) if found else None

    def _learned(self, ours: str, theirs: str) -> str:
        if len(self._theirs) >= MOST_KNOWN:
            self._theirs.clear()
            self._ours.clear()
        self._theirs[ours] = theirs
        self._ours[theirs] = ours
        return theirs
