# runs: 1
# metrics: dev-merror
"""Callbacks: a rate that decays, a plot made of characters, a stop at a wanted value."""

import xgboost as xgb
from sklearn.datasets import load_digits


class Bars(xgb.callback.TrainingCallback):
    """Draws the metric as it goes, and ends the training once it is good enough."""

    def __init__(self, enough):
        super().__init__()
        self.enough = enough
        self.seen = []

    def before_training(self, model):
        print("begin", sorted(model.attributes()))
        return model

    def before_iteration(self, model, epoch, evals_log):
        self.seen.append(epoch)
        return False

    def after_iteration(self, model, epoch, evals_log):
        value = evals_log["dev"]["merror"][-1]
        print(f"{epoch:2d} {'#' * int(100 * value):<40} {value:.6f}")
        return value < self.enough

    def after_training(self, model):
        print("end after", model.num_boosted_rounds())
        return model


X, y = load_digits(n_class=6, return_X_y=True)
X, y = X[:600], y[:600]
dtrain, ddev = xgb.DMatrix(X[:400], y[:400]), xgb.DMatrix(X[400:], y[400:])
bars = Bars(enough=0.05)
callbacks = [xgb.callback.LearningRateScheduler(lambda epoch: 0.5 * 0.9**epoch), bars]
params = {"objective": "multi:softprob", "num_class": 6, "eval_metric": "merror", "max_depth": 2, "nthread": 1}
model = xgb.train(params, dtrain, 25, evals=[(ddev, "dev")], verbose_eval=False, callbacks=callbacks)
print(bars.seen, len(callbacks), model.predict(ddev).argmax(1)[:12].tolist())
