"""Ten-second recordings with a diagnosis for the whole person: PTB Diagnostic and PTB-XL.

Nobody marked their beats: the R peaks are a detector's, and every beat bears its recording's label.
The cut is that of the MIT-BIH beats, on the same time scale.
"""

import ast
import re
from functools import partial
from pathlib import Path

import numpy as np

from . import kaggle, physionet, store
from ._parallel import each
from .beats import DIAGNOSED, Beats
from .errors import DataError, NotWritten, explain_os_error
from .segment import HIGHEST, LOWEST, cut_leads, r_peaks, rr_intervals

PTBDB, PTBXL = "ptbdb/1.0.0", "ptb-xl/1.0.3"
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
_HEALTHY, _INFARCTION = "Healthy control", "Myocardial infarction"
_TABLES = _TABLE, _STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"
# Where a record of the default list has another name at PhysioNet.
_ELSEWHERE = {"patient200/s0405_re.hea": "patient200/s0405lre.hea"}
_RECORD = re.compile(r"patient\d{3}/s\d{4}\w{3}")
# What no header of the two databases exceeds by far.
MOST_HEADER_BYTES = 50_000
MOST_SIGNALS, MOST_SAMPLES, MOST_COMMENT = 15, 1_000_000, 1000


def fetch_ptbdb(
    source="physionet", data_home=None, leads=("ii",), abnormal="any", records=None, seconds=10.0, fs=120.0
):
    """Beats of the PTB Diagnostic ECG Database: of healthy people and of patients.

    Parameters
    ----------
    source : "physionet", "kaggle" or "simulated"
        "physionet" cuts the recordings, downloaded where no data directory holds them.
        "kaggle" reads the two published CSVs: 14 552 beats, no patients. "simulated" makes people
        up. The environment variable ``ECG_LESSONS_SOURCE``, where set, overrules the argument.
    data_home : path, optional
        A directory with PhysioNet's layout (``ptbdb/patient001/s0010_re.hea``), as for
        `fetch_mitbih`.
    leads : sequence of str
        Of i, ii, iii, avr, avl, avf, v1 to v6, and vx, vy, vz where the record has them. The R peaks
        are found in the first one.
    abnormal : "any" or "mi"
        "any": whoever is not a healthy control. "mi": people with a myocardial infarction; the other
        patients are left out.
    records : sequence of str, optional
        Names, as "patient001/s0010_re"; any of the database's 549. Default: `ptbdb_records`.
    seconds : float or None
        How much of each recording, from its start; None for all of it.
    fs : float
        Sampling frequency of the beats in Hz. MIT-BIH's published beats have 120.

    Returns
    -------
    Beats
        Signals (n, 187), or (n, 187, leads) for more than one; classes normal and abnormal = 0, 1;
        patients "patient001", ...; `diagnoses` the reason for admission; `samples` at the
        recording's own 1000 Hz; RR intervals in seconds.

    Raises
    ------
    DataError
        If a file is missing, damaged or cannot be downloaded, or a record has no such lead; it
        names the file. If there is no beat at all.
    ValueError
        For an argument that is not as above.

    Notes
    -----
    The leads are cut by `segment.cut_leads`. Records whose header gives no reason for admission, and
    those in which no beat is found, are left out; a line that is printed counts them.

    Bousseljot, Kreiseler & Schnabel 1995, doi:10.1515/bmte.1995.40.s1.317; data
    doi:10.13026/C28C71, ODC-By 1.0. Of the default list, the folder used to make the course holds
    patient251's seconds 80 to 90 where a download has the first ten.
    """
    source = physionet.chosen_source(source)
    if abnormal not in ("any", "mi"):
        raise ValueError(f'abnormal must be "any" or "mi", not {abnormal!r}')
    leads = _checked(leads, seconds, fs)
    if source == "simulated":
        from .simulate import make_people

        return make_people(leads=len(leads), fs=fs)
    if source == "kaggle":
        if abnormal == "mi" or leads != ("ii",) or records is not None:
            raise ValueError("the Kaggle files hold lead II alone, and name neither records nor diagnoses")
        return kaggle.fetch_ptbdb(data_home)
    records = ptbdb_records() if records is None else list(records)
    if strange := [name for name in records if not _RECORD.fullmatch(name)]:
        raise ValueError(f"{strange[0]!r} is no record of PTB; they are named like patient001/s0010_re")
    folder, headers = _ptbdb_folder(data_home, records, leads, seconds)
    reasons = {name: _reason(header) for name, header in headers.items()}
    told = {name: reason for name, reason in reasons.items() if reason}
    wanted = {n: r for n, r in told.items() if abnormal == "any" or r in (_HEALTHY, _INFARCTION)}
    table = {
        name: (name, name.split("/")[0], int(reason != _HEALTHY), "", reason)
        for name, reason in wanted.items()
    }
    beats = _cached("ptbdb", folder, table, {n: headers[n] for n in table}, leads, seconds, fs)
    _count_left_out(
        len(records),
        {
            "with no reason for admission": set(records) - set(told),
            "of other patients": set(told) - set(wanted),
            "without a beat": set(wanted) - set(beats.records),
        },
    )
    return beats


