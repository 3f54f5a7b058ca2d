"""Checks of the reader's own work: one for each exercise of a chapter, three for the project.

Each returns a `Verdict`. A wrong answer is explained, the right one is not given away; where the answer
depends on the beats at hand it is computed from them, so that a check serves simulated beats as well.
"""

import math
import textwrap
from collections.abc import Mapping
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from ..balance import class_weights
from ..beats import AAMI, CLASSES
from ..metrics import auroc, auroc_interval, mean_by_group, mean_by_recording
from ..segment import beat_length, segment

TEST_FOLDS = ("9", "10")  # PTB-XL's authors choose on the one and test on the other
SOUND = 0.85  # AUROC per recording on the training people that the second milestone asks for


class Verdict(NamedTuple):
    """What a check found: `passed`, and a text that says what is missing."""

    passed: bool
    message: str

    def __repr__(self):
        text = f"{'Passed' if self.passed else 'Not yet'}. {self.message[:1].upper()}{self.message[1:]}"
        return textwrap.fill(text, 78)


# ---- chapter 1


def heart_rate(bpm):
    """Chapter 1, exercise 1: the median heart rate of record 100, in beats a minute."""
    if (problem := _unanswered(bpm)) is not None:
        return problem
    record, _, peaks = _marked("100")
    gap, bpm = float(np.median(np.diff(peaks))), _number(bpm)
    wrong = [
        (gap / record.fs, 0.05, "this looks like an RR interval in seconds. How many of them fit a minute?"),
        (gap, 3, "this looks like an RR interval in samples. How long does one sample last?"),
        (60 / gap, 0.02, "the interval is still in samples. How long does one sample last?"),
        (record.fs / gap, 0.05, "these are beats a second."),
    ]
    return _near(bpm, 60 * record.fs / gap, 1, wrong, "the rate that a pen recorder would show.")


def padding_feature(shares):
    """Chapter 1, exercise 2: the share of each class that the length of the row alone finds.

    `shares` holds five numbers from 0 to 1: a list or array in the order of `CLASSES`, or by class name.
    """
    from sklearn.metrics import recall_score
    from sklearn.tree import DecisionTreeClassifier

    from ..data.mitbih import fetch_mitbih

    if (problem := _unanswered(shares)) is not None:
        return problem
    shares = _by_class(shares)
    if shares.shape != (len(CLASSES),):
        return Verdict(False, f"one share a class is wanted, {len(CLASSES)} of them, not {shares.size}.")
    if not (np.isfinite(shares).all() and 0 <= shares.min() and shares.max() <= 1):
        return Verdict(False, "shares lie between 0 and 1.")
    train, test = fetch_mitbih().split(0.2, by="beat")
    length = [beat_length(part.signals)[:, None] for part in (train, test)]
    for weight in ("balanced", None):
        tree = DecisionTreeClassifier(max_depth=6, class_weight=weight, random_state=0)
        called = tree.fit(length[0], train.labels).predict(length[1])
        found = recall_score(test.labels, called, labels=range(len(CLASSES)), average=None, zero_division=0)
        if weight and np.abs(found - shares).max() < 0.15:
            return Verdict(True, "which classes does the length give away, and whose beats are they?")
    if np.abs(found - shares).max() < 0.1:
        return Verdict(False, "this tree hardly calls the rare classes. What does `class_weight` do?")
    return Verdict(
        False,
        f"the share of class {CLASSES[int(np.abs(found - shares).argmax())]} is off. Is it of the beats that "
        "*are* of the class, on the test part, with the length as the only column?",
    )


