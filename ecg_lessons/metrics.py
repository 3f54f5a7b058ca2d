"""What a classifier gets right and wrong, class by class; how sure that is; how sure it says it is."""

from typing import NamedTuple

import numpy as np

from .beats import CLASSES
from .validation import check_distributions, check_labels, check_predicted, check_scores


def classification_table(labels, predicted, classes=CLASSES):
    """Sensitivity, positive predictivity and F1 of each class, with the number of its beats.

    The names are ANSI/AAMI EC57's; machine learning says recall and precision.

    Parameters
    ----------
    labels : int array (n,)
        The true classes.
    predicted : int array (n,) or float array (n, number of classes)
        The predicted ones, or their probabilities, of which the largest is taken.
    classes : tuple of str
        Names of the classes, in the order of the labels.

    Returns
    -------
    pandas.DataFrame
        One row a class: ``sensitivity``, ``positive predictivity``, ``F1``, ``beats``. A class
        without beats has no sensitivity (NaN); one that is never predicted has a positive
        predictivity of 0.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_fscore_support

    labels, predicted = check_predicted(labels, predicted, len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    recall, f1 = np.where(support, recall, np.nan), np.where(support, f1, np.nan)
    columns = {"sensitivity": recall, "positive predictivity": precision, "F1": f1, "beats": support}
    return pd.DataFrame(columns, index=pd.Index(classes, name="class"))


def compute_scores(labels, predicted, classes=CLASSES, over=None):
    """Accuracy and macro-F1: a dict.

    Macro-F1 is the mean F1 of the classes that occur in `labels`, or of those named in `over`
    ("NSVF", say) that do. The other parameters, and the errors, are those of `classification_table`.
    """
    labels, predicted = check_predicted(labels, predicted, len(classes))
    confusion = _count_confusions(labels, predicted, len(classes))[0]
    return {
        name: float(_find_statistic(name, _find_positions(over, classes))(confusion))
        for name in ("accuracy", "macro-F1")
    }


class Interval(NamedTuple):
    """A value with the ends of its interval; arrays where the value has one entry a class."""

    value: float
    low: float
    high: float


def bootstrap_interval(
    metric, labels, predicted, groups=None, n=1000, seed=0, level=0.95, classes=CLASSES, over=None
):
    """How far a metric would move if the test beats (or the test patients) were drawn again.

    Draws as many beats as there are, with replacement, `n` times, and takes the middle `level` of
    the metric's values (the percentile method). With `groups`, whole groups are drawn instead of
    beats: the right unit where the beats of one patient resemble each other.

    Parameters
    ----------
    metric : str or callable
        "accuracy", "macro-F1"; "sensitivity", "positive predictivity" or "F1" for one value a
        class; or a function of (labels, predicted) that returns a number, which is called `n` times.
        The named ones are computed from confusion matrices, all `n` at once.
    labels : int array (n beats,)
    predicted : int array (n beats,) or float array (n beats, number of classes)
    groups : array (n beats,), optional
        The patient of each beat.
    n : int
        Number of resamples.
    seed : int
        The same seed gives the same interval.
    level : float
        Share of the resamples inside the interval.
    classes, over
        As for `compute_scores`.

    Returns
    -------
    Interval
        ``value`` on the beats as they are, ``low`` and ``high``. A resample in which a class does
        not occur says nothing about that class and is left out there.

    Raises
    ------
    ValueError
        If the arrays do not fit together, there is no beat, or the metric has no such name.

    Notes
    -----
    Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapter 13; groups: Davison &
    Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8.
    """
    if n < 1 or not 0 < level < 1:
        raise ValueError(f"n must be at least 1 and level between 0 and 1, not {n} and {level}")
    original, (labels, predicted) = np.asarray(predicted), check_predicted(labels, predicted, len(classes))
    if len(labels) == 0:
        raise ValueError("there is no beat to draw from")
    owner = None
    if groups is not None:
        owner = np.unique(_check_column(groups, len(labels), "groups"), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    if callable(metric):
        value = metric(labels, original)
        drawn = np.array(
            [metric(labels[i], original[i]) for i in _draw_positions(rng, len(labels), owner, n)]
        )
    else:
        statistic = _find_statistic(metric, _find_positions(over, classes))
        if owner is None:  # drawing beats is drawing the cells of the confusion matrix
            whole = _count_confusions(labels, predicted, len(classes))[0]
            cells = rng.multinomial(len(labels), whole.ravel() / len(labels), size=n)
        else:
            each = _count_confusions(labels, predicted, len(classes), owner)
            whole, people = each.sum(0), len(each)
            times = rng.multinomial(people, np.full(people, 1 / people), size=n)
            cells = times @ each.reshape(people, -1)
        value, drawn = statistic(whole), statistic(cells.reshape(n, *whole.shape))
    outside = (1 - level) / 2
    ends = _find_quantiles(drawn, [outside, 1 - outside])
    return Interval(*(part if np.ndim(part) else float(part) for part in (value, *ends)))


def mean_by_group(labels, probabilities, groups):
    """One verdict for each recording or person: the mean over its beats.

    Parameters
    ----------
    labels : int array (n beats,)
    probabilities : float array (n beats,) or (n beats, number of classes)
    groups : array (n beats,)
        The record or the patient of each beat.

    Returns
    -------
    (labels (n groups,), probabilities (n groups, ...), names (n groups,))
        Groups in the order of their names.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or the beats of a group differ in their label.
    """
    labels = check_labels(labels)
    probabilities = check_scores(labels, probabilities).astype(np.float64)
    names, first, owner = np.unique(
        _check_column(groups, len(labels), "groups"), return_index=True, return_inverse=True
    )
    if (mixed := labels != labels[first][owner]).any():
        raise ValueError(f"the beats of {names[owner[mixed.argmax()]]} do not all have the same label")
    sums = np.zeros((len(names), *probabilities.shape[1:]))
    np.add.at(sums, owner, probabilities)
    counts = np.bincount(owner, minlength=len(names)).reshape(-1, *[1] * (probabilities.ndim - 1))
    return labels[first], sums / counts, names


def mean_by_recording(beats, probabilities):
    """The verdicts on the recordings, as `mean_by_group` gives them, with whose they are.

    Parameters
    ----------
    beats : Beats
        With `records` and `patients`.
    probabilities : float array (n beats,) or (n beats, number of classes)

    Returns
    -------
    (labels (n recordings,), probabilities (n recordings, ...), patients (n recordings,))
    """
    labels, mean, records = mean_by_group(beats.labels, probabilities, beats.records)
    owner = dict(zip(beats.records, beats.patients))
    return labels, mean, np.array([owner[record] for record in records])


def auroc(labels, probabilities):
    """The area under the ROC curve of class 1; NaN where only one of the classes occurs.

    Parameters
    ----------
    labels : int array (n,)
        0 or 1.
    probabilities : float array (n,)
        Probabilities of class 1, or other numbers that rise with them.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or hold anything else.

    Notes
    -----
    Of all pairs of a beat of class 1 and one of class 0, the share in which the former has the larger
    number, ties counted half: Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747. scikit-learn's
    ``roc_auc_score`` gives the same in 25 times the time, and an interval asks a thousand times.
    """
    from scipy.stats import rankdata

    labels = check_labels(labels, 2)
    probabilities = check_scores(labels, probabilities)
    if probabilities.ndim != 1:
        raise ValueError(f"the probabilities must be those of class 1, shape (n,), not {probabilities.shape}")
    ones = int(labels.sum())
    pairs = ones * (len(labels) - ones)
    if pairs == 0:
        return np.nan
    return float((rankdata(probabilities)[labels == 1].sum() - ones * (ones + 1) / 2) / pairs)


def auroc_interval(labels, probabilities, groups, n=1000, seed=0):
    """The AUROC with its 95 % interval, groups (people) drawn again; or by how much one is ahead.

    Parameters
    ----------
    labels : int array (n,)
        0 or 1.
    probabilities : float array (n,) or (n, 2)
        Of class 1. With two columns, those of two models: their difference is given, both judged on
        the same draws, so that what is hard about a draw is hard for both.
    groups : array (n,)
    n, seed : int
        As for `bootstrap_interval`.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If the arrays do not fit together, or hold anything else.
    """
    probabilities = check_scores(check_labels(labels, 2), probabilities).astype(np.float64)
    ahead = probabilities.ndim == 2
    if ahead and probabilities.shape[1] != 2:
        raise ValueError(
            f"the probabilities of one model or of two, shape (n,) or (n, 2), not {probabilities.shape}"
        )
    both = probabilities if ahead else np.stack([probabilities, probabilities], axis=1)

    def metric(labels, both):
        return auroc(labels, both[:, 0]) - (auroc(labels, both[:, 1]) if ahead else 0)

    return bootstrap_interval(metric, labels, both, groups, n=n, seed=seed, classes=("0", "1"))


def reliability_table(labels, probabilities, bins=15, classes=CLASSES):
    """How often the network is right when it says it is so sure.

    The beats are put into `bins` bins of equal width by their *confidence*, the largest
    probability.

    Returns
    -------
    pandas.DataFrame
        One row a bin that is not empty: ``confidence`` (its mean), ``accuracy``, ``beats``.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or a row is not a distribution: NaN, below 0, or a sum
        that is not 1.

    Notes
    -----
    Guo et al. 2017, arXiv:1706.04599.
    """
    import pandas as pd

    labels, probabilities = _check_labelled(labels, probabilities, classes)
    if bins != int(bins) or bins < 1:
        raise ValueError(f"bins must be a whole number of at least 1, not {bins}")
    sure = probabilities.max(1)
    frame = pd.DataFrame({
        "bin": np.clip(np.ceil(sure * bins) - 1, 0, bins - 1).astype(int),  # a bin holds its upper edge
        "confidence": sure,
        "accuracy": probabilities.argmax(1) == labels,
    })  # fmt: skip
    by_bin = frame.groupby("bin")
    return by_bin[["confidence", "accuracy"]].mean().assign(beats=by_bin.size())


def expected_calibration_error(labels, probabilities, bins=15, classes=CLASSES):
    """Mean distance between confidence and accuracy over the bins of `reliability_table`.

    Each bin counts by its beats: the sum over bins of
    ``beats / all beats * |accuracy - confidence|``.
    Parameters, errors and source are those of `reliability_table`.
    """
    table = reliability_table(labels, probabilities, bins, classes)
    gap = (table["accuracy"] - table["confidence"]).abs()
    return float(np.average(gap, weights=table["beats"])) if len(table) else np.nan


def brier_score(labels, probabilities, classes=CLASSES):
    """Mean squared distance between the probabilities and the truth, summed over the classes: 0 to 2.

    Brier 1950. scikit-learn has it from version 1.7 on (``brier_score_loss`` with ``scale_by_half=False``),
    which is newer than what Colab brings. Errors are those of `reliability_table`.
    """
    labels, probabilities = _check_labelled(labels, probabilities, classes)
    truth = np.eye(len(classes))[labels]
    return float(((probabilities - truth) ** 2).sum(1).mean()) if len(labels) else np.nan


def temperature_scale(labels, probabilities, classes=CLASSES):
    """The temperature that fits the probabilities best to the labels, of validation beats.

    Minimizes the mean of -log p of the right class after ``apply_temperature``. Above 1, the network
    was too sure.

    Raises
    ------
    ValueError
        As `reliability_table`; also where there is no beat.

    Notes
    -----
    Guo et al. 2017, arXiv:1706.04599.
    """
    from scipy.optimize import minimize_scalar

    labels, probabilities = _check_labelled(labels, probabilities, classes)
    if len(labels) == 0:
        raise ValueError("there is no beat to fit the temperature to")

    def loss(log_temperature):
        p = apply_temperature(probabilities, np.exp(log_temperature))
        return -np.log(np.maximum(p[np.arange(len(labels)), labels], _TINY)).mean()

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def apply_temperature(probabilities, temperature):
    """Probabilities with their logarithms divided by `temperature`; the order of classes stays.

    The logarithm of a softmax's output is its input but for a constant, so this is what dividing the
    network's last numbers by the temperature does.

    Parameters
    ----------
    probabilities : float array (n, number of classes), or (number of classes,) of one beat
    temperature : float

    Raises
    ------
    ValueError
        If a row is not a distribution, or the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0, not {temperature}")
    probabilities = np.asarray(probabilities)
    rows = np.atleast_2d(probabilities)
    check_distributions(rows, rows.shape[-1])
    logs = np.log(np.maximum(probabilities.astype(np.float64), _TINY)) / temperature
    odds = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def ec57_table(labels, predicted, records):
    """ANSI/AAMI EC57's statistics for ventricular (VEB) and supraventricular (SVEB) ectopic beats.

    Parameters
    ----------
    labels : int array (n,)
        The true classes, N S V F Q = 0..4.
    predicted : int array (n,) or float array (n, 5)
    records : array (n,)
        The record of each beat.

    Returns
    -------
    pandas.DataFrame
        One row a record, then ``gross`` (all beats together) and ``average`` (the mean of the
        records in which the number exists). Columns: ``VEB Se``, ``VEB +P``, ``VEB FPR``, the same
        for ``SVEB``, and ``beats``. NaN where there is nothing to divide by.

    Raises
    ------
    ValueError
        If the arrays do not fit together.

    Notes
    -----
    VEB: a V called V is a hit, a V called anything else a miss, an N or S called V a false alarm;
    an F or a Q called V counts as neither. SVEB: likewise, with N, V and F called S as false alarms
    and a Q called S as neither. Se = hits / (hits + misses), +P = hits / (hits + false alarms),
    FPR = false alarms / (false alarms + beats of other classes not called so). ANSI/AAMI EC57:2012,
    as ``bxb`` of the WFDB software counts.
    """
    import pandas as pd

    labels, predicted = check_predicted(labels, predicted, len(CLASSES))
    names, owner = np.unique(_check_column(records, len(labels), "records"), return_inverse=True)
    each = _count_confusions(labels, predicted, len(CLASSES), owner, len(names))
    both = np.concatenate([each, each.sum(0, keepdims=True)])
    columns = {}
    for name, one, alarmed in [("VEB", "V", "NS"), ("SVEB", "S", "NVF")]:
        one = CLASSES.index(one)
        hits, beats_of = both[:, one, one], both[:, one].sum(-1)
        alarms = both[:, [CLASSES.index(c) for c in alarmed], one].sum(-1)
        quiet = np.delete(np.delete(both, one, axis=1), one, axis=2).sum((1, 2))
        columns[f"{name} Se"] = _divide(hits, beats_of)
        columns[f"{name} +P"] = _divide(hits, hits + alarms)
        columns[f"{name} FPR"] = _divide(alarms, alarms + quiet)
    table = pd.DataFrame(columns, index=pd.Index([*names, "gross"], name="record"))
    table.loc["average"] = table.iloc[:-1].mean()
    table["beats"] = [*both.sum((1, 2)), len(labels)]
    return table


