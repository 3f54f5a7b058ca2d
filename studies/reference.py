"""Train the reference network: ``python -m studies.reference --seeds 5``.

On the published split and on one drawn by beat, 80/20 (a tenth of the training beats of each for validation),
and on DS1/DS2, with each seed; writes ``results/reference.json`` after every run, and the first seed's weights.
A run that is stopped goes on from its last full epoch, and finished ones are not repeated.
"""

import math
import shutil
import sys
import time
from itertools import product
from pathlib import Path

from joblib import parallel_config

from ecg_lessons import DataError, fetch_mitbih
from ecg_lessons.models import cnn_lstm, keras
from ecg_lessons.storage import find_cache_dir
from studies.common import (
    RESULTS,
    WEIGHTS,
    add_run,
    check_real,
    describe_machine,
    make_schedule,
    measure_network,
    parse_arguments,
    read_runs,
    run_missing,
    save_network,
)
from studies.published import find_neighbours

# Chosen on the validation beats of the split "beat".
RECIPE = {
    "epochs": 20,
    "batch": 512,
    "rate": 3e-3,  # of AdamW, reached after the warm-up; falls along a cosine to 0
    "warm_up": 2,  # epochs
    "decay": 0.02,  # of the weights
    "average": 0.99,  # the weights that count are a running mean over some 100 steps
}
# What the network of each split is called.
SPLITS = {"published": "mitbih-published", "beat": "mitbih", "patient": "mitbih-ds1"}


def split_beats(beats, split):
    """Training, validation and test beats of a split; no validation beats in "patient".

    There, nothing is chosen: the recipe is the one chosen on the split by beat.
    """
    if split == "patient":
        train, test = beats.inter_patient()
        return train, None, test
    train, test = beats.published_folds() if split == "published" else beats.split(0.2, by="beat", seed=0)
    return *train.split(0.1, by="beat", seed=0), test


def compile_model(model, n_beats, recipe):
    """The model with loss and optimizer: AdamW, warm-up and cosine, averaged weights."""
    steps = math.ceil(n_beats / recipe["batch"])
    falling = recipe["epochs"] - recipe["warm_up"]
    optimizer = keras.optimizers.AdamW(
        make_schedule(recipe["rate"], steps * recipe["warm_up"], steps * falling),
        weight_decay=recipe["decay"],
        clipnorm=1.0,
        use_ema=True,
        ema_momentum=recipe["average"],
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class ProgressBar(keras.callbacks.Callback):
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


def train_network(beats, seed, recipe, backup, title):
    """A trained network. `backup` is a folder that remembers a stopped run's last full epoch."""
    keras.utils.set_random_seed(seed)
    model = compile_model(cnn_lstm(len(beats.classes)), len(beats), recipe)
    model.fit(
        beats.signals[..., None],
        beats.labels,
        epochs=recipe["epochs"],
        batch_size=recipe["batch"],
        callbacks=[keras.callbacks.BackupAndRestore(backup), ProgressBar(title)],
        verbose=0,
    )
    return model


def run_study(seeds=5, splits=tuple(SPLITS), results=RESULTS, weights=WEIGHTS,
        recipe=RECIPE, beats=None):  # fmt: skip
    """Make the runs that are missing, and write what they gave.

    Parameters
    ----------
    seeds : int
        Seeds 0 to `seeds` - 1.
    splits : sequence of "published", "beat" or "patient"
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
    found = read_runs(path, recipe)
    if beats is None:
        _fetch_real_beats()  # it is said before anything begins
    done = {(r["split"], r["seed"]) for r in found["runs"]}
    wanted = product(splits, range(seeds))
    for (split, seed), (written, model) in run_missing(_run_training, wanted, done, recipe, beats):
        if model:
            save_network(model, Path(weights) / f"{SPLITS[split]}.weights.h5")
        add_run(path, found, written, by="split")
        shutil.rmtree(_get_backup_folder(split, seed, written["beats"], recipe), ignore_errors=True)
    return found


def _run_training(split, seed, recipe, beats):
    """One run: what is written of it, and its network if that is kept."""
    beats = _fetch_real_beats() if beats is None else beats  # a worker has an environment of its own
    train, validation, test = split_beats(beats, split)
    start = time.perf_counter()
    backup = _get_backup_folder(split, seed, len(train), recipe)
    model = train_network(train, seed, recipe, backup, f"{split} split, seed {seed}")
    written = {
        "split": split, "seed": seed, "epochs": recipe["epochs"], "beats": len(train),
        "seconds": round(time.perf_counter() - start), "parameters": model.count_params(), **describe_machine(),
        "source": beats.source, "test": measure_network(model, test),
        **({"validation": measure_network(model, validation)} if validation else {}),
    }  # fmt: skip
    if split == "published":
        has_neighbour = find_neighbours(beats)[beats.folds == "test"].any(1)
        for has, name in ((True, "neighbour in training"), (False, "no neighbour in training")):
            if (mine := has_neighbour == has).any():  # of simulated beats, all have one
                written[f"test, {name}"] = measure_network(model, test[mine])
    return written, None if seed else model


def _fetch_real_beats():
    return check_real("The reference network", fetch_mitbih())


def _get_backup_folder(split, seed, n_beats, recipe):
    """Where a run that is stopped leaves its last full epoch."""
    name = "-".join([split, str(seed), str(n_beats), *map(str, recipe.values())])
    return find_cache_dir() / "reference" / name


def main(arguments=None):
    """The command."""
    given = parse_arguments(
        "reference",
        __doc__,
        arguments,
        splits={"nargs": "+", "choices": list(SPLITS), "default": list(SPLITS)},
        results={"type": Path, "default": RESULTS, "help": "folder of reference.json"},
        weights={"type": Path, "default": WEIGHTS, "help": "folder of the networks"},
    )
    try:
        with parallel_config(n_jobs=given.jobs):
            found = run_study(given.seeds, given.splits, given.results, given.weights)
    except DataError as error:
        return str(error)
    for split, numbers in found["summary"].items():
        cells = [f"{n} {numbers[n]['mean']:.4f} ± {numbers[n]['std']:.4f}" for n in ("accuracy", "macro-F1")]
        print(f"{split} split, {numbers['seeds']} seeds: {', '.join(cells)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
