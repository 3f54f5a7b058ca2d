"""Checks of the project's three milestones, and what they share with the exercise on diagnoses."""

import numpy as np

from ..beats import Beats
from ..metrics import auroc, auroc_interval, mean_by_recording
from .verdict import compare_number, make_check, read_number, reject

TEST_FOLDS = ("9", "10")  # PTB-XL's authors choose on the one and test on the other
SOUND = 0.85  # AUROC by recording on the training patients that the second milestone asks for


@make_check
def project_split(train: Beats, test: Beats):
    """Milestone 1 of the project: does the split of the beats of `fetch_ptbxl` answer the question?"""
    for name, part in {"train": train, "test": test}.items():
        unknown = part.patients is None or part.folds is None
        reject(unknown, f"`{name}` does not know its patients or folds: take it from fetch_ptbxl.")
        reject(len(set(part.labels)) < 2, f"`{name}` has beats of one class only.")
    n, patients = len(set(test.records.astype(str))), set(test.patients.astype(str))
    both = len(patients & set(train.patients.astype(str)))
    told = f"{both} of {len(patients)} patients in `test` are in `train` as well."
    reject(both > 0, f"{told} What would a good score on them show?")
    told = "no patient is on both sides, but the test set is not the one that the brief asks for."
    reject(set(test.folds.astype(str)) != set(TEST_FOLDS), f"{told} Read what it says about the folds.")
    return f"the test set has {n} recordings of {len(patients)} patients, and none of them is in `train`."


@make_check
def project_development(train: Beats, probabilities: np.ndarray):
    """Milestone 2: is there something on the training patients that is worth a test?

    `probabilities` (n beats,) that the recording is abnormal, from a model not trained on the beat's patient.
    """
    check_probabilities(train, probabilities)
    area = auroc(*mean_by_recording(train, probabilities)[:2])
    reject(area < 0.5, f"an AUROC of {area:.2f} is worse than a coin. Which column did you take?")
    hint = "Does a plain regression on the samples do better? Is anything to be scaled, or regularized?"
    reject(area < SOUND, f"the AUROC by recording is {area:.3f}, but the brief asks for {SOUND}. {hint}")
    told = f"an AUROC of {area:.3f} is beyond what anybody has reported from one lead."
    reject(area > 0.97, f"{told} Has each model seen the patients that it predicts?")
    return f"the AUROC by recording on the training patients is {area:.3f}."


@make_check
def project_report(test: Beats, probabilities: np.ndarray, report: dict):
    """Milestone 3: does the report say what was found, and how sure that is?

    `probabilities` (n beats,) that the recording is abnormal. `report` has "AUROC", the ends of its 95 %
    interval by patient "low" and "high", and the numbers of "recordings" and "patients".
    """
    check_probabilities(test, probabilities)
    for name in ("AUROC", "low", "high", "recordings", "patients"):
        reject(name not in report, f"the report does not say {name!r}.")
    for name, owners in {"recordings": test.records, "patients": test.patients}.items():
        wrong = report[name] != len(set(owners))
        reject(wrong, f"{report[name]} {name}: count those of the test set again.")
    interval = [read_number(report[name]) for name in ("AUROC", "low", "high")]
    check_interval(test, probabilities, mean_by_recording(test, probabilities), interval, "recordings")
    return "AUROC {:.2f} ({:.2f} to {:.2f}), {} patients.".format(*interval, report["patients"])


def check_probabilities(beats: Beats, p: np.ndarray) -> None:
    """Raise `NotYet` unless `p` holds a probability for each beat, and not the same one for all."""
    reject(p.shape != (len(beats),), f"one number for each beat is wanted, ({len(beats)},), not {p.shape}.")
    inside = ((p >= 0) & (p <= 1)).all()  # NaN is not
    reject(not inside, "these are not probabilities: some are NaN, below 0 or above 1.")
    reject(np.ptp(p) == 0, "every beat has the same probability. Did the model learn anything?")


def check_interval(beats: Beats, probabilities: np.ndarray, verdicts: tuple, given, unit: str) -> None:
    """Raise `NotYet` unless `given`, an AUROC and the ends of its interval, is that of the verdicts.

    `verdicts` as `auroc_interval` takes them; `unit` names what each is on, "patients" or "recordings".
    """
    (area, low, high), right = given, auroc_interval(*verdicts)
    wrong, by_beat = f"the AUROC is not that of the {unit}.", auroc(beats.labels, probabilities)
    likely = [(by_beat, 0.006, f"{wrong} It is the one by beat. What is diagnosed?")]
    compare_number(area, right.value, 0.006, f"{wrong} From which probabilities is it?", likely)
    reject(not low <= area <= high, "the interval does not hold the AUROC.")
    width, wanted = high - low, right.high - right.low  # none at all where no draw differs
    told = "the interval is too narrow for so few patients."
    reject(width < 0.7 * wanted, f"{told} What was drawn again, beats or patients?")
    reject(width > 1.4 * wanted + 0.006, "the interval is wider than 95 % asks for.")
