"""What core promises round every watched call, as tests: an integration passes them by naming two trainings."""

from __future__ import annotations

from steno.testing.costs import CostTests
from steno.testing.elsewhere import ElsewhereTests
from steno.testing.harmless import HarmlessTests
from steno.testing.one_run import RunTests
from steno.testing.switching import SwitchTests

__all__ = ["IntegrationSuite"]


class IntegrationSuite(HarmlessTests, CostTests, RunTests, SwitchTests, ElsewhereTests):
    """The promises of autologging, for one integration.

    It passes in six lines of a test module:

        from steno.testing.integration import IntegrationSuite

        class TestMine(IntegrationSuite):
            name = "mine"

            def train(self):
                return Model(seed=0).fit(X, y)

            def fail(self):
                Model(seed=0).fit(X, "no labels")

    `train` makes one small watched training, the same each time, and returns its result. `fail` makes one in
    which the framework or the user's code raises inside the watched call. The framework is imported by the
    test module, as a user's program does. What else can be said of an integration: see the attributes of
    `steno.testing.trainings.Trainings` and `by_name`; what can be overridden: `shown`, `state`.
    """
