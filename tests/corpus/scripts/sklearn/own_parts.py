# runs: 2
# metrics: training_r2_score
"""A transformer, a function transformer and a transformed target, all of the author's own making."""

import hashlib

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer
from sklearn.utils.validation import check_is_fitted


class Clipper(TransformerMixin, BaseEstimator):
    """Cuts each column at its own quantiles."""

    def __init__(self, low=0.05, high=0.95):
        self.low = low
        self.high = high

    def fit(self, X, y=None):
        self.bounds_ = np.quantile(X, [self.low, self.high], axis=0)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return np.clip(X, *self.bounds_)


class Shrunk(Ridge):
    """A ridge that says how it went."""

    def fit(self, X, y):
        super().fit(X, y)
        print("  norm of the coefficients:", float(np.linalg.norm(self.coef_)))
        return self


X, y = load_diabetes(return_X_y=True)
both = FeatureUnion([("clipped", Clipper()), ("squared", FunctionTransformer(np.square))])
model = make_pipeline(both, Shrunk(alpha=0.1))
model.fit(X[:300], y[:300])
print("plain target:", model.score(X[300:], y[300:]))

target = QuantileTransformer(n_quantiles=50, output_distribution="normal")
wrapped = TransformedTargetRegressor(make_pipeline(Clipper(0.1, 0.9), Shrunk()), transformer=target)
wrapped.fit(X[:300], y[:300])
print("normal target:", wrapped.score(X[300:], y[300:]))
print(hashlib.sha256(wrapped.predict(X).tobytes()).hexdigest())
