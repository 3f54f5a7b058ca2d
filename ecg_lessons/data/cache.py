"""The cache of beats: each set that was cut once is kept in a file, and mapped when it is asked for again.

The file is a .npy table with a row for each beat, which NumPy reads as any other. Behind the rows stand the
facts that it was made for and a checksum of everything, so that half a file, a damaged one or somebody else's
is told from a good one before anything in it is believed.

An Arrow file would need all beats at once, or hold them in as many pieces as there are records. The pieces
would have to be copied into one array at each opening, and the memory would grow with the records. Its arrays
are read-only besides, and it has no checksum.
"""

import io
import json
import os
import struct
import warnings
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ..beats import CLASSES, Beats
from ..errors import DataError, NotWritten, explain_os_error
from ..storage import (
    UNFINISHED,
    copy_read_rights,
    delete_old_files,
    find_cache_dir,
    make_folder,
    open_for_writing,
)

BEATS = ".ecg_lessons-beats"  # of a file that holds beats: nobody else's has this ending

# Part of every cache file's name: raise it when what a cache file holds is laid out otherwise.
VERSION = 5


def hash_files(paths, *more):
    """A short text that changes when a file's name, size or time of change does, or something of `more`.

    Raises a DataError if one of the files is gone, or may not be looked at.
    """
    facts = []
    for path in sorted(paths):
        try:
            found = path.stat()
        except OSError as error:
            raise DataError(explain_os_error(error, path)) from None
        facts.append((path.name, found.st_size, found.st_mtime_ns))
    return f"{zlib.crc32(repr((facts, more)).encode()):08x}"


def hash_code(*modules):
    """A short text that changes with the code that beats are made by.

    `modules` are names within this package, "data/records" say; those that keep the beats are always among
    them. Their source counts, and the versions of the libraries that compute.
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

    The file lies in the cache's folder ``beats`` and is memory-mapped copy-on-write, so nothing that a chapter
    does to the arrays reaches the disk. One that is damaged, or was made for something else, is built anew. Where
    nothing can be kept, the beats are returned all the same, with a warning. A DataError of ``build()`` passes.
    """
    path = find_cache_dir() / "beats" / f"{name}-v{VERSION}{BEATS}"
    facts = {"name": path.name, "classes": list(classes), "fs": float(fs), "source": source}
    try:
        table = _open_table(path, facts)
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
        with open_for_writing(path, setting=setting) as file:
            copy_read_rights(file.fileno(), path.parent)
            write_table(file, _make_tables(build, longest), facts)
        delete_old_files(path.parent, BEATS, 30 * 86400)  # what nobody opened
        delete_old_files(path.parent, UNFINISHED, 86400)  # of a process that was killed
        table = _open_table(path, facts)
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
    return np.concatenate(list(_make_tables(build, longest)))


def _make_tables(build, longest):
    try:
        for part in build():
            yield make_table(part, longest)
    except NotWritten as error:  # a download's
        raise _NotBuilt from error
    except OSError as error:
        raise _NotBuilt from DataError(explain_os_error(error, "A file that the beats are cut from"))


def _open_table(path, facts):
    """The rows of a cache file, or None if it is not one that was made for these facts."""
    table = open_table(path, facts)
    if table is not None:
        with suppress(OSError):
            os.utime(path)  # when it was last of use, for `delete_old_files`
    return table


# What the rows hold; texts are as wide as the longest one.
_COLUMNS = ("signals", "labels", "patients", "records", "folds", "samples", "rr", "diagnoses")
_UNKNOWN = {"samples": -1, "rr": np.float32(np.nan)}  # in the other columns, an empty string
_END = struct.Struct("<II8s")  # the last bytes: checksum, length of the facts before it, and the mark
_MARK = b"ECGBEATS"
_START = 10  # bytes of a .npy file that come before its description; the last two hold the length of that


def write_table(file, tables, facts):
    """Write tables of one layout, one below the other; each before the next is taken.

    `file` is open for writing at its start; `facts` is what `open_table` must be given to open it.
    Raises a ValueError if a table has another layout than the first.
    """
    dtype, n_rows, checksum = None, 0, 0
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
    header, known = _make_header(dtype, n_rows), _format_facts(facts)
    checksum = zlib.crc32(known, zlib.crc32(header, checksum))
    file.write(known + _END.pack(checksum, len(known), _MARK))
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
    end = len(content) - _END.size
    if end < _START:
        return None
    checksum, n_known, mark = _END.unpack(content[end:].tobytes())
    start = _START + int.from_bytes(content[_START - 2 : _START].tobytes(), "little")
    stop = end - n_known
    if mark != _MARK or not start <= stop or content[stop:end].tobytes() != _format_facts(facts):
        return None
    header, rows = content[:start], content[start:stop]
    if zlib.crc32(content[stop:end], zlib.crc32(header, zlib.crc32(rows))) != checksum:
        return None
    described = io.BytesIO(header[_START - 2 :].tobytes())
    return rows.view(np.lib.format.read_array_header_1_0(described)[2])


def _make_header(dtype, n_rows):
    """The beginning of a .npy file."""
    layout = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_rows,)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, layout)
    return header.getvalue()


def _format_facts(facts):
    return json.dumps(facts, sort_keys=True).encode()


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
        if known.all() or values.dtype.kind != "U":
            columns[name] = values if known.any() else None
        else:
            columns[name] = np.where(known, values.astype(object), None) if known.any() else None
    return columns
