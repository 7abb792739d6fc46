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
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from steno.contracts.flavor import Flavor
from steno.errors import DamagedModel, InvalidValue, ModelError, StenoError, UntrustedTypes
from steno.models import Manifest, load_model, load_pyfunc, save_model, untrusted_types
from steno.models.layout import CONDA_ENV, MLMODEL, PYTHON_ENV, REQUIREMENTS, member
from steno.models.persist import flavor_for
from steno.models.pickles import imports
from steno.models.requirements import installed
from steno.models.seal import seal
from steno.plugins import plugins
from steno.testing.canary import Canary
from steno.testing.fixtures import Fixtures
from steno.testing.flavor_files import (
    absent_without,
    distribution_of_plugin,
    hostile_copies,
    pickles_in,
    plain_files,
)
from steno.testing.processes import python
from steno.testing.watched import world

_PREDICT_ELSEWHERE = """
import pickle
with open(sys.argv[1], "rb") as file:
    task = pickle.load(file)

class Present:
    finders = tuple(sys.meta_path)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in task["absent"]:
            return None
        found = (finder.find_spec(name, path, target) for finder in self.finders)
        return next((spec for spec in found if spec is not None), None)

    def find_distributions(self, *args):
        for finder in self.finders:
            for found in getattr(finder, "find_distributions", lambda *args: ())(*args):
                if found.metadata["Name"] not in task["hidden"]:
                    yield found

sys.meta_path[:] = [Present()]
from steno.models import load_pyfunc
outputs = load_pyfunc(task["folder"], trusted=task["trusted"]).predict(pickle.loads(task["inputs"]))
with open(task["outputs"], "wb") as file:
    pickle.dump(outputs, file)
"""


