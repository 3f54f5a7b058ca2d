"""The checks of the chapters' exercises accept right answers in several forms, and say of the likely wrong
ones what is wrong, without giving the right one away."""

import inspect

import numpy as np
import pandas as pd
import pytest

from ecg_lessons import AAMI, CLASSES, beat_length, checks, fetch_mitbih, fetch_record, make_beats, segment
from ecg_lessons.balance import class_weights
from ecg_lessons.data.simulate import make_patients
from ecg_lessons.metrics import auroc, auroc_interval, bootstrap_interval, mean_by_group


def refused(verdict, *words):
    assert not verdict.passed and repr(verdict).startswith("Not yet.")
    assert all(word in verdict.message for word in words), verdict.message


@pytest.fixture
def simulated(monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")


def beat_marks(record):
    signal, marks = fetch_record(record)
    return signal, marks.sample, marks.sample[np.isin(marks.symbol, [s for c in AAMI.values() for s in c])]


NAMES = [
    name
    for name, check in vars(checks).items()
    if callable(check)
    and check.__module__ == checks.__name__
    and name[0].islower()
    and not name.startswith("project_")
]


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_that_was_not_begun_asks_for_an_answer(name):
    check = getattr(checks, name)
    answers = [None] * len(inspect.signature(check).parameters)
    refused(check(*answers), "None")


# ---- chapter 1


def test_heart_rate(simulated):
    record, _, peaks = beat_marks("100")
    rr = np.diff(peaks) / record.fs
    right = 60 / np.median(rr)
    for form in (right, round(right), np.float32(right), np.array([right]), f"{right:.1f}"):
        assert checks.heart_rate(form).passed
    refused(checks.heart_rate(np.median(rr)), "seconds")
    refused(checks.heart_rate(np.median(rr) * 360), "samples")
    refused(checks.heart_rate(right / 360), "samples")
    refused(checks.heart_rate(1 / np.median(rr)), "beats per second")
    refused(checks.heart_rate(right + 20), "too high")
    refused(checks.heart_rate("fast"), "one number")
    refused(checks.heart_rate(np.nan), "one number")


def test_padding_feature(simulated):
    from sklearn.metrics import accuracy_score, recall_score
    from sklearn.tree import DecisionTreeClassifier

    train, test = fetch_mitbih().published_folds()
    lengths = [beat_length(part.signals)[:, None] for part in (train, test)]

    def shares(seed=0, **options):
        tree = DecisionTreeClassifier(max_depth=6, random_state=seed, **options)
        called = tree.fit(lengths[0], train.labels).predict(lengths[1])
        return recall_score(test.labels, called, average=None), accuracy_score(test.labels, called)

    right, _ = shares(seed=3, class_weight="balanced")
    for form in (right, list(right), dict(zip(CLASSES, right)), pd.Series(right, index=list(CLASSES))):
        assert checks.padding_feature(form).passed
    refused(checks.padding_feature(shares()[0]), "class_weight")
    refused(checks.padding_feature(shares()[1]), "one share for each class")
    refused(checks.padding_feature(100 * right), "between 0 and 1")
    refused(checks.padding_feature(np.roll(right, 2)), "is off")


def test_another_cut(simulated):
    record, marks, peaks = beat_marks("208")
    i = np.searchsorted(peaks, 16 * record.fs) + 2
    lead = record.p_signal[:, 0]
    n = beat_length(segment(lead, peaks, record.fs, annotations=marks)[i])
    m = beat_length(segment(lead, peaks, record.fs, recipe="resampled")[i])
    assert checks.another_cut(n / 120, m / 125).passed
    assert checks.another_cut(f"{n / 120:.2f}", np.float32(m / 125)).passed
    refused(checks.another_cut(n, m), "published", "samples")
    refused(checks.another_cut(n / 360, m / 360), "the record's clock")
    refused(checks.another_cut(n / 120, m / 120), "resampled", "clock of its own")
    refused(checks.another_cut(n / 125, m / 125), "published", "clock of its own")
    refused(checks.another_cut(187 / 120, 187 / 125), "padding")
    refused(checks.another_cut(n / 120 + 0.2, m / 125), "another beat")


# ---- chapter 2


def test_four_counts():
    assert checks.four_counts(0.993, 0.9, 0.6, 0.72).passed
    assert checks.four_counts("99.3 %", 90, 60, 72).passed
    assert checks.four_counts(9930 / 10_000, 90 / 100, np.float64(90 / 150), 180 / 250).passed
    refused(checks.four_counts(0.993, 0.6, 0.9, 0.72), "changed places")
    refused(checks.four_counts(0.9, 0.9, 0.6, 0.72), "accuracy", "both count")
    refused(checks.four_counts(0.993, 0.9, 0.4, 0.72), "positive predictivity", "*predicted*")
    refused(checks.four_counts(0.993, 0.6, 0.6, 0.72), "sensitivity", "*are*")
    refused(checks.four_counts(0.993, 0.9, 0.6, 0.75), "F1", "harmonic")


def test_even_to_balanced():
    assert checks.even_to_balanced(0, 0.99999).passed and checks.even_to_balanced(0.0, 1 - 1e-6).passed
    refused(checks.even_to_balanced(0.99999, 0), "other way round")
    refused(checks.even_to_balanced(0, 1), "nothing by nothing")
    refused(checks.even_to_balanced(0, 0.99), "counts more than it should", "Draw further")
    refused(checks.even_to_balanced(0.5, 0.99999), "not yet all 1")
    refused(checks.even_to_balanced(-3, 0.9), "between 0 and 1")


def test_same_slide():
    labels = make_beats(500).labels
    before = np.random.default_rng(0).dirichlet(np.ones(5), 40)
    weights = np.array([class_weights(labels)[y] for y in range(5)])
    after = before * weights
    assert checks.same_slide(before, after, labels).passed
    assert checks.same_slide(before, after / after.sum(axis=1, keepdims=True), labels).passed
    refused(checks.same_slide(before, before, labels), "nothing was multiplied")
    refused(checks.same_slide(before, before / weights, labels), "divided")
    softened = np.array([class_weights(labels, power=0.5)[y] for y in range(5)])
    refused(checks.same_slide(before, before * softened, labels), "softened")
    refused(checks.same_slide(before, before * weights[::-1], labels), "its own class")
    refused(checks.same_slide(before, after.argmax(1), labels), "one column for each class")


# ---- chapter 3


def test_count_weights():
    assert checks.count_weights(352, 10_240, 325).passed
    assert checks.count_weights(np.int64(352), "10240", 325.0).passed
    refused(checks.count_weights(384, 10_240, 325), "conv1", "use_bias=False")
    refused(checks.count_weights(352, 10_304, 325), "conv2", "use_bias=False")
    refused(checks.count_weights(352, 320, 325), "conv2", "all channels below")
    refused(checks.count_weights(352, 10_240, 320), "output", "bias")
    refused(checks.count_weights(11 * 187 * 32, 10_240, 325), "slides over")
    refused(checks.count_weights(7, 10_240, 325), "kernel x channels")


SMALL = {"filters": (32, 64), "kernels": (11, 5), "strides": 4, "pool": 4, "units": 64, "dropout": 0.1}


def test_see_further():
    for right in (
        {"kernels": (11, 11)},
        {"kernels": [11, 12]},
        {"strides": 7},
        {"pool": 10},
        {"kernels": (32, 5)},
    ):
        assert checks.see_further(SMALL | right, SMALL).passed, right
    refused(checks.see_further(SMALL, SMALL), "0 numbers differ")
    refused(checks.see_further(SMALL | {"kernels": (15, 11)}, SMALL), "2 numbers differ")
    refused(checks.see_further(SMALL | {"kernels": (11, 8)}, SMALL), "sees 51 samples")
    refused(checks.see_further(SMALL | {"units": 128}, SMALL), "sees 39 samples")
    refused(checks.see_further({"kernels": (11, 11)}, SMALL), "with one number changed")


def test_turned_around():
    signals = make_beats(30).signals
    right = np.zeros_like(signals)
    for row, signal, end in zip(right, signals, np.minimum(beat_length(signals), 187)):
        row[:end] = signal[:end][::-1]
    assert checks.turned_around(signals, right).passed
    assert checks.turned_around(signals, right[..., None]).passed
    refused(checks.turned_around(signals, signals), "as they were")
    refused(checks.turned_around(signals, signals[::-1]), "order of the *beats*")
    refused(checks.turned_around(signals, signals[:, ::-1]), "padding stands in front")
    refused(checks.turned_around(signals, right[:5]), "not the shape")
    spoiled = right.copy()
    spoiled[3, -1] = 1
    refused(checks.turned_around(signals, spoiled), "padded with zeros")


# ---- chapter 4


def test_patience_by_hand():
    assert checks.patience_by_hand(8, 5).passed and checks.patience_by_hand("8", np.int64(5)).passed
    refused(checks.patience_by_hand(7, 4), "count from 1")
    refused(checks.patience_by_hand(10, 10), "live to see it")
    refused(checks.patience_by_hand(6, 3), "later epoch was better")
    refused(checks.patience_by_hand(7, 5), "does not use up patience")
    refused(checks.patience_by_hand(9, 5), "count the epochs")
    refused(checks.patience_by_hand(8, 8), "best epoch *so far*")


def test_budget():
    keras = pytest.importorskip("keras")
    from time import perf_counter

    class Right(keras.callbacks.Callback):
        def __init__(self, seconds):
            super().__init__()
            self.seconds = seconds

        def on_train_begin(self, logs=None):
            self.start = perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            if perf_counter() - self.start > self.seconds:
                self.model.stop_training = True

    class AtEpoch(Right):
        def on_train_batch_end(self, batch, logs=None):
            pass

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = perf_counter() - self.start > self.seconds

    class Never(Right):
        def on_train_batch_end(self, batch, logs=None):
            self.stop_training = True

    class AtOnce(Right):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    class Broken(Right):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = self.end < perf_counter()

    class BuiltIn(Right):
        def __init__(self):
            super().__init__(3)

    assert checks.budget(Right).passed and checks.budget(AtEpoch).passed
    refused(checks.budget(BuiltIn), "`Budget(3)` must make a callback", "TypeError")
    refused(checks.budget(Never), "Which method")
    refused(checks.budget(AtOnce), "an hour to go")
    refused(checks.budget(Broken), "AttributeError")
    refused(checks.budget(Right(3)), "the class itself")


def test_range_test():
    rates = np.geomspace(1e-5, 1, 70)
    losses = np.where(rates > 0.2, 3.0, 1.6 / (1 + rates * 500))
    assert checks.range_test(rates, losses).passed and checks.range_test(list(rates), list(losses)).passed
    assert checks.range_test(rates, np.where(rates > 0.2, np.nan, losses)).passed
    refused(checks.range_test(rates[:-1], losses), "one of each")
    refused(checks.range_test(rates[:2], losses[:2]), "each batch, not for each epoch")
    refused(checks.range_test(rates[::-1], losses), "must grow")
    refused(checks.range_test(np.linspace(1e-5, 1, 70), losses), "same *factor*")
    refused(checks.range_test(np.geomspace(1e-4, 1e-2, 70), losses), "range is too small")
    refused(checks.range_test(rates, np.linspace(1.6, 0.5, 70)), "never rises")


# ---- chapter 5


def test_interval_by_hand():
    found = np.array([1] * 14 + [0] * 6)
    rng = np.random.default_rng(5)
    drawn = [rng.choice(found, 20).mean() for _ in range(1000)]
    assert checks.interval_by_hand(*np.quantile(drawn, [0.025, 0.975])).passed
    assert checks.interval_by_hand(*bootstrap_interval("accuracy", np.ones(20, dtype=int), found)[1:]).passed
    assert checks.interval_by_hand("0.5", 0.9).passed
    refused(checks.interval_by_hand(0.9, 0.5), "lower end")
    refused(checks.interval_by_hand(10, 18), "a share")
    refused(checks.interval_by_hand(0.7, 0.7), "put back")
    refused(checks.interval_by_hand(0.6, 0.8), "middle 95 %")
    refused(checks.interval_by_hand(np.nan, np.nan), "one number")


def test_find_leak():
    people = np.repeat(["100", "103", "201", "201", "213"], 3)
    records = np.repeat(["100", "103", "201", "202", "213"], 3)
    import dataclasses

    beats = dataclasses.replace(make_beats(15)[:15], patients=people, records=records)
    ask = ["100", "202"]
    for right in ("201", 201, ["201"], {"202"}, ["201", "202"], np.array(["201"])):
        assert checks.find_leak(right, ask, beats).passed, right
    refused(checks.find_leak([], ask, beats), "somebody is on both sides")
    refused(checks.find_leak("213", ask, beats), "213 is on one side only")
    two = dataclasses.replace(beats, patients=np.where(people == "213", "100", people))
    refused(checks.find_leak("201", ask, two), "1 more on both sides")


def test_screening():
    rng = np.random.default_rng(0)
    labels = (rng.random(20_000) < 0.2).astype(int)
    not_n = np.clip(rng.normal(0.3 + 0.3 * labels, 0.1), 0, 1)
    right = np.quantile(not_n[labels == 0], 0.98)
    assert (
        checks.screening(right, not_n, labels).passed
        and checks.screening(f"{right:.3f}", not_n, labels).passed
    )
    refused(checks.screening(np.quantile(not_n, 0.98), not_n, labels), "of *all* beats")
    refused(
        checks.screening(np.quantile(1 - not_n[labels == 0], 0.98), not_n, labels), "probability of N itself"
    )
    refused(checks.screening(np.quantile(not_n[labels == 0], 0.8), not_n, labels), "20 in 100")
    refused(checks.screening(0.5, not_n, labels), "of 1000 N beats of the validation set raise an alarm")
    refused(checks.screening(20, not_n, labels), "is a probability")


# ---- chapter 6


def test_freeze_more():
    pytest.importorskip("keras")
    from ecg_lessons.models import cnn_lstm, freeze_encoder, with_new_head

    def small():
        return freeze_encoder(with_new_head(cnn_lstm(filters=(4, 4), units=4, dense=4), 2))

    one = small()
    one.get_layer("dense").trainable = False
    assert checks.freeze_more(one).passed and "10 weights" in checks.freeze_more(one).message
    other = cnn_lstm(2, filters=(4, 4), units=4, dense=4)
    for layer in other.layers[:-1]:
        layer.trainable = False
    assert checks.freeze_more(other).passed
    refused(checks.freeze_more(small()), "dense can still learn")
    other.trainable = False
    refused(checks.freeze_more(other), "nothing learns")
    refused(checks.freeze_more(130), "hand over the network")


def test_another_verdict():
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(40), 6)
    y = (who % 2).astype(int)
    p = np.clip(0.45 + 0.1 * y + rng.normal(0, 0.15, 40)[who] + rng.normal(0, 0.2, len(who)), 0, 1)
    beats_of = pd.DataFrame({"who": who, "p": p, "y": y})
    each = beats_of.groupby("who")
    truth, share = each["y"].first(), each["p"].agg(lambda q: (q > 0.5).mean())
    right = {"mean": auroc(truth, each["p"].mean()), "largest": auroc(truth, each["p"].max()),
             "share": auroc(truth, share)}  # fmt: skip
    assert checks.another_verdict(beats_of, right).passed
    assert checks.another_verdict(beats_of, {k: f"{v:.3f}" for k, v in right.items()}).passed
    refused(checks.another_verdict(beats_of, {"mean": 0.8}), "three numbers by name")
    refused(checks.another_verdict(beats_of, right | {"share": None}), "one number")
    refused(checks.another_verdict(beats_of, right | {"mean": auroc(y, p)}), "mean", "by beat")
    refused(
        checks.another_verdict(beats_of, right | {"share": auroc(truth, share > 0.5)}),
        "share",
        "no threshold",
    )
    refused(checks.another_verdict(beats_of, right | {"largest": 0.1}), "largest", "one verdict")


def test_narrower_question():
    beats = make_patients(40)
    rng = np.random.default_rng(2)
    of = dict(zip(np.unique(beats.patients), rng.normal(0, 2, 40)))
    p = 1 / (1 + np.exp(-(2 * beats.labels - 1 + np.array([of[w] for w in beats.patients]))))
    p = np.clip(p + rng.normal(0, 0.1, len(p)), 0, 1)
    right = auroc_interval(*mean_by_group(beats.labels, p, beats.patients))
    verdict = checks.narrower_question(beats, p, *right)
    assert verdict.passed and "of 40 patients" in verdict.message
    assert checks.narrower_question(beats, list(p), *(f"{v:.3f}" for v in right)).passed
    refused(checks.narrower_question(beats, p[:-1], *right), "one number for each beat")
    refused(checks.narrower_question(beats, p, 0.1, 0.0, 0.2), "not that of the patients")
    by_beat = bootstrap_interval("accuracy", beats.labels, p > 0.5)
    half = (by_beat.high - by_beat.low) / 2
    refused(
        checks.narrower_question(beats, p, right.value, right.value - half, right.value + half),
        "beats or patients",
    )