def another_cut(published, resampled):
    """Chapter 1, exercise 3: how long one beat of record 208 is in two cuts, in seconds."""
    if (problem := _unanswered(published, resampled)) is not None:
        return problem
    record, marks, peaks = _marked("208")
    i = np.searchsorted(peaks, 16 * record.fs) + 2
    cuts = {
        "published": (published, 120, segment(record.p_signal[:, 0], peaks, record.fs, marks=marks.sample)),
        "resampled": (resampled, 125, segment(record.p_signal[:, 0], peaks, record.fs, recipe="resampled")),
    }
    for name, (answer, fs, rows) in cuts.items():
        answer, n = _number(answer), int(beat_length(rows[i]))
        if abs(answer - n / fs) < 0.015:
            continue
        for right, tolerance, message in [
            (n, 0.6, "these are samples. How many of them make a second in this cut?"),
            (n / 360, 0.01, "360 Hz is the record's clock, not that of the row."),
            (n / (245 - fs), 0.012, "each cut has a clock of its own. Which is this one's?"),
            (187 / fs, 0.01, "the padding is not part of the beat."),
        ]:
            if abs(answer - right) < tolerance:
                return Verdict(False, f"{name}: {message}")
        return Verdict(False, f"{name}: another beat, perhaps. It is row `i + 2` of both.")
    return Verdict(True, "now say what each cut ends at.")


# ---- chapter 2


def four_counts(accuracy, sensitivity, predictivity, f1):
    """Chapter 2, exercise 1: the four scores, as shares or in per cent."""
    if (problem := _unanswered(accuracy, sensitivity, predictivity, f1)) is not None:
        return problem
    given = [_number(v) for v in (accuracy, sensitivity, predictivity, f1)]
    given = [v / 100 if v > 1 else v for v in given]
    found, called, are, beats = 90, 150, 100, 10_000
    right = [(beats - (are - found) - (called - found)) / beats, found / are, found / called,
             2 * found / (called + are)]  # fmt: skip
    if abs(given[1] - right[2]) < 0.006 and abs(given[2] - right[1]) < 0.006:
        return Verdict(False, "sensitivity and positive predictivity have changed places.")
    hints = {
        "accuracy": "how many of all beats are called wrongly? Misses and false alarms both count.",
        "sensitivity": "of the beats that *are* V, how many were called V?",
        "positive predictivity": "of the beats that were *called* V, how many are V?",
        "F1": "it is not the plain mean of the two, but a harmonic one.",
    }
    for (name, hint), mine, truth in zip(hints.items(), given, right):
        if not abs(mine - truth) < 0.006:
            return Verdict(False, f"{name}: {hint}")
    return Verdict(True, "a high accuracy, and two of five alarms are false.")


def even_to_balanced(even, balanced):
    """Chapter 2, exercise 2: the beta with which all weights are 1, and one that gives the balanced ones."""
    if (problem := _unanswered(even, balanced)) is not None:
        return problem
    even, balanced = _number(even), _number(balanced)
    if not (0 <= even <= 1 and 0 <= balanced <= 1):
        return Verdict(False, "beta lies between 0 and 1. (The horizontal axis may show 1 - beta.)")
    if even > balanced:
        return Verdict(False, "the other way round. With which beta does one beat say it all?")
    if even > 1e-9:
        return Verdict(False, "with this beta the weights are not yet all 1. Put it into the formula.")
    if balanced == 1:
        return Verdict(False, "at 1 itself the formula divides nothing by nothing. How near is near enough?")
    if balanced < 0.9999:
        return Verdict(
            False, "with this beta the largest class still counts more than it should. Draw further."
        )
    return Verdict(True, "one formula for both ends, and all that lies between.")


def same_slide(before, after, labels):
    """Chapter 2, exercise 3: probabilities before and after they are multiplied by the balanced weights.

    Parameters
    ----------
    before, after : float arrays (n, 5)
        `after` may be scaled row by row, so that it adds up to 1 again.
    labels : int array
        Of the beats that the weights come from.
    """
    if (problem := _unanswered(before, after)) is not None:
        return problem
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 2:
        return Verdict(False, f"both must have a row a beat and a column a class; {after.shape} is not that.")
    weights = np.array([class_weights(labels).get(y, 1.0) for y in range(before.shape[1])])
    if np.allclose(before, after):
        return Verdict(False, "nothing was multiplied.")
    kinds = {
        "": weights,
        "these are the softened weights.": class_weights(labels, power=0.5),
        "you have divided by the weights.": 1 / weights,
    }
    for message, factor in kinds.items():
        if isinstance(factor, dict):
            factor = np.array([factor.get(y, 1.0) for y in range(before.shape[1])])
        if np.allclose(_rows_to_one(before * factor), _rows_to_one(after), atol=1e-4):
            done = "the order of the classes has changed, and nothing was trained."
            return Verdict(False, message) if message else Verdict(True, done)
    return Verdict(False, "each column must be multiplied by the weight of its own class.")


