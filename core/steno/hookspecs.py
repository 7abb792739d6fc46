"""Every moment a plugin may take part in, in order of life.

Three kinds. An *offer* says what a plugin brings; if it raises, that plugin is set aside and others go on.
A *gate* judges what may pass, and in what form; if it raises, the gate stays shut. An *observer* sees what
happened; if it raises, that is logged once and reaches nobody. `plugins/hooks.py` applies this policy.

An implementation is marked with `steno.hookimpl` and takes any subset of the arguments, by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

    from steno.plugins.registers import FlavorRegister, ImporterRegister, IntegrationRegister, StoreRegister
    from steno.records import Batch

hookspec = pluggy.HookspecMarker("steno")
hookimpl = pluggy.HookimplMarker("steno")

# -- what a plugin brings ------------------------------------------------------------------------------


@hookspec
def steno_register_stores(register: StoreRegister) -> None:
    """Register the stores this plugin provides, by URI scheme.

    Kind: offer.
    When: once, as the plugin is registered.
    Args: register: its methods `runs` and `artifacts` take a scheme and the address of a factory.
    Returns: nothing.
    See: steno.contracts.stores.
    """


@hookspec
def steno_register_flavors(register: FlavorRegister) -> None:
    """Register the model flavors this plugin provides, by name.

    Kind: offer.
    When: once, as the plugin is registered.
    Args: register: call it with a name, the address of the flavor, and the top-level modules it owns.
    Returns: nothing.
    See: steno.contracts.flavor.
    """


@hookspec
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Register the frameworks this plugin watches, by name.

    Kind: offer.
    When: once, as the plugin is registered.
    Args: register: call it with a name, the address of the integration, and the module whose import wakes it.
    Returns: nothing.
    See: steno.contracts.integration.
    """


@hookspec
def steno_register_importers(register: ImporterRegister) -> None:
    """Register the tools whose recorded runs this plugin brings in, by name.

    Kind: offer.
    When: once, as the plugin is registered.
    Args: register: call it with a name, the address of the importer, and what it reads.
    Returns: nothing.
    See: steno.contracts.importing.
    """


@hookspec
def steno_register_commands(cli: click.Group) -> None:
    """Add commands to the `steno` command line.

    Kind: offer.
    When: the command line starts.
    Args: cli: the click group to add to.
    Returns: nothing.
    See: steno.cli.
    """


@hookspec
def steno_register_model_commands(models: click.Group) -> None:
    """Add commands to `steno models`.

    Kind: offer.
    When: a command of that group is asked for that is none of its own, or its help.
    Args: models: the click group to add to.
    Returns: nothing.
    See: steno.cli.
    """


@hookspec
def steno_pyfunc_functions() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return functions that apply a model where the data is.

    Kind: offer.
    When: `steno.pyfunc` is asked for a name that is none of its own.
    Args: none.
    Returns: the address of each by its name there; a name belongs to the first plugin that takes it.
    See: steno.pyfunc.
    """


# -- a run -----------------------------------------------------------------------------------------------


@hookspec
def steno_run_tags() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return tags for a run that is about to begin: its source, commit, user, launcher.

    Kind: offer.
    When: before a run is created by `start_run` or autologging; the user's own tags win.
    Args: none.
    Returns: tags by key; later plugins win over earlier ones.
    See: steno.tracking.context.
    """


@hookspec
def steno_run_started(run: Any) -> None:
    """See a run that has just been opened in this process.

    Kind: observer.
    When: after the run is open; on the caller's thread, so return at once.
    Args: run: the open run, as `steno.active_run()` gives it.
    Returns: nothing.
    See: steno.tracking.run.
    """


@hookspec
def steno_before_write(run_id: str, batch: Batch) -> None:
    """Judge or edit, in place, a batch that is about to be written; raise to withhold it.

    Kind: gate.
    When: on the writer thread, before each write; a withheld batch stays in the journal and comes again.
    Args: run_id: whose batch it is. batch: what will be written.
    Returns: nothing.
    See: steno.records.Batch.
    """


@hookspec
def steno_batch_written(run_id: str, batch: Batch, store_uri: str) -> None:
    """See a batch that the store has just acknowledged.

    Kind: observer.
    When: after the store has a batch that came by way of a journal, also one that recovery or `steno sync` delivers;
        on a thread of this plugin's own, in the order written, at most once. A process that is killed takes along
        what was not shown yet; a plugin that is stuck is not shown what finds no room in its queue.
    Args: run_id: whose batch it is. batch: what was written, gates applied; not to be changed, since other
        observers see the same. store_uri: where it was written, as `steno.Client` takes it.
    Returns: nothing.
    See: steno.records.Batch.
    """


@hookspec
def steno_run_ended(run: Any, error: BaseException | None) -> None:
    """See a run that has just ended in this process.

    Kind: observer.
    When: after its last value is in the journal; on the thread that ended it, so return at once.
    Args: run: the run. error: what ended it, None when it ended well.
    Returns: nothing.
    See: steno.tracking.run.
    """


# -- autologging -----------------------------------------------------------------------------------------


@hookspec
def steno_integration_failed(integration: str, target: str, error: BaseException) -> None:
    """See an error in an integration's advice that was contained.

    Kind: observer.
    When: after the advice raised, on the thread of the watched call.
    Args: integration: its name. target: the row's target. error: what was raised.
    Returns: nothing.
    See: steno.autolog.advice.
    """


# -- models ----------------------------------------------------------------------------------------------


@hookspec
def steno_model_saved(model: Any, run_id: str | None) -> None:
    """See a model that has just been written.

    Kind: observer.
    When: after its folder is complete.
    Args: model: its manifest (steno.models.manifest.Manifest). run_id: the run it was logged to, if any.
    Returns: nothing.
    See: steno.models.
    """


@hookspec
def steno_before_model_load(manifest: Any, untrusted: frozenset[str]) -> None:
    """Judge a model before any byte of it is decoded; raise to refuse it.

    Kind: gate.
    When: after the manifest is read and the model's types are listed, before anything is constructed.
    Args: manifest: what the model says of itself. untrusted: its types that the caller has not trusted.
    Returns: nothing.
    See: steno.models.persist.
    """


@hookspec
def steno_model_version_changed(before: Any, after: Any) -> None:
    """See a version of a registered model that was just created, moved, described, tagged or deleted by this process.

    Kind: observer.
    When: after the registry has it, once for each version that changed; on the caller's thread, so return at once.
    Args: before: the version as it was (steno.model_records.ModelVersion), None for a new one. after: as it is now,
        None for one that was deleted.
    Returns: nothing.
    See: steno.model_records.
    """
