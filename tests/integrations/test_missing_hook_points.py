"""A hook point that a framework no longer has switches off what it captured: all else is recorded, training is as ever.

Each watched name is hidden in turn from the real framework while autologging is switched on, as if that version had
another one, and is back for the training.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import steno
from steno.plugins import plugins

NOTHING = r"(?!)"
EVERYTHING = r".*"
OF_TRAIN = "custom_metric|early_stopping_rounds|maximize|num_boost_round|verbose_eval"


@dataclass(frozen=True)
class Case:
    """A hook point, and what is recorded without it.

    Attributes:
        framework: Whose training, and whose integration.
        module: A name of the integration's `modules`.
        target: The row's target there.
        captures: What the warning says is lost.
        lost: A pattern of what may be missing; the rest must be there.
        instead: A pattern of what may come instead: what another row records once this one does not.
    """

    framework: str
    module: str
    target: str
    captures: str
    lost: str
    instead: str = NOTHING

    def __str__(self) -> str:
        return f"{self.framework}:{self.target}"


CASES = [
    *(
        Case("keras", "keras", f"Model.{name}", captures, lost)
        for name, captures, lost in (
            ("fit", "metrics of each epoch", r"(artifact|input|param|tag) .*|metric (loss|learning_rate)"),
            ("evaluate", "metrics of an evaluation", r"metric evaluate_loss"),
        )
    ),
    *(
        Case("lightning", "lightning.pytorch.trainer.trainer", f"Trainer.{name}", captures, lost, instead)
        for name, captures, lost, instead in (
            # Without it, PyTorch's integration sees a loop.
            ("fit", "model of a fit", EVERYTHING, EVERYTHING),
            ("validate", "metrics of a validation", r"metric (val_loss|epoch)|tag .*", NOTHING),
            ("test", "metrics of a test", r"metric (test_loss|epoch)|tag .*", NOTHING),
        )
    ),
    Case("sklearn", "sklearn.base", "BaseEstimator.__init_subclass__.__func__", "estimator classes", r"Late .*"),
    *(
        Case("sklearn", "sklearn.model_selection", name, captures, lost, instead)
        for name, captures, lost, instead in (
            # Without it, the fit of each fold is a training of its own.
            ("cross_validate", "scores of a validation", r"cross_val(idate|_score) .*", r"LogisticRegression .*"),
            ("cross_val_score", "which validation", r"cross_val_score .*", r"cross_validate .*"),
            ("cross_val_predict", "scores of a validation", NOTHING, NOTHING),
            ("learning_curve", "scores of a validation", NOTHING, NOTHING),
            ("validation_curve", "scores of a validation", NOTHING, NOTHING),
            ("permutation_test_score", "scores of a validation", NOTHING, NOTHING),
            ("_search.BaseSearchCV._format_results", "time of each fold", r".* N metric (fit|score)_time", NOTHING),
        )
    ),
    *(
        Case("torch", f"torch.{module}", name, captures, lost)
        for module, name, captures, lost in (
            ("autograd", "backward", "loss of each step", EVERYTHING),
            ("optim.optimizer", "Optimizer.__init__", "which optimizer is new", NOTHING),
            ("optim.optimizer", "register_optimizer_step_post_hook", "steps: without them", EVERYTHING),
            ("optim.lr_scheduler", "LRScheduler.__init__", "params of the scheduler", r"param lr_scheduler.*"),
            ("optim.lr_scheduler", "ReduceLROnPlateau.__init__", "params of the scheduler", NOTHING),
            ("optim.lr_scheduler", "SequentialLR.__init__", "params of the scheduler", NOTHING),
            ("optim.lr_scheduler", "ChainedScheduler.__init__", "params of the scheduler", NOTHING),
            ("amp.grad_scaler", "GradScaler.scale", "true loss", NOTHING),
            ("nn.modules.module", "Module.eval", "evaluations and their losses", NOTHING),
            (
                "utils.data.dataloader",
                "DataLoader.__iter__",
                "epochs",
                r"metric (epoch|samples_per_second|.*_epoch)|param (batch_size|epochs)|input .*",
            ),
            ("utils.tensorboard.writer", "SummaryWriter.add_scalar", "scalars written", r"metric said/(one|result)"),
            ("utils.tensorboard.writer", "SummaryWriter.add_scalars", "scalars written", r"metric said/some.*"),
            (
                "utils.tensorboard.writer",
                "SummaryWriter.add_hparams",
                "hyperparameters",
                r"param told|metric said/result",
            ),
        )
    ),
    *(
        Case("xgboost", f"xgboost.{module}", name, captures, lost, instead)
        for module, name, captures, lost, instead in (
            ("core", "DMatrix.__init__", "dataset", r"(train|cv) input .*", r"(train|cv) input .*"),
            ("core", "QuantileDMatrix.__init__", "dataset", NOTHING, NOTHING),
            ("callback", "_aggcv", "folds of `cv`", r"fold N .*", NOTHING),
            (
                "training",
                "train",
                "metrics of each round",
                rf"train .*|XGB\w+ (artifact feature_importance.*|metric .*|param ({OF_TRAIN}))",
                NOTHING,
            ),
            ("training", "cv", "metrics of a cross-validation", r"(cv|fold N) .*", NOTHING),
            # A class without its own `fit` has this one: it is missing only where both are.
            ("sklearn", "XGBModel.fit", "model of a training", r"XGBRegressor .*", r"train .*"),
            ("sklearn", "XGBClassifier.fit", "model of a training", r"XGB(Classifier|Regressor) .*", r"train .*"),
            ("sklearn", "XGBRanker.fit", "model of a training", r"XGB(Ranker|Regressor) .*", r"train .*"),
        )
    ),
]
# Rows that the trainings below do not come by.
ELSEWHERE = {
    "xgboost.dask": "it needs a cluster",
    "pytorch_lightning.trainer.trainer": "its rows are those of `lightning`",
    "tensorboardX.writer": "its rows are those of `torch.utils.tensorboard`",
    "sklearn.metrics": "each function that there is has a row, so none can be missing",
}
NAMES = {"torch": "pytorch"}  # of integrations that are called otherwise here


def xgboost_training() -> Any:
    """A training, a cross-validation and the fits of three wrappers."""
    import numpy as np
    import xgboost

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    matrix, params = xgboost.DMatrix(X, y), {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}
    booster = xgboost.train(params, matrix, 2, evals=[(matrix, "train")], verbose_eval=False)
    table = xgboost.cv(params, matrix, 2, nfold=2, seed=1, as_pandas=False)
    wrapper = xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1, random_state=1).fit(X, y)
    ranker = xgboost.XGBRanker(n_estimators=2, max_depth=2, n_jobs=1).fit(X, y, qid=np.repeat(np.arange(6), 10))
    regressor = xgboost.XGBRegressor(n_estimators=2, max_depth=2, n_jobs=1).fit(X, y)
    said = booster.predict(matrix), wrapper.predict_proba(X), ranker.predict(X), regressor.predict(X)
    return [each.tobytes() for each in said], {key: list(map(float, values)) for key, values in table.items()}


def sklearn_training() -> Any:
    """A fit with what is asked of it later, a search, a cross-validation and a fit in parts."""
    import numpy as np
    from sklearn.base import BaseEstimator
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    model = LogisticRegression().fit(X, y)
    said = accuracy_score(y, model.predict(X)), model.score(X, y)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, y)
    scores = cross_validate(LogisticRegression(), X, y, cv=2)["test_score"], cross_val_score(model, X, y, cv=2)
    parts = SGDClassifier(random_state=0).partial_fit(X, y, classes=[0, 1])

    class Late(BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            self.coef_ = X.mean(0)
            return self

    late = Late().fit(X, y)
    arrays = model.coef_, search.best_estimator_.coef_, parts.coef_, late.coef_, *scores
    return [each.tobytes() for each in arrays], said


def torch_training() -> Any:
    """A loop with a loader, a scheduler, a gradient scaler and scalars for TensorBoard."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset
    from torch.utils.tensorboard import SummaryWriter

    torch.manual_seed(0)
    writer = SummaryWriter("scalars")
    model = torch.nn.Linear(3, 1)
    X = torch.randn(16, 3)
    batches = DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), batch_size=8)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    for _ in range(3):
        for inputs, target in batches:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(inputs), target)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        scheduler.step()
        writer.add_scalar("said/one", 1.0, 0)
        writer.add_scalars("said/some", {"two": 2.0}, 0)
    writer.add_hparams({"told": 3.0}, {"said/result": 4.0})
    writer.close()
    return [each.detach().numpy().tobytes() for each in model.parameters()]


