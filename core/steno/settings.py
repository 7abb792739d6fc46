"""What can be set from outside: `STENO_*` variables and `steno.toml` become one frozen Settings.

Looked up in this order: the environment, MLflow's own variable where there is one, `steno.toml` in the working
directory or the nearest folder above it, the default. No other module reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from msgspec import Struct, ValidationError, convert

from steno.errors import InvalidValue

DEFAULT_URI = "sqlite:///stenoruns/steno.db"


class Settings(Struct, frozen=True):
    """One field per setting; `STENO_<FIELD>` sets it, in upper case.

    Attributes:
        tracking_uri: Where runs are kept.
        registry_uri: Where registered models are kept; default with the runs.
        experiment_name, experiment_id: The experiment of runs that name none.
        run_id: A run that the next `start_run()` resumes.
        active_model_id: The logged model that metrics are of besides, until another one is made active.
        run_context: More tags for each run, as a JSON object.
        journal_dir: Where journals lie; default beside the embedded store.
        flush_interval_s: How long the writer lets points gather before it carries them to the store.
        exit_timeout_s: How long the end of the process may wait for the store; the journal keeps the rest.
        memory_limit_mb: How much is held in memory when no journal can be written.
        overhead_percent, overhead_floor_ms: The budget of optional work round a fit.
        block_plugins: Names of plugins that are not loaded, separated by commas.
        strict: Re-raise what autologging contained, after the user's call (for plugin authors).
        truncate_long_values: Cut values over a limit with a warning, rather than refuse them.
        autolog_disable: Make `autolog()` do nothing.
        rank: This process's rank; taken from the launcher's RANK, LOCAL_RANK, ... Ranks above 0 record nothing.
        record_all_ranks: Record ranks above 0 too.
        username: Whose runs these are; default the system's user.
        tracking_username, tracking_password, tracking_token: Who asks a tracking server; the token, if there is one.
        tracking_insecure_tls: Take a tracking server for what it says it is, whatever its certificate.
        tracking_server_cert_path: A file or folder of authorities that may vouch for it; default the system's.
        tracking_client_cert_path: A file with the certificate and key to show it.
        http_timeout_s: How long one answer of it may take.
        env_root: Where environments of models are kept; default below the user's cache folder.
        s3_endpoint_url: Where a store that speaks S3 is asked; default Amazon's own.
        s3_ignore_tls: Take it for what it says it is, whatever its certificate.
        s3_addressing_style: "path", "virtual" or "auto": where the bucket's name stands in an address.
        s3_upload_extra_args: What each object is stored with besides, as a JSON object.
        s3_expected_bucket_owner: The account whose bucket it has to be.
    """

    tracking_uri: str = DEFAULT_URI
    registry_uri: str | None = None
    experiment_name: str | None = None
    experiment_id: str | None = None
    run_id: str | None = None
    active_model_id: str | None = None
    run_context: str | None = None
    journal_dir: str | None = None
    flush_interval_s: float = 0.5
    exit_timeout_s: float = 10.0
    memory_limit_mb: int = 64
    overhead_percent: float = 1.0
    overhead_floor_ms: float = 5.0
    block_plugins: str = ""
    strict: bool = False
    truncate_long_values: bool = True
    autolog_disable: bool = False
    rank: int = 0
    record_all_ranks: bool = False
    username: str | None = None
    tracking_username: str | None = None
    tracking_password: str | None = None
    tracking_token: str | None = None
    tracking_insecure_tls: bool = False
    tracking_server_cert_path: str | None = None
    tracking_client_cert_path: str | None = None
    http_timeout_s: float = 30.0
    env_root: str | None = None
    s3_endpoint_url: str | None = None
    s3_ignore_tls: bool = False
    s3_addressing_style: str = "auto"
    s3_upload_extra_args: str | None = None
    s3_expected_bucket_owner: str | None = None


_FALLBACKS: dict[str, tuple[str, ...]] = {
    "tracking_uri": ("MLFLOW_TRACKING_URI",),
    "registry_uri": ("MLFLOW_REGISTRY_URI",),
    "experiment_name": ("MLFLOW_EXPERIMENT_NAME",),
    "experiment_id": ("MLFLOW_EXPERIMENT_ID",),
    "run_id": ("MLFLOW_RUN_ID",),
    "active_model_id": ("MLFLOW_ACTIVE_MODEL_ID",),
    "run_context": ("MLFLOW_RUN_CONTEXT",),
    "strict": ("MLFLOW_AUTOLOGGING_TESTING",),
    "truncate_long_values": ("MLFLOW_TRUNCATE_LONG_VALUES",),
    "username": ("MLFLOW_TRACKING_USERNAME",),
    "tracking_username": ("MLFLOW_TRACKING_USERNAME",),
    "tracking_password": ("MLFLOW_TRACKING_PASSWORD",),
    "tracking_token": ("MLFLOW_TRACKING_TOKEN",),
    "tracking_insecure_tls": ("MLFLOW_TRACKING_INSECURE_TLS",),
    "tracking_server_cert_path": ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE"),
    "tracking_client_cert_path": ("MLFLOW_TRACKING_CLIENT_CERT_PATH",),
    "http_timeout_s": ("MLFLOW_HTTP_REQUEST_TIMEOUT",),
    "env_root": ("MLFLOW_ENV_ROOT",),
    "s3_endpoint_url": ("MLFLOW_S3_ENDPOINT_URL",),
    "s3_ignore_tls": ("MLFLOW_S3_IGNORE_TLS",),
    "s3_addressing_style": ("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE",),
    "s3_upload_extra_args": ("MLFLOW_S3_UPLOAD_EXTRA_ARGS",),
    "s3_expected_bucket_owner": ("MLFLOW_S3_EXPECTED_BUCKET_OWNER",),
    "rank": ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "LOCAL_RANK"),
}


# Each setting's variables, in the order in which they count.
_VARIABLES = {name: (f"STENO_{name.upper()}", *_FALLBACKS.get(name, ())) for name in Settings.__struct_fields__}
_HANDED_DOWN = ("STENO_LOGINS",)
"""What one process tells those it starts and no user sets; see `share`."""
_FILE_AGE_S = 1.0
_file: tuple[str, float, dict[str, Any]] = ("", 0.0, {})
"""What `steno.toml` said where, and when: to look for it in every folder above costs more than all else here."""


def load(
    environ: Mapping[str, str] | None = None, folder: Path | None = None, *, only: Iterable[str] | None = None
) -> Settings:
    """Read the settings afresh (the file, if it was read within the last second, as it was then).

    Args:
        environ, folder: Where to look, rather than in the process's environment and working directory.
        only: Which settings to read where it matters what that costs; all others are as by default.

    Raises:
        InvalidValue: A setting that cannot be read as its type; names the setting and where it was set.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    origin: dict[str, str] = {}
    wanted = _VARIABLES if only is None else {name: _VARIABLES[name] for name in only}
    for name, value in _from_file(folder).items():
        if name in wanted:
            found[name], origin[name] = value, "steno.toml"
    for name, variables in wanted.items():
        for variable in variables:
            text = environ.get(variable)
            if text is not None and text.strip():
                found[name], origin[name] = text.strip(), variable
                break
    try:
        return convert({name: _lower_bool(value) for name, value in found.items()}, Settings, strict=False)
    except ValidationError as error:
        where = ", ".join(f"{origin[name]}={found[name]!r}" for name in found if f"$.{name}" in str(error))
        raise InvalidValue(f"a setting cannot be read: {where or origin}: {error}") from error


