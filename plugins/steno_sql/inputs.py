"""What went into a run and what came out: the datasets it used and the models it made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select
from steno.records import Dataset, DatasetInput, ModelInput, ModelOutput, Tags

from steno_sql.arriving import put_if_new
from steno_sql.schema import datasets, inputs, model_inputs, outputs

_DATASET = tuple(column.name for column in datasets.columns if not column.primary_key)
_NEW_DATASET = put_if_new(datasets, _DATASET)
_NEW_INPUT, _NEW_MODEL_INPUT, _NEW_OUTPUT = put_if_new(inputs), put_if_new(model_inputs), put_if_new(outputs)


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
    _NEW_INPUT.run_each(connection, rows)


def _dataset(connection: Connection, experiment: int, dataset: Dataset) -> int:
    row: dict[str, Any] = {name: getattr(dataset, name) for name in dataset.__struct_fields__}
    _NEW_DATASET.run(connection, {"experiment_id": experiment, **row})
    mine = (
        datasets.c.experiment_id == experiment,
        datasets.c.name == dataset.name,
        datasets.c.digest == dataset.digest,
    )
    return int(connection.execute(select(datasets.c.id).where(*mine)).scalar_one())


def write_model_inputs(connection: Connection, number: int, used: Sequence[ModelInput]) -> None:
    """Record the logged models that a run used."""
    _NEW_MODEL_INPUT.run_each(connection, [{"run": number, "model_id": each.model_id} for each in used])


def write_outputs(connection: Connection, number: int, made: Sequence[ModelOutput]) -> None:
    """Record the models that a run made."""
    rows = [{"run": number, "model_id": each.model_id, "step": each.step} for each in made]
    _NEW_OUTPUT.run_each(connection, rows)
