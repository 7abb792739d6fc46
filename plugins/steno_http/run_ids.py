"""The ids of runs: steno's, chosen before the server is asked, and the server's own.

An MLflow server chooses the id of a run itself, and a run of steno's has one from its first moment, when the server may
be away. Both stay. The server's run carries steno's id in the tag `steno.run_id`, and everything that this plugin shows
has steno's id in its place; whoever asks may name a run by either. The server is the only place where this is written
down, in the same request that makes the run: no file can be lost or be on another machine, and what is made once is
found again by a later try, process or host.

A request to make a run may fail and have been carried out all the same, so each try first looks for the tag. If a
server works off a request long after its answer was given up, two runs come to be: the one to which nothing was written
is deleted when that is next looked for, at the latest when the run ends. A steno server is sent batches
whole, and has steno's ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace
from steno.errors import NotFound, StoreUnavailable
from steno.records import LifecycleStage, Run, RunStart, Tags
from steno.wire import calls, entities, inward, outward
from steno.wire import messages as m

PARENT = "steno.parent_run_id"
MOST_KNOWN = 50_000
_PAGE = 1000
_ALL = "ALL"


class RunIds:
    """Finds, makes and remembers. Thread-safe: what is remembered does not change.

    Args:
        call: Asks the server.
    """

    def __init__(self, call: Callable[[Any, Any], Any]) -> None:
        self._call = call
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}
        self._doubtful: set[str] = set()  # a request to make them may have been carried out twice

    def theirs(self, run_id: str) -> str:
        """Return the server's id of a run. Raises: NotFound."""
        known = self._theirs.get(run_id)
        return known or self._looked_up(run_id)

    def known(self, run_ids: Iterable[str]) -> list[str]:
        """Return the server's ids of runs; one that is not there stays as it is."""
        found = []
        for run_id in run_ids:
            try:
                found.append(self.theirs(run_id))
            except NotFound:
                found.append(run_id)
        return found

    def ours(self, theirs: str) -> str:
        """Return the id of a run that the server named by its own; that where it has no other."""
        if theirs not in self._ours:
            try:
                found = self._call(calls.GET_RUN, m.OfRun(run_id=theirs, run_uuid=theirs)).run
            except NotFound:
                return theirs
            self.learn(self.record_of(found).info.run_id, theirs)
        return self._ours[theirs]

    def learn(self, ours: str, theirs: str) -> None:
        """Remember."""
        if len(self._theirs) >= MOST_KNOWN or len(self._ours) >= MOST_KNOWN:
            self._theirs.clear()
            self._ours.clear()
        self._theirs[ours] = theirs
        if ours != theirs or theirs not in self._ours:
            self._ours[theirs] = ours

    def make(self, run_id: str, start: RunStart) -> str:
        """Make a run unless it is there, and return the server's id.

        Raises:
            NotFound: No such experiment.
            StoreUnavailable: It may have been made or not; the next try finds out.
        """
        known = self._theirs.get(run_id) or self._chosen(run_id, [start.experiment_id])
        if known:
            return known
        asked = m.CreateRun(
            experiment_id=start.experiment_id,
            user_id=start.user_id or None,
            run_name=start.run_name,
            start_time=start.start_time,
            tags=outward.pairs({**self.tags_there(start.tags), Tags.RUN_NAME: start.run_name, Tags.RUN_ID: run_id}),
        )
        try:
            made = self._call(calls.CREATE_RUN, asked).run.info.run_id
        except StoreUnavailable:
            self._doubtful.add(run_id)
            raise
        self.learn(run_id, made)
        return str(made)

    def prepare(self, children: Sequence[tuple[str, RunStart]]) -> None:
        """Learn at once which of many runs that are to be made are there already."""
        parents = {start.tags.get(Tags.PARENT_RUN_ID, "") for run_id, start in children if run_id not in self._theirs}
        for parent in parents - {""}:
            experiments = sorted({start.experiment_id for _, start in children})
            for run in self._tagged(PARENT, parent, experiments):
                self.record_of(run)

    def settle(self, run_id: str, experiment_id: str) -> None:
        """Delete what a server made twice of a run that ends, if that may have happened."""
        if run_id in self._doubtful:
            self._chosen(run_id, [experiment_id])
            self._doubtful.discard(run_id)

    def tags_there(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return tags as the server is to keep them: MLflow's pages find a parent by its own id."""
        parent = tags.get(Tags.PARENT_RUN_ID)
        theirs = self.known([parent])[0] if parent else parent
        if theirs is None or theirs == parent:
            return dict(tags)
        return {**tags, Tags.PARENT_RUN_ID: theirs, PARENT: str(parent)}

    def record_of(self, shown: entities.Run) -> Run:
        """Return a run as a record, under steno's id if it has one."""
        record = inward.run(shown)
        tags = record.data.tags
        ours, parent = tags.pop(Tags.RUN_ID, None), tags.pop(PARENT, None)
        if parent is not None and Tags.PARENT_RUN_ID in tags:
            tags[Tags.PARENT_RUN_ID] = parent
        if ours is None:
            return record
        self._theirs.setdefault(ours, record.info.run_id)
        return replace(record, info=replace(record.info, run_id=ours))

    # -- asking ----------------------------------------------------------------------------------------------

    def _looked_up(self, run_id: str) -> str:
        with suppress(NotFound):
            found = self._call(calls.GET_RUN, m.OfRun(run_id=run_id, run_uuid=run_id)).run
            self.learn(run_id, found.info.run_id)
            return str(found.info.run_id)
        tagged = self._chosen(run_id, self.experiments())
        if tagged is None:
            raise NotFound(f"there is no run {run_id!r}")
        return tagged

    def experiments(self) -> list[str]:
        """Return the ids of all experiments, deleted ones too."""
        found: list[str] = []
        token: str | None = None
        while True:
            asked = m.SearchExperiments(max_results=_PAGE, view_type=_ALL, page_token=token)
            page = self._call(calls.SEARCH_EXPERIMENTS, asked)
            found += [each.experiment_id for each in page.experiments or ()]
            token = page.next_page_token
            if not token:
                return found

    def _chosen(self, run_id: str, experiments: Sequence[str]) -> str | None:
        """Return the one run that carries an id, None if there is none; further ones are deleted."""
        found = self._tagged(Tags.RUN_ID, run_id, experiments)
        if not found:
            return None
        known = self._theirs.get(run_id)
        # The one that was written to, however often this is asked; else the first by its id, whoever asks.
        found.sort(key=lambda run: (run.info.run_id != known, -_facts(run), run.info.run_id))
        fewest = min(map(_facts, found))
        for spare in found[1:]:
            if _facts(spare) == fewest and spare.info.lifecycle_stage == LifecycleStage.ACTIVE:
                self._call(calls.DELETE_RUN, m.OfRun(run_id=spare.info.run_id, run_uuid=spare.info.run_id))
        self._theirs[run_id] = found[0].info.run_id
        return str(found[0].info.run_id)

    def _tagged(self, tag: str, value: str, experiments: Sequence[str]) -> list[entities.Run]:
        if "'" in value or not experiments:
            return []
        found: list[entities.Run] = []
        token: str | None = None
        while True:
            asked = m.SearchRuns(
                experiment_ids=list(experiments),
                filter=f"tags.`{tag}` = '{value}'",
                run_view_type=_ALL,
                max_results=_PAGE,
                page_token=token,
            )
            page = self._call(calls.SEARCH_RUNS, asked)
            found += page.runs or ()
            token = page.next_page_token
            if not token:
                return found


def _facts(run: entities.Run) -> int:
    """How much is written on a run; of two that were made by the same request the one that is in use has more."""
    data = run.data
    ended = 0 if run.info.end_time is None else 1
    return ended + sum(len(found) for found in (data.metrics, data.params, data.tags) if found) if data else ended
