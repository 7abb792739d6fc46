"""A model for Ray's datasets: a function that its workers call, or a class of which `map_batches` makes actors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from steno.errors import InvalidValue, MissingDependency

from steno_scoring.archive import packed, unpack
from steno_scoring.declared import fields_of
from steno_scoring.sent import choose, sent
from steno_scoring.tables import TableScorer, framed


class RayObject(Struct, frozen=True):
    """An archive in Ray's object store, which brings it to each machine once."""

    name: str
    reference: Any

    def folder(self) -> Path:
        """Return where this process unpacked it."""
        import ray

        return unpack(ray.get(self.reference), self.name)


def ray_predictor(
    model_uri: str | Path,
    *,
    params: Mapping[str, Any] | None = None,
    keep: Collection[str] = (),
    model_config: Mapping[str, Any] | str | Path | None = None,
    trusted: Collection[str] = (),
    actors: bool = False,
) -> Callable[..., Any]:
    """Return a function for `ray.data.Dataset.map_batches`.

        predictor = steno.pyfunc.ray_predictor("models:/churn@champion", keep=["customer"])
        dataset.map_batches(predictor, batch_format="pandas")

    Each of Ray's worker processes loads the model once, when it first has a batch.

    Args:
        model_uri: As for `load_model`; followed now, and on this machine. Ray's object store brings the model to
            every machine that has an actor.
        params: Of the model's `predict`.
        keep: Columns of the batch to have before the predictions.
        model_config: Goes before the configuration saved with it.
        trusted: What it may construct beyond its framework's own types, by qualified name.
        actors: Return a class instead, of which Ray makes actors that have the model before their first batch: for
            models that take long to load, or a GPU each. They start anew with each dataset, which takes seconds.

    Raises:
        MissingDependency: Ray, or what its datasets need, is not installed.
        InvalidValue: A prediction has the name of a column that is to be kept.
        NotFound, ModelError, UntrustedTypes, SchemaMismatch: As from `load_model`, and for params.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependency("steno.pyfunc.ray_predictor", "'steno[ray]'") from error

    chosen = choose(model_uri, params=params, model_config=model_config, trusted=trusted)
    signature = chosen.manifest.signature
    fields = fields_of(signature.outputs if signature is not None else None)
    kept = [keep] if isinstance(keep, str) else list(keep)
    if taken := set(kept) & {name for name, _ in (fields.fields if fields is not None else ())}:
        raise InvalidValue(f"the model predicts {', '.join(sorted(taken))}, so no column of that name can be kept")
    place = RayObject(chosen.name, ray.put(packed(chosen.path)))
    scorer = TableScorer(sent(chosen, place), chosen.params, fields)
    return _actor(scorer, kept) if actors else _function(scorer, kept)


def _function(scorer: TableScorer, kept: list[str]) -> Callable[[Any], Any]:
    def predict(batch: Any) -> Any:
        """Return the predictions, beside the columns that are kept."""
        return _beside(framed(batch), kept, scorer)

    return predict


def _actor(scorer: TableScorer, kept: list[str]) -> type:
    class Predictor:
        """Predictions for batches; made once in each actor, which then has the model."""

        def __init__(self) -> None:
            scorer.model.model()

        def __call__(self, batch: Any) -> Any:
            """Return the predictions, beside the columns that are kept."""
            return _beside(framed(batch), kept, scorer)

    return Predictor


def _beside(data: Any, kept: list[str], scorer: TableScorer) -> Any:
    import pandas as pd

    if missing := [name for name in kept if name not in data.columns]:
        raise InvalidValue(f"the columns {missing} are to be kept, and the batch has {list(data.columns)}")
    found = scorer.score(data)
    return pd.concat([data[kept], found], axis=1) if kept else found
