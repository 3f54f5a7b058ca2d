"""The network, its weights on disk, and the command that trains it."""

import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import few_steps

from ecg_lessons import DataError, load_pretrained, load_results, make_beats, models, storage
from ecg_lessons.data.simulate import make_patients
from ecg_lessons.metrics import compute_scores
from ecg_lessons.models import PRETRAINED, cnn_lstm, freeze_encoder, keras, with_new_head
from studies import common, staircase
from studies import reference as command
from tools import bench, cards

ROOT = Path(__file__).parents[1]
CHAPTER = ROOT / "book" / "03_cnn_lstm.ipynb"
TINY = {"filters": (4, 8), "units": 4, "dense": 4}
RECIPE = command.RECIPE | {"epochs": 3, "warm_up": 1}


@pytest.fixture(scope="module")
def beats():
    return make_beats(1500, seed=0)


def kinds(model):
    """Names of the kinds of layers that have weights, directions unwrapped."""
    for layer in model.layers:
        yield type(getattr(layer, "forward_layer", layer)).__name__


@pytest.mark.parametrize("bidirectional", [True, False])
def test_two_convolutions_then_an_lstm_then_dense_layers(bidirectional):
    model = cnn_lstm(bidirectional=bidirectional, **TINY)
    wanted = [kind for kind in kinds(model) if kind in {"Conv1D", "LSTM", "Dense"}]
    assert wanted == ["Conv1D", "Conv1D", "LSTM", "Dense", "Dense"]
    assert {"conv1", "conv2", "lstm", "dense", "output"} <= {layer.name for layer in model.layers}


def test_the_reference_network_has_at_most_250_000_weights():
    assert 100_000 < cnn_lstm().count_params() <= 250_000


@pytest.mark.parametrize("n_classes, n", [(5, 3), (2, 1)])
def test_it_gives_a_probability_for_each_class(n_classes, n):
    found = cnn_lstm(n_classes, **TINY).predict(np.random.rand(n, 187, 1), verbose=0)
    assert found.shape == (n, n_classes)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("strides, pool, steps", [(4, 4, 11), (4, 1, 47), (2, 2, 47)])
def test_strides_and_pooling_shorten_what_the_lstm_reads(strides, pool, steps):
    assert cnn_lstm(strides=strides, pool=pool, **TINY).get_layer("lstm").input.shape[1] == steps


def test_the_lstm_keeps_the_fast_path_of_a_gpu_open():
    lstm = cnn_lstm().get_layer("lstm").forward_layer
    assert (lstm.activation.__name__, lstm.recurrent_activation.__name__) == ("tanh", "sigmoid")
    assert lstm.recurrent_dropout == 0 and not lstm.unroll and lstm.use_bias


def tuned(model, seed=0):
    """A network for normal or not, its encoder frozen, after two short epochs; and the one before."""
    keras.utils.set_random_seed(seed)
    new = freeze_encoder(with_new_head(model, 2))
    before = {layer.name: layer.get_weights() for layer in new.layers}
    new.compile("adam", "sparse_categorical_crossentropy")
    people = make_patients(12)
    new.fit(people.signals[..., None], people.labels, epochs=2, batch_size=32, verbose=0)
    return new, before


@pytest.mark.parametrize("name", ["mitbih", "random"])
def test_what_is_frozen_stays_to_the_last_bit_and_the_head_learns(name):
    model = load_pretrained("mitbih") if name == "mitbih" else cnn_lstm(**TINY)
    new, before = tuned(model)
    for layer in new.layers:
        after = layer.get_weights()
        same = all(np.array_equal(a, b) for a, b in zip(after, before[layer.name]))
        assert same == (layer.name not in {"dense", "output"}), layer.name
    for layer in model.layers:  # and the network it came from is as it was
        if layer.name != "output":
            for a, b in zip(layer.get_weights(), before[layer.name]):
                np.testing.assert_array_equal(a, b)


def test_the_weights_that_learn_are_the_dense_layers():
    new = freeze_encoder(with_new_head(load_pretrained("mitbih"), 2))
    learning = sum(int(np.prod(w.shape)) for w in new.trainable_weights)
    assert learning == (192 * 64 + 64) + (64 * 2 + 2) == 12_482
    assert new.count_params() == 217_621 - 5 * 65 + 2 * 65 == 217_426


def test_a_new_head_keeps_what_the_layers_before_it_say():
    model = load_pretrained("mitbih")
    new = with_new_head(model, 3)
    x = make_beats(20).signals[..., None]
    outputs = [keras.Model(m.inputs, m.get_layer("dense").output).predict(x, verbose=0) for m in (model, new)]
    np.testing.assert_array_equal(*outputs)
    assert new.predict(x, verbose=0).shape == (20, 3) and not new.compiled
    keras.utils.set_random_seed(1)
    one, other = (with_new_head(model, 2).get_layer("output").get_weights()[0] for _ in range(2))
    assert not np.array_equal(one, other)


