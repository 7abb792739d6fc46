"""The state dict archive: any module of plain parts comes back whole, and what cannot says why."""

from __future__ import annotations

import enum
import subprocess
import sys
import textwrap
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import lightning.pytorch
import numpy as np
import pytest
import pytorch_lightning
import steno
import torch
import torchmetrics
from safetensors.torch import load_file
from steno.errors import ModelError, UntrustedTypes
from steno.models import load_model, save_model, untrusted_types
from torch import nn


class Colour(enum.Enum):
    RED = 1


@dataclass(frozen=True)
class Config:
    width: int
    names: tuple[str, ...] = ("a", "b")


class Net(nn.Module):
    """Holds every kind of attribute that a description knows."""

    def __init__(self, width=4):
        super().__init__()
        self.config = Config(width)
        self.colour = Colour.RED
        self.layer_class = nn.LayerNorm
        self.make = partial(nn.Linear, width, bias=False)
        self.activation = torch.nn.functional.gelu
        self.squash = torch.tanh
        self.limits = {"low": float("-inf"), 3: [1, 2.5, None], "pair": (1, "x"), "seen": {1, 2}}
        self.order = OrderedDict(b=1, a=2)
        self.kind, self.place, self.size = torch.bfloat16, torch.device("cpu"), torch.Size([2, 3])
        self.grid = np.arange(6, dtype=np.int32).reshape(2, 3)
        self.scale = np.float64(0.5)
        self.loose = torch.arange(3)
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.blocks.append(self.blocks[0])  # the same layer twice
        self.embed = nn.Embedding(5, width)
        self.head = nn.Linear(width, 5, bias=False)
        self.head.weight = self.embed.weight  # tied
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("counts", torch.zeros(3, dtype=torch.int64))
        self.register_buffer("cache", torch.ones(2), persistent=False)
        self.register_parameter("nothing", None)
        self.hidden_in_a_list = [nn.Linear(2, 2)]

    def forward(self, index):
        x = self.embed(index)
        for block in self.blocks:
            x = self.activation(block(x))
        return self.head(self.squash(x)) * self.scale


class LitNet(lightning.pytorch.LightningModule):
    def __init__(self, width=3, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(width, 1)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        return self(batch[0]).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


class OldLitNet(pytorch_lightning.LightningModule):
    def __init__(self, width=3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(width, 1)


def saved(module, tmp_path, **options):
    save_model(module, tmp_path / "model", flavor="pytorch", **options)
    return tmp_path / "model"


def back(module, tmp_path, **options):
    folder = saved(module, tmp_path, **options)
    return load_model(folder, trusted=untrusted_types(folder))


def same_state(one, other):
    a, b = one.state_dict(), other.state_dict()
    return list(a) == list(b) and all(torch.equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)


STANDARD = {
    "linear": lambda: nn.Linear(3, 2),
    "convolution": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3, padding="same"), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1)
    ),
    "lstm": lambda: nn.LSTM(3, 4, 2, bidirectional=True, dropout=0.1, proj_size=2),
    "gru": lambda: nn.GRU(3, 4, batch_first=True),
    "embedding": lambda: nn.EmbeddingBag(4, 3, mode="sum"),
    "attention": lambda: nn.MultiheadAttention(8, 2, kdim=4, vdim=4),
    "transformer": lambda: nn.Transformer(8, 2, 1, 1, dim_feedforward=8, batch_first=True),
    "containers": lambda: nn.ModuleDict({"a": nn.ParameterList([nn.Parameter(torch.ones(2))]), "b": nn.Identity()}),
    "loss": lambda: nn.CrossEntropyLoss(weight=torch.ones(3), label_smoothing=0.1),
    "half": lambda: nn.Linear(3, 2).to(torch.bfloat16),
    "float8": lambda: nn.ParameterDict({"w": nn.Parameter(torch.ones(2, 2).to(torch.float8_e4m3fn), False)}),
    "nothing": lambda: nn.ReLU(),
}


@pytest.mark.parametrize("name", STANDARD)
def test_pytorchs_own_layers_come_back_without_a_question(name, tmp_path):
    module = STANDARD[name]()
    folder = saved(module, tmp_path)
    assert untrusted_types(folder) == []
    loaded = load_model(folder)
    assert repr(loaded) == repr(module)
    kinds = [(n, p.dtype, p.requires_grad) for n, p in module.named_parameters()]
    assert [(n, p.dtype, p.requires_grad) for n, p in loaded.named_parameters()] == kinds
    assert all(torch.equal(a.float(), b.float()) for a, b in zip(loaded.parameters(), module.parameters(), strict=True))


