"""A flavor: how models of one framework are written to a folder and read back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct, field

Conf = Mapping[str, Any]


class FlavorInfo(Struct, frozen=True):
    """What `save` reports, for the MLmodel file.

    Attributes:
        conf: The flavor's own section (MLflow's keys, see the model format).
        pyfunc: The `python_function` section less its environment, or None when the model has no `predict`.
        packages: Import names whose installed versions the model needs, most important first.
        also: Sections of other flavors that read the same files, by name.
        signature: What the model declares of itself (steno.models.ModelSignature), as by type hints; a signature that
            the user gives goes before it, and it before one inferred from the input example.
        about: Further keys of the MLmodel file.
    """

    conf: dict[str, Any]
    pyfunc: dict[str, Any] | None = None
    packages: tuple[str, ...] = field(default=())
    also: dict[str, dict[str, Any]] = field(default_factory=dict)
    signature: Any = None
    about: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Flavor(Protocol):
    """Stateless; methods may be called from any thread. `folder` is the model's folder, `conf` its section."""

    name: str

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model into an existing folder.

        A flavor whose attribute `takes_example` is true gets the input example, if there is one, as the option
        `input_example`. One whose attribute `predicts_as_loaded` is true is loaded from the folder for the signature
        to be inferred: its models predict only once they were loaded.

        Raises:
            ModelError: It cannot be written in the chosen format; the message names the remedy.
            InvalidValue: An option this flavor does not know.
        """
        ...

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return the qualified names of types that loading would need beyond the flavor's own allow-list.

        Reads, never executes.
        """
        ...

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model; only the allow-list and `trusted` may be constructed. Raises: UntrustedTypes."""
        ...

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Return the model's prediction for inputs as `pyfunc` hands them over (DataFrame, array, ...).

        A flavor may have `predict_stream` beside it, of the same arguments, which yields a prediction piece by piece.
        """
        ...
