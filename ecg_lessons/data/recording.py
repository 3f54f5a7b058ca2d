"""Recordings with a diagnosis for the whole patient, as PTB Diagnostic and PTB-XL hold them.

Nobody annotated their beats: the R peaks are a detector's, and every beat bears its recording's label.
The cut is that of the MIT-BIH beats, on the same time scale.
"""

import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from joblib import Parallel, cpu_count, delayed

from .. import storage
from ..beats import DIAGNOSED, Beats
from ..errors import DataError
from ..segment import HIGHEST, LOWEST, compute_rr_intervals, cut_leads, find_r_peaks
from .cache import cache_beats, hash_code, hash_files
from .download import LARGEST, WantedFile, find_cache_folder
from .records import download, find_local_files, load_sums
from .simulate import make_patients

# What no header of the two databases exceeds by far.
MOST_HEADER_BYTES = 50_000
MOST_SIGNALS, MOST_SAMPLES, MOST_COMMENT = 15, 1_000_000, 1000


def describe_simulated():
    """The table of `make_patient_table` for simulated patients, whose age and sex are simulated, too."""
    beats = make_patients().to_frame().drop_duplicates("record")
    age = np.random.default_rng(0).integers(20, 80, len(beats))
    sex = np.resize(["male", "female"], len(beats))
    return make_patient_table(beats.record, zip(beats.patient, age, sex, beats.diagnosis))


def make_patient_table(records, rows):
    """A DataFrame of (patient, age, sex, reason for admission), a row for each recording."""
    index = pd.Index(records, name="record")
    table = pd.DataFrame(rows, index=index, columns=["patient", "age", "sex", "reason"])
    return table.assign(age=pd.to_numeric(table["age"], errors="coerce"))


def check_arguments(leads, seconds, fs):
    """The leads as a tuple of lower-case names; a ValueError if one of these arguments cannot be."""
    leads = (leads,) if isinstance(leads, str) else tuple(leads)
    if not leads or len(set(map(str.lower, leads))) < len(leads):
        raise ValueError(f"leads must name at least one lead, and each once, not {leads}")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds must be above 0, or None for all, not {seconds}")
    if not 50 <= fs <= 1000:
        raise ValueError(f"fs must lie between 50 and 1000 Hz, not {fs}")
    return tuple(lead.lower() for lead in leads)


def find_files(data_home, database, wanted, found=None):
    """The folder with these files in it: the data directory's, else the cache's after a download.

    `wanted` is {name: None, or for a signal file (header, samples of it that are needed)}. `found` is the folder
    that some of them were found in before: the others are looked for in no other one.
    """
    if found != find_cache_folder(database):
        folder, _ = find_local_files(data_home, database, wanted, found)
        if folder is not None:
            return folder
    known = load_sums(database.split("/")[0])
    wanted = {name: _describe_download(name, signal, known) for name, signal in wanted.items()}
    return download(data_home, database, wanted)


def find_headers(data_home, database, names, tables=(), found=None):
    """The folder that holds the headers of these records, and {name: header}."""
    wanted = dict.fromkeys([*tables, *(f"{name}.hea" for name in names)])
    folder = find_files(data_home, database, wanted, found)
    return folder, {name: read_header(folder / name) for name in names}


def find_signals(data_home, database, folder, headers, leads, seconds=None):
    """Make sure that the folder of these headers holds the leads, so far as they are needed."""
    wanted = {f"{name}.hea": None for name in headers}
    for name, header in headers.items():
        for i in find_channels(folder / name, header, leads):
            file = f"{name.rpartition('/')[0]}/{header.file_name[i]}"
            wanted[file] = header, count_samples(header, seconds)
    find_files(data_home, database, wanted, folder)


def _describe_download(name, signal, known):
    """How much of a file is fetched, and how it is checked, as a `WantedFile`."""
    explain_fault = partial(_explain_difference, name=name, signal=signal, known=known)
    size = known.get(name, (None, None))[1]
    if not signal:
        return WantedFile(explain_fault, size or (MOST_HEADER_BYTES if name.endswith(".hea") else LARGEST))
    header, n_samples = signal
    part = {"Range": f"bytes=0-{_count_bytes(name, header, n_samples) - 1}"}
    # a server may give all of it where a part was asked for
    return WantedFile(explain_fault, size or _count_bytes(name, header, header.sig_len), part)