# ---- chapter 3


def count_weights(conv1, conv2, output):
    """Chapter 3, exercise 1: the weights of three layers of the chapter's network."""
    if (problem := _unanswered(conv1, conv2, output)) is not None:
        return problem
    layers = {  # (answer, right, {a likely wrong one: what to ask})
        "conv1": (conv1, 11 * 32, {11 * 32 + 32: "bias", 11 * 187 * 32: "slide", 11: "filters"}),
        "conv2": (conv2, 5 * 32 * 64, {5 * 32 * 64 + 64: "bias", 5 * 64: "below", 5 * 32: "filters"}),
        "output": (output, 64 * 5 + 5, {64 * 5: "no bias", 5: "inputs"}),
    }
    hints = {
        "bias": "`use_bias=False` stands in its line: the normalization behind it shifts anyway.",
        "no bias": "this layer has a bias: one number more for each class.",
        "slide": "the same filter slides over the whole beat. How often must its numbers be stored?",
        "filters": "that is a single filter.",
        "below": "a filter of this layer looks at all channels below, not at one.",
        "inputs": "each class adds up all numbers of the layer below.",
    }
    for name, (answer, right, likely) in layers.items():
        answer = _number(answer)
        if answer != right:
            hint = hints[likely[answer]] if answer in likely else "kernel x channels below x filters."
            return Verdict(False, f"{name}: {hint}")
    return Verdict(True, "as the table of layers says.")


def see_further(changed, small):
    """Chapter 3, exercise 2: one number of `small` changed, so that a step sees 60 samples or more.

    Parameters
    ----------
    changed, small : dict
        Sizes of `cnn_lstm`; `small` as the chapter has it.
    """
    if (problem := _unanswered(changed)) is not None:
        return problem
    if not isinstance(changed, Mapping) or set(changed) != set(small):
        return Verdict(False, "the answer is `SMALL` with one number changed: `SMALL | {...}`.")
    pairs = [(a, b) for name in small for a, b in zip(*(np.ravel(d[name]) for d in (changed, small)))]
    differ = sum(a != b for a, b in pairs)
    if differ != 1:
        return Verdict(False, f"{differ} numbers differ from `SMALL`; exactly one may.")

    def field(sizes):
        (first, second), step = sizes["kernels"], sizes["strides"]
        return first + (second - 1) * step + (sizes["pool"] - 1) * step

    if field(changed) < 60:
        return Verdict(
            False,
            f"a step sees {field(changed)} samples now. By how much does a kernel widen the field, and how "
            "long is a step below it?",
        )
    steps = math.ceil(187 / changed["strides"]) // changed["pool"]  # more than before they cannot be
    return Verdict(True, f"a step sees {field(changed)} samples, and the LSTM reads {steps} steps.")


def turned_around(signals, turned):
    """Chapter 3, exercise 3: each beat in reverse, the padding kept at the end; both arrays (n, 187)."""
    if (problem := _unanswered(turned)) is not None:
        return problem
    signals, turned = np.asarray(signals), np.squeeze(np.asarray(turned))
    if signals.shape != turned.shape:
        return Verdict(False, f"{turned.shape} is not the shape of the beats, {signals.shape}.")
    if np.array_equal(signals, turned):
        return Verdict(False, "these are the beats as they were.")
    if np.array_equal(turned, signals[::-1]):
        return Verdict(False, "the order of the *beats* is reversed, not that of their samples.")
    if np.array_equal(turned, signals[:, ::-1]):
        return Verdict(False, "the padding stands in front now. Where does each beat end?")
    for signal, mine, end in zip(signals, turned, np.minimum(beat_length(signals), signals.shape[1])):
        if not np.array_equal(mine[:end], signal[:end][::-1]) or mine[end:].any():
            return Verdict(
                False, "some beats are not reversed from their own end on, or not padded with zeros."
            )
    return Verdict(True, "all samples are there, in another order.")


