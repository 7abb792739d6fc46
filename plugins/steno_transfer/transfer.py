"""A whole store carried into another: experiments, runs, logged models and registered models, in that order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from steno.contracts.importing import ForeignRun
from steno.contracts.registry import RegistryStore
from steno.contracts.stores import RunStore
from steno.errors import NotFound
from steno.records import Experiment, LifecycleStage

from steno_transfer.carrier import COMPLETE, FROM, WHOLE, Carrier, Origin, own_tags
from steno_transfer.models import ModelCarrier
from steno_transfer.registrations import RegistrationCarrier
from steno_transfer.report import Report
from steno_transfer.whole import WholeStore


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be carried.

    Attributes:
        experiments: Names or ids; all if there are none. Registered models are carried with all experiments only.
        deleted: What is marked deleted too.
        artifacts: The files too.
    """

    experiments: tuple[str, ...] = ()
    deleted: bool = True
    artifacts: bool = True

    def of(self, found: Collection[Experiment]) -> list[Experiment]:
        """Return the experiments that are to be carried. Raises: NotFound."""
        for wanted in self.experiments:
            if not any(wanted in (each.name, each.experiment_id) for each in found):
                raise NotFound(f"there is no experiment {wanted!r} at the source; there are {_listed(found)}")
        chosen = [
            each for each in found if not self.experiments or {each.name, each.experiment_id} & set(self.experiments)
        ]
        return [each for each in chosen if self.deleted or each.lifecycle_stage == LifecycleStage.ACTIVE]


class Transfer:
    """Carries one store into another; done again, it goes on where it was interrupted, and changes nothing at the end.

    Args:
        source: Where from.
        store: Where to.
        registry: Where registered models go.
        origin: What names the source.
        choice: What is to be carried.
        advance: Called with 1 after each run.
    """

    def __init__(
        self,
        source: WholeStore,
        store: RunStore,
        registry: RegistryStore | None,
        origin: Origin,
        choice: Choice,
        advance: Callable[[int], object] = bool,
    ) -> None:
        self.report = Report()
        self._source, self._store, self._registry = source, store, registry
        self._origin, self._choice, self._advance = origin, choice, advance
        self._carrier = Carrier(store, origin, self.report, artifacts=choice.artifacts)
        self._models = ModelCarrier(store, origin, self.report, artifacts=choice.artifacts)
        self._to_delete: set[str] = set()  # experiments, by their id at the target
        self._ids: dict[str, str] = {}

    def run(self) -> Report:
        """Carry. What cannot be is in the report. Raises: StoreUnavailable, NotFound, InvalidValue."""
        wanted = self._choice.of(self._source.experiments())
        for experiment in wanted:
            self._begin(experiment)
        gone = {name for name, number in self._ids.items() if number in self._to_delete}
        for run in self._source.runs(set(self._ids)):
            if self._choice.deleted or not run.deleted:
                self._carrier.carry(_within(run, gone))
            self._advance(1)
        for model in self._source.models(set(self._ids)):
            deleted = model.model.lifecycle_stage == LifecycleStage.DELETED
            if self._choice.deleted or not deleted:
                # In an experiment that is deleted whole, it goes and comes back with it.
                at = self._ids[model.experiment]
                self._models.carry(model, at, deleted=deleted and at not in self._to_delete)
        self._carrier.finish()
        self._carry_registrations()
        for number in sorted(self._to_delete):
            self._store.set_experiment_tags(number, {COMPLETE: WHOLE})
            self._store.delete_experiment(number)
        for problem in self._source.problems:
            self.report.leave(problem)
        self.report.notes += self._source.notes
        return self.report

    def _begin(self, wanted: Experiment) -> None:
        """Find or make an experiment at the target."""
        there = self._store.get_experiment_by_name(wanted.name)
        tags = own_tags(wanted.tags)
        if there is None:
            made = {**tags, FROM: f"{self._origin}#{wanted.experiment_id}"}
            there = self._store.create_experiment(wanted.name, tags=made)
            self.report.count(experiments=1)
        elif there.lifecycle_stage == LifecycleStage.ACTIVE:
            missing = {key: value for key, value in tags.items() if key not in there.tags}
            if missing:
                self._store.set_experiment_tags(there.experiment_id, missing)
        if there.experiment_id != wanted.experiment_id:
            self.report.renamed.append(
                f"experiment {wanted.name!r} has the id {there.experiment_id}, and {wanted.experiment_id} at the source"
            )
        # One that was here before stays, and so does one that was deleted by us and that somebody restored.
        is_ours = FROM in there.tags and COMPLETE not in there.tags
        if is_ours and wanted.lifecycle_stage == LifecycleStage.DELETED:
            self._to_delete.add(there.experiment_id)
        self._ids[wanted.name] = there.experiment_id

    def _carry_registrations(self) -> None:
        if self._registry is None or self._choice.experiments:
            return
        owners = {old.rstrip("/"): owner for owner, old in self._source.places.of.items() if old}
        carrier = RegistrationCarrier(self._registry, self._origin, self.report, partial(self._moved, owners))
        for each in self._source.registrations():
            carrier.carry(each)

    def _moved(self, owners: Mapping[str, str], uri: str) -> str:
        """Return where what lay at a URI lies now; as it is if it was not carried."""
        old = uri.rstrip("/")
        while old and old not in owners:
            old = old.rpartition("/")[0]
        if not old:
            return uri
        owner = owners[old]
        try:
            if owner.startswith("m-"):
                return self._store.get_logged_model(owner).artifact_location + uri[len(old) :]
            return self._store.get_run(owner).info.artifact_uri + uri[len(old) :]
        except NotFound:  # the report says why
            return uri


def _within(run: ForeignRun, gone: Collection[str]) -> ForeignRun:
    """Return a run as it is carried: in an experiment that is deleted whole, it goes and comes back with it."""
    return replace(run, deleted=False) if run.deleted and run.experiment in gone else run


def _listed(found: Collection[Experiment]) -> str:
    names = [each.name for each in found]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "") or "none"
