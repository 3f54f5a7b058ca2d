"""The command that measures what each input is worth, on simulated beats; and what it found."""

import json
import math
import os
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from helpers import few_steps
from joblib import parallel_config

from studies import common
from tools.cluster import cluster

pytest.importorskip("keras")
import ecg_lessons
from ecg_lessons import DataError, load_results
from ecg_lessons.models import cnn_lstm, keras
from studies import staircase
from studies.staircase import STEPS

WEEKLY = os.environ.get("ECG_LESSONS_WEEKLY")
CHAPTER = Path(__file__).parents[1] / "book" / "05_evaluation.ipynb"
TINY = {"filters": [4, 4], "kernels": [5, 3], "units": 4, "dense": 8, "bidirectional": False, "noise": 0.05}
RECIPE = staircase.RECIPE | {"network": TINY, "epochs": 2}


@pytest.fixture(scope="module")
def beats():
    return tuple(ecg_lessons.make_beats(1500, recipe=recipe) for recipe in ("published", "context"))


@pytest.fixture
def here(tmp_path):
    return {"results": tmp_path / "results", "weights": tmp_path / "weights", "recipe": RECIPE}


@pytest.fixture(scope="module")
def ran(beats, tmp_path_factory):
    """What a first run with one seed found, where it wrote, and what a second run added."""
    folder = tmp_path_factory.mktemp("staircase")
    where = {"results": folder / "results", "weights": folder / "weights", "recipe": RECIPE}
    # the cluster, which is to find the same, compiles
    with pytest.MonkeyPatch.context() as patch, nullcontext() if WEEKLY else few_steps():
        patch.setattr(staircase, "FOLDS", 2)
        patch.setattr(staircase, "FOLD_SEEDS", 1)
        first = json.loads(json.dumps(staircase.run_study(1, beats=beats, **where)))
        return first, folder, staircase.run_study(2, beats=beats, **where)


def kept_network(folder):
    """The network that a run wrote there."""
    model = cnn_lstm(**json.loads((folder / "settings.json").read_text())["mitbih-context"])
    model.load_weights(folder / "mitbih-context.weights.h5")
    return model


def test_each_step_reads_one_thing_more_than_the_one_before(beats):
    given = [staircase.make_inputs(step, *beats) for step in STEPS]
    n = len(beats[0])
    given[0] = [given[0]]
    assert [[a.shape for a in arrays] for arrays in given] == [
        [(n, 187, 1)],
        [(n, 187, 1), (n, 6)],
        [(n, 96, 1), (n, 6)],
        [(n, 96, 2), (n, 12)],
        [(n, 96, 2), (n, 12)],
    ]
    np.testing.assert_array_equal(given[1][0], given[0][0])
    np.testing.assert_array_equal(given[3][0][..., 0], given[2][0][..., 0])
    # a record's median difference from its median beat is none
    mine = beats[1].records == beats[1].records[0]
    assert np.abs(np.median(given[3][0][mine, :, 1], axis=0)).max() < 1e-5


def test_every_step_is_measured_with_every_seed_and_finished_runs_are_kept(ran):
    found, folder, again = ran
    assert [(r["step"], r["seed"]) for r in found["runs"]] == [(step, 0) for step in STEPS]
    assert [r["step"] for r in found["folds"]] == list(STEPS[-2:])
    assert [r for r in again["runs"] if r["seed"] == 0] == found["runs"] and again["folds"] == found["folds"]
    assert {step: s["seeds"] for step, s in again["summary"].items()} == dict.fromkeys(STEPS, 2)
    assert again == json.loads((folder / "results" / "staircase.json").read_text())


@pytest.mark.skipif(not WEEKLY, reason="takes minutes: the weekly workflow")
def test_a_cluster_that_loses_a_machine_finds_the_same(ran, beats, here, tmp_path, monkeypatch):
    """One of two workers is killed once three of the five steps are measured."""
    alone, folder, _ = ran
    monkeypatch.setattr(staircase, "FOLDS", 2)
    monkeypatch.setattr(staircase, "FOLD_SEEDS", 1)
    write, written = common.write_results, []
    with cluster(tmp_path) as (client, workers), parallel_config(backend="dask"):

        def kill_one(path, found):
            write(path, found)
            written.append(path)
            if len(written) == 3:
                workers[0].kill()

        monkeypatch.setattr(common, "write_results", kill_one)
        found = staircase.run_study(1, beats=beats, **here)
        assert len(client.scheduler_info()["workers"]) == 1
    untimed = [[run | {"seconds": 0} for run in one["runs"]] for one in (alone, found)]
    assert untimed[0] == untimed[1]
    assert found["folds"] == alone["folds"] and found["summary"] == alone["summary"]
    kept = [kept_network(f / "weights").get_weights() for f in (folder, tmp_path)]
    for one, other in zip(*kept, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_written_weights_are_those_that_were_measured(ran, beats):
    found, folder, _ = ran
    model = kept_network(folder / "weights")
    test, context = (cut.inter_patient()[1] for cut in beats)
    arrays = staircase.make_inputs(staircase.CHOSEN, test, context)
    kept = next(r["test"] for r in found["runs"] if r["step"] == staircase.CHOSEN)
    assert common.measure_network(model, test, arrays, over="NSVF") == kept


def test_simulated_beats_are_never_measured(here, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    with pytest.raises(DataError, match="needs real recordings, not simulated beats"):
        staircase.run_study(1, **here)
    assert not here["weights"].exists() and not here["results"].exists()


# ---- what was measured


def test_each_step_was_measured_with_five_seeds_by_the_recipe_of_today():
    found = load_results("staircase")
    assert found["recipe"] == staircase.RECIPE, "the recipe changed: `make reference`"
    assert list(found["summary"]) == list(STEPS)
    assert all(s["seeds"] >= 5 for s in found["summary"].values())
    assert all(run["source"] == "physionet" for run in found["runs"])


def test_the_chapter_trains_the_last_step(beats):
    """Chapter and command state the same inputs and the same recipe."""
    cells = {c["id"]: "".join(c["source"]) for c in json.loads(CHAPTER.read_text())["cells"]}
    chapter = {
        "math": math, "np": np, "keras": keras, "c1": beats[1], "network": staircase.cnn_lstm(),
        "cnn_lstm": staircase.cnn_lstm, "rr_features": staircase.rr_features,
        "median_beats": staircase.median_beats, "compute_likeness": staircase.compute_likeness,
    }  # fmt: skip
    exec("\n".join(cells[name] for name in ("tiny", "reads", "person-network")), chapter)
    for mine, theirs in zip(
        chapter["make_inputs"](beats[1]), staircase.make_inputs(staircase.CHOSEN, *beats), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    ours = staircase.compile_model(
        staircase.make_network(staircase.make_inputs(staircase.CHOSEN, *beats)),
        len(beats[1]),
        staircase.RECIPE,
    )
    network = chapter["context_network"]
    assert network.get_config() == ours.get_config()
    one, other = (model.optimizer.get_config() | {"name": ""} for model in (network, ours))
    assert one == other
    assert (chapter["EPOCHS"], chapter["BATCH"]) == (staircase.RECIPE["epochs"], staircase.RECIPE["batch"])
    assert f"power={staircase.RECIPE['weights']}" in cells["person-fit"]
