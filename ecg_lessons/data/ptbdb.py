"""The PTB Diagnostic ECG Database: healthy controls and patients, the reason for admission known."""

import re
from functools import partial
from pathlib import Path

from ..beats import Beats
from . import recording
from .published import fetch_ptbdb_csv
from .simulate import make_patients
from .sources import fetch_from

PTBDB = "ptbdb/1.0.0"
_HEALTHY, _INFARCTION = "Healthy control", "Myocardial infarction"
_RECORD = re.compile(r"patient\d{3}/s\d{4}\w{3}")


def fetch_ptbdb(
    source="physionet", data_home=None, leads=("ii",), abnormal="any", records=None, seconds=10.0, fs=120.0
) -> Beats:
    """Beats of the PTB Diagnostic ECG Database: of healthy controls and of patients.

    Parameters
    ----------
    source, data_home
        As for `fetch_mitbih` (``ptbdb/patient001/s0010_re.hea``); "kaggle" reads the two published CSVs:
        14 552 beats, no patients.
    leads : sequence of str
        Of i, ii, iii, avr, avl, avf, v1 to v6, and vx, vy, vz where the record has them. The R peaks
        are found in the first one.
    abnormal : "any" or "mi"
        "any": whoever is not a healthy control. "mi": patients with a myocardial infarction; the others
        are left out.
    records : sequence of str, optional
        Names, as "patient001/s0010_re"; any of the database's 549. Default: `list_ptbdb_records`.
    seconds : float or None
        How much of each recording, from its start; None for all of it.
    fs : float
        Sampling frequency of the beats in Hz. MIT-BIH's published beats have 120.

    Returns
    -------
    Beats
        Signals (n, 187), or (n, 187, leads) for more than one; classes normal and abnormal = 0, 1;
        `diagnoses` the reason for admission; `samples` at the recording's own 1000 Hz; RR intervals in seconds.

    Raises
    ------
    DataError
        If a file is missing, damaged or cannot be downloaded, a record has no such lead, or there is no beat.

    Notes
    -----
    The leads are cut by `cut_leads`. Records whose header gives no reason for admission, and those in which no
    beat is found, are left out; a line that is printed counts them. Of the default list, the folder used to make
    the course holds patient251's seconds 80 to 90 where a download has the first ten.

    Bousseljot, Kreiseler & Schnabel 1995, doi:10.1515/bmte.1995.40.s1.317; data doi:10.13026/C28C71, ODC-By 1.0.
    """
    if abnormal not in ("any", "mi"):
        raise ValueError(f'abnormal must be "any" or "mi", not {abnormal!r}')
    leads = recording.check_arguments(leads, seconds, fs)
    return fetch_from(
        source,
        physionet=lambda: _cut_or_load(data_home, leads, abnormal, records, seconds, fs),
        kaggle=lambda: _fetch_csv(data_home, leads, abnormal, records),
        simulated=lambda: make_patients(leads=len(leads), fs=fs),
    )


def _fetch_csv(data_home, leads, abnormal, records):
    if abnormal == "mi" or leads != ("ii",) or records is not None:
        raise ValueError("the Kaggle files hold lead II alone, and name neither records nor diagnoses")
    return fetch_ptbdb_csv(data_home)


def _cut_or_load(data_home, leads, abnormal, records, seconds, fs):
    records = _check_records(records)
    folder, headers = recording.find_headers(data_home, PTBDB, records)
    known = {name: reason for name, header in headers.items() if (reason := _read_reason(header))}
    table = {
        name: (name, name.split("/")[0], int(reason != _HEALTHY), "", reason)
        for name, reason in known.items()
        if abnormal == "any" or reason in (_HEALTHY, _INFARCTION)
    }
    recording.find_signals(data_home, PTBDB, folder, {name: headers[name] for name in table}, leads, seconds)
    beats = recording.cache_recordings("ptbdb", folder, table, headers, leads, seconds, fs)
    left_out = {
        "with no reason for admission": set(records) - set(known),
        "of other patients": set(known) - set(table),
        "without a beat": set(table) - set(beats.records),
    }
    recording.print_left_out(len(records), left_out)
    return beats


def describe_ptbdb(data_home=None, records=None, source="physionet"):
    """Who the recordings of PTB Diagnostic are from, as their headers say.

    Gives a DataFrame with one row for each recording: ``patient``, ``age`` in years (NaN where unknown),
    ``sex`` and ``reason`` for admission (missing where unknown). Parameters and errors are those of
    `fetch_ptbdb`; the age of simulated patients is simulated, too.
    """
    read = partial(_read_patients, data_home, records)
    return fetch_from(source, physionet=read, kaggle=read, simulated=recording.describe_simulated)


def _read_patients(data_home, records):
    records = _check_records(records)
    _, headers = recording.find_headers(data_home, PTBDB, records)
    rows = [
        (name.split("/")[0], _read_comment(header, "age"), _read_comment(header, "sex"), _read_reason(header))
        for name, header in headers.items()
    ]
    return recording.make_patient_table(records, rows)


def _check_records(records):
    """The records asked for, each once; by default the course's own. A ValueError names one that cannot be."""
    records = list_ptbdb_records() if records is None else list(dict.fromkeys(records))
    if strange := [name for name in records if not _RECORD.fullmatch(name)]:
        raise ValueError(f"{strange[0]!r} is no record of PTB; they are named like patient001/s0010_re")
    return records


def list_ptbdb_records() -> list:
    """Names of the 65 recordings that `fetch_ptbdb` takes by default."""
    return (Path(__file__).parent / "ptbdb_records.txt").read_text().split()


def _read_comment(header, name):
    """What a header's comments say of something, or None."""
    for line in header.comments:
        if line.startswith(f"{name}:"):
            text = line.partition(":")[2].strip()
            return None if text in ("", "n/a") else text
    return None


def _read_reason(header):
    return _read_comment(header, "Reason for admission")
