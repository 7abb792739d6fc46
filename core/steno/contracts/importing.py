"""What a plugin provides that brings in runs which another tool recorded.

An importer reads; `steno import` writes. It changes nothing at its source and raises only for a location at which there
is nothing to read: what is damaged within one run is a problem of that run, and all that can be read of it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from steno.contracts.stores import ArtifactStore
from steno.records import DatasetInput, ModelInput, ModelOutput, RunStatus, Series

Artifacts = Path | Mapping[str, Path] | ArtifactStore
"""A folder, files by artifact path, or a store of them."""


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """One run as another tool recorded it. Texts and numbers are taken as they are; times are epoch milliseconds.

    Attributes:
        key: Its identity at the location: the same at each import, no other run's. A run is carried once by it.
        experiment: The name of its experiment.
        name: Its name; an empty one becomes the key.
        status: As in `RunStatus`; one that is RUNNING is looked at again by the next import.
        start_time: When it began.
        end_time: When it ended, None if it has not or it is not known.
        series: Its metrics, one stretch after the other, each in the order logged. May be lazy, and is read once;
            several may have the same key, and the points that were read before must come before those that are new.
        artifacts: Its files, None if it has none.
        problems: What could not be read of it, a sentence each; may grow until `series` is read to its end.
        parent: The key of the run it belongs to.
        run_id: Its id here, for tools whose ids are MLflow's: 32 hexadecimal characters. Otherwise one is derived.
        deleted: Whether it is marked deleted.
    """

    key: str
    experiment: str
    name: str = ""
    status: str = RunStatus.FINISHED
    start_time: int = 0
    end_time: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    series: Iterable[Series] = ()
    artifacts: Artifacts | None = None
    problems: list[str] = field(default_factory=list)
    parent: str | None = None
    user: str = ""
    run_id: str | None = None
    deleted: bool = False
    inputs: Sequence[DatasetInput] = ()
    model_inputs: Sequence[ModelInput] = ()
    outputs: Sequence[ModelOutput] = ()


@runtime_checkable
class Importer(Protocol):
    """Reads the runs of one tool. What a plugin registers is an object that has this method, or a module."""

    def runs(self, location: str) -> Iterator[ForeignRun]:
        """Yield the runs at a location, a parent before its children, one at a time.

        Args:
            location: What the user wrote after `--from`: a folder, a file, a URL.

        Raises:
            NotFound: There is nothing there.
            InvalidValue: What is there is not this tool's.
        """
        ...
