"""A mirror for TensorBoard: what steno records is also written as event files; and the way back.

`STENO_TENSORBOARD_DIR` says where; default `tensorboard` in the working directory as the run begins.
"""

from __future__ import annotations

import os
from typing import Any

from steno.hookspecs import hookimpl
from steno.records import Batch

_roots: dict[str, str] = {}
"""Where each run's files go, told on the thread that opened it: the working directory may change later."""


@hookimpl
def steno_register_importers(register: Any) -> None:
    """Offer `steno import tensorboard`."""
    register(
        "tensorboard",
        "steno_tensorboard.importing:importer",
        requires="tensorboard>=2.17",
        description="a folder of event files",
    )


@hookimpl
def steno_run_started(run: Any) -> None:
    """Remember where the run's files go."""
    _roots[run.run_id] = root()


@hookimpl
def steno_batch_written(run_id: str, batch: Batch, store_uri: str) -> None:
    """Write what the store has to event files."""
    from steno_tensorboard.mirror import mirror

    mirror.write(run_id, batch, store_uri, _roots.pop(run_id, "") or root())


def root() -> str:
    """The folder of all event files, as the environment says it now."""
    return os.path.abspath(os.environ.get("STENO_TENSORBOARD_DIR") or "tensorboard")