def fetch_ptbxl(
    data_home=None, task="norm", leads=("ii",), records=range(1, 501), fs=120.0, source="physionet"
):
    """Beats of PTB-XL's ten-second recordings, normal or not.

    Parameters
    ----------
    data_home : path, optional
        A directory with PhysioNet's layout (``ptbxl/records100/00000/00001_lr.hea``), as for
        `fetch_mitbih`.
    task : "norm"
        Normal: the recordings whose diagnostic statements are all of superclass NORM. Abnormal: all
        others.
    leads : sequence of str
        Of i, ii, iii, avr, avl, avf, v1 to v6. The R peaks are found in the first one.
    records : iterable of int
        Numbers of recordings, ``ecg_id``; 1 to 500 by default, of 21 799.
    fs : float
        Sampling frequency of the beats in Hz; the recordings have 100.
    source : "physionet" or "simulated"
        As for `fetch_ptbdb`.

    Returns
    -------
    Beats
        As from `fetch_ptbdb`; patients and records are PTB-XL's numbers as text, "15709" and
        "1"; `folds` is ``strat_fold``, "1" to "10", which keeps a patient in one fold;
        `diagnoses` are the superclasses, "MI+STTC", or "none" where there is no diagnostic
        statement.

    Raises
    ------
    DataError, ValueError
        As `fetch_ptbdb`.

    Notes
    -----
    Wagner et al. 2020, doi:10.1038/s41597-020-0495-6; data doi:10.13026/x4td-x982, CC BY 4.0.
    All diagnostic statements count, whatever their likelihood, as in Strodthoff et al. 2021,
    doi:10.1109/JBHI.2020.3022989.
    """
    if task != "norm":
        raise ValueError(f'task must be "norm", not {task!r}')
    leads = _checked(leads, None, fs)
    source = physionet.chosen_source(source)
    if source == "simulated":
        from .simulate import make_people

        return make_people(leads=len(leads), fs=fs, folds=10)
    if source == "kaggle":
        raise ValueError("PTB-XL is not among the Kaggle files")
    numbers = [int(number) for number in records]
    folder, rows, headers = _ptbxl_folder(data_home, numbers)
    table = {
        row.filename_lr: (
            str(row.ecg_id), f"{row.patient_id:.0f}", int(found != "NORM"), f"{row.strat_fold:.0f}", found
        )
        for row, found in zip(rows.itertuples(), _superclasses(folder, rows))
    }  # fmt: skip
    beats = _cached("ptbxl", folder, table, headers, leads, None, fs)
    _count_left_out(len(table), {"without a beat": {row[0] for row in table.values()} - set(beats.records)})
    return beats


def describe_ptbdb(data_home=None, records=None, source="physionet"):
    """Who the recordings of PTB Diagnostic are from, as their headers say.

    Parameters
    ----------
    data_home, records, source
        As for `fetch_ptbdb`; of simulated people, the age is made up.

    Returns
    -------
    pandas.DataFrame
        One row a recording: ``patient``, ``age`` in years (NaN where unknown), ``sex`` and ``reason``
        for admission (missing where unknown).

    Raises
    ------
    DataError
        As `fetch_ptbdb`.
    """
    if physionet.chosen_source(source) == "simulated":
        return _made_up()
    names = ptbdb_records() if records is None else list(records)
    _, headers = _ptbdb_headers(data_home, names)
    rows = [
        (name.split("/")[0], _told(header, "age"), _told(header, "sex"), _reason(header))
        for name, header in headers.items()
    ]
    return _people(names, rows)