def origin_of(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Say where a setting's value comes from: a variable's name, "steno.toml" or "default"."""
    environ = os.environ if environ is None else environ
    for variable in _VARIABLES[name]:
        if environ.get(variable, "").strip():
            return variable
    return "steno.toml" if name in _from_file(None, oldest_s=0.0) else "default"


def variables() -> tuple[str, ...]:
    """Return every variable that sets something here, ours and those that are read in their place."""
    return (*(variable for each in _VARIABLES.values() for variable in each), *_HANDED_DOWN)


def take_run_id() -> None:
    """Forget the run to resume: a run id given from outside is used once, also by child processes."""
    for variable in ("STENO_RUN_ID", "MLFLOW_RUN_ID"):
        os.environ.pop(variable, None)


def share(name: str, value: str | None) -> None:
    """Set a variable so that child processes see the same setting; None takes it away."""
    variable = f"STENO_{name.upper()}"
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def shared(name: str) -> str | None:
    """Return what `share` told this process or one that started it."""
    return os.environ.get(f"STENO_{name.upper()}")


def cache_folder() -> Path:
    """Return the user's folder for what can be made again."""
    chosen = os.environ.get("XDG_CACHE_HOME", "").strip()
    return Path(chosen) if chosen else Path.home() / ".cache"


def for_child(added: Mapping[str, str], without: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment of a process that this one starts: its own, with some variables and without others."""
    left_out = set(without)
    return {name: value for name, value in {**os.environ, **added}.items() if name not in left_out}


def _lower_bool(value: Any) -> Any:
    lowered = value.lower() if isinstance(value, str) else value
    return lowered if lowered in ("true", "false", "1", "0") else value


def _from_file(folder: Path | None, oldest_s: float = _FILE_AGE_S) -> dict[str, Any]:
    if folder is not None:
        return _found_from(folder)
    global _file
    try:
        place = os.getcwd()
    except OSError:  # the working directory was removed
        return {}
    known, read_s, table = _file
    if known == place and monotonic() - read_s < oldest_s:
        return table
    table = _found_from(Path(place))
    _file = place, monotonic(), table
    return table


def _found_from(folder: Path) -> dict[str, Any]:
    for place in (folder, *folder.parents):
        path = place / "steno.toml"
        if path.is_file():
            return _parse(path)
    return {}


def _parse(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}") from error
    unknown = sorted(set(table) - set(Settings.__struct_fields__))
    if unknown:
        raise InvalidValue(
            f"{path}: unknown settings {', '.join(unknown)}; known: {', '.join(Settings.__struct_fields__)}"
        )
    return table
