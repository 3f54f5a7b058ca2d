"""Beats measured by their owner's other beats."""

import dataclasses

import numpy as np
import pytest

from ecg_lessons import CLASSES, make_beats
from ecg_lessons.features import compute_likeness, median_beats, rr_features


@pytest.fixture(scope="module")
def beats():
    return make_beats(1500, seed=2, recipe="context")


def test_an_even_heart_has_features_of_zero(beats):
    steady = dataclasses.replace(beats, rr=np.full((len(beats), 2), 0.8))
    np.testing.assert_allclose(rr_features(steady), 0, atol=1e-6)


def test_a_beat_that_comes_twice_as_early_is_seen_in_every_ratio_but_that_of_what_follows(beats):
    rr = np.full((len(beats), 2), 0.8)
    mine = np.flatnonzero(beats.records == beats.records[0])
    rr[mine[30], 0] = rr[mine[29], 1] = 0.4
    early = rr_features(dataclasses.replace(beats, rr=rr))[mine[30]]
    half = np.log(0.5)
    np.testing.assert_allclose(early[:5], [half, 0, half, 0, half], atol=1e-6)
    assert early[5] == pytest.approx(np.log(0.4 / ((20 * 0.8 + 0.4) / 21)))


def test_where_most_beats_are_early_the_mean_interval_tells_and_the_median_does_not(beats):
    rr = np.full((len(beats), 2), 0.5)
    mine = np.flatnonzero(beats.records == beats.records[0])
    rr[mine[::5], 0] = 1.5
    early = dataclasses.replace(beats, rr=rr)
    mean = rr[mine, 0].mean()
    assert rr_features(early)[mine[1], 0] == 0
    assert rr_features(early, usual="mean")[mine[1], 0] == pytest.approx(np.log(0.5 / mean))


def test_neither_a_slow_heart_nor_another_record_changes_the_features(beats):
    slow = dataclasses.replace(beats, rr=beats.rr * 1.7)
    np.testing.assert_allclose(rr_features(slow), rr_features(beats), atol=1e-5)
    mine = beats.records == beats.records[0]
    np.testing.assert_array_equal(rr_features(beats)[mine], rr_features(beats[mine]))


def test_early_beats_are_those_of_class_s(beats):
    first = rr_features(beats)[:, 0]
    assert first[beats.labels == CLASSES.index("S")].mean() < -0.1
    assert abs(first[beats.labels == CLASSES.index("N")].mean()) < 0.1


def test_one_beat_alone_has_features_too(beats):
    assert rr_features(beats[:1]).tolist() == [[0] * 6]


def test_each_record_has_its_own_median_beat(beats):
    usual = median_beats(beats)
    assert usual.shape == beats.signals.shape and usual.dtype == np.float32
    for name in np.unique(beats.records)[:3]:
        mine = beats.records == name
        np.testing.assert_allclose(
            usual[mine], np.median(beats.signals[mine], axis=0)[None].repeat(mine.sum(), 0)
        )


def test_the_median_beat_is_like_itself_and_its_opposite_is_not(beats):
    usual = dataclasses.replace(beats, signals=median_beats(beats))
    same = compute_likeness(usual)
    np.testing.assert_allclose(same[:, :3], 1, atol=0.02)
    assert (same[:, 3:] == -3).all()  # as small as it is counted
    signals = usual.signals.copy()
    signals[7] *= -1  # one beat of many leaves the median as it is
    turned = compute_likeness(dataclasses.replace(beats, signals=signals))[7]
    np.testing.assert_allclose(turned[:3], -1, atol=0.02)
    np.testing.assert_allclose(turned[3:], np.log(4) / 2, atol=0.02)


def test_v_beats_are_unlike_the_usual_qrs(beats):
    alike = compute_likeness(beats)[:, 1]
    v, n = (alike[beats.labels == CLASSES.index(c)].mean() for c in "VN")
    assert n > 0.9 and v < n - 0.1


def test_beats_without_intervals_or_records_are_refused(beats):
    with pytest.raises(ValueError, match="know no RR intervals"):
        rr_features(dataclasses.replace(beats, rr=None))
    with pytest.raises(ValueError, match="do not know their records"):
        median_beats(dataclasses.replace(beats, records=None))
    with pytest.raises(ValueError, match='"median" or "mean", not'):
        rr_features(beats, usual="mode")
    with pytest.raises(ValueError, match="do not know their records"):
        compute_likeness(dataclasses.replace(beats, records=None))