def test_a_network_of_another_make_is_refused():
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="output")])
    for change in (freeze_encoder, lambda m: with_new_head(m, 2)):
        with pytest.raises(ValueError, match="no layer named 'dense'"):
            change(other)
    with pytest.raises(ValueError, match="at least 2"):
        with_new_head(cnn_lstm(**TINY), 1)


def trained(beats, seed):
    keras.utils.set_random_seed(seed)
    model = cnn_lstm(**TINY)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(beats.signals[..., None], beats.labels, epochs=2, batch_size=256, verbose=0)
    return model.get_weights()


def test_the_same_seed_gives_the_same_weights(beats):
    one, again, other = (trained(beats, seed) for seed in (1, 1, 2))
    for a, b in zip(one, again):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one, other))


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of one's own that `load_pretrained` takes for the one that ships."""
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(models, "files", lambda package: tmp_path)
    return tmp_path / "weights"


def test_a_network_survives_its_file(shipped, beats):
    model = cnn_lstm(**TINY)
    common.save_network(command.compile_model(model, len(beats), RECIPE), shipped / "mitbih.weights.h5")
    again = load_pretrained("mitbih")
    few = beats.signals[:50, :, None]
    np.testing.assert_array_equal(model.predict(few, verbose=0), again.predict(few, verbose=0))
    names = ["SHA256SUMS", "mitbih.weights.h5", "settings.json"]
    assert sorted(path.name for path in shipped.iterdir()) == names


@pytest.mark.parametrize(
    "sizes",
    [
        {"n_classes": 2, "bidirectional": False},
        {"filters": [3, 5], "kernels": [7, 9], "strides": 2, "pool": 1, "units": 3, "dense": 6},
        {"width": 96, "channels": 2, "numbers": 12, "noise": 0.15, "dropout": 0.5, "momentum": 0.9},
    ],
)
def test_a_networks_settings_are_read_off_its_layers(sizes):
    found = common.find_settings(cnn_lstm(**sizes))
    defaults = {name: p.default for name, p in inspect.signature(cnn_lstm).parameters.items()}
    assert json.dumps(found) == json.dumps(defaults | sizes)
    new = common.find_settings(with_new_head(cnn_lstm(**sizes), 7))
    assert new == found | {"n_classes": 7}


def test_the_shipped_settings_are_whole_and_those_of_the_recipes():
    settings = json.loads((ROOT / "ecg_lessons" / "weights" / "settings.json").read_text())
    assert sorted(settings) == sorted(PRETRAINED)
    for name, mine in settings.items():
        assert list(mine) == list(inspect.signature(cnn_lstm).parameters), name
        assert common.find_settings(load_pretrained(name)) == mine, name
    assert settings["mitbih-context"].items() >= staircase.RECIPE["network"].items()


def test_the_shipped_networks_outputs_are_those_that_were_kept():
    """Of 32 beats, to what another processor's arithmetic may change."""
    kept = json.loads((ROOT / "tests" / "outputs.json").read_text())
    assert list(kept) == list(PRETRAINED)
    for name, outputs in cards.outputs().items():
        np.testing.assert_allclose(outputs, kept[name], atol=1e-5, err_msg=name)


def test_settings_that_are_damaged_are_named(shipped):
    common.save_network(cnn_lstm(**TINY), shipped / "mitbih.weights.h5")
    for text in ("", "{}", '{"mitbih": 3}', '{"mitbih": {"filters": 3}}', '{"mitbih": {"units": 9}}'):
        (shipped / "settings.json").write_text(text)
        with pytest.raises(DataError, match="settings.json does not describe the network mitbih"):
            load_pretrained("mitbih")
    (shipped / "settings.json").unlink()
    with pytest.raises(DataError, match="settings.json"):
        load_pretrained("mitbih")


def test_the_shipped_networks_are_small_and_know_their_beats():
    for name in PRETRAINED:
        assert (ROOT / "ecg_lessons" / "weights" / f"{name}.weights.h5").stat().st_size < 1_000_000
        sizes = {"width": 96, "channels": 2, "numbers": 12, **staircase.RECIPE["network"]}
        sizes = {"mitbih-context": sizes, "ptbxl": {"n_classes": 2}}.get(name, {})
        model = load_pretrained(name)
        assert model.output_shape == (None, sizes.get("n_classes", 5))
        assert model.count_params() == cnn_lstm(**sizes).count_params()
    simulated = make_beats(2000, seed=5)  # close enough to hearts to be far above chance
    found = load_pretrained().predict(simulated.signals[..., None], verbose=0)
    assert compute_scores(simulated.labels, found)["accuracy"] > 0.6


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="mitbih-published, mitbih-ds1, mitbih-context, ptbxl, not 'ptb'"):
        load_pretrained("ptb")


