"""An audit trail for training: secrets stay out of the store, and every run and model leaves a line in a file.

`STENO_AUDIT_FILE` says which file; default `steno-audit.jsonl` in the working directory.
"""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from steno.errors import ModelError
from steno.hookspecs import hookimpl
from steno.records import Batch

SECRET = re.compile(r"passw|secret|token|api_?key|credential", re.IGNORECASE)


@hookimpl
def steno_register_commands(cli: click.Group) -> None:
    """Add `steno audit`."""
    cli.add_command(audit)


@hookimpl
def steno_run_tags() -> Mapping[str, str]:
    """Tag each run with the machine it ran on."""
    return {"audit.host": platform.node() or "unknown", "audit.platform": platform.platform()}


@hookimpl
def steno_run_started(run: Any) -> None:
    """Note that a run began."""
    _note("run_started", run_id=run.info.run_id)


@hookimpl
def steno_before_write(batch: Batch) -> None:
    """Blank the params and tags whose name says that they are secret, in child runs too."""
    for values in (batch.params, batch.tags, batch.start.tags if batch.start else {}):
        values.update({key: "[secret]" for key in values if SECRET.search(key)})
    for _, child in batch.children:
        steno_before_write(child)


@hookimpl
def steno_run_ended(run: Any, error: BaseException | None) -> None:
    """Note how a run ended."""
    _note("run_ended", run_id=run.info.run_id, error=None if error is None else type(error).__name__)


@hookimpl
def steno_integration_failed(integration: str, target: str, error: BaseException) -> None:
    """Note what autologging could not record."""
    _note("integration_failed", integration=integration, target=target, error=repr(error))


@hookimpl
def steno_model_saved(run_id: str | None) -> None:
    """Note that a model was written."""
    _note("model_saved", run_id=run_id)


@hookimpl
def steno_before_model_load(manifest: Any, untrusted: frozenset[str]) -> None:
    """Refuse every model that holds a type nobody vouched for, and note it."""
    if untrusted:
        _note("model_refused", run_id=getattr(manifest, "run_id", None), types=sorted(untrusted))
        raise ModelError(f"the audit plugin refuses a model with the types {sorted(untrusted)}")


@hookimpl
def steno_model_version_changed(before: Any, after: Any) -> None:
    """Note where a version of a registered model stood, and where it stands."""
    stood, stands = (each and f"{each.name}/{each.version}: {each.current_stage}" for each in (before, after))
    _note("model_version_changed", before=stood, after=stands)


@click.command()
def audit() -> None:
    """Print the audit trail."""
    path = _file()
    click.echo(path.read_text("utf-8") if path.exists() else f"{path} does not exist yet", nl=False)


def _file() -> Path:
    return Path(os.environ.get("STENO_AUDIT_FILE", "steno-audit.jsonl"))


def _note(event: str, **facts: Any) -> None:
    # Opened for each line, and each line written at once: lines of parallel processes do not mix.
    with _file().open("a", encoding="utf-8", buffering=1) as file:
        file.write(json.dumps({"time": round(time.time(), 3), "event": event, **facts}) + "\n")
