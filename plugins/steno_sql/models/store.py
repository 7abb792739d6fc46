"""The part of the store that keeps logged models: each method one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from steno.model_records import LoggedModel
from steno.queries import LoggedModelQuery
from steno.records import Page

from steno_sql.database import Database
from steno_sql.models import rows
from steno_sql.models.query import models_matching
from steno_sql.models.tables import logged_models
from steno_sql.paging import next_token, place_of


class LoggedModelMethods:
    """A `steno.contracts.logged_models.LoggedModelStore`; see there for what each method promises."""

    _database: Database

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
        told = {"source_run_id": source_run_id, "model_type": model_type}
        with self._database.writing() as connection:
            return rows.create(connection, experiment_id, model_id, name, params or {}, tags or {}, **told)

    def get_logged_model(self, model_id: str) -> LoggedModel:
        with self._database.reading() as connection:
            return rows.get(connection, model_id)

    def search_logged_models(self, query: LoggedModelQuery) -> Page[LoggedModel]:
        place = place_of(query)
        with self._database.reading() as connection:
            found = connection.execute(models_matching(query, place)).all()
            models = rows.load(connection, found[: query.max_results])
            return Page(models, next_token(connection, place, found, query, logged_models.c.id))

    def finalize_logged_model(self, model_id: str, status: str, message: str | None = None) -> LoggedModel:
        with self._database.writing() as connection:
            return rows.finalize(connection, model_id, status, message)

    def log_logged_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        with self._database.writing() as connection:
            rows.add_params(connection, model_id, params)

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        with self._database.writing() as connection:
            rows.set_tags(connection, model_id, tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        with self._database.writing() as connection:
            rows.delete_tag(connection, model_id, key)

    def delete_logged_model(self, model_id: str) -> None:
        with self._database.writing() as connection:
            rows.delete_one(connection, model_id)

    def restore_logged_model(self, model_id: str) -> None:
        with self._database.writing() as connection:
            rows.restore_one(connection, model_id)

    def purge_logged_models(
        self, deleted_before_ms: int, *, of_runs: Collection[str] = (), keep: Collection[str] = ()
    ) -> list[tuple[str, str]]:
        with self._database.writing() as connection:
            return rows.purge(connection, deleted_before_ms, of_runs, keep)
