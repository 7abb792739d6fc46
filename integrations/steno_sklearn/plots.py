"""Draws what a run keeps as data: confusion matrix, ROC and precision-recall curve, feature importances."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steno.errors import InvalidValue, MissingDependency
from steno.tracking.client import Client

from steno_sklearn import curves, importances

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 30


def plot(run_id: str, path: str) -> bytes:
    """Return a picture of one of a run's artifacts as PNG. Needs matplotlib; touches none of its global state.

    Args:
        run_id: The run.
        path: The artifact: `training_confusion_matrix.json`, `training_roc_curve.json`,
            `training_precision_recall_curve.json` or `feature_importances.json`.

    Raises:
        InvalidValue: It is none of these.
        NotFound: The run, or the artifact, does not exist.
    """
    if path not in PICTURES:
        raise InvalidValue(f"{path!r} cannot be drawn; these can: {', '.join(PICTURES)}")
    return draw(path, json.loads(Path(Client().download_artifacts(run_id, path)).read_text("utf-8")))


def draw(path: str, content: Mapping[str, Any]) -> bytes:
    """Return the picture of an artifact's content as PNG. Raises: MissingDependency without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependency("a picture", "'steno[plots]'") from error
    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    PICTURES[path](figure.add_subplot(), content)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _confusion_matrix(axes: Axes, content: Mapping[str, Any]) -> None:
    classes, matrix = content["classes"], content["matrix"]
    shares = [[cell / (sum(row) or 1.0) for cell in row] for row in matrix]
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set(xlabel="predicted class", ylabel="true class", title="Normalized confusion matrix")
    if len(classes) <= 20:
        axes.set_xticks(range(len(classes)), labels=classes)
        axes.set_yticks(range(len(classes)), labels=classes)
        for row, line in enumerate(shares):
            for column, share in enumerate(line):
                color = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=color)


def _roc_curve(axes: Axes, content: Mapping[str, Any]) -> None:
    axes.plot(content["false_positive_rate"], content["true_positive_rate"], label=f"AUC = {content['auc']:.4f}")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curve")
    axes.legend()


def _precision_recall_curve(axes: Axes, content: Mapping[str, Any]) -> None:
    axes.step(content["recall"], content["precision"], where="pre")
    axes.set(xlabel="recall", ylabel="precision", title="Precision-recall curve", ylim=(0, 1.05))


def _importances(axes: Axes, content: Mapping[str, Any]) -> None:
    names, values = content["features"][:_MOST_BARS], content["importances"][:_MOST_BARS]
    axes.barh(names[::-1], values[::-1])
    axes.set(xlabel=content["kind"], title="Feature importances")


PICTURES: dict[str, Callable[[Axes, Mapping[str, Any]], None]] = {
    curves.CONFUSION_MATRIX: _confusion_matrix,
    curves.ROC_CURVE: _roc_curve,
    curves.PRECISION_RECALL_CURVE: _precision_recall_curve,
    importances.PATH: _importances,
}
