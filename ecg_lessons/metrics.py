"""What a classifier gets right and wrong, class by class, and how certain that is.

Arrays that do not fit together are a ValueError everywhere.
"""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.metrics import precision_recall_fscore_support

from .beats import CLASSES, Beats
from .calibration import (  # noqa: F401  the chapters call them as metrics, too
    apply_temperature,
    brier_score,
    expected_calibration_error,
    reliability_table,
    temperature_scale,
)
from .validation import check_labels, check_predicted, check_scores


class Interval(NamedTuple):
    """A value with the ends of its interval; arrays where the value has one entry for each class."""

    value: float
    low: float
    high: float


def classification_table(labels: ArrayLike, predicted: ArrayLike, classes=CLASSES) -> pd.DataFrame:
    """Sensitivity (recall), positive predictivity (precision) and F1 of each class, and its number of beats.

    Parameters
    ----------
    labels : int array (n,)
        The true classes.
    predicted : int array (n,) or float array (n, number of classes)
        The predicted classes, or their probabilities, of which the largest counts.
    classes : tuple of str
        Names of the classes, in the order of the labels.

    Returns
    -------
    pandas.DataFrame
        One row for each class: ``sensitivity``, ``positive predictivity``, ``F1``, ``beats``. A class
        without beats has no sensitivity (NaN); one that is never predicted has a positive predictivity of 0.
    """
    labels, predicted = check_predicted(labels, predicted, len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    recall, f1 = np.where(support, recall, np.nan), np.where(support, f1, np.nan)
    columns = {"sensitivity": recall, "positive predictivity": precision, "F1": f1, "beats": support}
    return pd.DataFrame(columns, index=pd.Index(classes, name="class"))


def compute_scores(labels: ArrayLike, predicted: ArrayLike, classes=CLASSES, over=None) -> dict[str, float]:
    """Accuracy and macro-F1: the mean F1 of the classes that occur, or of those in `over` ("NSVF") that do.

    The other parameters are those of `classification_table`.
    """
    labels, predicted = check_predicted(labels, predicted, len(classes))
    confusion = _count_confusions(labels, predicted, len(classes))[0]
    scores = _compute_statistics(confusion, classes, over)
    return {name: float(scores[name]) for name in ("accuracy", "macro-F1")}


def bootstrap_interval(
    metric, labels, predicted, groups=None, n=1000, seed=0, level=0.95, classes=CLASSES, over=None
) -> Interval:
    """How far a metric would move if the test beats (or the test patients) were drawn again.

    Draws as many beats as there are, with replacement, `n` times, and takes the middle `level` of
    the metric's values (the percentile method).

    Parameters
    ----------
    metric : str
        "accuracy" or "macro-F1"; "sensitivity", "positive predictivity" or "F1" for one value per class.
    groups : array (n beats,), optional
        The patient of each beat: whole patients are drawn, because the beats of one resemble each other.
    labels, predicted, classes, over
        As for `compute_scores`.

    Returns
    -------
    Interval
        ``value`` on the beats as they are, ``low`` and ``high``. A resample in which a class does
        not occur says nothing about that class and is left out there.

    Notes
    -----
    Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapter 13; groups: Davison &
    Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8.
    """
    labels, predicted = check_predicted(labels, predicted, len(classes))
    if len(labels) == 0:
        raise ValueError("there is no beat to draw from")
    owner = None if groups is None else _number_groups(groups, len(labels))[2]
    matrices = _count_confusions(labels, predicted, len(classes), owner)
    resample = _resample_beats if groups is None else _resample_groups
    resampled = resample(np.random.default_rng(seed), matrices, n)
    statistics = _compute_statistics(resampled, classes, over)
    if metric not in statistics:
        raise ValueError(f"metric must be one of {', '.join(statistics)}, not {metric!r}")
    return _find_interval(statistics[metric], level)


def _resample_beats(rng, whole, n):
    """A confusion matrix, then `n` drawn from it: to draw beats is to draw its cells."""
    n_beats = whole.sum()
    resampled = rng.multinomial(n_beats, whole.ravel() / n_beats, size=n)
    return np.concatenate([whole, resampled.reshape(n, *whole.shape[1:])])


def _resample_groups(rng, matrices, n):
    """The sum of the groups' confusion matrices, then `n` sums of groups drawn with replacement."""
    n_groups = len(matrices)
    times_drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n)
    return np.concatenate([matrices.sum(0, keepdims=True), np.tensordot(times_drawn, matrices, axes=1)])


