# runs: 2
# metrics: training_accuracy_score
"""Fits two classifiers and draws them side by side, then leaves the figures open."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

plt.style.use("ggplot")
X, y = make_moons(200, noise=0.25, random_state=4)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=4)

fig, axes = plt.subplots(2, 2, figsize=(5, 5))
for row, model in zip(axes, [KNeighborsClassifier(7), SVC(gamma=2, C=1, random_state=0)]):
    model.fit(X_train, y_train)
    title = type(model).__name__
    DecisionBoundaryDisplay.from_estimator(model, X_train, ax=row[0], alpha=0.4, grid_resolution=20)
    row[0].scatter(*X_train.T, c=y_train, s=8)
    row[0].set_title(f"{title}: {model.score(X_test, y_test):.6f}")
    RocCurveDisplay.from_estimator(model, X_test, y_test, ax=row[1])
    print(title, model.score(X_test, y_test))
fig.savefig("boundaries.png", dpi=50)
print("figures open:", plt.get_fignums(), "current:", plt.gcf() is fig)

plt.figure()
ConfusionMatrixDisplay.from_predictions(y_test, model.predict(X_test), ax=plt.gca())
plt.savefig("confusion.png", dpi=50)
print("figures open:", plt.get_fignums(), plt.rcParams["figure.figsize"], plt.gcf().number)
print(np.round(model.decision_function(X_test)[:4], 10))
