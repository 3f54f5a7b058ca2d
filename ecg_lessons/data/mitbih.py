"""The MIT-BIH Arrhythmia Database: its recordings, and all its beats."""

import hashlib
from functools import partial

import numpy as np

from ..beats import Beats
from ..errors import DataError
from ..segment import compute_rr_intervals, segment
from .cache import cache_beats, hash_code, hash_files
from .download import fetch_content, make_url
from .published import fetch_mitbih_csv, find_folds, restore_samples
from .records import (
    MITDB,
    download_mitdb,
    find_cached_mitdb,
    find_local_mitdb,
    find_patient,
    list_records,
    load_sums,
    read_annotated_beats,
    read_record,
)
from .simulate import make_beats, make_record
from .sources import fetch_from

_RATE = {"published": 120.0, "resampled": 125.0, "context": 120.0}  # Hz, of a 360 Hz record


def fetch_mitbih(source="physionet", data_home=None, recipe="published") -> Beats:
    """The MIT-BIH Arrhythmia Database as 109 446 beats of 47 patients.

    Parameters
    ----------
    source : "physionet", "kaggle" or "simulated"
        "physionet" cuts the 48 records, downloaded where no data directory holds them; "kaggle" reads the
        published CSVs, see `fetch_mitbih_csv`; "simulated" gives beats as `make_beats` does. The environment
        variable ``ECG_LESSONS_SOURCE``, where set, overrules the argument.
    data_home : path, optional
        A directory with PhysioNet's layout (``mitdb/100.dat``), read before anything is
        downloaded. Default: the environment variable ``ECG_LESSONS_DATA``.
    recipe : "published", "resampled" or "context"
        How a beat is cut, see `segment`. "kaggle" beats come as published, simulated ones
        as published or with context.

    Returns
    -------
    Beats
        Signals (109446, 187), in [0, 1] but for "context"; labels N S V F Q = 0..4 by ANSI/AAMI EC57;
        records 201 and 202 are one patient, "201"; `folds` as the published files divide them;
        120 Hz, but 125 Hz for "resampled"; RR intervals in seconds.

    Raises
    ------
    DataError
        If a file is missing, damaged or cannot be downloaded; it names the file.

    Notes
    -----
    The first call cuts the beats and keeps them in the cache; later ones map that file.

    Moody & Mark 2001, doi:10.1109/51.932724; data doi:10.13026/C2F305, ODC-By 1.0.
    """
    if recipe not in _RATE:
        raise ValueError(f"recipe must be one of {', '.join(_RATE)}, not {recipe!r}")
    return fetch_from(
        source,
        physionet=lambda: _cut_or_load(data_home, recipe),
        kaggle=lambda: _fetch_csv(data_home, recipe),
        simulated=lambda: make_beats(recipe="published" if recipe == "resampled" else recipe),
    )


def _fetch_csv(data_home, recipe):
    if recipe == "context":
        raise ValueError(
            'the Kaggle files hold no context; what surrounds them is only in source="physionet"'
        )
    return fetch_mitbih_csv(data_home, _cut_records_at_hand(data_home))


def _cut_records_at_hand(data_home):
    """The records' own beats, cut by the published recipe, if that takes no download; else None."""
    try:
        for home in (data_home, None):  # the CSVs may lie in a directory of their own
            if find_local_mitdb(home)[0] is not None:
                return _cut_or_load(home, "published")
        return _cut_or_load(data_home, "published") if find_cached_mitdb() else None
    except DataError as error:
        print(f"The patients are not restored: {error}")
        return None


def _cut_or_load(data_home, recipe):
    folder, files = find_local_mitdb(data_home)
    code = hash_code("data/mitbih", "data/published", "data/records", "segment")
    # what is downloaded is known by its hashes; a user's own files may change
    state = hash_files(files, code) if folder else f"downloaded-{code}"
    return cache_beats(
        f"mitbih-{recipe}-{state}",
        lambda: _cut_records(folder or download_mitdb(data_home=data_home), recipe),
        fs=_RATE[recipe],
        source="physionet",
        longest=len("train"),
    )


def _cut_records(folder, recipe):
    """The beats of one record after the other."""
    from joblib import Parallel, delayed

    # more than two wait for each other, and cost memory
    parallel = Parallel(n_jobs=2, prefer="threads", return_as="generator")
    return parallel(delayed(_cut_record)(folder, name, recipe) for name in list_records())


def _cut_record(folder, name, recipe):
    record, annotation, labels, peaks = read_annotated_beats(folder, name)
    # the published files take the first lead, whatever it is; MLII is what nearly all records have
    lead = record.sig_name.index("MLII") if recipe != "published" and "MLII" in record.sig_name else 0
    starts, annotations = peaks, annotation.sample
    if recipe == "published":
        starts, annotations = (restore_samples(name, samples) for samples in (starts, annotations))
    signals = segment(record.p_signal[:, lead], starts, record.fs, recipe, annotations)
    return Beats(
        signals=signals,
        labels=labels[:-1],
        patients=np.full(len(signals), find_patient(name)),
        records=np.full(len(signals), name),
        folds=find_folds(name, peaks[:-1]),
        samples=peaks[:-1],
        rr=compute_rr_intervals(peaks, record.fs)[:-1],
        fs=_RATE[recipe],
    )


def fetch_record(name, data_home=None, source="physionet"):
    """One half-hour MIT-BIH record with its annotations.

    Parameters
    ----------
    name : str
        "100" to "234", see `list_records`.
    data_home, source
        As for `fetch_mitbih`; a simulated record carries the name it was asked for.

    Returns
    -------
    (wfdb.Record, wfdb.Annotation)
        ``record.p_signal`` (650000, 2) in mV at ``record.fs`` = 360 Hz;
        ``annotation.sample`` and ``annotation.symbol``, one entry for each annotation.

    Raises
    ------
    DataError
        If there is no such record, or a file of it is missing or damaged.
    """
    read = partial(_find_and_read, str(name), data_home)
    return fetch_from(source, physionet=read, kaggle=read, simulated=lambda: make_record(name))


def _find_and_read(name, data_home):
    if name not in list_records():
        raise DataError(f"MIT-BIH has no record {name!r}; it has {', '.join(list_records())}")
    files = [f"{name}.{end}" for end in ("hea", "dat", "atr")]
    folder, _ = find_local_mitdb(data_home, files)
    return read_record(folder or download_mitdb(files, data_home), name)


def data_available(data_home=None, timeout=4.0) -> str | None:
    """Where real MIT-BIH records can be had from, without fetching them.

    It is "data_home", "cache", "download", or None if none of these answers within `timeout` seconds.
    """
    if find_local_mitdb(data_home)[0] is not None:
        return "data_home"
    if find_cached_mitdb() is not None:
        return "cache"
    digest, size = load_sums("mitdb")["100.hea"]  # small; the sum tells it from a sign-in page
    try:
        content = fetch_content(make_url(MITDB, "100.hea"), size, timeout)
    except (OSError, ValueError):  # what requests raises is an OSError; so is a wrong REQUESTS_CA_BUNDLE
        return None
    return "download" if hashlib.sha256(content).hexdigest() == digest else None
