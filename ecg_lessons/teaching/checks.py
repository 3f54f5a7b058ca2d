"""Checks of the reader's own work: one for each exercise of a chapter; `project` has those of the project.

Each gives a `Verdict`. A wrong answer is explained, and the right one is not given away; where the answer
depends on the beats at hand it is computed from them, so that a check serves simulated beats as well.
A notebook calls all of them by this module's name.
"""

import math
from types import SimpleNamespace

import numpy as np
from sklearn.metrics import recall_score
from sklearn.tree import DecisionTreeClassifier

from ..balance import class_weights
from ..beats import CLASS_OF, CLASSES, Beats
from ..data.mitbih import fetch_mitbih, fetch_record
from ..metrics import auroc, mean_by_group
from ..segment import beat_length, segment
from . import project
from .project import SOUND, TEST_FOLDS, project_development, project_report, project_split  # noqa: F401
from .verdict import NotYet, Verdict, compare_number, make_check, read_number, reject  # noqa: F401


@make_check
def heart_rate(bpm: float):
    """Chapter 1, exercise 1: the median heart rate of record 100, in beats per minute."""
    record, _, peaks = _fetch_annotated_beats("100")
    gap, fs = float(np.median(np.diff(peaks))), record.fs
    likely = [
        (gap / fs, 0.05, "this looks like an RR interval in seconds. How many of them fit into a minute?"),
        (gap, 3, "this looks like an RR interval in samples. How long does one sample last?"),
        (60 / gap, 0.02, "the interval is still in samples. How long does one sample last?"),
        (fs / gap, 0.05, "these are beats per second, not per minute."),
    ]
    compare_number(bpm, 60 * fs / gap, 1, likely=likely)
    return "this is the rate that a pen recorder would show."


@make_check
def padding_feature(shares):
    """Chapter 1, exercise 2: the share of each class that a tree finds by the length of the beat alone.

    `shares` holds five numbers from 0 to 1, in the order of `CLASSES` or by class name.
    """
    shares = dict(shares if hasattr(shares, "keys") else enumerate(np.ravel(shares)))
    reject(len(shares) != 5, f"one share for each class is wanted, so five of them, not {len(shares)}.")
    shares = np.array([shares.get(c, shares.get(y)) for y, c in enumerate(CLASSES)], dtype=np.float64)
    reject(not ((shares >= 0) & (shares <= 1)).all(), "shares lie between 0 and 1.")
    train, test = fetch_mitbih().published_folds()
    distances = []
    for weights in ("balanced", None):
        tree = DecisionTreeClassifier(max_depth=6, class_weight=weights, random_state=0)
        tree.fit(beat_length(train.signals)[:, None], train.labels)
        predicted = tree.predict(beat_length(test.signals)[:, None])
        found = recall_score(test.labels, predicted, labels=range(5), average=None, zero_division=0)
        distances.append(np.abs(shares - found))
    wrong, name = distances[0].max() >= 0.15, CLASSES[distances[0].argmax()]
    unweighted = wrong and distances[1].max() < 0.1
    reject(unweighted, "this tree hardly ever predicts the rare classes. What does `class_weight` do?")
    hint = "Is it of the beats that *are* of the class, in the test set, with the length as the only feature?"
    reject(wrong, f"the share of class {name} is off. {hint}")
    return "which classes does the length give away, and whose beats are they?"


@make_check
def another_cut(published: float, resampled: float):
    """Chapter 1, exercise 3: how long one beat of record 208 is in two cuts, in seconds."""
    record, annotations, peaks = _fetch_annotated_beats("208")
    lead, i = record.p_signal[:, 0], np.searchsorted(peaks, 16 * record.fs) + 2
    cuts = {"published": (published, 120), "resampled": (resampled, 125)}
    for name, (seconds, fs) in cuts.items():
        n = beat_length(segment(lead, peaks, record.fs, name, annotations=annotations.sample)[i])
        likely = [
            (n, 0.6, f"{name}: these are samples. How many of them make a second in this cut?"),
            (n / 360, 0.01, f"{name}: 360 Hz is the record's clock, not that of the cut."),
            (n / (245 - fs), 0.012, f"{name}: each cut has a clock of its own. Which is this one's?"),
            (187 / fs, 0.01, f"{name}: the padding does not belong to the beat."),
        ]
        compare_number(seconds, n / fs, 0.015, f"{name}: another beat, perhaps. Take beat `i + 2`.", likely)
    return "now say where each cut ends."