def describe_ptbxl(data_home=None, records=range(1, 501), source="physionet"):
    """Who the recordings of PTB-XL are from, as its table says.

    Parameters
    ----------
    data_home, records, source
        As for `fetch_ptbxl`; of simulated people, the age is made up.

    Returns
    -------
    pandas.DataFrame
        As from `describe_ptbdb`, but ``reason`` are the superclasses, as in `fetch_ptbxl`. Whoever is
        older than 89 is 300 in the table, for privacy, and 90 here.

    Raises
    ------
    DataError
        As `fetch_ptbxl`.
    """
    if physionet.chosen_source(source) == "simulated":
        return _made_up()
    folder, rows = _ptbxl_rows(data_home, [int(number) for number in records])
    age = rows.age.where(rows.age < 90, 90).where(rows.age.notna())
    sex = rows.sex.map({0: "male", 1: "female"})
    patients = rows.patient_id.map("{:.0f}".format)
    return _people(rows.ecg_id.astype(str), zip(patients, age, sex, _superclasses(folder, rows)))


def _made_up():
    from .simulate import make_people

    made = make_people().to_frame().drop_duplicates("record")
    age = np.random.default_rng(0).integers(20, 80, len(made))
    return _people(
        made.record, zip(made.patient, age, np.resize(["male", "female"], len(made)), made.diagnosis)
    )


def _people(records, rows):
    import pandas as pd

    index = pd.Index(records, name="record")
    table = pd.DataFrame(rows, index=index, columns=["patient", "age", "sex", "reason"])
    return table.assign(age=pd.to_numeric(table["age"], errors="coerce"))


def ptbdb_records():
    """Names of the 65 recordings that `fetch_ptbdb` takes by default."""
    return (Path(__file__).parent / "ptbdb_records.txt").read_text().split()


# ---- which files, and are they what they should be


def _checked(leads, seconds, fs):
    leads = (leads,) if isinstance(leads, str) else tuple(leads)
    if not leads or len(set(map(str.lower, leads))) < len(leads):
        raise ValueError(f"leads must name at least one lead, and each once, not {leads}")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds must be above 0, or None for all, not {seconds}")
    if not 50 <= fs <= 1000:
        raise ValueError(f"fs must lie between 50 and 1000 Hz, not {fs}")
    return tuple(lead.lower() for lead in leads)


def _ptbdb_folder(data_home, records, leads, seconds):
    """The folder that holds these records, and {name: header}."""
    found, headers = _ptbdb_headers(data_home, records)
    heads = {f"{name}.hea": None for name in records}
    signals = {}
    for name, header in headers.items():
        if _reason(header):  # the others are not cut
            n = _length(header, seconds)
            for i in _channels(found / name, header, leads):
                signals[f"{name.split('/')[0]}/{header.file_name[i]}"] = header, n
    return _files(data_home, PTBDB, heads | signals, "PTB Diagnostic records", found), headers


def _ptbdb_headers(data_home, records):
    """The folder that holds the headers of these records, and {name: header}."""
    heads = {f"{name}.hea": None for name in records}
    folder = _files(data_home, PTBDB, heads, "PTB Diagnostic headers")
    return folder, {name: _header(folder / name) for name in records}


def _ptbxl_folder(data_home, numbers):
    """The folder that holds these recordings, their rows of the table, and {name: header}."""
    found, rows = _ptbxl_rows(data_home, numbers)
    tables, files = dict.fromkeys(_TABLES), partial(_files, data_home, PTBXL, found=found)
    heads = {f"{name}.hea": None for name in rows.filename_lr}
    folder = files(tables | heads, "PTB-XL headers")
    headers = {name: _header(folder / name) for name in rows.filename_lr}
    signals = {f"{name}.dat": (header, header.sig_len) for name, header in headers.items()}
    return files(tables | heads | signals, "PTB-XL records"), rows, headers


