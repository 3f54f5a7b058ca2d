"""Published beats traced back to the annotations that they were cut at."""

import math

import numpy as np

from ..beats import WIDTH
from ..segment import beat_length, find_published_ends, segment

_KEY = 32  # leading samples that a beat is looked up by
_SHORTEST = 8  # samples; a shorter beat fits many others (the shortest real one has 10)
_FEWEST, _MOST = 2, 6  # digits of rounded values: fewer say too little, more round nothing that matters


def trace_rows(signals, labels, records, digits=None):
    """Find the annotation that each published beat was cut at.

    A published beat is a scaled copy of raw samples, and scaling keeps their order: the ranks of its first 32
    samples are a key, and the annotation with that key and class whose samples it repeats (to 1e-4, up to shift
    and stretch) is the origin. Rounding, by a spreadsheet say, makes samples equal that were not: a rounded beat's
    origin is the one annotation of its class whose published beat differs from it by no more than the rounding.

    Parameters
    ----------
    signals, labels : float32 array (n, 187), int array (n,)
    records : iterable
        The raw records, each as `read_annotated_beats` gives it; they are gone through once.
    digits : int array (n,), optional
        To how many digits each beat is rounded, as `count_digits` says. Default: counted in all together.

    Returns
    -------
    (records (n,) of str or None, samples (n,) of int, -1 where no annotation fits)
    """
    digits = np.broadcast_to(count_digits(signals) if digits is None else digits, len(signals))
    is_exact = digits == 0
    *raw, raw_records, raw_samples, published = _cut_beats(records, not is_exact.all())
    origin = _find_exact(signals, labels, is_exact, *raw)
    if not is_exact.all():
        nearest = _find_rounded(signals, labels, digits, published, raw[1])
        is_free = (nearest >= 0) & ~np.isin(nearest, origin)
        origin[is_free] = nearest[is_free]
    is_known = origin >= 0
    records = np.where(is_known, raw_records[origin].astype(object), None)
    return records, np.where(is_known, raw_samples[origin], -1)


def _find_exact(signals, labels, is_exact, raw, raw_labels, raw_lengths):
    """The raw beat that each exact beat is a scaled copy of: int array (n,), -1 where there is none."""
    origin = np.full(len(signals), -1)
    is_taken = np.zeros(len(raw), dtype=bool)
    ends = beat_length(signals)
    lengths = np.minimum(ends, _KEY)
    for length in np.unique(lengths[is_exact & (lengths >= _SHORTEST)])[::-1]:  # who says most chooses first
        places = {}
        raw_keys = _rank_samples(raw[:, :length])
        for place in np.flatnonzero(~is_taken):
            places.setdefault((raw_labels[place], raw_keys[place].tobytes()), []).append(place)
        beats = np.flatnonzero(is_exact & (lengths == length))
        for beat, key in zip(beats, _rank_samples(signals[beats, :length])):
            fits = [
                (abs(raw_lengths[place] - ends[beat]), place)
                for place in places.get((labels[beat], key.tobytes()), [])
                if not is_taken[place] and _has_same_shape(signals[beat], raw[place], ends[beat])
            ]
            if fits:
                origin[beat] = min(fits)[1]
                is_taken[origin[beat]] = True
    return origin


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
    """The one published beat that each rounded one can be: int array (n,), -1 where it is not one alone."""
    from sklearn.neighbors import KDTree

    origin = np.full(len(signals), -1)
    for label, n_digits in set(zip(labels[digits > 0], digits[digits > 0])):
        places = np.flatnonzero(published_labels == label)
        if len(places) == 0:
            continue
        beats = np.flatnonzero((labels == label) & (digits == n_digits))
        half_step = 0.5 * 10.0**-n_digits + 1e-6  # of values up to 1
        tree = KDTree(published[places, :_KEY], metric="chebyshev")
        for beat, near in zip(beats, tree.query_radius(signals[beats, :_KEY], half_step)):
            near = places[near]
            near = near[np.abs(published[near] - signals[beat]).max(1, initial=0) <= half_step]
            if len(near) == 1:
                origin[beat] = near[0]
    chosen, times = np.unique(origin, return_counts=True)
    return np.where(np.isin(origin, chosen[times > 1]), -1, origin)  # no beat is in the files twice


def _rank_samples(beats):
    """Each beat's dense ranks: 0 for its smallest value, equal values alike. uint8."""
    order = beats.argsort(1, kind="stable")
    ordered = np.take_along_axis(beats, order, 1)
    steps = np.diff(ordered, axis=1, prepend=ordered[:, :1]) > 0
    ranks = np.empty(beats.shape, dtype=np.uint8)
    np.put_along_axis(ranks, order, steps.cumsum(1).astype(np.uint8), 1)
    return ranks


def _has_same_shape(beat, raw, length):
    """Whether the first `length` samples of a beat are `raw` shifted and stretched, to 1e-4."""
    beat, raw = beat[:length], raw[:length]
    low, high = beat.argmin(), beat.argmax()
    span = raw[high] - raw[low]
    if span <= 0:
        return beat[high] == beat[low]
    expected = beat[low] + (raw - raw[low]) * ((beat[high] - beat[low]) / span)
    return np.abs(expected - beat).max() < 1e-4


def _cut_beats(records, has_rounded):
    """Every annotated beat but a record's last: samples, class, length, record, annotation, published form.

    The samples are 187 raw ones from the annotation on; the published form is cut if any beats are rounded.
    """
    parts = []
    for record, annotation, labels, peaks in records:
        lead = np.round(record.p_signal[:, 0] * record.adc_gain[0]).astype(np.int16)
        lead = np.append(lead, np.zeros(3 * WIDTH, dtype=np.int16))
        windows = lead[peaks[:-1, None] + np.arange(0, 3 * WIDTH, 3)]
        lengths = (find_published_ends(peaks, annotation.sample) - peaks[:-1] + 2) // 3
        names = np.full(len(windows), record.record_name)
        published = []
        if has_rounded:
            published = segment(record.p_signal[:, 0], peaks, record.fs, "published", annotation.sample)
        parts.append((windows, labels[:-1], lengths, names, peaks[:-1], published))
    return [np.concatenate(column) for column in zip(*parts)]