# ---- confusion matrices, one or many at once: (..., true class, called class)

_TINY = np.finfo(np.float32).tiny


def _count_confusions(labels, predicted, classes, owner=None, owners=None):
    """(groups, classes, classes) counts; one group without `owner`."""
    owner = np.zeros(len(labels), dtype=int) if owner is None else owner
    owners = owners or (owner.max() + 1 if len(owner) else 1)
    cells = np.bincount((owner * classes + labels) * classes + predicted, minlength=owners * classes**2)
    return cells.reshape(owners, classes, classes)


def _divide(above, below):
    """above / below, NaN where there is nothing to divide by."""
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


def _find_statistic(metric, over):
    """The function of confusion matrices that bears the name."""

    def sensitivity(m):
        return _divide(_count_hits(m), m.sum(-1))

    def predictivity(m):
        return np.nan_to_num(_divide(_count_hits(m), m.sum(-2)))  # never called: 0

    def f1(m):
        return np.where(m.sum(-1) > 0, 2 * _count_hits(m) / np.maximum(m.sum(-1) + m.sum(-2), 1), np.nan)

    def macro(m):
        of_classes = f1(m)[..., over]
        return _divide(np.nansum(of_classes, -1), np.isfinite(of_classes).sum(-1))

    known = {
        "accuracy": lambda m: _divide(_count_hits(m).sum(-1), m.sum((-1, -2))),
        "macro-F1": macro,
        "sensitivity": sensitivity,
        "positive predictivity": predictivity,
        "F1": f1,
    }
    if metric not in known:
        raise ValueError(f"metric must be one of {', '.join(known)} or a function, not {metric!r}")
    return known[metric]


