"""Where data lies on disk: the user's data directory, the cache, and safe writing."""

import hashlib
import json
import os
import secrets
import shutil
import stat
import time
import warnings
import zlib
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from ._beats_file import open_table, read_columns, tabulate, write_table
from .beats import CLASSES, Beats
from .errors import DataError, NotWritten, explain_os_error, file_named_in

# Part of every cache file's name: raise it when what a cache file holds is laid out otherwise.
VERSION = 5
# What the package alone makes, and may therefore delete: below the cache's folder ``beats``, and unfinished
# files and folders wherever in the cache they are.
BEATS, UNFINISHED = ".ecg_lessons-beats", ".ecg_lessons-unfinished"


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


def make_folder(folder):
    """Create a folder of the cache; where others may write into the folder above it, they may here, too."""
    home = cache_dir()
    home.mkdir(parents=True, exist_ok=True)
    for part in Path(folder).relative_to(home).parts:
        above, home = home, home / part
        if not os.path.isdir(home):
            home.mkdir(exist_ok=True)
            mode = stat.S_IMODE(above.stat().st_mode)
            if mode & (stat.S_IWGRP | stat.S_IWOTH):  # else the user's umask counts
                home.chmod(mode)


def let_read(file, folder):
    """Let whoever may read the folder read the file, a path or an open one's number, if it is ours."""
    with suppress(OSError, TypeError, NotImplementedError):  # Windows has no such modes
        before = os.stat(file).st_mode
        after = before | os.stat(folder).st_mode & 0o444
        if after != before:
            os.chmod(file, stat.S_IMODE(after))


@contextmanager
def writing(path, mode=0o666, setting=None):
    """A temporary file beside `path` that takes its place only when all went well and is on the disk.

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
    temporary = unfinished(path.parent, path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the name of a file and not its content
        os.replace(temporary, path)
        with suppress(OSError):  # not every system can do this
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        if file_named_in(error) not in (None, temporary, path, *path.parents):
            raise
        raise NotWritten(explain_os_error(error, path, writing=True, setting=setting)) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def unfinished(folder, name=""):
    """A path in `folder` for something unfinished, which nobody else has and `drop_old` knows to be ours."""
    return Path(folder) / f".{name}-{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}"


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


def fingerprint_code(*modules):
    """A short text that changes with the code that beats are made by.

    Parameters
    ----------
    modules : str
        Names of modules of this package, "segment" say; those that keep the beats are always among them.
        Their source counts, and the versions of the libraries that compute.
    """
    now = _read_sources()  # and what was loaded, which differs where a file was changed meanwhile
    names = sorted({*modules, "beats", "store", "_beats_file"})
    facts = [(name, _LOADED.get(name), now.get(name)) for name in names]
    return f"{zlib.crc32(repr((facts, _library_versions())).encode()):08x}"


def _read_sources():
    return {path.stem: zlib.crc32(path.read_bytes()) for path in sorted(_PACKAGE.glob("*.py"))}


_PACKAGE = Path(__file__).parent
_LOADED = _read_sources()


@cache
def _library_versions():
    return [version(name) for name in ("numpy", "scipy", "wfdb")]


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

    One file in the cache's folder ``beats``, memory-mapped copy-on-write: opening it costs some tens of
    milliseconds, nearly all for its checksum, and nothing that a chapter does to the arrays reaches the disk.
    A file that is damaged, or was made for another name, source or frequency or other classes, is built anew.
    Where nothing can be kept, in a class's shared cache that is read-only say, the beats are returned all the
    same, with a warning.

    Raises
    ------
    DataError
        If ``build()`` raises it, or cannot read a file.
    """
    path = cache_dir() / "beats" / f"{name}-v{VERSION}{BEATS}"
    facts = {"name": path.name, "classes": list(classes), "fs": float(fs), "source": source}
    try:
        table = _open(path, facts)
        table = _build(path, build, longest, facts) if table is None else table
    except _NotBuilt as problem:
        raise problem.__cause__ from None

    return Beats(**read_columns(table), classes=classes, fs=fs, source=source)


class _NotBuilt(Exception):
    """The parts of the beats could not be had, which is no fault of the file that they are written to."""


def _build(path, build, longest, facts):
    """The table of all parts, kept at `path` where that can be."""
    setting = "ECG_LESSONS_CACHE"
    try:
        make_folder(path.parent)
        with writing(path, setting=setting) as file:
            let_read(file.fileno(), path.parent)
            write_table(file, _tables(build, longest), facts)
        drop_old(path.parent, BEATS, 30 * 86400)  # what nobody opened
        drop_old(path.parent, UNFINISHED, 86400)  # of a process that was killed
        table = _open(path, facts)
        if table is not None:
            return table
        problem = f"{path} could not be read again."
    except NotWritten as error:
        problem = error
    except OSError as error:  # of the folder
        problem = explain_os_error(error, path, writing=True, setting=setting)
    finally:
        with suppress(OSError):  # where nothing is kept, no empty folder is left
            path.parent.rmdir()
    warnings.warn(f"The beats are cut anew at each run. {problem}", stacklevel=3)
    return np.concatenate(list(_tables(build, longest)))


def _tables(build, longest):
    try:
        for part in build():
            yield tabulate(part, longest)
    except NotWritten as error:  # a download's
        raise _NotBuilt from error
    except OSError as error:
        raise _NotBuilt from DataError(explain_os_error(error, "A file that the beats are cut from"))


def _open(path, facts):
    """The rows of a cache file, or None if it is not one that was made for these facts."""
    table = open_table(path, facts)
    if table is not None:
        with suppress(OSError):
            os.utime(path)  # when it was last of use, for `drop_old`
    return table


def drop_old(folder, ending, age):
    """Delete what the package made in a folder and nobody used for `age` seconds.

    `ending`, of the names, is `BEATS` or `UNFINISHED`: nobody else's files have one of these.
    """
    for old in Path(folder).glob(f"*{ending}"):
        with suppress(OSError):
            if max(map(_last_used, [old, *old.rglob("*")])) < time.time() - age:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _last_used(path):
    found = path.stat()  # who may only read a file sets no other time than that of access
    return found.st_mtime if path.is_dir() else max(found.st_mtime, found.st_atime)