def _ptbxl_rows(data_home, numbers):
    """The folder that holds PTB-XL's tables, and the rows of these recordings."""
    folder = _files(data_home, PTBXL, dict.fromkeys(_TABLES), "PTB-XL tables")
    return folder, _rows(folder / _TABLE, numbers)


def _files(data_home, database, wanted, title, found=None):
    """The folder with these files in it: the data directory's, else the cache's after a download.

    `wanted` is {name: None, or for a signal file (header, samples of it that are needed)}. The sums of few
    are known, so that a file is held to what it says itself, too, and a signal to its header. A data
    directory may hold less than PhysioNet's files, and is not held to their sums. `found` is the folder
    that some of them were found in before: the others are looked for in no other one.
    """
    cache = physionet.cache_folder(database)
    known = physionet.published_files(database.split("/")[0])

    def explain_difference(path, name):
        """What is wrong with a file of the cache or a download, or None."""
        signal = wanted[name]
        if reason := _wrong(path, signal, name):
            return reason
        part = signal and path.stat().st_size < _size(name, signal[0], signal[0].sig_len)
        differs = name in known and not part and store.sha256(path) != known[name][0]
        return "differs from the sum that PhysioNet publishes" if differs else None

    if found != cache:
        folder, _ = physionet.local_files(data_home, database, wanted, title, found)
        if folder is not None:
            return folder
    for path, name in ((cache / name, name) for name in wanted):
        if store.is_file(path) and explain_difference(path, name):
            try:
                path.unlink()  # cut short by an earlier wish for less, say
            except OSError as error:
                told = explain_os_error(error, path, writing=True, setting="ECG_LESSONS_CACHE")
                raise NotWritten(told) from None

    def fetch(url, path, pup):
        name = url_names[url]
        part = {"Range": f"bytes=0-{_size(name, *wanted[name]) - 1}"} if wanted[name] else {}
        physionet.downloader(_most_bytes(name, wanted[name], known), part)(url, path, pup)
        if reason := explain_difference(Path(path), name):
            raise ValueError(reason)

    urls = {name: physionet.address(database, _ELSEWHERE.get(name, name)) for name in wanted}
    url_names = {url: name for name, url in urls.items()}
    return physionet.download(
        database, dict.fromkeys(wanted), title, store.data_home(data_home), fetch=fetch, urls=urls
    )


def _most_bytes(name, signal, known):
    """How large a file may be that is downloaded."""
    if known.get(name, (None, None))[1]:
        return known[name][1]
    if signal:  # a server may give all of it where a part was asked for
        return _size(name, signal[0], signal[0].sig_len)
    return MOST_HEADER_BYTES if name.endswith(".hea") else physionet.LARGEST


def _wrong(path, signal, name=None):
    """What is wrong with a file, or None. `name` is its own, where `path` is temporary."""
    try:
        return _wrong_in(path, signal, name or path.name)
    except OSError as error:
        raise DataError(explain_os_error(error, path)) from None


def _wrong_in(path, signal, name):
    if not name.endswith((".dat", ".xyz")):
        with open(path, "rb") as file:
            first = file.readline(200)
        if name.endswith(".csv"):
            return None if b"," in first else "is no CSV table"
        return None if re.match(rb"\S+ \d+ \d+ \d+", first) else "is no WFDB header"
    header, n = signal
    channels = _in_file(name, header)
    size = path.stat().st_size
    if size < _size(name, header, n):
        return f"holds {size} bytes, and {_size(name, header, n)} are needed"
    whole = size == _size(name, header, header.sig_len)
    count = header.sig_len if whole else n
    samples = np.fromfile(path, "<i2", count * len(channels)).reshape(count, -1)
    if samples[0].tolist() != [header.init_value[i] for i in channels]:
        return "does not begin as its header says"
    sums = [header.checksum[i] for i in channels]
    if whole and ((samples.sum(0, dtype=np.int64) - sums) % 65536).any():
        return "does not add up to the sums in its header"
    return None


def _length(header, seconds):
    """Samples of the first `seconds` of a record, or of all of it."""
    return header.sig_len if seconds is None else min(header.sig_len, max(1, round(seconds * header.fs)))


