# runs: 2
"""Looks into a pipeline with a step that prints what passes."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures


class Peek(TransformerMixin, BaseEstimator):
    def __init__(self, label="here"):
        self.label = label

    def fit(self, X, y=None):
        print(f"[{self.label}] fit on", X.shape)
        return self

    def transform(self, X):
        print(f"[{self.label}] transform", X.shape, "mean", float(np.mean(X)))
        return X


def logged(X):
    return np.log1p(X)


class Majority(ClassifierMixin, BaseEstimator):
    """Says what was most common, and says so loudly."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        print("always", self.most_, "for", len(X))
        return np.full(len(X), self.most_)


X, y = load_iris(return_X_y=True)
chain = make_pipeline(
    Peek("raw"), FunctionTransformer(logged), PolynomialFeatures(2), Peek("wide"), LogisticRegression(max_iter=2000)
)
chain.fit(X, y)
print("accuracy", chain.score(X, y))
print("majority", Majority().fit(X, y).score(X[:60], y[:60]))
