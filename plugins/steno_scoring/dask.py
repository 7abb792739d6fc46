"""A model for Dask's data frames: each partition scored where it is, with the types that the signature declares."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from steno.errors import InvalidValue, MissingDependency, NotFound
from steno.models import validate_schema
from steno.models.signature import ModelSignature

from steno_scoring.archive import archives, packed
from steno_scoring.declared import ALONE, empty, fields_of
from steno_scoring.sent import Chosen, Here, Place, choose, sent
from steno_scoring.tables import TableScorer


class DaskFile(Struct, frozen=True):
    """An archive that a client registered with the cluster: each worker unpacks it as it comes."""

    name: str

    def folder(self) -> Path:
        """Return where this worker put it. Raises: NotFound."""
        folder = archives() / self.name
        if not folder.is_dir():
            raise NotFound(
                f"this process has no files of {self.name}: it is no worker of the cluster whose client was there as "
                "dask_map was called; call it again with the client that computes"
            )
        return folder


def dask_map(
    frame: Any,
    model_uri: str | Path,
    *,
    params: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | str | Path | None = None,
    trusted: Collection[str] = (),
) -> Any:
    """Return a model's predictions for a Dask DataFrame, lazily: with its index and partitions.

        frame["score"] = steno.pyfunc.dask_map(frame[["age", "visits"]], "models:/churn@champion")

    They are a Series where the signature has one output without a name, else a DataFrame.

    Args:
        frame: A `dask.dataframe.DataFrame`. Where a `distributed.Client` is there, its cluster is given the model;
            else the processes of this machine read it from disk.
        model_uri: As for `load_model`; followed now, and on this machine.
        params: Of the model's `predict`.
        model_config: Goes before the configuration saved with it.
        trusted: What it may construct beyond its framework's own types, by qualified name.

    Raises:
        MissingDependency: Dask's data frames are not installed.
        InvalidValue: No such frame, or a model whose signature does not say what it predicts.
        SchemaMismatch: The frame's columns are not what the model takes.
        NotFound, ModelError, UntrustedTypes: As from `load_model`.
    """
    try:
        from dask import dataframe
    except ImportError as error:
        raise MissingDependency("steno.pyfunc.dask_map", "'steno[dask]'") from error

    if not isinstance(frame, dataframe.DataFrame):
        raise InvalidValue(f"a dask.dataframe.DataFrame is needed, not {type(frame).__name__}")
    chosen = choose(model_uri, params=params, model_config=model_config, trusted=trusted)
    signature = chosen.manifest.signature or ModelSignature()
    fields = fields_of(signature.outputs)
    if fields is None:
        raise InvalidValue(
            f"the signature of model {model_uri} does not say what it predicts, so Dask cannot know its columns; "
            "steno.models.set_signature adds it"
        )
    if signature.inputs is not None and not signature.inputs.is_tensors:
        validate_schema(frame._meta, signature.inputs)
    scorer = TableScorer(sent(chosen, _placed(chosen)), chosen.params, fields)
    alone = [name for name, _ in fields.fields] == [ALONE]
    meta = empty(fields)
    return frame.map_partitions(_column if alone else _table, scorer, meta=meta[ALONE] if alone else meta)


def _table(data: Any, scorer: TableScorer) -> Any:
    return scorer.score(data)


def _column(data: Any, scorer: TableScorer) -> Any:
    return scorer.score(data)[ALONE]


def _placed(chosen: Chosen) -> Place:
    """Give the model to the cluster of the client that is there, if one is: its workers may be on other machines."""
    distributed = sys.modules.get("distributed")  # a client cannot be there without it
    try:
        client = distributed.default_client() if distributed is not None else None
    except ValueError:
        client = None
    if client is None:
        return Here(str(chosen.path))
    from steno_scoring.dask_workers import ModelFiles

    client.register_plugin(ModelFiles(chosen.name, packed(chosen.path)), name=chosen.name)
    return DaskFile(chosen.name)
