"""The fixtures of `pytest -p steno.testing`, which the suites inherit: a store, runs, faults, strictness, a canary."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import steno
from steno import settings
from steno.autolog import autolog, autolog_one
from steno.records import Run
from steno.testing.canary import Canary, canary_in
from steno.testing.faulty import FaultyStore, faulty_store
from steno.testing.processes import python
from steno.tracking import experiments, places


def runs_of_test() -> list[Run]:
    """Return every run in the store of this test, the oldest first; what is under way to it is waited for."""
    steno.flush()
    found: list[Run] = steno.search_runs(output_format="list")
    return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))


class Fixtures:
    """Each is a fixture of the name it has here."""

    @pytest.fixture
    def steno_store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """A store and journal of this test's own, nothing set from outside, nothing watched: the store's address.

        The working directory is the test's `tmp_path`. Afterwards autologging is off, and every run has ended.
        """
        for variable in settings.variables():
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("STENO_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
        monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "journals"))
        autolog(disable=True)
        yield steno.get_tracking_uri()
        autolog(disable=True)
        while steno.active_run() is not None:
            steno.end_run()
        steno.flush()
        experiments.forget()
        places.forget_stores()

    @pytest.fixture
    def steno_autolog(self, steno_store: str) -> Callable[..., None]:
        """Switches watching on for this test: `steno_autolog("mine", log_models=False)`, without a name everything."""

        def switch(name: str | None = None, **options: Any) -> None:
            if name is None:
                autolog(**options)
            else:
                autolog_one(name, **options)

        return switch

    @pytest.fixture
    def steno_runs(self, steno_store: str) -> Callable[[], list[Run]]:
        """Reads the runs of this test, the oldest first, once everything has arrived."""
        return runs_of_test

    @pytest.fixture
    def steno_faulty_store(
        self, steno_store: str, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[str], AbstractContextManager[FaultyStore]]:
        """Lets the test's store fail for a while: `with steno_faulty_store("hangs"):`; see `faulty.FAULTS`.

        At the end of the block it is well again, and has everything that waited for it.
        """
        return lambda fault: faulty_store(fault, monkeypatch)

    @pytest.fixture
    def steno_strict(self, steno_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lets what an integration got wrong be raised after the user's call, rather than contained."""
        monkeypatch.setenv("STENO_STRICT", "1")

    @pytest.fixture
    def steno_canary(self, tmp_path_factory: pytest.TempPathFactory) -> Canary:
        """An object whose pickle, or a module whose import, leaves a trace: `assert not steno_canary.executed`."""
        return canary_in(tmp_path_factory.mktemp("canary"))

    @pytest.fixture
    def steno_python(self, steno_store: str) -> Callable[..., subprocess.CompletedProcess[str]]:
        """Runs Python text in a clean process with this test's store; fails, with what it wrote, if it fails."""
        return python
