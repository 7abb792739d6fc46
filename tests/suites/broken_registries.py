"""The suite on registries that each break one promise; `test_suites.py` runs it and looks at what fails."""

from __future__ import annotations

import empty_store
from msgspec.structs import replace
from steno.errors import NotFound
from steno.model_records import Change
from steno.records import Page
from steno.testing.registry import RegistryStoreSuite
from steno_sql.registry.store import SqlRegistry


class ArchivesEverywhere(SqlRegistry):
    """Empties the other stages too."""

    def transition_model_version_stage(self, name, version, stage, *, archive_existing_versions=False, user=""):
        if archive_existing_versions:
            for other in self.get_latest_versions(name, ["Staging"]):
                super().transition_model_version_stage(name, other.version, "Archived", user=user)
        return super().transition_model_version_stage(
            name, version, stage, archive_existing_versions=archive_existing_versions, user=user
        )


class LatestByText(SqlRegistry):
    """Takes 9 to be more than 10."""

    def get_latest_versions(self, name, stages=None):
        found = super().get_latest_versions(name, stages)
        return [self._highest(name, each) for each in found]

    def _highest(self, name, latest):
        numbers = sorted((str(number) for number in range(1, int(latest.version) + 1)), reverse=True)
        for number in numbers:
            try:
                version = self.get_model_version(name, number)
            except NotFound:
                continue
            if version.current_stage == latest.current_stage:
                return version
        return latest


class OrdersWithinPages(SqlRegistry):
    """Sorts each page by itself."""

    def search_model_versions(self, query):
        page = super().search_model_versions(query)
        return Page(sorted(page, key=lambda each: int(each.version)), page.token) if page.token else page


class SearchesByHalves(SqlRegistry):
    """Finds versions without their aliases."""

    def search_model_versions(self, query):
        page = super().search_model_versions(query)
        return Page([replace(each, aliases=[]) for each in page], page.token)


class NeverTellsOfTags(SqlRegistry):
    """Leaves the tags out of the trail."""

    def registry_events(self, name=None, *, until_ms=None, after=0, limit=1000):
        found = super().registry_events(name, until_ms=until_ms, after=after, limit=limit)
        return [event for event in found if event.change not in (Change.MODEL_TAG, Change.VERSION_TAG)]


class TellsOfWhatChangesNothing(SqlRegistry):
    """Describes anew what is described so already."""

    def describe_model_version(self, name, version, description, *, user=""):
        super().describe_model_version(name, version, f"{description} ", user=user)
        return super().describe_model_version(name, version, description, user=user)


class ForgetsTheNames(SqlRegistry):
    """Keeps a trail for each name, not for each model."""

    def registry_events(self, name=None, *, until_ms=None, after=0, limit=1000):
        found = super().registry_events(name, until_ms=until_ms, after=after, limit=limit)
        return [event for event in found if name in (None, event.name)]


class DeletesTheTrail(SqlRegistry):
    """Forgets a model that is deleted."""

    def registry_events(self, name=None, *, until_ms=None, after=0, limit=1000):
        found = super().registry_events(name, until_ms=until_ms, after=after, limit=limit)
        gone = {event.name for event in found if event.change == Change.MODEL_DELETED}
        return [event for event in found if event.name not in gone]


for _store in (SqlRegistry, *SqlRegistry.__subclasses__()):

    class _Registry(RegistryStoreSuite):
        kind = _store

        def make_store(self, folder):
            if self.kind is not SqlRegistry:
                empty_store.lay(folder)
            return self.kind(f"sqlite:///{folder}/steno.db")

    globals()[f"Test_{_store.__name__}"] = type(f"Test_{_store.__name__}", (_Registry,), {"__module__": __name__})