def test_recurrent_layers_go_on_training(tmp_path):
    module, batch = nn.LSTM(3, 4), torch.ones(2, 1, 3)
    loaded = back(module, tmp_path)
    for each in (module, loaded):
        optimizer = torch.optim.SGD(each.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            each(batch)[0].sum().backward()
            optimizer.step()
    assert torch.equal(module(batch)[0], loaded(batch)[0])


def test_a_users_module_comes_back_with_all_it_holds(tmp_path):
    module = Net().train()
    module.blocks[1].eval()
    loaded = back(module, tmp_path)
    assert type(loaded) is Net
    assert same_state(loaded, module)
    assert loaded.config == module.config
    assert loaded.colour is Colour.RED
    assert loaded.layer_class is nn.LayerNorm
    assert (loaded.make.func, loaded.make.args, loaded.make.keywords) == (nn.Linear, (4,), {"bias": False})
    assert loaded.activation is torch.nn.functional.gelu
    assert loaded.squash is torch.tanh
    assert loaded.limits == module.limits
    assert list(loaded.order) == ["b", "a"]
    assert (loaded.kind, loaded.place, loaded.size) == (module.kind, module.place, module.size)
    assert np.array_equal(loaded.grid, module.grid)
    assert loaded.grid.dtype == np.int32
    assert type(loaded.scale) is np.float64
    assert torch.equal(loaded.loose, module.loose)
    assert loaded.blocks[2] is loaded.blocks[0]
    assert loaded.head.weight is loaded.embed.weight
    assert not loaded.frozen.requires_grad
    assert torch.equal(loaded.cache, module.cache)
    assert "cache" not in loaded.state_dict()
    assert loaded.nothing is None
    assert torch.equal(loaded.hidden_in_a_list[0].weight, module.hidden_in_a_list[0].weight)
    assert [each.training for each in loaded.modules()] == [each.training for each in module.modules()]
    index = torch.tensor([[0, 4]])
    assert torch.equal(loaded.eval()(index), module.eval()(index))


def test_only_the_users_own_classes_are_asked_for(tmp_path):
    folder = saved(Net(), tmp_path)
    here = Net.__module__
    assert untrusted_types(folder) == sorted(f"{here}.{name}" for name in ("Colour", "Config", "Net"))
    with pytest.raises(UntrustedTypes, match="Net"):
        load_model(folder, trusted=[f"{here}.Config", f"{here}.Colour"])


def test_saving_changes_nothing_of_the_module(tmp_path):
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train()
    module[0](torch.ones(1, 2)).sum().backward()
    called = []
    module[0].register_full_backward_hook(lambda *_: called.append(1))
    grad, weight, state = module[0].weight.grad.clone(), module[0].weight, torch.get_rng_state()
    saved(module, tmp_path, input_example=torch.ones(3, 2))
    assert module[0].weight is weight
    assert torch.equal(module[0].weight.grad, grad)
    assert all(each.training for each in module.modules())
    assert torch.equal(torch.get_rng_state(), state)
    assert called == []
    module[0](torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert called == [1]


def test_loading_draws_no_random_number_and_calls_no_constructor(tmp_path, monkeypatch):
    folder = saved(Net(), tmp_path)
    monkeypatch.setattr(Net, "__init__", lambda self: pytest.fail("constructed"))
    state = torch.get_rng_state()
    load_model(folder, trusted=untrusted_types(folder))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("make", [LitNet, OldLitNet])
def test_a_lightning_module_keeps_its_hyper_parameters(make, tmp_path):
    module = make(width=2)
    folder = saved(module, tmp_path)
    assert untrusted_types(folder) == [f"{make.__module__}.{make.__name__}"]
    loaded = load_model(folder, trusted=untrusted_types(folder))
    assert loaded.hparams == module.hparams
    assert loaded.hparams.width == 2
    assert same_state(loaded, module)


@pytest.mark.filterwarnings("ignore")  # Lightning's own
def test_a_lightning_module_is_kept_without_its_trainer(tmp_path):
    module = LitNet(width=2)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.pytorch.Trainer(max_epochs=1, accelerator="cpu", enable_model_summary=False, **quiet)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 2)), batch_size=4)
    trainer.fit(module, data)
    assert module.trainer is trainer
    loaded = back(module, tmp_path)
    assert same_state(loaded, module)
    assert loaded.device == torch.device("cpu")


