"""The suite on one good integration and many broken ones; `test_integrations.py` runs it and looks at what fails."""

from __future__ import annotations

import toyframework
from steno.testing.integration import IntegrationSuite
from steno_toy import INTEGRATIONS

PROCESSES = {
    "toy": ("clean", "fork", "spawn", "loky"),
    "forks_a_run": ("fork",),
    "leaves_an_attribute": ("fork",),
    "spoils_the_model": ("clean",),
    "spoils_the_pickle": ("clean",),
}


class Toy(IntegrationSuite):
    keeps_models = True
    ways = ()

    def train(self):
        return toyframework.train([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])

    def fail(self):
        toyframework.train([1.0, 2.0], [1.0, None])


for _name in INTEGRATIONS.split():
    _class = f"Test_{_name}"
    _what = {"name": _name, "ways": PROCESSES.get(_name, ()), "__module__": __name__, "__qualname__": _class}
    globals()[_class] = type(_class, (Toy,), _what)
