"""Watches PyTorch's plain training loops: `loss.backward()`, `optimizer.step()`, data loaders and summary writers."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from steno.contracts.integration import Patch, Via

from steno_torch import births, loops, steps, writers

_WRITERS = (
    Patch("SummaryWriter.add_scalar", tap=writers.scalar, via=Via.CODE, captures="scalars written for TensorBoard"),
    Patch("SummaryWriter.add_scalars", tap=writers.scalars, via=Via.CODE, captures="scalars written for TensorBoard"),
    Patch(
        "SummaryWriter.add_hparams",
        tap=writers.hyperparameters,
        via=Via.CODE,
        captures="hyperparameters written for TensorBoard",
    ),
)
_SCHEDULERS = ("LRScheduler", "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler")
_ROWS: dict[str, tuple[Patch, ...]] = {
    "torch.autograd": (Patch("backward", tap=steps.backward, via=Via.CODE, captures="loss of each step"),),
    "torch.optim.optimizer": (
        Patch(
            "Optimizer.__init__",
            tap=births.optimizer_made,
            joins=True,
            via=Via.CODE,
            captures="which optimizer is new",
        ),
        # It joins so that it is asked for nothing more at each step: it looks by itself whose step it is.
        Patch(
            "register_optimizer_step_post_hook",
            hook=loops.stepped,
            joins=True,
            contains=True,
            captures="steps: without them no loop is seen",
        ),
    ),
    "torch.optim.lr_scheduler": tuple(
        Patch(
            f"{name}.__init__", tap=births.scheduler_made, joins=True, via=Via.CODE, captures="params of the scheduler"
        )
        for name in _SCHEDULERS
    ),
    # In place rather than in its code: `torch.compile` goes through it where a compiled function calls it.
    "torch.nn.modules.module": (
        Patch("Module.eval", tap=steps.evaluating, via=Via.WRAPT, captures="evaluations and their losses"),
    ),
    "torch.amp.grad_scaler": (
        Patch("GradScaler.scale", tap=steps.scaled, via=Via.CODE, captures="true loss of a scaled step"),
    ),
    "torch.utils.data.dataloader": (
        Patch("DataLoader.__iter__", steps.iterated, via=Via.CODE, captures="epochs, and the dataset"),
    ),
    "torch.utils.tensorboard.writer": _WRITERS,
    "tensorboardX.writer": _WRITERS,
}


class TorchIntegration:
    """PyTorch 2.5 and later, on any device; nothing of it is replaced."""

    name = "pytorch"
    modules = tuple(_ROWS)

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows of a module that has arrived."""
        return _ROWS.get(module.__name__, ())

    def switched_off(self) -> None:
        """End the loops that are being recorded: nothing tells of their steps any more."""
        loops.end_all()


integration = TorchIntegration()
