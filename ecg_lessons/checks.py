"""Checks of the reader's own work. A wrong answer is explained, the right one is not given away."""

import textwrap
from typing import NamedTuple

import numpy as np

from .metrics import auroc, auroc_interval, by_recording

TEST_FOLDS = ("9", "10")  # PTB-XL's authors choose on the one and test on the other
SOUND = 0.85  # AUROC per recording on the training people that the second milestone asks for


class Verdict(NamedTuple):
    """What a check found: `passed`, and a text that says what is missing."""

    passed: bool
    message: str

    def __repr__(self):
        text = f"{'Passed' if self.passed else 'Not yet'}. {self.message[:1].upper()}{self.message[1:]}"
        return textwrap.fill(text, 78)


def project_split(train, test):
    """Milestone 1 of the project: does the split answer the question?

    Parameters
    ----------
    train, test : Beats
        From `fetch_ptbxl`.

    Returns
    -------
    Verdict
    """
    for name, part in (("train", train), ("test", test)):
        if part.patients is None or part.folds is None:
            return Verdict(False, f"`{name}` does not know its patients or folds: take it from fetch_ptbxl.")
        if len(set(part.labels)) < 2:
            return Verdict(False, f"`{name}` has beats of one class only.")
    both = set(train.patients.astype(str)) & set(test.patients.astype(str))
    if both:
        return Verdict(
            False,
            f"{len(both)} of {len(set(test.patients))} people in `test` are in `train` as well. What would a "
            "good score on them show?",
        )
    if set(test.folds.astype(str)) != set(TEST_FOLDS):
        return Verdict(
            False,
            "no person is on both sides, but the test is not the one that the brief asks for. Read what it "
            "says about the folds.",
        )
    n = len(set(test.records.astype(str)))
    return Verdict(
        True, f"{n} recordings of {len(set(test.patients))} people for the test, none of them known."
    )


def project_development(train, chances):
    """Milestone 2: is there something on the training people that is worth a test?

    Parameters
    ----------
    train : Beats
    chances : float array (n,)
        For each beat of `train`, the probability that its recording is abnormal, from a model that was
        not trained on its person.

    Returns
    -------
    Verdict
    """
    chances = np.asarray(chances, dtype=np.float64)
    if (problem := _malformed(train, chances)) is not None:
        return problem
    area = _area(train, chances)
    if area < 0.5:
        return Verdict(False, f"an AUROC of {area:.2f} is worse than a coin. Which column did you take?")
    if area < SOUND:
        return Verdict(
            False,
            f"the AUROC per recording is {area:.3f}; the brief asks for {SOUND}. Does a plain regression on "
            "the samples do better? Is anything scaled, or regularised, that should be?",
        )
    if area > 0.97:
        return Verdict(
            False,
            f"an AUROC of {area:.3f} is beyond what anybody has reported from one lead. Has each model seen "
            "the people that it answers for?",
        )
    return Verdict(True, f"AUROC per recording on the training people: {area:.3f}.")


def project_report(test, chances, report):
    """Milestone 3: does the report say what was found, and how sure that is?

    Parameters
    ----------
    test : Beats
    chances : float array (n,)
        For each beat of `test`, the probability that its recording is abnormal.
    report : dict
        With "AUROC", "low", "high" (its 95 % interval by patient), "recordings" and "patients".

    Returns
    -------
    Verdict
    """
    chances = np.asarray(chances, dtype=np.float64)
    if (problem := _malformed(test, chances)) is not None:
        return problem
    wanted = ("AUROC", "low", "high", "recordings", "patients")
    if missing := [name for name in wanted if name not in report]:
        return Verdict(False, f"the report does not say {missing[0]!r}.")
    for name, people in (("recordings", test.records), ("patients", test.patients)):
        if report[name] != len(set(people)):
            return Verdict(False, f"{report[name]} {name}: count those of the test again.")
    area = _area(test, chances)
    if abs(report["AUROC"] - area) > 0.006:
        per_beat = abs(report["AUROC"] - auroc(test.labels, chances)) < 0.006
        hint = (
            "That is the one by beat. What is diagnosed?" if per_beat else "From which probabilities is it?"
        )
        return Verdict(False, f"the AUROC is not that of the recordings. {hint}")
    _, low, high = auroc_interval(*by_recording(test, chances))
    if not report["low"] < report["AUROC"] < report["high"]:
        return Verdict(False, "the interval does not hold the AUROC.")
    width = (report["high"] - report["low"]) / (high - low)
    if width < 0.7:
        return Verdict(
            False, "the interval is too narrow for so few people. What was drawn again, beats or people?"
        )
    if width > 1.4:
        return Verdict(False, "the interval is wider than 95 % asks for.")
    return Verdict(True, f"AUROC {area:.2f} ({low:.2f} to {high:.2f}), {report['patients']} patients.")


def _malformed(beats, chances):
    """A Verdict if these are not probabilities of these beats, else None."""
    if chances.shape != (len(beats),):
        return Verdict(False, f"one number a beat is wanted, ({len(beats)},), not {chances.shape}.")
    if not np.isfinite(chances).all() or chances.min() < 0 or chances.max() > 1:
        return Verdict(False, "these are no probabilities: some are NaN, below 0 or above 1.")
    if np.ptp(chances) == 0:
        return Verdict(False, "every beat has the same probability. Did anything learn?")
    return None


def _area(beats, chances):
    return auroc(*by_recording(beats, chances)[:2])
