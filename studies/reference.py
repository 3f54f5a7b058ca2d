"""Train the reference network: ``python -m ecg_lessons.reference --seeds 5``.

On the beat-level split (80/20, a tenth of the training beats for validation) and on DS1/DS2,
with each seed; writes ``results/reference.json`` after every run, and the first seed's weights.
A run that is stopped goes on from its last full epoch, and finished ones are not repeated.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from joblib import parallel_config

from ._parallel import each
from .errors import DataError
from .metrics import classification_table, scores
from .models import cnn_lstm, keras
from .physionet import fetch_mitbih
from .store import find_cache_dir, compute_sha256, write_results, open_for_writing

ROOT = Path(__file__).parents[1]
# Chosen on the validation beats of the beat-level split.
RECIPE = {
    "epochs": 20,
    "batch": 512,
    "rate": 3e-3,  # of AdamW, reached after the warm-up; falls along a cosine to 0
    "warm_up": 2,  # epochs
    "decay": 0.02,  # of the weights
    "average": 0.99,  # the weights that count are a running mean over some 100 steps
}
# What the network of each split is called.
SPLITS = {"beat": "mitbih", "patient": "mitbih-ds1"}


def parts(beats, split):
    """Training, validation and test beats of a split; no validation beats in "patient".

    There, nothing is chosen: the recipe is the one chosen on the other split.
    """
    if split == "beat":
        train, test = beats.split(0.2, by="beat", seed=0)
        return *train.split(0.1, by="beat", seed=0), test
    train, test = beats.inter_patient()
    return train, None, test


def schedule(rate, rising, falling):
    """A learning rate that rises for `rising` steps, then falls along a cosine to 0 in `falling`."""
    return keras.optimizers.schedules.CosineDecay(rate / 20, falling, warmup_target=rate, warmup_steps=rising)


def compiled(model, n_beats, recipe):
    """The model with loss and optimizer: AdamW, warm-up and cosine, averaged weights."""
    steps = -(-n_beats // recipe["batch"])
    falling = recipe["epochs"] - recipe["warm_up"]
    optimizer = keras.optimizers.AdamW(
        schedule(recipe["rate"], steps * recipe["warm_up"], steps * falling),
        weight_decay=recipe["decay"],
        clipnorm=1.0,
        use_ema=True,
        ema_momentum=recipe["average"],
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Epochs(keras.callbacks.Callback):
    """One line with a bar for each run."""

    def __init__(self, title):
        super().__init__()
        self.title, self.bar = title, None

    def on_epoch_begin(self, epoch, logs=None):
        """Draw the bar at the first epoch of this process."""
        from tqdm import tqdm

        if self.bar is None:  # a run that goes on starts where it was
            self.bar = tqdm(total=self.params["epochs"], initial=epoch, desc=self.title, unit="epoch")

    def on_epoch_end(self, epoch, logs=None):
        """Move it on."""
        self.bar.set_postfix({name: f"{value:.4f}" for name, value in (logs or {}).items()})
        self.bar.update()

    def on_train_end(self, logs=None):
        """Leave it where it is."""
        if self.bar is not None:
            self.bar.close()


def train(beats, seed, recipe, backup, title):
    """A trained network. `backup` is a folder that remembers a stopped run's last full epoch."""
    keras.utils.set_random_seed(seed)
    model = compiled(cnn_lstm(len(beats.classes)), len(beats), recipe)
    model.fit(
        beats.signals[..., None],
        beats.labels,
        epochs=recipe["epochs"],
        batch_size=recipe["batch"],
        callbacks=[keras.callbacks.BackupAndRestore(backup), Epochs(title)],
        verbose=0,
    )
    return model


def measured(model, beats, arrays=None, over=None):
    """Accuracy, macro-F1, the report of each class and the confusion matrix on `beats`.

    `arrays` is what the network reads, where that is not the beats' signals; `over` as for `scores`.
    """
    arrays = beats.signals[..., None] if arrays is None else arrays
    return told(beats, model.predict(arrays, batch_size=1024, verbose=0).argmax(1), over)


