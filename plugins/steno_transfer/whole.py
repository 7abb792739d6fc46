"""A store that is read whole: experiments, runs, logged models and registered models, wherever it is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from steno.contracts.importing import Artifacts, ForeignRun
from steno.model_records import LoggedModel, ModelVersion, RegisteredModel
from steno.records import Experiment


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """A logged model as a store keeps it.

    Attributes:
        experiment: The name of its experiment.
        artifacts: Its files, None if they are out of reach.
        problems: What could not be read of it.
    """

    model: LoggedModel
    experiment: str
    artifacts: Artifacts | None = None
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ForeignRegistration:
    """A registered model with all its versions, lowest first."""

    model: RegisteredModel
    versions: Sequence[ModelVersion] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a run or logged model lie at the source, by its id."""

    of: dict[str, str] = field(default_factory=dict)


class WholeStore(Protocol):
    """A store of the kind that steno is itself. It is only read; what cannot be read is noted in `problems`.

    Attributes:
        identity: What names it, the same at each transfer.
        problems: What could not be read, and belongs to no run or model that was given.
        notes: What a reader of the report should know, and is no loss.
        places: Filled as runs and models are given.
    """

    identity: str
    problems: list[str]
    notes: list[str]
    places: Places

    def experiments(self) -> Sequence[Experiment]:
        """Return all experiments, deleted ones too, lowest id first. Raises: StoreError, InvalidValue."""
        ...

    def count(self, names: Collection[str]) -> int | None:
        """Return how many runs the named experiments have, None if that cannot be told beforehand."""
        ...

    def runs(self, names: Collection[str]) -> Iterator[ForeignRun]:
        """Yield the runs of the named experiments."""
        ...

    def models(self, names: Collection[str]) -> Iterator[ForeignModel]:
        """Yield the logged models of the named experiments."""
        ...

    def registrations(self) -> Iterator[ForeignRegistration]:
        """Yield the registered models."""
        ...

    def close(self) -> None:
        """Release what reading held."""
        ...


@runtime_checkable
class WholeImporter(Protocol):
    """An importer whose source is a store as a whole: its models and registered models are carried too."""

    def open(self, location: str) -> WholeStore:
        """Return the store at a location. Raises: NotFound, InvalidValue, StoreUnavailable."""
        ...
