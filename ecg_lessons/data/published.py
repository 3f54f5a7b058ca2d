"""The famous CSV files, as published on Kaggle: read, their patients restored, and written bit for bit.

``shayanfazeli/heartbeat`` (Kachuee, Fazeli & Sarrafzadeh 2018, arXiv:1805.00794): no
header, 187 samples and the label in each row, the patient left out.
"""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from ..beats import CLASSES, DIAGNOSED, Beats
from ..errors import DataError
from .cache import cache_beats, hash_code, hash_files
from .csv_files import read_csv, write_csv
from .kaggle import locate_csv_files
from .records import find_patient
from .tracing import count_digits, trace_rows

FILES = {"train": "mitbih_train.csv", "test": "mitbih_test.csv"}
PTB_FILES = {name: f"ptbdb_{name}.csv" for name in DIAGNOSED}
FS = 120.0  # Hz; the files' own description says 125, chapter 1 shows why it is 120
PTB_FS = 125.0  # Hz, as described; 1000 Hz can be divided so, and nothing here has shown otherwise

# Which beat each row of the test file is: a line "record,sample" for each, in the file's own order.
_TEST_BEATS = Path(__file__).with_name("mitbih_test_beats.csv.xz")
# SHA-256 of that file's samples as float32, which no packing and no way of printing them changes. The file's own
# is f3fdb3fd318275e653fac082b617d8c1ef09fca619a0606dc22c863451c77333.
_TEST_SAMPLES = "d7230d57a048f15847e1ae37069c9f47381dee7dabdc3e7c14f59456126f398c"
# The files were made in May 2018; in July, PhysioNet moved one beat: {record: (sample today, sample then)}.
_MOVED = {"102": (590_262, 590_296)}


@cache
def _read_test_beats():
    """(records (21892,) of str, samples (21892,) of int) of the published test beats, in the file's order."""
    import pandas as pd

    table = pd.read_csv(_TEST_BEATS, dtype={"record": str})
    return table["record"].to_numpy(), table["sample"].to_numpy()


def find_folds(record, samples):
    """The published fold of each beat of a record of MIT-BIH, "train" or "test", by its sample number today."""
    names, in_test = _read_test_beats()
    return np.where(np.isin(samples, in_test[names == record]), "test", "train")


def restore_samples(record, samples):
    """The sample numbers of a record's annotations as they were when the published files were made."""
    today, then = _MOVED.get(record, (-1, -1))
    return np.where(samples == today, then, samples)


def write_published_csv(beats: Beats, folder) -> list:
    """Write beats as the published CSVs have them: by their folds, sorted by class, without patients.

    Of all beats that `fetch_mitbih` cuts, ``mitbih_test.csv`` is Kaggle's to the last bit: 102 892 400 bytes with
    the SHA-256 f3fdb3fd318275e653fac082b617d8c1ef09fca619a0606dc22c863451c77333. ``mitbih_train.csv`` holds the
    same 87 554 rows as Kaggle's, in the recordings' order: the original's, random within each class, is unknown.

    Returns
    -------
    list of Path
        ``mitbih_train.csv`` and ``mitbih_test.csv`` in `folder`.
    """
    row_of = {beat: row for row, beat in enumerate(zip(*_read_test_beats()))}
    written = []
    for part, name in zip(beats.published_folds(), FILES.values()):
        unknown = [None] * len(part)
        origin = zip(*(unknown if known is None else known for known in (part.records, part.samples)))
        rows = [row_of.get(beat, len(row_of)) for beat in origin]
        order = np.lexsort((np.array(rows), part.labels))
        written.append(Path(folder) / name)
        write_csv(written[-1], part.signals[order], part.labels[order])
    return written


