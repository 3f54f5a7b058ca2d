"""How fast things are: what ``make bench`` calls. Writes ``results/benchmark.json``.

You need it after a change that could make reading, cutting or training slower, and before you say that one is
quicker. Run it on a quiet machine.

What is compared runs in this one process, one after the other; only ratios mean much elsewhere.
"""

import json
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_lessons import DataError, fetch_mitbih, write_published_csv
from ecg_lessons.metrics import compute_scores
from ecg_lessons.models import cnn_lstm, keras
from studies.common import describe_machine, write_results
from tools.run import ROOT, prepare

TARGET = 0.90  # macro-F1 on the validation beats, which both networks must reach
LIMIT = 40  # epochs that the usual network may take
# The network that chapter 3 trains, and how.
SMALL = {
    "filters": (32, 64), "kernels": (11, 5), "strides": 4, "pool": 4, "units": 64,
    "bidirectional": False, "dense": 64, "dropout": 0.1, "momentum": 0.9,
}  # fmt: skip
EPOCHS, BATCH = 16, 512


def usual():
    """The network of most public notebooks on these beats, compiled as there."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((187, 1)),
        layers.Conv1D(64, 6, activation="relu"), layers.MaxPooling1D(2),
        layers.Conv1D(64, 6, activation="relu"), layers.MaxPooling1D(2),
        layers.LSTM(64), layers.Dense(32, activation="relu"), layers.Dense(5, activation="softmax"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    return model


def ours(n_beats):
    steps = math.ceil(n_beats / BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        2e-4, (EPOCHS - 1) * steps, warmup_target=4e-3, warmup_steps=steps
    )
    model = cnn_lstm(**SMALL)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.02), "sparse_categorical_crossentropy")
    return model


class Race(keras.callbacks.Callback):
    """Stops when the validation beats reach the target; counts the seconds of training only."""

    def __init__(self, check):
        super().__init__()
        self.check, self.seconds, self.curve = check, 0.0, []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds += time.perf_counter() - self.start
        found = compute_scores(self.check.labels, predict(self.model, self.check))["macro-F1"]
        self.curve.append([round(self.seconds, 1), round(found, 4)])
        print(f"  epoch {epoch + 1}: {self.seconds:.0f} s, macro-F1 {found:.3f}", flush=True)
        self.model.stop_training = found >= TARGET


def predict(model, beats):
    return model.predict(beats.signals[..., None], batch_size=1024, verbose=0)


def race(name, build, batch, epochs, fit, check):
    """One network's way to the target."""
    print(name, flush=True)
    keras.utils.set_random_seed(0)
    model, clock = build(), Race(check)
    model.train_on_batch(fit.signals[:batch, :, None], fit.labels[:batch])  # not the compiling
    model.fit(
        fit.signals[..., None], fit.labels, batch_size=batch, epochs=epochs, callbacks=[clock], verbose=0
    )
    return {
        "parameters": model.count_params(),
        "batch": batch,
        "reached": clock.curve[-1][1] >= TARGET,
        "epochs": len(clock.curve),
        "seconds": round(clock.seconds, 1),
        "beats per second": round(len(fit) * len(clock.curve) / clock.seconds),
        "curve": clock.curve,
    }


def throughput(model, beats, batch):
    """Beats a second that a trained network classifies, in batches of `batch`."""
    many = beats.signals[: max(batch * 8, 300), :, None]
    parts = [many[i : i + batch] for i in range(0, len(many), batch)]
    model.predict_on_batch(parts[0])
    start = time.perf_counter()
    for part in parts:
        model.predict_on_batch(part)
    return round(len(many) / (time.perf_counter() - start))


def loading():
    """Seconds to load all beats from the package's cache, and with pandas from the CSV files."""
    with tempfile.TemporaryDirectory() as folder:
        write_published_csv(fetch_mitbih(), folder)
        start = time.perf_counter()
        for path in sorted(Path(folder).rglob("mitbih_*.csv")):
            pd.read_csv(path, header=None)
        plain = time.perf_counter() - start
    start = time.perf_counter()
    np.asarray(fetch_mitbih().signals).sum()  # read, not only mapped
    cached = time.perf_counter() - start
    return {"pandas.read_csv": round(plain, 2), "fetch_mitbih": round(cached, 3)}


def main():
    try:
        if not prepare():
            return "The benchmark needs real recordings, and none are at hand."
        beats = fetch_mitbih()
    except DataError as error:
        return str(error)
    fit, check = beats.split(0.2)[0].split(0.1)
    small = race("chapter 3's network", lambda: ours(len(fit)), BATCH, EPOCHS, fit, check)
    large = race("the usual network", usual, 128, LIMIT, fit, check)
    found = {
        "machine": describe_machine(),
        "target": TARGET,
        "networks": {"chapter 3": small, "usual": large},
        # where the usual one never got there, it would have needed more
        "time ratio": round(large["seconds"] / small["seconds"], 1),
        "inference, beats per second": {
            name: {f"batch {n}": throughput(model, check, n) for n in (1, 1024)}
            for name, model in (
                ("chapter 3", cnn_lstm(**SMALL)),
                ("reference", cnn_lstm()),
                ("usual", usual()),
            )
        },
        "loading, seconds": loading(),
    }
    write_results(ROOT / "results" / "benchmark.json", found)
    print(json.dumps({k: v for k, v in found.items() if k != "networks"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
