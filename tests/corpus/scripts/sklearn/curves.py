# runs: 2
"""How much data, and how much depth: the two curves of every course."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import ShuffleSplit, learning_curve, validation_curve
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

np.set_printoptions(precision=10, linewidth=100)
X, y = load_digits(return_X_y=True)
X, y = X[:500], y[:500]
splits = ShuffleSplit(3, test_size=0.3, random_state=31)
sizes, train, test = learning_curve(GaussianNB(), X, y, cv=splits, train_sizes=[0.3, 0.6, 1.0])
print(sizes, train.mean(axis=1), test.std(axis=1), sep="\n")
depths = [2, 4, 8]
train, test = validation_curve(
    DecisionTreeClassifier(random_state=1), X, y, param_name="max_depth", param_range=depths, cv=splits
)
for depth, a, b in zip(depths, train, test):
    print(depth, a, b)
