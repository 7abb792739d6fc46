"""What every store must do, as tests: subclass a suite, say how a store is made, and run pytest."""

from __future__ import annotations

from steno.testing.artifacts import ArtifactStoreSuite
from steno.testing.experiments import ExperimentTests
from steno.testing.logged_models import LoggedModelTests
from steno.testing.metrics import MetricTests
from steno.testing.model_searches import ModelSearchTests
from steno.testing.searches import SearchTests
from steno.testing.writes import WriteTests

__all__ = ["ArtifactStoreSuite", "RunStoreSuite"]


class RunStoreSuite(ExperimentTests, WriteTests, SearchTests, MetricTests, LoggedModelTests, ModelSearchTests):
    """The contract of `steno.contracts.stores.RunStore`.

    A store passes it in six lines of a test module:

        from steno.testing.stores import RunStoreSuite
        from mine import MyStore

        class TestMyStore(RunStoreSuite):
            def make_store(self, folder):
                return MyStore(f"mine://{folder}")

    `make_store(folder)` returns a new, empty store; `folder` is an empty folder that goes away after the test.
    """
