"""Loads each model below a folder as a function, and writes what it predicts: `predict.py <package> <folder>`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

m: Any = importlib.import_module(sys.argv[1])
place = Path(sys.argv[2])
FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [0.5, -0.5]})
INPUTS = {"hints": ["ab", "c"], "plain": [1, 2], "hinted_function": [{"x": 1}, {}]}


def plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def load(folder: Path) -> Any:
    """Load a model; steno asks what may run first."""
    if m.__name__ == "mlflow":
        return m.pyfunc.load_model(str(folder))
    trusted = m.models.untrusted_types(folder)
    assert bool(trusted) == (folder.name != "skops"), (folder.name, trusted)
    return m.pyfunc.load_model(folder, trusted=trusted)


found: dict[str, Any] = {}
for folder in sorted(path.parent for path in place.glob("*/MLmodel")):
    model = load(folder)
    inputs = INPUTS.get(folder.name, FRAME)
    found[folder.name] = {"predict": plain(model.predict(inputs))}
    signature = model.metadata.signature
    found[folder.name]["signature"] = signature and [
        schema and schema.to_dict() for schema in (signature.inputs, signature.outputs, signature.params)
    ]
    found[folder.name]["metadata"] = model.metadata.metadata
    if folder.name == "class":
        found["class"]["params"] = plain(model.predict(inputs, params={"shift": 1.5}))
        found["class"]["unwrapped"] = type(model.unwrap_python_model()).__name__
        config = {"model_config": {"more": 20}}
        again = (
            m.pyfunc.load_model(str(folder), **config)
            if m.__name__ == "mlflow"
            else m.pyfunc.load_model(folder, trusted=m.models.untrusted_types(folder), **config)
        )
        found["class"]["configured"] = plain(again.predict(inputs))
        found["class"]["dependencies"] = Path(m.pyfunc.get_model_dependencies(str(folder))).name
    if folder.name == "hints":
        found["hints"]["stream"] = list(model.predict_stream(["ab"]))

assert m.__name__ == "mlflow" or "mlflow" not in sys.modules, "steno needs no MLflow to read its models"
(place / f"{m.__name__}.json").write_text(json.dumps(found))
