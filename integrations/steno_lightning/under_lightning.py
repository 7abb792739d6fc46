"""The recorder and the logger for `lightning`, on its own base classes."""

from __future__ import annotations

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from steno_lightning.explicit import ExplicitLogger
from steno_lightning.recorder import Recorder


class StenoRecorder(Recorder, Callback):  # type: ignore[misc]  # untyped here
    """Looks on while a trainer of `lightning` fits."""


class StenoLogger(ExplicitLogger, Logger):  # type: ignore[misc]  # untyped here
    """Records a training of `lightning` as one of its loggers; see `ExplicitLogger` for the arguments."""

    rank_zero = staticmethod(rank_zero_only)
