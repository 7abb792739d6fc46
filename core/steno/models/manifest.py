"""The MLmodel file: what a model's folder says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field, structs

from steno.errors import ModelError, UnsafePath
from steno.models import yaml_bounds
from steno.models.layout import MLMODEL
from steno.models.signature import ModelSignature, ParamSchema, Schema

_LIMIT_BYTES = 64 * 2**20


class Manifest(Struct, frozen=True, kw_only=True):
    """One MLmodel file. Keys this version does not know are kept in `extra` and written back.

    Attributes:
        flavors: Section by flavor name; `python_function` is the one any reader understands.
        signature_dict: The `signature` section as it stands; None when the model has none.
        saved_input_example_info: Where the input example lies and how to read it.
        metadata: The user's own.
        run_id, artifact_path, model_id: Where it was logged, if it was.
        utc_time_created: "YYYY-MM-DD HH:MM:SS.ffffff", UTC.
        model_size_bytes: Size of all files but this one.
        mlflow_version, steno_version: Who wrote it.
        file_digests: Size and SHA-256 of each file beside it, by path; see `steno.models.seal`.
    """

    flavors: dict[str, dict[str, Any]]
    signature_dict: dict[str, Any] | None = None
    saved_input_example_info: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    run_id: str | None = None
    artifact_path: str | None = None
    model_id: str | None = None
    model_uuid: str | None = None
    utc_time_created: str | None = None
    model_size_bytes: int | None = None
    mlflow_version: str | None = None
    steno_version: str | None = None
    file_digests: dict[str, dict[str, Any]] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def signature(self) -> ModelSignature | None:
        """The signature, read on each call. Raises: InvalidValue if it cannot be read."""
        return ModelSignature.from_dict(self.signature_dict) if self.signature_dict else None

    @property
    def pyfunc(self) -> dict[str, Any] | None:
        """The `python_function` section."""
        return self.flavors.get("python_function")

    def to_yaml(self) -> str:
        """Return the text of the MLmodel file, keys sorted."""
        found = {name: value for name, value in structs.asdict(self).items() if value is not None}
        extra = found.pop("extra")
        if "signature_dict" in found:
            found["signature"] = found.pop("signature_dict")
        # MLflow's readers of 3.x expect the key even where there is no id.
        return dump_yaml({**extra, "model_id": None, **found})

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Manifest:
        """Read the content of an MLmodel file. Raises: ModelError if it has no sound `flavors`."""
        flavors = content.get("flavors")
        if not isinstance(flavors, dict) or not all(isinstance(section, dict) for section in flavors.values()):
            raise ModelError("an MLmodel file needs `flavors`, a section by name")
        known = {name: content[name] for name in cls.__struct_fields__ if name in content}
        for name in ("signature", "metadata", "saved_input_example_info", "file_digests"):
            if not isinstance(content.get(name), (dict, type(None))):
                raise ModelError(f"`{name}` of an MLmodel file is no map: {content[name]!r}")
        extra = {str(name): value for name, value in content.items() if name not in known and name != "signature"}
        return cls(**{**known, "signature_dict": content.get("signature"), "extra": extra})

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the MLmodel file of a model's folder. Raises: ModelError, UnsafePath."""
        path = folder / MLMODEL
        if path.is_symlink():
            raise UnsafePath(f"{path} is a symbolic link; nothing was read")
        if not path.is_file():
            raise ModelError(f"{folder} is no model: it has no {MLMODEL} file")
        if path.stat().st_size > _LIMIT_BYTES:
            raise ModelError(f"{path} is larger than any MLmodel file should be")
        content = load_yaml(path.read_bytes(), str(path))
        if not isinstance(content, dict):
            raise ModelError(f"{path} holds no map")
        return cls.from_dict(content)

    def write(self, folder: Path) -> None:
        """Write the MLmodel file."""
        (folder / MLMODEL).write_text(self.to_yaml(), "utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Manifest:
        """Read an MLmodel file by its own path, or by its folder's. Raises: ModelError, UnsafePath."""
        path = Path(path)
        return cls.read(path.parent if path.name == MLMODEL and not path.is_dir() else path)

    def get_input_schema(self) -> Schema | None:
        """What the model takes, None if that is not known."""
        return self.signature.inputs if self.signature else None

    def get_output_schema(self) -> Schema | None:
        """What the model gives, None if that is not known."""
        return self.signature.outputs if self.signature else None

    def get_params_schema(self) -> ParamSchema | None:
        """The params of `predict`, None if it has none."""
        return self.signature.params if self.signature else None

    def load_input_example(self, path: str | Path) -> Any:
        """Return the inputs saved beside the model in a folder, None if there are none. Raises: ModelError."""
        from steno.models.example import Example

        info = self.saved_input_example_info
        return None if info is None else Example.read(Path(path), info, self.get_input_schema()).inputs


def dump_yaml(content: Any, *, sort_keys: bool = True) -> str:
    """Return block-style YAML, by libyaml where PyYAML was built with it."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    try:
        text: str = yaml.dump(content, Dumper=dumper, sort_keys=sort_keys, default_flow_style=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise ModelError(f"an MLmodel file holds plain data only: {error}") from error
    return text


def load_yaml(text: str | bytes, where: str) -> Any:
    """Return the plain data of a YAML text. Raises: ModelError, with the place."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yaml_bounds.check(text, where)
        return yaml.load(text, Loader=loader)
    # PyYAML looks a value up by its tag without asking whether it is one: "!!bool x", "!!timestamp x", "!!int ''".
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ModelError(f"{where} cannot be read as YAML: {error}") from error
