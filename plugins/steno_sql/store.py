"""The run store over a SQL database: each method one transaction, each subject in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping

from steno.errors import InvalidValue
from steno.queries import ExperimentQuery, RunQuery
from steno.records import Batch, Experiment, MetricBucket, Page, Run, Series, Token

from steno_sql import experiments, history, runs, schema
from steno_sql.database import Database
from steno_sql.known import KnownRuns
from steno_sql.models.store import LoggedModelMethods
from steno_sql.paging import next_token, place_of
from steno_sql.query import experiments_matching, runs_matching
from steno_sql.write import offset, turn_of, write


class SqlStore(LoggedModelMethods):
    """A `steno.contracts.stores.RunStore` in a SQLite file or PostgreSQL; see there for what each method promises.

    Safe for threads, for many processes at once, and for fork. Nothing is opened before the first call.

    Args:
        uri: `sqlite:///relative.db` or `sqlite:////absolute.db`, whose folder is made when it is missing; or
            `postgresql://user:password@host:5432/database`, with the parameters of libpq behind a `?` and one of ours:
            `artifacts`, where experiments keep their files unless they say otherwise.

    Raises:
        InvalidValue: The URI names no database.
        MissingDependency: It is PostgreSQL's, and psycopg is not installed.
    """

    def __init__(self, uri: str) -> None:
        self._database = Database(uri)
        self.uri = self._database.backend.uri
        self._known = KnownRuns()

    @property
    def schema_version(self) -> str:
        """The version of the tables; an older store has been moved to it by then."""
        return schema.VERSION

    def create_experiment(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Experiment:
        with self._database.writing() as connection:
            return experiments.create(connection, name, self._database.backend.artifacts, artifact_location, tags)

    def get_experiment(self, experiment_id: str) -> Experiment:
        with self._database.reading() as connection:
            return experiments.get(connection, experiment_id)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        with self._database.reading() as connection:
            return experiments.get_by_name(connection, name)

    def search_experiments(self, query: ExperimentQuery) -> Page[Experiment]:
        place = place_of(query)
        with self._database.reading() as connection:
            rows = connection.execute(experiments_matching(query, place)).all()
            found = experiments.load(connection, rows[: query.max_results])
            return Page(found, next_token(connection, place, rows, query, schema.experiments.c.experiment_id))

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        with self._database.writing() as connection:
            experiments.rename(connection, experiment_id, name)

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        with self._database.writing() as connection:
            experiments.set_tags(connection, experiment_id, tags)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        with self._database.writing() as connection:
            experiments.delete_tag(connection, experiment_id, key)

    def delete_experiment(self, experiment_id: str) -> None:
        with self._database.writing() as connection:
            experiments.delete_whole(connection, experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        with self._database.writing() as connection:
            experiments.restore_whole(connection, experiment_id)

    def write(self, run_id: str, batch: Batch, token: Token | None = None) -> None:
        with self._database.writing(turn_of(batch)) as connection:
            write(connection, run_id, batch, token)

    def offset(self, writer_id: str) -> int:
        with self._database.reading() as connection:
            return offset(connection, writer_id)

    def get_run(self, run_id: str) -> Run:
        with self._database.reading() as connection:
            return runs.get(connection, run_id, self._known)

    def search_runs(self, query: RunQuery) -> Page[Run]:
        place = place_of(query)
        with self._database.reading() as connection:
            rows = connection.execute(runs_matching(query, place)).all()
            found = runs.load(connection, rows[: query.max_results], self._known)
            return Page(found, next_token(connection, place, rows, query, schema.runs.c.id))

    def delete_run(self, run_id: str) -> None:
        with self._database.writing() as connection:
            runs.delete_one(connection, run_id)

    def restore_run(self, run_id: str) -> None:
        with self._database.writing() as connection:
            runs.restore_one(connection, run_id)

    def purge_runs(self, deleted_before_ms: int) -> list[tuple[str, str]]:
        with self._database.writing() as connection:
            return runs.purge(connection, deleted_before_ms)

    def purge_experiments(self, deleted_before_ms: int) -> list[tuple[str, str]]:
        with self._database.writing() as connection:
            return experiments.purge(connection, deleted_before_ms)

    def compact(self) -> None:
        self._database.compact()

    def metric_history(self, run_id: str, key: str, *, offset: int = 0, limit: int | None = None) -> Series:
        if offset < 0 or (limit is not None and limit < 0):
            raise InvalidValue(f"offset {offset} and limit {limit} must not be negative")
        with self._database.reading() as connection:
            return history.points(connection, runs.number_of(connection, run_id), key, offset, limit)

    def metric_buckets(
        self, run_id: str, key: str, buckets: int, *, first_step: int | None = None, last_step: int | None = None
    ) -> list[MetricBucket]:
        if buckets < 1:
            raise InvalidValue(f"{buckets} buckets hold nothing: ask for at least one")
        with self._database.reading() as connection:
            number = runs.number_of(connection, run_id)
            return history.buckets(connection, number, key, buckets, first_step, last_step)

    def close(self) -> None:
        self._database.close()
