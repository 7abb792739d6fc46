"""The recorder and the logger for `pytorch_lightning`, on its own base classes."""

from __future__ import annotations

from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from steno_lightning.explicit import ExplicitLogger
from steno_lightning.recorder import Recorder


class StenoRecorder(Recorder, Callback):  # type: ignore[misc]  # untyped here
    """Looks on while a trainer of `pytorch_lightning` fits."""


class StenoLogger(ExplicitLogger, Logger):  # type: ignore[misc]  # untyped here
    """Records a training of `pytorch_lightning` as one of its loggers; see `ExplicitLogger` for the arguments."""

    rank_zero = staticmethod(rank_zero_only)