def test_without_tensorflow_the_error_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['keras'] = None; import ecg_lessons.models"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "pip install 'ecg-lessons[models]'" in done.stderr


def test_importing_the_networks_prints_nothing():
    code = "from ecg_lessons.models import cnn_lstm; cnn_lstm()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- the reference command


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Folders of one's own, and a network that trains in a second."""
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(command, "cnn_lstm", lambda n_classes, **sizes: cnn_lstm(n_classes, **TINY | sizes))
    with few_steps():
        yield {"results": tmp_path / "results", "weights": tmp_path / "weights", "recipe": RECIPE}


def test_the_command_measures_every_seed_on_every_split(here, beats):
    found = command.run_study(2, beats=beats, **here)
    assert [(r["split"], r["seed"]) for r in found["runs"]] == [
        ("published", 0), ("published", 1), ("beat", 0), ("beat", 1), ("patient", 0), ("patient", 1)]  # fmt: skip
    assert found == json.loads((here["results"] / "reference.json").read_text())
    assert sorted(p.name for p in here["weights"].iterdir()) == [
        "SHA256SUMS",
        "mitbih-ds1.weights.h5", "mitbih-published.weights.h5", "mitbih.weights.h5", "settings.json"]  # fmt: skip
    for run in found["runs"]:
        supports = [run["test"]["classes"][c]["beats"] for c in "NSVFQ"]
        assert supports == [sum(row) for row in run["test"]["confusion"]]
        parts = [run[name]["confusion"] for name in run if name.startswith("test, ")]
        assert run["split"] != "published" or np.array_equal(
            sum(map(np.array, parts)), run["test"]["confusion"]
        )
    macro = [r["test"]["macro-F1"] for r in found["runs"] if r["split"] == "beat"]
    assert found["summary"]["beat"]["macro-F1"]["mean"] == pytest.approx(np.mean(macro), abs=1e-4)


def test_the_written_weights_are_those_that_were_measured(here, beats):
    found = command.run_study(1, ["beat"], beats=beats, **here)
    model = cnn_lstm(**TINY)
    model.load_weights(here["weights"] / "mitbih.weights.h5")
    test = command.split_beats(beats, "beat")[2]
    assert common.measure_network(model, test) == found["runs"][0]["test"]


def test_finished_runs_are_not_repeated_and_others_are_added(here, beats, monkeypatch):
    first = command.run_study(1, ["beat"], beats=beats, **here)
    train, made = command.train_network, []
    monkeypatch.setattr(
        command, "train_network", lambda b, seed, *rest: made.append(seed) or train(b, seed, *rest)
    )
    second = command.run_study(2, ["beat"], beats=beats, **here)
    assert made == [1] and second["runs"][0] == first["runs"][0] and second["summary"]["beat"]["seeds"] == 2


