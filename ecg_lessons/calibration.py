"""How well the probabilities of a classifier are calibrated, and how to recalibrate them.

Probabilities of a beat that are below 0 or do not sum to 1 are a ValueError everywhere.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from .beats import CLASSES
from .validation import check_distributions, check_predicted

_TINY = np.finfo(np.float32).tiny  # stands in for a probability of 0, which has no logarithm


def reliability_table(labels: ArrayLike, probabilities: ArrayLike, bins=15, classes=CLASSES) -> pd.DataFrame:
    """How often the network is right, by how confident it is: Guo et al. 2017, arXiv:1706.04599.

    The beats (labels (n,), probabilities (n, number of classes)) are put into `bins` bins of equal width by
    their *confidence*, the largest probability. Gives a DataFrame with one row for each bin that is not
    empty: ``confidence`` (its mean), ``accuracy``, ``beats``.
    """
    labels, probabilities = _check_labelled(labels, probabilities, classes)
    if bins != int(bins) or bins < 1:
        raise ValueError(f"bins must be a whole number of at least 1, not {bins}")
    confidence = probabilities.max(1)
    frame = pd.DataFrame({
        "bin": np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(int),  # a bin holds its upper edge
        "confidence": confidence,
        "accuracy": probabilities.argmax(1) == labels,
    })  # fmt: skip
    by_bin = frame.groupby("bin")
    return by_bin[["confidence", "accuracy"]].mean().assign(beats=by_bin.size())


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, bins=15, classes=CLASSES
) -> float:
    """Mean distance between confidence and accuracy over the beats in the bins of `reliability_table`."""
    table = reliability_table(labels, probabilities, bins, classes)
    gap = (table["accuracy"] - table["confidence"]).abs()
    return float(np.average(gap, weights=table["beats"])) if len(table) else np.nan


def brier_score(labels: ArrayLike, probabilities: ArrayLike, classes=CLASSES) -> float:
    """Mean squared distance between the probabilities and the truth, summed over the classes: 0 to 2.

    Brier 1950. scikit-learn has it from version 1.7 on (``brier_score_loss`` with ``scale_by_half=False``),
    which is newer than what Colab brings.
    """
    labels, probabilities = _check_labelled(labels, probabilities, classes)
    truth = np.eye(len(classes))[labels]
    return float(((probabilities - truth) ** 2).sum(1).mean()) if len(labels) else np.nan


def temperature_scale(labels: ArrayLike, probabilities: ArrayLike, classes=CLASSES) -> float:
    """The temperature that recalibrates the probabilities best, measured on validation beats.

    Minimizes the mean of -log p of the true class after `apply_temperature`: Guo et al. 2017. Above 1, the
    network was overconfident.
    """
    labels, probabilities = _check_labelled(labels, probabilities, classes)
    if len(labels) == 0:
        raise ValueError("there is no beat to fit the temperature to")

    def compute_loss(log_temperature):
        recalibrated = apply_temperature(probabilities, np.exp(log_temperature))
        of_true_class = recalibrated[np.arange(len(labels)), labels]
        return -np.log(np.maximum(of_true_class, _TINY)).mean()

    return float(np.exp(minimize_scalar(compute_loss, bounds=(-3, 3), method="bounded").x))


def apply_temperature(probabilities: ArrayLike, temperature: float) -> NDArray:
    """Probabilities with their logarithms divided by `temperature`; the order of classes stays.

    The logarithm of a softmax's output is its input but for a constant, so this is what dividing the
    network's last numbers by the temperature does. `probabilities` may be those of one beat.
    """
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0, not {temperature}")
    probabilities = np.asarray(probabilities)
    check_distributions(np.atleast_2d(probabilities), probabilities.shape[-1])
    logs = np.log(np.maximum(probabilities.astype(np.float64), _TINY)) / temperature
    odds = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def _check_labelled(labels, probabilities, classes):
    """Labels, and probabilities that sum to one for each beat."""
    probabilities = check_distributions(probabilities, len(classes))
    return check_predicted(labels, probabilities, len(classes))[0], probabilities
