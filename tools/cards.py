"""Measure the shipped networks and bring the pages' tables up to date: what ``make cards`` calls.

You need it after ``make reference``, or when a page gets a new table. Writes ``results/evaluation.json``, then the tables of the pages in ``book/`` that have a place for
them, from this and the other files in ``results/``: what stands between ``<!-- table: NAME -->`` and
``<!-- end -->``.
"""

import re
import sys

import numpy as np

from ecg_lessons import (
    CLASSES,
    DS2,
    DataError,
    fetch_mitbih,
    fetch_record,
    load_pretrained,
    load_results,
    make_beats,
    metrics,
)
from ecg_lessons.data.records import find_patient, list_records
from ecg_lessons.models import PRETRAINED
from ecg_lessons.storage import open_for_writing
from studies import staircase
from studies.common import ROOT, summarize_runs, write_results
from studies.reference import SPLITS, split_beats
from studies.staircase import CHOSEN

PAGES = [
    ROOT / "book" / f"{name}.md"
    for name in (
        "model_card",
        "dataset_card",
        "published_files",
        "checklist",
        "results",
        "timings",
        "try_it",
        "scale",
    )
]
RESULTS = ROOT / "results" / "evaluation.json"
OUTPUTS = ROOT / "tests" / "outputs.json"
ELDERLY = 65  # years: from here on a patient counts as old


def outputs(n=32):
    """{network: its probabilities of the same simulated beats and numbers}, to tell when one changes."""
    beats = make_beats(n, seed=5).signals[..., None]
    rng = np.random.default_rng(0)
    context = [rng.normal(size=(n, 96, 2)).astype(np.float32), rng.normal(size=(n, 12)).astype(np.float32)]
    return {
        name: load_pretrained(name).predict(context if name == "mitbih-context" else beats, verbose=0)
        for name in PRETRAINED
    }


def people():
    """{record: (age or None, sex)}, as the headers of the recordings say."""
    found = {}
    for name in list_records():
        age, sex = fetch_record(name)[0].comments[0].split()[:2]
        found[name] = (int(age) if int(age) >= 0 else None, sex)
    return found


def evaluated(beats, context, known):
    """What ``evaluation.json`` holds.

    Parameters
    ----------
    beats, context : Beats
        The same beats, cut by the published recipe and with context.
    known : dict
        As `people` returns it.
    """
    published, by_beat, by_patient = (split_beats(beats, split)[2] for split in SPLITS)
    own = context.inter_patient()[1]
    tests = {
        "mitbih-published": (published, published.signals[..., None]),
        "mitbih": (by_beat, by_beat.signals[..., None]),
        "mitbih-ds1": (by_patient, by_patient.signals[..., None]),
        "mitbih-context": (by_patient, staircase.make_inputs(CHOSEN, by_patient, own)),
    }
    networks = {}
    for name, (test, arrays) in tests.items():
        network = load_pretrained(name)
        probabilities = network.predict(arrays, batch_size=2048, verbose=0)
        networks[name] = {"parameters": network.count_params(), **measured(test, probabilities)}
    return {
        "networks": networks,
        # of the last one: it is the one that a new patient would meet
        "groups": {group: measured(test[mine], probabilities[mine])
                   for group, mine in groups(test.records, known).items()},
        "people": population(known),
        "data": described(beats),
    }  # fmt: skip


def measured(test, probabilities):
    """Each class and all together, with 95 % intervals by patient."""
    classes = {}
    table = metrics.classification_table(test.labels, probabilities)
    ranges = {
        name: metrics.bootstrap_interval(name, test.labels, probabilities, test.patients)
        for name in ("sensitivity", "positive predictivity", "F1")
    }
    for y, c in enumerate(CLASSES):
        if table.loc[c, "beats"]:
            owners = len(np.unique(test.patients[test.labels == y]))
            ends = {name: [rounded(part[y]) for part in found] for name, found in ranges.items()}
            classes[c] = {"beats": int(table.loc[c, "beats"]), "patients": owners, **ends}
    both = {
        name: [rounded(part) for part in metrics.bootstrap_interval(
            name, test.labels, probabilities, test.patients, over="NSVF")]
        for name in ("accuracy", "macro-F1")
    }  # fmt: skip
    return {
        "beats": len(test),
        "patients": len(np.unique(test.patients)),
        **both,
        "ECE": rounded(metrics.expected_calibration_error(test.labels, probabilities)),
        "Brier": rounded(metrics.brier_score(test.labels, probabilities)),
        "classes": classes,
    }


