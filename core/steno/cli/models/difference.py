"""What differs between two versions: what was said of them, what they are made of, and what made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from steno.cli.group import SharedOptions
from steno.cli.models.reference import find_version, shown
from steno.cli.session import Session

if TYPE_CHECKING:
    from rich.table import Table

    from steno.cli.models.page import Whole

Sections = dict[str, dict[str, list[Any]]]
_VERSION = ("current_stage", "description", "source", "run_id", "model_id", "user_id", "creation_timestamp")


@click.command(cls=SharedOptions)
@click.argument("version")
@click.argument("other")
@click.option("--all", "everything", is_flag=True, help="What is equal in both too.")
@click.pass_obj
def diff(session: Session, version: str, other: str, everything: bool) -> None:
    """Compare two VERSIONs: what is said of them, their files, requirements, and the runs that made them."""
    from steno.cli.models.page import Whole

    client = session.registry
    both = [Whole(client, find_version(client, each)) for each in (version, other)]
    compared = compare(both, everything=everything)
    names = [shown(each.version) for each in both]
    session.emit({"versions": names, **compared}, lambda: _table(names, compared))


def compare(both: list[Whole], *, everything: bool) -> Sections:
    """Return sections of keys with a value for each; only what differs, unless `everything`."""
    told = [_told(whole) for whole in both]
    result: Sections = {}
    for section in told[0]:
        keys = sorted({key for each in told for key in each[section]})
        values = {key: [each[section].get(key) for each in told] for key in keys}
        # By repr, so that NaN equals NaN.
        result[section] = {key: v for key, v in values.items() if everything or len(set(map(repr, v))) > 1}
    return result


def _told(whole: Whole) -> dict[str, dict[str, Any]]:
    from steno.cli.models.page import signature_text

    version, run, manifest = whole.version, whole.run, whole.manifest
    model: dict[str, Any] = {
        "inputs": signature_text(manifest, "inputs"),
        "outputs": signature_text(manifest, "outputs"),
    }
    if manifest is not None:
        model |= {name: _plain(conf) for name, conf in manifest.flavors.items() if name != "python_function"}
        model |= {"size_bytes": manifest.model_size_bytes}
    data = run.inputs.dataset_inputs if run else []
    return {
        "version": {name: getattr(version, name) for name in _VERSION} | {"aliases": ", ".join(version.aliases)},
        "tags": dict(version.tags),
        "model": model,
        "requirements": _requirements(whole.files),
        "params": dict(run.data.params) if run else {},
        "metrics": dict(run.data.metrics) if run else {},
        "datasets": {f"{each.dataset.name} {each.dataset.digest}": True for each in data},
    }


def _plain(conf: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(conf.items()) if isinstance(value, str | int | float))


def _requirements(files: str | None) -> dict[str, str]:
    """The packages of a model with their versions, as its requirements file names them."""
    from steno.errors import StenoError
    from steno.models.layout import REQUIREMENTS
    from steno.tracking import places

    if files is None:
        return {}
    try:
        with places.artifact_store(files).open(REQUIREMENTS) as file:
            lines = file.read(1 << 20).decode("utf-8", "replace").splitlines()
    except (StenoError, OSError):
        return {}
    pins = (line.partition(";")[0].partition("==") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): version.strip() for name, _, version in pins}


def _table(names: list[str], compared: Sections) -> Table:
    from steno.cli.formats import local_time
    from steno.cli.tables import table

    def text(key: str, value: Any) -> str:
        return "" if value is None else local_time(value) if key.endswith("timestamp") else str(value)

    rows = [
        [f"{section} {key}" if section != "version" else key, *(text(key, value) for value in values)]
        for section, keys in compared.items()
        for key, values in keys.items()
    ]
    return table(["", *names], rows)
