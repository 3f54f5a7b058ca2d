"""The cache of beats: each set that was cut once is kept in a file, and mapped when it is asked for again.

The file is a .npy table with a row for each beat, which NumPy reads as any other. Behind the rows stands a
checksum of them and of the facts that the file was made for, so that a damaged file or somebody else's is known
before anything in it is believed. (Arrow would hold the beats in a piece for each record, to be copied into one
array at each opening.)
"""

import io
import os
import warnings
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from .. import storage
from ..beats import CLASSES, Beats
from ..errors import NotWritten

BEATS = ".ecg_lessons-beats"  # of a file that holds beats: nobody else's has this ending

# Part of every cache file's name: raise it when what a cache file holds is laid out otherwise.
VERSION = 6


def hash_files(paths, *more):
    """A short text that changes when a file's name, size or time of change does, or something of `more`."""
    facts = []
    for path in sorted(paths):
        with storage.explain_errors(path):
            found = path.stat()
        facts.append((path.name, found.st_size, found.st_mtime_ns))
    return f"{zlib.crc32(repr((facts, more)).encode()):08x}"


def hash_code(*modules):
    """A short text that changes with the code that makes beats, and with the libraries that compute.

    `modules` are names within this package, as "data/records"; those that keep the beats are added.
    """
    now = _read_sources()  # and what was loaded, which differs where a file was changed meanwhile
    names = sorted({*modules, "beats", "storage", "data/cache"})
    facts = [(name, _LOADED[name], now.get(name)) for name in names]
    return f"{zlib.crc32(repr((facts, _find_versions())).encode()):08x}"


def _read_sources():
    paths = sorted(_PACKAGE.rglob("*.py"))
    return {p.relative_to(_PACKAGE).with_suffix("").as_posix(): zlib.crc32(p.read_bytes()) for p in paths}


_PACKAGE = Path(__file__).parents[1]
_LOADED = _read_sources()


@cache
def _find_versions():
    return [version(name) for name in ("numpy", "scipy", "wfdb")]


def cache_beats(name, build, fs, source, classes=CLASSES, longest=3):
    """The beats kept under `name`; built by ``build()`` and kept first where there are none.

    ``build()`` gives them part by part, and each part is written before the next is taken, so that the memory
    holds a few records however many there are. `longest` is the length of the longest text in them.

    The file is memory-mapped copy-on-write, so nothing that a chapter does to the arrays reaches the disk. One
    that is damaged, or was made for something else, is built anew. Where nothing can be kept, the beats are
    returned all the same, with a warning.
    """
    path = storage.find_cache_dir() / "beats" / f"{name}-v{VERSION}{BEATS}"
    facts = [path.name, list(classes), float(fs), source]
    table = open_table(path, facts)
    if table is None:
        try:
            table = _keep_table(path, build, longest, facts)
        except NotWritten as error:
            warnings.warn(f"The beats are cut anew at each run. {error}", stacklevel=2)
            table = np.concatenate(list(_make_tables(build, longest)))
        except _NotBuilt as error:
            raise error.__cause__ from None
    return Beats(**read_columns(table), classes=classes, fs=fs, source=source)


class _NotBuilt(Exception):
    """A download could not be written, which is no fault of the file that the beats are written to."""


def _make_tables(build, longest):
    with storage.explain_errors("A file that the beats are cut from"):
        for part in build():
            yield make_table(part, longest)


def _keep_table(path, build, longest, facts):
    """The table of all parts, written to `path` and opened; NotWritten says why it cannot be."""
    setting = "ECG_LESSONS_CACHE"
    try:
        with storage.explain_errors(path, setting, writing=True):
            storage.make_folder(path.parent)
        with storage.open_for_writing(path, setting=setting) as file:
            storage.copy_read_rights(file.fileno(), path.parent)
            try:
                write_table(file, _make_tables(build, longest), facts)
            except NotWritten as error:
                raise _NotBuilt from error
        storage.delete_old_files(path.parent, BEATS, 30 * 86400)  # what nobody opened
        storage.delete_old_files(path.parent, storage.UNFINISHED, 86400)  # of a process that was killed
    finally:
        with suppress(OSError):  # where nothing is kept, no empty folder is left
            path.parent.rmdir()
    table = open_table(path, facts)
    if table is None:
        raise NotWritten(f"{path} could not be read again.")
    return table


# What the rows hold; texts are as wide as the longest one.
_COLUMNS = ("signals", "labels", "patients", "records", "folds", "samples", "rr", "diagnoses")
_UNKNOWN = {"samples": -1, "rr": np.float32(np.nan)}  # in the other columns, an empty string
_START = 10  # bytes of a .npy file that come before its description; the last two hold the length of that
_END = 4  # bytes of the checksum, the last ones of the file


def write_table(file, tables, facts):
    """Write tables of one layout, one below the other; each before the next is taken.

    `file` is open for writing at its start; `facts` is what `open_table` must be given to open it.
    """
    dtype, n_rows, checksum = None, 0, zlib.crc32(repr(facts).encode())
    for table in tables:
        if dtype is None:
            dtype = table.dtype
            file.write(_make_header(dtype, 0))
        elif table.dtype != dtype:
            raise ValueError(f"a part of layout {table.dtype} after one of {dtype}")
        rows = table.tobytes()
        file.write(rows)
        checksum = zlib.crc32(rows, checksum)
        n_rows += len(table)
    header = _make_header(dtype, n_rows)
    file.write(zlib.crc32(header, checksum).to_bytes(_END, "little"))
    file.seek(0)  # NumPy leaves room for the number of rows to grow
    file.write(header)


def open_table(path, facts):
    """The table that `write_table` wrote, mapped copy-on-write, or None.

    None where the file is missing, may not be read, is damaged, or was made for other facts.
    """
    try:
        content = np.memmap(path, np.uint8, mode="c")
    except (OSError, ValueError):  # ValueError: an empty file
        return None
    start = _START + int.from_bytes(content[_START - 2 : _START].tobytes(), "little")
    header, rows, end = content[:start], content[start:-_END], content[-_END:]
    checksum = zlib.crc32(header, zlib.crc32(rows, zlib.crc32(repr(facts).encode())))
    if end.tobytes() != checksum.to_bytes(_END, "little"):
        return None
    with suppress(OSError):
        os.utime(path)  # when it was last of use, for `delete_old_files`
    description = io.BytesIO(header[_START - 2 :].tobytes())
    return rows.view(np.lib.format.read_array_header_1_0(description)[2])


def _make_header(dtype, n_rows):
    """The beginning of a .npy file."""
    layout = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_rows,)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, layout)
    return header.getvalue()


def make_table(beats, longest):
    """Beats as a structured array with a row for each; no text in them may be longer than `longest`."""
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
    table = np.zeros(len(beats), dtype=np.dtype(layout, align=True))  # there is room between the columns
    for name, values in columns.items():
        table[name] = values
    return table


def read_columns(table):
    """The arrays that `make_table` made a table of, by their names in `Beats`; None for what is not known."""
    columns = {"signals": table["signals"], "labels": table["labels"]}
    for name in _COLUMNS[2:]:
        values = table[name]
        known = ~np.isnan(values) if name == "rr" else values != _UNKNOWN.get(name, "")
        if not known.any():
            values = None
        elif values.dtype.kind == "U" and not known.all():
            values = np.where(known, values.astype(object), None)
        columns[name] = values
    return columns