class Stop(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_from_its_last_epoch(here, beats, monkeypatch):
    epochs, stop_at = [], 2
    on_begin = command.ProgressBar.on_epoch_begin

    def spy(self, epoch, logs=None):
        on_begin(self, epoch, logs)
        if epoch == stop_at:
            raise Stop
        epochs.append(epoch)

    monkeypatch.setattr(command.ProgressBar, "on_epoch_begin", spy)
    with pytest.raises(Stop):
        command.run_study(1, ["beat"], beats=beats, **here)
    assert epochs == [0, 1] and not (here["results"] / "reference.json").exists()
    stop_at = None
    command.run_study(1, ["beat"], beats=beats, **here)
    assert epochs == [0, 1, 2]
    assert not list((Path(here["results"]).parent / "cache" / "reference").iterdir())  # nothing stays


def test_another_recipe_makes_all_runs_anew(here, beats, capsys):
    command.run_study(1, ["beat"], beats=beats, **here)
    found = command.run_study(1, ["beat"], beats=beats, **here | {"recipe": RECIPE | {"epochs": 2}})
    assert "another recipe" in capsys.readouterr().out and found["runs"][0]["epochs"] == 2


def test_simulated_beats_never_become_the_reference(here, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    with pytest.raises(DataError, match="needs real recordings, not simulated beats"):
        command.run_study(1, ["beat"], **here)
    assert not here["weights"].exists() and not here["results"].exists()


def test_a_damaged_results_file_is_named(here, beats):
    here["results"].mkdir()
    (here["results"] / "reference.json").write_text('{"recipe": ')
    with pytest.raises(DataError, match="reference.json is damaged. Delete it"):
        command.run_study(1, ["beat"], beats=beats, **here)


def test_a_network_may_read_two_signals_and_numbers_besides():
    model = cnn_lstm(**TINY, width=96, channels=2, numbers=6)
    probabilities = model.predict([np.zeros((3, 96, 2)), np.zeros((3, 6))], verbose=0)
    assert probabilities.shape == (3, 5) and [i.shape for i in model.inputs] == [(None, 96, 2), (None, 6)]
    moved = model.predict([np.zeros((3, 96, 2)), np.eye(3, 6)], verbose=0)
    assert np.abs(moved - probabilities).max() > 1e-4  # the numbers count


def test_noise_is_added_in_training_alone():
    model, beats = cnn_lstm(**TINY, noise=0.5), np.zeros((2, 187, 1), dtype=np.float32)
    noisy = model.get_layer("beat_noise")
    assert np.std(noisy(beats, training=True)) > 0.4 and not np.any(noisy(beats, training=False))


# ---- what was measured


def test_the_reference_reaches_its_targets():
    found = load_results("reference")
    assert found["recipe"] == command.RECIPE, "the recipe changed: run `make reference` again"
    for split, least in (("published", 0.92), ("beat", 0.93)):
        by_beat = found["summary"][split]
        assert by_beat["seeds"] >= 5
        assert by_beat["macro-F1"]["mean"] >= least and by_beat["accuracy"]["mean"] >= 0.987
    assert all(run["source"] == "physionet" for run in found["runs"])
    assert {run["parameters"] for run in found["runs"]} == {cnn_lstm().count_params()}


def test_the_chapters_network_needs_a_fifth_of_the_usual_ones_time():
    found = load_results("benchmark")
    networks = found["networks"]
    assert networks["chapter 3"]["reached"] and networks["chapter 3"]["seconds"] <= 240
    assert (
        found["time ratio"] == round(networks["usual"]["seconds"] / networks["chapter 3"]["seconds"], 1) >= 5
    )


def test_the_benchmark_races_the_network_of_chapter_3():
    """bench.py and the chapter state the same sizes and the same schedule."""
    cells = {c["id"]: "".join(c["source"]) for c in json.loads(CHAPTER.read_text())["cells"]}
    chapter = {}
    exec(cells["sizes"] + "\n" + cells["plan"].splitlines()[0], chapter)
    assert (bench.SMALL, bench.EPOCHS, bench.BATCH) == (chapter["SMALL"], chapter["EPOCHS"], chapter["BATCH"])
    assert "CosineDecay(\n        2e-4" in cells["train"] and "warmup_target=4e-3" in cells["train"]


def test_results_that_do_not_exist_are_named():
    with pytest.raises(DataError, match="nothing.json does not exist"):
        load_results("nothing")


def test_a_network_that_was_tampered_with_is_refused(tmp_path, monkeypatch):
    """Its file is copied, one byte changed: the sum no longer fits."""
    folder = tmp_path / "weights"
    shutil.copytree(ROOT / "ecg_lessons" / "weights", folder)
    monkeypatch.setattr(models, "files", lambda package: tmp_path)
    assert load_pretrained("mitbih-context").count_params() == 4117
    content = bytearray((folder / "mitbih-context.weights.h5").read_bytes())
    content[-40] ^= 1
    (folder / "mitbih-context.weights.h5").write_bytes(content)
    with pytest.raises(DataError, match=r"mitbih-context\.weights\.h5 is not the network that ships"):
        load_pretrained("mitbih-context")


def test_a_network_that_is_saved_takes_its_place_in_the_sums(tmp_path):
    for name in ("b", "a", "b"):
        common.save_network(cnn_lstm(filters=(2, 2), units=2, dense=2), tmp_path / f"{name}.weights.h5")
    lines = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert sorted(line.split("  ")[1] for line in lines) == ["a.weights.h5", "b.weights.h5"]
    assert f"{storage.compute_sha256(tmp_path / 'b.weights.h5')}  b.weights.h5" in lines


def test_the_commands_options_are_read_and_no_seeds_refused(capsys):
    given = common.parse_arguments("name", "about", ["--seeds", "2", "--to", "x"], to={"help": "where"})
    assert (given.seeds, given.to) == (2, "x")
    with pytest.raises(SystemExit):
        common.parse_arguments("name", "about", ["--seeds", "0"])
    assert "must be at least 1" in capsys.readouterr().err