# ---- chapter 4


def patience_by_hand(stops_after, restores):
    """Chapter 4, exercise 1: after which epoch early stopping stops, and which one's weights it restores."""
    if (problem := _unanswered(stops_after, restores)) is not None:
        return problem
    stops_after, restores = _number(stops_after), _number(restores)
    if (stops_after, restores) == (7, 4):
        return Verdict(False, "count from 1, as the exercise does: the first epoch is epoch 1.")
    if restores == 10 or restores == 9:
        return Verdict(False, "the lowest loss of all comes later. Does training live to see it?")
    if restores == 3:
        return Verdict(False, "a later epoch was better, and it came in time.")
    if restores != 5:
        return Verdict(False, "the weights restored are those of the best epoch *so far*.")
    if stops_after == 7:
        return Verdict(False, "the best epoch itself does not use up patience.")
    if stops_after != 8:
        return Verdict(False, "count the epochs since the best one that brought nothing better.")
    return Verdict(True, "and the best losses, of epochs 9 and 10, are never seen. Patience is a bet.")


def budget(callback_class):
    """Chapter 4, exercise 2: a callback class that takes a number of seconds, tried on a model that waits."""
    if (problem := _unanswered(callback_class)) is not None:
        return problem
    if not isinstance(callback_class, type):
        return Verdict(False, "hand over the class itself, not a callback made from it.")

    try:
        callback_class(3)
    except Exception as error:  # whatever the reader's class does
        return Verdict(False, f"`Budget(3)` must make a callback; it says {type(error).__name__}: {error}")

    def stopped(seconds):
        callback, model = callback_class(seconds), SimpleNamespace(stop_training=False)
        callback.set_model(model)
        callback.on_train_begin({})
        for epoch in range(2):
            callback.on_epoch_begin(epoch, {})
            callback.on_train_batch_end(0, {})
            callback.on_epoch_end(epoch, {})
        return model.stop_training

    try:
        if stopped(3600):
            return Verdict(False, "with an hour to go it stops at once. What is compared with what?")
        if not stopped(-1):
            return Verdict(
                False,
                "when the time is over nothing happens. Which method does Keras call, and what must it set?",
            )
    except Exception as error:
        return Verdict(False, f"Keras would have stopped with {type(error).__name__}: {error}")
    return Verdict(True, "it stops when the time is over, and not before.")


