"""Class by class, intervals, calibration, EC57: against scikit-learn, slow loops and by hand."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score, roc_auc_score

from ecg_lessons.data.simulate import make_patients
from ecg_lessons.metrics import (
    apply_temperature,
    auroc,
    auroc_interval,
    bootstrap_interval,
    brier_score,
    classification_table,
    compute_scores,
    ec57_table,
    expected_calibration_error,
    mean_by_group,
    mean_by_recording,
    reliability_table,
    temperature_scale,
)

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, 500)
PREDICTED = np.where(RNG.random(500) < 0.7, LABELS, RNG.integers(0, 5, 500))


def test_the_report_is_scikit_learns_under_the_fields_names():
    report = classification_table(LABELS, PREDICTED)
    np.testing.assert_allclose(report["sensitivity"], recall_score(LABELS, PREDICTED, average=None))
    np.testing.assert_allclose(
        report["positive predictivity"], precision_score(LABELS, PREDICTED, average=None)
    )
    np.testing.assert_allclose(report["F1"], f1_score(LABELS, PREDICTED, average=None))
    assert list(report["beats"]) == np.bincount(LABELS).tolist() and list(report.index) == list("NSVFQ")


def test_probabilities_stand_for_their_largest():
    probabilities = np.eye(5)[PREDICTED] * 0.6 + 0.08
    assert classification_table(LABELS, probabilities).equals(classification_table(LABELS, PREDICTED))
    assert compute_scores(LABELS, probabilities) == compute_scores(LABELS, PREDICTED)


def test_scores_are_accuracy_and_macro_f1():
    found = compute_scores(LABELS, PREDICTED)
    assert found["accuracy"] == pytest.approx(np.mean(LABELS == PREDICTED))
    assert found["macro-F1"] == pytest.approx(f1_score(LABELS, PREDICTED, average="macro"))


def test_always_saying_n_has_a_high_accuracy_and_a_low_macro_f1():
    labels = np.repeat([0, 1, 2, 3, 4], [83, 3, 7, 1, 6])
    found = compute_scores(labels, np.zeros_like(labels))
    assert found["accuracy"] == 0.83 and found["macro-F1"] == pytest.approx(0.181, abs=1e-3)


def test_a_class_without_beats_has_no_sensitivity_and_does_not_count():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    report = classification_table(labels, predicted)
    assert report["sensitivity"].isna().tolist() == [False, False, True, True, True]
    assert compute_scores(labels, predicted)["macro-F1"] == pytest.approx((0.8 + 2 / 3) / 2)


@pytest.mark.parametrize(
    "labels, predicted, words",
    [
        ([0, 1], [0], "do not fit together"),
        ([0, 5], [0, 1], "whole numbers in 0..4"),
        ([0, 1], [0, -1], "whole numbers in 0..4"),
        ([0, 1], [[0.5, 0.5], [0.1, 0.9]], "2 columns of probabilities for 5 classes"),
        ([0], [[np.nan, 0, 0, 0, 1]], "hold NaN: did the training diverge"),
    ],
)
def test_what_does_not_fit_is_refused(labels, predicted, words):
    with pytest.raises(ValueError, match=words):
        classification_table(labels, predicted)


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(PAIRS)
def test_every_named_metric_is_scikit_learns(pairs):
    labels, predicted = np.array(pairs).T
    there = np.unique(labels)
    theirs = {
        "accuracy": accuracy_score(labels, predicted),
        "macro-F1": f1_score(labels, predicted, labels=there, average="macro", zero_division=0),
        "sensitivity": recall_score(labels, predicted, labels=there, average=None, zero_division=0),
        "F1": f1_score(labels, predicted, labels=there, average=None, zero_division=0),
    }
    for name, value in theirs.items():
        ours = bootstrap_interval(name, labels, predicted, n=2).value
        np.testing.assert_allclose(ours[there] if np.ndim(ours) else ours, value, atol=1e-12)
    everywhere = precision_score(labels, predicted, labels=range(5), average=None, zero_division=0)
    ours = bootstrap_interval("positive predictivity", labels, predicted, n=2).value
    np.testing.assert_allclose(ours, everywhere, atol=1e-12)
    assert compute_scores(labels, predicted)["macro-F1"] == pytest.approx(theirs["macro-F1"])


def test_macro_f1_may_leave_a_class_out():
    table = classification_table(LABELS, PREDICTED)
    found = compute_scores(LABELS, PREDICTED, over="NSVF")["macro-F1"]
    assert found == pytest.approx(table["F1"].iloc[:4].mean())
    with pytest.raises(ValueError, match="over names X, which is none of N, S, V, F, Q"):
        compute_scores(LABELS, PREDICTED, over="NX")


# ---- intervals

OWNERS = np.array([f"p{i}" for i in RNG.integers(0, 12, 500)])


def slowly(metric, labels, predicted, groups, n, seed):
    """The bootstrap, resample by resample."""
    rng = np.random.default_rng(seed)
    names, drawn = np.unique(groups), []
    for _ in range(n):
        if groups is None:
            i = rng.integers(len(labels), size=len(labels))
        else:
            i = np.concatenate([np.flatnonzero(groups == g) for g in rng.choice(names, len(names))])
        drawn.append(metric(labels[i], predicted[i]))
    return np.quantile(drawn, [0.025, 0.975])


def macro(labels, predicted):
    """Macro-F1 of the classes that occur, as scikit-learn has it, in a tenth of the time."""
    cells = np.bincount(5 * labels + predicted, minlength=25).reshape(5, 5)
    support = cells.sum(0) + cells.sum(1)
    return (2 * np.diag(cells)[support > 0] / support[support > 0]).mean()


@pytest.mark.parametrize("groups", [None, OWNERS], ids=["by beat", "by patient"])
def test_an_interval_is_that_of_a_slow_loop(groups):
    """The two draw differently, so they agree up to the noise of 4 000 resamples."""
    quick = bootstrap_interval("macro-F1", LABELS, PREDICTED, groups, n=4000)
    low, high = slowly(macro, LABELS, PREDICTED, groups, n=4000, seed=1)
    width = high - low
    assert quick.value == pytest.approx(macro(LABELS, PREDICTED))
    assert quick.value == pytest.approx(f1_score(LABELS, PREDICTED, average="macro"))
    assert abs(quick.low - low) < 0.06 * width and abs(quick.high - high) < 0.06 * width


def test_an_interval_repeats_with_its_seed_and_widens_with_its_level():
    one, again, other, wide = (
        bootstrap_interval("F1", LABELS, PREDICTED, OWNERS, seed=seed, level=level)
        for seed, level in [(0, 0.95), (0, 0.95), (1, 0.95), (0, 0.99)]
    )
    assert np.array_equal(one.low, again.low) and not np.array_equal(one.low, other.low)
    assert (wide.low <= one.low).all() and (wide.high >= one.high).all()
    assert type(bootstrap_interval("accuracy", LABELS, PREDICTED).value) is float
    assert one.low.shape == (5,) and (one.low <= one.value).all() and (one.value <= one.high).all()


def test_beats_of_one_patient_that_stand_and_fall_together_widen_the_interval():
    groups = np.repeat(np.arange(20), 100)
    labels = np.zeros(2000, dtype=int)
    predicted = np.where(groups < 15, 0, 1)  # right in 15 patients, wrong in five
    by_beat = bootstrap_interval("accuracy", labels, predicted)
    by_patient = bootstrap_interval("accuracy", labels, predicted, groups)
    assert by_beat.value == by_patient.value == 0.75
    # the standard errors differ by the square root of 100
    assert 8 < (by_patient.high - by_patient.low) / (by_beat.high - by_beat.low) < 12


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, inside = np.random.default_rng(3), 0
    for trial in range(300):
        wrong = (rng.random(400) < 0.2).astype(int)
        found = bootstrap_interval("accuracy", np.zeros(400, dtype=int), wrong, n=400, seed=trial)
        inside += found.low <= 0.8 <= found.high
    assert 0.90 <= inside / 300 <= 0.99


def test_a_thousand_resamples_of_the_test_set_take_a_moment():
    labels = RNG.integers(0, 5, 22_000)
    start = time.perf_counter()
    bootstrap_interval("macro-F1", labels, labels, n=1000)
    bootstrap_interval("macro-F1", labels, labels, groups=RNG.integers(0, 47, 22_000), n=1000)
    assert time.perf_counter() - start < 5


def test_a_class_that_is_absent_has_no_interval():
    found = bootstrap_interval("sensitivity", np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), n=50)
    assert np.isnan(found.low).tolist() == [False, False, True, True, True]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"metric": "kappa"}, "metric must be one of accuracy, macro-F1"),
        ({"groups": OWNERS[:-1]}, "groups must have shape"),
        ({"groups": np.append(OWNERS[:-1], [None])}, "1 beats have none of the groups"),
        ({"n": 0}, "n must be at least 1"),
        ({"level": 1.0}, "level between 0 and 1"),
        ({"labels": LABELS[:0], "predicted": LABELS[:0]}, "no beat to draw from"),
    ],
)
def test_an_impossible_interval_is_refused(change, words):
    given = {"metric": "accuracy", "labels": LABELS, "predicted": PREDICTED} | change
    with pytest.raises(ValueError, match=words):
        bootstrap_interval(**given)


# ---- calibration


def rows(*sure):
    """Probabilities that give class 0 so much, and share the rest."""
    sure = np.array(sure)
    return np.c_[sure, np.repeat((1 - sure[:, None]) / 4, 4, axis=1)]


def test_the_calibration_error_worked_out_by_hand():
    """Four beats in two of ten bins: (0.8, 0.8], two right of two; (0.9, 1.0], one right of two."""
    p, labels = rows(0.75, 0.75, 0.95, 0.95), np.array([0, 0, 0, 1])
    table = reliability_table(labels, p, bins=10)
    assert table["beats"].tolist() == [2, 2] and table["accuracy"].tolist() == [1.0, 0.5]
    np.testing.assert_allclose(table["confidence"], [0.75, 0.95])
    by_hand = 2 / 4 * (1 - 0.75) + 2 / 4 * (0.95 - 0.5)
    assert expected_calibration_error(labels, p, bins=10) == pytest.approx(by_hand)


def test_a_network_that_keeps_its_word_has_no_calibration_error():
    p = rows(*[0.8] * 10)
    assert expected_calibration_error(np.array([0] * 8 + [1, 2]), p) == pytest.approx(0)


def test_certainty_falls_into_the_last_bin():
    assert reliability_table(np.array([0]), rows(1.0), bins=10).index.tolist() == [9]


def test_the_brier_score_worked_out_by_hand():
    p = np.array([[0.7, 0.3, 0, 0, 0], [0.2, 0.8, 0, 0, 0]])
    by_hand = (0.3**2 + 0.3**2 + 0.8**2 + 0.8**2) / 2
    assert brier_score(np.array([0, 0]), p) == pytest.approx(by_hand)


def test_a_temperature_undoes_what_made_the_network_too_sure():
    rng = np.random.default_rng(0)
    honest = rng.dirichlet(np.full(5, 0.5), 4000)
    labels = (honest.cumsum(1) > rng.random((4000, 1))).argmax(1)
    loud = apply_temperature(honest, 0.5)
    found = temperature_scale(labels, loud)
    assert found == pytest.approx(2, rel=0.08)
    mended = apply_temperature(loud, found)
    assert np.array_equal(mended.argmax(1), loud.argmax(1))  # no call changes
    assert log_loss(labels, mended) < log_loss(labels, loud)
    assert expected_calibration_error(labels, mended) < expected_calibration_error(labels, loud) / 3


def test_a_temperature_of_one_changes_nothing():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 20)
    np.testing.assert_allclose(apply_temperature(p, 1), p, atol=1e-9)
    with pytest.raises(ValueError, match="must be above 0"):
        apply_temperature(p, 0)


@pytest.mark.parametrize("measure", [expected_calibration_error, brier_score, temperature_scale])
@pytest.mark.parametrize(
    "p, words",
    [
        ([[0.5, 0.5, 0.5, 0, 0]], "sum to one"),
        ([[1.5, -0.5, 0, 0, 0]], "at least 0"),
        ([[np.nan, 0, 0, 0, 1]], "hold NaN"),
        ([0], "must have shape"),
        ([[0.2] * 5, [0.2] * 5], "do not fit together"),
    ],
)
def test_what_is_no_distribution_is_refused(measure, p, words):
    with pytest.raises(ValueError, match=words):
        measure(np.array([0]), p)


# ---- EC57


def test_ec57_worked_out_by_hand():
    """Two records, every rule of the standard once: what counts as a false alarm and what does not."""
    n, s, v, f, q = range(5)
    first = (
        [(v, v)] * 6 + [(v, n), (v, s), (v, f), (v, q)] + [(n, v)] * 2 + [(s, v)] + [(f, v)] * 3 + [(q, v)]
    )
    first += [(n, n)] * 17
    second = [(s, s)] * 4 + [(s, n)] + [(n, s), (v, s), (f, s)] + [(q, s)] * 2 + [(n, n)] * 6
    labels, called = np.array(first + second).T
    table = ec57_table(labels, called, np.repeat(["a", "b"], [len(first), len(second)]))
    # VEB: F and Q called V are no false alarms
    assert table.loc["a", "VEB Se"] == 6 / 10 and table.loc["a", "VEB +P"] == 6 / 9
    assert table.loc["a", "VEB FPR"] == 3 / (3 + 17)
    assert table.loc["b", "VEB Se"] == 0 and np.isnan(table.loc["b", "VEB +P"])
    # SVEB: N, V and F called S are, Q called S is not
    assert table.loc["b", "SVEB Se"] == 4 / 5 and table.loc["b", "SVEB +P"] == 4 / 7
    assert table.loc["a", "SVEB Se"] == 0  # its one S was called V
    # gross adds the beats up, average takes the mean of the records
    assert table.loc["gross", "VEB Se"] == 6 / 11 and table.loc["average", "VEB Se"] == 0.3
    assert table.loc["gross", "SVEB Se"] == 4 / 6 and table.loc["gross", "SVEB +P"] == 4 / 8
    assert table.loc["average", "VEB +P"] == 6 / 9  # of the one record where something was called V
    assert table["beats"].tolist() == [len(first), len(second), len(labels), len(labels)]


def test_ec57_wants_a_record_for_each_beat():
    with pytest.raises(ValueError, match="records must have shape"):
        ec57_table(LABELS, PREDICTED, ["100"])


def test_a_group_has_the_mean_of_its_beats_and_their_label():
    labels, groups = np.array([0, 1, 1, 0, 1]), np.array(["b", "a", "a", "b", "c"])
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.5, 0.5], [0.0, 1.0]])
    of, mean, names = mean_by_group(labels, p, groups)
    assert names.tolist() == ["a", "b", "c"] and of.tolist() == [1, 0, 1]
    np.testing.assert_allclose(mean, [[0.3, 0.7], [0.7, 0.3], [0.0, 1.0]])
    np.testing.assert_allclose(mean_by_group(labels, p[:, 1], groups)[1], mean[:, 1])


def test_a_group_with_two_labels_is_refused():
    with pytest.raises(ValueError, match="beats of a do not all have the same label"):
        mean_by_group([0, 1], [0.5, 0.5], ["a", "a"])
    with pytest.raises(ValueError, match="do not fit together"):
        mean_by_group([0, 1], [0.5], ["a", "a"])
    with pytest.raises(ValueError, match="none of the groups"):
        mean_by_group([0, 1], [0.5, 0.5], ["a", None])


def test_what_it_is_ahead_by_is_the_difference_with_an_interval():
    rng = np.random.default_rng(0)
    labels, owner = rng.integers(0, 2, 300), np.arange(300).astype(str)
    good, poor = labels + rng.normal(0, 0.7, 300), labels + rng.normal(0, 3, 300)
    both = np.stack([good, poor], axis=1)
    alone = [auroc_interval(labels, column, owner).value for column in both.T]
    ahead = auroc_interval(labels, both, owner)
    assert ahead.value == pytest.approx(alone[0] - alone[1], abs=1e-12)
    assert 0 < ahead.low < ahead.value < ahead.high


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=50))
def test_the_area_is_scikit_learns_with_ties_or_without(pairs):
    labels, numbers = np.array(pairs).T
    if len(set(labels)) == 2:
        assert auroc(labels, numbers / 10) == pytest.approx(roc_auc_score(labels, numbers), abs=1e-12)


def test_an_area_needs_both_classes():
    assert np.isnan(auroc([1, 1], [0.2, 0.3])) and auroc([0, 1], [0.2, 0.3]) == 1


def test_a_recording_has_its_owner():
    beats = make_patients(6)
    probabilities = np.random.default_rng(0).random(len(beats))
    labels, mean, patients = mean_by_recording(beats, probabilities)
    assert patients.tolist() == np.unique(beats.patients).tolist()  # one recording each
    assert mean[0] == pytest.approx(probabilities[beats.patients == patients[0]].mean())
    assert labels.tolist() == [beats.labels[beats.patients == p][0] for p in patients]
