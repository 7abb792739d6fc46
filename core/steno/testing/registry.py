"""What every registry must do, as tests: subclass the suite, say how a store is made, and run pytest."""

from __future__ import annotations

from steno.testing.registry_models import RegisteredModelTests
from steno.testing.registry_searches import RegistrySearchTests
from steno.testing.registry_trail import TrailTests
from steno.testing.registry_versions import ModelVersionTests

__all__ = ["RegistryStoreSuite"]


class RegistryStoreSuite(RegisteredModelTests, ModelVersionTests, RegistrySearchTests, TrailTests):
    """The contract of `steno.contracts.registry.RegistryStore`.

    A store passes it in six lines of a test module:

        from steno.testing.registry import RegistryStoreSuite
        from mine import MyRegistry

        class TestMyRegistry(RegistryStoreSuite):
            def make_store(self, folder):
                return MyRegistry(f"mine://{folder}")

    `make_store(folder)` returns a new, empty store; `folder` is an empty folder that goes away after the test.
    """
