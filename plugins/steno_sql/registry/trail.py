"""The trail of what changed in the registry: gathered during a write, stored with it, read for good."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update
from steno.errors import InvalidValue
from steno.model_records import Change, RegistryEvent

from steno_sql.experiments import now_ms
from steno_sql.registry.tables import model_versions, registered_model_names, registered_models, registry_events
from steno_sql.schema import AnyRow

_FIELDS = [registry_events.c[name] for name in RegistryEvent.__struct_fields__]
_STAMP_MODEL, _STAMP_VERSION = (
    update(table).where(table.c.id == bindparam("which")).values(last_updated_timestamp=bindparam("now"))
    for table in (registered_models, model_versions)
)
_LONGEST_PAGE = 1_000_000


class Key(NamedTuple):
    """A version as far as a change of it has to know it; the rows of `versions.WITH_NAME` have these fields too."""

    id: int
    model: int
    name: str
    version: int


class Trail:
    """One write: its transaction, who asked for it and when, and what it has changed so far.

    Whatever is told of is stamped with the time of the write: the version, if it is of one, and the model.
    """

    def __init__(self, connection: Connection, user: str) -> None:
        self.connection, self.user, self.now = connection, user, now_ms()
        self._events: list[dict[str, Any]] = []
        self._versions: set[int] = set()

    def of_model(
        self, model: AnyRow, change: Change, *, key: str = "", before: str | None = None, after: str | None = None
    ) -> None:
        """Tell of a change of a row of `registered_models`."""
        self._tell(model.id, model.name, "", change, key, before, after)

    def of_version(
        self,
        version: AnyRow | Key,
        change: Change,
        *,
        key: str = "",
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """Tell of a change of a version."""
        self._versions.add(version.id)
        self._tell(version.model, version.name, str(version.version), change, key, before, after)

    def of_alias(self, model: int, name: str, alias: str, before: int | None, after: int | None) -> None:
        """Tell of an alias that stood for the version `before` of a model, and stands for `after` now."""
        old, new = (None if number is None else str(number) for number in (before, after))
        self._tell(model, name, new or "", Change.ALIAS, alias, old, new)

    def _tell(
        self, model: int, name: str, version: str, change: Change, key: str, before: str | None, after: str | None
    ) -> None:
        self._events.append(
            {
                "model": model,
                "time_ms": self.now,
                "user": self.user,
                "name": name,
                "version": version,
                "change": change.value,
                "key": key,
                "before": before,
                "after": after,
            }
        )

    def told(self) -> Connection:
        """Store what was told and return the transaction, in which it can be read by now."""
        self.store()
        return self.connection

    def store(self) -> None:
        """Store what was told since the last time, and stamp what it was about."""
        if not self._events:
            return
        self.connection.execute(insert(registry_events), self._events)
        models = {event["model"] for event in self._events}
        for statement, touched in ((_STAMP_MODEL, models), (_STAMP_VERSION, self._versions)):
            if touched:
                self.connection.execute(statement, [{"which": which, "now": self.now} for which in touched])
        self._events, self._versions = [], set()


def events(
    connection: Connection, name: str | None, *, until_ms: int | None, after: int, limit: int
) -> list[RegistryEvent]:
    """Return events, oldest first; see `steno.contracts.registry`. Raises: InvalidValue."""
    if not 0 <= limit <= _LONGEST_PAGE:
        raise InvalidValue(f"limit is {limit}: give 0 to {_LONGEST_PAGE}, and go on after the last event's number")
    found = select(*_FIELDS).where(registry_events.c.number > after).order_by(registry_events.c.number).limit(limit)
    if name is not None:
        of_that_name = select(registered_model_names.c.model).where(registered_model_names.c.name == name)
        found = found.where(registry_events.c.model.in_(of_that_name))
    if until_ms is not None:
        found = found.where(registry_events.c.time_ms <= until_ms)
    return [RegistryEvent(*row) for row in connection.execute(found)]
