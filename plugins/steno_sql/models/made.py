"""What a batch says of logged models: those that a run makes, and points that are theirs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, bindparam, insert, select
from steno.records import Metric, ModelStart

from steno_sql.models import points
from steno_sql.models.rows import new_row, put_pairs, put_tags
from steno_sql.models.tables import logged_model_params, logged_models
from steno_sql.runs import slices, summary_from
from steno_sql.schema import experiments, params, series

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_NUMBERS = select(logged_models.c.model_id, logged_models.c.id).where(logged_models.c.model_id.in_(_IDS))
_ROOT = select(experiments.c.artifact_location).where(experiments.c.experiment_id == bindparam("wanted"))
_PARAMS = select(params.c.key, params.c.value).where(params.c.run == bindparam("number"))
_LAST = select(series).where(series.c.run == bindparam("number"))
_LAST_AT = _LAST.where(series.c.last_step == bindparam("step"))


def begin(connection: Connection, run_id: str, run: int, experiment: int, made: Sequence[ModelStart]) -> None:
    """Create the models that are not there yet, with the params and metrics that they have from their run."""
    there = _numbers(connection, [start.model_id for start in made])
    new = {start.model_id: start for start in made if start.model_id not in there}
    if not new:
        return
    where = str(connection.execute(_ROOT, {"wanted": experiment}).scalar_one())
    rows = [
        new_row(
            experiment, where, each.model_id, each.name,
            source_run_id=run_id, model_type=each.model_type, created=each.created,
        )
        for each in new.values()
    ]  # fmt: skip
    connection.execute(insert(logged_models), rows)
    of_run = dict(connection.execute(_PARAMS, {"number": run}).all())
    for model_id, number in _numbers(connection, list(new)).items():
        start = new[model_id]
        put_pairs(connection, logged_model_params, number, {**of_run, **start.params})
        put_tags(connection, number, start.tags)
        points.add(connection, ((number, run_id, point) for point in _from_run(connection, run, start)))


def log(connection: Connection, run_id: str, found: Sequence[Metric]) -> None:
    """Add points to the models they name; those of a model that is not there are the run's alone."""
    numbers = _numbers(connection, sorted({point.model_id or "" for point in found}))
    points.add(connection, ((numbers[p.model_id], run_id, p) for p in found if p.model_id in numbers))


def _numbers(connection: Connection, model_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in slices(model_ids):
        found.update(dict(connection.execute(_NUMBERS, {"ids": list(some)}).all()))
    return found


def _from_run(connection: Connection, run: int, start: ModelStart) -> list[Metric]:
    statement = _LAST if start.whole_run else _LAST_AT
    found = []
    for row in connection.execute(
        statement, {"number": run} if start.whole_run else {"number": run, "step": start.step}
    ):
        summary = summary_from(row)
        found.append(Metric(row.key, summary.last, summary.last_time, summary.last_step))
    return found