def _explain_difference(path, name, signal, known):
    """What is wrong with a file of the cache or a download, or None.

    The sums of few are `known`, so that a file is held to what it says itself, too, and a signal to its header.
    A data directory may hold less than PhysioNet's files, and is not held to their sums.
    """
    if reason := _explain_fault(path, name, signal):
        return reason
    is_part = signal and path.stat().st_size < _count_bytes(name, signal[0], signal[0].sig_len)
    if name in known and not is_part and storage.compute_sha256(path) != known[name][0]:
        return "differs from the sum that PhysioNet publishes"
    return None


def _explain_fault(path, name, signal):
    """What is wrong with a file, or None; `name` is its own, where `path` is temporary."""
    with storage.explain_errors(path):
        if signal:
            return _explain_signal_fault(path, name, *signal)
        with open(path, "rb") as file:
            first = file.readline(200)
    if name.endswith(".csv"):
        return None if b"," in first else "is no CSV table"
    return None if re.match(rb"\S+ \d+ \d+ \d+", first) else "is no WFDB header"


def _explain_signal_fault(path, name, header, n_samples):
    channels, size = _find_signals(name, header), path.stat().st_size
    needed = _count_bytes(name, header, n_samples)
    if size < needed:
        return f"holds {size} bytes, and {needed} are needed"
    is_whole = size == _count_bytes(name, header, header.sig_len)
    count = header.sig_len if is_whole else n_samples
    samples = np.fromfile(path, "<i2", count * len(channels)).reshape(count, -1)
    if samples[0].tolist() != [header.init_value[i] for i in channels]:
        return "does not begin as its header says"
    sums = [header.checksum[i] for i in channels]
    if is_whole and ((samples.sum(0, dtype=np.int64) - sums) % 65536).any():
        return "does not add up to the sums in its header"
    return None


def count_samples(header, seconds):
    """Samples of the first `seconds` of a record, or of all of it."""
    return header.sig_len if seconds is None else min(header.sig_len, max(1, round(seconds * header.fs)))


def _find_signals(name, header):
    """Which of the record's signals lie in a file."""
    return [i for i, file in enumerate(header.file_name) if file == name.rpartition("/")[2]]


def _count_bytes(name, header, n_samples):
    """Bytes of the first samples of all signals in a file."""
    return 2 * n_samples * len(_find_signals(name, header))


def find_channels(path, header, leads):
    """Positions of the leads among the record's signals."""
    names = [name.lower() for name in header.sig_name]
    if strange := [lead for lead in leads if lead not in names]:
        raise DataError(f"{path}.hea has no lead {strange[0]!r}; it has {', '.join(names)}.")
    return [names.index(lead) for lead in leads]


@contextmanager
def explain_damage(path, form):
    """Turn whatever a library raises at a damaged file into a DataError that names it and its proper form."""
    try:
        with storage.explain_errors(path):
            yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path} is not {form} ({error}). Replace it.") from None


def read_header(path):
    """The header of a record, which must be one that PTB or PTB-XL could have."""
    with explain_damage(f"{path}.hea", "a header as PhysioNet published it"):
        _check_header_text(Path(f"{path}.hea"))
        header = wfdb.rdheader(str(path))
        _check_header(header)
    return header


def _check_header_text(path):
    """A ValueError if reading the header would fill the memory."""
    if path.stat().st_size > MOST_HEADER_BYTES:
        raise ValueError(f"more than {MOST_HEADER_BYTES} bytes")
    lines = (line for line in path.read_bytes().splitlines() if line.strip() and not line.startswith(b"#"))
    if not (record := re.match(rb"\s*([^\s/]+)\s+(\d{1,9})\s", next(lines, b""))):
        raise ValueError("no record line of a single segment")
    if not 0 < int(record[2]) <= MOST_SIGNALS:
        raise ValueError(f"{int(record[2])} signals")


