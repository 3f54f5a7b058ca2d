"""What labels, predictions and probabilities must look like; all else is a ValueError that says so."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_labels(labels: ArrayLike, n_classes: int | None = None, name: str = "labels") -> NDArray:
    """Labels as an int64 array (n,): whole numbers from 0, below `n_classes` where that is given.

    `name` is what the error calls them. One-hot labels are told how to become plain ones.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        is_one_hot = labels.ndim == 2 and labels.shape[1] > 1 and ((labels == 0) | (labels == 1)).all()
        way_out = ". They look one-hot: take labels.argmax(axis=1)" if is_one_hot else ""
        raise ValueError(f"{name} must have shape (n,), not {labels.shape}{way_out}")
    if labels.size == 0:
        return labels.astype(np.int64)
    whole = labels.dtype.kind in "biuf" and np.isfinite(labels).all() and (labels == np.floor(labels)).all()
    if not whole or labels.min() < 0 or (n_classes is not None and labels.max() >= n_classes):
        upper = "from 0 on" if n_classes is None else f"in 0..{n_classes - 1}"
        raise ValueError(f"{name}: classes must be whole numbers {upper}")
    return labels.astype(np.int64)


def check_predicted(labels: ArrayLike, predicted: ArrayLike, n_classes: int) -> tuple[NDArray, NDArray]:
    """Labels and predicted classes as int64 arrays (n,); of probabilities (n, n_classes), the largest."""
    labels, predicted = check_labels(labels, n_classes), np.asarray(predicted)
    if predicted.ndim == 2:
        predicted = check_scores(labels, predicted, n_classes).argmax(1)
    if labels.shape != predicted.shape:
        raise ValueError(f"labels {labels.shape} and predictions {predicted.shape} do not fit together")
    return labels, check_labels(predicted, n_classes, "predictions")


def check_scores(labels: ArrayLike, scores: ArrayLike, n_columns: int | None = None) -> NDArray:
    """Finite numbers for each label, an array (n,) or (n, columns): probabilities, or ages for that matter."""
    scores = np.asarray(scores)
    if scores.ndim not in (1, 2) or scores.shape[:1] != np.shape(labels)[:1]:
        raise ValueError(f"labels {np.shape(labels)} and probabilities {scores.shape} do not fit together")
    if n_columns is not None and scores.shape[1:] != (n_columns,):
        found = scores.shape[1] if scores.ndim == 2 else "no"
        raise ValueError(f"{found} columns of probabilities for {n_columns} classes")
    if scores.dtype.kind not in "biuf":
        raise ValueError(f"the probabilities are no numbers but {scores.dtype}")
    if not np.isfinite(scores).all():
        raise ValueError("the probabilities hold NaN: did the training diverge?")
    return scores


def check_distributions(probabilities: ArrayLike, n_classes: int) -> NDArray:
    """Probabilities as a float64 array (n, n_classes), each row of which sums to one."""
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2:
        raise ValueError(f"probabilities must have shape (n, {n_classes}), not {probabilities.shape}")
    probabilities = check_scores(probabilities, probabilities, n_classes).astype(np.float64)
    sums = probabilities.sum(1, keepdims=True)
    if len(sums) and (probabilities.min() < 0 or np.abs(sums - 1).max() > 1e-3):
        raise ValueError("each row of probabilities must be at least 0 and sum to one")
    return probabilities / sums  # float32 sums to nearly one