@make_check
def four_counts(accuracy: float, sensitivity: float, predictivity: float, f1: float):
    """Chapter 2, exercise 1: the four scores, as shares or in per cent."""
    given = (score / 100 if score > 1 else score for score in (accuracy, sensitivity, predictivity, f1))
    accuracy, sensitivity, predictivity, f1 = given
    swapped = abs(sensitivity - 0.6) < 0.006 and abs(predictivity - 0.9) < 0.006
    reject(swapped, "sensitivity and positive predictivity have changed places.")
    # 100 of 10 000 beats are V, and 150 are predicted to be V, 90 of them rightly
    compare_number(accuracy, 0.993, 0.006, "accuracy: misses and false alarms both count as errors.")
    compare_number(sensitivity, 0.9, 0.006, "sensitivity: how many beats that *are* V are predicted to be V?")
    compare_number(predictivity, 0.6, 0.006, "positive predictivity: how many beats *predicted* V are V?")
    compare_number(f1, 0.72, 0.006, "F1: it is not the plain mean of the two, but the harmonic one.")
    return "the accuracy is high, and yet two of five alarms are false."


@make_check
def even_to_balanced(even: float, balanced: float):
    """Chapter 2, exercise 2: the beta with which all weights are 1, and one with the balanced weights."""
    inside = 0 <= even <= 1 and 0 <= balanced <= 1
    reject(not inside, "beta lies between 0 and 1. The horizontal axis may show 1 - beta.")
    reject(even > balanced, "it is the other way round. With which beta does one beat say it all?")
    reject(even > 1e-9, "with this beta the weights are not yet all 1. Put it into the formula.")
    reject(balanced == 1, "at 1 itself the formula divides nothing by nothing. How near is near enough?")
    reject(balanced < 0.9999, "here the largest class still counts more than it should. Draw further.")
    return "one formula gives both ends, and all that lies between them."


@make_check
def same_slide(before: np.ndarray, after: np.ndarray, labels):
    """Chapter 2, exercise 3: probabilities (n, 5) before and after they are multiplied by balanced weights.

    The rows of `after` may have been scaled to add up to 1 again. `labels` (n beats,) are the training set's.
    """
    malformed = before.ndim != 2 or before.shape != after.shape
    reject(malformed, f"one row for each beat and one column for each class are wanted, not {after.shape}.")
    reject(np.allclose(before, after), "nothing was multiplied.")

    def is_multiplied(power, sign=1):
        weights = class_weights(labels, power)
        weights = np.array([weights.get(label, 1.0) for label in range(before.shape[1])]) ** sign
        scaled = [p / p.sum(axis=1, keepdims=True) for p in (before * weights, after)]
        return np.allclose(*scaled, atol=1e-4)

    reject(is_multiplied(power=0.5), "these are the softened weights.")
    reject(is_multiplied(power=1, sign=-1), "you have divided by the weights.")
    reject(not is_multiplied(power=1), "each column must be multiplied by the weight of its own class.")
    return "the order of the classes has changed, although nothing was trained."


@make_check
def count_weights(conv1: float, conv2: float, output: float):
    """Chapter 3, exercise 1: the weights of three layers of the chapter's network."""
    no_bias = "`use_bias=False` stands in its line, because the normalization behind it shifts anyway."
    slides = "the same filter slides over the whole beat. How often must its numbers be stored?"
    channels = "a filter of this layer looks at all channels below, not at one."
    bias = "this layer has a bias: one number more for each class."
    inputs = "each class adds up all numbers of the layer below."
    layers: dict = {  # answer, right number, likely wrong ones
        "conv1": (conv1, 352, {384: no_bias, 11 * 187 * 32: slides, 11: "that is a single filter."}),
        "conv2": (conv2, 10_240, {10_304: no_bias, 5 * 64: channels, 5 * 32: "that is a single filter."}),
        "output": (output, 325, {320: bias, 5: inputs}),
    }
    for name, (answer, right, likely) in layers.items():
        hint = likely.get(answer, "kernel x channels below x filters.")
        compare_number(answer, right, 0, f"{name}: {hint}")
    return "this is what the table of layers says."


@make_check
def see_further(changed: dict, small: dict):
    """Chapter 3, exercise 2: the sizes `small` with one number changed, so that a step sees 60 samples."""
    alike = isinstance(changed, dict) and set(changed) == set(small)
    reject(not alike, "the answer is `SMALL` with one number changed: `SMALL | {...}`.")
    differ = sum((np.ravel(changed[name]) != np.ravel(small[name])).sum() for name in small)
    reject(differ != 1, f"{differ} numbers differ from `SMALL`, but exactly one may.")
    (first, second), stride, pool = changed["kernels"], changed["strides"], changed["pool"]
    field = first + (second - 1) * stride + (pool - 1) * stride
    hint = "By how much does a kernel widen the field, and how long is a step below it?"
    reject(field < 60, f"a step sees {field} samples now. {hint}")
    return f"a step sees {field} samples, and the LSTM reads {math.ceil(187 / stride) // pool} steps."


