"""Models that are Python code of the user's own: `steno.pyfunc.PythonModel`, a function, or a script."""

from __future__ import annotations

from steno.hookspecs import hookimpl
from steno.plugins.registers import FlavorRegister


@hookimpl
def steno_register_flavors(register: FlavorRegister) -> None:
    register("python_function", "steno_pyfunc.flavor:flavor", owns=("steno", "mlflow"))