def _find_interval(values, level=0.95):
    """The interval of a metric: its first value is that of the beats as they are, the others of resamples."""
    value, resampled = values[0], values[1:]
    if len(resampled) < 1 or not 0 < level < 1:
        raise ValueError(f"n must be at least 1 and level between 0 and 1, not {len(resampled)} and {level}")
    outside = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a class that no resample has: its ends are NaN
        ends = np.nanquantile(resampled, [outside, 1 - outside], axis=0)
    return Interval(*(part if np.ndim(part) else float(part) for part in (value, *ends)))


def _count_confusions(labels, predicted, n_classes, owner=None):
    """Confusion matrices (groups, true class, predicted class); one group without `owner`."""
    owner = np.zeros_like(labels) if owner is None else owner
    counts = np.zeros((owner.max(initial=0) + 1, n_classes, n_classes), dtype=int)
    np.add.at(counts, (owner, labels, predicted), 1)
    return counts


def _compute_statistics(matrices, classes, over=None):
    """Metrics by name, of confusion matrices (..., true class, predicted class)."""
    if unknown := set(over or ()) - set(classes):
        raise ValueError(f"over names {', '.join(sorted(unknown))}, which is none of {', '.join(classes)}")
    averaged = [classes.index(name) for name in over or classes]
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    beats, predicted = matrices.sum(-1), matrices.sum(-2)
    f1 = np.where(beats > 0, 2 * hits / np.maximum(beats + predicted, 1), np.nan)
    known = np.isfinite(f1[..., averaged]).sum(-1)
    return {
        "accuracy": _divide(hits.sum(-1), beats.sum(-1)),
        "macro-F1": _divide(np.nansum(f1[..., averaged], -1), known),
        "sensitivity": _divide(hits, beats),
        "positive predictivity": np.nan_to_num(_divide(hits, predicted)),  # never predicted: 0
        "F1": f1,
    }


def _divide(above, below):
    """above / below, NaN where there is nothing to divide by."""
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


def mean_by_group(labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike) -> tuple[NDArray, ...]:
    """One prediction for each recording or patient: the mean over its beats, which share a label.

    Parameters
    ----------
    labels, groups : arrays (n beats,)
        The class of each beat, and its record or patient.
    probabilities : float array (n beats,) or (n beats, number of classes)

    Returns
    -------
    (labels (n groups,), probabilities (n groups, ...), names (n groups,))
        Groups in the order of their names.
    """
    labels = check_labels(labels)
    probabilities = check_scores(labels, probabilities)
    names, first, owner = _number_groups(groups, len(labels))
    if (mixed := labels != labels[first][owner]).any():
        raise ValueError(f"the beats of {names[owner[mixed.argmax()]]} do not all have the same label")
    sums = np.zeros((len(names), *probabilities.shape[1:]))
    np.add.at(sums, owner, probabilities)
    means = (sums.T / np.bincount(owner, minlength=len(names))).T
    return labels[first], means, names


def mean_by_recording(beats: Beats, probabilities: ArrayLike) -> tuple[NDArray, ...]:
    """Labels, mean probabilities and patients of the recordings, by `mean_by_group`."""
    labels, means, records = mean_by_group(beats.labels, probabilities, beats.records)
    owner = dict(zip(beats.records, beats.patients))
    return labels, means, np.array([owner[record] for record in records])


def _number_groups(groups, n, name="groups"):
    """The groups' names, the position of the first beat of each, and the number of each beat's group."""
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), not {groups.shape}")
    if unknown := int(pd.isna(groups).sum()):
        raise ValueError(f"{unknown} beats have none of the {name}; drop them first")
    return np.unique(groups.astype(str), return_index=True, return_inverse=True)