def told(beats, predicted, over=None):
    """The same, of what was predicted."""
    from sklearn.metrics import confusion_matrix

    report = classification_table(beats.labels, predicted, beats.classes)
    both = scores(beats.labels, predicted, beats.classes, over)
    return {
        **{name: round(value, 5) for name, value in both.items()},
        "classes": json.loads(report.round(5).to_json(orient="index")),
        "confusion": confusion_matrix(beats.labels, predicted, labels=range(len(beats.classes))).tolist(),
    }


def find_settings(model):
    """The arguments of `cnn_lstm` that give a network like this one, as its layers show."""
    layers = {layer.name: layer for layer in model.layers}
    convolutions = [layers["conv1"], layers["conv2"]]
    lstm = layers["lstm"]
    bidirectional = isinstance(lstm, keras.layers.Bidirectional)
    beat, *numbers = (tuple(tensor.shape) for tensor in model.inputs)
    return {
        "n_classes": layers["output"].units,
        "filters": [layer.filters for layer in convolutions],
        "kernels": [layer.kernel_size[0] for layer in convolutions],
        "strides": convolutions[0].strides[0],
        "pool": layers["conv2_pool"].pool_size[0] if "conv2_pool" in layers else 1,
        "units": (lstm.forward_layer if bidirectional else lstm).units,
        "bidirectional": bidirectional,
        "dense": layers["dense"].units,
        "dropout": layers["lstm_dropout"].rate,
        "momentum": layers["conv1_norm"].momentum,
        "width": beat[1],
        "channels": beat[2],
        "numbers": numbers[0][1] if numbers else 0,
        "noise": layers["beat_noise"].stddev if "beat_noise" in layers else 0.0,
    }


def save(model, path):
    """Write the network's weights to ``NAME.weights.h5``, and its settings and its sum into the files beside.

    Weights alone, and no optimizer: every version of Keras reads them, and the file is a quarter of the size.
    """
    name = path.name.removesuffix(".weights.h5")
    settings = find_settings(model)
    bare = cnn_lstm(**settings)
    bare.set_weights(model.get_weights())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"part-{path.name}")
    try:
        bare.save_weights(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    known = path.with_name("settings.json")
    networks = json.loads(known.read_text()) if known.exists() else {}
    lines = [f"{json.dumps(n)}: {json.dumps(s)}" for n, s in sorted((networks | {name: settings}).items())]
    with open_for_writing(known) as file:  # a line for each network
        file.write(("{\n" + ",\n".join(lines) + "\n}\n").encode())
    sums = path.with_name("SHA256SUMS")
    known = sums.read_text().splitlines() if sums.exists() else []
    others = [line for line in known if not line.endswith(f"  {path.name}")]
    with open_for_writing(sums) as file:
        lines = sorted([*others, f"{compute_sha256(path)}  {path.name}"])
        file.write("".join(f"{line}\n" for line in lines).encode())


def machine():
    """What the seconds were measured on."""
    import tensorflow as tf

    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.split(":")[1] for line in lines if "model name" in line] or [platform.processor()]
    return {
        "processor": f"{names[0].strip()}, {os.cpu_count()} cores",
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def summary(runs):
    """Mean and standard deviation over the seeds of one split."""
    columns = {
        "accuracy": [r["test"]["accuracy"] for r in runs],
        "macro-F1": [r["test"]["macro-F1"] for r in runs],
    }
    return {
        "seeds": len(runs),
        **{
            name: {"mean": round(float(np.mean(v)), 5), "std": round(float(np.std(v, ddof=len(v) > 1)), 5)}
            for name, v in columns.items()
        },
    }


def read(path, recipe):
    """What `path` holds already, if it was made with the same recipe."""
    fresh = {"recipe": recipe, "summary": {}, "runs": []}
    if not path.exists():
        return fresh
    try:
        before = json.loads(path.read_text())
        if before["recipe"] == recipe:
            return before
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path} is damaged. Delete it, or restore it with git, and run again.") from None
    print(f"{path} was made with another recipe; all runs are made anew.")
    return fresh


