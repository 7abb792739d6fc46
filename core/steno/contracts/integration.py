"""An integration: which calls of a framework are watched, and what is recorded round each.

class ExampleIntegration:
    name = "example"
    modules = ("example.training",)

    def patches(self, module):
        yield Patch("Trainer.fit", fit)

def fit(call):
    call.run.log_params(call.instance.get_params())
    result = yield                      # the user's call happens here, once, made by core
    call.run.log_metric("loss", result.loss)
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, field

from steno.records import Batch, DatasetInput, Series

T = TypeVar("T")


class Options(Struct, frozen=True):
    """The options of `autolog()`, the same for every integration; `extra` holds an integration's own."""

    log_models: bool = True
    log_datasets: bool = True
    log_input_examples: bool = False
    log_model_signatures: bool = True
    training_metrics: str | bool = "auto"
    every_n_steps: int = 1
    silent: bool = False
    exclusive: bool = False
    registered_model_name: str | None = None
    extra_tags: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


class Run(Protocol):
    """The run that advice writes to. No method waits, raises or touches store or network.

    Values that are over a limit are cut, keys that are not allowed are dropped, both with one warning a run.
    """

    run_id: str

    def log_param(self, key: str, value: Any) -> None: ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_metric(self, key: str, value: float, step: int = 0, timestamp: int | None = None) -> None:
        """Record one point; `timestamp` (milliseconds) is for a value that is told later than it arose."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0, timestamp: int | None = None) -> None: ...

    def log_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Record points of many steps at once, which costs less: (key, step, time in milliseconds, value)."""
        ...

    def log_series(self, series: Series) -> None:
        """Record a stretch of one metric at once, as columns, which costs least."""
        ...

    def set_tags(self, tags: Mapping[str, Any]) -> None: ...

    def log_input(self, dataset: DatasetInput) -> None: ...

    def log_file(self, path: str, content: bytes | Path) -> None:
        """Record an artifact, bytes or a file that may be moved away; the writer thread carries it to its store."""
        ...

    def add_child(self, child: Batch) -> str:
        """Record a whole run (its `start` set) as a child of this one, and return its id."""
        ...


class Budget(Protocol):
    """How much time optional work may still take in this call: by default 1 % of the call, at least 5 ms."""

    def remaining_ms(self) -> float:
        """What is left now; may be negative. Before the yield the length of the call is unknown."""
        ...

    def allows(self, work: str, estimate_ms: float | None = None) -> bool:
        """Whether `work` (a stable name) fits; without an estimate its usual time, learned in this process,
        counts."""
        ...

    def spend(self, work: str, function: Callable[[], T]) -> T | None:
        """Do optional work if it fits, learn its time, and return its result; None when it was skipped."""
        ...


class Call(Protocol):
    """One watched call of the user's.

    Attributes:
        target: The row's target, "LogisticRegression.fit".
        instance: The estimator, trainer or model, bound by signature; None for a function.
        args, kwargs: As given; `kwargs` is a copy, and advice may add a callback to it before the yield.
        arguments: Every argument by parameter name, defaults included.
        options: What `autolog()` was told for this integration.
        outermost: Whether no watched call is around this one; False only in rows with `joins=True`.
        seconds: How long the user's call took; 0.0 before the yield.
    """

    target: str
    instance: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: Options
    outermost: bool
    seconds: float
    budget: Budget

    @property
    def arguments(self) -> Mapping[str, Any]: ...

    @property
    def run(self) -> Run:
        """The run: the user's active one, the enclosing call's, or one opened now and closed by core."""
        ...

    @property
    def opened(self) -> bool:
        """Whether core opened the run for this call (False inside the user's own run)."""
        ...

    def host(self) -> None:
        """Before the yield: be no training itself. What the call runs (the trials of a study) is watched for itself, as
        if nothing were round it."""
        ...


Advice = Callable[[Any], Generator[None, Any, None]]
"""Takes a `Call`, yields exactly once. Typed loosely so that authors may annotate `call: Call`."""

Tap = Callable[[tuple[Any, ...], dict[str, Any]], None]
"""Called before, with (args, kwargs); for per-step paths. Contained like advice."""

Hook = Callable[..., None]
"""Given to a framework's own registration function, and called with what the framework gives. Contained."""


class Via(StrEnum):
    """How core stands round the target: a wrapt wrapper, a swap of the function's code, or core chooses."""

    AUTO = "auto"
    WRAPT = "wrapt"
    CODE = "code"


class Patch(Struct, frozen=True):
    """One watched call.

    Attributes:
        target: Dotted path below the module that arrived: "LogisticRegression.fit".
        advice: The generator that records; or
        tap: A plain function called before each call; or
        hook: A function to register: the target is the framework's own registration function, is called with the
            hook, and returns a handle whose `remove()` (or call) takes it back. Nothing of the framework's is
            replaced. It is called where no watched call runs; with `joins`, wherever the framework calls it.
        contains: The hook lets no error out (`steno.autolog.contain`) and joins: it is registered as it is, for one
            that is paid for at each step of a loop. What the framework returns must take it back.
        joins: Inside another watched call: False stays silent, True writes into the same run.
        many: Many fits happen in here (searches, cross-validation, ensembles): nothing inside joins.
        via: The mechanism; AUTO takes `code` for module-level Python functions and `wrapt` otherwise.
        optional: A target that is missing is no failure (a private hook point of some versions).
        captures: What the row records, in a few words: "loss of each step". `steno doctor` shows it, and it is named
            when the target is missing.
    """

    target: str
    advice: Advice | None = None
    tap: Tap | None = None
    hook: Hook | None = None
    contains: bool = False
    joins: bool = False
    many: bool = False
    via: Via = Via.AUTO
    optional: bool = False
    captures: str = ""


@runtime_checkable
class Integration(Protocol):
    """Watches one framework.

    One that follows loops, which no watched call ends, may also have `switched_off(self) -> None`: it is called once
    its rows are away, to end what is still open.
    """

    name: str
    modules: tuple[str, ...]

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows for a module of `modules` that has just been imported."""
        ...
