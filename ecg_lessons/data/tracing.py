"""Published rows traced back to the annotations that they were cut at."""

import math

import numpy as np

from ..beats import WIDTH
from ..segment import beat_length, find_published_ends, segment

_KEY = 32  # leading samples that a row is looked up by
_SHORTEST = 8  # samples; a shorter row fits many beats (the shortest real one has 10)
_FEWEST, _MOST = 2, 6  # digits of rounded values: fewer say too little, more round nothing that matters


def trace_rows(signals, labels, records, digits=None):
    """Find the annotation that each published row was cut at.

    A row is a scaled copy of raw samples, and scaling keeps their order: the ranks of its
    first 32 samples are an exact key. Of the annotations with that key and class, the one
    whose samples the row repeats (to 1e-4, up to shift and stretch) is the origin.

    Rounding, by a spreadsheet say, makes samples equal that were not. The origin of a
    rounded row is the one annotation of its class whose beat, as published, differs
    from it by no more than the rounding; where several do, it stays unknown.

    Parameters
    ----------
    signals, labels : float32 array (n, 187), int array (n,)
        Published rows.
    records : iterable
        The raw records, each as `read_annotated_beats` gives it; they are gone through once.
    digits : int array (n,), optional
        To how many digits each row is rounded, as `count_digits` says. Default: counted in all rows together.

    Returns
    -------
    (records (n,) of str or None, samples (n,) of int, -1 where no annotation fits)
    """
    digits = np.broadcast_to(count_digits(signals) if digits is None else digits, len(signals))
    exact = digits == 0
    raw, raw_labels, raw_records, raw_samples, raw_lengths, published = _cut_beats(records, not exact.all())
    origin = np.full(len(signals), -1)
    taken = np.zeros(len(raw), dtype=bool)
    last = beat_length(signals)
    lengths = np.minimum(last, _KEY)
    for length in np.unique(lengths[exact & (lengths >= _SHORTEST)])[::-1]:  # rows that say most choose first
        rows = np.flatnonzero(exact & (lengths == length))
        index = {}
        keys = _rank_samples(raw[:, :length])
        for place in np.flatnonzero(~taken):
            index.setdefault((raw_labels[place], keys[place].tobytes()), []).append(place)
        for row, key in zip(rows, _rank_samples(signals[rows, :length])):
            candidates = index.get((labels[row], key.tobytes()), [])
            fits = [
                (abs(raw_lengths[c] - last[row]), c)
                for c in candidates
                if not taken[c] and _has_same_shape(signals[row], raw[c], last[row])
            ]
            if fits:
                origin[row] = min(fits)[1]
                taken[origin[row]] = True
    if not exact.all():
        nearest = _find_rounded(signals, labels, digits, published, raw_labels)
        free = (nearest >= 0) & ~taken[nearest]
        origin[free] = nearest[free]
    found = origin >= 0
    records = np.where(found, raw_records[origin].astype(object), None)
    return records, np.where(found, raw_samples[origin], -1)


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


def _find_rounded(signals, labels, digits, published, published_labels):
    """The one published beat that each rounded row can be: int array (n,), -1 where it is not one alone."""
    from sklearn.neighbors import KDTree

    origin = np.full(len(signals), -1)
    for label, n_digits in set(zip(labels[digits > 0], digits[digits > 0])):
        places = np.flatnonzero(published_labels == label)
        if len(places) == 0:
            continue
        rows = np.flatnonzero((labels == label) & (digits == n_digits))
        half_step = 0.5 * 10.0**-n_digits + 1e-6  # of values up to 1
        tree = KDTree(published[places, :_KEY], metric="chebyshev")
        for row, near in zip(rows, tree.query_radius(signals[rows, :_KEY], half_step)):
            near = places[near]
            near = near[np.abs(published[near] - signals[row]).max(1, initial=0) <= half_step]
            if len(near) == 1:
                origin[row] = near[0]
    chosen, times = np.unique(origin, return_counts=True)
    return np.where(np.isin(origin, chosen[times > 1]), -1, origin)  # no beat is in the files twice


def _rank_samples(rows):
    """Each row's dense ranks: 0 for its smallest value, equal values alike. uint8."""
    order = rows.argsort(1, kind="stable")
    ordered = np.take_along_axis(rows, order, 1)
    steps = np.diff(ordered, axis=1, prepend=ordered[:, :1]) > 0
    ranks = np.empty(rows.shape, dtype=np.uint8)
    np.put_along_axis(ranks, order, steps.cumsum(1).astype(np.uint8), 1)
    return ranks


def _has_same_shape(row, raw, length):
    """Whether the first `length` samples of `row` are `raw` shifted and stretched, to 1e-4."""
    row, raw = row[:length], raw[:length]
    low, high = row.argmin(), row.argmax()
    span = raw[high] - raw[low]
    if span <= 0:
        return row[high] == row[low]
    expected = row[low] + (raw - raw[low]) * ((row[high] - row[low]) / span)
    return np.abs(expected - row).max() < 1e-4


def _cut_beats(records, rounded):
    """Every annotated beat but a record's last: its samples, class, record, annotation and length.

    The samples are 187 raw ones from the annotation on, and, if any rows are rounded, those of the file too.
    """
    parts = []
    for record, annotation, labels, peaks in records:
        lead = np.round(record.p_signal[:, 0] * record.adc_gain[0]).astype(np.int16)
        lead = np.append(lead, np.zeros(3 * WIDTH, dtype=np.int16))
        windows = lead[peaks[:-1, None] + np.arange(0, 3 * WIDTH, 3)]
        lengths = (find_published_ends(peaks, annotation.sample) - peaks[:-1] + 2) // 3
        rows = (
            segment(record.p_signal[:, 0], peaks, record.fs, "published", annotation.sample)
            if rounded
            else []
        )
        names = np.full(len(windows), record.record_name)
        parts.append((windows, labels[:-1], names, peaks[:-1], lengths, rows))
    return [np.concatenate(column) for column in zip(*parts)]
