"""Published beats traced back to the annotations that they were cut at."""

import math

import numpy as np

_KEY = 32  # leading samples that a beat is looked up by
_FEWEST, _MOST = 2, 6  # digits of rounded values: fewer say too little, more round nothing that matters


def trace_rows(signals, labels, beats, digits=None):
    """Find which of the recordings' own beats each row of the published files is.

    It is the one of its class that differs from the row by no more than the row's values are rounded, by a
    spreadsheet say. Where two could be it, or two rows could be one beat, nothing is said.

    Parameters
    ----------
    signals, labels : float32 array (n, 187), int array (n,)
    beats : Beats
        As `fetch_mitbih` cuts them by the published recipe.
    digits : int array (n,), optional
        To how many digits each row is rounded, as `count_digits` says. Default: counted in all together.

    Returns
    -------
    int array (n,)
        Positions in `beats`, -1 where none is the row.
    """
    from sklearn.neighbors import KDTree

    digits = np.broadcast_to(count_digits(signals) if digits is None else digits, len(signals))
    origin = np.full(len(signals), -1)
    for label, n_digits in set(zip(labels, digits)):
        places = np.flatnonzero(beats.labels == label)
        if len(places) == 0:
            continue
        rows = np.flatnonzero((labels == label) & (digits == n_digits))
        reach = (0.5 * 10.0**-n_digits if n_digits else 0) + 1e-6  # of values up to 1
        tree = KDTree(beats.signals[places, :_KEY], metric="chebyshev")
        for row, near in zip(rows, tree.query_radius(signals[rows, :_KEY], reach)):
            near = places[near]
            near = near[np.abs(beats.signals[near] - signals[row]).max(1, initial=0) <= reach]
            if len(near) == 1:
                origin[row] = near[0]
    chosen, times = np.unique(origin, return_counts=True)
    return np.where(np.isin(origin, chosen[times > 1]), -1, origin)  # no beat is in the files twice


def count_digits(signals):
    """To how many significant digits, 2 to 6, all these values are rounded; 0 if they have more."""
    if len(signals) == 0:
        return 0
    for digits in range(_FEWEST, _MOST + 1):
        # a few rows tell nearly always that it is not so
        if _has_digits(signals[:: math.ceil(len(signals) / 500)], digits) and all(
            _has_digits(signals[start : start + 4096], digits) for start in range(0, len(signals), 4096)
        ):
            return digits
    return 0


def _has_digits(values, digits):
    """Whether all values, in [0, 1], are what is left of them at so many significant digits."""
    exact = np.asarray(values, dtype=np.float64)
    power = 10.0 ** (digits - 1 - np.floor(np.log10(np.where(exact > 0, exact, 1))))
    return np.array_equal((np.round(exact * power) / power).astype(np.float32), values)