def auroc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The area under the ROC curve of class 1; NaN where only one of the classes occurs.

    Of all pairs of a beat of class 1 and one of class 0, the share in which the former has the larger
    number, ties counted half: Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747. scikit-learn's
    ``roc_auc_score`` gives the same in 25 times the time, and an interval asks a thousand times.

    `labels` (n,) are 0 or 1; `probabilities` (n,) are those of class 1, or other numbers that rise with them.
    """
    labels = check_labels(labels, 2)
    probabilities = check_scores(labels, probabilities)
    if probabilities.ndim != 1:
        raise ValueError(f"the probabilities must be those of class 1, shape (n,), not {probabilities.shape}")
    ones = int(labels.sum())
    pairs = ones * (len(labels) - ones)
    if pairs == 0:
        return np.nan
    return float((rankdata(probabilities)[labels == 1].sum() - ones * (ones + 1) / 2) / pairs)


def auroc_interval(
    labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike, n=1000, seed=0
) -> Interval:
    """The AUROC with its 95 % interval, groups (patients) drawn again; or the difference of two models.

    Parameters
    ----------
    probabilities : float array (n,) or (n, 2)
        Of class 1. With two columns, those of two models: the first AUROC less the second, both on the
        same draws, so that what is hard about a draw is hard for both.
    labels, groups, n, seed
        As for `auroc` and `bootstrap_interval`.
    """
    labels = check_labels(labels, 2)
    probabilities = check_scores(labels, probabilities)
    shape = probabilities.shape
    if shape[1:] not in ((), (2,)):
        raise ValueError(f"the probabilities of one model or of two, shape (n,) or (n, 2), not {shape}")
    if len(labels) == 0:
        raise ValueError("there is no beat to draw from")
    first, *second = probabilities.reshape(len(labels), -1).T
    owner = _number_groups(groups, len(labels))[2]
    values = [
        auroc(labels[drawn], first[drawn]) - sum(auroc(labels[drawn], other[drawn]) for other in second)
        for drawn in _draw_positions(np.random.default_rng(seed), owner, n)
    ]
    return _find_interval(np.array(values))


def _draw_positions(rng, owner, n):
    """Positions of all beats, then `n` times those of groups drawn with replacement."""
    members = [np.flatnonzero(owner == group) for group in range(owner.max() + 1)]
    yield np.arange(len(owner))
    for _ in range(n):
        yield np.concatenate([members[group] for group in rng.integers(len(members), size=len(members))])


def ec57_table(labels: ArrayLike, predicted: ArrayLike, records: ArrayLike) -> pd.DataFrame:
    """ANSI/AAMI EC57's statistics for ventricular (VEB) and supraventricular (SVEB) ectopic beats.

    Parameters
    ----------
    labels, predicted
        As for `classification_table`, of the classes N S V F Q = 0..4.
    records : array (n,)
        The record of each beat.

    Returns
    -------
    pandas.DataFrame
        Columns ``VEB Se``, ``VEB +P``, ``VEB FPR``, the same for ``SVEB``, and ``beats``; one row for each
        record, then ``gross`` (all beats together) and ``average`` (over the records where it exists).

    Notes
    -----
    As ``bxb`` of the WFDB software counts by ANSI/AAMI EC57:2012. VEB: an N or S predicted as V is a false
    alarm, an F or Q is not; SVEB: an N, V or F predicted as S is one, a Q is not. Se = hits / (hits +
    misses), +P = hits / (hits + false alarms), FPR = false alarms / (false alarms + beats that neither are
    of the class nor predicted as it).
    """
    labels, predicted = check_predicted(labels, predicted, len(CLASSES))
    names, _, owner = _number_groups(records, len(labels), "records")
    of_records = _count_confusions(labels, predicted, len(CLASSES), owner)
    counts = np.concatenate([of_records, of_records.sum(0, keepdims=True)])
    columns = {}
    for name, ectopic, alarmed in [("VEB", "V", "NS"), ("SVEB", "S", "NVF")]:
        one = CLASSES.index(ectopic)
        hits, beats = counts[:, one, one], counts[:, one].sum(-1)
        alarms = sum(counts[:, CLASSES.index(other), one] for other in alarmed)
        quiet = np.delete(np.delete(counts, one, axis=1), one, axis=2).sum((1, 2))
        columns[f"{name} Se"] = _divide(hits, beats)
        columns[f"{name} +P"] = _divide(hits, hits + alarms)
        columns[f"{name} FPR"] = _divide(alarms, alarms + quiet)
    table = pd.DataFrame(columns, index=pd.Index([*names, "gross"], name="record"))
    table.loc["average"] = table.iloc[:-1].mean()
    table["beats"] = [*counts.sum((1, 2)), len(labels)]
    return table
