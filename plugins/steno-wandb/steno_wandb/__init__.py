"""A mirror for Weights & Biases: what steno records is also written as offline runs, which `wandb sync` takes.

And the way back. In training `wandb` itself is neither imported nor started: it would patch the process, and talk to a
service.
`STENO_WANDB_DIR` says where; default `wandb` in `WANDB_DIR` or the working directory as the run begins.
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
    """Offer `steno import wandb`."""
    register("wandb", "steno_wandb.importing:importer", requires="wandb>=0.18", description="a folder of offline runs")


@hookimpl
def steno_run_started(run: Any) -> None:
    """Remember where the run's files go."""
    _roots[run.run_id] = root()


@hookimpl
def steno_batch_written(run_id: str, batch: Batch, store_uri: str) -> None:
    """Write what the store has to the run's offline files."""
    folder = _roots.pop(run_id, "") or root()
    if os.environ.get("WANDB_MODE") == "disabled":
        return
    from steno_wandb.mirror import mirror

    mirror.write(run_id, batch, store_uri, folder)


def root() -> str:
    """The folder of all offline runs, as the environment says it now."""
    environ = os.environ
    return os.path.abspath(environ.get("STENO_WANDB_DIR") or os.path.join(environ.get("WANDB_DIR") or "", "wandb"))
