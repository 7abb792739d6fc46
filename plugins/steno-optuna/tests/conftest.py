"""What every test of the distribution stands on: a store of its own, Optuna silent, and the recorded runs as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import steno
from steno.records import Run, Tags

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Recorded:
    """The runs in the store, as they stand now."""

    def runs(self) -> list[Run]:
        """Every run, trials by their number."""
        steno.flush()
        found: list[Run] = steno.search_runs(output_format="list", max_results=1000)
        return sorted(found, key=lambda run: (run.info.start_time, int(run.data.tags.get("number", -1))))

    def tops(self) -> list[Run]:
        """Those without a parent."""
        return [run for run in self.runs() if Tags.PARENT_RUN_ID not in run.data.tags]

    def study(self) -> Run:
        """The only one without a parent."""
        (found,) = self.tops()
        return found

    def below(self, parent: Run) -> list[Run]:
        """Those directly below one, trials by their number."""
        found = [run for run in self.runs() if run.data.tags.get(Tags.PARENT_RUN_ID) == parent.info.run_id]
        return sorted(found, key=lambda run: int(run.data.tags.get("number", -1)))

    def trials(self) -> list[Run]:
        """The trials of the only study."""
        return self.below(self.study())

    def series(self, run: Run, key: str) -> list[tuple[int, float]]:
        """(step, value) of each point of a metric."""
        return [(point.step, point.value) for point in steno.Client().get_metric_history(run.info.run_id, key)]


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test an empty store, raise what is contained, and leave nothing of one test to another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STENO_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "journals"))
    monkeypatch.setenv("STENO_STRICT", "1")
    steno.autolog(disable=True)
    yield tmp_path
    steno.autolog(disable=True)
    while steno.active_run() is not None:
        steno.end_run()
    steno.flush()


@pytest.fixture
def recorded() -> Recorded:
    """What has been recorded."""
    return Recorded()


@pytest.fixture
def shape() -> Any:
    """A function that returns what tells two studies apart: their trials."""
    return lambda study: [(trial.number, trial.params, trial.values, trial.state) for trial in study.trials]
