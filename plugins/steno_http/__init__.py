"""A tracking server, MLflow's or steno's, as a store of runs, models and artifacts."""

from __future__ import annotations

from steno.hookspecs import hookimpl
from steno.plugins.registers import StoreRegister


@hookimpl
def steno_register_stores(register: StoreRegister) -> None:
    for scheme in ("http", "https"):
        register.runs(scheme, "steno_http.store:HttpStore", remedy="urllib3")
        register.models(scheme, "steno_http.registry:HttpRegistry", remedy="urllib3")
        register.artifacts(scheme, "steno_http.artifacts:HttpArtifacts", remedy="urllib3")
    register.artifacts("mlflow-artifacts", "steno_http.artifacts:proxied_artifacts", remedy="urllib3")