def _in_file(name, header):
    """Which of the record's signals lie in a file."""
    return [i for i, file in enumerate(header.file_name) if file == name.rpartition("/")[2]]


def _size(name, header, n):
    """Bytes of the first `n` samples of all signals in a file."""
    return 2 * n * len(_in_file(name, header))


def _header(path):
    """The header of a record, which must be one that PTB or PTB-XL could have."""
    import wfdb

    try:
        _check_header_text(Path(f"{path}.hea"))
        header = wfdb.rdheader(str(path))
        _check_header(header)
        return header
    except OSError as error:
        raise DataError(explain_os_error(error, f"{path}.hea")) from None
    except Exception as error:  # wfdb raises whatever a damaged text leads it to
        raise DataError(
            f"{path}.hea is not a header as PhysioNet published it ({error}). Replace it."
        ) from None


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
    if not (header.sig_len and header.n_sig and set(header.fmt) == {"16"}):
        raise ValueError("no length, or a format other than 16")
    if header.sig_len > MOST_SAMPLES:
        raise ValueError(f"{header.sig_len} samples")
    if not LOWEST <= header.fs <= HIGHEST:
        raise ValueError(f"{header.fs:g} samples a second")
    needed = (header.sig_name, header.init_value, header.checksum, header.adc_gain, header.baseline)
    if any(len(column) != header.n_sig or None in column for column in needed):
        raise ValueError("a signal without a name, a gain or a sum")
    if any(header.skew) or any(header.byte_offset) or any(header.block_size):
        raise ValueError("a signal with a skew, a byte offset or blocks")
    if set(header.samps_per_frame) != {1}:
        raise ValueError("several samples in a frame")
    if not all(1 <= gain <= 1e6 for gain in header.adc_gain):  # false for NaN, too
        raise ValueError(f"a gain of {min(header.adc_gain):g}")
    if not all(-32768 <= baseline <= 32767 for baseline in header.baseline):
        raise ValueError("a baseline that no sample has")
    if set(header.units) != {"mV"}:
        raise ValueError("a signal that is not in mV")
    names = [name.lower() for name in header.sig_name]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two leads named {twice[0]!r}")
    # a name with a path in it could lead anywhere
    if strange := [name for name in header.file_name if not re.fullmatch(r"[\w-]+\.(dat|xyz)", name)]:
        raise ValueError(f"a signal file named {strange[0]!r}")
    if (longest := max(map(len, header.comments), default=0)) > MOST_COMMENT:
        raise ValueError(f"a comment of {longest} characters")


def _told(header, what):
    """What a header's comments say of something, or None."""
    for line in header.comments:
        if line.startswith(f"{what}:"):
            text = line.partition(":")[2].strip()
            return None if text in ("", "n/a") else text
    return None


def _reason(header):
    return _told(header, "Reason for admission")


def _channels(path, header, leads):
    """Positions of the leads among the record's signals."""
    names = [name.lower() for name in header.sig_name]
    if strange := [lead for lead in leads if lead not in names]:
        raise DataError(f"{path}.hea has no lead {strange[0]!r}; it has {', '.join(names)}.")
    return [names.index(lead) for lead in leads]


def _rows(path, numbers):
    """PTB-XL's rows of these recordings, in their order."""
    import pandas as pd

    columns = ["ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr"]
    try:
        table = pd.read_csv(path, usecols=columns).set_index("ecg_id", drop=False)
    except Exception as error:  # pandas raises whatever a damaged text leads it to
        raise _table_error(path, error) from None
    if missing := [n for n in numbers if n not in table.index]:
        raise DataError(
            f"{path} has no recording {missing[0]} ({len(missing)} of the {len(numbers)} asked for are not "
            "in it). Name others with records=."
        )
    rows = table.loc[numbers]
    try:
        if len(rows) != len(numbers):
            raise ValueError("a recording stands in it twice")
        numbers_in = rows[["patient_id", "age", "sex", "strat_fold"]].apply(pd.to_numeric)
        rows = rows.assign(**numbers_in, scp_codes=[set(ast.literal_eval(codes)) for codes in rows.scp_codes])
        if rows[["patient_id", "strat_fold"]].isna().any(axis=None):
            raise ValueError("a patient or a fold without a number")
        # a name with another path in it could lead anywhere
        strange = [n for n in rows.filename_lr if not re.fullmatch(r"records100/\d{5}/\d{5}_lr", str(n))]
        if strange:
            raise ValueError(f"a file named {strange[0]!r}")
    except Exception as error:
        raise _table_error(path, error) from None
    return rows


