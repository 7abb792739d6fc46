"""Watches LightGBM: `train`, `cv` and the fits of the scikit-learn wrappers."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from steno.contracts.integration import Patch, Via

from steno_lightgbm import cluster, keeping, sources, training, validation

# One row for each function there is: wrappers of the user's own inherit, or come down to one of these.
_FITS = ("LGBMModel.fit", "LGBMClassifier.fit", "LGBMRegressor.fit", "LGBMRanker.fit")
_FITS_ON_A_CLUSTER = ("DaskLGBMClassifier.fit", "DaskLGBMRegressor.fit", "DaskLGBMRanker.fit")


class LightGBMIntegration:
    """LightGBM 4.0 and later."""

    name = "lightgbm"
    modules = ("lightgbm.basic", "lightgbm.engine", "lightgbm.sklearn", "lightgbm.dask")

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows of a module that has arrived."""
        match module.__name__:
            case "lightgbm.basic":
                sources.forget()
                what = "what a Dataset was made of, once LightGBM has let go of it"
                yield Patch("Dataset.__init__", tap=sources.remember, via=Via.CODE, captures=what)
                # Without it, a booster is asked for its text once more.
                to_text, what = "Booster.model_to_string", "a booster's text, as LightGBM itself asks for it"
                yield Patch(to_text, keeping.to_text, joins=True, via=Via.CODE, optional=True, captures=what)
            case "lightgbm.engine":
                what = "params, metrics of each round, data, importances and model of lightgbm.train"
                yield Patch("train", training.train, joins=True, captures=what)
                yield Patch("cv", validation.cv, captures="params and mean metrics of each round of lightgbm.cv")
                # Private: without it, cross-validation is recorded without its folds.
                what = "each fold of lightgbm.cv, as a child run"
                yield Patch("_agg_cv_result", tap=validation.keep_folds, joins=True, optional=True, captures=what)
            case "lightgbm.sklearn":
                for name in _FITS:
                    yield Patch(name, training.fit, via=Via.CODE, captures="params, data and model of a wrapper's fit")
            case "lightgbm.dask":
                for name in _FITS_ON_A_CLUSTER:
                    yield Patch(name, cluster.fit, via=Via.CODE, captures="a fit on a cluster, as its client sees it")
                # Private: without it, workers that are threads of this process make runs of their own.
                what = "nothing: it keeps workers that are threads of this process from making runs"
                yield Patch("_train_part", cluster.part, many=True, optional=True, captures=what)


integration = LightGBMIntegration()
