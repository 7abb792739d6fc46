"""The PyTorch flavor under the published suite, in each of its formats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from steno.models import load_model
from steno.testing.flavor import FlavorSuite
from steno_torch.archive_export import WRITES

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


class Doubling(torch.nn.Module):
    """A module of the user's own."""

    def __init__(self, width=4):
        super().__init__()
        self.width = width
        self.inner = torch.nn.Linear(width, 2)

    def forward(self, x):
        return 2 * self.inner(x)


class TorchSuite(FlavorSuite):
    flavor = "pytorch"

    def model(self):
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Linear(4, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.GELU(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(8, 2),
        )

    def inputs(self):
        return X


class TestTorchStateDict(TorchSuite):
    def stranger(self):
        return Doubling()


class TestTorchPickle(TorchSuite):
    options = {"serialization_format": "pickle"}  # noqa: RUF012
    pickles = True

    def stranger(self):
        return Doubling()


class TestTorchTransformer(TorchSuite):
    def model(self):
        torch.manual_seed(0)
        layer = torch.nn.TransformerEncoderLayer(4, 2, dim_feedforward=8, batch_first=True)
        return torch.nn.TransformerEncoder(layer, 2)

    def inputs(self):
        return X.reshape(3, 2, 4)


@pytest.mark.skipif(not WRITES, reason="exported programs are kept with PyTorch 2.8 and later")
@pytest.mark.filterwarnings("ignore:.*_check_is_size.*:FutureWarning")
class TestTorchExport(TorchSuite):
    """A program needs an example to be saved at all, and comes back as a module of its own."""

    @property
    def options(self):
        return {"serialization_format": "export", "input_example": X}

    def test_a_model_comes_back_with_the_same_predictions(self, model_folder):
        loaded = load_model(model_folder)
        assert isinstance(loaded, torch.nn.Module)
        assert self.equal(self.predict(loaded, model_folder), self.predict(self.model(), model_folder))

    def equal(self, a, b):
        return np.allclose(a, b, atol=1e-6)
