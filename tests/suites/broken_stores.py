"""The suites on stores that each break one promise; `test_suites.py` runs it and looks at what fails."""

from __future__ import annotations

import copy
from pathlib import Path

import empty_store
import msgspec
from steno.records import Page, Series, Token
from steno.testing.stores import ArtifactStoreSuite, RunStoreSuite
from steno_files.store import FileStore
from steno_sql.store import SqlStore


class LosesAPoint(SqlStore):
    """Drops the last point of a long series."""

    def write(self, run_id, batch, token=None):
        batch = copy.deepcopy(batch)
        for key, series in batch.series.items():
            if len(series) > 500:
                batch.series[key] = Series(key, series.steps[:-1], series.times[:-1], series.values[:-1])
        super().write(run_id, batch, token)


class DoublesOnReplay(SqlStore):
    """Looks at no token."""

    def write(self, run_id, batch, token=None):
        super().write(run_id, batch)
        if token and token.end > self.offset(token.writer_id):
            super().write(run_id, type(batch)(), Token(token.writer_id, self.offset(token.writer_id), token.end))


class ForgetsTheToken(SqlStore):
    """Keeps tokens in memory until it is closed."""

    def __init__(self, uri):
        super().__init__(uri)
        self.ends = {}

    def write(self, run_id, batch, token=None):
        if token is None or token.end > self.offset(token.writer_id):
            super().write(run_id, batch)
        if token is not None:
            self.ends[token.writer_id] = max(token.end, self.offset(token.writer_id))

    def offset(self, writer_id):
        return self.ends.get(writer_id, 0)

    def close(self):
        self.ends.clear()
        super().close()


class HidesAnExtreme(SqlStore):
    """Shows of each bucket what a thinned series would show."""

    def metric_buckets(self, run_id, key, buckets, *, first_step=None, last_step=None):
        found = super().metric_buckets(run_id, key, buckets, first_step=first_step, last_step=last_step)
        return [msgspec.structs.replace(each, max=each.last, max_step=each.last_step) for each in found]


class OrdersWithinPages(SqlStore):
    """Sorts each page by itself."""

    def search_runs(self, query):
        page = super().search_runs(query)
        return Page(sorted(page, key=lambda run: run.info.run_id), page.token) if page.token else page


class WritesByHalves(SqlStore):
    """Writes metrics and children first, and then the rest."""

    def write(self, run_id, batch, token=None):
        if batch.start is None and batch.series and batch.params:
            super().write(run_id, type(batch)(series=batch.series))
            batch = msgspec.structs.replace(batch, series={})
        super().write(run_id, batch, token)


class ForgetsTheDataset(SqlStore):
    """Keeps of a model's points what they are, not what they were measured on."""

    def write(self, run_id, batch, token=None):
        points = [msgspec.structs.replace(each, dataset_name=None, dataset_digest=None) for each in batch.model_points]
        super().write(run_id, msgspec.structs.replace(batch, model_points=points), token)


class NamesThePlace(SqlStore):
    """Lays models of one name at one place."""

    def get_logged_model(self, model_id):
        return self._placed(super().get_logged_model(model_id))

    def create_logged_model(self, *args, **kwargs):
        return self._placed(super().create_logged_model(*args, **kwargs))

    def _placed(self, model):
        return msgspec.structs.replace(
            model, artifact_location=model.artifact_location.replace(model.model_id, model.name)
        )


class PurgesAll(SqlStore):
    """Purges what is to be kept too."""

    def purge_logged_models(self, deleted_before_ms, *, of_runs=(), keep=()):
        return super().purge_logged_models(deleted_before_ms, of_runs=of_runs)


class TakesAnyPath(FileStore):
    """Joins whatever it is given."""

    def put(self, key, source, *, move=False):
        if ".." in key:
            (Path(self.local_path()) / key).resolve().parent.mkdir(parents=True, exist_ok=True)
            (Path(self.local_path()) / key).resolve().write_bytes(source)
        else:
            super().put(key, source, move=move)


class WritesInPlace(FileStore):
    """Opens the file that is there, and writes over it."""

    def put(self, key, source, *, move=False):
        there = self.local_path(key) if key and isinstance(source, Path) else None
        if there is not None and there.is_file() and source.is_file():
            there.write_bytes(source.read_bytes())
        else:
            super().put(key, source, move=move)


for _store in (
    SqlStore,
    LosesAPoint,
    DoublesOnReplay,
    ForgetsTheToken,
    HidesAnExtreme,
    OrdersWithinPages,
    WritesByHalves,
    ForgetsTheDataset,
    NamesThePlace,
    PurgesAll,
):

    class _Runs(RunStoreSuite):
        kind = _store

        def make_store(self, folder):
            if self.kind is not SqlStore:
                empty_store.lay(folder)
            return self.kind(f"sqlite:///{folder}/steno.db")

    globals()[f"Test_{_store.__name__}"] = type(f"Test_{_store.__name__}", (_Runs,), {"__module__": __name__})

for _files in (FileStore, TakesAnyPath, WritesInPlace):

    class _Artifacts(ArtifactStoreSuite):
        kind = _files

        def make_store(self, folder):
            return self.kind(str(folder))

    globals()[f"Test_{_files.__name__}"] = type(f"Test_{_files.__name__}", (_Artifacts,), {"__module__": __name__})
