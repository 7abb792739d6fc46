"""What the handlers work with: the stores, and what is remembered between requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from steno.asgi.meter import Meter
from steno.contracts.stores import RunStore
from steno.errors import NotFound
from steno.records import DEFAULT_EXPERIMENT_ID
from steno.tracking import places, reading
from steno.tracking.client import Client

from steno_server.artifacts import Artifacts
from steno_server.listeners import Listeners
from steno_server.options import Options
from steno_server.repeats import Repeats

MOST_PLACES = 10_000
POINTS = "steno_points_total"
"""What the meter calls the points that were taken in."""
WRITERS = 4


class Service:
    """The stores of one server process. Its methods may be called from any thread.

    Attributes:
        store: Experiments and runs.
        client: Registered models, with the rules for them.
        artifacts: Where files are.
        meter: What is counted.
        repeats: Takes what MLflow's clients send of metrics, each point once.
        at_hand: Whether the store is a file on this machine, so that what it is asked is mostly a matter of a moment.
        listeners: Who hears events.
        writers: Threads for what writes and may have to wait, so that what reads has its own.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.client = Client(options.store_uri, options.registry_uri)
        self.artifacts = Artifacts(options, self._default_location)
        self.read_modify_write = threading.Lock()
        self.meter = Meter(options.workers, totals={POINTS: "Points of metrics that were taken in."})
        self.at_hand = options.store_uri.startswith("sqlite:")
        # A database on a server is there to be shared.
        self.repeats = Repeats(lambda: self.store, alone=self.at_hand and options.workers == 1)
        self.writers = ThreadPoolExecutor(WRITERS, "steno-server-writer")
        self.listeners = Listeners(lambda: self.store)
        self._probe: asyncio.Future[None] | None = None
        self._places: dict[str, Callable[[str], str]] = {}

    @property
    def store(self) -> RunStore:
        """The store of runs itself."""
        return places.run_store(self.options.store_uri)

    def open(self) -> None:
        """Open the store, and carry into it what processes that are gone left in journals.

        Raises:
            StoreError: The store cannot be used.
            InvalidValue: The artifacts are not where the server could serve them.
            MissingDependency: What reaches them is not installed.
        """
        reading.settle(self.options.store_uri)
        self.store.get_experiment_by_name("")
        if self.artifacts.served:
            _ = self.artifacts.store  # what cannot be served is told now, not to the first client

    def probe(self) -> asyncio.Future[None]:
        """Ask the store something small in a thread, unless it is being asked just now. On the event loop only."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.ensure_future(asyncio.to_thread(self._ask_store))
        return self._probe

    def _ask_store(self) -> None:
        self.store.get_experiment_by_name("")

    def close(self) -> None:
        """Release the stores' connections."""
        places.forget_stores()

    def _default_location(self) -> str:
        try:
            return self.store.get_experiment(DEFAULT_EXPERIMENT_ID).artifact_location
        except NotFound:
            return ""

    def place_of_run(self, experiment_id: str, run_id: str) -> str:
        """Return the artifact URI of a run that was just created, as clients see it.

        The runs of an experiment lie side by side, so that one tells where the others are.
        """
        place = self._places.get(experiment_id)
        if place is not None:
            return place(run_id)
        uri = self.artifacts.shown(self.store.get_run(run_id).info.artifact_uri)
        before, found, after = uri.partition(run_id)
        if found and run_id not in after:
            if len(self._places) >= MOST_PLACES:
                self._places.clear()
            self._places[experiment_id] = lambda each: f"{before}{each}{after}"
        return uri
