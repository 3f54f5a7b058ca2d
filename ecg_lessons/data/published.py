"""The famous CSV files, as published on Kaggle: read, written, and their patients restored.

``shayanfazeli/heartbeat`` (Kachuee, Fazeli & Sarrafzadeh 2018, arXiv:1805.00794): no
header, 187 samples and the label in each row, the patient left out.
"""

from functools import partial
from pathlib import Path

import numpy as np

from ..beats import DIAGNOSED, Beats
from ..errors import DataError
from ..storage import open_for_writing
from .cache import cache_beats, hash_code, hash_files
from .csv_files import WAY_OUT, read_csv
from .kaggle import locate_csv_files
from .records import (
    download_mitdb,
    find_cached_mitdb,
    find_local_mitdb,
    find_patient,
    list_records,
    read_annotated_beats,
)  # fmt: skip
from .tracing import count_digits, trace_rows

FILES = {"train": "mitbih_train.csv", "test": "mitbih_test.csv"}
PTB_FILES = {name: f"ptbdb_{name}.csv" for name in DIAGNOSED}
FS = 120.0  # Hz; the files' own description says 125, chapter 1 shows why it is 120
PTB_FS = 125.0  # Hz, as described; 1000 Hz can be divided so, and nothing here has shown otherwise


def fetch_mitbih_csv(data_home=None):
    """The published MIT-BIH beats with their `folds` "train" and "test", patients restored where possible.

    The CSVs are looked for in the data directory (see `find_csv_files`) and in what is attached to a
    Kaggle notebook, else downloaded with kagglehub: public, no account needed. Where Kaggle asks for
    one on Colab, an upload of ``kaggle.json`` is asked for. Parsed once, then cached.

    Where the raw records are at hand (data directory or cache), each row is traced back
    to its record and annotation by its samples; rows without a match have patient None, and
    their number is printed. Raises a DataError if a file is missing, cannot be downloaded, or is not in the
    published form.
    """
    paths, downloaded = locate_csv_files(data_home, FILES)
    folder = _find_records(data_home)
    code = hash_code("data/published", "data/csv_files", "data/tracing", "data/records", "segment")
    beats = cache_beats(
        f"kaggle-{hash_files(paths.values(), folder is not None, code)}",
        lambda: [_read_mitbih(paths, downloaded, folder)],
        fs=FS,
        source="kaggle",
        longest=max(map(len, FILES)),
    )
    if folder is not None:
        untraced = len(beats) if beats.samples is None else (beats.samples < 0).sum()
        if untraced:
            print(f"{untraced} of {len(beats)} Kaggle rows match no MIT-BIH annotation")
    return beats


def fetch_ptbdb_csv(data_home=None):
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


def _read_mitbih(paths, downloaded, folder):
    readers = {part: partial(read_csv, name=name) for part, name in FILES.items()}
    signals, labels = zip(*_read_parts(readers, paths, downloaded))
    n_rows = [len(y) for y in labels]
    beats = {"folds": np.repeat(list(paths), n_rows), "fs": FS, "source": "kaggle"}
    digits = np.repeat([count_digits(s) for s in signals], n_rows)
    signals, labels = np.concatenate(signals), np.concatenate(labels)
    if folder is not None:
        raw = (read_annotated_beats(folder, name) for name in list_records())
        names, samples = trace_rows(signals, labels, raw, digits)
        patients = [name and find_patient(name) for name in names]
        beats |= {"records": names, "patients": np.array(patients, dtype=object), "samples": samples}
    return Beats(signals, labels, **beats)


def _read_ptbdb(paths, downloaded):
    readers = {
        part: partial(_read_class, label=DIAGNOSED.index(part), name=name) for part, name in PTB_FILES.items()
    }
    signals, labels = zip(*_read_parts(readers, paths, downloaded))
    return Beats(np.concatenate(signals), np.concatenate(labels), classes=DIAGNOSED, fs=PTB_FS)


def _read_class(path, label, name):
    """`read_csv` for a file whose beats all have this label, 0 or 1."""
    signals, labels = read_csv(path, n_classes=2, name=name)
    if (labels != label).any():
        raise DataError(
            f"{path}, row {(labels != label).argmax() + 1}: the label is {1 - label}, but all beats of "
            f"this file should have {label}. {WAY_OUT}"
        )
    return signals, labels


def _read_parts(readers, paths, downloaded):
    """What each part's reader makes of its path: a list.

    Downloads that are not what was published are deleted, all of them, because kagglehub would trust them.
    """
    parts, errors = [], []
    for part, path in paths.items():
        try:
            parts.append(readers[part](path))
        except DataError as error:
            errors.append(error)
            if not downloaded or not _delete_file(path):
                raise
    if errors:
        raise DataError(
            f"{errors[0]} This copy came with the download, and has been deleted: run the cell again, and it "
            "is downloaded anew. If your network has a sign-in page, sign in with a browser first."
        ) from None
    return parts


def _delete_file(path):
    """Whether the file could be deleted; what Colab mounts is read-only."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def write_kaggle_csv(train, test, folder):
    """Write two sets of beats in the published form: sorted by class, without patients.

    Returns
    -------
    list of Path
        ``mitbih_train.csv`` and ``mitbih_test.csv`` in `folder`.
    """
    paths = [Path(folder) / name for name in FILES.values()]
    for path, beats in zip(paths, (train, test)):
        rows = np.column_stack([beats.signals, beats.labels])
        with open_for_writing(path) as file:
            np.savetxt(file, rows[np.argsort(beats.labels, kind="stable")], delimiter=",")
    return paths


def _find_records(data_home):
    """The folder of the raw records, if it takes no download; else None."""
    try:
        for home in (data_home, None):  # the CSVs may lie in a directory of their own
            if (folder := find_local_mitdb(home)[0]) is not None:
                return folder
        return download_mitdb() if find_cached_mitdb() else None  # checks and mends
    except DataError as error:
        print(f"The patients are not restored: {error}")
        return None
