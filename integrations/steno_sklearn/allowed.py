"""The types of scikit-learn's own that a model file may hold without a question, each with the one role it may have.

skops trusts estimators by itself. These are what their fitted state holds besides: kernels, losses, trees, scorers,
splitters, score functions. A name is bound to the loader skops writes it with, because loaders differ in what they do:
one only fetches a function, another would call it. `soundness` checks the content of those that hold raw indices.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from types import ModuleType

_LOSSES = """AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss
    HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss""".split()
_LINKS = "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit".split()
_OBJECTS = (
    "scipy.interpolate._bsplines.BSpline",
    "scipy.interpolate._bsplines._BSpline",  # what it stands before since SciPy 1.18
    "scipy.interpolate._interpolate.interp1d",
    # Later versions of skops trust most of these by themselves.
    *(f"sklearn._loss.loss.{name}" for name in _LOSSES),
    *(f"sklearn._loss.link.{name}" for name in _LINKS),
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._gb.VerboseReporter",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.impute._iterative.IterativeImputer",
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._MultimetricScorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._ball_tree.BallTree32",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._kd_tree.KDTree32",
    "sklearn.neighbors._kd_tree.KDTree64",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
    "sklearn.utils._metadata_requests.MethodMapping",
    "sklearn.utils._metadata_requests.MetadataRouter",
    # Metrics that hold weights or a matrix (SEuclidean, Mahalanobis) or call back (PyFunc) are left out.
    *(
        f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
        for name in ("Euclidean", "Manhattan", "Chebyshev", "Minkowski")
        for bits in ("64", "32", "")
    ),
)
_FUNCTIONS = (
    "numpy.max",
    "numpy.mean",
    "numpy.median",
    "numpy.min",
    "numpy.sum",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "sklearn.cluster._kmeans._kmeans_single_elkan",
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
)
_SPARSE = tuple(
    f"scipy.sparse._{kind}.{kind}_{form}"
    for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for form in ("matrix", "array")
)


@cache
def allowed() -> dict[str, str]:
    """Return the loader each name may be written with, by qualified name."""
    import sklearn.feature_selection
    import sklearn.gaussian_process.kernels
    import sklearn.metrics
    import sklearn.model_selection

    roles = dict.fromkeys(_OBJECTS, "ObjectNode")
    roles |= dict.fromkeys(_classes(sklearn.gaussian_process.kernels), "ObjectNode")
    roles |= dict.fromkeys(_classes(sklearn.model_selection), "ObjectNode")
    roles |= dict.fromkeys(_FUNCTIONS, "FunctionNode")
    # Score functions compute on arrays; sklearn's loaders of files and sets are elsewhere and stay out.
    roles |= dict.fromkeys(_functions(sklearn.metrics), "FunctionNode")
    roles |= dict.fromkeys(_functions(sklearn.feature_selection), "FunctionNode")
    roles |= dict.fromkeys(_SPARSE, "SparseMatrixNode")
    return roles | {
        "numpy.dtype": "DTypeNode",
        "sklearn.impute._iterative._ImputerTriplet": "TupleNode",
        "sklearn.tree._tree.Tree": "TreeNode",
        "sklearn.utils._bunch.Bunch": "DictNode",
    }


def _classes(module: ModuleType) -> Iterator[str]:
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if cls.__module__.startswith(module.__name__):
            yield f"{cls.__module__}.{cls.__name__}"


def _functions(module: ModuleType) -> Iterator[str]:
    for _, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__.startswith(module.__name__):
            yield f"{function.__module__}.{function.__name__}"
