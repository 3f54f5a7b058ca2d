"""Export what the live figures read: what ``make live`` calls.

You need it when the reference network or the simulator has changed. Writes ``weights.js`` (the reference network) and ``waves.js`` (the simulator's waves, and beats of simulated
patients) to ``book/_static/live/``, and the pictures that stand in for the figures where there is no
JavaScript. Both are JSON in a script: from a page opened as a file, a browser reads scripts and nothing else.
"""

import base64
import json
import sys
import zlib
from pathlib import Path

import numpy as np

from ecg_lessons import CLASSES, load_pretrained, load_results
from ecg_lessons.data import simulate
from ecg_lessons.plots import INK, PALETTE, draw_ecg_paper, make_axes
from ecg_lessons.segment import beat_length, segment
from ecg_lessons.storage import open_for_writing
from studies.common import write_results
from tools import cards

ROOT = Path(__file__).parents[1]
LIVE = ROOT / "book" / "_static" / "live"
NAMES = dict(
    zip(CLASSES, ("normal", "supraventricular ectopic", "ventricular ectopic", "fusion", "paced or unknown"))
)
PEOPLE = 200  # made-up people who are asked
# of P, Q, R, S and T
WAVE_COLOURS = ("#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#E69F00")


def weights(model):
    """The script that holds a `cnn_lstm`: its sizes, the shapes of its weights, and the weights.

    The weights are float32, packed so that they stay exact: the first bytes of all, then the second ones
    and so on, deflated, base64.
    """
    layers = {
        name: model.get_layer(name) for name in ("conv1", "conv2", "conv2_pool", "lstm", "dense", "output")
    }
    sizes = {
        "width": model.input_shape[1],
        "filters": [layers["conv1"].filters, layers["conv2"].filters],
        "kernels": [layers["conv1"].kernel_size[0], layers["conv2"].kernel_size[0]],
        "strides": layers["conv1"].strides[0],
        "pool": layers["conv2_pool"].pool_size[0],
        "units": layers["lstm"].forward_layer.units,
        "dense": layers["dense"].units,
        "classes": layers["output"].units,
    }
    learned = [layer for layer in model.layers if layer.weights]
    shapes = [[layer.name, *(list(array.shape) for array in layer.get_weights())] for layer in learned]
    numbers = np.concatenate([array.ravel() for layer in learned for array in layer.get_weights()])
    planes = np.ascontiguousarray(numbers.astype("<f4").view(np.uint8).reshape(-1, 4).T)
    data = base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()
    return script("ecgWeights", {"sizes": sizes, "shapes": shapes, "data": data})


def beats_of(person):
    """A beat of each class of a made-up person: the waves of it and its neighbours, and three intervals.

    It is the third of five; the four around it are N, and around a paced one paced.
    """
    for label, kind in enumerate(CLASSES):
        kinds = ["Q"] * 5 if kind == "Q" else ["N", "N", kind, "N", "N"]
        waves, peaks = simulate.draw_beat_waves(np.random.default_rng([7, person]), kinds)
        yield {
            "person": f"s{person:03d}", "label": label,
            "waves": np.moveaxis(waves[:, :, 1:4], 2, 0).round(5).tolist(),
            "intervals": np.diff(peaks[1:]).tolist(),
        }  # fmt: skip


def ask_people(model):
    """The beats of 200 made-up people, and the network's five probabilities of each: (200, 5, 5)."""
    people = [list(beats_of(person)) for person in range(1, PEOPLE + 1)]
    rows = np.stack([row(beat) for beats in people for beat in beats])
    return people, model.predict(rows[..., None], verbose=0).reshape(PEOPLE, len(CLASSES), -1)


def shown(answers):
    """Who is in the gallery: the first two people, the first whose S and the first whose F beat is called so
    with more than a half."""
    sure = np.einsum("pcc->pc", answers) > 0.5
    return [0, 1, *(int(sure[:, CLASSES.index(c)].argmax()) for c in "SF")]


def asked(answers):
    """What ``results/live.json`` holds: how many beats of each class (row) were called what (column)."""
    called = [np.bincount(column, minlength=len(CLASSES)).tolist() for column in answers.argmax(2).T]
    return {"people": PEOPLE, "called": called}