def lightning_training() -> Any:
    """A fit, a validation and a test."""
    import lightning.pytorch as pl
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    class Tiny(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

        def test_step(self, batch: Any, index: int) -> None:
            self.log("test_loss", torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    X = torch.linspace(-1, 1, 48).reshape(16, 3)
    data = DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), batch_size=8)
    bare = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer, module = pl.Trainer(accelerator="cpu", max_epochs=2, **bare), Tiny()
    trainer.fit(module, data, data)
    said = trainer.validate(module, data, verbose=False), trainer.test(module, data, verbose=False)
    return [each.detach().numpy().tobytes() for each in module.parameters()], said


def keras_training() -> Any:
    """A fit and an evaluation."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(1)
    X = np.random.default_rng(0).normal(size=(16, 3))
    y = X.sum(1, keepdims=True)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, y, batch_size=8, epochs=2, verbose=0)
    loss = model.evaluate(X, y, verbose=0)
    return [each.tobytes() for each in model.get_weights()], loss


TRAININGS: dict[str, Callable[[], Any]] = {
    "keras": keras_training,
    "lightning": lightning_training,
    "sklearn": sklearn_training,
    "torch": torch_training,
    "xgboost": xgboost_training,
}


@contextmanager
def hidden(module_name: str, target: str) -> Iterator[None]:
    """Let a framework be without a name; where every class has that, without the class."""
    owner: Any = importlib.import_module(module_name)
    *path, name = target.removesuffix(".__func__").split(".")
    if name in ("__init__", "__iter__"):
        name = path.pop()
    for part in path:
        owner = getattr(owner, part)
    holders = [each for each in getattr(owner, "__mro__", [owner]) if name in vars(each) and each is not object]
    kept = [vars(each)[name] for each in holders]
    assert holders, f"{module_name} has no {target} to hide"
    for holder in holders:
        delattr(holder, name)
    try:
        yield
    finally:
        for holder, value in zip(holders, kept, strict=True):
            setattr(holder, name, value)


def recorded() -> Counter[str]:
    """Everything in the store: what it is, and of which run; values are left out, for times differ."""
    steno.flush()
    client, found = steno.Client(), Counter[str]()
    runs = steno.search_runs(output_format="list", search_all_experiments=True)
    several = len({run.info.run_name for run in runs}) > 1
    for run in runs:
        data, info = run.data, run.info
        name = re.sub(r"\d+", "N", info.run_name) + " " if several else ""
        own = (tag for tag in data.tags if not tag.startswith(("mlflow.", "steno.overhead", "steno.not_captured")))
        found.update(f"{name}{kind} {key}" for kind, keys in (("param", data.params), ("tag", own)) for key in keys)
        found.update(f"{name}metric {key}" for key in data.metrics)
        found.update(f"{name}artifact {each.path}" for each in client.list_artifacts(info.run_id))
        found.update(f"{name}input {each.dataset.digest}" for each in run.inputs.dataset_inputs)
    return found


@functools.cache
def plain(framework: str) -> Any:
    """What a training gives without autologging."""
    return TRAININGS[framework]()


def watched(framework: str, folder: Path, case: Case | None = None) -> tuple[Any, Counter[str]]:
    """What a training gives while it is watched, and what is recorded of it."""
    steno.set_tracking_uri(folder)
    with hidden(case.module, case.target) if case else nullcontext():
        steno.autolog(log_models=False)
    try:
        return TRAININGS[framework](), recorded()
    finally:
        steno.autolog(disable=True)


@functools.cache
def complete(framework: str, folder: Path) -> Counter[str]:
    """What is recorded where nothing is missing."""
    result, found = watched(framework, folder)
    assert result == plain(framework)
    return found


@pytest.fixture
def folder(tracking: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where complete recordings are kept. The budget is ample, or a busy machine would matter."""
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "60000")
    return tmp_path_factory.getbasetemp() / "complete"


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_a_hook_point_all_else_is_recorded_and_one_warning_tells(case, folder, tmp_path, caplog):
    pytest.importorskip(case.framework)
    plain(case.framework)
    whole = complete(case.framework, folder / case.framework)
    caplog.clear()
    result, found = watched(case.framework, tmp_path / "runs", case)
    assert result == plain(case.framework)
    said = [each.getMessage() for each in caplog.records if each.name.startswith("steno")]
    assert len(said) == 1, said
    assert case.captures in said[0]
    assert [each for each in whole - found if not matches(case.lost, each)] == []
    assert [each for each in found - whole if not matches(case.instead, each)] == []
    assert case.lost == NOTHING or whole - found, "nothing is lost, so the hook point is none"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("framework", TRAININGS)
def test_every_hook_point_of_ours_is_among_these(framework):
    pytest.importorskip(framework)
    plain(framework)
    integration = plugins().integrations.offers[NAMES.get(framework, framework)].load()
    modules = [sys.modules[name] for name in integration.modules if name in sys.modules and name not in ELSEWHERE]
    rows = {(module.__name__, patch.target) for module in modules for patch in integration.patches(module)}
    assert rows == {(case.module, case.target) for case in CASES if case.framework == framework}