@make_check
def turned_around(signals: np.ndarray, reversed_signals: np.ndarray):
    """Chapter 3, exercise 3: each beat in reverse, the padding kept at its end; both arrays (n, 187)."""
    mine, right = np.squeeze(reversed_signals), np.zeros_like(signals)
    for beat, signal, n in zip(right, signals, beat_length(signals)):
        beat[:n] = signal[:n][::-1]
    reject(mine.shape != right.shape, f"{mine.shape} is not the shape of the beats, {right.shape}.")
    wrong = {
        "these are the beats as they were.": signals,
        "the order of the *beats* is reversed, not that of their samples.": signals[::-1],
        "the padding stands in front now. Where does each beat end?": signals[:, ::-1],
    }
    for hint, array in wrong.items():
        reject(np.array_equal(mine, array), hint)
    reject(not np.array_equal(mine, right), "not every beat is reversed up to its end and padded with zeros.")
    return "all samples are there, in another order."


@make_check
def patience_by_hand(stops_after: float, restores: float):
    """Chapter 4, exercise 1: after which epoch early stopping stops, and which one's weights it restores."""
    reject((stops_after, restores) == (7, 4), "count from 1, as the exercise does, and not from 0.")
    reject(restores in (9, 10), "the lowest loss of all comes later. Does training live to see it?")
    reject(restores == 3, "a later epoch was better, and it came in time.")
    reject(restores != 5, "the weights that are restored are those of the best epoch *so far*.")
    reject(stops_after == 7, "the best epoch itself does not use up patience.")
    reject(stops_after != 8, "count the epochs since the best one that brought nothing better.")
    return "and the best losses, of epochs 9 and 10, are never seen. Patience is a bet."


@make_check
def budget(callback_class: type):
    """Chapter 4, exercise 2: a callback class that takes a number of seconds, tried on a model that waits."""
    reject(not isinstance(callback_class, type), "hand over the class itself, not a callback made from it.")

    def is_stopped(seconds):
        callback, model = callback_class(seconds), SimpleNamespace(stop_training=False)
        callback.set_model(model)
        callback.on_train_begin({})
        for epoch in range(2):
            callback.on_epoch_begin(epoch, {})
            callback.on_train_batch_end(0, {})
            callback.on_epoch_end(epoch, {})
        return model.stop_training

    try:  # the reader's class may raise whatever it likes
        complaint = "`Budget(3)` must make a callback, but it says"
        callback_class(3)
        complaint = "Keras would have stopped with"
        early, late = is_stopped(3600), is_stopped(-1)
    except Exception as error:
        raise NotYet(f"{complaint} {type(error).__name__}: {error}") from error
    reject(early, "with an hour to go it stops at once. What is compared with what?")
    reject(not late, "it goes on when the time is over. Which method does Keras call, and what must it set?")
    return "it stops when the time is over, and not before."


