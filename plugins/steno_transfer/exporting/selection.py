"""What of a store is exported: experiments, runs by a filter, the models they made, and what is registered of these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec.structs import replace
from steno.cli import lookup
from steno.cli.session import Session
from steno.contracts.registry import RegistryStore
from steno.errors import NotFound
from steno.model_records import LoggedModel, ModelVersion, RegisteredModel
from steno.queries import LoggedModelQuery, RegistryQuery, ViewType
from steno.records import Experiment, Page

from steno_transfer.exporting.target import About

Registration = tuple[RegisteredModel, list[ModelVersion]]
T = TypeVar("T")
Query = TypeVar("Query", LoggedModelQuery, RegistryQuery)


class Selection:
    """What is to be written; everything is listed once, before the first is written.

    Attributes:
        experiments: By id.
        run_ids: Newest first.
        models: Ids of the logged models.

    Raises:
        NotFound: No such experiment, or no store.
        FilterError: The filter does not parse.
    """

    def __init__(self, session: Session, about: About) -> None:
        self._session, self._about = session, about
        named = about.experiments
        self.experiments: dict[str, Experiment] = {
            each.experiment_id: each
            for each in (
                [lookup.find_experiment(session, name) for name in named]
                if named
                else lookup.list_experiments(session, about.view)
            )
        }
        runs = lookup.search_runs(session, about.filter or None, experiments=named, view=about.view)
        self.run_ids = [run.info.run_id for run in runs]
        self.models = [model.model_id for model in self._logged_models()]

    @property
    def whole(self) -> bool:
        """Whether everything in the store is meant."""
        return not (self._about.experiments or self._about.filter)

    def registrations(self) -> Iterator[Registration]:
        """Yield registered models with their versions, of a part of the store those of its runs and models."""
        registry = self._registry()
        if registry is None:
            return
        versions: dict[str, list[ModelVersion]] = defaultdict(list)
        of = {*self.run_ids, *self.models} - {""}
        for version in _pages(registry.search_model_versions, RegistryQuery()):
            if self.whole or version.run_id in of or version.model_id in of:
                versions[version.name].append(version)
        for model in _pages(registry.search_registered_models, RegistryQuery()):
            found = sorted(versions.get(model.name, ()), key=lambda version: int(version.version))
            if found or self.whole:
                yield model, found

    def _logged_models(self) -> Iterator[LoggedModel]:
        made_by = None if not self._about.filter else set(self.run_ids)
        query = LoggedModelQuery(tuple(self.experiments), view=ViewType(lookup.VIEWS[self._about.view]))
        for model in _pages(self._session.store.search_logged_models, query):
            if made_by is None or model.source_run_id in made_by:
                yield model

    def _registry(self) -> RegistryStore | None:
        try:
            return self._session.registry.registry
        except NotFound:
            return None


def _pages(search: Callable[[Query], Page[T]], query: Query) -> Iterator[T]:
    token: str | None = None
    while True:
        page = search(replace(query, page_token=token))
        yield from page
        token = page.token
        if token is None:
            return
