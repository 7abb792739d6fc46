"""Records trainings of the toy framework, as an integration should."""

from __future__ import annotations

import copy
from collections.abc import Generator
from typing import Any

from steno.autolog import contained
from steno.autolog.keeping import Snapshot, keep
from steno.contracts.integration import Patch


@contained
class Recorder:
    """Records the loss of each round."""

    def __init__(self, run: Any) -> None:
        self.run = run

    def __call__(self, step: int, loss: float) -> None:
        """Record one."""
        self.run.log_metric("loss", loss, step)


def record(call: Any) -> Generator[None, Any, None]:
    """Record a training."""
    given = call.arguments
    call.run.log_params({"rate": call.instance.rate if call.instance else given["rate"], "n_samples": len(given["X"])})
    call.kwargs["callbacks"] = [*given["callbacks"], Recorder(call.run)]
    model = yield
    kept = copy.copy(model)
    snapshot = Snapshot(lambda: kept, at_once=True, flavor="toy_flavor")
    keep(call.run, call.options, {"model": snapshot}, fresh=call.opened)


class Integration:
    """Watches both ways to train.

    Attributes:
        name: Its name.
        advice: What records.
    """

    modules = ("toyframework",)

    def __init__(self, name: str, advice: Any = record) -> None:
        self.name, self.advice = name, advice

    def patches(self, module: Any) -> list[Patch]:
        """Return the rows."""
        return [
            Patch(target, self.advice, captures="params, losses and the model") for target in ("train", "Model.fit")
        ]


toy = Integration("toy")
