"""Take the published heartbeat files apart: ``python -m studies.published``.

How many of the published test beats each guess at the recipe gives back, the checksum of the rebuilt test
file, and how close its beats are to the training file's. Writes ``results/published.json``; half a minute.
"""

import sys
from hashlib import sha256
from tempfile import TemporaryDirectory

import numpy as np

from ecg_lessons import DataError, fetch_mitbih, fetch_record, segment, write_published_csv
from ecg_lessons.beats import CLASS_OF
from ecg_lessons.data.published import restore_samples
from studies.common import RESULTS, check_real, write_results


def cut_by_guesses(name):
    """{guess at the recipe: the beats (n, 187) that it cuts}, of one record; each guess adds to the one before."""
    record, annotation = fetch_record(name)
    lead, every = record.p_signal[:, 0], annotation.sample
    peaks = every[np.isin(annotation.symbol, list(CLASS_OF))]
    then = restore_samples(name, every)

    def add_one(samples):
        """With one more annotation, as far from the last as that is from the one before."""
        return np.append(samples, 2 * samples[-1] - samples[-2])

    return {
        "as the paper describes it, at 125 Hz": segment(lead, peaks, recipe="resampled"),
        "every third sample, until after the next beat": segment(lead, peaks, annotations=add_one(peaks)),
        "until after the next annotation of any kind": segment(lead, peaks, annotations=add_one(every)),
        "the record's end for an annotation that is missing": segment(lead, peaks, annotations=every),
        "one beat of record 102 where it was in May 2018": segment(
            lead, restore_samples(name, peaks), annotations=then
        ),
    }


def count_equal(beats):
    """{guess: how many of the published test beats come out of it to the last bit}."""
    equal = {}
    for name in np.unique(beats.records):
        mine = beats[beats.records == name]
        for guess, cut in cut_by_guesses(name).items():
            is_equal = (cut == mine.signals).all(1)
            equal[guess] = equal.get(guess, 0) + int(is_equal[mine.folds == "test"].sum())
    return equal


def find_neighbours(beats):
    """(n, 2) of bool: whether the beat before, and the one after, is of the same record and in training."""
    is_train = np.pad(beats.folds == "train", 1)
    names = np.pad(beats.records.astype("U3"), 1)  # the beats of a record follow each other
    return np.stack(
        [is_train[place] & (names[place] == names[1:-1]) for place in (slice(-2), slice(2, None))], axis=1
    )


def take_apart(beats):
    """What ``published.json`` holds, of all beats that `fetch_mitbih` gives."""
    train, test = beats.published_folds()
    has_neighbour = find_neighbours(beats)[beats.folds == "test"]
    with TemporaryDirectory() as folder:
        content = write_published_csv(beats, folder)[1].read_bytes()
    return {
        "sha256": sha256(content).hexdigest(),
        "bytes": len(content),
        "test beats that come out": count_equal(beats),
        "beats": {
            fold: {name: int(n) for name, n in part.counts().items()} | {"all": len(part)}
            for fold, part in (("train", train), ("test", test))
        },
        "patients": {
            "train": len(set(train.patients)), "test": len(set(test.patients)),
            "both": len(set(train.patients) & set(test.patients)),
        },
        "share of the test beats with, in training": {
            "the beat before": round(float(has_neighbour[:, 0].mean()), 4),
            "the beat after": round(float(has_neighbour[:, 1].mean()), 4),
            "either of them": round(float(has_neighbour.any(1).mean()), 4),
        },
    }  # fmt: skip


def main():
    """The command."""
    try:
        found = take_apart(check_real("The study of the published files", fetch_mitbih()))
        write_results(RESULTS / "published.json", found)
    except DataError as error:
        return str(error)
    print(f"SHA-256 of the rebuilt mitbih_test.csv: {found['sha256']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
