"""The modules of a run: described when it begins, kept when it ends."""

from __future__ import annotations

from typing import Any

from steno.autolog import Session, keeping
from steno.contracts.integration import Options, Run

from steno_torch import modules
from steno_torch.finding import Trained, find


class Models:
    """The modules that the optimizers of one run train."""

    def __init__(self) -> None:
        self._trained: dict[str, Trained] = {}
        self._told: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What they are called together; empty if none was found."""
        return "+".join(type(each.module).__name__ for each in self._trained.values() if each.module is not None)

    def look_for(self, optimizers: list[Any]) -> None:
        """Find the modules of optimizers in the user's variables; to be called from within a step."""
        known = [each.module for each in self._trained.values()]
        for name, module in find(optimizers).items():
            if all(module is not other for other in known):
                self._trained[name if name not in self._trained else f"{name}_{len(self._trained)}"] = Trained(
                    name, module
                )

    def tell(self, run: Run) -> None:
        """Describe them on the run, unless that has been done."""
        if tuple(self._trained) == self._told or not self._trained:
            return
        first, self._told = not self._told, tuple(self._trained)
        there = {name: module for name, each in self._trained.items() if (module := each.module) is not None}
        run.log_file("model_summary.txt", "\n\n".join(map(modules.summary, there.values())).encode())
        if not first:
            return  # params cannot change; the summary does
        told = [modules.describe(module) for module in there.values()]
        if len(told) == 1:
            run.log_params(told[0])
            return
        run.log_params({"model": ", ".join(f"{name}: {each['model']}" for name, each in zip(there, told, strict=True))})
        for name, each in zip(there, told, strict=True):
            run.log_params({f"{name}.{key}": value for key, value in each.items() if key != "model"})

    def hold(self) -> None:
        """Keep the small ones until the run ends, when the user's function may long be over."""
        for each in self._trained.values():
            each.hold()

    def keep(self, session: Session, options: Options, *, ran_through: bool) -> None:
        """Record them as they are now; what cannot be kept is told on the run."""
        trained, self._trained = self._trained, {}
        if not options.log_models:
            return
        if not trained:
            keeping.not_kept(session.run, "model", "no module with the optimizer's parameters was found")
        snapshots: dict[str, keeping.Snapshot] = {}
        for name, each in trained.items():
            path, module = "model" if len(trained) == 1 else name, each.module
            if not ran_through:
                keeping.not_kept(session.run, path, "the training ended with an error")
            elif module is None:
                keeping.not_kept(session.run, path, "it was gone when the run ended; log it, or end the run earlier")
            else:
                try:
                    snapshots[path] = modules.snapshot(module)
                except Exception as error:  # advice: a module of the user's may refuse in any way
                    keeping.not_kept(session.run, path, f"{type(error).__name__}: {error}")
        if snapshots:
            keeping.keep(session.run, options, snapshots, fresh=session.opened)
