"""The suite for integrations, part five: other processes, with steno and without (P5, P7, P12)."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from steno.autolog import autolog, switch
from steno.errors import ModelError
from steno.models.pickles import imports
from steno.records import Run
from steno.testing.processes import python
from steno.testing.trainings import Trainings
from steno.testing.watched import Target, targets
from steno.testing.worker import ATTEMPTS

NOT_KEPT = "steno.model_not_kept"

# Both halves import the framework; they run side by side, and each begins without it.
_SCRIPT = """
import json, os, pickle, sys, traceback
with open(sys.argv[1], "rb") as file:
    task = pickle.load(file)

def clean():
    told = {}
    sys.modules["steno"] = None  # to import it fails, as where it is not installed
    for name, pickled in task["pickles"].items():
        try:
            pickle.loads(pickled)
        except BaseException:
            told[name] = traceback.format_exc()
    del sys.modules["steno"]
    from steno.testing.worker import load_models
    told |= load_models(task["models"], task["trusted"])
    with open(os.path.join(task["folder"], "clean.json"), "w") as file:
        json.dump(told, file)

child = os.fork() if task["clean"] else None
if child == 0:
    status = 1
    try:
        clean()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
if task["ways"]:
    from steno.testing.worker import Task, try_ways
    try_ways(Task(*task["class"], task["folder"], task["ways"]))
if child is not None:
    status = os.waitpid(child, 0)[1]
    assert status == 0, f"the clean process ended with {status}"