def _count_hits(matrices):
    return np.diagonal(matrices, axis1=-2, axis2=-1)


def _draw_positions(rng, n_beats, owner, n):
    """`n` arrays of positions: beats drawn with replacement, or all beats of drawn groups."""
    if owner is None:
        return (rng.integers(n_beats, size=n_beats) for _ in range(n))
    order = np.argsort(owner, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(owner))[:-1])
    people = len(members)
    return (np.concatenate([members[g] for g in rng.integers(people, size=people)]) for _ in range(n))


def _find_quantiles(drawn, at):
    """Quantiles over the resamples; NaN (and no warning) where no resample says anything."""
    empty = np.isnan(drawn).all(0)
    found = np.nanquantile(np.where(empty, 0, drawn), at, axis=0)
    return np.where(empty, np.nan, found)


# ---- what comes in


def _find_positions(over, classes):
    if over is None:
        return list(range(len(classes)))
    if unknown := set(over) - set(classes):
        raise ValueError(f"over names {', '.join(sorted(unknown))}, which is none of {', '.join(classes)}")
    return [classes.index(name) for name in over]


def _check_column(values, n, name):
    import pandas as pd

    values = np.asarray(values)
    if values.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), not {values.shape}")
    if unknown := int(pd.isna(values).sum()):
        raise ValueError(f"{unknown} beats have none of the {name}; drop them first")
    return values.astype(str)


def _check_labelled(labels, probabilities, classes):
    """Labels and probabilities, each row of which is a distribution."""
    probabilities = check_distributions(probabilities, len(classes))
    return check_predicted(labels, probabilities, len(classes))[0], probabilities
