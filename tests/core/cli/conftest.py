"""A store with a few runs in it, and the command line to look at them with."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from steno.cli.root import steno as command_line
from steno.cli.session import Session
from steno.contracts.stores import RunStore
from steno.records import (
    Batch,
    Dataset,
    DatasetInput,
    InputTag,
    ModelOutput,
    RunChange,
    RunStart,
)
from steno.tracking import places

START_MS = 1_700_000_000_000
RUN_IDS = ["0" * 24 + "aaaa0001", "0" * 24 + "aaaa0002", "0" * 24 + "bbbb0003"]


@pytest.fixture(autouse=True)
def closed_stores():
    """Each test opens its own stores."""
    yield
    places.forget_stores()


@pytest.fixture
def steno():
    """The command line, called as a user would; `status` is the exit status that is expected, None for any."""

    def call(*words: str, status: int | None = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(command_line, [str(word) for word in words], obj=Session(), input=stdin)
        assert status in (None, result.exit_code), (result.output, result.exception)
        return result

    return call


@pytest.fixture
def steno_json(steno):
    """The same with `--json`, read back."""
    return lambda *words, status=0: json.loads(steno(*words, "--json", status=status).stdout)


@dataclass
class Seeded:
    """What the store holds: three runs in two experiments, "first" and "second" in vision, "third" in Default."""

    store: RunStore
    vision: str


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    store = places.run_store(places.get_tracking_uri())
    vision = store.create_experiment("vision", tags={"team": "eyes"}).experiment_id
    for index, (run_id, name) in enumerate(zip(RUN_IDS, ["first", "second", "third"], strict=True)):
        store.write(run_id, _run(index, name, vision if index < 2 else "0"))
    return Seeded(store, vision)


def _run(index: int, name: str, experiment_id: str) -> Batch:
    started = START_MS + index * 60_000
    batch = Batch(
        start=RunStart(experiment_id, name, started, "ada", {"team": "eyes", "mlflow.source.name": "train.py"})
    )
    batch.params = {"lr": f"0.{index + 1}", "optimizer": "adam"}
    for step in range(10):
        batch.add_metric("loss", 1.0 / (step + 1) + index, started + step, step)
    batch.add_metric("spike", 1.0, started, 0)
    batch.add_metric("spike", 1000.0, started, 1)
    batch.add_metric("spike", 1.0, started, 2)
    if index == 2:
        batch.add_metric("broken", math.nan, started, 0)
    batch.inputs = [
        DatasetInput(Dataset("digits", "d1", "local", "{}"), (InputTag("mlflow.data.context", "training"),))
    ]
    batch.outputs = [ModelOutput("m-1", 9)]
    batch.change = RunChange("FAILED" if index == 1 else "FINISHED", started + 65_000)
    return batch
