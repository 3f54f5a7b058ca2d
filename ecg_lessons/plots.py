"""Figures that are drawn more than once, in one look.

Colours are Okabe & Ito's, safe for colour-blind readers; figures carry a white background of
their own, so that they read the same on the light and on the dark page.
"""

import os

import numpy as np

from .beats import CLASS_OF
from .segment import beat_length

PALETTE = {"N": "#0072B2", "S": "#E69F00", "V": "#D55E00", "F": "#CC79A7", "Q": "#009E73"}
INK = "#222222"
_WARNING = {"color": "#B00020", "weight": "bold", "fontsize": 9}
_PAPER, _THIN, _THICK = "#FFF9F8", "#F6D5D2", "#E8A9A4"


def use_style():
    """Set matplotlib up for the course: large letters, one palette, no clutter."""
    import matplotlib as mpl

    mpl.rcParams.update({
        "figure.figsize": (8, 3.5), "figure.dpi": 100, "savefig.dpi": 100,
        "figure.facecolor": "white", "figure.constrained_layout.use": True,
        "font.size": 12, "axes.titlesize": 13, "axes.titlelocation": "left",
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK,
        "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
        "legend.frameon": False, "lines.linewidth": 1.4,
        "axes.prop_cycle": mpl.cycler(color=[PALETTE[c] for c in "NVQFS"]),
    })  # fmt: skip


def axes(rows=1, columns=1, width=8.0, height=3.5, **options):
    """A figure and its axes, as `matplotlib.pyplot.subplots`, in the course's style.

    Says "simulated" where ``ECG_LESSONS_SOURCE`` makes all data so.
    """
    import matplotlib.pyplot as plt

    use_style()
    figure, ax = plt.subplots(rows, columns, figsize=(width, height), **options)
    if os.environ.get("ECG_LESSONS_SOURCE") == "simulated":  # whatever is drawn comes from there
        figure.text(0.995, 0.99, "simulated", ha="right", va="top", **_WARNING)
    return figure, ax


def ecg_paper(ax, seconds, millivolts):
    """Rule `ax` like ECG paper: a small square is 0.04 s by 0.1 mV, a large one five of them.

    At 25 mm/s and 10 mm/mV a small square is 1 mm wide and high, and the axes keep that shape.

    Parameters
    ----------
    ax : matplotlib Axes
    seconds, millivolts : (low, high)
        What to show.
    """
    ax.set_facecolor(_PAPER)
    for step, colour in ((1, _THIN), (5, _THICK)):
        ax.vlines(_ruler(*seconds, 0.04 * step), *millivolts, color=colour, lw=0.5 + 0.06 * step, zorder=0)
        ax.hlines(_ruler(*millivolts, 0.1 * step), *seconds, color=colour, lw=0.5 + 0.06 * step, zorder=0)
    ax.set(xlim=seconds, ylim=millivolts, aspect=0.4, xlabel="time (s)", ylabel="lead voltage (mV)")
    return ax


def _ruler(low, high, step):
    return step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)


def plot_record(ax, record, annotation=None, start=0.0, seconds=6.0, lead=0):
    """A stretch of a record on ECG paper, with its annotations above it.

    Parameters
    ----------
    ax : matplotlib Axes
    record, annotation : wfdb.Record, wfdb.Annotation
        As `fetch_record` returns them.
    start, seconds : float
        Where to begin, and how much to show, in s.
    lead : int
        Which of the record's signals.
    """
    first, last = int(start * record.fs), int((start + seconds) * record.fs)
    if not 0 <= first < last <= record.sig_len:
        raise ValueError(f"the record has no seconds {start:g} to {start + seconds:g}")
    wave = record.p_signal[first:last, lead]
    low = np.floor(2 * wave.min()) / 2 - 0.2
    high = np.ceil(2 * wave.max()) / 2 + 0.7
    ecg_paper(ax, (start, start + seconds), (low, high))
    ax.plot(np.arange(first, last) / record.fs, wave, color=INK, lw=1.1)
    if annotation is not None:
        inside = (annotation.sample >= first) & (annotation.sample < last)
        for at, symbol in zip(annotation.sample[inside], np.array(annotation.symbol)[inside]):
            ax.text(at / record.fs, high - 0.15, symbol, ha="center", va="top", weight="bold",
                    bbox={"color": "white", "alpha": 0.85, "pad": 0.6},
                    color=PALETTE.get(CLASS_OF.get(symbol), "#666666"))  # fmt: skip
    return say_source(ax, "simulated" if "simulated, of nobody" in (record.comments or []) else "physionet")


def plot_beats(ax, beats, colour=None, **line):
    """Beats overlaid, each drawn only as far as it goes (without its padding)."""
    line = {"lw": 0.9, "alpha": 0.8} | line
    for signal, label in zip(beats.signals, beats.labels):
        end = beat_length(signal)
        name = beats.classes[label]
        ax.plot(
            np.arange(end) / beats.fs, signal[:end], color=PALETTE[name] if colour is None else colour, **line
        )
    ax.set(ylim=(-0.03, 1.05), xlabel="time (s)")
    return say_source(ax, beats.source)


def say_source(ax, source):
    """Write "simulated" across axes that show simulated data; leave others alone."""
    if source == "simulated":
        ax.text(0.99, 0.02, "simulated", transform=ax.transAxes, ha="right", va="bottom", **_WARNING)
    return ax
