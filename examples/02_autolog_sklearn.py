"""Autologging: one line before training records a pipeline, and its model loads back."""

from __future__ import annotations

import numpy as np
import steno
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main() -> None:
    """Train with autologging, then load the model back from the run."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

    steno.autolog()
    steno.set_experiment("wine")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    model.fit(X_train, y_train)
    predicted = model.predict(X_test)
    f1_score(y_test, predicted, average="weighted")  # recorded too: the run that trained the model gets it

    run = steno.last_active_run()
    print(f"run {run.info.run_id} {run.info.status}: {len(run.data.params)} params")
    for key, value in sorted(run.data.metrics.items()):
        print(f"  {key} = {value:.4f}")

    loaded = steno.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    print("the loaded model predicts the same:", bool(np.array_equal(loaded.predict(X_test), predicted)))


if __name__ == "__main__":
    main()
