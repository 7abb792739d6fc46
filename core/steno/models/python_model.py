"""What users subclass to keep any Python code as a model. Files know these classes under MLflow's names.

Nothing else belongs in this module: where a pickled class has one of these as its base, the file says `FILE_MODULE` for
it, so that MLflow reads the file without steno, and steno without MLflow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

FILE_MODULE = "mlflow.pyfunc.model"


class PythonModelContext:
    """What was kept beside a model.

    Attributes:
        artifacts: Path on this machine, by the name given at save.
        model_config: The configuration given at save, with what the loader gave in place of it.
    """

    def __init__(self, artifacts: Mapping[str, str], model_config: Mapping[str, Any] | None) -> None:
        self._artifacts, self._model_config = dict(artifacts), dict(model_config or {})

    @property
    def artifacts(self) -> dict[str, str]:
        """Path on this machine, by name."""
        return self._artifacts

    @property
    def model_config(self) -> dict[str, Any]:
        """The model's configuration."""
        return self._model_config


class PythonModel:
    """Any Python code as a model: subclass it and write `predict`.

    `predict` may leave out `context`, and `params`; type hints of its input become the model's signature.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Get ready to predict: called once after loading."""

    def predict(self, context: PythonModelContext, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the prediction for one batch of inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no predict")

    def predict_stream(
        self, context: PythonModelContext, model_input: Any, params: dict[str, Any] | None = None
    ) -> Iterator[Any]:
        """Yield the prediction for one input piece by piece."""
        raise NotImplementedError(f"{type(self).__name__} has no predict_stream")


class _FunctionPythonModel(PythonModel):
    """A plain function as a model. Its name and attributes are those of MLflow's files."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self.func, self.signature = func, None

    def predict(self, model_input: Any) -> Any:  # type: ignore[override]  # a function has no context
        """Call the function."""
        return self.func(model_input)
