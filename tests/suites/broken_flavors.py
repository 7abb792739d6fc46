"""The suite on one good flavor and many broken ones; `test_suites.py` runs it and looks at what fails."""

from __future__ import annotations

import toyframework
from steno.testing.flavor import FlavorSuite
from steno_toy import FLAVORS


class Own(toyframework.Model):
    """A model of the user's own class."""


class Toy(FlavorSuite):
    def model(self):
        return toyframework.train([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])

    def stranger(self):
        return Own().fit([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])

    def inputs(self):
        import numpy

        return numpy.array([1.0, 2.0, 3.0])


for _name in FLAVORS.split():
    _class = f"Test_{_name}"
    globals()[_class] = type(_class, (Toy,), {"flavor": _name, "__module__": __name__, "__qualname__": _class})
