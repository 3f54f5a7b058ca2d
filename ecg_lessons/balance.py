"""Ways to make rare classes count for more in training; chapter 2 compares them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .validation import check_labels


def class_weights(labels: ArrayLike, power: float = 1.0) -> dict[int, float]:
    """Weights that rise as a class gets rarer, for Keras's ``class_weight``.

    Parameters
    ----------
    labels : int array (n,)
        The training beats' labels.
    power : float
        What the inverse frequency is raised to. With 1 the classes weigh the same in total, scikit-learn's
        "balanced" (King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868); with 0.5 the rarest are held
        back; with 0 all weights are 1.

    Returns
    -------
    dict of int to float
        A weight for each label that occurs. Their mean over the beats is 1, so that losses can be compared.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"power must lie between 0 and 1, not {power}")
    return _scale_weights(labels, lambda counts: (1.0 / counts) ** power)


def effective_weights(labels: ArrayLike, beta: float = 0.999) -> dict[int, float]:
    """Weights by the effective number of samples, ``(1 - beta**n) / (1 - beta)``.

    Beats resemble each other, so the thousandth teaches less than the first. `beta` runs from 0 (all
    weights 1) to just below 1 (the balanced weights). Cui et al. 2019, doi:10.1109/CVPR.2019.00949.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be at least 0 and below 1, not {beta}")
    return _scale_weights(labels, lambda counts: (1 - beta) / (1 - beta**counts))


def _scale_weights(labels, weigh):
    names, counts = _count_classes(labels)
    weights = weigh(counts.astype(float))
    weights /= (weights * counts).sum() / counts.sum()
    return dict(zip(names.tolist(), weights.tolist()))


def _count_classes(labels):
    labels = check_labels(labels)
    if len(labels) == 0:
        raise ValueError("there are no labels")
    return np.unique(labels, return_counts=True)


def oversample(labels: ArrayLike, seed: int = 0) -> NDArray:
    """Positions of the beats with those of the rarer classes repeated, in random order.

    Every class that occurs comes as often as the commonest: all its beats, then random ones again.
    ``beats[oversample(beats.labels)]`` is the balanced set. For **training beats only**: repeated
    before a split, copies of one beat land on both sides.
    """
    names, counts = _count_classes(labels)
    rng = np.random.default_rng(seed)
    positions = [np.flatnonzero(np.asarray(labels) == name) for name in names]
    repeated = [np.r_[own, rng.choice(own, counts.max() - len(own))] for own in positions]
    return rng.permutation(np.concatenate(repeated))
