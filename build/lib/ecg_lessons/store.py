"""Where data lies on disk: the user's data directory, the cache, and safe writing."""

import hashlib
import json
import os
import secrets
import stat
import time
import warnings
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from .beats import CLASSES, Beats
from .errors import DataError, NotWritten, explain_os_error, file_named_in

# Part of every cache file's name: raise it when what `segment` or this file writes changes.
VERSION = 4

# What a cache file's rows hold; texts are as wide as the longest one.
_COLUMNS = ("signals", "labels", "patients", "records", "folds", "samples", "rr", "diagnoses")
_UNKNOWN = {"samples": -1, "rr": np.float32(np.nan)}  # in the other columns, an empty string


def data_home(given=None):
    """The user's data directory: the argument, else ``ECG_LESSONS_DATA``, else None.

    Raises
    ------
    DataError
        If the directory that was named does not exist, or may not be read.
    """
    where = "data_home" if given else "ECG_LESSONS_DATA"
    path = given or os.environ.get("ECG_LESSONS_DATA")
    if not path:
        return None
    path = Path(os.path.abspath(os.path.expanduser(path)))
    try:
        os.scandir(path).close()
    except (OSError, ValueError) as error:  # ValueError: no path at all
        raise DataError(
            f"{where} names {path}, which is not a directory that can be read "
            f"({getattr(error, 'strerror', None) or error}). Create it or change its permissions, name "
            "another one, or leave it unset so that the data is downloaded."
        ) from None
    return path


def is_file(path, setting=None):
    """Whether there is such a file.

    Parameters
    ----------
    path : path
    setting : str, optional
        The environment variable that names another folder for the file, to be told where this fails.

    Raises
    ------
    DataError
        If nobody can tell, since the folder that it would lie in may not be looked into.
    """
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataError(explain_os_error(error, path, setting=setting)) from None


def cache_dir():
    """The cache: ``ECG_LESSONS_CACHE``, else the system's cache folder for this user."""
    given = os.environ.get("ECG_LESSONS_CACHE")
    return Path(os.path.expanduser(given)) if given else Path(user_cache_dir("ecg_lessons"))


@contextmanager
def writing(path, mode=0o666, setting=None):
    """A temporary file beside `path` that takes its place only when all went well.

    Parameters
    ----------
    path : path
    mode : int
        The file's permissions, less the user's umask.
    setting : str, optional
        The environment variable that names another folder for the file, to be told where this fails.

    Raises
    ------
    NotWritten
        If the disk is full or the folder cannot be written to; nothing is left behind.
    OSError
        What is raised inside and names another file is none of ours, and stays as it is.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        if file_named_in(error) not in (None, temporary, path, *path.parents):
            raise
        raise NotWritten(explain_os_error(error, path, writing=True, setting=setting)) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def shipped(folder, in_checkout):
    """A folder that ships with the package: inside it where it is installed, else in the checkout."""
    here = Path(__file__).parent
    return next((p for p in (here / folder, here.parent / in_checkout) if p.is_dir()), here / folder)


def load_results(name):
    """What a command of the repository measured and wrote to ``results/NAME.json``.

    Parameters
    ----------
    name : "reference", "staircase", "transfer", "evaluation", "live", "benchmark", "scale" or "timings"

    Returns
    -------
    dict

    Raises
    ------
    DataError
        If there is no such file, or it is damaged or cannot be read.
    """
    path = shipped("results", "results") / f"{name}.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise DataError(
            f"{path} does not exist; `make reference`, `make cards`, `make live`, `make bench`, "
            "`make scale` and `make chapters` write these."
        ) from None
    except OSError as error:
        raise DataError(explain_os_error(error, path)) from None
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}). Restore it with git.") from None


def write_results(path, found):
    """Write what a command measured, so that `load_results` can read it; whole or not at all."""
    with writing(path) as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())


def fingerprint(paths, *more):
    """A short text that changes when a file's name, size or time of change does.

    Raises
    ------
    DataError
        If one of the files is gone, or may not be looked at.
    """
    facts = []
    for path in sorted(paths):
        try:
            found = path.stat()
        except OSError as error:
            raise DataError(explain_os_error(error, path)) from None
        facts.append((path.name, found.st_size, found.st_mtime_ns))
    return f"{zlib.crc32(repr((facts, more)).encode()):08x}"


def sha256(path, setting=None):
    """SHA-256 of a file, as hexadecimal text.

    Parameters
    ----------
    path : path
    setting : str, optional
        The environment variable that names another folder for the file, to be told where this fails.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(explain_os_error(error, path, setting=setting)) from None