def waves(beats):
    """The script that holds the classes, the simulator's waves and the gallery."""
    classes = [{"letter": c, "name": NAMES[c], "colour": PALETTE[c]} for c in CLASSES]
    templates = {name: array.tolist() for name, array in simulate.WAVES.items()}
    return script(
        "ecgWaves", {"classes": classes, "waves": templates, "colours": WAVE_COLOURS, "gallery": beats}
    )


def script(name, content):
    return f'"use strict";\n\nconst {name} = {json.dumps(content, separators=(",", ":"))};\n'


def row(beat):
    """The published row of a beat of the gallery, without noise: float32 array (187,)."""
    peaks = simulate.FS + np.cumsum([0, *beat["intervals"]])
    three = np.moveaxis(np.array(beat["waves"]), 0, 2)
    fourth = np.concatenate(
        [three, np.zeros((3, 5, 1)) + [[[0]], [[0]], [[1]]]], axis=2
    )  # it only marks the end
    lead = simulate.convert_to_adc(simulate.draw_waves(fourth, peaks))
    return segment(lead, peaks)[1]


def gallery_picture(people, answers, path):
    """The gallery, and what the network says of each beat."""
    figure, grid = make_axes(len(CLASSES), len(people), width=7, height=8, sharex=True, sharey=True)
    for column, beats, probabilities in zip(grid.T, people, answers):
        column[0].set_title(beats[0]["person"], loc="center")
        for ax, beat, answer in zip(column, beats, probabilities):
            signal = row(beat)
            end = beat_length(signal)
            best = int(answer.argmax())
            right = best == beat["label"]
            ax.plot(np.arange(end) / 120, signal[:end], color=INK)
            ax.set(
                xlim=(0, 1.5),
                ylim=(-0.05, 1.45),
                xticks=[0, 0.5, 1, 1.5],
                xticklabels=["0", "", "1", ""],
                yticks=[],
            )
            said = f"{CLASSES[best]} {answer[best]:.0%} {'✓' if right else '✗'}"
            ax.text(0.75, 1.38, said, ha="center", va="top", color=INK if right else "#B00020")
    for ax, name in zip(grid[:, 0], CLASSES):
        ax.set_ylabel(name, rotation=0, ha="right", va="center", weight="bold", fontsize=16)
    figure.supxlabel("time (s)", fontsize=12)
    save(figure, path)


def anatomy_picture(path):
    """The waves of the simulator's normal beat, and their sum."""
    figure, ax = make_axes(width=6, height=6.2)
    draw_ecg_paper(ax, (-0.36, 0.56), (-0.7, 1.7))
    times = np.linspace(-0.36, 0.56, 500)
    heights, centres, spreads = simulate.WAVES["sinus"]
    each = heights * np.exp(-0.5 * ((times[:, None] - centres) / spreads) ** 2)
    for wave, (name, colour) in enumerate(zip("PQRST", WAVE_COLOURS)):
        ax.plot(times, np.where(np.abs(each[:, wave]) > 1e-3, each[:, wave], np.nan), "--", color=colour)
        ax.text(
            centres[wave], heights[wave], name, weight="bold", ha="center", va="center", zorder=3,
            bbox={"boxstyle": "circle", "facecolor": colour, "edgecolor": INK},
        )  # fmt: skip
    ax.plot(times, each.sum(1), color=INK, lw=1.8)
    save(figure, path)


def save(figure, path):
    import matplotlib.pyplot as plt

    with open_for_writing(path) as file:
        figure.savefig(file, format="png", metadata={"Software": None})
    plt.close(figure)


def main():
    model = load_pretrained("mitbih")
    people, answers = ask_people(model)
    write_results(ROOT / "results" / "live.json", asked(answers))
    chosen = shown(answers)
    people, answers = [people[i] for i in chosen], answers[chosen]
    scripts = {"weights.js": weights(model), "waves.js": waves([beat for beats in people for beat in beats])}
    for name, text in scripts.items():
        with open_for_writing(LIVE / name) as file:
            file.write(text.encode())
    gallery_picture(people, answers, LIVE.parent / "gallery.png")
    anatomy_picture(LIVE.parent / "anatomy.png")
    cards.fill(load_results("evaluation"))
    for path in sorted(LIVE.rglob("*.*")):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
