"""A beat measured by its patient's other beats: what the published format throws away.

All functions look at the whole recording, as one does after a Holter; none looks at a label.
"""

import numpy as np
from numpy.typing import NDArray

from .beats import Beats
from .segment import BEFORE

# Where the P wave, the QRS and the T wave lie in a beat cut with context: samples from the R peak.
_WAVES = ((-30, -6), (-8, 14), (14, 55))


def rr_features(beats: Beats, usual: str = "median") -> NDArray:
    """How early each beat comes and how late the next one, by its own record's standards.

    Parameters
    ----------
    beats : Beats
        Whole records, in the order of time, with `rr` and `records`.
    usual : "median" or "mean"
        Of the record's intervals: what counts as usual there.

    Returns
    -------
    float32 array (n, 6)
        Natural logarithms, cut at -1.5 and 1.5, of: the RR interval before and the one after, over
        the usual one; the two, over the median of the 21 intervals around; the one before over the
        one after; the one before over the mean of the 21. Where an interval is unknown, the record's
        median stands in.

    Notes
    -----
    De Chazal, O'Dwyer & Reilly 2004, doi:10.1109/TBME.2004.827359, who divide by the patient's mean. It
    differs from the median where most beats of a record come early.
    """
    if usual not in ("median", "mean"):
        raise ValueError(f'usual must be "median" or "mean", not {usual!r}')
    if beats.rr is None or beats.records is None:
        raise ValueError("these beats know no RR intervals; beats cut from the recordings do")
    features = np.zeros((len(beats), 6))
    for mine in _find_records(beats):
        rr = beats.rr[mine].astype(np.float64)
        median = np.nanmedian(rr) if np.isfinite(rr).any() else 1.0
        before, after = np.where(np.isnan(rr), median, rr).T
        norm = median if usual == "median" else before.mean()
        reach = min(10, len(before) - 1)
        padded = np.pad(before, reach, mode="reflect")
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
        local, mean = np.median(around, axis=1), around.mean(axis=1)
        ratios = (before / norm, after / norm, before / local, after / local, before / after, before / mean)
        features[mine] = np.log(np.stack(ratios, axis=1))
    return np.clip(features, -1.5, 1.5).astype(np.float32)


def median_beats(beats: Beats) -> NDArray:
    """The median of all beats of the record that each beat is from: float32 array (n, 187).

    Meant for beats cut with context, which share a baseline and a scale within a record.
    """
    if beats.records is None:
        raise ValueError("these beats do not know their records")
    usual = np.empty_like(beats.signals, dtype=np.float32)
    for mine in _find_records(beats):
        usual[mine] = np.median(beats.signals[mine], axis=0)
    return usual


def compute_likeness(beats: Beats) -> NDArray:
    """How much each beat resembles the median beat of its record, wave by wave; see `median_beats`.

    Gives a float32 array (n, 6). For the stretches of the P wave, the QRS and the T wave: the cosine of the
    angle between the beat and the median beat (1 for the same shape); then, for each, the logarithm of the
    root mean square of their difference over that of the median beat, cut at -3 and 3.
    """
    usual = median_beats(beats)
    alike, apart = [], []
    for first, last in _WAVES:
        stretch = slice(BEFORE + first, BEFORE + last)
        beat, model = beats.signals[:, stretch], usual[:, stretch]
        beat_power, model_power, rest_power = (np.square(x).mean(1) for x in (beat, model, beat - model))
        alike.append((beat * model).mean(1) / np.sqrt(beat_power * model_power + 1e-9))
        apart.append(np.clip(np.log(rest_power / (model_power + 1e-6) + 1e-3) / 2, -3, 3))
    return np.stack(alike + apart, axis=1).astype(np.float32)


def _find_records(beats):
    """Positions of the beats of each record."""
    names = beats.records.astype(str)
    return (np.flatnonzero(names == name) for name in np.unique(names))
