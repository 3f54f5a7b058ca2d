"""The checks accept right answers, and say of the likely wrong ones what is wrong."""

import numpy as np
import pytest

from ecg_lessons import checks
from ecg_lessons.data.simulate import make_patients
from ecg_lessons.metrics import auroc, auroc_interval, mean_by_recording


@pytest.fixture(scope="module")
def people():
    return make_patients(150, folds=10)


@pytest.fixture(scope="module")
def parts(people):
    late = np.isin(people.folds, checks.TEST_FOLDS)
    return people[~late], people[late]


def guesses(beats, noise, seed=0):
    """Probabilities that are right as far as the noise lets them; the same for all of a person's beats."""
    rng = np.random.default_rng(seed)
    of = dict(zip(np.unique(beats.patients), rng.normal(0, noise, len(set(beats.patients)))))
    return 1 / (1 + np.exp(-(2 * beats.labels - 1 + np.array([of[p] for p in beats.patients]))))


def report(test, probabilities):
    value, low, high = auroc_interval(*mean_by_recording(test, probabilities), seed=3)
    return {"AUROC": round(value, 3), "low": round(low, 2), "high": round(high, 2),
            "recordings": len(set(test.records)), "patients": len(set(test.patients))}  # fmt: skip


def refused(verdict, *words):
    assert isinstance(verdict, checks.Verdict)
    assert not verdict.passed and repr(verdict).startswith("Not yet.")
    assert all(word in verdict.message for word in words), verdict.message


def test_a_split_by_the_published_folds_passes(parts):
    verdict = checks.project_split(*parts)
    assert verdict.passed and repr(verdict).startswith(
        "Passed. The test set has 30 recordings of 30 patients"
    )


def test_other_splits_are_told_what_is_wrong_with_them(people, parts):
    train, test = parts
    refused(checks.project_split(*people.split(0.2, by="beat")), "patients in `test` are in `train` as well")
    refused(checks.project_split(*people.split(0.2, by="patient")), "not the one that the brief asks for")
    refused(checks.project_split(test, train), "not the one that the brief asks for")
    refused(checks.project_split(train, test[test.folds == "9"]), "not the one that the brief asks for")
    refused(checks.project_split(train, test[test.labels == 0]), "one class only")
    import dataclasses

    refused(checks.project_split(train, dataclasses.replace(test, folds=None)), "does not know")


def test_a_sound_development_passes(parts):
    assert checks.project_development(parts[0], guesses(parts[0], 1.2)).passed


def test_wrong_probabilities_are_told_what_is_wrong_with_them(parts):
    train, _ = parts
    good, check = guesses(train, 1.2), checks.project_development
    refused(check(train, good[:-1]), "one number for each beat")
    refused(check(train, np.stack([1 - good, good], axis=1)), "one number for each beat")
    refused(check(train, np.where(np.arange(len(good)) == 3, np.nan, good)), "NaN")
    refused(check(train, 3 * good), "not probabilities")
    refused(check(train, np.full(len(good), 0.5)), "the same probability")
    refused(check(train, 1 - good), "worse than a coin")
    refused(check(train, guesses(train, 3.0)), "the brief asks for")
    refused(check(train, guesses(train, 0.01)), "beyond what anybody has reported")


def test_a_right_report_passes(parts):
    _, test = parts
    probabilities = guesses(test, 1.2)
    verdict = checks.project_report(test, probabilities, report(test, probabilities))
    assert verdict.passed and "30 patients" in verdict.message


def test_wrong_reports_are_told_what_is_wrong_with_them(parts):
    _, test = parts
    # beats of a person differ here, so that the AUROC by beat is another one
    probabilities = np.clip(guesses(test, 1.2) + np.random.default_rng(1).normal(0, 0.2, len(test)), 0, 1)
    right, check = report(test, probabilities), checks.project_report
    assert check(test, probabilities, right).passed
    missing = {name: value for name, value in right.items() if name != "low"}
    refused(check(test, probabilities, missing), "does not say 'low'")
    refused(check(test, probabilities, right | {"recordings": len(test)}), "recordings: count")
    refused(check(test, probabilities, right | {"patients": 1}), "patients: count")
    by_beat = auroc(test.labels, probabilities)
    refused(check(test, probabilities, right | {"AUROC": by_beat}), "by beat. What is diagnosed?")
    refused(check(test, probabilities, right | {"AUROC": 0.5}), "not that of the recordings")
    narrow = {"low": right["AUROC"] - 0.01, "high": right["AUROC"] + 0.01}
    refused(check(test, probabilities, right | narrow), "too narrow", "beats or patients")
    refused(check(test, probabilities, right | {"low": 0.0, "high": 1.0}), "wider")
    refused(check(test, probabilities, right | {"low": 0.99, "high": 1.0}), "does not hold")
