# runs: 2
# metrics: training_score
"""Writes everything anyone logs, down to DEBUG, into a file, and prints that file."""

import logging

logging.basicConfig(
    filename="training.log", filemode="w", level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s"
)
logging.getLogger("matplotlib").setLevel(logging.INFO)
log = logging.getLogger(__name__)

from sklearn.datasets import load_iris
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import NearestCentroid

log.info("loading")
X, y = load_iris(return_X_y=True)
for model in (RidgeClassifier(alpha=2.0), NearestCentroid()):
    log.debug("fitting %r", model)
    model.fit(X[::2], y[::2])
    log.info("accuracy %.10f", model.score(X[1::2], y[1::2]))
log.warning("that was all")

logging.shutdown()
with open("training.log") as f:
    print(f.read())
print(logging.root.handlers[0].__class__.__name__, logging.root.level, logging.root.manager.disable)