def range_test(rates, losses):
    """Chapter 4, exercise 3: the learning rate and the loss of each batch of the test."""
    if (problem := _unanswered(rates, losses)) is not None:
        return problem
    rates, losses = (np.asarray(a, dtype=np.float64).ravel() for a in (rates, losses))
    if len(rates) != len(losses):
        return Verdict(False, f"{len(rates)} rates and {len(losses)} losses: one of each for every batch.")
    if len(rates) < 20:
        return Verdict(False, "too few points. One for each batch, not for each epoch.")
    if not (rates > 0).all():
        return Verdict(False, "a learning rate is above zero.")
    growth = np.diff(np.log(rates))
    if growth.mean() <= 0:
        return Verdict(False, "the rate must grow.")
    if growth.std() > 0.1 * growth.mean():
        return Verdict(False, "the rate must grow by the same *factor* at each batch.")
    if rates[0] > 1e-4 or rates[-1] < 0.3:
        return Verdict(
            False, "the range is too small: it should begin where nothing happens and end where all breaks."
        )
    last = losses[-len(losses) // 10 :]
    if np.isfinite(last).all() and last.max() < 1.5 * losses.min():
        return Verdict(
            False, "the loss never rises. Is it that of each batch, or a mean that smooths it away?"
        )
    return Verdict(True, "read off where it falls fastest, and stay well below where it breaks.")


# ---- chapter 5


def interval_by_hand(low, high):
    """Chapter 5, exercise 1: the middle 95 % of the sensitivities of a thousand draws."""
    if (problem := _unanswered(low, high)) is not None:
        return problem
    low, high = _number(low), _number(high)
    if low > high:
        return Verdict(False, "the lower end comes first.")
    if high > 1:
        return Verdict(False, "a sensitivity is a share; it cannot be above 1.")
    if high - low < 0.1:
        return Verdict(
            False,
            "too narrow. Were 20 beats drawn each time, and put back? And are the ends those of the draws?",
        )
    if abs(low - 0.5) > 0.051 or abs(high - 0.9) > 0.051:
        return Verdict(
            False, "not the middle 95 %. What share of the draws lies below, and what share above?"
        )
    return Verdict(True, "20 beats say that little.")


def find_leak(people, for_test, beats):
    """Chapter 5, exercise 2: who is on both sides when the records `for_test` are the test.

    `people` is the answer: the name of a person, or of a record of that person, or several of them.
    """
    if (problem := _unanswered(people)) is not None:
        return problem
    records, patients = beats.records.astype(str), beats.patients.astype(str)
    inside = np.isin(records, for_test)
    shared = set(patients[inside]) & set(patients[~inside])
    theirs = set(records[np.isin(patients, list(shared))])
    answer = {str(name) for name in ([people] if isinstance(people, (str, int)) else people)}
    if not answer:
        return Verdict(False, "somebody is on both sides. Does `beats` know more of a beat than its record?")
    if not answer <= shared | theirs:
        return Verdict(False, f"{sorted(answer - shared - theirs)[0]} is on one side only.")
    missing = [who for who in shared if not answer & ({who} | set(records[patients == who]))]
    if missing:
        return Verdict(False, f"right, but there is more: {len(missing)} more on both sides.")
    return Verdict(True, "two records, one heart.")


def screening(cut, not_n, labels):
    """Chapter 5, exercise 3: a threshold with 20 false alarms per 1000 N beats of the validation.

    Parameters
    ----------
    cut : float
    not_n : float array (n,)
        1 minus the probability of N, of the validation beats.
    labels : int array (n,)
    """
    if (problem := _unanswered(cut)) is not None:
        return problem
    cut, not_n, normal = _number(cut), np.asarray(not_n), np.asarray(labels) == 0
    if not 0 <= cut <= 1:
        return Verdict(False, "the threshold is a probability.")
    rate = 1000 * (not_n[normal] >= cut).mean()
    if 17 <= rate <= 23:
        return Verdict(True, f"{rate:.0f} false alarms per 1000 N beats of the validation.")
    if abs(1000 * (not_n >= cut).mean() - 20) < 3:
        return Verdict(False, "here 20 in 1000 of *all* beats raise an alarm. The clinic counts N beats.")
    if abs(1000 * (1 - not_n[normal] >= cut).mean() - 20) < 3:
        return Verdict(False, "this is a threshold on the probability of N itself.")
    if abs(rate - 200) < 20:
        return Verdict(False, "20 in 1000, not 20 in 100.")
    return Verdict(False, f"with it {rate:.0f} of 1000 N beats of the validation raise an alarm.")


# ---- chapter 6


def freeze_more(model):
    """Chapter 6, exercise 1: a network in which the last layer alone learns."""
    if (problem := _unanswered(model)) is not None:
        return problem
    if not hasattr(model, "layers"):
        return Verdict(False, "hand over the network.")
    learning = [layer.name for layer in model.layers if layer.trainable_weights]
    if not learning:
        return Verdict(False, "nothing learns any more. The last layer has to.")
    if extra := [name for name in learning if name != model.layers[-1].name]:
        return Verdict(False, f"{', '.join(extra)} can still learn.")
    n = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return Verdict(True, f"{n} weights learn. Compile before you train.")


def another_verdict(beats_of, areas):
    """Chapter 6, exercise 2: the AUROC by person of three verdicts.

    Parameters
    ----------
    beats_of : DataFrame
        A row a beat: `who`, `p` (the probability) and `y` (the label).
    areas : dict
        AUROC by the name of the verdict: "mean", "largest" and "share".
    """
    if (problem := _unanswered(areas)) is not None:
        return problem
    each = beats_of.groupby("who")
    labels = each["y"].first()
    verdicts = {"mean": each["p"].mean(), "largest": each["p"].max(),
                "share": each["p"].agg(lambda p: (p > 0.5).mean())}  # fmt: skip
    if not isinstance(areas, Mapping) or not set(verdicts) <= set(areas):
        return Verdict(False, f"three numbers by name are wanted: {', '.join(verdicts)}.")
    by_beat = auroc(beats_of["y"], beats_of["p"])
    for name, verdict in verdicts.items():
        if abs(_number(areas[name]) - auroc(labels, verdict)) > 0.006:
            hint = "One verdict for each person?"
            if abs(_number(areas[name]) - by_beat) < 0.006:
                hint = "That is the one by beat."
            elif abs(_number(areas[name]) - auroc(labels, verdict > 0.5)) < 0.006:
                hint = "AUROC needs no line; give it the numbers, not the calls."
            return Verdict(False, f"{name}: not the AUROC of this verdict. {hint}")
    return Verdict(True, "they differ less than their intervals are wide.")


def narrower_question(beats, probabilities, area, low, high):
    """Chapter 6, exercise 3: infarction or healthy, with an interval by person.

    Parameters
    ----------
    beats : Beats
        From ``fetch_ptbdb(abnormal="mi")``.
    probabilities : float array (n,)
        Of each beat.
    area, low, high : float
        AUROC by person and the ends of its 95 % interval.
    """
    if (problem := _unanswered(probabilities, area, low, high)) is not None:
        return problem
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if (problem := _malformed(beats, probabilities)) is not None:
        return problem
    people = mean_by_group(beats.labels, probabilities, beats.patients)
    given = (_number(area), _number(low), _number(high))
    return _judged_interval(beats, probabilities, people, given, "people") or Verdict(
        True, f"{int(people[0].sum())} of {len(people[0])} people have an infarction. What can that show?"
    )


# ---- the project


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


def project_development(train, probabilities):
    """Milestone 2: is there something on the training people that is worth a test?

    Parameters
    ----------
    train : Beats
    probabilities : float array (n,)
        For each beat of `train`, the probability that its recording is abnormal, from a model that was
        not trained on its person.

    Returns
    -------
    Verdict
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if (problem := _malformed(train, probabilities)) is not None:
        return problem
    area = _area(train, probabilities)
    if area < 0.5:
        return Verdict(False, f"an AUROC of {area:.2f} is worse than a coin. Which column did you take?")
    if area < SOUND:
        return Verdict(
            False,
            f"the AUROC per recording is {area:.3f}; the brief asks for {SOUND}. Does a plain regression on "
            "the samples do better? Is anything scaled, or regularized, that should be?",
        )
    if area > 0.97:
        return Verdict(
            False,
            f"an AUROC of {area:.3f} is beyond what anybody has reported from one lead. Has each model seen "
            "the people that it answers for?",
        )
    return Verdict(True, f"AUROC per recording on the training people: {area:.3f}.")


def project_report(test, probabilities, report):
    """Milestone 3: does the report say what was found, and how sure that is?

    Parameters
    ----------
    test : Beats
    probabilities : float array (n,)
        For each beat of `test`, the probability that its recording is abnormal.
    report : dict
        With "AUROC", "low", "high" (its 95 % interval by patient), "recordings" and "patients".

    Returns
    -------
    Verdict
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if (problem := _malformed(test, probabilities)) is not None:
        return problem
    wanted = ("AUROC", "low", "high", "recordings", "patients")
    if missing := [name for name in wanted if name not in report]:
        return Verdict(False, f"the report does not say {missing[0]!r}.")
    for name, people in (("recordings", test.records), ("patients", test.patients)):
        if report[name] != len(set(people)):
            return Verdict(False, f"{report[name]} {name}: count those of the test again.")
    ends = [_number(report[name]) for name in ("AUROC", "low", "high")]
    if (
        problem := _judged_interval(
            test, probabilities, mean_by_recording(test, probabilities), ends, "recordings"
        )
    ) is not None:
        return problem
    return Verdict(True, "AUROC {:.2f} ({:.2f} to {:.2f}), {} patients.".format(*ends, report["patients"]))


def _judged_interval(beats, probabilities, verdicts, given, unit):
    """A Verdict if the AUROC or its interval is not that of the verdicts, else None."""
    area, low, high = given
    right = auroc_interval(*verdicts)
    if not abs(area - right.value) <= 0.006:
        by_beat = abs(area - auroc(beats.labels, probabilities)) < 0.006
        hint = "That is the one by beat. What is diagnosed?" if by_beat else "From which probabilities is it?"
        return Verdict(False, f"the AUROC is not that of the {unit}. {hint}")
    if not low <= area <= high:
        return Verdict(False, "the interval does not hold the AUROC.")
    width, wanted = high - low, right.high - right.low  # none at all where no draw differs
    if width < 0.7 * wanted:
        return Verdict(
            False, "the interval is too narrow for so few people. What was drawn again, beats or people?"
        )
    if width > 1.4 * wanted + 0.006:
        return Verdict(False, "the interval is wider than 95 % asks for.")
    return None


def _malformed(beats, probabilities):
    """A Verdict if these are not probabilities of these beats, else None."""
    if probabilities.shape != (len(beats),):
        return Verdict(False, f"one number a beat is wanted, ({len(beats)},), not {probabilities.shape}.")
    if not np.isfinite(probabilities).all() or probabilities.min() < 0 or probabilities.max() > 1:
        return Verdict(False, "these are no probabilities: some are NaN, below 0 or above 1.")
    if np.ptp(probabilities) == 0:
        return Verdict(False, "every beat has the same probability. Did anything learn?")
    return None


def _area(beats, probabilities):
    return auroc(*mean_by_recording(beats, probabilities)[:2])


def _marked(name):
    """A record of MIT-BIH, its marks, and the sample numbers of its beats."""
    from ..data.mitbih import fetch_record

    record, marks = fetch_record(name)
    return (
        record,
        marks,
        marks.sample[np.isin(marks.symbol, [s for of_class in AAMI.values() for s in of_class])],
    )


def _unanswered(*answers):
    """A Verdict if one of them is still None, else None."""
    if any(answer is None for answer in answers):
        return Verdict(False, "put your answer in the place of None.")
    return None


def _number(value):
    """What the reader gave as a float: a number, an array of one, or a text such as "0.7" or "70 %"."""
    try:
        if isinstance(value, str):
            value = value.replace(",", ".").strip()
            return float(value[:-1]) / 100 if value.endswith("%") else float(value)
        return float(np.asarray(value).item())
    except (TypeError, ValueError):
        return math.nan


def _near(answer, right, tolerance, likely, praise):
    """Right within the tolerance, or the hint of the likely wrong answer that this is."""
    if abs(answer - right) <= tolerance:
        return Verdict(True, praise)
    if math.isnan(answer):
        return Verdict(False, "one number is wanted.")
    hints = [message for value, within, message in likely if abs(answer - value) <= within]
    return Verdict(False, hints[0] if hints else "too low." if answer < right else "too high.")


def _by_class(values):
    if hasattr(values, "to_dict"):
        values = values.to_dict()
    if isinstance(values, Mapping):
        values = [values.get(name, values.get(y, np.nan)) for y, name in enumerate(CLASSES)]
    return np.asarray(values, dtype=np.float64)


def _rows_to_one(array):
    return array / array.sum(axis=1, keepdims=True)