@make_check
def range_test(rates: np.ndarray, losses: np.ndarray):
    """Chapter 4, exercise 3: the learning rate and the loss of each batch of the range test."""
    rates, losses, n = rates.ravel(), losses.ravel(), rates.size
    reject(n != losses.size, f"{n} rates and {losses.size} losses: one of each is wanted for every batch.")
    reject(n < 20, "these are too few points. Take one for each batch, not for each epoch.")
    reject(not (rates > 0).all(), "a learning rate is above zero.")
    growth = np.diff(np.log(rates))
    reject(growth.mean() <= 0, "the rate must grow.")
    reject(growth.std() > 0.1 * growth.mean(), "the rate must grow by the same *factor* at each batch.")
    hint = "It should begin where nothing happens and end where everything breaks."
    reject(rates[0] > 1e-4 or rates[-1] < 0.3, f"the range is too small. {hint}")
    last = losses[-n // 10 :]
    flat = np.isfinite(last).all() and last.max() < 1.5 * losses.min()
    reject(flat, "the loss never rises. Is it that of each batch, or a mean that smooths it away?")
    return "read off where the loss falls fastest, and stay well below the rate at which it breaks."


@make_check
def interval_by_hand(low: float, high: float):
    """Chapter 5, exercise 1: the middle 95 % of the sensitivities of a thousand draws."""
    reject(low > high, "the lower end comes first.")
    reject(high > 1, "a sensitivity is a share, so that it cannot be above 1.")
    hint = "Were 20 beats drawn each time, and put back? And are the ends those of the draws?"
    reject(high - low < 0.1, f"this is too narrow. {hint}")
    off = abs(low - 0.5) > 0.051 or abs(high - 0.9) > 0.051
    reject(off, "this is not the middle 95 %. What share of the draws lies below, and what share above?")
    return "20 beats can say no more than that."


@make_check
def find_leak(patients, test_records, beats: Beats):
    """Chapter 5, exercise 2: whose beats are on both sides when `test_records` are the test set.

    `patients` is the answer: the name of a patient, or of one of that patient's records, or several of them.
    """
    owners, tested = beats.patients.astype(str), np.isin(beats.records.astype(str), test_records)
    owner_of = dict(zip(beats.records.astype(str), owners)) | {owner: owner for owner in owners}
    shared = set(owners[tested]) & set(owners[~tested])
    names = {str(name) for name in ([patients] if isinstance(patients, (str, int)) else patients)}
    reject(not names, "somebody is on both sides. Does `beats` know more of a beat than its record?")
    for name in sorted(names):
        reject(owner_of.get(name) not in shared, f"{name} is on one side only.")
    missing = len(shared) - len({owner_of[name] for name in names})
    reject(missing > 0, f"this is right, but there is more: {missing} more on both sides.")
    return "these are two records of one heart."


@make_check
def screening(threshold: float, probabilities: np.ndarray, labels):
    """Chapter 5, exercise 3: a threshold with 20 false alarms per 1000 N beats of the validation set.

    `probabilities` (n,) are those of not being N, and `labels` (n,) the classes, of the validation beats.
    """
    normal = probabilities[np.asarray(labels) == 0]
    reject(not 0 <= threshold <= 1, "the threshold is a probability.")
    rate, of_all, of_n = (1000 * (p >= threshold).mean() for p in (normal, probabilities, 1 - normal))
    alarms = f"{rate:.0f} of 1000 N beats of the validation set raise an alarm."
    if 17 <= rate <= 23:
        return alarms
    reject(abs(of_all - 20) < 3, "20 in 1000 of *all* beats raise an alarm. The clinic counts N beats.")
    reject(abs(of_n - 20) < 3, "this is a threshold on the probability of N itself.")
    reject(abs(rate - 200) < 20, "it should be 20 in 1000, not 20 in 100.")
    raise NotYet(f"with this threshold {alarms}")


@make_check
def freeze_more(model):
    """Chapter 6, exercise 1: a network in which only the last layer can learn."""
    reject(not hasattr(model, "layers"), "hand over the network.")
    learning = [layer.name for layer in model.layers if layer.trainable_weights]
    reject(not learning, "nothing learns any more, but the last layer has to.")
    extra = ", ".join(name for name in learning if name != model.layers[-1].name)
    reject(extra != "", f"{extra} can still learn.")
    n = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return f"{n} weights learn. Compile the network before you train it."


@make_check
def another_verdict(beats_of, areas: dict):
    """Chapter 6, exercise 2: `areas`, the AUROC by patient of three verdicts: "mean", "largest" and "share".

    `beats_of` is a table of the beats, with the patient `who`, the probability `p` and the label `y`.
    """
    patients = beats_of.groupby("who")
    labels, p = patients["y"].first(), patients["p"]
    verdicts = {"mean": p.mean(), "largest": p.max(), "share": p.agg(lambda p: (p > 0.5).mean())}
    named = hasattr(areas, "keys") and set(verdicts) <= set(areas.keys())
    reject(not named, f"three numbers by name are wanted: {', '.join(verdicts)}.")
    for name, verdict in verdicts.items():
        wrong, of_classes = f"{name}: this is not the AUROC of this verdict.", auroc(labels, verdict > 0.5)
        likely = [
            (auroc(beats_of["y"], beats_of["p"]), 0.006, f"{wrong} It is the one by beat."),
            (of_classes, 0.006, f"{wrong} AUROC needs no threshold, so give it the numbers."),
        ]
        otherwise = f"{wrong} Is there one verdict for each patient?"
        compare_number(read_number(areas[name]), auroc(labels, verdict), 0.006, otherwise, likely)
    return "they differ by less than their intervals are wide."


@make_check
def narrower_question(beats: Beats, probabilities: np.ndarray, area: float, low: float, high: float):
    """Chapter 6, exercise 3: infarction or healthy, for the beats of ``fetch_ptbdb(abnormal="mi")``.

    `probabilities` (n beats,); `area`: the AUROC by patient; `low` and `high`: the ends of its 95 % interval.
    """
    project.check_probabilities(beats, probabilities)
    verdicts = mean_by_group(beats.labels, probabilities, beats.patients)
    project.check_interval(beats, probabilities, verdicts, (area, low, high), "patients")
    return f"{verdicts[0].sum()} of {len(verdicts[0])} patients have an infarction. What can so few show?"


def _fetch_annotated_beats(name):
    """A record of MIT-BIH, its annotations, and the sample numbers of its beats."""
    record, annotations = fetch_record(name)
    return record, annotations, annotations.sample[np.isin(annotations.symbol, list(CLASS_OF))]
