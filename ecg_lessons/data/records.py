"""WFDB records in a data directory or in the cache: found, downloaded, held to their published sums, read."""

import os
from functools import cache
from pathlib import Path

import numpy as np

from .. import storage
from ..beats import CLASS_OF, CLASSES
from ..errors import DataError, NotWritten, explain_os_error
from .download import PHYSIONET, download_files

MITDB = "mitdb/1.0.0"
SUMS = Path(__file__).parent  # the folder of the sums that PhysioNet publishes
# Of a database, by its short name: the long one, which its ZIP file bears, and versions that will do, too.
_LONG_NAMES = {
    "mitdb": "mit-bih-arrhythmia-database",
    "ptbdb": "ptb-diagnostic-ecg-database",
    "ptb-xl": "ptb-xl-a-large-publicly-available-electrocardiography-dataset",
}
_EARLIER = {"ptb-xl": ["1.0.2", "1.0.1"]}


def load_sums(short):
    """{file name: (SHA-256, bytes)} of those files of a database that PhysioNet's sums are known of.

    `short` is "mitdb", "ptbdb" or "ptb-xl"; bytes that are not known are None.
    """
    return _read_sums(SUMS / f"{short}_sha256.txt")


@cache
def _read_sums(path):
    rows = map(str.split, path.read_text().splitlines())
    return {name: (digest, None if size == "-" else int(size)) for digest, size, name in rows}


def list_records():
    """Names of the 48 records of MIT-BIH, in order."""
    return sorted({name.split(".")[0] for name in load_sums("mitdb")})


def find_patient(record):
    """Who a record of MIT-BIH belongs to: its own name, but 202 is the patient of 201."""
    return "201" if record == "202" else record


def download_mitdb(names=None, data_home=None):
    """The cache's ``mitdb`` folder, with the files named (default: all 144) in it, see `download`."""
    known = load_sums("mitdb")
    wanted = {name: known[name][0] for name in names or known}
    sizes = {name: size for name, (_, size) in known.items()}
    return download(data_home, MITDB, wanted, "MIT-BIH records", sizes=sizes)


def download(data_home, database, wanted, title, **how):
    """`download_files`; where it fails, the error tells first where the data directory was searched in vain."""
    home = storage.find_data_home(data_home)
    try:
        return download_files(database, wanted, title, **how)
    except NotWritten:
        raise
    except DataError as error:
        raise DataError(f"{explain_not_found(home, database, title)} {error}" if home else error) from None


def find_local_mitdb(data_home, names=None):
    """`find_local_files` for MIT-BIH: the files named, or all 144."""
    return find_local_files(data_home, MITDB, names or load_sums("mitdb"), "MIT-BIH")


def find_local_files(data_home, database, names, what, folder=None):
    """The folder of the user's data directory that holds these files, and their paths; or (None, []).

    `what` names them in an error. `folder` is the only one to look in, where other files that belong to these
    were found; else it is the first of `list_database_folders` that has all of them.
    Raises a DataError if a folder has some of the files, and none has all; or if one may not be looked into.
    """
    home = storage.find_data_home(data_home)
    if home is None:
        return None, []
    incomplete = []
    for place in [home / name for name in list_database_folders(database)] if folder is None else [folder]:
        files = [place / name for name in names] if os.path.isdir(place) else []
        missing = [file for file in files if not storage.is_file(file)]
        if files and not missing:
            return place, files
        if len(missing) < len(files):
            incomplete.append(missing)
    if incomplete:
        missing = min(incomplete, key=len)
        raise DataError(
            f"{missing[0]} is missing ({len(missing)} of {len(names)} files of {what} are). Copy "
            f"it from {PHYSIONET}/{database}/, or leave ECG_LESSONS_DATA unset to download all."
        )
    return None, []


def list_database_folders(database):
    """Where a data directory may hold a database, "mitdb/1.0.0" say: as PhysioNet and its downloads name folders.

    Below the data directory these are "mitdb/1.0.0", "mitdb", what PhysioNet's ZIP file unpacks to, what
    ``wget -r`` makes, and the data directory itself.
    """
    name, versions = database.split("/")[0], _list_versions(database)
    folders = []
    for short in dict.fromkeys([name, name.replace("-", "")]):  # ptb-xl, ptbxl
        folders += [*(f"{short}/{version}" for version in versions), short]
    unpacked = [f"{_LONG_NAMES.get(name, name)}-{version}" for version in versions]
    folders += unpacked + [f"{folder}/{folder}" for folder in unpacked]  # as some programs unpack it
    for site in ("physionet.org/files", "files"):
        folders += [f"{site}/{name}/{version}" for version in versions]
    return [*folders, *versions, "."]


def _list_versions(database):
    name, newest = database.split("/")
    return [newest, *_EARLIER.get(name, [])]


def explain_not_found(home, database=MITDB, title="MIT-BIH records"):
    """Where the data directory was searched for a database that it does not hold: one or two sentences.

    Where PhysioNet's ZIP file of the database lies there, that it must be unpacked, too.
    """
    name, (newest, *earlier) = database.split("/")[0], _list_versions(database)
    long = _LONG_NAMES.get(name, name)
    places = f"{name}, {name}/{newest}, {long}-{newest} and physionet.org/files/{name}/{newest}"
    older = f", nor those of version {' or '.join(earlier)}" if earlier else ""
    told = f"{home} holds no {title} that can be read, nor do its folders {places}{older}."
    for folder in (".", name):
        for version in _list_versions(database):
            packed = Path(home) / folder / f"{long}-{version}.zip"
            if os.path.isfile(packed):
                return f"{told} It holds {packed}, which is not read as it is: unpack it there."
    return told


def find_cached_mitdb():
    """The cache's folder of downloaded records if all are there, else None."""
    folder = storage.find_cache_dir() / "mitdb"
    return folder if all(os.path.isfile(folder / name) for name in load_sums("mitdb")) else None


def read_record(folder, name):
    """One record and its annotations from `folder`, each file checked against its SHA-256."""
    import wfdb

    known = load_sums("mitdb")
    for file in (Path(folder) / f"{name}.{end}" for end in ("hea", "dat", "atr")):
        if storage.compute_sha256(file) != known[file.name][0]:
            raise DataError(
                f"{file} is not the file that PhysioNet published ({file.stat().st_size} bytes). "
                f"Replace it by {PHYSIONET}/{MITDB}/{file.name}."
            )
    path = str(Path(folder) / name)
    try:
        return wfdb.rdrecord(path), wfdb.rdann(path, "atr")
    except OSError as error:
        raise DataError(explain_os_error(error, f"{path}.dat")) from None


def read_annotated_beats(folder, name):
    """(record, annotation, labels (n,), peaks (n,)): the marks that are beats, with their class."""
    record, annotation = read_record(folder, name)
    symbols = np.array(annotation.symbol)
    is_beat = np.isin(symbols, list(CLASS_OF))
    labels = np.array([CLASSES.index(CLASS_OF[s]) for s in symbols[is_beat]])
    return record, annotation, labels, annotation.sample[is_beat]