def real(what, beats):
    """The beats, for `what`, whose numbers and weights are published.

    Raises
    ------
    DataError
        If they are not real.
    """
    if beats.source != "physionet":
        raise DataError(f"{what} needs real recordings, not {beats.source} beats.")
    return beats


def run(seeds=5, splits=tuple(SPLITS), results=ROOT / "results", weights=ROOT / "ecg_lessons" / "weights",
        recipe=RECIPE, beats=None):  # fmt: skip
    """Make the runs that are missing, and write what they gave.

    Parameters
    ----------
    seeds : int
        Seeds 0 to `seeds` - 1.
    splits : sequence of "beat" or "patient"
    results, weights : Path
        Folders for ``reference.json`` and for the first seed's networks.
    recipe : dict
        As ``RECIPE``.
    beats : Beats, optional
        What to train on; default ``fetch_mitbih()``.

    Returns
    -------
    dict
        What ``reference.json`` holds.

    Raises
    ------
    DataError
        If there are no real beats, or the results file is damaged or cannot be written.
    """
    path = Path(results) / "reference.json"
    found = read(path, recipe)
    if beats is None:
        _real_beats()  # it is said before anything begins
    done = {(r["split"], r["seed"]) for r in found["runs"]}
    missing = [(split, seed) for split in splits for seed in range(seeds) if (split, seed) not in done]
    calls = ((*m, recipe, beats) for m in missing)
    for (split, seed), (written, model) in zip(missing, each(_run, calls, seeded=True)):
        if model:
            save(model, Path(weights) / f"{SPLITS[split]}.weights.h5")
        found["runs"].append(written)
        found["summary"][split] = summary([r for r in found["runs"] if r["split"] == split])
        write_results(path, found)
        shutil.rmtree(_backup(split, seed, written["beats"], recipe), ignore_errors=True)
    return found


def _run(split, seed, recipe, beats):
    """One run: what is written of it, and its network if that is kept."""
    beats = _real_beats() if beats is None else beats  # a worker has an environment of its own
    fit, validation, test = parts(beats, split)
    start = time.perf_counter()
    model = train(fit, seed, recipe, _backup(split, seed, len(fit), recipe), f"{split} split, seed {seed}")
    written = {
        "split": split, "seed": seed, "epochs": recipe["epochs"], "beats": len(fit),
        "seconds": round(time.perf_counter() - start), "parameters": model.count_params(), **machine(),
        "source": beats.source, "test": measured(model, test),
        **({"validation": measured(model, validation)} if validation else {}),
    }  # fmt: skip
    return written, None if seed else model


def _real_beats():
    return real("The reference network", fetch_mitbih())


def _backup(split, seed, n_beats, recipe):
    """Where a run that is stopped leaves its last full epoch."""
    return find_cache_dir() / "reference" / "-".join([split, str(seed), str(n_beats), *map(str, recipe.values())])


def parsed(name, about, arguments=None, **more):
    """What ``python -m ecg_lessons.NAME`` was given: ``--seeds``, ``--jobs`` and the options in `more`."""
    parser = argparse.ArgumentParser(prog=f"python -m ecg_lessons.{name}", description=about)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0 on (default 5)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (default 1)")
    for option, settings in more.items():
        parser.add_argument(f"--{option}", **settings)
    given = parser.parse_args(arguments)
    for name in ("seeds", "jobs"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return given


def main(arguments=None):
    """The command."""
    given = parsed(
        "reference",
        __doc__,
        arguments,
        splits={"nargs": "+", "choices": list(SPLITS), "default": list(SPLITS)},
        results={"type": Path, "default": ROOT / "results", "help": "folder of reference.json"},
        weights={"type": Path, "default": ROOT / "ecg_lessons" / "weights", "help": "folder of the networks"},
    )
    try:
        with parallel_config(n_jobs=given.jobs):
            found = run(given.seeds, given.splits, given.results, given.weights)
    except DataError as error:
        return str(error)
    for split, numbers in found["summary"].items():
        cells = [f"{n} {numbers[n]['mean']:.4f} ± {numbers[n]['std']:.4f}" for n in ("accuracy", "macro-F1")]
        print(f"{split} split, {numbers['seeds']} seeds: {', '.join(cells)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
