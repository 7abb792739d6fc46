"""A registered model, or one version of it with all it comes from, on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steno.cli.formats import local_time, number, size
from steno.cli.models.tables import version_list
from steno.cli.tables import cell, fields, table
from steno.errors import StenoError

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from steno.model_records import ModelVersion, RegisteredModel
    from steno.models.manifest import Manifest
    from steno.records import Run
    from steno.tracking.client import Client


class Whole:
    """A version with what it comes from: its files, what they say of themselves, its run; what is gone is None."""

    def __init__(self, client: Client, version: ModelVersion) -> None:
        from steno.tracking.model_sources import manifest_at

        self.version = version
        self.run: Run | None = client.get_model_version_run(version.name, version.version)
        self.files: str | None = None
        self.manifest: Manifest | None = None
        self.damage = ""
        try:
            self.files = client.get_model_version_download_uri(version.name, version.version)
            self.manifest = manifest_at(self.files)
            self.damage = "" if self.manifest else "gone: there is no model"
        except (StenoError, OSError) as error:
            self.damage = str(error)

    def data(self) -> dict[str, Any]:
        """For programs."""
        manifest = self.manifest
        model = manifest and {
            "flavors": manifest.flavors,
            "signature": manifest.signature_dict,
            "size_bytes": manifest.model_size_bytes,
            "metadata": manifest.metadata,
        }
        return {"version": self.version, "files": self.files, "model": model, "run": self.run}


def model_page(model: RegisteredModel, versions: list[ModelVersion]) -> Group:
    """A registered model and its versions."""
    head: dict[str, str | Text] = {
        "name": cell(model.name, "bold"),
        "description": model.description,
        "created": local_time(model.creation_timestamp),
        "last change": local_time(model.last_updated_timestamp),
        "aliases": ", ".join(f"@{alias} {version}" for alias, version in sorted(model.aliases.items())),
    }
    tags = [table(["tag", "value"], sorted(model.tags.items()))] if model.tags else []
    return _group([fields(head), *tags, *([version_list(versions)] if versions else [])])


def version_page(whole: Whole) -> Group:
    """A version, its model, its run and the data the run read."""
    parts = [_head(whole)]
    if whole.version.tags:
        parts.append(table(["tag", "value"], sorted(whole.version.tags.items())))
    run = whole.run
    if run is not None:
        if run.data.params:
            parts.append(table(["param of the run", "value"], sorted(run.data.params.items())))
        if run.data.metrics:
            metrics = [(key, number(value)) for key, value in sorted(run.data.metrics.items())]
            parts.append(table(["metric of the run", ">last"], metrics))
        if run.inputs.dataset_inputs:
            used = [
                (i.dataset.name, i.dataset.digest, ", ".join(t.value for t in i.tags))
                for i in run.inputs.dataset_inputs
            ]
            parts.append(table(["dataset of the run", "digest", "used for"], used))
    return _group(parts)


def signature_text(manifest: Manifest | None, part: str) -> str:
    """One part of a model's signature in a line, "" if it has none."""
    signature = manifest.signature if manifest else None
    found = getattr(signature, part) if signature else None
    return "" if found is None else str(found)


def _head(whole: Whole) -> Table:
    version, run, manifest = whole.version, whole.run, whole.manifest
    flavors = [name for name in manifest.flavors if name != "python_function"] if manifest else []
    return fields(
        {
            "name": cell(version.name, "bold"),
            "version": version.version,
            "stage": "" if version.current_stage == "None" else version.current_stage,
            "aliases": ", ".join(f"@{alias}" for alias in version.aliases),
            "description": version.description,
            "registered": f"{local_time(version.creation_timestamp)} {version.user_id}".strip(),
            "last change": local_time(version.last_updated_timestamp),
            "source": version.source,
            "files": whole.files if whole.files and whole.files != version.source else "",
            "damage": cell(whole.damage, "red") if whole.damage else "",
            "model id": version.model_id,
            "flavors": ", ".join(flavors),
            "inputs": signature_text(manifest, "inputs"),
            "outputs": signature_text(manifest, "outputs"),
            "size": size(manifest.model_size_bytes) if manifest else "",
            "run": f"{run.info.run_id} ({run.info.run_name})" if run else _lost(version),
        }
    )


def _lost(version: ModelVersion) -> str:
    return f"{version.run_id} (it is not here any more)" if version.run_id else ""


def _group(parts: list[Table]) -> Group:
    from rich.console import Group

    return Group(*(item for part in parts for item in (part, cell(""))))
