"""The records a store keeps, under the module name MLflow's users know."""

from __future__ import annotations

from steno.model_records import (
    LoggedModel,
    LoggedModelStatus,
    ModelVersion,
    ModelVersionStatus,
    RegisteredModel,
    RegistryEvent,
    Stage,
)
from steno.queries import ViewType
from steno.records import (
    Dataset,
    DatasetInput,
    Experiment,
    FileInfo,
    InputTag,
    LifecycleStage,
    Metric,
    ModelInput,
    ModelOutput,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
    RunTag,
)

LoggedModelInput = ModelInput
LoggedModelOutput = ModelOutput
"""The names under which MLflow's users know them."""

__all__ = [
    "Dataset",
    "DatasetInput",
    "Experiment",
    "FileInfo",
    "InputTag",
    "LifecycleStage",
    "LoggedModel",
    "LoggedModelInput",
    "LoggedModelOutput",
    "LoggedModelStatus",
    "Metric",
    "ModelVersion",
    "ModelVersionStatus",
    "Param",
    "RegisteredModel",
    "RegistryEvent",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunStatus",
    "RunTag",
    "Stage",
    "ViewType",
]
