"""The command that measures what transfer is worth on PTB-XL, and what it wrote."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import few_steps

from ecg_lessons import DataError, baselines, describe_ptbxl, fetch_ptbxl, load_pretrained, load_results
from ecg_lessons.data import download
from ecg_lessons.data.simulate import make_patients
from ecg_lessons.metrics import auroc, mean_by_recording
from studies import transfer

TINY = {
    "all tuned": {"epochs": 1, "rate": 1e-3},
    "from scratch": {"epochs": 1, "rate": 1e-3},
    "batch": 128,
    "decay": 0.1,
    "strengths": [0.01, 0.1],
}


@pytest.fixture(scope="module")
def people():
    return make_patients(40, folds=10)


def test_no_person_is_in_two_folds_and_every_one_is_tested(people):
    fold = transfer.assign_folds(people)
    assert set(fold) == set(range(transfer.FOLDS))
    assert (people.to_frame().assign(fold=fold).groupby("patient").fold.nunique() == 1).all()


def test_the_command_judges_every_rival_and_keeps_the_tuned_network(people, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "FOLDS", 2)
    ages = pd.Series(np.linspace(20, 80, 40), np.unique(people.records))
    with few_steps():
        found = transfer.run_study(2, tmp_path, tmp_path, TINY, people, ages, make_patients(15, seed=9))
    assert json.loads((tmp_path / "transfer.json").read_text()) == found
    assert list(found["rivals"]) == list(transfer.RIVALS) and list(found["ahead"]) == list(
        transfer.RIVALS[1:]
    )
    for name, rival in found["rivals"].items():
        assert len(rival["seeds"]) == (1 if name in transfer.SINGLE else 2)
        assert 0 <= rival["mean of seeds"]["low"] <= rival["mean of seeds"]["value"] <= 1
    assert found["elsewhere"]["people"] == 15 and 0 <= found["elsewhere"]["by person"]["value"] <= 1
    assert found["age alone"]["low"] < 0.5 < found["age alone"]["high"]  # it means nothing in made-up people
    # such coarse differences between made-up people are found in their samples
    assert found["rivals"]["regression, samples"]["seeds"][0] > 0.7
    assert json.loads((tmp_path / "settings.json").read_text())["ptbxl"]["n_classes"] == 2
    assert (tmp_path / "ptbxl.weights.h5").is_file()


def test_a_regression_never_sees_whom_it_answers_for(people):
    """Labels of the tested people may be anything: the answers stay."""
    test = transfer.assign_folds(people) == 0
    other = np.where(test, 1 - people.labels, people.labels)
    one = baselines.predict_by_regression(people.signals, people.labels, people.patients, test)
    np.testing.assert_array_equal(
        one, baselines.predict_by_regression(people.signals, other, people.patients, test)
    )


def test_it_wants_real_recordings_and_at_least_one_seed(monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    assert "needs real recordings" in transfer.main([])
    monkeypatch.delenv("ECG_LESSONS_SOURCE")
    monkeypatch.setattr(download, "RETRIES", 0)
    with pytest.raises(DataError):
        transfer.run_study(1, tmp_path, tmp_path)
    with pytest.raises(SystemExit):
        transfer.main(["--seeds", "0"])


# ---- what it wrote -----------------------------------------------------------------------


def test_the_results_meet_the_target():
    found = load_results("transfer")
    assert found["recipe"] == transfer.RECIPE and found["source"] == "physionet"
    assert (found["records"], found["patients"]) == (500, 466)
    tuned = found["rivals"]["all tuned"]
    assert len(tuned["seeds"]) >= 3 and np.mean(tuned["seeds"]) >= 0.87
    assert tuned["mean of seeds"]["value"] > found["rivals"]["regression, random"]["mean of seeds"]["value"]


def test_the_shipped_network_knows_its_recordings(real_ptb):
    """It was trained on these, so it must do better here than the tuned ones on people they had not seen."""
    beats = fetch_ptbxl()
    probabilities = load_pretrained("ptbxl").predict(beats.signals[..., None], batch_size=1024, verbose=0)[
        :, 1
    ]
    there = transfer.judge_elsewhere(load_pretrained("ptbxl"), real_ptb)
    stored = load_results("transfer")["elsewhere"]
    assert there["people"] == stored["people"] == 49
    for what in ("by person", "by recording"):
        assert there[what]["value"] == pytest.approx(stored[what]["value"], abs=0.01)
    age = transfer.judge_by_age(beats, describe_ptbxl().age)
    assert age == pytest.approx(load_results("transfer")["age alone"])
    known = auroc(*mean_by_recording(beats, probabilities)[:2])
    assert known > load_results("transfer")["rivals"]["all tuned"]["mean of seeds"]["high"]
