"""Recording as one of a trainer's loggers, for those who prefer Lightning's own way to autologging."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from steno.autolog.contained_run import ContainedRun
from steno.autolog.params import flatten_params
from steno.errors import InvalidValue
from steno.records import RunChange, RunStart, RunStatus, Tags
from steno.tracking import context, ending, experiments, limits, places
from steno.tracking.frames import Facts
from steno.tracking.run import ActiveRun, open_run

from steno_lightning.saved import Saved

_STATUS = {"success": RunStatus.FINISHED, "finished": RunStatus.FINISHED, "failed": RunStatus.FAILED}


class ExplicitLogger:
    """Records what Lightning gives its loggers. The arguments are named as those of Lightning's `MLFlowLogger`.

    Without an experiment, name, id or address of its own it writes into the run that is active when training
    begins, and begins one only where there is none. With autologging on, both write to this logger's run.

    Args:
        experiment_name: The experiment, made if it is missing; default the active one.
        run_name: The run's name.
        tracking_uri: The store; default the one in force.
        tags: Tags for the run.
        save_dir: Where Lightning puts checkpoints, below it by experiment and run; default the trainer's folder.
        log_model: True copies the best checkpoints to the run when training ends, "all" each as it is saved.
        prefix: Put before each metric's name, with a dash.
        artifact_location: Where a new experiment keeps its artifacts; asks the store at once.
        run_id: A run to go on with.
        synchronous: Without effect: nothing is ever waited for.
    """

    LOGGER_JOIN_CHAR = "-"
    rank_zero: Any = None  # of the package: knows this process's rank

    def __init__(
        self,
        experiment_name: str | None = None,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        tags: Mapping[str, Any] | None = None,
        save_dir: str | None = None,
        log_model: Literal[True, False, "all"] = False,
        prefix: str = "",
        artifact_location: str | None = None,
        run_id: str | None = None,
        synchronous: bool | None = None,
    ) -> None:
        super().__init__()
        if log_model not in (True, False, "all"):
            raise InvalidValue(f"log_model is True, False or 'all', not {log_model!r}")
        self._experiment_name = limits.experiment_name(experiment_name) if experiment_name is not None else None
        self._run_name, self._uri, self._run_id = run_name, tracking_uri, run_id
        self._tags = {str(key): str(value) for key, value in (tags or {}).items()}
        self._save_dir, self._prefix, self._artifact_location = save_dir, prefix, artifact_location
        self._saved = Saved(log_model)
        self._active: ActiveRun | None = None
        self._run: ContainedRun | None = None
        self._own = self._held = self._ended = False
        self._verdict: tuple[RunStatus, BaseException | None] | None = None

    # -- what Lightning asks -----------------------------------------------------------------------------------

    @property
    def experiment(self) -> ActiveRun:
        """The run, begun now if it is not yet: `logger.experiment.log_metric("x", 1.0)`."""
        return self.active

    @property
    def active(self) -> ActiveRun:
        """The run."""
        if self._active is None or (self._active.ended and self._own):
            self._open()
        assert self._active is not None
        return self._active

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.active.run_id

    @property
    def name(self) -> str:
        """The experiment, by the name or id it was chosen by."""
        return self._experiment_name or self.active.experiment.removeprefix(places.BY_NAME)

    @property
    def version(self) -> str:
        """The run's id."""
        return self.run_id

    @property
    def save_dir(self) -> str | None:
        """The folder that was given."""
        return self._save_dir

    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Record params; nested ones under dotted names."""
        if self._records():
            given = vars(params) if isinstance(params, Namespace) else dict(params)
            self._contained().log_params(flatten_params(given))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record one point of each series; what is no number is left out, and the run says so."""
        if self._records():
            prefix = f"{self._prefix}{self.LOGGER_JOIN_CHAR}" if self._prefix else ""
            self._contained().log_metrics({f"{prefix}{key}": value for key, value in metrics.items()}, step or 0)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Note a checkpoint, or copy it at once if all are wanted."""
        if self._records():
            self._saved.note(self.active, checkpoint_callback)

    def finalize(self, status: str) -> None:
        """End the run, truly: what ends the training is known here."""
        if self._active is None or not self._records():
            return
        error = sys.exc_info()[1] if status == "failed" else None
        found = ending.status_of(error) if error is not None else _STATUS.get(status, RunStatus.FINISHED)
        self._saved.copy(self._active)
        self._verdict = found, error
        if not self._held:
            self._end()

    # -- the run -----------------------------------------------------------------------------------------------

    def _records(self) -> bool:
        return getattr(self.rank_zero, "rank", None) in (0, None)

    def _contained(self) -> ContainedRun:
        active = self.active
        if self._run is None or self._run.active is not active:
            self._run = ContainedRun(active)
        return self._run

    def _open(self) -> None:
        if self._active is not None:  # it has ended, and there is more: a test after a fit
            self._active, self._ended = self._active.further(), True
            return
        current = context.active_run()
        uri = self._uri or places.get_tracking_uri()
        if self._run_id is not None:
            # Not read from the store: that would wait for it.
            start = RunStart(experiments.for_new_run(), self._run_name or "", time.time_ns() // 1_000_000, "", {})
            self._active = ActiveRun(limits.run_id(self._run_id), uri, start, create=False, owned=False)
            self._ended = self._own = True
        elif current is not None and not (self._experiment_name or self._run_name or self._uri):
            self._active = current
            current.set_tags(self._tags)
        else:
            self._active = self._begin(uri)
            self._own = True

    def _begin(self, uri: str) -> ActiveRun:
        experiment = experiments.for_new_run()
        if self._experiment_name is not None:
            if self._artifact_location is not None:
                self._make_experiment(uri)
            experiment = places.BY_NAME + self._experiment_name
        name = self._run_name or self._tags.get(Tags.RUN_NAME)
        return open_run(store_uri=uri, run_name=name, tags=self._tags, experiment_id=experiment)

    def _make_experiment(self, uri: str) -> None:
        from steno.tracking.client import Client

        client = Client(uri)
        assert self._experiment_name is not None
        if client.get_experiment_by_name(self._experiment_name) is None:
            client.create_experiment(self._experiment_name, self._artifact_location)

    def _end(self) -> None:
        """Give the run its status; one that was gone on with gets it as a change."""
        active, verdict = self._active, self._verdict
        if active is None or verdict is None or not self._own:
            return
        self._verdict = None
        status, error = verdict
        if self._ended:
            now = time.time_ns() // 1_000_000
            tags = ending.describe(error) if error is not None else {}
            active.append(Facts(tags=tags, change=RunChange(status.value, now)))
            active.release()
        else:
            active.end(status, error)

    def hold(self) -> None:
        """Let the run be ended by `let_go`: someone records round the training."""
        self._held = True

    def let_go(self, error: BaseException | None = None) -> None:
        """End the run as Lightning said, or, where it said so to a copy in another process, as the training went."""
        self._held = False
        if self._verdict is None and self._active is not None:
            self._verdict = ending.status_of(error), error
        self._end()

    def __getstate__(self) -> dict[str, Any]:
        # In another process the run is gone on with, and the one that began it ends it.
        own = self._own and self._active is None
        return {**vars(self), "_run": None, "_own": own, "_held": False, "_verdict": None}


@contextmanager
def held(loggers: Sequence[Any]) -> Iterator[ExplicitLogger | None]:
    """Keep the run of the first logger of ours open until the body is done; None where there is none."""
    found = next((each for each in loggers if isinstance(each, ExplicitLogger)), None)
    if found is not None:
        found.hold()
    try:
        yield found
    except BaseException as error:
        if found is not None:
            found.let_go(error)
        raise
    if found is not None:
        found.let_go()