"""
_told: dict[type, dict[str, Any]] = {}


class ElsewhereTests(Trainings):
    """One process for all of these tests of a class, started by the first that runs; see `ways`."""

    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> dict[str, Any]:
        """What went on in the processes of this class, by what was tried."""
        if type(self) not in _told:
            _told[type(self)] = self._ask(tmp_path)
        return _told[type(self)]

    def test_pickles_load_where_steno_is_not_installed(self, elsewhere: dict[str, Any]) -> None:
        """What is watched, and what a watched training returns, travel to a machine without steno."""
        self._needs("clean", elsewhere)
        assert {name: elsewhere["clean"].get(name, "") for name in elsewhere["pickles"]} == dict.fromkeys(
            elsewhere["pickles"], ""
        )

    def test_a_model_that_is_kept_loads_in_a_clean_process(self, elsewhere: dict[str, Any]) -> None:
        """Each model of the run is read back by steno alone, trusting `trusted`; else the run says why not."""
        self._needs("clean", elsewhere)
        models, why_not = elsewhere["models"], elsewhere["why not"]
        assert models or not self.keeps_models, f"no model was kept: {why_not or 'and the run does not say why'}"
        if not models:
            pytest.skip(f"a training leaves no model ({why_not or 'none is promised: keeps_models is False'})")
        assert {uri: elsewhere["clean"].get(uri) for uri in models} == dict.fromkeys(models, "")

    def test_the_first_training_leaves_no_trace_in_the_framework(self, elsewhere: dict[str, Any]) -> None:
        """What is put there once and for all stays after switching off; told in a process that has never been on."""
        assert self._told("fork: on and off", elsewhere) == []

    def test_a_training_in_a_forked_process_is_a_run_of_its_own(self, elsewhere: dict[str, Any]) -> None:
        """The child has what the parent had switched on."""
        assert self._told("fork: by itself", elsewhere) == [f"FINISHED: a training by {self.name}"] * self.runs

    def test_a_training_in_a_forked_process_joins_the_users_run(self, elsewhere: dict[str, Any]) -> None:
        """It neither begins another nor ends that one."""
        assert self._told("fork: in a run of the user's", elsewhere) == ["FINISHED: the user's"]

    def test_a_training_in_a_forked_worker_of_a_search_is_none_of_its_own(self, elsewhere: dict[str, Any]) -> None:
        """The search is the run, whichever process its candidates are trained in."""
        assert self._told("fork: in a search", elsewhere) == ["FINISHED: a search"]

    def test_a_training_in_a_spawned_process_is_a_run_of_its_own(self, elsewhere: dict[str, Any]) -> None:
        """The child switches watching on by itself, as a script does that is imported again."""
        assert self._told("spawn: by itself", elsewhere) == [f"FINISHED: a training by {self.name}"] * self.runs

    def test_a_training_in_a_loky_worker_of_a_search_is_none_of_its_own(self, elsewhere: dict[str, Any]) -> None:
        """The search is the run; workers in which nobody has switched anything on record nothing."""
        assert self._told("loky: in a search", elsewhere) == ["FINISHED: a search"]

    def test_trainings_in_loky_workers_are_runs_of_their_own(self, elsewhere: dict[str, Any]) -> None:
        """Where a worker switches watching on."""
        assert self._told("loky: by itself", elsewhere) == [f"FINISHED: a training by {self.name}"] * 2 * self.runs

    # -- asking ----------------------------------------------------------------------------------------------

    def _told(self, what: str, elsewhere: dict[str, Any]) -> Any:
        way = what.partition(":")[0]
        self._needs(way, elsewhere)
        if way == "loky" and importlib.util.find_spec("joblib") is None:
            pytest.skip("joblib is not installed")
        told = elsewhere["ways"][what]
        if isinstance(told, str):
            pytest.fail(told, pytrace=False)
        return told

    def _needs(self, way: str, elsewhere: dict[str, Any]) -> None:
        if way not in self.ways:
            pytest.skip(f"`ways` of this class leaves out {way!r}")
        if elsewhere["problem"]:
            pytest.fail(elsewhere["problem"], pytrace=False)

    def _ask(self, folder: Path) -> dict[str, Any]:
        unknown = set(self.ways) - {"clean", *(what.partition(":")[0] for what in ATTEMPTS)}
        assert not unknown, f"no such ways: {unknown}"
        ways = [way for way in self.ways if way != "clean"]
        if importlib.util.find_spec("joblib") is None:
            ways = [way for way in ways if way != "loky"]
        if not self.ways:
            return {"problem": ""}
        told: dict[str, Any] = {"problem": "", "clean": {}, "ways": {}, **self._trained()}
        module = sys.modules[type(self).__module__]
        task = {
            "class": (module.__name__, module.__file__, type(self).__qualname__),
            "folder": str(folder),
            "ways": tuple(ways),
            "clean": "clean" in self.ways,
            "trusted": self.trusted,
            **{key: told[key] for key in ("pickles", "models")},
        }
        (folder / "task").write_bytes(pickle.dumps(task))
        try:
            python(_SCRIPT, folder / "task")
        except AssertionError as error:
            told["problem"] = str(error)
        for name, file in (("clean", "clean.json"), ("ways", "told.json")):
            if (folder / file).exists():
                told[name] = json.loads((folder / file).read_text())
        return told

    def _trained(self) -> dict[str, Any]:
        """Train here, watched, and return what is to be loaded there."""
        self.on()
        result = self.train()
        ours = filter(self._is_the_frameworks, targets(self.name))
        things = {f"{target.owner.__name__}.{target.name}": target.pickled() for target in ours}
        things["the result"] = self._pickled(result)
        found = self.recorded()
        autolog(disable=True)
        return {
            "pickles": {name: data for name, data in things.items() if data and not self._is_of_this_module(data)},
            "models": [uri for run in found for uri in _models(run)],
            "why not": "; ".join(run.data.tags[NOT_KEPT] for run in found if NOT_KEPT in run.data.tags),
        }

    def _pickled(self, result: Any) -> bytes | None:
        try:
            data = pickle.dumps(result)
            pickle.loads(data)
        except Exception:  # advice: the framework's own affair, it may refuse in any way
            return None
        return data

    def _is_of_this_module(self, data: bytes) -> bool:
        """Whether a pickle needs the test's own module, which imports steno itself."""
        try:
            return any(name.startswith(f"{type(self).__module__}.") for name in imports(data, "a pickle"))
        except ModelError:
            return False

    def _is_the_frameworks(self, target: Target) -> bool:
        """Whether a watched function is no class's of some user who imports steno, as other test modules do."""
        wakes = {each.strip().partition(".")[0] for each in switch.watcher(self.name).offer.when.split("|")}
        owner = target.owner.__name__ if isinstance(target.owner, ModuleType) else target.owner.__module__
        return owner.partition(".")[0] in wakes


def _models(run: Run) -> list[str]:
    return [f"models:/{made.model_id}" for made in run.outputs.model_outputs]
