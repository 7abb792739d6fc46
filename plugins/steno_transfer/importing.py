"""What the commands do: find an importer, open the stores, carry, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steno.cli.progress import progress
from steno.contracts.importing import ForeignRun, Importer
from steno.contracts.registry import RegistryStore
from steno.errors import InvalidValue, NotFound, PluginError, UnknownScheme
from steno.plugins import plugins
from steno.records import LifecycleStage
from steno.tracking import places

from steno_transfer.carrier import Carrier, Origin
from steno_transfer.files import count_files
from steno_transfer.mlflow import opened
from steno_transfer.report import Report
from steno_transfer.transfer import Choice, Transfer
from steno_transfer.whole import WholeImporter, WholeStore

if TYPE_CHECKING:
    from steno.cli.session import Session


def tools() -> dict[str, str]:
    """Return what can be imported from: what each importer reads, by its name."""
    return {name: offer.description for name, offer in sorted(plugins().importers.offers.items())}


def chosen(experiments: Iterable[str], no_deleted: bool, no_artifacts: bool) -> Choice:
    """Return the options of a command as a choice."""
    return Choice(tuple(experiments), not no_deleted, not no_artifacts)


def importer_of(tool: str) -> Importer:
    """Return the importer of a name. Raises: NotFound, MissingDependency, PluginError."""
    offer = plugins().importers.find_one(tool)
    if offer is None:
        known = ", ".join(tools()) or "none"
        raise NotFound(
            f"nothing installed imports from {tool!r}; there are {known}. "
            f"A plugin may bring it, as steno-tensorboard and steno-wandb do: install that beside steno"
        )
    found = offer.load()
    if not isinstance(found, Importer):
        raise PluginError(f"{offer.address!r} of plugin {offer.plugin!r} has no method runs(location)")
    return found


def bring_in(session: Session, tool: str, location: str, choice: Choice) -> Report:
    """Import into the session's store. Raises: StenoError."""
    importer = importer_of(tool)
    if isinstance(importer, WholeImporter):
        source = importer.open(location)
        if source.identity == session.uri:
            raise InvalidValue(f"{location} is the store that would be written to; name another with --tracking-uri")
        return _carry_whole(source, Origin(tool, source.identity), session.uri, choice, f"importing from {tool}")
    report = Report()
    carrier = Carrier(session.open_store(), Origin(tool, _absolute(location)), report, artifacts=choice.artifacts)
    with progress(f"importing from {tool}") as advance:
        for run in _wanted(importer.runs(location), choice):
            carrier.carry(run)
            advance(1)
        carrier.finish()
    return report


def take_out(session: Session, uri: str, choice: Choice, *, dry_run: bool) -> Report:
    """Export the session's store to a server. Raises: StenoError."""
    if not uri.startswith(("http://", "https://")):
        raise InvalidValue(
            f"{uri!r} is no server's address: MLflow itself writes its databases and folders. Start "
            f"`mlflow server --backend-store-uri {uri}` and export to the address that it tells"
        )
    _ = session.store  # there must be one
    source = opened(session.uri)
    if dry_run:
        return _survey_whole(source, choice)
    return _carry_whole(source, Origin("steno", source.identity), uri, choice, "exporting")


def survey(tool: str, location: str, choice: Choice) -> Report:
    """Tell what an import would find; nothing is written. Raises: StenoError."""
    importer = importer_of(tool)
    if isinstance(importer, WholeImporter):
        return _survey_whole(importer.open(location), choice)
    report = Report()
    with progress(f"reading {tool}") as advance:
        for run in _counted(_wanted(importer.runs(location), choice), report, choice):
            advance(1)
            for problem in run.problems:
                report.leave(f"run {run.name or run.key}: {problem}")
    return report


def _carry_whole(source: WholeStore, origin: Origin, uri: str, choice: Choice, doing: str) -> Report:
    try:
        names = {each.name for each in choice.of(source.experiments())}
        with progress(doing, total=source.count(names)) as advance:
            return Transfer(source, places.run_store(uri), _registry(uri), origin, choice, advance).run()
    finally:
        source.close()


def _survey_whole(source: WholeStore, choice: Choice) -> Report:
    report = Report()
    names = {each.name for each in choice.of(source.experiments())}
    report.count(experiments=len(names))
    with progress("reading", total=source.count(names)) as advance:
        for run in _counted(_kept(source.runs(names), choice), report, choice):
            advance(1)
            for problem in run.problems:
                report.leave(f"run {run.name or run.key} ({run.key}): {problem}")
        for model in source.models(names):
            if choice.deleted or model.model.lifecycle_stage == LifecycleStage.ACTIVE:
                report.count(logged_models=1)
                count_files(model.artifacts if choice.artifacts else None, report)
                for problem in model.problems:
                    report.leave(f"logged model {model.model.name} ({model.model.model_id}): {problem}")
        for each in () if choice.experiments else source.registrations():
            report.count(registered_models=1, model_versions=len(each.versions), aliases=len(each.model.aliases))
    source.close()
    for problem in source.problems:
        report.leave(problem)
    report.notes += source.notes
    return report


def _counted(runs: Iterable[ForeignRun], report: Report, choice: Choice) -> Iterator[ForeignRun]:
    for run in runs:
        report.count(
            runs=1,
            params=len(run.params),
            tags=len(run.tags),
            inputs=len(run.inputs),
            points=sum(len(series) for series in run.series),
        )
        count_files(run.artifacts if choice.artifacts else None, report)
        yield run


def _kept(runs: Iterable[ForeignRun], choice: Choice) -> Iterator[ForeignRun]:
    return (run for run in runs if choice.deleted or not run.deleted)


def _wanted(runs: Iterable[ForeignRun], choice: Choice) -> Iterator[ForeignRun]:
    return (run for run in _kept(runs, choice) if not choice.experiments or run.experiment in choice.experiments)


def _registry(uri: str) -> RegistryStore | None:
    try:
        return places.registry_store(places.registry_uri_beside(uri))
    except UnknownScheme:
        return None


def _absolute(location: str) -> str:
    """Return what names a location, the same from any working directory."""
    return location if "://" in location else str(Path(location).expanduser().resolve())
