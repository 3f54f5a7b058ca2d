"""Figures that are drawn more than once, all in the same style.

Colours are Okabe & Ito's, safe for colour-blind readers; figures carry a white background of
their own, so that they read the same on the light and on the dark page.
"""

import os

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import sklearn.metrics
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import ArrayLike, NDArray

from .beats import CLASS_OF, CLASSES, Beats
from .segment import beat_length
from .validation import check_labels, check_predicted, check_scores

PALETTE = {"N": "#0072B2", "S": "#E69F00", "V": "#D55E00", "F": "#CC79A7", "Q": "#009E73"}
INK = "#222222"
_WARNING = {"color": "#B00020", "weight": "bold", "fontsize": 9}
_PAPER, _THIN, _THICK = "#FFF9F8", "#F6D5D2", "#E8A9A4"
_STYLE = {
    "figure.figsize": (8, 3.5), "figure.dpi": 100, "savefig.dpi": 100,
    "figure.facecolor": "white", "figure.constrained_layout.use": True,
    "font.size": 12, "axes.titlesize": 13, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK,
    "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "legend.frameon": False, "lines.linewidth": 1.4,
    "axes.prop_cycle": mpl.cycler(color=[PALETTE[c] for c in "NVQFS"]),
}  # fmt: skip


def make_axes(rows=1, columns=1, width=8.0, height=3.5, **options):
    """A figure and its axes, as `matplotlib.pyplot.subplots`, in the course's style.

    Says "simulated" where ``ECG_LESSONS_SOURCE`` makes all data so.
    """
    mpl.rcParams.update(_STYLE)
    figure, ax = plt.subplots(rows, columns, figsize=(width, height), **options)
    if os.environ.get("ECG_LESSONS_SOURCE") == "simulated":  # whatever is drawn comes from there
        figure.text(0.995, 0.99, "simulated", ha="right", va="top", **_WARNING)
    return figure, ax


def draw_source_note(ax: Axes, source: str) -> Axes:
    """Write "simulated" across axes that show simulated data; leave others alone."""
    if source == "simulated":
        ax.text(0.99, 0.02, "simulated", transform=ax.transAxes, ha="right", va="bottom", **_WARNING)
    return ax


def draw_ecg_paper(ax: Axes, seconds: tuple, millivolts: tuple) -> Axes:
    """Rule the stretches (low, high) like ECG paper: small squares of 0.04 s by 0.1 mV, large ones of five.

    At 25 mm/s and 10 mm/mV a small square is 1 mm wide and high, and the axes keep that shape.
    """
    ax.set_facecolor(_PAPER)
    for squares, colour in ((1, _THIN), (5, _THICK)):
        line = {"color": colour, "lw": 0.5 + 0.06 * squares, "zorder": 0}
        ax.vlines(_list_multiples(0.04 * squares, *seconds), *millivolts, **line)
        ax.hlines(_list_multiples(0.1 * squares, *millivolts), *seconds, **line)
    ax.set(xlim=seconds, ylim=millivolts, aspect=0.4, xlabel="time (s)", ylabel="lead voltage (mV)")
    return ax


def _list_multiples(step, low, high):
    """The multiples of `step` from `low` to `high`, whatever the last bit of a division says."""
    return step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)


def plot_record(ax: Axes, record, annotation=None, start=0.0, seconds=6.0, lead=0) -> Axes:
    """`seconds` of a record from `start` (s) on ECG paper, with its annotations above it.

    `record` and `annotation` are as `fetch_record` returns them; `lead` is the number of a signal.
    """
    first, last = int(start * record.fs), int((start + seconds) * record.fs)
    if not 0 <= first < last <= record.sig_len:
        raise ValueError(f"the record has no seconds {start:g} to {start + seconds:g}")
    wave = record.p_signal[first:last, lead]
    low = np.floor(2 * wave.min()) / 2 - 0.2
    high = np.ceil(2 * wave.max()) / 2 + 0.7
    draw_ecg_paper(ax, (start, start + seconds), (low, high))
    ax.plot(np.arange(first, last) / record.fs, wave, color=INK, lw=1.1)
    if annotation is not None:
        inside = (annotation.sample >= first) & (annotation.sample < last)
        for sample, symbol in zip(annotation.sample[inside], np.array(annotation.symbol)[inside]):
            ax.text(sample / record.fs, high - 0.15, symbol, ha="center", va="top", weight="bold",
                    bbox={"color": "white", "alpha": 0.85, "pad": 0.6},
                    color=PALETTE.get(CLASS_OF.get(symbol), "#666666"))  # fmt: skip
    is_simulated = "simulated, of nobody" in (record.comments or [])
    return draw_source_note(ax, "simulated" if is_simulated else "physionet")


