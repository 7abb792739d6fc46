"""`steno.sklearn`, `steno.xgboost`, …: a module for each flavor or integration that is registered, made on demand.

They are no files: core knows no framework. A finder at the end of `sys.meta_path` is asked only for names below `steno`
that no file provides, so it costs nothing until such a name is imported.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from steno.plugins.registers import Offer

_PACKAGE = "steno."
_FILED = {"python_function"}  # what `steno.pyfunc`, a file, is for


class NamespaceFinder:
    """Finds the modules of registered flavors and integrations; also their loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a namespace, None for anything that is not a public name directly below `steno`.

        Raises:
            ModuleNotFoundError: No plugin registered the name; lists those that are.
        """
        name = fullname.removeprefix(_PACKAGE)
        if name == fullname or "." in name or name.startswith("_"):
            return None
        if name not in known():
            raise ModuleNotFoundError(
                f"No module named {fullname!r}; installed plugins bring {', '.join(known())}", name=fullname
            )
        loader: Any = self  # its nominal base class would cost milliseconds of every start
        return ModuleSpec(fullname, loader, origin="steno plugins")

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return an empty module."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Fill a namespace with what its plugins offer."""
        name = module.__name__.removeprefix(_PACKAGE)
        functions = _functions(name)
        for function in functions:
            function.__module__ = module.__name__
            function.__qualname__ = function.__name__
        vars(module).update({function.__name__: function for function in functions})
        further = _further(name)
        vars(module)["__all__"] = [*(function.__name__ for function in functions), *further]
        if further:
            vars(module)["__getattr__"] = _getattr_of(module, further)
            vars(module)["__dir__"] = lambda: sorted({*vars(module), *further})
        module.__doc__ = f"{name}: {', '.join(module.__all__)}."


def known() -> list[str]:
    """Return the names below `steno` that plugins provide, sorted."""
    from steno.plugins import plugins

    found = plugins()
    return sorted({*found.flavors.offers, *found.integrations.names()} - _FILED)


def install() -> None:
    """Put the finder at the end of the import machinery, once."""
    if not any(isinstance(finder, NamespaceFinder) for finder in sys.meta_path):
        sys.meta_path.append(NamespaceFinder())


def namespace(name: str) -> ModuleType:
    """Return `steno.<name>`, for `steno.__getattr__`.

    Raises:
        AttributeError: There is no such module; lists the namespaces there are.
    """
    if name.startswith("_"):
        raise AttributeError(f"module 'steno' has no attribute {name!r}")
    install()
    if name not in known():
        _wait()
    try:
        return importlib.import_module(_PACKAGE + name)
    except ModuleNotFoundError as error:
        if error.name != _PACKAGE + name:
            raise
        raise AttributeError(
            f"module 'steno' has no attribute {name!r}; installed plugins bring {', '.join(known())}"
        ) from None


def _wait() -> None:
    """Wait for plugins that are still importing: the name may be one of theirs."""
    from steno.plugins import plugins

    plugins().wait()


def _functions(name: str) -> list[Callable[..., Any]]:
    from steno.plugins import plugins

    found = plugins()
    functions: list[Callable[..., Any]] = []
    if found.integrations.answering(name):
        functions.append(_autolog(name))
    if name in found.flavors.offers:
        functions += [_log_model(name), _save_model(name), _load_model(name)]
    return functions


def _further(name: str) -> dict[str, Offer]:
    from steno.plugins import plugins

    return plugins().integrations.further(name)


def _getattr_of(module: ModuleType, further: dict[str, Offer]) -> Callable[[str], Any]:
    def __getattr__(name: str) -> Any:  # noqa: N807 - the module's
        """Load what is asked for: it may import its framework, which nobody else needs."""
        if name not in further:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        found = vars(module)[name] = further[name].load()
        return found

    return __getattr__


def _autolog(name: str) -> Callable[..., Any]:
    def autolog(**options: Any) -> None:
        """Record this framework's training from now on; options as for `steno.autolog`."""
        from steno.autolog import autolog_one

        autolog_one(name, **options)

    return autolog


def _log_model(name: str) -> Callable[..., Any]:
    def log_model(*args: Any, **options: Any) -> Any:
        """Log a model to the active run: `log_model(model, name, ...)`; options as for `steno.log_model`."""
        from steno.tracking.models import log_model

        model, rest, options = _model_first(args, options)
        return log_model(model, *rest, flavor=name, **options)

    return log_model


def _save_model(name: str) -> Callable[..., Any]:
    def save_model(*args: Any, **options: Any) -> Any:
        """Write a model to a folder: `save_model(model, path, ...)`; options as for `steno.models.save_model`."""
        from steno.models import save_model

        model, rest, options = _model_first(args, options)
        return save_model(model, *rest, flavor=name, **options)

    return save_model


def _load_model(name: str) -> Callable[..., Any]:
    def load_model(model_uri: str | Path, dst_path: str | Path | None = None, *, trusted: Collection[str] = ()) -> Any:
        """Return a model as its framework knows it; `trusted=` names the types it may hold beyond the framework's."""
        from steno.models import load_model
        from steno.tracking.models import local_folder

        return load_model(local_folder(model_uri, dst_path), trusted=trusted, flavor=name)

    return load_model


def _model_first(args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Take the model from the arguments, also under the name MLflow's flavors give it: `sk_model`, `xgb_model`, …"""
    if args:
        return args[0], args[1:], options
    names = [name for name in options if name == "model" or name.endswith("_model")]
    if len(names) != 1:
        raise TypeError("give the model as the first argument")
    return options[names[0]], (), {name: value for name, value in options.items() if name != names[0]}