class FlavorSuite(Fixtures):
    """Subclass it, name the flavor and provide a trained model with inputs it can predict.

    `model` returns the same model each time, `inputs` the same inputs. Where they can be, override `stranger` and
    `equal`.

    Attributes:
        flavor: The name under which the flavor is registered.
        options: Options for each save.
        trusted: Names that loading the saved model may ask for; none for a flavor whose format holds only data.
        pickles: Whether what `options` ask for is a format that holds a pickle. Nothing does so by default.
    """

    flavor: str
    options: dict[str, Any] = {}  # noqa: RUF012 - a subclass sets its own
    trusted: tuple[str, ...] = ()
    pickles = False

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

    @pytest.fixture(autouse=True)
    def own_folder(self, steno_store: str) -> str:
        """Give each test a working directory of its own, and a store nobody else has."""
        return steno_store

    @pytest.fixture
    def model_folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "model"
        save_model(self.model(), folder, flavor=self.flavor, **self.options)
        return folder

    def predict(self, model: Any, folder: Path) -> Any:
        """Return the flavor's own prediction, not through a file."""
        return flavor_for(model, self.flavor).predict(model, self.inputs(), {}, self._conf(folder))

    def test_a_model_comes_back_with_the_same_predictions(self, model_folder: Path) -> None:
        loaded = load_model(model_folder, trusted=self.trusted)
        assert type(loaded) is type(self.model())
        assert self.equal(self.predict(loaded, model_folder), self.predict(self.model(), model_folder))

    def test_a_model_predicts_the_same_in_a_clean_interpreter(self, model_folder: Path, tmp_path: Path) -> None:
        """Nothing can be imported there but steno, the flavor's plugin and what the model says it requires."""
        inputs, outputs = pickle.dumps(self.inputs()), tmp_path / "outputs"
        task = {
            "folder": str(model_folder),
            "trusted": self.trusted,
            "inputs": inputs,
            "outputs": str(outputs),
            **self._absent(model_folder, inputs),
        }
        (tmp_path / "task").write_bytes(pickle.dumps(task))
        python(_PREDICT_ELSEWHERE, tmp_path / "task")
        assert self.equal(pickle.loads(outputs.read_bytes()), self.predict(self.model(), model_folder))

    def _absent(self, folder: Path, inputs: bytes) -> dict[str, list[str]]:
        """Return the modules and distributions that are not there where only this model's requirements are."""
        lines = (folder / REQUIREMENTS).read_text("utf-8").splitlines()
        plugin = plugins().flavors.offers[self.flavor].plugin
        given = {name.partition(".")[0] for name in imports(inputs, "the inputs")}
        holding = packages_distributions()
        whose = [name for module in given for name in holding.get(module, ())]
        needed = ["steno", *distribution_of_plugin(plugin), *(line.split("=")[0] for line in lines), *whose]
        modules, names = absent_without(needed)
        return {"absent": sorted(modules - given), "hidden": sorted(names)}

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
        packages = self._flavor().save(self.model(), scratch, **self.options).packages
        assert packages
        for package in packages:
            found = installed(package)
            assert found is None or f"{found[0]}=={found[1]}" in lines
        assert all(line in (model_folder / CONDA_ENV).read_text("utf-8") for line in lines)

    def test_a_failed_save_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither where the model should be, nor in the working directory, nor among temporary files."""
        for name in ("here", "temporary", "models"):
            (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / "here")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        folder = tmp_path / "models" / "model"
        with pytest.raises(InvalidValue):
            save_model(self.model(), folder, flavor=self.flavor, no_such_option=1)
        with pytest.raises(InvalidValue):
            save_model(self.model(), folder, flavor=self.flavor, code_paths=[tmp_path / "absent"], **self.options)
        assert [path for name in ("here", "temporary", "models") for path in (tmp_path / name).rglob("*")] == []

    def test_a_save_writes_into_its_folder_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("here", "temporary"):
            (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / "here")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        save_model(self.model(), tmp_path / "model", flavor=self.flavor, **self.options)
        assert [path for name in ("here", "temporary") for path in (tmp_path / name).rglob("*")] == []

    def test_saving_changes_neither_the_model_nor_its_predictions(self, model_folder: Path, tmp_path: Path) -> None:
        model = self.model()
        before = self.predict(model, model_folder)
        save_model(model, tmp_path / "again", flavor=self.flavor, **self.options)
        assert self.equal(self.predict(model, model_folder), before)

    def test_saving_leaves_the_process_as_it_was(
        self, model_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No random number is drawn, nothing printed, no global setting changed."""
        model = self.model()
        capfd.readouterr()  # of the first save, which imports what it needs
        plain = world(lambda: None) | {"output": capfd.readouterr()}
        save = partial(save_model, model, tmp_path / "again", flavor=self.flavor, **self.options)
        assert world(save) | {"output": capfd.readouterr()} == plain

    def test_threads_may_save_at_once(self, model_folder: Path, tmp_path: Path) -> None:
        folders = [tmp_path / f"model-{number}" for number in range(3)]
        model = self.model()
        with ThreadPoolExecutor(3) as pool:
            saves = [pool.submit(save_model, model, each, flavor=self.flavor, **self.options) for each in folders]
            assert all(save.result() for save in saves)
        expected = self.predict(model, model_folder)
        for folder in folders:
            assert self.equal(self.predict(load_model(folder, trusted=self.trusted), folder), expected)

    # -- trust -----------------------------------------------------------------------------------------------

    def test_a_pickle_is_written_only_when_it_is_asked_for(self, model_folder: Path) -> None:
        """By `options`, with `pickles` set; what is written by default holds data alone."""
        assert self.options or not self.pickles, "a pickle is no format to choose by default"
        if not self.pickles:
            assert pickles_in(model_folder) == []

    def test_only_what_was_announced_has_to_be_trusted(self, model_folder: Path) -> None:
        assert set(untrusted_types(model_folder)) <= set(self.trusted)

    def test_a_strangers_type_is_named_and_nothing_is_executed(self, tmp_path: Path) -> None:
        """Naming all of its types loads it; naming others, or all but one, does not."""
        model, folder = self._strangers(tmp_path)
        with pytest.raises(UntrustedTypes) as caught:
            load_model(folder, trusted=self.trusted)
        names = list(caught.value.types)
        for fewer in (["no.such.Type"], names[1:]):
            with pytest.raises(UntrustedTypes):
                load_model(folder, trusted=[*self.trusted, *fewer])
        assert type(load_model(folder, trusted=[*self.trusted, *names])) is type(model)

    def test_the_flavor_itself_refuses_what_is_not_trusted(self, tmp_path: Path) -> None:
        """`load` stands for itself: it may be called where nobody has asked `untrusted` before."""
        _, folder = self._strangers(tmp_path)
        with pytest.raises(ModelError):
            self._flavor().load(folder, self._conf(folder), trusted=self.trusted)

    def _strangers(self, tmp_path: Path) -> tuple[Any, Path]:
        model = self.stranger()
        if model is None:
            pytest.skip("models of this flavor hold no types of the user's own: `stranger` returns None")
        save_model(model, tmp_path / "strangers", flavor=self.flavor, **self.options)
        return model, tmp_path / "strangers"

    def test_a_pickle_in_place_of_a_file_is_never_executed(
        self, model_folder: Path, tmp_path: Path, steno_canary: Canary
    ) -> None:
        """Nor one in an archive, nor a compressed one: loading is refused, or reads data."""
        files = [member(model_folder, name) for name in self._files(model_folder)]
        for form, folder in hostile_copies(model_folder, files, steno_canary, tmp_path):
            refused = _refused(partial(load_model, folder, trusted=self.trusted))
            assert refused or form != "a pickle", "what is no model was loaded as one"
            assert not steno_canary.executed, f"{form} was executed"

    def test_asking_what_is_untrusted_executes_nothing(
        self, model_folder: Path, tmp_path: Path, steno_canary: Canary
    ) -> None:
        files = [member(model_folder, name) for name in self._files(model_folder)]
        for form, folder in hostile_copies(model_folder, files, steno_canary, tmp_path):
            _refused(partial(self._flavor().untrusted, folder, self._conf(folder)))
            assert not steno_canary.executed, f"{form} was executed"

    def test_code_that_came_with_a_model_is_not_run(self, tmp_path: Path, steno_canary: Canary) -> None:
        """A module beside the model is imported by nobody who has not trusted a type in it."""
        (tmp_path / "steno_canary_code.py").write_text(steno_canary.source)
        folder, code = tmp_path / "model", [tmp_path / "steno_canary_code.py"]
        save_model(self.model(), folder, flavor=self.flavor, code_paths=code, **self.options)
        load_model(folder, trusted=self.trusted)
        assert not steno_canary.executed

    def _flavor(self) -> Flavor:
        found: Flavor = plugins().flavors.offers[self.flavor].load()
        return found

    def _conf(self, folder: Path) -> dict[str, Any]:
        manifest = Manifest.read(folder)
        return {**(manifest.pyfunc or {}), **manifest.flavors[self.flavor]}

    def test_a_file_outside_the_folder_is_never_read(self, model_folder: Path, tmp_path: Path) -> None:
        manifest = Manifest.read(model_folder)
        for name in self._files(model_folder):
            member(model_folder, name).rename(tmp_path / Path(name).name)
            for section in manifest.flavors.values():
                section.update({key: f"../{Path(name).name}" for key, value in section.items() if value == name})
        manifest.write(model_folder)
        seal(model_folder)
        with pytest.raises(StenoError):
            load_model(model_folder, trusted=self.trusted)

    def test_a_link_out_of_the_folder_is_never_followed(self, model_folder: Path, tmp_path: Path) -> None:
        for name in self._files(model_folder):
            path = member(model_folder, name)
            path.rename(tmp_path / "moved")
            path.symlink_to(tmp_path / "moved")
            seal(model_folder)
            with pytest.raises(StenoError):
                load_model(model_folder, trusted=self.trusted)
            path.unlink()
            (tmp_path / "moved").rename(path)

    def test_a_file_that_was_cut_short_or_changed_is_named_before_anything_is_read(
        self, model_folder: Path, tmp_path: Path
    ) -> None:
        for name in self._files(model_folder):
            path = plain_files(member(model_folder, name))[0]
            whole = path.read_bytes()
            for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
                path.write_bytes(damaged)
                with pytest.raises(DamagedModel, match=path.name):
                    load_model(model_folder, trusted=self.trusted)
            path.write_bytes(whole)

    def _files(self, folder: Path) -> list[str]:
        """Return what the flavor's own section names that lies in the folder."""
        section = Manifest.read(folder).flavors[self.flavor]
        return [value for value in section.values() if isinstance(value, str) and value and (folder / value).exists()]


def _refused(work: Callable[[], object]) -> bool:
    """Whether a model is refused in the way its reader expects."""
    try:
        work()
    except ModelError:
        return True
    return False
