"""What only a CUDA device can show: no forced sync, values that arrive by themselves, AMP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import steno
import torch
from torch import nn

# What writes models imports it first when a run ends.
import safetensors.torch  # noqa: F401, isort: skip

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA device is here")


@pytest.fixture
def autolog(tracking: str) -> Iterator[None]:
    """Watching is on, with a store of this test's."""
    steno.autolog(log_models=False)
    yield
    torch.cuda.set_sync_debug_mode("default")
    steno.autolog(disable=True)


def train(count: int = 300, half: bool = False) -> list[torch.Tensor]:
    """Make steps on the device while any sync is an error, and return the losses as they lie there."""
    torch.manual_seed(0)
    X = torch.randn(64, 8, device="cuda")
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cuda", enabled=half)
    seen = []
    if not half:  # the scaler itself reads whether a gradient overflowed
        torch.cuda.set_sync_debug_mode("error")
    for _ in range(count):
        optimizer.zero_grad()
        with torch.autocast("cuda", enabled=half):
            loss = nn.functional.mse_loss(model(X).float(), X.sum(1, keepdim=True))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        seen.append(loss.detach().clone())
    torch.cuda.set_sync_debug_mode("default")
    return seen


def recorded() -> list[float]:
    steno.flush()
    (run,) = steno.search_runs(output_format="list")
    return [point.value for point in steno.Client().get_metric_history(run.info.run_id, "loss")]


def test_a_loop_forces_no_sync_and_every_value_is_right(autolog):
    seen = train()
    assert recorded() == torch.stack(seen).tolist()


def test_under_amp_the_true_loss_is_recorded(autolog):
    seen = train(half=True)
    assert recorded() == torch.stack(seen).tolist()


def test_what_is_held_on_the_device_does_not_grow(autolog):
    train(200)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    seen = len(train(2000))
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() - before < seen * 512 + (1 << 20)


def test_a_captured_graph_is_left_alone(autolog):
    model = nn.Linear(8, 1).cuda()
    X = torch.ones(4, 8, device="cuda")
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            model(X).square().mean().backward()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        model(X).square().mean().backward()
    graph.replay()
    torch.cuda.synchronize()
    assert torch.isfinite(model.weight.grad).all()
