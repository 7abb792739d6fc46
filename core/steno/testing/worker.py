"""What the processes do in which the suite for integrations tries trainings: they make the author's class and train."""

from __future__ import annotations

import importlib
import importlib.util
import json
import multiprocessing
import sys
import traceback
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

import steno
from steno import settings
from steno.autolog import autolog, watch
from steno.contracts.integration import Patch
from steno.plugins import plugins
from steno.records import Tags
from steno.testing.fixtures import runs_of_test
from steno.testing.surface import changed, surface
from steno.testing.trainings import Trainings

PATIENCE_S = 40.0
Told = dict[str, Any]


class Task(Struct):
    """Whose trainings, and where.

    Attributes:
        module, file, name: The author's class: its module, that module's file, its name there.
        folder: An empty folder for stores and for the answer.
        ways: Ways of `Trainings.ways`.
    """

    module: str
    file: str
    name: str
    folder: str
    ways: tuple[str, ...]

    def suite(self) -> Trainings:
        """Return an object of the author's class, which knows no fixture."""
        module = sys.modules.get(self.module)
        if module is None:
            spec = importlib.util.spec_from_file_location(self.module, self.file)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[self.module] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        found = module
        for part in self.name.split("."):
            found = getattr(found, part)
        made: Trainings = found()  # type: ignore[operator]
        return made


def load_models(uris: list[str], trusted: tuple[str, ...]) -> Told:
    """Load each model in this process, and return what went wrong with it."""
    from steno.tracking.models import load_model

    return {uri: _problem(partial(load_model, uri, trusted=trusted)) for uri in uris}


def _problem(work: Callable[[], Any]) -> str:
    try:
        work()
    except BaseException:  # what a stranger's class does in a process of ours is told to the test
        return traceback.format_exc()
    return ""


def try_ways(task: Task) -> None:
    """Try each way, and write what runs there were to `told.json`."""
    suite = task.suite()
    told: Told = {}
    if "fork" in task.ways:
        trace = Path(task.folder, "trace.json")
        use_store(Path(task.folder, "trace"))
        told["fork: on and off"] = _problem(partial(_in_process, "fork", _on_and_off, (suite, trace)))
        told["fork: on and off"] = told["fork: on and off"] or json.loads(trace.read_text())
    for way, attempt in ATTEMPTS.items():
        if way.partition(":")[0] in task.ways:
            use_store(Path(task.folder, way.replace(": ", "-").replace(" ", "-").replace("'", "")))
            suite.on()
            problem = _problem(partial(attempt, suite, task))
            autolog(disable=True)
            found = [run for run in runs_of_test() if Tags.PARENT_RUN_ID not in run.data.tags]
            told[way] = problem or [kind(run) for run in found]
    Path(task.folder, "told.json").write_text(json.dumps(told))


def use_store(folder: Path) -> None:
    """Record to a store in this folder from now on, also in processes that are started."""
    folder.mkdir(exist_ok=True)
    settings.share("tracking_uri", f"sqlite:///{folder}/runs.db")
    settings.share("journal_dir", str(folder / "journals"))


def kind(run: Any) -> str:
    """Say in a few words what a run is."""
    by = run.data.tags.get(Tags.AUTOLOGGING)
    if run.data.params == {"candidates": "1"} and run.data.metrics == {"done": 1}:
        return f"{run.info.status}: a search"
    return f"{run.info.status}: a training by {by}" if by else f"{run.info.status}: the user's"


# -- the ways ------------------------------------------------------------------------------------------------


def search(work: Callable[[], Any]) -> Any:
    """Do some work in one call, as a search does."""
    return work()


def _records_a_search(call: Any) -> Generator[None, Any, None]:
    call.run.log_param("candidates", 1)
    yield
    call.run.log_metric("done", 1)


def _watch_search(suite: Trainings) -> None:
    watch(suite.name, sys.modules[__name__], [Patch("search", _records_a_search, many=True)])


def _train(suite: Trainings) -> None:
    suite.train()
    if suite.loop:
        autolog(disable=True)
    steno.flush()


def _train_spawned(task: Task) -> None:
    suite = task.suite()
    suite.on()
    _train(suite)


def _train_in_worker(task: Task, folder: Path, on: bool) -> None:
    use_store(folder)
    suite = task.suite()
    if on:
        suite.on()
    _train(suite)
    autolog(disable=True)


def _in_process(method: str, target: Callable[..., None], argument: Any) -> None:
    process = multiprocessing.get_context(method).Process(target=target, args=(argument,))  # type: ignore[attr-defined]
    process.start()
    process.join(PATIENCE_S)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"a training in a {method}ed process was not over after {PATIENCE_S:.0f} s")
    if process.exitcode:
        raise ChildProcessError(f"a {method}ed process ended with {process.exitcode}")


def _forked(suite: Trainings, task: Task) -> None:
    _in_process("fork", _train, suite)


def _forked_in_a_run(suite: Trainings, task: Task) -> None:
    with steno.start_run():
        _forked(suite, task)


def _forked_in_a_search(suite: Trainings, task: Task) -> None:
    _watch_search(suite)
    search(lambda: _forked(suite, task))


def _spawned(suite: Trainings, task: Task) -> None:
    _in_process("spawn", _train_spawned, task)


def _in_loky(task: Task, on: bool) -> None:
    joblib = importlib.import_module("joblib")
    folder = Path(settings.load().journal_dir or "").parent
    # One training each: a pool of two that gets two.
    joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(_train_in_worker)(task, folder, on) for _ in range(2))


def _in_a_search_by_loky(suite: Trainings, task: Task) -> None:
    _watch_search(suite)
    search(lambda: _in_loky(task, on=False))


def _by_loky(suite: Trainings, task: Task) -> None:
    _in_loky(task, on=True)


def _on_and_off(suite_and_trace: tuple[Trainings, Path]) -> None:
    """Switch on and off for the first time in this process, and write what is left in the framework."""
    suite, trace = suite_and_trace
    integration = plugins().integrations.offers[suite.name].load()
    names = {module.partition(".")[0] for module in integration.modules}
    before = surface(names)
    suite.train()
    by_itself = changed(before, between := surface(names))
    suite.on()
    suite.train()
    autolog(disable=True)
    left = changed(between, surface(names)) - by_itself
    trace.write_text(json.dumps(sorted({".".join(place) for place in left} - set(suite.unsteady))))


# In this order: a process should be forked before it has trained.
ATTEMPTS: dict[str, Callable[[Trainings, Task], None]] = {
    "fork: by itself": _forked,
    "fork: in a run of the user's": _forked_in_a_run,
    "fork: in a search": _forked_in_a_search,
    "spawn: by itself": _spawned,
    "loky: in a search": _in_a_search_by_loky,
    "loky: by itself": _by_loky,
}