def plot_beats(ax: Axes, beats: Beats, colour=None, **line) -> Axes:
    """Beats overlaid, each drawn only as far as it goes (without its padding)."""
    line = {"lw": 0.9, "alpha": 0.8} | line
    for signal, label in zip(beats.signals, beats.labels):
        time = np.arange(beat_length(signal)) / beats.fs
        own = PALETTE[beats.classes[label]] if colour is None else colour
        ax.plot(time, signal[: len(time)], color=own, **line)
    ax.set(ylim=(-0.03, 1.05), xlabel="time (s)")
    return draw_source_note(ax, beats.source)


def plot_confusion(ax: Axes, labels: ArrayLike, predicted: ArrayLike, classes=CLASSES, percent=False) -> Axes:
    """Confusion matrix: how many beats of each class (row) were predicted as what (column).

    The colour is the share of the row; with `percent` it is written, too, instead of the number of beats.
    `labels`, `predicted` and `classes` are those of `metrics.classification_table`.
    """
    labels, predicted = check_predicted(labels, predicted, len(classes))
    counts = sklearn.metrics.confusion_matrix(labels, predicted, labels=np.arange(len(classes)))
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), n in np.ndenumerate(counts):
        text = f"{100 * share[row, column]:.1f}" if percent else n
        colour = "white" if share[row, column] > 0.5 else INK
        ax.text(column, row, text, ha="center", va="center", fontsize=11, color=colour)
    ax.set_xticks(range(len(classes)), classes)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="called", ylabel="class")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _iterate_classes(labels, probabilities, classes):
    """(name, which beats are of it, all beats' probabilities for it) of each class that has a beat."""
    labels, probabilities = check_labels(labels, len(classes)), np.asarray(probabilities)
    check_scores(labels, probabilities, len(classes))
    for y, name in enumerate(classes):
        if (labels == y).any():
            yield name, labels == y, probabilities[:, y]