def _table_error(path, error):
    if isinstance(error, OSError):
        return DataError(explain_os_error(error, path))
    return DataError(f"{path} is not PTB-XL's table ({error}). Replace it.")


def _superclasses(folder, rows):
    """Of each row, the superclasses of its diagnostic statements: "NORM", "MI+STTC", "none"."""
    import pandas as pd

    try:
        statements = pd.read_csv(folder / _STATEMENTS, index_col=0)
        known = statements.diagnostic_class[statements.diagnostic == 1].to_dict()
    except Exception as error:
        raise _table_error(folder / _STATEMENTS, error) from None
    for codes in rows.scp_codes:
        found = {known[code] for code in codes if code in known}
        yield "+".join(name for name in SUPERCLASSES if name in found) or "none"


# ---- from recordings to beats


def _cached(name, folder, table, headers, leads, seconds, fs):
    """The beats of the records in `table`, {file: (record, patient, label, fold, diagnosis)}."""
    if not table:
        raise DataError(f"None of the records in {folder} has a diagnosis that was asked for.")
    files = (folder / f"{file}.{end}" for file in table for end in ("hea", "dat", "xyz"))
    there = [path for path in files if store.is_file(path)]
    code = store.fingerprint_code("ptb", "segment")
    key = store.fingerprint(there, leads, seconds, fs, sorted(table.items()), code)
    return store.cached(
        f"{name}-{key}",
        lambda: _cut(folder, table, headers, leads, seconds, fs),
        fs=float(fs),
        source="physionet",
        classes=DIAGNOSED,
        longest=max(len(str(fact)) for facts in table.values() for fact in facts),
    )


def _cut(folder, table, headers, leads, seconds, fs):
    """The beats of one record after the other."""
    from joblib import cpu_count

    calls = ((folder / file, facts, headers[file], leads, seconds, fs) for file, facts in table.items())
    # the detector is plain Python, so processes; fifty records are worth the start of one
    n_jobs = min(cpu_count(), len(table) // 50) if len(table) >= 100 else None
    n_beats = 0
    for beats in each(_cut_record, calls, n_jobs=n_jobs):
        n_beats += len(beats)
        yield beats
    if n_beats == 0:
        raise DataError(f"No beat was found in lead {leads[0]} of the {len(table)} records in {folder}.")


def _cut_record(path, facts, header, leads, seconds, fs):
    import wfdb

    n = _length(header, seconds)
    channels = _channels(path, header, leads)
    for name in {header.file_name[i] for i in channels}:
        if reason := _wrong(path.parent / name, (header, n)):
            raise DataError(f"{path.parent / name} {reason}. Replace it by PhysioNet's.")
    try:
        voltages = wfdb.rdrecord(str(path), sampto=n, channels=channels).p_signal
    except OSError as error:
        raise DataError(explain_os_error(error, f"{path}.dat")) from None
    except Exception as error:  # wfdb's, of whatever kind
        raise DataError(f"{path}.hea and its signals cannot be read ({error}). Replace them.") from None
    if np.isnan(voltages).any():  # the format has a value for samples that are none
        raise DataError(f"{path}.dat has samples that are marked as invalid. Ask for other records or leads.")
    peaks = r_peaks(voltages[:, 0], header.fs)
    signals = cut_leads(voltages, peaks, header.fs, fs)
    record, patient, label, fold, diagnosis = (np.full(len(signals), fact) for fact in facts)
    return Beats(
        signals, label, patient, record, fold if facts[3] else None, peaks[:-1],
        rr_intervals(peaks, header.fs)[: len(signals)], diagnosis, classes=DIAGNOSED, fs=fs,
    )  # fmt: skip


def _count_left_out(total, reasons):
    """Print how many records were left out, and why."""
    told = [f"{len(names)} {why}" for why, names in reasons.items() if names]
    if told:
        print(f"{sum(map(len, reasons.values()))} of {total} records left out: {', '.join(told)}")
