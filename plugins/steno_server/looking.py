"""A look at the runs of an experiment, or at one run, and what is told of how it differs from the one before."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct
from steno.contracts.stores import RunStore
from steno.errors import NotFound
from steno.queries import Compare, Entity, Field, RunQuery
from steno.records import Run, RunStatus
from steno.wire import coding
from steno.wire.entities import Double

MOST_RUNS = 100
"""How many runs of an experiment are looked at while they go on: the newest."""

NEWEST = 20
"""How many of the newest runs are looked at in any case, so that those that end at once are seen too."""

MOST_METRICS = 100
"""How many metrics of a run one event tells of."""


class Topic(Struct, frozen=True):
    """What somebody listens to: all that goes on in an experiment, or one run."""

    experiment_id: str = ""
    run_id: str = ""


class Point(Struct):
    """The last point of a metric, as MLflow means it, and how many points there are."""

    step: int
    timestamp: int
    value: Double
    count: int


class ToldRun(Struct, omit_defaults=True):
    """A run in an event.

    Attributes:
        change: "created", "updated" or "finished"; empty where the state is told.
        metrics: Those with new points.
        more_metrics: How many others have new points too.
    """

    run_id: str
    experiment_id: str
    run_name: str
    status: str
    lifecycle_stage: str
    start_time: int
    end_time: int | None = None
    change: str = ""
    metrics: dict[str, Point] = {}
    more_metrics: int = 0


class Told(Struct):
    """The data of an event."""

    runs: list[ToldRun]


class Event(Struct, frozen=True):
    """An event and the state after it, which is its id: equal in all processes that serve the store."""

    state: str
    content: bytes


class Seen(Struct, frozen=True):
    """What a look saw.

    Attributes:
        runs: The runs that are looked at, by id; they follow from what is stored, and from nothing else.
        ended: Runs that were looked at, are over, and are not looked at any longer.
        is_whole: Whether nothing can have come and gone unseen.
    """

    runs: dict[str, Run]
    ended: list[Run]
    is_whole: bool


def look(store: RunStore, topic: Topic, before: Mapping[str, Run]) -> Seen:
    """Read a topic. Raises: StenoError, NotFound if it is not there."""
    if topic.run_id:
        return Seen({topic.run_id: store.get_run(topic.run_id)}, [], True)
    if not before:
        store.get_experiment(topic.experiment_id)
    own = (topic.experiment_id,)
    going_on = Compare(Field(Entity.ATTRIBUTE, "status"), "=", RunStatus.RUNNING.value)
    newest = list(store.search_runs(RunQuery(own, max_results=NEWEST)))
    runs = {run.info.run_id: run for run in newest}
    for run in store.search_runs(RunQuery(own, going_on, max_results=MOST_RUNS)):
        runs.setdefault(run.info.run_id, run)
    ended = []
    for run_id in before.keys() - runs.keys():
        if before[run_id].info.status == RunStatus.RUNNING:
            try:
                found = store.get_run(run_id)
            except NotFound:
                continue
            ended += [found] if found.info != before[run_id].info else []
    is_new = [run.info.run_id not in before for run in newest]
    return Seen(runs, ended, not before or len(newest) < NEWEST or not all(is_new))


def state_of(runs: Mapping[str, Run]) -> str:
    """Return what tells a state from others."""
    digest = blake2b(digest_size=12)
    for run_id in sorted(runs):
        counts = sorted((key, summary.count) for key, summary in runs[run_id].data.summaries.items())
        digest.update(msgspec.json.encode((runs[run_id].info, counts)))
    return digest.hexdigest()


def change(before: Mapping[str, Run], run: Run) -> ToldRun | None:
    """Return what is new of a run, None if nothing is."""
    old = before.get(run.info.run_id)
    if old is None:
        return told_of(run, None, "created")
    ended = run.info.status != old.info.status and run.info.status != RunStatus.RUNNING
    told = told_of(run, old, "finished" if ended else "updated")
    return told if told.metrics or run.info != old.info else None


def reload(state: str) -> Event:
    """Return word that more happened than is told."""
    return event_of("reload", state, [])


def told_of(run: Run, old: Run | None, what: str) -> ToldRun:
    known = old.data.summaries if old is not None else {}
    new = [
        (key, Point(each.last_step, each.last_time, coding.double(each.last), each.count))
        for key, each in run.data.summaries.items()
        if key not in known or known[key].count != each.count
    ]
    info = run.info
    head = (info.run_id, info.experiment_id, info.run_name, info.status, info.lifecycle_stage, info.start_time)
    return ToldRun(*head, info.end_time, what, dict(new[:MOST_METRICS]), max(0, len(new) - MOST_METRICS))


def event_of(name: str, state: str, runs: list[ToldRun]) -> Event:
    data = msgspec.json.encode(Told(runs)).decode()
    return Event(state, f"event: {name}\nid: {state}\ndata: {data}\n\n".encode())
