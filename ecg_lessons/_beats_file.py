"""The file that beats are kept in: a .npy table with a row for each beat, and what vouches for it.

Behind the rows stand the facts that the file was made for and a checksum of everything, so that half a file,
a damaged one or somebody else's is told from a good one before anything in it is believed. NumPy itself reads
the table as it reads any .npy file.

An Arrow file would need all beats at once, or hold them in as many pieces as there are records. The pieces
would have to be copied into one array at each opening, and the memory would grow with the records. Its arrays
are read-only besides, and it has no checksum.
"""

import io
import json
import struct
import zlib

import numpy as np

# What the rows hold; texts are as wide as the longest one.
_COLUMNS = ("signals", "labels", "patients", "records", "folds", "samples", "rr", "diagnoses")
_UNKNOWN = {"samples": -1, "rr": np.float32(np.nan)}  # in the other columns, an empty string
_END = struct.Struct("<II8s")  # the last bytes: checksum, length of the facts before it, and the mark
_MARK = b"ECGBEATS"
_START = 10  # bytes of a .npy file that come before its description; the last two hold the length of that


def write_table(file, tables, facts):
    """Write tables of one layout, one below the other; each before the next is taken.

    Parameters
    ----------
    file : binary file, open for writing at its start
    tables : iterable of structured array (n,)
    facts : dict
        What `open_table` must be given to open the file; it must fit into JSON.

    Raises
    ------
    ValueError
        If a table has another layout than the first.
    """
    dtype, n_rows, checksum = None, 0, 0
    for table in tables:
        if dtype is None:
            dtype = table.dtype
            file.write(_describe(dtype, 0))
        elif table.dtype != dtype:
            raise ValueError(f"a part of layout {table.dtype} after one of {dtype}")
        rows = table.tobytes()
        file.write(rows)
        checksum = zlib.crc32(rows, checksum)
        n_rows += len(table)
    header, known = _describe(dtype, n_rows), _encode(facts)
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
    if mark != _MARK or not start <= stop or content[stop:end].tobytes() != _encode(facts):
        return None
    header, rows = content[:start], content[start:stop]
    if zlib.crc32(content[stop:end], zlib.crc32(header, zlib.crc32(rows))) != checksum:
        return None
    described = io.BytesIO(header[_START - 2 :].tobytes())
    return rows.view(np.lib.format.read_array_header_1_0(described)[2])


def _describe(dtype, n_rows):
    """The beginning of a .npy file."""
    layout = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_rows,)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, layout)
    return header.getvalue()


def _encode(facts):
    return json.dumps(facts, sort_keys=True).encode()


def tabulate(beats, longest):
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
    """The arrays that `tabulate` made a table of, by their names in `Beats`; None for what is not known."""
    columns = {"signals": table["signals"], "labels": table["labels"]}
    for name in _COLUMNS[2:]:
        values = table[name]
        known = ~np.isnan(values) if name == "rr" else values != _UNKNOWN.get(name, "")
        if known.all() or values.dtype.kind != "U":
            columns[name] = values if known.any() else None
        else:
            columns[name] = np.where(known, values.astype(object), None) if known.any() else None
    return columns