def rounded(value):
    return None if np.isnan(value) else round(float(value), 3)


def groups(records, known):
    """{name of a group of patients: which beats are theirs}."""
    ages = np.array([np.nan if known[r][0] is None else known[r][0] for r in records])
    sexes = np.array([known[r][1] for r in records])
    return {
        "women": sexes == "F",
        "men": sexes == "M",
        f"under {ELDERLY} years": ages < ELDERLY,
        f"{ELDERLY} years and older": ages >= ELDERLY,
    }


def population(known):
    """Ages and sexes of the 47 people, and of the 22 in DS2."""
    sets = {"all": known, "DS2": DS2}
    found = {}
    for name, records in sets.items():
        one_each = {find_patient(r): known[r] for r in sorted(records, reverse=True)}.values()
        ages = [age for age, _ in one_each if age is not None]
        found[name] = {
            "people": len(one_each), "women": sum(sex == "F" for _, sex in one_each),
            "youngest": min(ages), "median age": float(np.median(ages)), "oldest": max(ages),
            "age unknown": len(one_each) - len(ages),
        }  # fmt: skip
    return found


def described(beats):
    """Of each class: beats, people, and the share of the person with most."""
    found = {}
    for y, c in enumerate(beats.classes):
        _, n = np.unique(beats.patients[beats.labels == y].astype(str), return_counts=True)
        found[c] = {
            "beats": int(n.sum()), "share": rounded(n.sum() / len(beats)), "people": len(n),
            "largest share of one person": rounded(n.max() / n.sum()),
        }  # fmt: skip
    return found


# ---- from results to pages


def tables(found):
    """{name: Markdown table} of everything that a page may have."""
    made = {"data": rows(["class", "beats", "share", "people", "most from one person"], (
        [c, spaced(d["beats"]), percent(d["share"]), d["people"], percent(d["largest share of one person"])]
        for c, d in found["data"].items()))}  # fmt: skip
    made["people"] = rows(["", "people", "women", "age, median (range)", "age unknown"], (
        [name, p["people"], p["women"],
         f"{p['median age']:g} ({p['youngest']} to {p['oldest']})", p["age unknown"]]
        for name, p in found["people"].items()))  # fmt: skip
    for name, network in found["networks"].items():
        made[name] = rows(["class", "beats", "people", "sensitivity", "positive predictivity", "F1"], (
            [c, spaced(d["beats"]), d["patients"], *(interval(d[k]) for k in list(d)[2:])]
            for c, d in network["classes"].items()))  # fmt: skip
    made["networks"] = rows(
        ["network", "weights", "test beats", "people", "accuracy", "macro-F1", "ECE", "Brier"], (
            [f"`{name}`", spaced(n["parameters"]), spaced(n["beats"]), n["patients"],
             interval(n["accuracy"]), interval(n["macro-F1"]), f"{n['ECE']:.3f}", f"{n['Brier']:.3f}"]
            for name, n in found["networks"].items()))  # fmt: skip
    transfer = load_results("transfer")
    made["transfer"] = transfer_rows(transfer)
    made["elsewhere"] = rows([f"PTB Diagnostic, {transfer['elsewhere']['people']} people", "AUROC"], (
        [what, interval([transfer["elsewhere"][what][k] for k in ("value", "low", "high")])]
        for what in ("by person", "by recording")))  # fmt: skip
    for c in "VS":
        head = ["group", "people", f"{c} beats", "sensitivity", "positive predictivity"]
        made[f"groups-{c}"] = rows(head, (
            [name, g["patients"], spaced(g["classes"][c]["beats"]), interval(g["classes"][c]["sensitivity"]),
             interval(g["classes"][c]["positive predictivity"])]
            for name, g in found["groups"].items()))  # fmt: skip
    made |= published_tables()
    return made | reference_tables() | staircase_tables() | speed_tables() | scale_tables() | live_table()


