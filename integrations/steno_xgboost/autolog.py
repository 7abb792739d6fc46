"""Watches XGBoost: `train`, `cv` and the fits of the scikit-learn wrappers."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from steno.contracts.integration import Patch, Via

from steno_xgboost import cluster, sources, training, validation

# One row for each function there is: the other wrappers inherit, or come down to one of these.
_FITS = ("XGBModel.fit", "XGBClassifier.fit", "XGBRanker.fit")
_TRAINING = "params, metrics of each round, dataset and model of a training"


class XGBoostIntegration:
    """XGBoost 2.1 and later."""

    name = "xgboost"
    modules = ("xgboost.core", "xgboost.callback", "xgboost.training", "xgboost.sklearn", "xgboost.dask")

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows of a module that has arrived."""
        match module.__name__:
            case "xgboost.core":
                sources.forget()
                for name in ("DMatrix.__init__", "QuantileDMatrix.__init__"):
                    yield Patch(name, tap=sources.remember, via=Via.CODE, captures="dataset a matrix is made of")
            case "xgboost.callback":
                # Private: without it, cross-validation is recorded without its folds.
                yield Patch("_aggcv", tap=validation.keep_folds, joins=True, captures="folds of `cv`")
            case "xgboost.training":
                yield Patch("train", training.train, joins=True, captures=_TRAINING)
                yield Patch("cv", validation.cv, captures="params and metrics of a cross-validation")
            case "xgboost.dask":
                yield Patch(
                    "train", cluster.train, captures="params, metrics of each round and model of a cluster's training"
                )
            case "xgboost.sklearn":
                for name in _FITS:
                    yield Patch(name, training.fit, via=Via.CODE, captures=_TRAINING)


integration = XGBoostIntegration()
