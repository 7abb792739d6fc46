"""The suite every flavor passes: models come back whole, and strangers' files run nothing.

class TestOurs(FlavorSuite):
    flavor = "sklearn"

    def model(self):
        return LogisticRegression().fit(X, y)

    def inputs(self):
        return X
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steno.errors import InvalidValue, ModelError, StenoError, UntrustedTypes
from steno.models import Manifest, load_model, load_pyfunc, save_model, untrusted_types
from steno.models.layout import CONDA_ENV, MLMODEL, PYTHON_ENV, REQUIREMENTS, member
from steno.models.persist import flavor_for
from steno.models.requirements import installed

_PREDICT_ELSEWHERE = """
import pickle, sys
sys.path[:] = {path!r}
from steno.models import load_pyfunc
with open({inputs!r}, "rb") as file:
    inputs = pickle.load(file)
outputs = load_pyfunc({folder!r}, trusted={trusted!r}).predict(inputs)
with open({outputs!r}, "wb") as file:
    pickle.dump(outputs, file)
"""


class Canary:
    """Leaves a file if a pickle of it is executed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


class FlavorSuite:
    """Subclass it, name the flavor and provide a trained model with inputs it can predict.

    Attributes:
        flavor: The name under which the flavor is registered.
        options: Options for each save.
        trusted: Names that loading the saved model may ask for; none for a flavor whose format holds only data.
    """

    flavor: str
    options: dict[str, Any] = {}  # noqa: RUF012 - a subclass sets its own
    trusted: tuple[str, ...] = ()

    def model(self) -> Any:
        """Return a trained model."""
        raise NotImplementedError

    def inputs(self) -> Any:
        """Return inputs the model can predict."""
        raise NotImplementedError

    def stranger(self) -> Any | None:
        """Return a trained model that holds a type of the user's own, or None if models here cannot."""
        return None

    def equal(self, a: Any, b: Any) -> bool:
        """Whether two predictions are the same; override where they are no arrays."""
        import numpy as np

        return bool(np.array_equal(np.asarray(a), np.asarray(b)))

    @pytest.fixture
    def model_folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "model"
        save_model(self.model(), folder, flavor=self.flavor, **self.options)
        return folder

    def predict(self, model: Any, folder: Path) -> Any:
        """Return the flavor's own prediction, not through a file."""
        conf = {**(Manifest.read(folder).pyfunc or {}), **Manifest.read(folder).flavors[self.flavor]}
        return flavor_for(model, self.flavor).predict(model, self.inputs(), {}, conf)

    def test_a_model_comes_back_with_the_same_predictions(self, model_folder: Path) -> None:
        loaded = load_model(model_folder, trusted=self.trusted)
        assert type(loaded) is type(self.model())
        assert self.equal(self.predict(loaded, model_folder), self.predict(self.model(), model_folder))

    def test_a_model_predicts_the_same_in_a_clean_interpreter(self, model_folder: Path, tmp_path: Path) -> None:
        inputs, outputs = tmp_path / "inputs", tmp_path / "outputs"
        inputs.write_bytes(pickle.dumps(self.inputs()))
        script = _PREDICT_ELSEWHERE.format(
            path=sys.path, folder=str(model_folder), trusted=self.trusted, inputs=str(inputs), outputs=str(outputs)
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stderr
        assert self.equal(pickle.loads(outputs.read_bytes()), self.predict(self.model(), model_folder))

    def test_a_model_is_a_function_with_a_checked_signature(self, tmp_path: Path) -> None:
        folder = tmp_path / "model"
        model, inputs = self.model(), self.inputs()
        manifest = save_model(model, folder, flavor=self.flavor, **{**self.options, "input_example": inputs})
        loaded = load_pyfunc(folder, trusted=self.trusted)
        assert manifest.signature is not None
        assert manifest.signature.inputs is not None
        assert self.equal(loaded.predict(inputs), self.predict(model, folder))
        with pytest.raises(InvalidValue, match="schema enforcement failed"):
            loaded.predict(object())

    def test_the_mlmodel_file_says_how_any_reader_loads_it(self, model_folder: Path) -> None:
        manifest = Manifest.read(model_folder)
        assert self.flavor in manifest.flavors
        assert manifest.pyfunc is not None
        assert manifest.pyfunc["loader_module"]
        assert manifest.pyfunc["env"] == {"conda": CONDA_ENV, "virtualenv": PYTHON_ENV}
        assert manifest.pyfunc["python_version"].count(".") == 2
        assert manifest.model_uuid
        assert manifest.utc_time_created
        files = [path for path in model_folder.rglob("*") if path.is_file() and path.name != MLMODEL]
        assert manifest.model_size_bytes == sum(path.stat().st_size for path in files)

    def test_every_file_a_section_names_is_in_the_folder(self, model_folder: Path) -> None:
        named = [member(model_folder, name) for name in self._files(model_folder)]
        assert named

    def test_requirements_name_the_packages_with_their_versions(self, model_folder: Path, tmp_path: Path) -> None:
        lines = (model_folder / REQUIREMENTS).read_text("utf-8").splitlines()
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        packages = flavor_for(self.model(), self.flavor).save(self.model(), scratch, **self.options).packages
        assert packages
        for package in packages:
            found = installed(package)
            assert found is None or f"{found[0]}=={found[1]}" in lines
        assert all(line in (model_folder / CONDA_ENV).read_text("utf-8") for line in lines)

    def test_a_failed_save_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidValue):
            save_model(self.model(), tmp_path / "model", flavor=self.flavor, no_such_option=1)
        with pytest.raises(InvalidValue):
            save_model(self.model(), tmp_path / "model", flavor=self.flavor, code_paths=[tmp_path / "absent"])
        assert list(tmp_path.iterdir()) == []

    def test_only_what_was_announced_has_to_be_trusted(self, model_folder: Path) -> None:
        assert set(untrusted_types(model_folder)) <= set(self.trusted)

    def test_a_strangers_type_is_named_and_nothing_is_executed(self, tmp_path: Path) -> None:
        model = self.stranger()
        if model is None:
            pytest.skip("models of this flavor hold no types of the user's own")
        save_model(model, tmp_path / "model", flavor=self.flavor, **self.options)
        with pytest.raises(UntrustedTypes) as caught:
            load_model(tmp_path / "model", trusted=self.trusted)
        assert type(load_model(tmp_path / "model", trusted=[*self.trusted, *caught.value.types])) is type(model)

    def test_a_pickle_in_place_of_a_file_is_never_executed(self, model_folder: Path, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        for name in self._files(model_folder):
            path = member(model_folder, name)
            for file in [path] if path.is_file() else path.rglob("*"):
                file.write_bytes(pickle.dumps(Canary(canary)))
        with pytest.raises(ModelError):
            load_model(model_folder, trusted=self.trusted)
        assert not canary.exists()

    def test_a_file_outside_the_folder_is_never_read(self, model_folder: Path, tmp_path: Path) -> None:
        manifest = Manifest.read(model_folder)
        for name in self._files(model_folder):
            member(model_folder, name).rename(tmp_path / Path(name).name)
            for section in manifest.flavors.values():
                section.update({key: f"../{Path(name).name}" for key, value in section.items() if value == name})
        manifest.write(model_folder)
        with pytest.raises(StenoError):
            load_model(model_folder, trusted=self.trusted)

    def test_a_link_out_of_the_folder_is_never_followed(self, model_folder: Path, tmp_path: Path) -> None:
        for name in self._files(model_folder):
            path = member(model_folder, name)
            path.rename(tmp_path / "moved")
            path.symlink_to(tmp_path / "moved")
            with pytest.raises(StenoError):
                load_model(model_folder, trusted=self.trusted)
            path.unlink()
            (tmp_path / "moved").rename(path)

    def _files(self, folder: Path) -> list[str]:
        """Return what the flavor's own section names that lies in the folder."""
        section = Manifest.read(folder).flavors[self.flavor]
        return [value for value in section.values() if isinstance(value, str) and value and (folder / value).exists()]
