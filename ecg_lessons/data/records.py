"""WFDB records in a data directory or in the cache: found, downloaded, held to their published sums, read."""

import os
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import storage
from ..beats import CLASS_OF, CLASSES
from ..errors import DataError, NotWritten
from .download import PHYSIONET, WantedFile, download_files, find_cache_folder

MITDB = "mitdb/1.0.0"
SUMS = Path(__file__).parent  # the folder of the sums that PhysioNet publishes


class _Database(NamedTuple):
    title: str
    zip_name: str  # of PhysioNet's ZIP file, less the version
    versions: tuple  # that will do, the newest first


_DATABASES = {
    "mitdb": _Database("MIT-BIH", "mit-bih-arrhythmia-database", ("1.0.0",)),
    "ptbdb": _Database("PTB Diagnostic", "ptb-diagnostic-ecg-database", ("1.0.0",)),
    "ptb-xl": _Database(
        "PTB-XL", "ptb-xl-a-large-publicly-available-electrocardiography-dataset", ("1.0.3", "1.0.2", "1.0.1")
    ),
}


def _find_title(database):
    return _DATABASES[database.split("/")[0]].title


def load_sums(short):
    """{file name: (SHA-256, bytes or None)} of the files of "mitdb", "ptbdb" or "ptb-xl" whose sums are known."""
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
    wanted = {
        name: WantedFile(partial(_explain_difference, digest=known[name][0]), known[name][1])
        for name in names or known
    }
    return download(data_home, MITDB, wanted)


def _explain_difference(path, digest):
    return "differs" if storage.compute_sha256(path, "ECG_LESSONS_CACHE") != digest else None


def download(data_home, database, wanted):
    """`download_files`; where it fails, the error tells first where the data directory was searched in vain."""
    home = storage.find_data_home(data_home)
    try:
        return download_files(database, wanted, f"{_find_title(database)} records")
    except NotWritten:
        raise
    except DataError as error:
        raise DataError(f"{explain_not_found(home, database)} {error}" if home else error) from None


def find_local_mitdb(data_home, names=None):
    """`find_local_files` for MIT-BIH: the files named, or all 144."""
    return find_local_files(data_home, MITDB, names or load_sums("mitdb"))


def find_local_files(data_home, database, names, folder=None):
    """The folder of the user's data directory that holds these files, and their paths; or (None, []).

    It is the first of `list_database_folders` that has all of them, or `folder`, where other files that belong
    to these were found. Raises a DataError if a folder has some of the files, and none has all.
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
    if not incomplete:
        return None, []
    missing = min(incomplete, key=len)
    raise DataError(
        f"{missing[0]} is missing ({len(missing)} of {len(names)} files of {_find_title(database)} "
        f"are). Copy it from {PHYSIONET}/{database}/, or leave ECG_LESSONS_DATA unset to download all."
    )


def list_database_folders(database):
    """Where a data directory may hold a database: "mitdb/1.0.0", "mitdb", what PhysioNet's ZIP file unpacks to,
    what ``wget -r`` makes, and the data directory itself.
    """
    short = database.split("/")[0]
    _, zip_name, versions = _DATABASES[short]
    folders = []
    for name in dict.fromkeys([short, short.replace("-", "")]):  # ptb-xl, ptbxl
        folders += [*(f"{name}/{version}" for version in versions), name]
    unpacked = [f"{zip_name}-{version}" for version in versions]
    folders += unpacked + [f"{folder}/{folder}" for folder in unpacked]  # as some programs unpack it
    for site in ("physionet.org/files", "files"):
        folders += [f"{site}/{short}/{version}" for version in versions]
    return [*folders, *versions, "."]


def explain_not_found(home, database=MITDB):
    """Where the data directory was searched for a database that it does not hold, and whether to unpack a ZIP."""
    short = database.split("/")[0]
    title, zip_name, (newest, *earlier) = _DATABASES[short]
    places = f"{short}, {short}/{newest}, {zip_name}-{newest} and physionet.org/files/{short}/{newest}"
    older = f", nor those of version {' or '.join(earlier)}" if earlier else ""
    message = f"{home} holds no {title} records that can be read, nor do its folders {places}{older}."
    for folder in (".", short):
        for version in (newest, *earlier):
            packed = Path(home) / folder / f"{zip_name}-{version}.zip"
            if os.path.isfile(packed):
                return f"{message} It holds {packed}, which is not read as it is: unpack it there."
    return message


def find_cached_mitdb():
    """The cache's folder of downloaded records if all are there, else None."""
    folder = find_cache_folder(MITDB)
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
    with storage.explain_errors(f"{path}.dat"):
        return wfdb.rdrecord(path), wfdb.rdann(path, "atr")


def read_annotated_beats(folder, name):
    """(record, annotation, labels (n,), peaks (n,)): the annotations that are beats, with their class."""
    record, annotation = read_record(folder, name)
    symbols = np.array(annotation.symbol)
    is_beat = np.isin(symbols, list(CLASS_OF))
    labels = np.array([CLASSES.index(CLASS_OF[s]) for s in symbols[is_beat]])
    return record, annotation, labels, annotation.sample[is_beat]
