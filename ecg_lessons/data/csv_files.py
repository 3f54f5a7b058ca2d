"""One of the published CSV files: read, as it is or packed, and written."""

import gzip
import io
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..beats import WIDTH
from ..errors import DataError, explain_os_error
from ..storage import open_for_writing

DATASET = "shayanfazeli/heartbeat"
MOST_BYTES = 1_000_000_000  # the largest published file has 410 million
MOST_ROWS = 150_000  # the largest published file has 87 554; each takes 1.5 kB of memory, however short it is
WAY_OUT = "Delete it and download it again."
# what the standard library raises on a damaged zip or gzip, beside an OSError
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError,
    ValueError, RuntimeError, LookupError, OverflowError,
)  # fmt: skip


def read_csv(path, name=None, allowed=range(5)):
    """One published CSV as (signals (n, 187) float32, labels (n,)).

    `path` is the CSV, or a zip or gzip of it, read as it comes in and never unpacked to the disk; `name` says
    which CSV to read where the zip holds several (default: the one that the zip is named after).
    Raises a DataError, which names the file and the row, if the file is missing, empty, damaged, encrypted, has
    more than `MOST_BYTES` or `MOST_ROWS`, or holds anything but 187 numbers in [0, 1] and one of the `allowed`
    labels in each row.
    """
    path = Path(path)
    table = _read_table(path, name or path.name.lower().removesuffix(".zip"))
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows. {WAY_OUT}")
    rows = np.stack([column.to_numpy() for column in table.columns], axis=1)
    signals, labels = rows[:, :WIDTH], rows[:, WIDTH]
    bad = np.flatnonzero(~((signals >= -1e-6) & (signals <= 1 + 1e-6)).all(1))  # so is NaN
    if len(bad):
        raise DataError(f"{path}, row {bad[0] + 1}: a sample is not a number between 0 and 1. {WAY_OUT}")
    bad = np.flatnonzero(~np.isin(labels, allowed))
    if len(bad):
        raise DataError(
            f"{path}, row {bad[0] + 1}: the label is {labels[bad[0]]:g}, "
            f"not one of {', '.join(map(str, allowed))}. {WAY_OUT}"
        )
    return signals, labels.astype(np.int64)


def write_csv(path, signals, labels):
    """Write beats (n, 187) and their labels (n,) in the published form, a line for each, in the order given."""
    line = ",".join(["%.18e"] * (WIDTH + 1)) + "\n"
    with open_for_writing(path) as file:
        for start in range(0, len(labels), 1024):  # so many at a time, for the memory's sake
            part = slice(start, start + 1024)
            rows = np.column_stack([signals[part], labels[part]]).tolist()
            file.write("".join(line % tuple(row) for row in rows).encode())


def _read_table(path, name):
    """The numbers of a CSV as Arrow's table, whatever they are."""
    import pyarrow as pa
    from pyarrow import csv

    columns = [str(i) for i in range(WIDTH + 1)]
    read = csv.ReadOptions(column_names=columns, block_size=1 << 22)
    convert = csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.float32()), null_values=[""])
    try:
        with _open_csv(path, name) as source:
            try:
                return csv.read_csv(source, read_options=read, convert_options=convert)
            finally:
                if source.error:
                    raise source.error from None
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Download it from kaggle.com/datasets/{DATASET}.") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} {_explain_csv(' '.join(str(error).split()))} {WAY_OUT}") from None
    except OSError as error:
        if error.errno is None:  # of gzip
            raise DataError(f"{path} is damaged ({error}). {WAY_OUT}") from None
        raise DataError(explain_os_error(error, path)) from None
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged ({error or 'it ends too early'}). {WAY_OUT}") from None


def _explain_csv(message):
    """Arrow's complaint in the words of this format."""
    if "Empty CSV" in message:
        return "has no rows."
    if "conversion error" in message:
        return f"holds something that is not a number ({message[:160]}); the published files have no header."
    return f"does not have {WIDTH + 1} columns in every row ({message[:160]})."


@contextmanager
def _open_csv(path, name):
    """What Arrow reads the CSV from: a stream out of the file, or out of the zip or gzip that it is."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{path} has {size / 1e9:.1f} GB, more than any of the published files. {WAY_OUT}")
    with open(path, "rb") as file:
        start = file.read(2)
        file.seek(0)
        if start == b"\x1f\x8b":
            with gzip.open(file) as stream:
                yield _Limited(stream, path)
        elif start == b"PK":
            with zipfile.ZipFile(file) as archive, archive.open(_find_member(archive, path, name)) as stream:
                yield _Limited(stream, path)
        else:
            yield _Limited(file, path)


class _Limited(io.RawIOBase):
    """A stream of `path`'s contents that ends where it is damaged, a web page, or has too many bytes or rows.

    Why it ended is then its `error`. Raised inside Arrow's threads, it would keep the process from ending.
    """

    def __init__(self, stream, path):
        self.stream, self.path, self.n_read, self.n_rows, self.error = stream, path, 0, 0, None

    def readable(self):
        """As every stream that is read has it."""
        return True

    def read(self, size=-1):
        """At most `size` bytes; none once there is an `error`."""
        try:
            data = b"" if self.error else self.stream.read(size)
            self._check(data)
        except Exception as error:
            self.error, data = error, b""
        return data

    def _check(self, data):
        """A DataError if the piece that was read is not to be given."""
        if not self.n_read and data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            raise DataError(f"{self.path} is a web page and not a CSV, of a sign-in say. {WAY_OUT}")
        self.n_read += len(data)
        self.n_rows += max(data.count(b"\n"), data.count(b"\r"))
        more = "more than any of the published files"
        if self.n_read > MOST_BYTES:
            raise DataError(f"{self.path} unpacks to more than {MOST_BYTES / 1e9:g} GB, {more}. {WAY_OUT}")
        if self.n_rows > MOST_ROWS:
            raise DataError(f"{self.path} has more than {MOST_ROWS} rows, {more}. {WAY_OUT}")


def _find_member(archive, path, name):
    """The entry of an open zip that is the CSV called `name`, whatever folder of the zip it lies in."""
    found = _list_members(archive).get(name.lower())
    if found is None:
        raise DataError(f"{path} holds no {name}. {WAY_OUT}")
    is_rare = found.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if found.flag_bits & 1 or is_rare:
        how = "is packed in a rare way" if is_rare else "is encrypted"
        raise DataError(f"{path} {how}. Unpack it, and put the CSVs in its place.")
    return found


def _list_members(archive):
    """A zip's files by their lower-case names, without folders; the Mac's own entries left out."""
    return {
        info.filename.rpartition("/")[2].lower(): info
        for info in archive.infolist()
        if not info.filename.endswith("/") and not info.filename.startswith("__MACOSX")
    }


def list_zip(path):
    """The lower-case names of the files in a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return set(_list_members(archive))
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged ({error}). {WAY_OUT}") from None
