"""The head of a run that is open: what it began with, and what only the store can tell, asked when it is read."""

from __future__ import annotations

from steno.records import LifecycleStage, RunStart, RunStatus
from steno.tracking import places


class OpenInfo:
    """Reads like a `RunInfo`. `experiment_id` and `artifact_uri` may ask the store; nothing else does."""

    status: str = RunStatus.RUNNING
    lifecycle_stage: str = LifecycleStage.ACTIVE
    end_time: int | None = None

    def __init__(self, run_id: str, store_uri: str, start: RunStart) -> None:
        self.run_id = self.run_uuid = run_id
        self.run_name = start.run_name
        self.start_time = start.start_time
        self.user_id = start.user_id
        self._store_uri = store_uri
        self._experiment = start.experiment_id

    @property
    def experiment_id(self) -> str:
        """The experiment's id. Raises: StoreUnavailable if it was told by name and the store is away."""
        if self._experiment.startswith(places.BY_NAME):
            self._experiment = places.experiment_id(places.run_store(self._store_uri), self._experiment)
        return self._experiment

    @property
    def artifact_uri(self) -> str:
        """Where the run's artifacts are kept, as the store says, which may have ids of its own.

        Raises:
            StoreUnavailable: The store is away.
            NotFound: It does not have the run yet.
        """
        from steno.tracking import reading  # it reads what runs leave, and so knows them

        return reading.get_run(self._store_uri, self.run_id).info.artifact_uri

    def __repr__(self) -> str:
        return f"<OpenInfo of run {self.run_name!r} {self.run_id}>"
