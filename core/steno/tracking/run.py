"""A run while it is open in this process: what is logged goes to its journal, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from steno import settings
from steno.errors import ParamConflict
from steno.plugins import plugins
from steno.records import (
    Batch,
    DatasetInput,
    Metric,
    ModelInput,
    ModelStart,
    RunChange,
    RunData,
    RunInputs,
    RunStart,
    RunStatus,
    Series,
    Tags,
)
from steno.tracking import context, ending, followers, limits, places, spool
from steno.tracking import writer as writing
from steno.tracking.carrier import Carrier
from steno.tracking.frames import Facts, Opened, child_of
from steno.tracking.journal import Journal, Silence, new_id
from steno.tracking.open_info import OpenInfo

_now_ns = time.time_ns


class ActiveRun:
    """An open run, and a context manager that ends it: FINISHED, FAILED on an error, KILLED on Ctrl-C.

    Thread-safe. In a forked child it goes on with a journal of its own; pickled, it becomes a handle on the
    same run in the process that unpickles it. Neither ends the run.

    Attributes:
        run_id: 32 hex characters.
        owned: Whether this process began the run and ends it.
        last_seen_ms: When the last thing happened in it, if it ends then rather than when `end` is called; 0 if not.
        models: Whose the metrics at a step are besides: ids of logged models by step, under None for every step.
    """

    def __init__(
        self,
        run_id: str,
        store_uri: str,
        start: RunStart,
        *,
        create: bool = True,
        owned: bool = True,
        params: Mapping[str, str] | None = None,
        truncate: bool | None = None,
    ) -> None:
        self.run_id = run_id
        self.store_uri = store_uri
        self.owned = owned
        self.ended = False
        self.watches_exit = False
        self.last_seen_ms = 0
        self.models: dict[int | None, str] = {}
        self._start = start
        self._params: dict[str, str] = dict(params or {})
        self._truncate = limits.truncates() if truncate is None else truncate
        self._keys: dict[str, str] = {}
        self._open_journal(create=create)

    def _open_journal(self, *, create: bool) -> None:
        self._forks = writing.forks
        if process_is_silent():
            self._journal: Journal | Silence = Silence()
            return
        opened = Opened(self.run_id, self.store_uri, self.owned, self._start if create else None)
        limit = settings.load(only=("memory_limit_mb",)).memory_limit_mb << 20
        journal = self._journal = Journal(places.journal_folder(self.store_uri), opened, memory_limit=limit)
        self._carrier = Carrier(journal, self.store_uri)
        writing.writer.add(self._carrier)

    # -- what MLflow's users read on a run -------------------------------------------------------------------

    @property
    def info(self) -> OpenInfo:
        """The head of the run, as it began."""
        return OpenInfo(self.run_id, self.store_uri, self._start)

    @property
    def experiment(self) -> str:
        """The experiment's id, or `places.BY_NAME` and its name while the store has not been asked."""
        return self._start.experiment_id

    @property
    def folder(self) -> Path | None:
        """Where its journal lies, None where it has none on disk."""
        journal = self._journal
        return None if isinstance(journal, Silence) or journal.in_memory else journal.folder

    @property
    def data(self) -> RunData:
        """The params and tags the run began with; `steno.get_run` reads what was logged since."""
        return RunData(tags=dict(self._start.tags))

    @property
    def inputs(self) -> RunInputs:
        """Empty: `steno.get_run` reads what was logged."""
        return RunInputs()

    # -- metrics ---------------------------------------------------------------------------------------------

    def log_metric(self, key: str, value: float, step: int = 0, timestamp: int | None = None) -> None:
        """Record one point; about a microsecond, and it survives the death of the process.

        Raises:
            InvalidValue: A key that is not allowed, a value that is not a number, a step that is not whole.
        """
        if type(key) is not str or key not in self._keys:
            self._keys[limits.check_key("metric", key)] = key
        if type(value) is not float:
            value = limits.number(key, value)
        if type(step) is not int or not -0x8000000000000000 <= step < 0x8000000000000000:
            step = limits.integer("step", step)
        time_ms = _now_ns() // 1_000_000 if timestamp is None else limits.time_ms(timestamp)
        if self.models and (model_id := self.models.get(step) or self.models.get(None)):
            self.log_model_points((Metric(key, value, time_ms, step, model_id=model_id),))
            return
        if self._forks != writing.forks:
            self._reopen()
        self._journal.append_point(key, step, time_ms, value)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0, timestamp: int | None = None) -> None:
        """Record one point of each series at the same step and time. Raises as `log_metric`; then none is kept."""
        keys, values = tuple(metrics), list(metrics.values())
        for key in keys:
            if key not in self._keys:
                self._keys[limits.check_key("metric", key)] = key
        if set(map(type, values)) - {float}:
            values = [limits.number(key, value) for key, value in metrics.items()]
        if not keys:
            return
        step = limits.integer("step", step)
        time_ms = _now_ns() // 1_000_000 if timestamp is None else limits.time_ms(timestamp)
        if self.models and (model_id := self.models.get(step) or self.models.get(None)):
            pairs = zip(keys, values, strict=True)
            self.log_model_points(tuple(Metric(k, v, time_ms, step, model_id=model_id) for k, v in pairs))
            return
        self._own_journal().append_row(keys, step, time_ms, values)

    def log_model_points(self, points: Sequence[Metric], inputs: Sequence[DatasetInput] = ()) -> None:
        """Record points, checked ones, that are of the logged models they name too, and what they were measured on."""
        made = set(self.models.values())
        used = dict.fromkeys(
            ModelInput(each.model_id) for each in points if each.model_id and each.model_id not in made
        )
        self._own_journal().append(Facts(model_points=tuple(points), inputs=tuple(inputs), model_inputs=tuple(used)))

    def log_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Record points of many steps: (key, step, time in milliseconds, value). The values are floats.

        Raises:
            InvalidValue: A key that is not allowed; then none is kept.
        """
        for key in {point[0] for point in points}.difference(self._keys):
            self._keys[limits.check_key("metric", key)] = key
        if self.models:
            for key, step, time_ms, value in points:
                self.log_metric(key, value, step, time_ms)
        elif points:
            self._own_journal().append_points(points)

    def log_series(self, series: Series) -> None:
        """Record a stretch of one metric, as columns. Raises: InvalidValue if its key is not allowed."""
        if series.key not in self._keys:
            self._keys[limits.check_key("metric", series.key)] = series.key
        if self.models:
            for step, time_ms, value in zip(series.steps, series.times, series.values, strict=True):
                self.log_metric(series.key, value, step, time_ms)
        elif len(series):
            self._own_journal().append_series(series)

    # -- params, tags, datasets ------------------------------------------------------------------------------

    def log_param(self, key: str, value: Any) -> Any:
        """Record a param as text and return the value given.

        Raises:
            InvalidValue: The key is not allowed, or the value too long.
            ParamConflict: The run already has another value.
        """
        self.log_params({key: value})
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record params. Raises as `log_param`; then none is kept."""
        new: dict[str, str] = {}
        for key, value in params.items():
            limits.check_key("param", key)
            shown = limits.text("param", key, value, limits.PARAM_LENGTH, truncate=self._truncate)
            old = self._params.get(key)
            if old is None:
                new[key] = shown
            elif old != shown:
                raise ParamConflict(key, old, shown, self.run_id)
        if new:
            self._params.update(new)
            self._own_journal().append(Facts(params=new))

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag. Raises: InvalidValue."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags. Raises: InvalidValue; then none is set."""
        checked = {
            limits.check_key("tag", key): limits.text("tag", key, value, limits.TAG_LENGTH, truncate=self._truncate)
            for key, value in tags.items()
        }
        if checked:
            name = checked.get(Tags.RUN_NAME)
            change = RunChange(run_name=name) if name is not None else None
            self._own_journal().append(Facts(tags=checked, change=change))

    def delete_tag(self, key: str) -> None:
        """Remove a tag; one that is not there is no error here. Raises: InvalidValue for a bad key."""
        self._own_journal().append(Facts(deleted_tags=(limits.check_key("tag", key),)))

    def append(self, facts: Facts) -> None:
        """Record facts that have been checked."""
        self._own_journal().append(facts)

    def log_input(self, dataset: DatasetInput) -> None:
        """Record that a dataset went into the run."""
        self._own_journal().append(Facts(inputs=(dataset,)))

    # -- files, children -------------------------------------------------------------------------------------

    def log_file(self, path: str, content: bytes | Path) -> None:
        """Record an artifact by way of the journal, a large one of the spool folder beside it; the writer thread
        carries it to the artifact store.

        Args:
            path: The artifact's path.
            content: Bytes, or a file, which is moved away or left, as is cheaper.

        Raises:
            UnsafePath: `path` is no safe artifact path.
            OSError: The spool folder cannot be written.
        """
        journal = self._own_journal()
        if not isinstance(journal, Silence):
            spool.append_file(journal, path, content)

    def log_model(self, start: ModelStart, folder: Path) -> None:
        """Record a logged model with the files of a folder, by way of the journal. Raises: as `log_file`."""
        journal = self._own_journal()
        if not isinstance(journal, Silence):
            spool.append_model(journal, start, folder)

    def add_child(self, child: Batch) -> str:
        """Record a whole run as a child of this one, in one entry, and return its id."""
        if child.start is None:
            raise ValueError("a child run needs a start")
        run_id = new_id()
        tags = {**child.start.tags, Tags.PARENT_RUN_ID: self.run_id}
        start = RunStart(
            child.start.experiment_id or self._start.experiment_id,
            child.start.run_name or f"{self._start.run_name}/{run_id[-4:]}",
            child.start.start_time,
            child.start.user_id or self._start.user_id,
            tags,
        )
        child.start = start
        self._own_journal().append(child_of(run_id, child))
        return run_id

    # -- the end ---------------------------------------------------------------------------------------------

    def end(self, status: str = RunStatus.FINISHED, error: BaseException | None = None) -> None:
        """End the run with a status; a second end changes nothing. The writer delivers it in its own time."""
        if self.ended:
            return
        self.ended = True
        context.remove(self)
        if not self.owned or self._forks != writing.forks:
            return
        followers.ending(self.run_id, error)
        if error is not None:
            self.set_tags(ending.describe(error))
        if self._journal.dropped:
            self.set_tag("steno.dropped_points", self._journal.dropped)
        ended = max(self.last_seen_ms or _now_ns() // 1_000_000, self._start.start_time)  # a clock may be set back
        change = RunChange(RunStatus(status).value, ended)
        self._journal.append(Facts(change=change))
        self.release()
        ending.forget(self)
        plugins().hooks.run_ended(self, error)

    def release(self) -> None:
        """Say that nothing more comes from this handle: once delivered, its journal may go."""
        if not isinstance(self._journal, Silence):
            # The writer is not woken: its work would fall into the caller's next lines, which may be a training.
            self._carrier.closing = True
            self._forks = -1  # what is logged all the same begins a journal of its own

    def further(self) -> ActiveRun:
        """Return one more handle on this run, for what comes after its end; `release()` it when done."""
        handle = _attach(self.run_id, self.store_uri, self._start)
        handle.models = self.models
        return handle

    def flush(self) -> bool:
        """Carry everything to the store now; False if it could not be, and then it stays in the journal."""
        return writing.flush(self.run_id)

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        status = ending.status_of(error)
        self.end(status, error if status != RunStatus.FINISHED else None)

    # -- other processes -------------------------------------------------------------------------------------

    def _own_journal(self) -> Journal | Silence:
        if self._forks != writing.forks:
            self._reopen()
        return self._journal

    def _reopen(self) -> None:
        self.owned = False
        self._open_journal(create=False)

    def __reduce__(self) -> tuple[Callable[..., ActiveRun], tuple[Any, ...]]:
        return _attach, (self.run_id, self.store_uri, self._start)

    def __repr__(self) -> str:
        state = "ended" if self.ended else "open"
        return f"<ActiveRun {self._start.run_name!r} {self.run_id} ({state})>"


def _attach(run_id: str, store_uri: str, start: RunStart) -> ActiveRun:
    """A handle on a run of another process."""
    return ActiveRun(run_id, store_uri, start, create=False, owned=False)


def open_run(
    *,
    store_uri: str | None = None,
    run_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    experiment_id: str = "0",
    start_time: int | None = None,
) -> ActiveRun:
    """Begin a run without making it the active one. Touches the journal only, never the store."""
    start = start_of(run_name, tags, experiment_id, start_time)
    run = ActiveRun(new_id(), store_uri or places.get_tracking_uri(), start)
    ending.watch(run)
    plugins().hooks.run_started(run)
    return run


def start_of(
    run_name: str | None, tags: Mapping[str, str] | None, experiment_id: str, start_time: int | None
) -> RunStart:
    """Return what a run begins with: the tags of plugins and those given, a name where none was."""
    from steno.tracking.names import random_name

    found = plugins().hooks.run_tags()
    found.update(tags or {})
    found[Tags.RUN_NAME] = run_name or found.get(Tags.RUN_NAME) or random_name()
    found = {key: limits.encodable(str(value)) for key, value in found.items()}
    name = found[Tags.RUN_NAME]
    return RunStart(experiment_id, name, start_time or _now_ns() // 1_000_000, found.get(Tags.USER, ""), found)


def process_is_silent() -> bool:
    """Whether this process is a rank above 0, which records nothing unless asked to."""
    chosen = settings.load(only=("rank", "record_all_ranks"))
    return chosen.rank > 0 and not chosen.record_all_ranks