class Measured(lightning.pytorch.LightningModule):
    """Counts with metrics, as most Lightning modules do."""

    def __init__(self):
        super().__init__()
        self.accuracy = torchmetrics.classification.MulticlassAccuracy(num_classes=3)
        self.seen = torchmetrics.MeanMetric()


def test_metrics_inside_a_module_go_on_counting(tmp_path):
    module = Measured()
    module.seen.update(torch.tensor([1.0, 3.0]))
    loaded = back(module, tmp_path)
    assert loaded.seen.compute() == 2
    assert loaded.accuracy(torch.tensor([1, 2]), torch.tensor([1, 1])) == module.accuracy(
        torch.tensor([1, 2]), torch.tensor([1, 1])
    )


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of processes on one machine
def test_a_distributed_module_is_kept_as_the_module_inside(tmp_path):
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        module = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(2, 2)))
        assert list(back(module, tmp_path).state_dict()) == ["0.weight", "0.bias"]
    finally:
        torch.distributed.destroy_process_group()


def test_what_compiles_or_spreads_a_module_is_taken_off(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2))
    compiled = torch.compile(net, backend="eager")
    inside = nn.Sequential(torch.compile(nn.Linear(2, 2), backend="eager"), nn.DataParallel(nn.Linear(2, 2)))
    assert type(back(compiled, tmp_path / "a")) is nn.Sequential
    assert list(back(inside, tmp_path / "b").state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_the_weights_can_be_read_by_anyone_who_reads_safetensors(tmp_path):
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    module[0].weight = nn.Parameter(torch.ones(3, 2).t())  # not contiguous
    weights = load_file(saved(module, tmp_path) / "data" / "model.safetensors")
    assert sorted(weights) == sorted(module.state_dict())
    assert all(torch.equal(weights[name], value) for name, value in module.state_dict().items())


def test_the_weights_load_into_an_instance_of_the_users_own(tmp_path):
    module = Net()
    own = Net()
    own.load_state_dict(steno.pytorch.load_state_dict(saved(module, tmp_path)))
    assert same_state(own, module)


def test_plain_checkpoints_give_their_state_dict_too(tmp_path):
    module = nn.Linear(2, 2)
    torch.save(module.state_dict(), tmp_path / "plain.pth")
    torch.save({"epoch": 3, "state_dict": module.state_dict()}, tmp_path / "lightning.ckpt")
    torch.save(module, tmp_path / "whole.pth")
    (tmp_path / "logged").mkdir()
    torch.save(module.state_dict(), tmp_path / "logged" / "state_dict.pth")
    for name in ("plain.pth", "lightning.ckpt", "logged"):
        found = steno.pytorch.load_state_dict(tmp_path / name)
        assert torch.equal(found["weight"], module.weight)
    with pytest.raises(ModelError, match="data only"):
        steno.pytorch.load_state_dict(tmp_path / "whole.pth")


SCRIPT = """
import sys, torch, steno
from steno.models import load_model, save_model, untrusted_types
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
if sys.argv[1] == "save":
    save_model(Net(), "model")
print(untrusted_types("model"))
load_model("model", trusted=untrusted_types("model"))
"""


def python(*arguments, cwd):
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_class_of_the_script_itself_is_found_there_and_missed_elsewhere(tmp_path):
    (tmp_path / "train.py").write_text(textwrap.dedent(SCRIPT), "utf-8")
    done = python("train.py", "save", cwd=tmp_path)
    assert done.stdout.strip() == "['__main__.Net']", done.stderr
    with pytest.raises(ModelError, match="load_state_dict"):
        load_model(tmp_path / "model", trusted=["__main__.Net"])


LOAD = """
from steno.errors import UntrustedTypes
from steno.models import load_model
try:
    load_model("model")
except UntrustedTypes as error:
    print(load_model("model", trusted=error.types))
"""


@pytest.mark.slow
def test_a_model_with_its_code_loads_in_a_clean_process_if_it_is_trusted(tmp_path):
    code = "import torch\nclass Net(torch.nn.Linear):\n    pass\n"
    (tmp_path / "my_nets.py").write_text(code, "utf-8")
    save = "import my_nets\nfrom steno.models import save_model\n"
    save += "save_model(my_nets.Net(2, 1), 'model', code_paths=['my_nets.py'])"
    assert python("-c", save, cwd=tmp_path).returncode == 0
    (tmp_path / "my_nets.py").unlink()
    done = python("-c", LOAD, cwd=tmp_path)
    assert done.stdout.startswith("Net("), done.stderr
