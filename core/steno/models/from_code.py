"""A model as a script: it builds its model and hands it over with `set_model`, at each load; nothing is pickled."""

from __future__ import annotations

import builtins
import hashlib
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct, field

from steno.errors import InvalidValue, ModelError


class _Running(Struct):
    """A script that runs now."""

    config: Mapping[str, Any]
    models: list[Any] = field(default_factory=list)


_running: ContextVar[_Running | None] = ContextVar("steno_model_script", default=None)


def set_model(model: Any) -> None:
    """In a model's script: say which object is the model. Elsewhere it does nothing."""
    if running := _running.get():
        running.models.append(model)


class ModelConfig:
    """In a model's script: the configuration it is loaded with, or `development_config` where it runs by itself."""

    def __init__(self, *, development_config: Mapping[str, Any] | str | Path | None = None) -> None:
        running = _running.get()
        self._config = dict(running.config) if running and running.config else config_of(development_config)

    def get(self, key: str) -> Any:
        """Return a value. Raises: KeyError, naming the keys there are."""
        if key not in self._config:
            raise KeyError(f"the model's configuration has no {key!r}; it has {', '.join(self._config) or 'nothing'}")
        return self._config[key]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it."""
        return dict(self._config)


def config_of(given: Any) -> dict[str, Any]:
    """Return a configuration given as a map with texts as keys, or as the path of a YAML file. Raises: InvalidValue."""
    if isinstance(given, str | Path):
        from steno.models.manifest import load_yaml

        try:
            given = load_yaml(Path(given).read_bytes(), str(given))
        except OSError as error:
            raise InvalidValue(f"the configuration {given} cannot be read: {error}") from error
    if not isinstance(given or {}, Mapping) or not all(isinstance(key, str) for key in given or {}):
        raise InvalidValue(f"model_config is a map with texts as keys, or the path of a YAML file, not {given!r}")
    return dict(given or {})


def run_script(path: Path, config: Mapping[str, Any] | None = None) -> Any:
    """Run a model's script and return what it hands over. The caller has made sure that it may run.

    Where it imports `mlflow`, it is given steno, whose names are the same.

    Raises:
        ModelError: It does not parse, needs what is not installed, or hands over no model.
    """
    if not path.is_file():
        raise ModelError(f"the model's script {path.name} is no file")
    source = path.read_bytes()
    module = ModuleType(f"steno_model_{path.stem}_{hashlib.sha256(str(path).encode() + source).hexdigest()[:12]}")
    vars(module).update(__file__=str(path), __builtins__={**vars(builtins), "__import__": _import})
    running = _Running(config or {})
    token = _running.set(running)
    sys.modules[module.__name__] = module  # dataclasses and pickles look a class's module up
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except (SyntaxError, ImportError, ValueError) as error:
        raise ModelError(f"the model's script {path.name} cannot run here: {error}") from error
    finally:
        _running.reset(token)
    if not running.models:
        raise ModelError(f"the script {path.name} hands over no model: let it call steno.models.set_model(model)")
    return running.models[-1]


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002 - the signature of `__import__`
    locals: Mapping[str, object] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    if level == 0 and name.partition(".")[0] == "mlflow":
        name = "steno" + name.removeprefix("mlflow")
    return builtins.__import__(name, globals, locals, fromlist or (), level)
