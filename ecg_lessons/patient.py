"""A beat measured by its owner's other beats: what the published format throws away.

Both functions look at the whole recording, as one does after a Holter; neither looks at a label.
"""

import numpy as np


def rr_features(beats):
    """How early each beat comes and how late the next one, by its own record's standards.

    Parameters
    ----------
    beats : Beats
        Whole records, in the order of time, with `rr` and `records`.

    Returns
    -------
    float32 array (n, 6)
        Natural logarithms, cut at -1.5 and 1.5, of: the RR interval before and the one after, over
        the record's median; the two, over the median of the 21 intervals around; the one before
        over the one after; the one before over the mean of the 21. Where an interval is unknown,
        the record's median stands in.

    Raises
    ------
    ValueError
        If the beats know neither their intervals nor their records.

    Notes
    -----
    Intervals relative to the person's own: de Chazal, O'Dwyer & Reilly 2004,
    doi:10.1109/TBME.2004.827359.
    """
    if beats.rr is None or beats.records is None:
        raise ValueError("these beats know no RR intervals; beats cut from the recordings do")
    features = np.zeros((len(beats), 6))
    for mine in _records(beats):
        rr = beats.rr[mine].astype(np.float64)
        usual = np.nanmedian(rr) if np.isfinite(rr).any() else 1.0
        before, after = np.where(np.isnan(rr), usual, rr).T
        reach = min(10, len(before) - 1)
        around = np.lib.stride_tricks.sliding_window_view(
            np.pad(before, reach, mode="reflect"), 2 * reach + 1
        )
        local, mean = np.median(around, axis=1), around.mean(axis=1)
        ratios = (before / usual, after / usual, before / local, after / local, before / after, before / mean)
        features[mine] = np.log(np.stack(ratios, axis=1))
    return np.clip(features, -1.5, 1.5).astype(np.float32)


def median_beats(beats):
    """The median of all beats of the record that each beat is from: float32 array (n, 187).

    Meant for beats cut with context, which share a baseline and a scale within a record.

    Raises
    ------
    ValueError
        If the beats do not know their records.
    """
    if beats.records is None:
        raise ValueError("these beats do not know their records")
    usual = np.empty_like(beats.signals, dtype=np.float32)
    for mine in _records(beats):
        usual[mine] = np.median(beats.signals[mine], axis=0)
    return usual


def _records(beats):
    """Positions of the beats of each record."""
    names = beats.records.astype(str)
    return (np.flatnonzero(names == name) for name in np.unique(names))
