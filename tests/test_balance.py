"""Weights and resampling for rare classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from ecg_lessons import make_beats
from ecg_lessons.balance import class_weights, effective_weights, oversample

LABELS = np.repeat([0, 1, 2, 3, 4], [900, 28, 72, 8, 80])
some_labels = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array)


def test_balanced_weights_are_scikit_learns():
    theirs = compute_class_weight("balanced", classes=np.arange(5), y=LABELS)
    assert class_weights(LABELS) == pytest.approx(dict(enumerate(theirs)))


def test_power_0_gives_no_weights_and_a_half_lies_between():
    assert class_weights(LABELS, power=0) == pytest.approx(dict.fromkeys(range(5), 1.0))
    balanced, softened = class_weights(LABELS), class_weights(LABELS, power=0.5)
    assert 1 < softened[3] / softened[0] < balanced[3] / balanced[0]
    assert softened[3] / softened[0] == pytest.approx(np.sqrt(balanced[3] / balanced[0]))


def test_effective_weights_run_from_none_to_balanced():
    assert effective_weights(LABELS, beta=0) == pytest.approx(dict.fromkeys(range(5), 1.0))
    assert effective_weights(LABELS, beta=1 - 1e-9) == pytest.approx(class_weights(LABELS), rel=1e-4)


def test_effective_weights_follow_the_papers_formula():
    found = effective_weights(LABELS, beta=0.99)
    expected = ((1 - 0.99**900) / (1 - 0.99)) / ((1 - 0.99**8) / (1 - 0.99))
    assert found[3] / found[0] == pytest.approx(expected)


@given(some_labels, st.floats(0, 1))
def test_the_mean_weight_of_a_beat_is_1(labels, power):
    for weights in (class_weights(labels, power), effective_weights(labels, min(power, 0.999))):
        assert set(weights) == set(labels.tolist())
        assert np.mean([weights[y] for y in labels]) == pytest.approx(1)


@given(some_labels)
def test_oversampling_evens_the_classes_out_and_keeps_every_beat(labels):
    index = oversample(labels)
    counts = np.unique(labels[index], return_counts=True)[1]
    assert len(set(counts)) == 1 and counts[0] == np.unique(labels, return_counts=True)[1].max()
    assert set(index) == set(range(len(labels)))


def test_oversampling_repeats_with_its_seed_and_indexes_beats():
    beats = make_beats(400, seed=1)
    index = oversample(beats.labels, seed=3)
    np.testing.assert_array_equal(index, oversample(beats.labels, seed=3))
    assert (index != oversample(beats.labels, seed=4)).any()
    assert beats[index].counts().nunique() == 1


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_a_power_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="power must lie between 0 and 1"):
        class_weights(LABELS, power=wrong)


@pytest.mark.parametrize("wrong", [-0.1, 1.0])
def test_a_beta_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="beta must be"):
        effective_weights(LABELS, beta=wrong)


@pytest.mark.parametrize("function", [class_weights, effective_weights, oversample])
def test_no_labels_are_refused(function):
    with pytest.raises(ValueError, match="there are no labels"):
        function([])
