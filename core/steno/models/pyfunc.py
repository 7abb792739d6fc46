"""Any model as a function: `predict(data, params)`, with what goes in checked against the signature."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from steno.errors import ModelError
from steno.models import seal
from steno.models.enforcement import enforce
from steno.models.layout import REQUIREMENTS
from steno.models.load import PYFUNC, Loaded, opened
from steno.models.manifest import Manifest
from steno.models.requirements import public
from steno.models.signature import ModelSignature

logger = logging.getLogger("steno.models")


class PyFuncModel:
    """A loaded model behind one method. As thread-safe as the model inside."""

    def __init__(self, loaded: Loaded, folder: Path) -> None:
        self._loaded, self._folder = loaded, folder
        self._conf = {**(loaded.manifest.pyfunc or {}), **loaded.conf}
        self.model_config: dict[str, Any] = dict(self._conf.get("config") or {})
        self._signature = loaded.manifest.signature

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return the model's prediction.

        Args:
            data: Inputs in any form the signature's kind admits: a table of pandas, polars, pyarrow or another library,
                Series, dict, list, array, scalar.
            params: By name; what is not given takes the signature's default.

        Raises:
            SchemaMismatch: Inputs or params that do not fit the signature; tells all that is wrong at once.
        """
        return self.predict_as_it_is(*self._enforced(data, params))

    def predict_as_it_is(self, data: Any, params: Mapping[str, Any]) -> Any:
        """Return the prediction for inputs and params that are as the signature declares them: nothing is checked."""
        return self._loaded.flavor.predict(self._loaded.model, data, params, self._conf)

    def predict_stream(self, data: Any, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Yield the model's prediction for one input, piece by piece.

        Raises:
            ModelError: The model does not predict in pieces.
            SchemaMismatch: As from `predict`.
        """
        stream = getattr(self._loaded.flavor, "predict_stream", None)
        if stream is None:
            raise ModelError(f"models of flavor {self._loaded.flavor.name!r} do not predict in pieces; use predict")
        found: Iterator[Any] = stream(self._loaded.model, *self._enforced(data, params), self._conf)
        return found

    def _enforced(self, data: Any, params: Mapping[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        hinted = bool(self.metadata.extra.get("is_signature_from_type_hint"))
        return enforce(data, params, self._signature, hinted=hinted)

    @property
    def metadata(self) -> Manifest:
        """What the MLmodel file says."""
        return self._loaded.manifest

    @property
    def signature(self) -> ModelSignature | None:
        """The model's signature, if it has one."""
        return self._signature

    @property
    def model_id(self) -> str | None:
        """The id under which it was logged."""
        return self.metadata.model_id

    @property
    def input_example(self) -> Any:
        """The inputs saved beside it, read on each call; None if there are none. Raises: ModelError."""
        return self.metadata.load_input_example(self._folder)

    def unwrap_python_model(self) -> Any:
        """Return the PythonModel inside. Raises: ModelError if it is a framework's model."""
        if self._loaded.flavor.name != PYFUNC:
            what = type(self._loaded.model).__name__
            raise ModelError(f"this is a {what}, no PythonModel; get_raw_model() returns it")
        return self._loaded.model

    def get_raw_model(self) -> Any:
        """Return the model as its framework knows it."""
        return self._loaded.model

    def __repr__(self) -> str:
        return f"PyFuncModel({type(self._loaded.model).__name__}, flavor={self._loaded.flavor.name!r})"


def load_pyfunc(
    folder: str | Path,
    *,
    trusted: Iterable[str] = (),
    suppress_warnings: bool = False,
    model_config: Mapping[str, Any] | None = None,
) -> PyFuncModel:
    """Load a model as a function.

    Args:
        folder: A model's folder on this machine.
        trusted: As in `load_model`.
        suppress_warnings: Say nothing where versions differ from those it was saved with.
        model_config: Overrides the configuration saved with it.

    Raises:
        UntrustedTypes: It holds types that are not named; nothing was executed.
        ModelError: It has no `predict`, is damaged, or no installed flavor can read it.
        UnsafePath: It names files outside its folder.
        DamagedModel: A file is not as it was saved.
    """
    folder = Path(folder)
    manifest = Manifest.read(folder)
    seal.check(folder, manifest)
    if manifest.pyfunc is None:
        raise ModelError(f"model {folder} has no {PYFUNC} flavor: it cannot predict; load it with load_model")
    if not suppress_warnings and (differing := version_differences(folder, manifest)):
        logger.warning("model %s was saved with other versions: %s", folder, "; ".join(differing))
    return PyFuncModel(opened(folder, manifest, trusted=trusted, config=model_config), folder)


def version_differences(folder: Path, manifest: Manifest) -> list[str]:
    """Return one line for each version that differs here: Python to the minor version, pinned packages exactly."""
    lines = []
    python = str((manifest.pyfunc or {}).get("python_version", ""))
    if python and python.split(".")[:2] != platform.python_version().split(".")[:2]:
        lines.append(f"python {python}, here {platform.python_version()}")
    path = folder / REQUIREMENTS
    pins = path.read_text("utf-8", "replace").splitlines() if path.is_file() and not path.is_symlink() else []
    for pin in pins:
        name, _, version = pin.partition(";")[0].partition("==")
        found = _version(name.partition("[")[0].strip()) if version else None
        if found is not None and public(found) != public(version.strip()):
            lines.append(f"{name.strip()} {version.strip()}, here {found}")
    return lines


@lru_cache(maxsize=1024)  # each look-up reads a file, and a process keeps what it has imported
def _version(distribution: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return None


__all__ = ["PyFuncModel", "load_pyfunc", "version_differences"]
