"""What each thing that the published format throws away is worth: ``python -m studies.staircase``.

One network, four inputs, each with what the one before has and one thing more; and the last of them
with another notion of a usual RR interval. Trained on the patients of DS1, tested on those of DS2;
the last two also by cross-validation within DS1. Writes ``results/staircase.json`` after every run,
and the first seed's weights of the chosen step. Finished runs are not repeated.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
from joblib import parallel_config

from ecg_lessons import DataError, fetch_mitbih
from ecg_lessons.balance import class_weights
from ecg_lessons.features import compute_likeness, median_beats, rr_features
from ecg_lessons.models import cnn_lstm, keras
from ecg_lessons.segment import BEFORE
from studies.common import (
    RESULTS,
    WEIGHTS,
    add_run,
    check_real,
    describe_machine,
    make_schedule,
    measure_network,
    measure_predictions,
    parse_arguments,
    read_runs,
    run_missing,
    save_network,
    write_results,
)

STEPS = ("published beat", "+ RR intervals", "+ beat in context", "+ median beat", "mean for median RR")
CHOSEN = "+ median beat"  # on DS1; the last step differs from it in what counts as a usual RR interval
FOLDS, FOLD_SEEDS = 5, 3
CUTS = ("published", "context")
# Chosen on five folds of the patients of DS1.
RECIPE = {
    "network": {  # small: there are 21 patients to learn from
        "filters": [8, 16],
        "kernels": [11, 5],
        "units": 16,
        "bidirectional": False,
        "dense": 32,
        "momentum": 0.9,
        "dropout": 0.5,
        "noise": 0.15,
    },
    "before": 36,  # samples of the beat in context that are shown before its R peak: 0.3 s
    "after": 60,  # and from it on: 0.5 s
    "numbers": 5,  # the logarithms of the RR ratios times this: about unit spread
    "weights": 0.5,  # power of the balanced class weights
    "epochs": 6,
    "batch": 512,
    "rate": 3e-3,  # of AdamW, reached after the first epoch; falls along a cosine to 0
    "decay": 0.1,  # of the weights
}


def make_inputs(step, published, context, recipe=RECIPE):
    """What the network reads at a step: (n, width, channels), or a list of that and (n, numbers).

    Parameters
    ----------
    step : str
        One of ``STEPS``.
    published, context : Beats
        The same whole records, cut by either recipe.
    """
    level = STEPS.index(step)
    if level == 0:
        return published.signals[..., None]
    usual = "mean" if step == STEPS[-1] else "median"
    numbers = recipe["numbers"] * rr_features(context, usual)
    if level == 1:
        return [published.signals[..., None], numbers]
    shown = slice(BEFORE - recipe["before"], BEFORE + recipe["after"])
    beat = context.signals[:, shown]
    if level == 2:
        return [beat[..., None], numbers]
    signals = np.stack([beat, beat - median_beats(context)[:, shown]], axis=-1)
    return [signals, np.concatenate([numbers, compute_likeness(context)], axis=1)]


def make_network(arrays, recipe=RECIPE):
    """The network that reads such arrays. Not compiled."""
    signals, numbers = arrays if isinstance(arrays, list) else (arrays, None)
    return cnn_lstm(
        width=signals.shape[1],
        channels=signals.shape[2],
        numbers=0 if numbers is None else numbers.shape[1],
        **recipe["network"],
    )


def compile_model(model, n_beats, recipe=RECIPE):
    """The model with loss and optimizer: AdamW, an epoch of warm-up, then a cosine."""
    steps = math.ceil(n_beats / recipe["batch"])
    rate = make_schedule(recipe["rate"], steps, steps * (recipe["epochs"] - 1))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe["decay"], clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def train_network(arrays, labels, seed, recipe=RECIPE):
    """A network trained on what `make_inputs` gave."""
    keras.utils.set_random_seed(seed)
    model = compile_model(make_network(arrays, recipe), len(labels), recipe)
    model.fit(
        arrays,
        labels,
        epochs=recipe["epochs"],
        batch_size=recipe["batch"],
        class_weight=class_weights(labels, power=recipe["weights"]),
        verbose=0,
    )
    return model


def _cross_validate(step, seed, recipe, beats, n_folds):
    """What a step gives on whole patients of DS1 that it has not seen: as `measure_predictions`."""
    from sklearn.model_selection import StratifiedGroupKFold

    (train, train_context), _ = _split_halves(beats)
    arrays = make_inputs(step, train, train_context, recipe)
    predicted = np.zeros(len(train), dtype=int)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=1)
    for train_on, test in folds.split(predicted, train.labels, train.patients):
        model = train_network([part[train_on] for part in arrays], train.labels[train_on], seed, recipe)
        predicted[test] = model.predict([part[test] for part in arrays], batch_size=2048, verbose=0).argmax(1)
    return measure_predictions(train, predicted, over="NSVF")


def run_study(seeds=5, results=RESULTS, weights=WEIGHTS, recipe=RECIPE, beats=None):
    """Make the runs that are missing, and write what they gave.

    Parameters
    ----------
    seeds : int
        Seeds 0 to `seeds` - 1.
    results, weights : Path
        Folders for ``staircase.json`` and for the first seed's network of the chosen step.
    recipe : dict
        As ``RECIPE``.
    beats : (Beats, Beats), optional
        The same beats, cut by the published recipe and with context; default: MIT-BIH.

    Returns
    -------
    dict
        What ``staircase.json`` holds.

    Raises
    ------
    DataError
        If there are no real beats, or the results file is damaged or cannot be written.
    """
    path = Path(results) / "staircase.json"
    found = read_runs(path, recipe)
    if beats is None:
        _fetch_real_beats()  # it is said before anything begins
    done = {(r["step"], r["seed"]) for r in found["runs"]}
    wanted = [(step, seed) for seed in range(seeds) for step in STEPS]
    for (step, seed), (run, model) in run_missing(_run_training, wanted, done, recipe, beats):
        if model:
            save_network(model, Path(weights) / "mitbih-context.weights.h5")
        add_run(path, found, run, by="step")
        print(f"{step}, seed {seed}: macro-F1 {run['test']['macro-F1']:.3f}", flush=True)
    found.setdefault("folds", [])
    done = {(r["step"], r["seed"]) for r in found["folds"]}
    wanted = [(step, seed) for seed in range(min(seeds, FOLD_SEEDS)) for step in STEPS[-2:]]
    for (step, seed), test in run_missing(_cross_validate, wanted, done, recipe, beats, FOLDS):
        found["folds"].append({"step": step, "seed": seed, "test": test})
        write_results(path, found)
        print(f"{step}, within DS1, seed {seed}: {test['macro-F1']:.3f}", flush=True)
    return found


def _fetch_real_beats():
    return [check_real("The staircase", fetch_mitbih(recipe=cut)) for cut in CUTS]


def _split_halves(beats):
    """DS1 and DS2 by either recipe: (published, context), (published, context)."""
    cuts = _fetch_real_beats() if beats is None else beats  # a worker has an environment of its own
    return tuple(zip(*(cut.inter_patient() for cut in cuts)))


def _run_training(step, seed, recipe, beats):
    """One run: what is written of it, and its network if that is kept."""
    (train, train_context), (test, test_context) = _split_halves(beats)
    arrays = make_inputs(step, train, train_context, recipe)
    start = time.perf_counter()
    model = train_network(arrays, train.labels, seed, recipe)
    written = {
        "step": step, "seed": seed, "seconds": round(time.perf_counter() - start), "beats": len(train),
        "parameters": model.count_params(), **describe_machine(), "source": train.source,
        "test": measure_network(model, test, make_inputs(step, test, test_context, recipe), over="NSVF"),
    }  # fmt: skip
    return written, model if seed == 0 and step == CHOSEN else None


def main(arguments=None):
    """The command."""
    given = parse_arguments("staircase", __doc__, arguments)
    try:
        with parallel_config(n_jobs=given.jobs):
            found = run_study(given.seeds)
    except DataError as error:
        return str(error)
    for step, numbers in found["summary"].items():
        f1 = numbers["macro-F1"]
        print(f"{step}: macro-F1 over N, S, V, F {f1['mean']:.3f} ± {f1['std']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
