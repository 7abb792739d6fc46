"""Random Keras models come back whole: sequential and functional ones, with several inputs and outputs."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from .round_trips import Case, come_back_elsewhere, comes_back, drawn, few

# Keras 3.15 asks TensorFlow's variables for arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS, WIDTH = 3, 4
ACTIVATIONS = st.sampled_from([None, "relu", "gelu", "softmax"])
STEPS = st.one_of(
    st.tuples(
        st.just(layers.Dense),
        st.fixed_dictionaries(
            {
                "units": st.integers(1, 5),
                "activation": ACTIVATIONS,
                "use_bias": st.booleans(),
                "kernel_regularizer": st.sampled_from([None, "l2"]),
            }
        ),
    ),
    st.tuples(st.just(layers.BatchNormalization), st.fixed_dictionaries({"momentum": st.floats(0.1, 0.9)})),
    st.tuples(st.just(layers.LayerNormalization), st.fixed_dictionaries({"epsilon": st.floats(1e-4, 0.1)})),
    st.tuples(st.just(layers.Dropout), st.fixed_dictionaries({"rate": st.floats(0, 0.9)})),
    st.tuples(st.just(layers.Rescaling), st.fixed_dictionaries({"scale": st.floats(0.5, 2)})),
)
CHAINS = st.lists(STEPS, min_size=1, max_size=3)
LOSSES = st.sampled_from([None, "mse", "huber"])


ENDS = st.sampled_from(["one", "list", "names"])


def chained(tensor, chain):
    for make, options in chain:
        tensor = make(**options)(tensor)
    return tensor


def random(*shape):
    return np.random.default_rng(sum(shape)).uniform(0.1, 1.0, shape).astype("float32")


def trained(model, loss):
    """Give a model weights that it did not begin with, and perhaps what a training leaves in it."""
    model.set_weights([random(*each.shape) if each.dtype.kind == "f" else each for each in model.get_weights()])
    if loss is not None:
        model.compile("adam", loss)
        model.optimizer.build(model.trainable_variables)
    return model


def sequential(chain, loss):
    steps = [make(**options) for make, options in chain]
    model = keras.Sequential([layers.Input((WIDTH,)), *steps, layers.Dense(2)])
    return Case(trained(model, loss), random(ROWS, WIDTH), "keras")


def functional(chains, ends, loss, flavor):
    """Several inputs, branches that share a layer, one output or several, as a list or by name."""
    heads = {name: keras.Input((WIDTH,), name=name) for name in ("b", "a", "c")[: len(chains)]}
    shared = layers.Dense(3, name="shared")
    branches = [shared(head + keras.ops.relu(head)) for head in heads.values()]
    merged = layers.Concatenate()(
        [chained(*each) for each in zip([*branches, branches[0]], [*chains, []], strict=True)]
    )
    outputs = [layers.Dense(1, name=f"out{index}")(merged) for index in range(1 if ends == "one" else 2)]
    named = {each.name.partition("_")[0] + str(index): each for index, each in enumerate(outputs)}
    model = keras.Model(heads, {"one": outputs[0], "list": outputs, "names": named}[ends])
    return Case(trained(model, loss), {name: random(ROWS, WIDTH) for name in heads}, flavor)


# Only the settings are drawn: layers take from random generators as they are made, which a strategy must not.
SEQUENTIAL = st.builds(lambda *given: partial(sequential, *given), CHAINS, LOSSES)
FUNCTIONAL = st.builds(
    lambda *given: partial(functional, *given),
    st.lists(CHAINS, min_size=1, max_size=3),
    ENDS,
    LOSSES,
    st.sampled_from(["keras", "tensorflow"]),
)


@few(6)
@given(SEQUENTIAL)
def test_a_sequential_model_comes_back(make):
    comes_back(make())


@few(6)
@given(FUNCTIONAL)
def test_a_functional_model_comes_back_with_its_inputs_and_outputs(make):
    comes_back(make())


@pytest.mark.slow
def test_models_come_back_in_a_clean_interpreter():
    come_back_elsewhere(drawn(1, SEQUENTIAL, FUNCTIONAL))
