"""The code a model needs: classes of modules, modules beside it, and the packages it imports."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from steno.errors import InvalidValue, ModelError
from steno.models import untrusted_types
from steno.pyfunc import get_model_dependencies, save_model

from .conftest import python

MODULE = """
from steno.pyfunc import PythonModel

class Doubled(PythonModel):
    def predict(self, model_input):
        return [2 * each for each in model_input]
"""


def test_a_class_of_a_module_is_kept_by_name_with_its_source_beside_it(tmp_path, monkeypatch):
    source = tmp_path / "source" / "steno_test_doubled.py"
    source.parent.mkdir()
    source.write_text(MODULE)
    monkeypatch.syspath_prepend(source.parent)
    model = importlib.import_module("steno_test_doubled").Doubled()
    save_model(tmp_path / "model", python_model=model, code_paths=[source])
    assert untrusted_types(tmp_path / "model") == ["steno_test_doubled.Doubled"]
    script = (
        "import sys, steno\n"
        "model = steno.pyfunc.load_model(sys.argv[1], trusted=['steno_test_doubled.Doubled'])\n"
        "assert model.predict([1, 2]) == [2, 4]\n"
    )
    python(tmp_path, "-c", script, tmp_path / "model")


@pytest.mark.parametrize("kind", ["at the top", "inside predict", "a script"])
def test_modules_beside_it_that_its_code_imports_are_named_too(kind, tmp_path):
    (tmp_path / "steno_test_helper.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "unused_helper.py").write_text("")
    at_top = kind != "inside predict"
    lines = [
        "import sys, steno",
        "import steno_test_helper" if at_top else "",
        "def predict(model_input):",
        "    pass" if at_top else "    import steno_test_helper",
        "    return [steno_test_helper.double(each) for each in model_input]",
    ]
    ends = {"a script": "steno.models.set_model(predict)"}
    save = "steno.pyfunc.save_model('model', python_model=predict, code_paths=sys.argv[1:])"
    (tmp_path / "train.py").write_text("\n".join([*lines, ends.get(kind, save)]))
    code = [tmp_path / "steno_test_helper.py", tmp_path / "unused_helper.py"]
    if kind == "a script":
        load = "import sys, steno; steno.pyfunc.save_model('model', python_model='train.py', code_paths=sys.argv[1:])"
        python(tmp_path, "-c", load, *code, PYTHONPATH=str(tmp_path))
    else:
        python(tmp_path, tmp_path / "train.py", *code)
    (tmp_path / "train.py").unlink()
    names = untrusted_types(tmp_path / "model")
    assert "steno_test_helper" in names
    assert "unused_helper" not in names
    (tmp_path / "elsewhere").mkdir()
    load = f"import steno; print(steno.pyfunc.load_model('../model', trusted={names!r}).predict([1, 2]))"
    assert python(tmp_path / "elsewhere", "-c", load).strip() == "[2, 4]"


def test_requirements_name_what_its_code_imports(tmp_path):
    def predict(model_input):
        return np.mean(model_input)

    predict.__module__ = "__main__"
    save_model(tmp_path / "model", python_model=predict)
    lines = Path(get_model_dependencies(tmp_path / "model")).read_text().splitlines()
    assert [line.split("==")[0] for line in lines] == ["mlflow", "cloudpickle", "numpy"]
    assert "numpy" in Path(get_model_dependencies(tmp_path / "model", format="conda")).read_text()
    with pytest.raises(InvalidValue, match="'pip' or 'conda'"):
        get_model_dependencies(tmp_path / "model", format="uv")
    (tmp_path / "model" / "conda.yaml").unlink()
    with pytest.raises(ModelError, match=r"no conda\.yaml"):
        get_model_dependencies(tmp_path / "model", format="conda")
