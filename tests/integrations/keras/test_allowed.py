"""What Keras itself brings loads without a question, and nothing of it that reads files or runs code does."""

from __future__ import annotations

import inspect

import keras
import pytest
from steno_tensorflow.allowed import is_class, is_function

NAMESPACES = "layers losses metrics optimizers optimizers.schedules initializers regularizers constraints".split()
NOT_OF_MODELS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "InputSpec", "OptimizerMap"}


def namespace(name):
    found = keras
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", NAMESPACES)
def test_every_class_that_models_are_built_of_is_allowed_and_no_other(name):
    classes = {each for each, value in vars(namespace(name)).items() if inspect.isclass(value)}
    allowed = {each for each in classes if is_class(f"keras.{name}", each)}
    assert allowed
    assert classes - allowed <= NOT_OF_MODELS
    assert not allowed & (NOT_OF_MODELS - {"OptimizerMap"})


def test_every_activation_is_allowed():
    names = [each for each, value in vars(keras.activations).items() if inspect.isfunction(value)]
    refused = {each for each in names if not is_function("keras.activations", each)}
    assert refused == {"get", "serialize", "deserialize"}
    assert is_function("builtins", "relu")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.utils", "get_file"),
        ("keras.saving", "load_model"),
        ("keras.models", "load_model"),
        ("keras.applications", "ResNet50"),
        ("keras.src.saving.saving_lib", "load_model"),
        ("keras.src.layers.core.lambda_layer", "Lambda"),
        ("keras.src.layers.layer", "tree"),
        ("keras.src.export.tfsm_layer", "TFSMLayer"),
        ("keras.layers.Lambda", "__init__"),
        ("keras", "src"),
        ("kerasx.layers", "Dense"),
        ("os", "system"),
        ("builtins", "eval"),
        (None, "Lambda"),
        (None, "eval"),
    ],
)
def test_nothing_else_is(module, name):
    assert not is_class(module, name)
    assert not is_function(module, name)
