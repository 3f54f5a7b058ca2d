import numpy as np
import pytest
from helpers import assert_same

from ecg_lessons import CLASSES, fetch_record, make_beats, make_record, segment
from ecg_lessons.data.simulate import make_patients


def test_beats_have_the_real_form():
    beats = make_beats(3000)
    assert beats.signals.shape == (3000, 187) and beats.signals.dtype == np.float32
    assert beats.signals.min() == 0 and beats.signals.max() == 1
    assert (beats.source, beats.fs, beats.classes) == ("simulated", 120, CLASSES)
    assert len(set(beats.patients)) >= 10


def test_simulated_beats_come_with_context_and_intervals_too():
    beats = make_beats(500, seed=1, recipe="context")
    assert np.isfinite(beats.signals).all() and beats.signals.min() < 0
    assert (beats.labels == make_beats(500, seed=1).labels).all()
    with pytest.raises(ValueError, match="recipe must be"):
        make_beats(500, recipe="resampled")  # would be at 125 Hz, and say 120
    early = beats.rr[beats.labels == CLASSES.index("S"), 0].mean()
    assert early < np.nanmean(beats.rr[beats.labels == CLASSES.index("N"), 0])


def test_the_same_seed_gives_the_same_beats():
    assert_same(make_beats(500, seed=3), make_beats(500, seed=3))
    assert (make_beats(500, seed=3).signals != make_beats(500, seed=4).signals).any()


def test_the_classes_have_mit_bihs_proportions():
    share = make_beats(20_000).counts() / 20_000
    np.testing.assert_allclose(share, [0.828, 0.025, 0.066, 0.007, 0.073], atol=0.01)


def test_few_people_hold_most_rare_beats():
    frame = make_beats(20_000).to_frame()
    largest = frame.groupby("class")["patient"].agg(lambda p: p.value_counts(normalize=True).iloc[0])
    assert largest["S"] > 0.4 and largest["F"] > 0.4 and largest["N"] < 0.2


@pytest.mark.parametrize("n", [1, 2, 7, 137])
def test_any_number_of_beats_can_be_had(n):
    assert len(make_beats(n)) == n


def test_wishes_that_cannot_be_met_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        make_beats(0)


def test_a_record_has_mit_bihs_form():
    record, annotation = make_record("208", minutes=1)
    assert record.p_signal.shape == (21600, 2) and record.fs == 360 and record.units == ["mV", "mV"]
    assert annotation.symbol[0] == "+" and (np.diff(annotation.sample) > 0).all()
    beats = np.array(annotation.symbol) != "+"
    heights = record.p_signal[annotation.sample[beats], 0] - np.median(record.p_signal[:, 0])
    assert np.median(np.abs(heights)) > 0.5  # the marks lie on the R peaks
    rows = segment(record.p_signal[:, 0], annotation.sample[beats], annotations=annotation.sample)
    assert 30 < len(rows) < 120
    again, _ = fetch_record("208", source="simulated")
    assert again.sig_len == 30 * 60 * 360


def test_a_small_network_finds_them_neither_trivial_nor_hopeless():
    import keras
    from sklearn.metrics import f1_score

    keras.utils.set_random_seed(0)
    train, test = make_beats(20_000).split(0.2)
    layers = keras.layers
    network = keras.Sequential([
        keras.Input((187, 1)), layers.Conv1D(32, 11, strides=4, padding="same", activation="relu"),
        layers.Conv1D(64, 5, padding="same", activation="relu"), layers.MaxPool1D(2),
        layers.LSTM(64), layers.Dense(5, activation="softmax"),
    ])  # fmt: skip
    network.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    network.fit(train.signals[..., None], train.labels, epochs=12, batch_size=128, verbose=0)
    guess = network.predict(test.signals[..., None], batch_size=1024, verbose=0).argmax(1)
    score = f1_score(test.labels, guess, average="macro")
    print(f"macro-F1 on simulated beats: {score:.3f}")
    assert 0.80 < score < 0.97


def test_made_up_people_are_the_same_with_more_leads_or_another_frequency():
    one, two, fast = make_patients(12), make_patients(12, leads=2), make_patients(12, fs=125.0)
    assert two.signals.shape == (*one.signals.shape, 2) and fast.fs == 125
    for other in (two, fast):
        assert (other.patients == one.patients).all() and (other.samples == one.samples).all()
        assert (other.labels == one.labels).all()
    with pytest.raises(ValueError, match="at least 3"):
        make_patients(2)


def test_a_third_of_the_made_up_people_are_normal_and_the_others_look_different():
    people = make_patients(30, folds=5)
    frame = people.to_frame().drop_duplicates("patient")
    assert frame.label.tolist() == [0, 1, 1] * 10 and set(frame.fold) == set("12345")
    assert frame.groupby("diagnosis").label.nunique().eq(1).all() and frame.diagnosis.nunique() == 3
    assert people.source == "simulated" and 5 < frame.shape[0] and len(people) > 30 * 6
