"""Where data lies on disk: the user's data directory, the cache, and safe writing."""

import hashlib
import os
import secrets
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from .beats import CLASSES, WIDTH, Beats
from .errors import DataError

# Part of every cache file's name: raise it when what `segment` or this file writes changes.
VERSION = 1

_DTYPE = np.dtype(
    [
        ("signals", np.float32, (WIDTH,)),
        ("labels", np.int64),
        ("patients", "U4"),
        ("records", "U4"),
        ("folds", "U5"),
        ("samples", np.int64),
    ],
    align=True,
)


def data_home(given=None):
    """The user's data directory: the argument, else ``ECG_LESSONS_DATA``, else None.

    Raises
    ------
    DataError
        If the directory that was named does not exist.
    """
    where = "data_home" if given else "ECG_LESSONS_DATA"
    path = given or os.environ.get("ECG_LESSONS_DATA")
    if not path:
        return None
    path = Path(path).expanduser()
    if not path.is_dir():
        raise DataError(
            f"{where} names {path}, which is not a directory. Create it, name another one, "
            "or leave it unset so that the data is downloaded."
        )
    return path


def cache_dir():
    """The cache: ``ECG_LESSONS_CACHE``, else the system's cache folder for this user."""
    given = os.environ.get("ECG_LESSONS_CACHE")
    return Path(given).expanduser() if given else Path(user_cache_dir("ecg_lessons"))


@contextmanager
def writing(path):
    """A temporary file beside `path` that takes its place only when all went well.

    Raises
    ------
    DataError
        If the disk is full or the folder cannot be written to; nothing is left behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(
            f"Could not write {path} ({error.strerror}). Make room or mend the folder's permissions, "
            "or set ECG_LESSONS_CACHE to a directory elsewhere."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def fingerprint(paths, *more):
    """A short text that changes when a file's name, size or time of change does."""
    facts = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(paths)]
    return f"{zlib.crc32(repr((facts, more)).encode()):08x}"


def sha256(path):
    """SHA-256 of a file, as hexadecimal text."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached(name, build, fs, source):
    """The beats kept under `name`; built by ``build()`` and kept first where there are none.

    One .npy file with a row a beat, memory-mapped copy-on-write: opening it costs
    milliseconds, and nothing that a chapter does to the arrays reaches the disk. A file
    cut short, or of another layout, is built anew.
    """
    path = cache_dir() / f"{name}-v{VERSION}.npy"
    table = _open(path)
    if table is None:
        table = _tabulate(build())
        with writing(path) as file:
            np.save(file, table)
        _prune(path, name)
        table = _open(path)

    def column(name):
        values = table[name]
        known = values != ("" if values.dtype.kind == "U" else -1)
        if known.all() or values.dtype.kind != "U":
            return values if known.any() else None
        return np.where(known, values.astype(object), None) if known.any() else None

    optional = {c: column(c) for c in ("patients", "records", "folds", "samples")}
    return Beats(table["signals"], table["labels"], classes=CLASSES, fs=fs, source=source, **optional)


def _prune(path, name):
    """Drop day-old cache files of the same data in an earlier state, so that they do not pile up."""
    for old in path.parent.glob(f"{name.rpartition('-')[0]}-*.npy"):
        with suppress(OSError):
            if old != path and old.stat().st_mtime < path.stat().st_mtime - 86400:
                old.unlink()


def _tabulate(beats):
    table = np.zeros(len(beats), dtype=_DTYPE)
    for name in _DTYPE.names:
        values = getattr(beats, name)
        if values is None:
            values = -1 if name == "samples" else ""
        elif values.dtype == object:
            values = [v or "" for v in values]
        table[name] = values
    return table


def _open(path):
    """The rows of a cache file, or None if it is missing, cut short or of another layout."""
    try:
        table = np.load(path, mmap_mode="c")
    except (OSError, ValueError, EOFError):
        return None
    return table if table.dtype == _DTYPE else None
