"""The same beats from the other door: the CSV files published on Kaggle.

``shayanfazeli/heartbeat`` (Kachuee, Fazeli & Sarrafzadeh 2018, arXiv:1805.00794): no
header, 187 samples and the label in each row, the patient left out.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from . import _credentials, physionet, store
from ._published import DATASET, WAY_OUT, list_zip, read_csv
from ._tracing import count_digits, trace
from .beats import DIAGNOSED, Beats
from .errors import DataError, explain_os_error

_PINNED = f"{DATASET}/versions/1"  # its only version; naming it spares a look-up at each call
FILES = {"train": "mitbih_train.csv", "test": "mitbih_test.csv"}
PTB_FILES = {name: f"ptbdb_{name}.csv" for name in DIAGNOSED}
INPUT = Path("/kaggle/input")  # where a Kaggle notebook finds the data that is attached to it
FS = 120.0  # Hz; the files' own description says 125, chapter 1 shows why it is 120
PTB_FS = 125.0  # Hz, as described; 1000 Hz can be divided so, and nothing here has shown otherwise
_FOLDERS = ("kaggle", "archive", "heartbeat", ".")  # of the data directory
_ARCHIVES = ("archive.zip", "heartbeat.zip")  # as Kaggle's page and its programs name the download


def fetch(data_home=None):
    """The published MIT-BIH beats with their folds, patients restored where possible.

    The CSVs are looked for in the data directory (see `find_files`) and in what is attached to a
    Kaggle notebook, else downloaded with kagglehub: public, no account needed. Where Kaggle asks for
    one on Colab, an upload of ``kaggle.json`` is asked for. Parsed once, then cached.

    Where the raw records are at hand (data directory or cache), each row is traced back
    to its record and annotation by its samples; rows without a match have patient None, and
    their number is printed.

    Returns
    -------
    Beats
        `folds` "train" or "test"; `patients`, `records` and `samples` if traced.

    Raises
    ------
    DataError
        If a file is missing, cannot be downloaded, or is not in the published form.
    """
    paths, downloaded = _locate(data_home, FILES)
    records = _records_at_hand(data_home)
    code = store.fingerprint_code("kaggle", "_published", "_tracing", "physionet", "segment")
    beats = store.cached(
        f"kaggle-{store.fingerprint(paths.values(), records is not None, code)}",
        lambda: [_read(paths, downloaded, records)],
        fs=FS,
        source="kaggle",
        longest=max(map(len, FILES)),
    )
    if records is not None:
        untraced = len(beats) if beats.samples is None else (beats.samples < 0).sum()
        if untraced:
            print(f"{untraced} of {len(beats)} Kaggle rows match no MIT-BIH annotation")
    return beats


def fetch_ptbdb(data_home=None):
    """The published beats of the PTB Diagnostic ECG Database, from `PTB_FILES`.

    Found or downloaded as by `fetch`.

    Returns
    -------
    Beats
        14 552 beats, classes normal and abnormal; neither patients nor records are known.

    Raises
    ------
    DataError
        As `fetch`; also where a file holds beats of the other class.
    """
    paths, downloaded = _locate(data_home, PTB_FILES)
    return store.cached(
        f"kaggle-ptbdb-{store.fingerprint(paths.values(), store.fingerprint_code('kaggle', '_published'))}",
        lambda: [_read_ptbdb(paths, downloaded)],
        fs=PTB_FS,
        source="kaggle",
        classes=DIAGNOSED,
    )


def _read(paths, downloaded, records):
    readers = {part: partial(read_csv, name=name) for part, name in FILES.items()}
    signals, labels = zip(*_read_parts(readers, paths, downloaded))
    n_rows = [len(y) for y in labels]
    beats = {"folds": np.repeat(list(paths), n_rows), "fs": FS, "source": "kaggle"}
    digits = np.repeat([count_digits(s) for s in signals], n_rows)
    signals, labels = np.concatenate(signals), np.concatenate(labels)
    if records is not None:
        names, samples = trace(signals, labels, records, digits)
        people = [name and physionet.patient_of(name) for name in names]
        beats |= {"records": names, "patients": np.array(people, dtype=object), "samples": samples}
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
            if not downloaded or not _delete(path):
                raise
    if errors:
        raise DataError(
            f"{errors[0]} This copy came with the download, and has been deleted: run the cell again, and it "
            "is downloaded anew. If your network has a sign-in page, sign in with a browser first."
        ) from None
    return parts


def _delete(path):
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
        with store.writing(path) as file:
            np.savetxt(file, rows[np.argsort(beats.labels, kind="stable")], delimiter=",")
    return paths


def _records_at_hand(data_home):
    """The folder of the raw records, if it takes no download; else None."""
    try:
        for home in (data_home, None):  # the CSVs may lie in a directory of their own
            if (folder := physionet.local_mitdb(home)[0]) is not None:
                return folder
        return physionet.download_mitdb() if physionet.cached_mitdb() else None  # checks and mends
    except DataError as error:
        print(f"The patients are not restored: {error}")
        return None


def _locate(data_home, files):
    """(paths as from `find_files`, whether they are kagglehub's download)."""
    paths = find_files(data_home, files)
    return (paths, False) if paths else (_download(files), True)


def find_files(data_home, files):
    """Where the CSVs are at hand: in the data directory, or attached to a Kaggle notebook.

    Looked for in the data directory itself and in its folders kaggle, archive and heartbeat: each
    file as it is, as ``NAME.csv.zip``, as ``NAME.csv.gz``, or in ``archive.zip`` or
    ``heartbeat.zip``; upper case counts as lower case. Then in the folders of `INPUT`.

    Parameters
    ----------
    data_home : path or None
        As for `fetch_mitbih`.
    files : dict
        {part: name of its CSV}.

    Returns
    -------
    dict or None
        {part: path}, two parts having the same path where one zip holds both; None if there are none.

    Raises
    ------
    DataError
        If the data directory has some of the files and not the others, or cannot be read.
    """
    home = store.data_home(data_home)
    lacking = None
    for folder in [home / name for name in _FOLDERS] if home else []:
        paths = _files_in(folder, files)
        if len(paths) == len(files):
            return paths
        if paths:
            lacking = lacking or next(folder / name for part, name in files.items() if part not in paths)
    if lacking:
        raise DataError(
            f"{lacking} is missing. Copy it from kaggle.com/datasets/{DATASET}, or delete "
            "the other CSV so that both are downloaded."
        )
    attached = [INPUT / "heartbeat", INPUT / "datasets" / DATASET, *sorted(INPUT.glob("*"))]
    return next((p for folder in attached if len(p := _files_in(folder, files)) == len(files)), None)


def _files_in(folder, files):
    """{part: path} of those `files` that lie in the folder, packed or not."""
    try:
        there = {path.name.lower(): path for path in sorted(folder.iterdir())}  # of two, the lower-case one
        paths = {}
        for part, name in files.items():
            for path in (there.get(name + ending) for ending in ("", ".zip", ".gz")):
                if path and path.is_file():
                    paths.setdefault(part, path)
        for archive in filter(None, map(there.get, _ARCHIVES)):
            if len(paths) < len(files) and archive.is_file():
                held = list_zip(archive)
                paths |= {part: archive for part, name in files.items() if part not in paths and name in held}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise DataError(explain_os_error(error, folder)) from None
    return paths


def _download(files, upload=None):
    """{part: path} in kagglehub's cache, downloaded if need be; with an account that was uploaded, if any."""
    import kagglehub

    try:
        return {part: Path(kagglehub.dataset_download(_PINNED, path=name)) for part, name in files.items()}
    except Exception as caught:  # what kagglehub raises itself has no class in common
        error = caught
    account = _credentials.find_account()
    refused = _is_refusal(error) or (account.problem and not _is_unreachable(error))
    if refused and not upload and not account.wins and "google.colab" in sys.modules:
        return _download(files, _credentials.ask_for_account(account))
    if upload and _is_refusal(error):
        upload.take_back()
    reason = _credentials.explain_refusal(account, DATASET) if refused else _explain_download(error, files)
    if INPUT.is_dir() and "google.colab" not in sys.modules:  # which mounts there, too
        reason += f' In a Kaggle notebook, press "Add Input" and choose {DATASET}; it needs no download.'
    raise DataError(reason) from None


def _is_refusal(error):
    import kagglehub

    return _status(error) in (401, 403) or isinstance(error, kagglehub.exceptions.UnauthenticatedError)


def _is_unreachable(error):
    import requests

    kinds = (requests.ConnectionError, requests.Timeout, ConnectionError, TimeoutError)
    return _status(error) is not None or isinstance(error, kinds)


def _status(error):
    """The HTTP status that the server answered with, or None."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _explain_download(error, files):
    """Why Kaggle's files could not be had, and the way out. No error's own text: it may hold a token."""
    import requests
    from kagglehub.config import get_cache_folder

    if isinstance(error, requests.exceptions.SSLError):
        what = (
            "could not be reached: its certificate is not trusted here. If a proxy of your network puts its "
            "own in the place of Kaggle's, set REQUESTS_CA_BUNDLE to the file that holds the proxy's"
        )
    elif isinstance(error, OSError) and not isinstance(error, requests.RequestException) and error.errno:
        if not _is_unreachable(error):
            return explain_os_error(error, get_cache_folder(), writing=True, setting="KAGGLEHUB_CACHE")
        what = f"could not be reached ({type(error).__name__})"
    elif _status(error):
        what = f"answered {_status(error)}"
    else:
        what = f"could not be reached ({type(error).__name__})"
    return (
        f"Kaggle {what}, for {DATASET}. Try again later, download {' and '.join(files.values())} by "
        'hand into a folder that ECG_LESSONS_DATA names, or use source="physionet".'
    )
