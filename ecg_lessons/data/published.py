"""The famous CSV files, as published on Kaggle: read, written, and their patients restored.

``shayanfazeli/heartbeat`` (Kachuee, Fazeli & Sarrafzadeh 2018, arXiv:1805.00794): no
header, 187 samples and the label in each row, the patient left out.
"""

from pathlib import Path

import numpy as np

from ..beats import CLASSES, DIAGNOSED, Beats
from ..errors import DataError
from ..storage import open_for_writing
from . import records
from .cache import cache_beats, hash_code, hash_files
from .csv_files import read_csv
from .kaggle import locate_csv_files
from .tracing import count_digits, trace_rows

FILES = {"train": "mitbih_train.csv", "test": "mitbih_test.csv"}
PTB_FILES = {name: f"ptbdb_{name}.csv" for name in DIAGNOSED}
FS = 120.0  # Hz; the files' own description says 125, chapter 1 shows why it is 120
PTB_FS = 125.0  # Hz, as described; 1000 Hz can be divided so, and nothing here has shown otherwise


def fetch_mitbih_csv(data_home=None) -> Beats:
    """The published MIT-BIH beats with their `folds` "train" and "test", patients restored where possible.

    The CSVs are looked for in the data directory and a Kaggle notebook's input (see `find_csv_files`), else
    downloaded with kagglehub. Parsed once, then cached.

    Where the raw records are at hand (data directory or cache), each beat is traced back to its record and
    annotation by its samples; beats without a match have patient None, and their number is printed. Raises a
    DataError if a file is missing, cannot be downloaded, or is not in the published form.
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


def _read_mitbih(paths, downloaded, folder):
    allowed = dict.fromkeys(paths, range(len(CLASSES)))
    signals, labels = zip(*_read_parts(paths, FILES, allowed, downloaded))
    n_beats = [len(part) for part in labels]
    digits = np.repeat([count_digits(part) for part in signals], n_beats)
    signals, labels, traced = np.concatenate(signals), np.concatenate(labels), {}
    if folder is not None:
        raw = (records.read_annotated_beats(folder, name) for name in records.list_records())
        names, samples = trace_rows(signals, labels, raw, digits)
        patients = np.array([name and records.find_patient(name) for name in names], dtype=object)
        traced = {"records": names, "patients": patients, "samples": samples}
    return Beats(signals, labels, folds=np.repeat(list(paths), n_beats), **traced)


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


def _find_records(data_home):
    """The folder of the raw records, if it takes no download; else None."""
    try:
        for home in (data_home, None):  # the CSVs may lie in a directory of their own
            if (folder := records.find_local_mitdb(home)[0]) is not None:
                return folder
        return records.download_mitdb() if records.find_cached_mitdb() else None  # checks and mends
    except DataError as error:
        print(f"The patients are not restored: {error}")
        return None


def write_kaggle_csv(train: Beats, test: Beats, folder) -> list:
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
