import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecg_lessons import beat_length, segment
from ecg_lessons.data.simulate import make_record
from ecg_lessons.segment import compute_rr_intervals, cut_leads


@st.composite
def records(draw, shortest=4):
    """A noisy signal with ascending peaks, as in a short record."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    intervals = draw(st.lists(st.integers(shortest, 900), min_size=2, max_size=12))
    peaks = np.cumsum([draw(st.integers(0, 50)), *intervals])
    return rng.integers(800, 1400, peaks[-1] + draw(st.integers(1, 400))).astype(float), peaks


def naive(signal, a, b, c):
    """The published recipe, written down as the field notes have it."""
    beat = signal[a : int(b + 0.2 * (c - b))][::3]
    beat = (beat - beat.min()) / (beat.max() - beat.min())
    return np.pad(beat, (0, max(0, 187 - len(beat))))[:187]


@settings(max_examples=60, deadline=None)
@given(records())
def test_published_is_the_recipe_word_for_word(record):
    signal, peaks = record
    rows = segment(signal, peaks)
    assert rows.shape == (len(peaks) - 1, 187) and rows.dtype == np.float32
    ends = [*peaks, len(signal)]
    for i in range(len(peaks) - 1):
        np.testing.assert_allclose(rows[i], naive(signal, *ends[i : i + 3]), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    records(shortest=60),
    st.sampled_from(["published", "resampled"]),
    st.floats(0.01, 50),
    st.floats(-500, 500),
)
def test_neither_gain_nor_offset_changes_a_beat(record, recipe, gain, offset):
    signal, peaks = record
    one, other = segment(signal, peaks, recipe=recipe), segment(gain * signal + offset, peaks, recipe=recipe)
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert one.min() >= 0 and one.max() <= 1


def test_a_long_beat_is_scaled_before_it_is_cut_short():
    signal = np.zeros(3000)
    signal[0], signal[900] = 1, 4  # the tallest sample lies beyond the 187 that are kept
    row = segment(signal, [0, 1000, 2000])[0]
    assert row[0] == 0.25 and row.max() == 0.25


def test_a_mark_that_is_no_beat_ends_the_beat():
    signal = np.random.default_rng(0).random(2000)
    peaks, marks = [100, 400, 700, 1000], [100, 250, 400, 700, 1000]
    rows = segment(signal, peaks, annotations=marks)
    np.testing.assert_allclose(rows[0], naive(signal, 100, 250, 400), atol=1e-6)
    np.testing.assert_allclose(rows[1], naive(signal, 400, 700, 1000), atol=1e-6)


def test_resampled_is_at_125_hz():
    """A 10 Hz wave shows ten periods in 125 samples, and one that 125 Hz cannot hold is gone."""
    time = np.arange(0, 20, 1 / 360)
    peaks = np.arange(0, 7200, 360)
    slow = segment(np.sin(2 * np.pi * 10 * time), peaks, recipe="resampled")[3]
    assert np.abs(np.fft.rfft(slow[:125] - slow[:125].mean())).argmax() == 10
    assert beat_length(slow) == 150
    mixed = np.sin(2 * np.pi * 10 * time) + np.sin(2 * np.pi * 100 * time)
    np.testing.assert_allclose(segment(mixed, peaks, recipe="resampled")[3], slow, atol=0.05)


# ---- with context


def bumps(peaks, heights, length, width=9.0):
    """A lead of narrow bumps, one a peak."""
    at = np.arange(length)
    return sum(h * np.exp(-0.5 * ((at - p) / width) ** 2) for p, h in zip(peaks, heights))


def test_context_puts_the_peak_in_its_place_and_keeps_the_heights_apart():
    peaks = 400 + 300 * np.arange(12)
    heights = np.ones(12)
    heights[5] = 2.0
    rows = segment(bumps(peaks, heights, 4500), peaks, recipe="context")
    assert rows.shape == (11, 187) and rows.dtype == np.float32
    assert (rows[:, 30:100].argmax(1) + 30 == 67).all()
    assert np.ptp(np.median(rows, axis=0)) == pytest.approx(1, abs=0.02)
    assert np.ptp(rows[5]) / np.ptp(rows[2]) == pytest.approx(2, abs=0.1)
    # the neighbours are in sight: 300 samples at 360 Hz are 100 at 120 Hz
    assert rows[4, 167] == pytest.approx(rows[5, 67], abs=0.05)


@settings(max_examples=30, deadline=None)
@given(records(shortest=60), st.floats(0.05, 20), st.floats(-500, 500))
def test_neither_gain_nor_offset_changes_a_beat_with_context(record, gain, offset):
    signal, peaks = record
    one = segment(signal, peaks, recipe="context")
    np.testing.assert_allclose(
        one, segment(gain * signal + offset, peaks, recipe="context"), atol=1e-3 * np.abs(one).max()
    )


def test_context_takes_the_wandering_baseline_out():
    peaks = 1000 + 300 * np.arange(30)
    lead = bumps(peaks, np.ones(30), 11_000)
    wander = 3 * np.sin(2 * np.pi * 0.15 * np.arange(11_000) / 360)
    clean = segment(lead, peaks, recipe="context")[5:-5]
    np.testing.assert_allclose(segment(lead + wander, peaks, recipe="context")[5:-5], clean, atol=0.15)


def test_context_is_the_same_at_another_sampling_frequency():
    peaks = 400 + 300 * np.arange(12)
    slow = bumps(peaks, np.ones(12), 4500)
    quick = bumps(3 * peaks, np.ones(12), 13_500, width=27.0)
    one, other = segment(slow, peaks, 360, "context"), segment(quick, 3 * peaks, 1080, "context")
    np.testing.assert_allclose(one[1:], other[1:], atol=0.02)


def test_rr_intervals_are_seconds_to_either_side():
    found = compute_rr_intervals([360, 720, 1440])
    np.testing.assert_allclose(found, [[np.nan, 1], [1, 2], [2, np.nan]])
    assert compute_rr_intervals([]).shape == (0, 2) and np.isnan(compute_rr_intervals([5])).all()


RECIPES = ("published", "resampled", "context")


def test_a_flat_line_gives_zeros_not_nan():
    for recipe in RECIPES:
        rows = segment(np.full(2000, 7.0), [10, 300, 600], recipe=recipe)
        assert rows.shape == (2, 187) and not rows.any()


@pytest.mark.parametrize("peaks", [[], [50]])
def test_fewer_than_two_peaks_give_no_beats(peaks):
    for recipe in RECIPES:
        assert segment(np.zeros(1000), peaks, recipe=recipe).shape == (0, 187)


@pytest.mark.parametrize("arguments, message", [
    (dict(peaks=[300, 100]), "ascending"),
    (dict(peaks=[100, 100]), "ascending"),
    (dict(peaks=[100, 5000]), "outside"),
    (dict(peaks=[-5, 100]), "outside"),
    (dict(peaks=[100, 300], annotations=[101, 300]), "among the annotations"),
    (dict(peaks=[100, 300], annotations=[100, 200]), "among the annotations"),
    (dict(peaks=[100, 300], annotations=[]), "among the annotations"),
    (dict(peaks=[100.5, 300]), "whole sample numbers"),
    (dict(peaks=[[100, 300]]), "whole sample numbers"),
    (dict(peaks=[100, 300], fs=0), "fs"),
    (dict(peaks=[100, 300], signal=np.append(np.zeros(999), np.nan)), "NaN"),
    (dict(peaks=[100, 300], recipe="raw"), "recipe"),
    (dict(peaks=[100, 300], signal=np.zeros((10, 2))), "one lead"),
])  # fmt: skip
def test_input_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        segment(**{"signal": np.random.default_rng(0).random(1000), **arguments})


@settings(max_examples=30, deadline=None)
@given(records())
def test_zeros_follow_a_beat_and_nothing_else(record):
    signal, peaks = record
    assume(len(peaks) > 2)
    for row, a, b, c in zip(segment(signal, peaks), peaks, peaks[1:], peaks[2:]):
        length = len(range(a, int(b + 0.2 * (c - b)), 3))
        assert (row[length:] == 0).all()


def test_a_lead_at_the_recipes_own_frequency_is_cut_as_ever_and_leads_lie_side_by_side():
    record, annotation = make_record("100", 1)
    peaks = annotation.sample[1:]
    one = cut_leads(record.p_signal[:, :1], peaks, record.fs)
    np.testing.assert_allclose(one, segment(record.p_signal[:, 0], peaks, record.fs), atol=1e-6)
    both = cut_leads(record.p_signal, peaks, record.fs)
    assert both.shape == (*one.shape, 2)
    np.testing.assert_array_equal(both[..., 0], one)


def test_a_published_beat_ends_a_fifth_past_the_next_annotation_of_any_kind():
    rising = np.arange(1000.0)
    peaks = np.array([100, 400, 800])
    # the signal's end stands in where there is no annotation after the next
    assert list(beat_length(segment(rising, peaks))) == [len(range(100, 480, 3)), len(range(400, 840, 3))]
    assert beat_length(segment(rising, peaks, annotations=[100, 300, 400, 800]))[0] == len(range(100, 320, 3))


def test_where_a_recording_ends_is_in_the_published_last_beat_alone():
    rising, peaks = np.arange(2000.0), np.array([100, 400, 700])
    assert beat_length(segment(rising, peaks)[1]) == len(range(400, 700 + (2000 - 700) // 5, 3))
    assert beat_length(cut_leads(rising[:, None], peaks, 360)[1]) == len(range(400, 700 + 300 // 5, 3))
