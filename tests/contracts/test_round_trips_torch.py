"""Random PyTorch modules come back whole: any tree of layers, with buffers, tied weights and several dtypes."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from steno.models import load_model, save_model
from torch import nn

from .round_trips import Case, come_back_elsewhere, comes_back, drawn, few

WIDTH = 4


class Residual(nn.Module):
    """Adds what goes in to what comes out; has a buffer that the state dict holds and one that it does not."""

    def __init__(self, inner, scale):
        super().__init__()
        self.inner = inner
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("shift", torch.full((WIDTH,), 0.5), persistent=False)
        self.unused = None

    def forward(self, x):
        return x + (self.inner(x) * self.scale + self.shift).to(x.dtype)


class Tied(nn.Module):
    """Two layers with one weight, and one layer that is called twice."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH, bias=False)
        self.other.weight = self.one.weight
        self.layers = nn.ModuleDict({"a": self.one, "b": self.other})
        self.rates = nn.ParameterList([torch.ones(WIDTH), torch.zeros(WIDTH)])

    def forward(self, x):
        return self.layers["b"](self.layers["a"](self.one(x))) * self.rates[0] + self.rates[1]


def linear(width, bias):
    return nn.Sequential(nn.Linear(WIDTH, width, bias=bias), nn.Linear(width, WIDTH))


def convolved(width, kernel):
    # A convolution over the features as if they were time, and back.
    return nn.Sequential(
        nn.Unflatten(1, (1, WIDTH)),
        nn.Conv1d(1, width, kernel, padding="same"),
        nn.AdaptiveAvgPool1d(2),
        nn.Flatten(),
        nn.Linear(2 * width, WIDTH),
    )


def frozen(module):
    return module.requires_grad_(False)


LAYERS = st.one_of(
    st.builds(linear, st.integers(1, 5), st.booleans()),
    st.builds(
        nn.BatchNorm1d,
        st.just(WIDTH),
        affine=st.booleans(),
        momentum=st.none() | st.floats(0.1, 0.9),
        track_running_stats=st.booleans(),
    ),
    st.builds(nn.LayerNorm, st.sampled_from([WIDTH, (WIDTH,)]), elementwise_affine=st.booleans()),
    st.sampled_from([nn.GELU, nn.Tanh, nn.Identity, nn.SiLU]).map(lambda each: each()),
    st.builds(nn.LeakyReLU, st.floats(0.0, 0.5)),
    st.builds(nn.Dropout, st.floats(0.0, 0.9)),
    st.builds(convolved, st.integers(1, 3), st.sampled_from([1, 3])),
)
OWN = st.builds(Tied)


def trees(layers):
    return st.recursive(
        layers,
        lambda inner: st.lists(inner, max_size=3).map(lambda each: nn.Sequential(*each)) | inner.map(frozen),
        max_leaves=5,
    )


@st.composite
def modules(draw, own=False):
    torch.manual_seed(draw(st.integers(0, 99)))
    inner = trees(LAYERS | OWN) if own else trees(LAYERS)
    module = nn.Sequential(draw(inner), nn.Linear(WIDTH, 2))
    if own:
        module = Residual(draw(inner), draw(st.sampled_from([2.0, 3])))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    module = module.to(dtype).train(draw(st.booleans()))
    inputs = np.random.default_rng(0).normal(size=(3, WIDTH)).astype(str(dtype).removeprefix("torch."))
    options = {"serialization_format": draw(st.sampled_from(["state_dict", "pickle"]))} if own else {}
    return Case(module, inputs, "pytorch", options, asks=own, again=options.get("serialization_format") != "pickle")


def is_same(given, expected):
    """Two modules have the same parts, modes and tensors: names, types, bits, and which of them are one."""
    assert [(name, type(each), each.training) for name, each in given.named_modules()] == [
        (name, type(each), each.training) for name, each in expected.named_modules()
    ]
    for one, other in zip(given.named_parameters(), expected.named_parameters(), strict=True):
        assert (one[0], one[1].requires_grad) == (other[0], other[1].requires_grad)
    given, expected = given.state_dict(keep_vars=True), expected.state_dict(keep_vars=True)
    assert list(given) == list(expected)
    for name in expected:
        assert given[name].dtype == expected[name].dtype
        assert torch.equal(given[name], expected[name])
        assert [given[name] is each for each in given.values()] == [
            expected[name] is each for each in expected.values()
        ]


@few(20)
@given(modules())
def test_a_tree_of_pytorchs_own_layers_comes_back_without_a_question(case):
    comes_back(case)


@few(15)
@given(modules(own=True))
def test_a_module_of_the_users_own_comes_back_to_who_trusts_it(case):
    comes_back(case)


@few(15)
@given(modules(), st.sampled_from([torch.float16, torch.bfloat16, torch.float64]))
def test_every_part_tensor_and_mode_comes_back(tmp_path_factory, case, dtype):
    case.model[0].to(dtype)
    folder = tmp_path_factory.mktemp("modules") / "model"
    save_model(case.model, folder, flavor="pytorch")
    is_same(load_model(folder), case.model)


def test_modules_come_back_in_a_clean_interpreter():
    come_back_elsewhere(drawn(6, modules()))
