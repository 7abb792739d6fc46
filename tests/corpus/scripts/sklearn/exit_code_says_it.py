# runs: 1
# metrics: training_r2_score
# exit: 3
"""A check for a nightly job: the exit code says whether the model is good enough."""

import atexit
import sys

from sklearn.datasets import load_diabetes
from sklearn.tree import DecisionTreeRegressor

WANTED = 0.75


@atexit.register
def goodbye():
    print("done, last words")


def main():
    X, y = load_diabetes(return_X_y=True)
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(X, y)
    score = model.score(X, y)
    print(f"score {score!r}, wanted {WANTED}", file=sys.stderr)
    return 0 if score >= WANTED else 3


if __name__ == "__main__":
    sys.exit(main())
