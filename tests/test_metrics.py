"""Class reports and scores."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from ecg_lessons.metrics import class_report, scores

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, 500)
PREDICTED = np.where(RNG.random(500) < 0.7, LABELS, RNG.integers(0, 5, 500))


def test_the_report_is_scikit_learns_under_the_fields_names():
    report = class_report(LABELS, PREDICTED)
    np.testing.assert_allclose(report["sensitivity"], recall_score(LABELS, PREDICTED, average=None))
    np.testing.assert_allclose(
        report["positive predictivity"], precision_score(LABELS, PREDICTED, average=None)
    )
    np.testing.assert_allclose(report["F1"], f1_score(LABELS, PREDICTED, average=None))
    assert list(report["beats"]) == np.bincount(LABELS).tolist() and list(report.index) == list("NSVFQ")


def test_probabilities_stand_for_their_largest():
    probabilities = np.eye(5)[PREDICTED] * 0.6 + 0.08
    assert class_report(LABELS, probabilities).equals(class_report(LABELS, PREDICTED))
    assert scores(LABELS, probabilities) == scores(LABELS, PREDICTED)


def test_scores_are_accuracy_and_macro_f1():
    found = scores(LABELS, PREDICTED)
    assert found["accuracy"] == pytest.approx(np.mean(LABELS == PREDICTED))
    assert found["macro-F1"] == pytest.approx(f1_score(LABELS, PREDICTED, average="macro"))


def test_always_saying_n_has_a_high_accuracy_and_a_low_macro_f1():
    labels = np.repeat([0, 1, 2, 3, 4], [83, 3, 7, 1, 6])
    found = scores(labels, np.zeros_like(labels))
    assert found["accuracy"] == 0.83 and found["macro-F1"] == pytest.approx(0.181, abs=1e-3)


def test_a_class_without_beats_has_no_sensitivity_and_does_not_count():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    report = class_report(labels, predicted)
    assert report["sensitivity"].isna().tolist() == [False, False, True, True, True]
    assert scores(labels, predicted)["macro-F1"] == pytest.approx((0.8 + 2 / 3) / 2)


@pytest.mark.parametrize(
    "labels, predicted, words",
    [
        ([0, 1], [0], "do not fit together"),
        ([0, 5], [0, 1], "whole numbers in 0..4"),
        ([0, 1], [0, -1], "whole numbers in 0..4"),
        ([0, 1], [[0.5, 0.5], [0.1, 0.9]], "2 columns of probabilities for 5 classes"),
    ],
)
def test_what_does_not_fit_is_refused(labels, predicted, words):
    with pytest.raises(ValueError, match=words):
        class_report(labels, predicted)
