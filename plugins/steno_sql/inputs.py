"""What went into a run and what came out: the datasets it used and the models it made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select
from steno.records import Dataset, DatasetInput, ModelInput, ModelOutput, Tags

from steno_sql import sqlite
from steno_sql.schema import datasets, inputs, model_inputs, outputs

_NEW_DATASET = sqlite.insert(datasets).on_conflict_do_nothing()
_NEW_INPUT = sqlite.insert(inputs).on_conflict_do_nothing()
_NEW_MODEL_INPUT = sqlite.insert(model_inputs).on_conflict_do_nothing()
_NEW_OUTPUT = sqlite.insert(outputs).on_conflict_do_nothing()


def write_inputs(connection: Connection, number: int, experiment: int, used: Sequence[DatasetInput]) -> None:
    """Record the use of datasets; of a dataset that the run used already, the first tags stay."""
    position = connection.scalar(select(func.count()).select_from(inputs).where(inputs.c.run == number)) or 0
    rows = []
    for index, each in enumerate(used):
        rows.append(
            {
                "run": number,
                "dataset": _dataset(connection, experiment, each.dataset),
                "position": position + index,
                "context": next((tag.value for tag in each.tags if tag.key == Tags.DATASET_CONTEXT), None),
                "tags": msgspec.json.encode([(tag.key, tag.value) for tag in each.tags]).decode(),
            }
        )
    connection.execute(_NEW_INPUT, rows)


def _dataset(connection: Connection, experiment: int, dataset: Dataset) -> int:
    row: dict[str, Any] = {name: getattr(dataset, name) for name in dataset.__struct_fields__}
    connection.execute(_NEW_DATASET, {"experiment_id": experiment, **row})
    mine = (
        datasets.c.experiment_id == experiment,
        datasets.c.name == dataset.name,
        datasets.c.digest == dataset.digest,
    )
    return int(connection.execute(select(datasets.c.id).where(*mine)).scalar_one())


def write_model_inputs(connection: Connection, number: int, used: Sequence[ModelInput]) -> None:
    """Record the logged models that a run used."""
    connection.execute(_NEW_MODEL_INPUT, [{"run": number, "model_id": each.model_id} for each in used])


def write_outputs(connection: Connection, number: int, made: Sequence[ModelOutput]) -> None:
    """Record the models that a run made."""
    rows = [{"run": number, "model_id": each.model_id, "step": each.step} for each in made]
    connection.execute(_NEW_OUTPUT, rows)
