"""Where things lie in a model's folder, and how a name from its MLmodel file becomes a path inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steno.contracts.paths import artifact_key
from steno.errors import ModelError, UnsafePath

MLMODEL = "MLmodel"
CODE = "code"
REQUIREMENTS = "requirements.txt"
PYTHON_ENV = "python_env.yaml"
CONDA_ENV = "conda.yaml"
CONSTRAINTS = "constraints.txt"


def member(folder: Path, name: Any) -> Path:
    """Return the path of a file or folder that the model names, inside the model's folder.

    A stranger wrote the name: it must not climb out, and nothing on the way may be a link.

    Raises:
        UnsafePath: The name is absolute, climbs, or passes a symbolic link.
        ModelError: It is not there.
    """
    path = folder
    try:
        for part in artifact_key(name).split("/"):
            path = path / part
            if path.is_symlink():
                raise UnsafePath(f"{name!r} of model {folder} is or passes a symbolic link; nothing was read")
        if not path.exists():
            raise ModelError(f"model {folder} names {name!r}, and there is no such file in it")
        if not path.is_file() and not path.is_dir():  # a pipe would be waited for
            raise ModelError(f"{name!r} of model {folder} is neither a file nor a folder; nothing was read")
    except OSError as error:  # a name longer than any file's
        raise ModelError(f"model {folder} names a file that cannot be looked for: {error.strerror}") from error
    return path
