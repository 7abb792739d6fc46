"""A partition or block scored: a table in, a table of predictions out, with the columns that the signature declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from steno.models import foreign_frames, frames

from steno_scoring import declared
from steno_scoring.predictions import table
from steno_scoring.results import Fields, fitted
from steno_scoring.sent import SentModel


class TableScorer(Struct, frozen=True):
    """What a worker is told: the model, its params, and the columns of its predictions, None if nobody knows them."""

    model: SentModel
    params: dict[str, Any]
    fields: Fields | None

    def score(self, data: Any) -> Any:
        """Return a DataFrame of predictions with the index of another, of inputs; no model is asked about no rows.

        Raises:
            SchemaMismatch: The columns are not what the model takes.
            ModelError: The model cannot be had here, or predicts what its signature does not declare.
        """
        if not len(data):
            return declared.empty(self.fields or declared.UNKNOWN).set_index(data.index)
        found = table(self.model.model().predict(data, self.params), len(data))
        found = fitted(found, self.fields) if self.fields is not None else declared.named(found)
        return found.set_axis(data.index, axis=0)


def framed(batch: Any) -> Any:
    """Return a batch as a DataFrame: one is as it is, arrays by column become one, and so do tables of others."""
    import pandas as pd

    if isinstance(batch, Mapping):
        cells = {name: list(v) if frames.is_ndarray(v) and v.ndim > 1 else v for name, v in batch.items()}
        return pd.DataFrame(cells)
    return batch if frames.is_dataframe(batch) else foreign_frames.as_pandas(foreign_frames.opened(batch))