def published_tables():
    """Which guesses at the published recipe hold, and what the two files have in them."""
    found = load_results("published")
    folds = rows(["file", *CLASSES, "beats", "patients"], (
        [f"`mitbih_{fold}.csv`", *(spaced(n) for n in counts.values()), found["patients"][fold]]
        for fold, counts in found["beats"].items()))  # fmt: skip
    steps = rows(["recipe", "test beats that come out"], (
        [guess, spaced(n)] for guess, n in found["test beats that come out"].items()))  # fmt: skip
    neighbours = rows(["of the test beats, so many have in the training file", "share"], (
        [which, percent(share)]
        for which, share in found["share of the test beats with, in training"].items()))  # fmt: skip
    runs = load_results("reference")["runs"]
    scores = rows(["test beats", "beats", "accuracy", "macro-F1", *CLASSES], (
        [which, *score_row(runs, split, part)] for which, split, part in (
            ("`mitbih_test.csv`", "published", "test"),
            ("those with a neighbour in training", "published", "test, neighbour in training"),
            ("those without one", "published", "test, no neighbour in training"),
            ("other patients, DS2", "patient", "test"),
        )))  # fmt: skip
    return {
        "published-steps": steps, "published-folds": folds, "published-neighbours": neighbours,
        "published-scores": scores,
    }  # fmt: skip


def score_row(runs, split, part):
    """Number of beats, scores and F1 of each class on one part of a split's test beats, over the seeds."""
    tests = [run[part] for run in runs if run["split"] == split]
    numbers = summarize_runs([{"test": test} for test in tests])
    n_beats = sum(of_class["beats"] for of_class in tests[0]["classes"].values())
    f1 = (f"{np.mean([test['classes'][c]['F1'] for test in tests]):.2f}" for c in CLASSES)
    return [spaced(n_beats), *(spread(numbers[name], 4) for name in ("accuracy", "macro-F1")), *f1]


def reference_tables():
    """The reference network: each split over its seeds, and each seed."""
    found = load_results("reference")
    names = {"published": "by beat, published", "beat": "by beat, our own", "patient": "by patient"}
    head = ["split", "seeds", "test beats", "accuracy", "macro-F1", *CLASSES]
    each = ["split", "seed", "accuracy", "macro-F1", *CLASSES]
    splits, seeds = [], []
    for split, name in names.items():
        splits.append([name, found["summary"][split]["seeds"], *score_row(found["runs"], split, "test")])
        for run in found["runs"]:
            if run["split"] == split:
                f1 = [f"{run['test']['classes'][c]['F1']:.3f}" for c in CLASSES]
                both = [f"{run['test'][score]:.4f}" for score in ("accuracy", "macro-F1")]
                seeds.append([name, run["seed"], *both, *f1])
    return {"reference": rows(head, splits), "reference-seeds": rows(each, seeds)}


def staircase_tables():
    """What each input is worth to a small network, on DS2."""
    found = load_results("staircase")
    body = []
    for step, numbers in found["summary"].items():
        runs = [run["test"]["classes"] for run in found["runs"] if run["step"] == step]
        f1 = [f"{np.mean([run[c]['F1'] for run in runs]):.2f}" for c in "NSVF"]
        body.append([step, numbers["seeds"], spread(numbers["macro-F1"], 3), *f1])
    return {"staircase": rows(["input", "seeds", "macro-F1", *"NSVF"], body)}


def speed_tables():
    """What the benchmark measured, and how long the chapters took when they were last executed."""
    found, last = load_results("benchmark"), load_results("timings")
    training = rows(["network", "weights", "epochs", "seconds", "beats a second"], (
        [name, spaced(n["parameters"]), n["epochs"], f"{n['seconds']:.0f}", spaced(n["beats per second"])]
        for name, n in found["networks"].items()))  # fmt: skip
    use = rows(["network", "one at a time", "1024 at a time"], (
        [name, *(spaced(n[batch]) for batch in ("batch 1", "batch 1024"))]
        for name, n in found["inference, beats per second"].items()))  # fmt: skip
    whole, slow = [], []
    for name, run in last.items():
        whole.append([name, run["date"], length(run["seconds"]), run["processor"], run["tensorflow"]])
        slow += [[name, f"`{cell}`", length(seconds)] for cell, seconds in run["cells"].items()]
    head = ["notebook", "date", "in all", "processor", "TensorFlow"]
    return {"speed-training": training, "speed-use": use, "timings": rows(head, whole),
            "timings-cells": rows(["notebook", "cell", "took"], slow)}  # fmt: skip


