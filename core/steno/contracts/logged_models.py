"""Logged models in a store of runs: entities with an id, files, params, tags and metrics of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol, runtime_checkable

from steno.model_records import LoggedModel
from steno.queries import LoggedModelQuery
from steno.records import Page


@runtime_checkable
class LoggedModelStore(Protocol):
    """The part of a `RunStore` that keeps logged models; `RunStore.write` makes them too, and logs their metrics.

    Ids are chosen by the caller, so that a model can be made while its store is away. Every model has a place for its
    files that no other one has: `<artifact location of the experiment>/models/<model id>/artifacts`.
    """

    def create_logged_model(
        self,
        experiment_id: str,
        model_id: str,
        name: str,
        *,
        source_run_id: str | None = None,
        model_type: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> LoggedModel:
        """Create a model, PENDING.

        Raises:
            NotFound: No such experiment.
            RunStateError: The experiment is deleted.
            AlreadyExists: There is a model with that id.
        """
        ...

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """Return a model whole, deleted ones too. Raises: NotFound."""
        ...

    def search_logged_models(self, query: LoggedModelQuery) -> Page[LoggedModel]:
        """Return one page of whole models. Raises: InvalidValue for a page token of another query."""
        ...

    def finalize_logged_model(self, model_id: str, status: str, message: str | None = None) -> LoggedModel:
        """Set the status; any may follow any. Raises: NotFound, RunStateError if it is deleted."""
        ...

    def log_logged_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        """Add params, all or none; one that is there with the same value is fine.

        Raises:
            NotFound: No such model.
            RunStateError: It is deleted.
            ParamConflict: A param is there with another value.
        """
        ...

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Set tags. Raises: NotFound, RunStateError if it is deleted."""
        ...

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag. Raises: NotFound for the model or the key, RunStateError if it is deleted."""
        ...

    def delete_logged_model(self, model_id: str) -> None:
        """Mark it deleted; again is no error. Raises: NotFound."""
        ...

    def restore_logged_model(self, model_id: str) -> None:
        """Undo `delete_logged_model`; again is no error. Raises: NotFound."""
        ...

    def purge_logged_models(
        self, deleted_before_ms: int, *, of_runs: Collection[str] = (), keep: Collection[str] = ()
    ) -> list[tuple[str, str]]:
        """Remove models for good, and return their (model id, artifact location).

        Args:
            deleted_before_ms: Those deleted before then.
            of_runs: Those that these runs made too, deleted or not.
            keep: Ids of models that stay all the same.
        """
        ...