def fetch_mitbih_csv(data_home=None, beats=None) -> Beats:
    """The published MIT-BIH beats with their `folds` "train" and "test", patients restored where possible.

    The CSVs are looked for in the data directory and a Kaggle notebook's input (see `find_csv_files`), else
    downloaded with kagglehub. Parsed once, then cached.

    The published test file is known by its samples, and so is the record and annotation of each of its rows.
    Other rows are traced among `beats`, those of `fetch_mitbih`, where these are given; rows without a match have
    patient None, and their number is printed. Raises a DataError if a file is missing, cannot be downloaded, or
    is not in the published form.
    """
    paths, downloaded = locate_csv_files(data_home, FILES)
    code = hash_code(
        "data/published", "data/csv_files", "data/tracing", "data/mitbih", "data/records", "segment"
    )
    found = cache_beats(
        f"kaggle-{hash_files(paths.values(), beats is not None, code)}",
        lambda: [_read_mitbih(paths, downloaded, beats)],
        fs=FS,
        source="kaggle",
        longest=max(map(len, FILES)),
    )
    if beats is not None:
        untraced = len(found) if found.samples is None else (found.samples < 0).sum()
        if untraced:
            print(f"{untraced} of {len(found)} Kaggle rows match no MIT-BIH annotation")
    return found


def fetch_ptbdb_csv(data_home=None) -> Beats:
    """The 14 552 published beats of PTB Diagnostic, found or downloaded as by `fetch_mitbih_csv`.

    Classes normal and abnormal; neither patients nor records are known.
    """
    paths, downloaded = locate_csv_files(data_home, PTB_FILES)
    code = hash_code("data/published", "data/csv_files")
    return cache_beats(
        f"kaggle-ptbdb-{hash_files(paths.values(), code)}",
        lambda: [_read_ptbdb(paths, downloaded)],
        fs=PTB_FS,
        source="kaggle",
        classes=DIAGNOSED,
    )


def _read_mitbih(paths, downloaded, beats):
    allowed = dict.fromkeys(paths, range(len(CLASSES)))
    signals, labels = zip(*_read_parts(paths, FILES, allowed, downloaded))
    is_published = hashlib.sha256(signals[1].tobytes()).hexdigest() == _TEST_SAMPLES
    n_beats = [len(part) for part in labels]
    digits = np.repeat([count_digits(part) for part in signals], n_beats)
    signals, labels, folds = np.concatenate(signals), np.concatenate(labels), np.repeat(list(paths), n_beats)
    records, samples = np.full(len(labels), None), np.full(len(labels), -1)
    n_open = len(labels)  # rows that are not known yet, the first ones
    if is_published:
        n_open = n_beats[0]
        records[n_open:], samples[n_open:] = _read_test_beats()
        beats = None if beats is None else beats[beats.folds == "train"]
    if beats is not None:
        origin = trace_rows(signals[:n_open], labels[:n_open], beats, digits[:n_open])
        rows = np.flatnonzero(origin >= 0)
        records[rows], samples[rows] = beats.records[origin[rows]], beats.samples[origin[rows]]
    patients = np.array([name and find_patient(name) for name in records])
    return Beats(signals, labels, patients, records, folds, samples)


def _read_ptbdb(paths, downloaded):
    allowed = {part: [DIAGNOSED.index(part)] for part in paths}
    signals, labels = zip(*_read_parts(paths, PTB_FILES, allowed, downloaded))
    return Beats(np.concatenate(signals), np.concatenate(labels), classes=DIAGNOSED)


def _read_parts(paths, names, allowed, downloaded):
    """(signals, labels) of each part's CSV: a list; `allowed` are the labels that it may have.

    Downloads that are not what was published are deleted, all of them, because kagglehub would trust them.
    """
    parts, errors = [], []
    for part, path in paths.items():
        try:
            parts.append(read_csv(path, names[part], allowed[part]))
        except DataError as error:
            if not downloaded:
                raise
            try:
                path.unlink()
            except OSError:  # what Colab mounts is read-only
                raise error from None
            errors.append(error)
    if errors:
        raise DataError(
            f"{errors[0]} This copy came with the download, and has been deleted: run the cell again, and it "
            "is downloaded anew. If your network has a sign-in page, sign in with a browser first."
        ) from None
    return parts
