"""Whatever takes labels, predictions or probabilities refuses what is none, all with the same words."""

import inspect

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ecg_lessons import Beats, balance, baselines, calibration, metrics, plots
from ecg_lessons.validation import check_distributions, check_labels, check_predicted, check_scores

N = 40
LABELS = np.arange(N) % 5
TWO = LABELS % 2
P = np.random.default_rng(0).dirichlet(np.ones(5), N)
OWNERS = np.repeat(list("abcdefgh"), 5)
KNOWN = {  # function: arguments that are right
    balance.class_weights: {"labels": LABELS},
    balance.effective_weights: {"labels": LABELS},
    balance.oversample: {"labels": LABELS},
    metrics.classification_table: {"labels": LABELS, "predicted": P},
    metrics.compute_scores: {"labels": LABELS, "predicted": P},
    metrics.bootstrap_interval: {"metric": "F1", "labels": LABELS, "predicted": P, "n": 5},
    metrics.mean_by_group: {"labels": OWNERS == "a", "probabilities": P, "groups": OWNERS},
    metrics.mean_by_recording: {
        "beats": Beats(np.zeros((N, 187)), (OWNERS == "a").astype(int), records=OWNERS, patients=OWNERS),
        "probabilities": P,
    },
    metrics.auroc: {"labels": TWO, "probabilities": P[:, 1]},
    metrics.auroc_interval: {"labels": TWO, "probabilities": P[:, 1], "groups": OWNERS, "n": 5},
    metrics.reliability_table: {"labels": LABELS, "probabilities": P},
    metrics.expected_calibration_error: {"labels": LABELS, "probabilities": P},
    metrics.brier_score: {"labels": LABELS, "probabilities": P},
    metrics.temperature_scale: {"labels": LABELS, "probabilities": P},
    metrics.apply_temperature: {"probabilities": P, "temperature": 2.0},
    metrics.ec57_table: {"labels": LABELS, "predicted": P, "records": OWNERS},
    plots.plot_confusion: {"labels": LABELS, "predicted": P},
    plots.plot_pr: {"labels": LABELS, "probabilities": P},
    plots.plot_roc: {"labels": LABELS, "probabilities": P},
    plots.plot_by_patient: {"labels": LABELS, "predicted": P, "patients": OWNERS},
    baselines.predict_by_regression: {
        "arrays": P, "labels": TWO, "patients": OWNERS, "test": np.isin(OWNERS, ["a", "b"]),
        "strengths": [0.1, 1.0],
    },
}  # fmt: skip
WRONG = {  # name of the argument: what it may not be
    "labels": [
        np.eye(5)[LABELS], LABELS[:, None], LABELS - 1, LABELS + 0.5, np.where(LABELS, LABELS, np.nan),
        np.array(list("NSVFQ"))[LABELS],
    ],
    "predicted": [
        np.eye(5)[LABELS][:, :4], P[:-1], np.where(P > 0.9, np.nan, P * 0 + np.nan), LABELS[:-1], LABELS - 1,
        LABELS + 5, P[:, 0], P[None], "N",
    ],
    "probabilities": [P[:-1], P * np.nan, np.where(P > 0.5, np.inf, P), P[None], P.astype(str)],
    "probabilities of class 1": [P[:-1, 1], P, P * np.nan, P[:, 1, None, None]],
    "test": [np.arange(5), np.ones(N), np.ones(N - 1, dtype=bool)],
}  # fmt: skip


def call(function, **given):
    if function.__module__.endswith("plots"):
        given["ax"] = plt.figure().add_subplot()
    try:
        return function(**given)
    finally:
        plt.close("all")


def takers():
    """Every public function that has such an argument."""
    for module in (balance, baselines, calibration, metrics, plots):
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function):
                continue
            names = set(inspect.signature(function).parameters)
            if function.__module__ == module.__name__ and names & (WRONG.keys() - {"test"}):
                yield function


def test_every_function_that_takes_such_arrays_is_tried_here():
    assert set(takers()) == set(KNOWN)


@pytest.mark.parametrize("function", KNOWN, ids=lambda f: f.__name__)
def test_it_takes_what_is_right_and_refuses_what_is_not(function):
    call(function, **KNOWN[function])
    for name in KNOWN[function].keys() & WRONG.keys():
        if function in (metrics.auroc, metrics.auroc_interval) and name == "probabilities":
            kind = "probabilities of class 1"
        else:
            kind = name
        alone = len(KNOWN[function].keys() & WRONG.keys()) == 1  # there is nothing that it would not fit to
        for wrong in WRONG[kind][alone and name == "probabilities" :]:
            with pytest.raises(ValueError):
                call(function, **KNOWN[function] | {name: wrong})


@pytest.mark.parametrize("function", [balance.class_weights, balance.effective_weights, balance.oversample])
def test_one_hot_labels_are_told_how_to_become_plain_ones(function):
    """As chapter 4's own arrays are; of them the weights were 0.625 and 2.5, whatever the classes."""
    with pytest.raises(ValueError, match=r"not \(40, 5\). They look one-hot: take labels.argmax"):
        function(np.eye(5)[LABELS])


def test_what_is_right_comes_back_as_it_was():
    for labels in (LABELS, LABELS.tolist(), LABELS.astype(np.float32), LABELS.astype(np.uint8)):
        np.testing.assert_array_equal(check_labels(labels, 5), LABELS)
    np.testing.assert_array_equal(check_labels([True, False], 2), [1, 0])
    assert check_labels([]).shape == (0,)
    np.testing.assert_array_equal(check_predicted(LABELS, P, 5)[1], P.argmax(1))
    assert check_distributions(P.astype(np.float32), 5).sum(1) == pytest.approx(1, abs=1e-12)
    ages = np.arange(N)  # not only probabilities rise with an area under a curve
    assert check_scores(LABELS, ages) is ages