def cached(name, build, fs, source, classes=CLASSES, longest=3):
    """The beats kept under `name`; built by ``build()`` and kept first where there are none.

    ``build()`` gives them part by part, and each part is written before the next is taken: however many
    records there are, the memory holds a few, as long as the disk keeps up. `longest` is the length of the
    longest text in them.

    One .npy file with a row a beat, memory-mapped copy-on-write: opening it costs
    milliseconds, and nothing that a chapter does to the arrays reaches the disk. A file
    cut short, or of another layout, is built anew. Where nothing can be kept, in a class's shared
    cache that is read-only say, the beats are returned all the same, with a warning.

    Raises
    ------
    DataError
        If ``build()`` raises it, or cannot read a file.
    """
    path = cache_dir() / f"{name}-v{VERSION}.npy"
    try:
        table = _open(path)
        table = _build(path, build, longest) if table is None else table
    except _NotBuilt as problem:
        raise problem.__cause__ from None

    def column(name):
        values = table[name]
        known = ~np.isnan(values) if name == "rr" else values != _UNKNOWN.get(name, "")
        if known.all() or values.dtype.kind != "U":
            return values if known.any() else None
        return np.where(known, values.astype(object), None) if known.any() else None

    optional = {c: column(c) for c in _COLUMNS[2:]}
    return Beats(table["signals"], table["labels"], classes=classes, fs=fs, source=source, **optional)


class _NotBuilt(Exception):
    """The parts of the beats could not be had, which is no fault of the file that they are written to."""


def _build(path, build, longest):
    """The table of all parts, kept at `path` where that can be."""
    try:
        with writing(path, setting="ECG_LESSONS_CACHE") as file:
            _write(file, _tables(build, longest))
    except NotWritten as error:
        warnings.warn(f"The beats are cut anew at each run. {error}", stacklevel=3)
        return np.concatenate(list(_tables(build, longest)))
    # what nobody opened for a month, and what a killed process left half-written
    drop_old(path.parent, "*.npy", 30 * 86400)
    drop_old(path.parent, ".*.npy-*", 86400)
    return _open(path)


def _tables(build, longest):
    try:
        for part in build():
            yield _tabulate(part, longest)
    except NotWritten as error:  # a download's
        raise _NotBuilt from error
    except OSError as error:
        raise _NotBuilt from DataError(explain_os_error(error, "A file that the beats are cut from"))


def _write(file, tables):
    """Tables of one layout, one below the other, as one .npy file."""
    dtype, n_rows = None, 0
    for table in tables:
        if dtype is None:
            dtype = table.dtype
            _write_header(file, dtype, 0)
        elif table.dtype != dtype:
            raise ValueError(f"a part of layout {table.dtype} after one of {dtype}")
        file.write(table.tobytes())
        n_rows += len(table)
    file.seek(0)  # NumPy leaves room for the number to grow
    _write_header(file, dtype, n_rows)


def _write_header(file, dtype, n_rows):
    layout = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_rows,)}
    np.lib.format.write_array_header_1_0(file, layout)


def _tabulate(beats, longest):
    columns = {}
    for name in _COLUMNS:
        values = getattr(beats, name)
        if values is None:
            values = np.full((len(beats), 2) if name == "rr" else len(beats), _UNKNOWN.get(name, ""))
        elif name not in ("signals", "labels", "samples", "rr"):
            values = np.array([value or "" for value in values], dtype=str)
            if values.dtype.itemsize > np.dtype(f"U{longest}").itemsize:
                raise ValueError(f"{name} has a text of more than {longest} characters")
            values = values.astype(f"U{longest}")
        columns[name] = values
    layout = [(name, values.dtype, values.shape[1:]) for name, values in columns.items()]
    table = np.empty(len(beats), dtype=np.dtype(layout, align=True))
    for name, values in columns.items():
        table[name] = values
    return table


def _open(path):
    """The rows of a cache file, or None if it is missing, cut short or of another layout."""
    try:
        table = np.lib.format.open_memmap(path, mode="c")
    except (OSError, ValueError, EOFError):
        return None
    with suppress(OSError):
        os.utime(path)  # when it was last of use, for `drop_old`
    return table if table.dtype.names == _COLUMNS else None


def drop_old(folder, pattern, age):
    """Delete the files of a folder whose name fits and that are older than `age` seconds."""
    for old in Path(folder).glob(pattern):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - age:
                old.unlink()
