import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_lessons import CLASSES, DS1, DS2, Beats, make_beats


def beats_of(labels, patients=None, **more):
    labels = np.asarray(labels)
    signals = np.random.default_rng(0).random((len(labels), 187), dtype=np.float32)
    patients = None if patients is None else np.asarray(patients).astype(str)
    return Beats(signals, labels, patients=patients, **more)


def test_beats_cannot_be_reassigned(some_beats):
    with pytest.raises(dataclasses.FrozenInstanceError):
        some_beats.fs = 125


@pytest.mark.parametrize("bad, message", [
    (dict(signals=np.zeros((3, 186)), labels=[0, 0, 0]), "187"),
    (dict(signals=np.zeros((3, 187)), labels=[0, 0]), "labels"),
    (dict(signals=np.zeros((1, 187)), labels=[5]), "0..4"),
    (dict(signals=np.zeros((1, 187)), labels=[-1]), "0..4"),
    (dict(signals=np.zeros((1, 187)), labels=[0.9]), "whole numbers"),
    (dict(signals=np.zeros((1, 187)), labels=["N"]), "whole numbers"),
    (dict(signals=np.zeros((2, 187)), labels=[0, 1], patients=np.array(["a"])), "patients"),
])  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        Beats(**bad)


def test_signals_and_labels_have_one_type_each():
    beats = Beats(np.zeros((2, 187), dtype=np.float64), np.array([0.0, 1.0]))
    assert beats.signals.dtype == np.float32
    assert np.issubdtype(beats.labels.dtype, np.integer)


def test_a_mask_and_positions_pick_the_same_beats(some_beats):
    mask = some_beats.labels == 2
    one, other = some_beats[mask], some_beats[np.flatnonzero(mask)]
    np.testing.assert_array_equal(one.signals, other.signals)
    assert (one.patients == some_beats.patients[mask]).all()
    assert len(one) == some_beats.counts()["V"]
    assert len(some_beats[3]) == 1


def test_counts_name_absent_classes_too():
    assert beats_of([0, 0, 2]).counts().to_dict() == {"N": 2, "S": 0, "V": 1, "F": 0, "Q": 0}


def test_a_frame_has_a_row_a_beat(some_beats):
    frame = some_beats.to_frame()
    assert list(frame.columns) == [
        "class", "label", "patient", "record", "fold", "sample", "rr before", "rr after"
    ]  # fmt: skip
    assert (frame["class"] == np.array(CLASSES)[some_beats.labels]).all()
    assert len(frame) == 1000


def test_no_beats_at_all_is_allowed():
    empty = beats_of([])
    assert len(empty) == 0 and "0 beats" in repr(empty) and "0 beats" in empty._repr_html_()


def test_repr_says_what_it_is(some_beats):
    assert repr(some_beats).startswith("Beats: 1000 beats of")
    assert "'simulated'" in repr(some_beats) and "Q" in some_beats._repr_html_()


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=20, max_size=120),
    size=st.floats(0.2, 0.8),
    seed=st.integers(0, 99),
)
def test_a_split_by_beat_loses_nothing_and_repeats_nothing(labels, size, seed):
    labels = labels + [0, 1, 2, 3, 4] * 2
    beats = dataclasses.replace(beats_of(labels), samples=np.arange(len(labels)))
    train, test = beats.split(size, seed=seed)
    assert sorted([*train.samples, *test.samples]) == list(range(len(labels)))
    assert abs(len(test) - size * len(labels)) <= 1.01


def test_a_split_by_beat_keeps_the_share_of_each_class(some_beats):
    _, test = make_beats(5000).split(0.2)
    np.testing.assert_allclose(test.counts(), 0.2 * make_beats(5000).counts(), atol=1)


@settings(max_examples=25, deadline=None)
@given(
    patients=st.lists(st.integers(0, 8), min_size=10, max_size=80),
    size=st.floats(0.1, 0.6),
    seed=st.integers(0, 99),
)
def test_a_split_by_patient_keeps_every_patient_whole(patients, size, seed):
    patients = patients + [90, 91]
    beats = beats_of(np.arange(len(patients)) % 5, patients)
    train, test = beats.split(size, by="patient", seed=seed)
    assert len(train) and len(test) and len(train) + len(test) == len(beats)
    assert not set(train.patients) & set(test.patients)


def test_the_same_seed_gives_the_same_split(some_beats):
    for by in ("beat", "patient"):
        first, again = (some_beats.split(0.2, by=by, seed=7)[1] for _ in range(2))
        assert (first.samples == again.samples).all()
    assert (some_beats.split(0.2, seed=8)[1].samples != some_beats.split(0.2, seed=7)[1].samples).any()


def test_a_class_of_one_beat_stays_in_train_and_spoils_nothing():
    for seed in range(4):
        train, test = beats_of([0] * 950 + [1] * 50 + [3]).split(0.2, seed=seed)
        assert train.counts().to_list() == [760, 40, 0, 1, 0]
        assert test.counts().to_list() == [190, 10, 0, 0, 0]


def test_lists_and_series_will_do_for_arrays():
    import pandas as pd

    for kind in (list, pd.Series):
        beats = dataclasses.replace(beats_of([0, 1, 0, 1]), patients=kind(["a", "a", "b", "b"]))
        assert beats[:2].patients.tolist() == ["a", "a"]
        assert not np.intersect1d(*(part.patients for part in beats.split(0.5, by="patient"))).size


def test_splits_that_cannot_be_are_refused(some_beats):
    with pytest.raises(ValueError, match="between 0 and 1"):
        some_beats.split(1.5)
    with pytest.raises(ValueError, match='"beat" or "patient"'):
        some_beats.split(by="record")
    with pytest.raises(ValueError, match="no patients"):
        beats_of([0, 1]).split(by="patient")
    with pytest.raises(ValueError, match="two patients"):
        beats_of([0, 1], ["a", "a"]).split(by="patient")
    with pytest.raises(ValueError, match="too few"):
        beats_of([0, 1, 2]).split()
    for nobody in (None, float("nan")):
        half_known = dataclasses.replace(beats_of([0, 1]), patients=np.array(["a", nobody], dtype=object))
        assert "1 patient (1 beats unknown)" in repr(half_known)
        with pytest.raises(ValueError, match="1 beats have no patient"):
            half_known.split(by="patient")


def test_the_inter_patient_lists_share_no_record_and_no_paced_one():
    assert len(DS1) == len(DS2) == 22 and not set(DS1) & set(DS2)
    assert not {"102", "104", "107", "217"} & {*DS1, *DS2}


def test_simulated_patients_are_dealt_to_both_halves(some_beats):
    ds1, ds2 = some_beats.inter_patient()
    assert len(ds1) and len(ds2) and len(ds1) + len(ds2) == 1000
    assert not set(ds1.patients) & set(ds2.patients)
    again, _ = some_beats[some_beats.patients != ds1.patients[0]].inter_patient()
    assert set(again.patients) < set(ds1.patients)  # nobody changes sides when another leaves


def test_inter_patient_needs_records():
    with pytest.raises(ValueError, match="records"):
        beats_of([0, 1], ["100", "101"]).inter_patient()


def test_published_folds_need_a_train_and_a_test(some_beats):
    train, test = some_beats.published_folds()
    assert (len(train), len(test)) == (800, 200) and set(test.folds) == {"test"}
    for folds in (None, np.full(len(some_beats), "1")):  # "1" to "10" are PTB-XL's
        with pytest.raises(ValueError, match="not divided"):
            dataclasses.replace(some_beats, folds=folds).published_folds()
