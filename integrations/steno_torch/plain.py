"""What nearly every step of a loop is: one loss, a number, and a step like the one before. Read at each step."""

from __future__ import annotations

import weakref
from types import CodeType
from typing import TYPE_CHECKING, Any

from steno.tracking import context

if TYPE_CHECKING:
    from steno_torch.gathering import Gathering
    from steno_torch.tracks import Track

stack_now = context.stack.get
OTHERS: tuple[str, ...] = ()
"""Instead of a lone loss's names: something else has come since the last step."""
NONE_MORE: tuple[str, ...] = ("",)
"""Instead of the names that steps are expected with: these are over. No loss has this very object."""


class LoneLoss:
    """The only loss that a thread has seen since its last step.

    Attributes:
        names: The names at its place, the very object that `callsite` knows; None where nothing has come yet.
        value: The number.
        code, instruction, names_there: The place where a loss came from last, and the names there.
    """

    __slots__ = ("code", "instruction", "names", "names_there", "value")

    def __init__(self) -> None:
        self.names: tuple[str, ...] | None = None
        self.value = 0.0
        self.code: CodeType | None = None
        self.instruction = -1
        self.names_there: tuple[str, ...] = ()


class PlainSteps:
    """Steps of one optimizer that are alike: one loss of one name, a number, and the learning rate of the step before.

    All that is kept of each is two numbers, in columns of what the loop had at hand: to pack them at each step costs
    more than at once. The loop's thread appends, value before time; who takes them holds the recording's lock.

    Attributes:
        track: Whose they are.
        name: Of the loss.
        names: As its place has them; `NONE_MORE` once these steps are over.
        lr: The very object in the optimizer's group.
        loss: Where the thread's loss is.
        stack: The runs that were active.
        defaults: Of the optimizer, by which it is known again: asking a weak reference at each step costs more, and to
            hold the optimizer would keep its parameters alive.
        gathering: Who records them; held weakly.
        due_s: When they are to be recorded.
        values: The loss of each step.
        times_s: When it was, in seconds.
    """

    __slots__ = (
        "defaults",
        "due_s",
        "gathering",
        "loss",
        "lr",
        "name",
        "names",
        "stack",
        "times_s",
        "track",
        "values",
    )

    def __init__(
        self, track: Track, defaults: Any, names: tuple[str, ...], lr: float, loss: LoneLoss, gathering: Gathering
    ) -> None:
        self.track, self.name, self.names, self.lr = track, names[0], names, lr
        self.loss, self.stack = loss, stack_now()
        self.defaults = defaults
        self.gathering, self.due_s = weakref.ref(gathering), gathering.due_s
        self.values: list[float] = []
        self.times_s: list[float] = []

    def gather(self) -> None:
        """They are due: let them be recorded, unless another thread does so."""
        gathering = self.gathering()
        if gathering is not None:
            gathering.gather(wait=False)

    def take(self) -> tuple[list[float], list[float]]:
        """Return what is there and forget it; another thread may be adding to it."""
        count = len(self.times_s)
        values, times_s = self.values[:count], self.times_s[:count]
        del self.values[:count], self.times_s[:count]
        return values, times_s
