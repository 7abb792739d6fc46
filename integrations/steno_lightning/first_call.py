"""The first rows that went into a module, and what it made of them: seen in a call of the user's, none of ours."""

from __future__ import annotations

from typing import Any

import torch
from steno.autolog.containment import contained
from steno.autolog.keeping import Sample

ROWS = 5


class FirstCall:
    """Waits for the module's first `forward`; a training that never calls it leaves no signature.

    Attributes:
        inputs, outputs: Copies of the first rows, on the device they were on; None until then.
    """

    def __init__(self) -> None:
        self.inputs: torch.Tensor | None = None
        self.outputs: torch.Tensor | None = None
        self._handle: Any = None

    def await_of(self, trainer: Any, module: torch.nn.Module) -> None:
        """Look at the next call of a module, unless others stand between it and its caller."""
        # A strategy may lend `forward` to the training step, and a hook would make a compiled module compile again.
        if trainer.strategy.model is not module or getattr(module, "_compiler_ctx", None) is not None:
            return
        self._handle = module.register_forward_hook(self._look)

    def forget(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def sample(self) -> Sample | None:
        """Return what was seen as arrays; None if it was nothing that `predict` could be given."""
        if self.inputs is None or self.outputs is None:
            return None
        try:
            return Sample(self.inputs.cpu().numpy(), self.outputs.cpu().numpy())
        except (TypeError, RuntimeError):  # a dtype that NumPy does not have, or a tensor of its own kind
            return None

    @contained
    def _look(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        self.forget()
        given = args[0] if len(args) == 1 else None
        if isinstance(given, torch.Tensor) and isinstance(output, torch.Tensor) and given.dim() and output.dim():
            self.inputs, self.outputs = given[:ROWS].detach().clone(), output[:ROWS].detach().clone()