def scale_tables():
    """What more cores and a cluster are good for, and the memory that cutting beats takes."""
    found = load_results("scale")
    both = [found["records"], found["trainings"]]
    assert all(one["same"] and one["workers left"] == 1 for one in both)
    head = [f"{both[0]['pieces']} records of PTB-XL", f"{both[1]['pieces']} trainings"]
    times = rows(["", *head], (
        [way, *(length(one["seconds"][way]) for one in both)] for way in both[0]["seconds"]))  # fmt: skip
    memory = rows(["each record of MIT-BIH", "beats", "memory"], (
        [f"{one['times']} times" if one["times"] > 1 else "once", spaced(one["beats"]), f"{one['MB']}\u00a0MB"]
        for one in found["memory"]))  # fmt: skip
    return {"scale": times, "memory": memory}


def live_table():
    """What the network calls the simulated beats of the live figure."""
    found = load_results("live")
    body = [[f"**{c}**, of {found['people']} people", *row] for c, row in zip(CLASSES, found["called"])]
    return {"live": rows(["beats meant as", *(f"called {c}" for c in CLASSES)], body)}


def spread(numbers, digits):
    return f"{numbers['mean']:.{digits}f}\u00a0±\u00a0{numbers['std']:.{digits}f}"


def length(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}\u00a0min {seconds:02d}\u00a0s" if minutes else f"{seconds}\u00a0s"


def transfer_rows(found):
    """Of each rival: the seeds' range, the AUROC of their mean, and what the tuned network is ahead by."""

    def three(numbers, sign=""):
        low, high = (f"{numbers[end]:{sign}.3f}" for end in ("low", "high"))
        return f"{numbers['value']:{sign}.3f}\u00a0({low}\u00a0to\u00a0{high})"

    head = ["model", "seeds", "AUROC of their mean", "all tuned is ahead by"]
    age = ["age alone, no ECG", "–", three(found["age alone"]), "–"]
    return rows(head, [*(
        [name, " to ".join(f"{end:.3f}" for end in sorted({min(r["seeds"]), max(r["seeds"])})),
         three(r["mean of seeds"]), three(found["ahead"][name], "+") if name in found["ahead"] else "–"]
        for name, r in found["rivals"].items()), age])  # fmt: skip


def rows(head, body):
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def spaced(n):
    return f"{n:,}".replace(",", "\u202f")


def percent(share):
    return f"{100 * share:.1f} %"


def interval(three):
    value, low, high = three
    return "–" if value is None else f"{value:.2f}\u00a0({low:.2f}–{high:.2f})"


def filled(text, found):
    """A page's text with its tables renewed.

    Raises
    ------
    DataError
        If the page asks for a table that there is not.
    """
    made = tables(found)

    def table(match):
        if match[1] not in made:
            raise DataError(f"there is no table {match[1]!r}; there are {', '.join(made)}")
        return f"<!-- table: {match[1]} -->\n\n{made[match[1]]}\n\n<!-- end -->"

    return re.sub(r"<!-- table: ([\w-]+) -->.*?<!-- end -->", table, text, flags=re.S)


def fill(found):
    """Write the pages anew, with their tables."""
    for page in PAGES:
        text = filled(page.read_text(), found)
        with open_for_writing(page) as file:
            file.write(text.encode())


def main():
    from tools.run import prepare

    try:
        if not prepare():
            return "The cards need real recordings, and none are at hand."
        found = evaluated(fetch_mitbih(), fetch_mitbih(recipe="context"), people())
        write_results(RESULTS, found)
        lines = [f'"{name}": {np.round(kept, 7).tolist()}' for name, kept in outputs().items()]
        with open_for_writing(OUTPUTS) as file:
            file.write(("{\n" + ",\n".join(lines) + "\n}\n").encode())
        fill(found)
    except DataError as error:
        return str(error)
    print(f"Written: {RESULTS.relative_to(ROOT)}, {', '.join(p.name for p in PAGES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
