"""What labels, predictions and probabilities must look like; whatever takes some asks here."""

import numpy as np


def check_labels(labels, n_classes=None, name="labels"):
    """Labels as an int64 array (n,), one class for each beat.

    Parameters
    ----------
    labels : int array (n,)
        Whole numbers from 0; True and False are 1 and 0.
    n_classes : int, optional
        They must be smaller. By default any number of classes will do.
    name : str
        What the error calls them.

    Raises
    ------
    ValueError
        If they have another shape (one-hot labels are told how to become plain ones), or hold anything else.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        way_out = ""
        if labels.ndim == 2 and labels.shape[1] > 1 and ((labels == 0) | (labels == 1)).all():
            way_out = ". They look one-hot: take labels.argmax(axis=1)"
        raise ValueError(f"{name} must have shape (n,), not {labels.shape}{way_out}")
    if labels.size == 0:
        return labels.astype(np.int64)
    whole = labels.dtype.kind in "biuf" and np.isfinite(labels).all() and (labels == np.floor(labels)).all()
    if not whole or labels.min() < 0 or (n_classes is not None and labels.max() >= n_classes):
        upper = "from 0 on" if n_classes is None else f"in 0..{n_classes - 1}"
        raise ValueError(f"{name}: classes must be whole numbers {upper}")
    return labels.astype(np.int64)


def check_predicted(labels, predicted, n_classes):
    """Labels and predicted classes, as int64 arrays (n,); of probabilities, the class of the largest.

    Parameters
    ----------
    labels : int array (n,)
    predicted : int array (n,) or float array (n, n_classes)
    n_classes : int

    Raises
    ------
    ValueError
        As `check_labels`; also if the two do not fit together, or the probabilities hold NaN.
    """
    labels, predicted = check_labels(labels, n_classes), np.asarray(predicted)
    if predicted.ndim == 2:
        predicted = check_scores(labels, predicted, n_classes).argmax(1)
    if labels.shape != predicted.shape:
        raise ValueError(f"labels {labels.shape} and predictions {predicted.shape} do not fit together")
    return labels, check_labels(predicted, n_classes, "predictions")


def check_scores(labels, scores, n_columns=None):
    """Numbers for each beat, as a float array (n,) or (n, columns): probabilities, or ages for that matter.

    Raises
    ------
    ValueError
        If there are not as many as labels, or not `n_columns` for each where that is given; if some are NaN
        or infinite, or no numbers.
    """
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


def check_distributions(probabilities, n_classes):
    """Probabilities as a float64 array (n, n_classes), each row of which sums to one.

    Raises
    ------
    ValueError
        If they have another shape, or a row is no distribution: NaN, below 0, or a sum that is not 1.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2:
        raise ValueError(f"probabilities must have shape (n, {n_classes}), not {probabilities.shape}")
    probabilities = check_scores(probabilities, probabilities, n_classes).astype(np.float64)
    sums = probabilities.sum(1, keepdims=True)
    if len(sums) and (probabilities.min() < 0 or np.abs(sums - 1).max() > 1e-3):
        raise ValueError("each row of probabilities must be at least 0 and sum to one")
    return probabilities / sums  # float32 sums to nearly one
