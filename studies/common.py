"""What the studies share: their command line, their results files, the networks that they ship."""

import argparse
import json
import os
import platform
from pathlib import Path

import numpy as np

from ecg_lessons import DataError
from ecg_lessons.metrics import classification_table, compute_scores
from ecg_lessons.models import cnn_lstm, keras
from ecg_lessons.storage import compute_sha256, open_for_writing
from studies.parallel import run_each

ROOT = Path(__file__).parents[1]
RESULTS, WEIGHTS = ROOT / "results", ROOT / "ecg_lessons" / "weights"


def make_schedule(rate, rising, falling):
    """A learning rate that rises for `rising` steps, then falls along a cosine to 0 in `falling`."""
    return keras.optimizers.schedules.CosineDecay(rate / 20, falling, warmup_target=rate, warmup_steps=rising)


def measure_network(model, beats, arrays=None, over=None):
    """Accuracy, macro-F1, the report of each class and the confusion matrix on `beats`.

    `arrays` is what the network reads, where that is not the beats' signals; `over` as for `compute_scores`.
    """
    arrays = beats.signals[..., None] if arrays is None else arrays
    return measure_predictions(beats, model.predict(arrays, batch_size=1024, verbose=0).argmax(1), over)


def measure_predictions(beats, predicted, over=None):
    """The same, of what was predicted."""
    from sklearn.metrics import confusion_matrix

    report = classification_table(beats.labels, predicted, beats.classes)
    both = compute_scores(beats.labels, predicted, beats.classes, over)
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


def save_network(model, path):
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


def describe_machine():
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


def summarize_runs(runs):
    """Mean and standard deviation over the seeds of one split or step."""
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


def read_runs(path, recipe):
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


def run_missing(function, wanted, done, *arguments):
    """(run, what ``function(*run, *arguments)`` gives) of each run that is wanted and not done, as it comes."""
    missing = [run for run in wanted if run not in done]
    return zip(missing, run_each(function, ((*run, *arguments) for run in missing), seeded=True))


def add_run(path, found, run, by):
    """Add one run to what was found, bring the summary of its `by`, "split" say, up to date, and write both."""
    found["runs"].append(run)
    found["summary"][run[by]] = summarize_runs([r for r in found["runs"] if r[by] == run[by]])
    write_results(path, found)


def check_real(what, beats):
    """The beats, for `what`, whose numbers and weights are published.

    Raises
    ------
    DataError
        If they are not real.
    """
    if beats.source != "physionet":
        raise DataError(f"{what} needs real recordings, not {beats.source} beats.")
    return beats


def parse_arguments(name, about, arguments=None, **more):
    """What ``python -m studies.NAME`` was given: ``--seeds``, ``--jobs`` and the options in `more`."""
    parser = argparse.ArgumentParser(prog=f"python -m studies.{name}", description=about)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0 on (default 5)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (default 1)")
    for option, settings in more.items():
        parser.add_argument(f"--{option}", **settings)
    given = parser.parse_args(arguments)
    for name in ("seeds", "jobs"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return given


def write_results(path, found):
    """Write what was measured, so that `load_results` can read it; whole or not at all."""
    with open_for_writing(path) as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())


def format_interval(interval):
    """An `Interval` as it is written down."""
    return {name: round(value, 6) for name, value in interval._asdict().items()}