def plot_pr(ax: Axes, labels: ArrayLike, probabilities: ArrayLike, classes=CLASSES) -> Axes:
    """Precision-recall curve of each class that has a beat; the dotted line is its prevalence.

    Labels have the shape (n,), probabilities (n, number of classes).
    """
    for name, is_class, scores in _iterate_classes(labels, probabilities, classes):
        precision, recall, _ = sklearn.metrics.precision_recall_curve(is_class, scores)
        area = sklearn.metrics.average_precision_score(is_class, scores)
        ax.plot(recall, precision, color=PALETTE.get(name), label=f"{name}  {area:.2f}", lw=1.8)
        ax.axhline(is_class.mean(), color=PALETTE.get(name), ls=":", lw=1)
    ax.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="sensitivity", ylabel="positive predictivity")
    # beside the curves: inside, it would lie on one of them or on a prevalence
    ax.legend(title="class, area", loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def plot_roc(ax: Axes, labels: ArrayLike, probabilities: ArrayLike, classes=CLASSES) -> Axes:
    """ROC curve of each class: its sensitivity over the false alarms among all other beats.

    The diagonal is chance, whatever the prevalence. Parameters are those of `plot_pr`.
    """
    ax.plot([0, 1], [0, 1], color="#999999", ls=":", lw=1)
    for name, is_class, scores in _iterate_classes(labels, probabilities, classes):
        false_alarms, sensitivity, _ = sklearn.metrics.roc_curve(is_class, scores)
        area = sklearn.metrics.roc_auc_score(is_class, scores)
        ax.plot(false_alarms, sensitivity, color=PALETTE.get(name), label=f"{name}  {area:.3f}", lw=1.8)
    ax.set(xlim=(-0.01, 1), ylim=(0, 1.02), xlabel="false positive rate", ylabel="sensitivity")
    ax.legend(title="class, area", loc="lower right")
    return ax


def plot_reliability(ax: Axes, table, color=INK, **line) -> Axes:
    """Accuracy over confidence, from `metrics.reliability_table`; the area of a dot is its beats."""
    ax.plot([0, 1], [0, 1], color="#999999", ls=":", lw=1, zorder=0)
    ax.plot(table["confidence"], table["accuracy"], color=color, **line)
    size = 200 * table["beats"] / table["beats"].max()
    ax.scatter(table["confidence"], table["accuracy"], s=np.maximum(size, 12), color=color, alpha=0.8)
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share that is right")
    return ax


def plot_by_patient(ax: Axes, labels, predicted, patients, classes=CLASSES, least=5) -> Axes:
    """Sensitivity of each class, with a dot for each patient with at least `least` beats of it.

    A dot's area is the number of beats; the bar is the sensitivity over all beats. The sideways scatter
    means nothing. `classes` are the first ones of the labels' classes.
    """
    labels, predicted = check_predicted(labels, predicted, len(CLASSES))
    rng = np.random.default_rng(0)
    for x, name in enumerate(classes):
        found = predicted[labels == x] == x
        if len(found) == 0:
            continue
        _, owner, n_beats = np.unique(patients[labels == x], return_inverse=True, return_counts=True)
        sensitivity, many = np.bincount(owner, found) / n_beats, n_beats >= least
        aside = x + rng.uniform(-0.28, 0.28, many.sum())
        area = 15 + 185 * n_beats[many] / n_beats.max()
        ax.scatter(aside, sensitivity[many], s=area, color=PALETTE[name], alpha=0.6, lw=0)
        ax.plot([x - 0.38, x + 0.38], [found.mean()] * 2, color=INK, lw=2.4)
    ax.set(xlim=(-0.6, len(classes) - 0.4), ylim=(-0.04, 1.04), xlabel="class", ylabel="sensitivity")
    ax.set_xticks(range(len(classes)), classes)
    return ax


def plot_saliency(ax: Axes, signal: NDArray, weight: NDArray, fs=120.0) -> Axes:
    """A beat (n,), each stretch in the colour of what it contributed to a prediction.

    `weight` (n,) is the contribution of each sample: red speaks for the prediction, blue against it; the
    largest one is in full colour. `fs` is the sampling frequency in Hz.
    """
    time, limit = np.arange(len(signal)) / fs, np.abs(weight).max() or 1
    points = np.stack([time, signal], axis=1)
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    lines = LineCollection(pieces, cmap="coolwarm", lw=3.2, capstyle="round")
    lines.set(array=(weight[:-1] + weight[1:]) / 2, clim=(-limit, limit))
    ax.plot(time, signal, color="#BBBBBB", lw=0.8, zorder=0)  # a pale stretch stays in sight
    ax.add_collection(lines)
    ax.set(xlim=(0, time[-1]), xlabel="time (s)")
    return ax


def draw_f1_lines(ax: Axes, levels=(0.5, 0.6, 0.7, 0.8, 0.9)) -> Axes:
    """Lines of equal F1 behind a plot of positive predictivity (y) over sensitivity (x)."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    x = np.linspace(max(left, 1e-3), right, 400)
    for level in levels:
        with np.errstate(divide="ignore"):
            y = np.where(2 * x > level, level * x / np.abs(2 * x - level), np.inf)
        inside = (y > low) & (y < high)
        if inside.any():
            ax.plot(x[inside], y[inside], color="#BBBBBB", lw=0.8, zorder=0)
            ax.text(x[inside][-1], y[inside][-1], f" F1 {level:g}", color="#777777", fontsize=9, va="center")
    ax.set(xlim=(left, right), ylim=(low, high))
    return ax


def plot_tensor(axs, signal: NDArray, tensor: NDArray, field=None, fs=120.0, step=None):
    """A beat and, below it on the same time axis, what a layer made of it.

    Parameters
    ----------
    axs : (Axes, Axes)
    signal, tensor : float arrays (187,), (steps, filters)
        The tensor is drawn with one column for each step; bright is large.
    field : (float, float), optional
        A stretch of the beat to shade, in s: what one step sees.
    step : int, optional
        Samples from one step of the tensor to the next; default: the steps fill the beat.
    """
    top, bottom = axs
    seconds = len(signal) / fs
    top.plot(np.arange(len(signal)) / fs, signal, color=INK)
    if field is not None:
        top.axvspan(*field, color=PALETTE["S"], alpha=0.35, lw=0)
    top.set(xlim=(0, seconds), xticklabels=[])
    end = seconds if step is None else len(tensor) * step / fs  # pooling drops what fills no window
    extent = (0, end, tensor.shape[1], 0)
    bottom.imshow(tensor.T, aspect="auto", cmap="viridis", extent=extent, interpolation="nearest")
    bottom.set(xlim=(0, seconds), xlabel="time (s)", ylabel="filter")
    return axs


def plot_history(ax: Axes, history, name="loss", **line) -> Axes:
    """A quantity over the epochs: thin in training, thick on the validation beats.

    `history` is what Keras's ``fit`` returns as ``.history``, or a DataFrame of it; ``val_`` before the
    `name` says what was measured on the validation beats.
    """
    epochs = np.arange(1, len(history[name]) + 1)
    (thin,) = ax.plot(epochs, history[name], **{"lw": 1.1, "ls": "--", "label": "training"} | line)
    if f"val_{name}" in history:
        line = {"lw": 2.2, "label": "validation"} | line | {"color": thin.get_color(), "ls": "-"}
        ax.plot(epochs, history[f"val_{name}"], **line)
    ax.set(xlabel="epoch", ylabel=name)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax
