"""Ways to make rare classes count for more in training; chapter 2 compares them."""

import numpy as np

from .validation import check_labels


def class_weights(labels, power=1.0):
    """Weights that rise as a class gets rarer, for Keras's ``class_weight``.

    With ``power=1`` the classes weigh the same in total, scikit-learn's "balanced" (King &
    Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868); with 0.5 the rarest are held back;
    with 0 all weights are 1.

    Parameters
    ----------
    labels : int array (n,)
        The training beats' labels.
    power : float
        What the inverse frequency is raised to, 0 to 1.

    Returns
    -------
    dict of int to float
        A weight for each label that occurs. Their mean over the beats is 1, so that losses
        can be compared.

    Raises
    ------
    ValueError
        If there are no labels, they are not of that shape (one-hot, say), or `power` is outside 0 to 1.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"power must lie between 0 and 1, not {power}")
    return _scale_weights(labels, lambda counts: (1.0 / counts) ** power)


def effective_weights(labels, beta=0.999):
    """Weights by the effective number of samples, ``(1 - beta**n) / (1 - beta)``.

    Beats resemble each other, so the thousandth teaches less than the first.

    Parameters
    ----------
    labels : int array (n,)
        The training beats' labels.
    beta : float
        From 0 (all weights 1) to just below 1 (the balanced weights).

    Returns
    -------
    dict of int to float
        As `class_weights`.

    Raises
    ------
    ValueError
        If there are no labels, they are not of that shape (one-hot, say), or `beta` is outside [0, 1).

    Notes
    -----
    Source: Cui et al. 2019, doi:10.1109/CVPR.2019.00949.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be at least 0 and below 1, not {beta}")
    return _scale_weights(labels, lambda counts: (1 - beta) / (1 - beta**counts))


def _scale_weights(labels, weigh):
    labels = check_labels(labels)
    if labels.size == 0:
        raise ValueError("there are no labels to weigh")
    names, counts = np.unique(labels, return_counts=True)
    weights = weigh(counts.astype(float))
    weights /= (weights * counts).sum() / counts.sum()
    return dict(zip(names.tolist(), weights.tolist()))


def oversample(labels, seed=0):
    """Positions of the beats with those of the rarer classes repeated, in random order.

    Every class that occurs comes as often as the commonest: all its beats, then random ones
    again. For **training beats only**: repeated before a split, copies of one beat land on
    both sides.

    Parameters
    ----------
    labels : int array (n,)
    seed : int

    Returns
    -------
    int array
        Positions in `labels`; ``beats[oversample(beats.labels)]`` is the balanced set.

    Raises
    ------
    ValueError
        If there are no labels, or they are not of that shape.
    """
    labels = check_labels(labels)
    if labels.size == 0:
        raise ValueError("there are no labels to oversample")
    rng = np.random.default_rng(seed)
    most = np.unique(labels, return_counts=True)[1].max()
    kinds = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    return rng.permutation(np.concatenate([np.r_[k, rng.choice(k, most - len(k))] for k in kinds]))