def _check_header(header):
    """A ValueError if the header has what neither database has, and what would change beats."""
    if not 0 < header.sig_len <= MOST_SAMPLES:
        raise ValueError(f"{header.sig_len} samples")
    if not LOWEST <= header.fs <= HIGHEST:
        raise ValueError(f"{header.fs:g} samples a second")
    needed = (header.sig_name, header.init_value, header.checksum, header.adc_gain, header.baseline)
    if any(len(column) != header.n_sig or None in column for column in needed):
        raise ValueError("a signal without a name, a gain or a sum")
    for column, usual, fault in _USUAL:
        if not set(getattr(header, column)) <= usual:
            raise ValueError(f"a signal {fault}")
    if not all(1 <= gain <= 1e6 for gain in header.adc_gain):  # false for NaN, too
        raise ValueError(f"a gain of {min(header.adc_gain):g}")
    if not all(-32768 <= baseline <= 32767 for baseline in header.baseline):
        raise ValueError("a baseline that no sample has")
    names = [name.lower() for name in header.sig_name]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two leads named {twice[0]!r}")
    # a name with a path in it could lead anywhere
    if strange := [name for name in header.file_name if not re.fullmatch(r"[\w-]+\.(dat|xyz)", name)]:
        raise ValueError(f"a signal file named {strange[0]!r}")
    if (longest := max(map(len, header.comments), default=0)) > MOST_COMMENT:
        raise ValueError(f"a comment of {longest} characters")


# Of each column of a header: the values that PTB and PTB-XL have, and what is said of any other.
_USUAL = (
    ("fmt", {"16"}, "in a format other than 16"),
    ("skew", {0, None}, "with a skew"),
    ("byte_offset", {0, None}, "with a byte offset"),
    ("block_size", {0, None}, "in blocks"),
    ("samps_per_frame", {1}, "with several samples in a frame"),
    ("units", {"mV"}, "that is not in mV"),
)


def cache_recordings(name, folder, table, headers, leads, seconds, fs):
    """The beats of the records in `table`, {file: (record, patient, label, fold, diagnosis)}."""
    if not table:
        raise DataError(f"None of the records in {folder} has a diagnosis that was asked for.")
    files = (folder / f"{file}.{end}" for file in table for end in ("hea", "dat", "xyz"))
    there = [path for path in files if storage.is_file(path)]
    code = hash_code("data/recording", "data/ptbdb", "data/ptbxl", "segment")
    key = hash_files(there, leads, seconds, fs, sorted(table.items()), code)
    build = partial(_cut_recordings, folder, table, headers, leads, seconds, fs)
    longest = max(len(str(fact)) for facts in table.values() for fact in facts)
    return cache_beats(f"{name}-{key}", build, float(fs), "physionet", DIAGNOSED, longest)


def _cut_recordings(folder, table, headers, leads, seconds, fs):
    """The beats of one record after the other."""
    # the detector is plain Python, so processes; fifty records are worth the start of one
    n_jobs = min(cpu_count(), len(table) // 50) if len(table) >= 100 else None
    n_beats = 0
    for beats in Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_cut_recording)(folder / file, facts, headers[file], leads, seconds, fs)
        for file, facts in table.items()
    ):
        n_beats += len(beats)
        yield beats
    if n_beats == 0:
        raise DataError(f"No beat was found in lead {leads[0]} of the {len(table)} records in {folder}.")


def _cut_recording(path, facts, header, leads, seconds, fs):
    channels = find_channels(path, header, leads)
    voltages = _read_voltages(path, header, channels, count_samples(header, seconds))
    peaks = find_r_peaks(voltages[:, 0], header.fs)
    signals = cut_leads(voltages, peaks, header.fs, fs)
    record, patient, label, fold, diagnosis = (np.full(len(signals), fact) for fact in facts)
    return Beats(
        signals, label, patient, record, fold if facts[3] else None, peaks[:-1],
        compute_rr_intervals(peaks, header.fs)[: len(signals)], diagnosis, classes=DIAGNOSED, fs=fs,
    )  # fmt: skip


def _read_voltages(path, header, channels, n_samples):
    """The first samples of a record, (n_samples, channels) in mV, after its files were checked."""
    for name in {header.file_name[i] for i in channels}:
        if reason := _explain_fault(path.parent / name, name, (header, n_samples)):
            raise DataError(f"{path.parent / name} {reason}. Replace it by PhysioNet's.")
    with explain_damage(f"{path}.dat", "what its header describes"):
        voltages = wfdb.rdrecord(str(path), sampto=n_samples, channels=channels).p_signal
    if np.isnan(voltages).any():  # the format has a value for samples that are none
        raise DataError(f"{path}.dat has samples that are marked as invalid. Ask for other records or leads.")
    return voltages


def print_left_out(total, reasons):
    """Print how many records were left out, and why."""
    counts = [f"{len(names)} {why}" for why, names in reasons.items() if names]
    if counts:
        print(f"{sum(map(len, reasons.values()))} of {total} records left out: {', '.join(counts)}")
