"""The same beats from the other door: the CSV files published on Kaggle.

``shayanfazeli/heartbeat`` (Kachuee, Fazeli & Sarrafzadeh 2018, arXiv:1805.00794): no
header, 187 samples and the label in each row, the patient left out.
"""

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import physionet, store
from .beats import DIAGNOSED, WIDTH, Beats
from .errors import DataError
from .segment import beat_length, published_ends

DATASET = "shayanfazeli/heartbeat"
_PINNED = f"{DATASET}/versions/1"  # its only version; naming it spares a look-up at each call
FILES = {"train": "mitbih_train.csv", "test": "mitbih_test.csv"}
PTB_FILES = {name: f"ptbdb_{name}.csv" for name in DIAGNOSED}
MOST_BYTES = 1_000_000_000  # the largest published file has 410 million
FS = 120.0  # Hz; the files' own description says 125, chapter 1 shows why it is 120
PTB_FS = 125.0  # Hz, as described; 1000 Hz can be divided so, and nothing here has shown otherwise
_KEY = 32  # leading samples that a row is looked up by
_SHORTEST = 8  # samples; a shorter row fits many beats (the shortest real one has 10)


def fetch(data_home=None):
    """The published MIT-BIH beats with their folds, patients restored where possible.

    The CSVs are looked for in the data directory (``kaggle/`` or the files themselves),
    else downloaded with kagglehub: public, no account needed. Where Kaggle asks for one
    on Colab, an upload of ``kaggle.json`` is asked for. Parsed once, then cached.

    Where the raw records are at hand (data directory or cache), each row is traced back
    to its record and annotation by its samples; rows without a match have patient None.

    Returns
    -------
    Beats
        `folds` "train" or "test"; `patients`, `records` and `samples` if traced.

    Raises
    ------
    DataError
        If a file is missing, cannot be downloaded, or is not in the published form.
    """
    paths = _find(data_home, FILES) or _download(FILES)
    records = _records_at_hand(data_home)
    return store.cached(
        f"kaggle-{store.fingerprint(paths.values(), records is not None)}",
        lambda: [_read(paths, records)],
        fs=FS,
        source="kaggle",
        longest=max(map(len, FILES)),
    )


def fetch_ptbdb(data_home=None):
    """The published beats of the PTB Diagnostic ECG Database, from `PTB_FILES`.

    Found or downloaded as by `fetch`.

    Returns
    -------
    Beats
        14 552 beats, classes normal and abnormal; neither patients nor records are known.

    Raises
    ------
    DataError
        As `fetch`; also where a file holds beats of the other class.
    """
    paths = _find(data_home, PTB_FILES) or _download(PTB_FILES)
    return store.cached(
        f"kaggle-ptbdb-{store.fingerprint(paths.values())}",
        lambda: [_read_ptbdb(paths)],
        fs=PTB_FS,
        source="kaggle",
        classes=DIAGNOSED,
    )


def _read_ptbdb(paths):
    signals, labels = zip(*(read_csv(path, n_classes=2) for path in paths.values()))
    for label, (mine, path) in enumerate(zip(labels, paths.values())):
        if (mine != label).any():
            raise DataError(
                f"{path}, row {(mine != label).argmax() + 1}: the label is {1 - label}, but all beats of "
                f"this file should have {label}. Delete it and download it again."
            )
    return Beats(np.concatenate(signals), np.concatenate(labels), classes=DIAGNOSED, fs=PTB_FS)


def read_csv(path, n_classes=5):
    """One published CSV as (signals (n, 187) float32, labels (n,)).

    Raises
    ------
    DataError
        If the file is missing, empty, or holds anything but 187 numbers in [0, 1] and a
        label in each row; it names the file and the row.
    """
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(WIDTH + 1)]
    way_out = "Delete it and download it again."
    size = os.path.getsize(path) if os.path.exists(path) else 0
    if size > MOST_BYTES:
        raise DataError(f"{path} has {size / 1e9:.1f} GB, more than any of the published files. {way_out}")
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(column_names=names, block_size=1 << 22),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.float32()), null_values=[""]
            ),
        )
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Download it from kaggle.com/datasets/{DATASET}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}). Mend its permissions.") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} {_explain_csv(str(error))} {way_out}") from None
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows. {way_out}")
    rows = np.empty((table.num_rows, WIDTH + 1), dtype=np.float32)
    start = 0
    for batch in table.to_batches():  # small enough to turn columns into rows within the CPU's cache
        part = rows[start : start + batch.num_rows]
        for i, column in enumerate(batch.columns):
            part[:, i] = column.to_numpy(zero_copy_only=False)
        start += batch.num_rows
    signals, labels = rows[:, :WIDTH], rows[:, WIDTH]
    if not (signals.min() >= -1e-6 and signals.max() <= 1 + 1e-6):  # false for NaN, too
        bad = ~((signals >= -1e-6) & (signals <= 1 + 1e-6)).all(1)
        raise DataError(
            f"{path}, row {bad.argmax() + 1}: a sample is not a number between 0 and 1. {way_out}"
        )
    bad = ~np.isin(labels, np.arange(n_classes))
    if bad.any():
        raise DataError(
            f"{path}, row {bad.argmax() + 1}: the label is {labels[bad.argmax()]:g}, "
            f"not one of 0 to {n_classes - 1}. {way_out}"
        )
    return signals, labels.astype(np.int64)


def write_kaggle_csv(train, test, folder):
    """Write two sets of beats in the published form: sorted by class, without patients.

    Returns
    -------
    list of Path
        ``mitbih_train.csv`` and ``mitbih_test.csv`` in `folder`.
    """
    paths = [Path(folder) / name for name in FILES.values()]
    for path, beats in zip(paths, (train, test)):
        rows = np.column_stack([beats.signals, beats.labels])
        with store.writing(path) as file:
            np.savetxt(file, rows[np.argsort(beats.labels, kind="stable")], delimiter=",")
    return paths


def trace(signals, labels, folder):
    """Find the annotation that each published row was cut at.

    A row is a scaled copy of raw samples, and scaling keeps their order: the ranks of its
    first 32 samples are an exact key. Of the annotations with that key and class, the one
    whose samples the row repeats (to 1e-4, up to shift and stretch) is the origin.

    Parameters
    ----------
    signals, labels : float32 array (n, 187), int array (n,)
        Published rows.
    folder : path
        Holds the raw MIT-BIH records.

    Returns
    -------
    (records (n,) of str or None, samples (n,) of int, -1 where no annotation fits)
    """
    raw, raw_labels, raw_records, raw_samples, raw_lengths = _windows(folder)
    origin = np.full(len(signals), -1)
    taken = np.zeros(len(raw), dtype=bool)
    last = beat_length(signals)
    lengths = np.minimum(last, _KEY)
    for length in np.unique(lengths[lengths >= _SHORTEST])[::-1]:  # rows that say most choose first
        rows = np.flatnonzero(lengths == length)
        index = {}
        keys = _ranks(raw[:, :length])
        for place in np.flatnonzero(~taken):
            index.setdefault((raw_labels[place], keys[place].tobytes()), []).append(place)
        for row, key in zip(rows, _ranks(signals[rows, :length])):
            candidates = index.get((labels[row], key.tobytes()), [])
            fits = [
                (abs(raw_lengths[c] - last[row]), c)
                for c in candidates
                if not taken[c] and _same_shape(signals[row], raw[c], last[row])
            ]
            if fits:
                origin[row] = min(fits)[1]
                taken[origin[row]] = True
    found = origin >= 0
    records = np.where(found, raw_records[origin].astype(object), None)
    return records, np.where(found, raw_samples[origin], -1)


def _ranks(rows):
    """Each row's dense ranks: 0 for its smallest value, equal values alike. uint8."""
    order = rows.argsort(1, kind="stable")
    ordered = np.take_along_axis(rows, order, 1)
    steps = np.diff(ordered, axis=1, prepend=ordered[:, :1]) > 0
    ranks = np.empty(rows.shape, dtype=np.uint8)
    np.put_along_axis(ranks, order, steps.cumsum(1).astype(np.uint8), 1)
    return ranks


def _same_shape(row, raw, length):
    """Whether the first `length` samples of `row` are `raw` shifted and stretched, to 1e-4."""
    row, raw = row[:length], raw[:length]
    low, high = row.argmin(), row.argmax()
    span = raw[high] - raw[low]
    if span <= 0:
        return row[high] == row[low]
    expected = row[low] + (raw - raw[low]) * ((row[high] - row[low]) / span)
    return np.abs(expected - row).max() < 1e-4


def _windows(folder):
    """Every annotated beat but a record's last: 187 raw samples from its annotation on."""
    parts = []
    for name in physionet.record_names():
        record, annotation, labels, peaks = physionet.read_beats(folder, name)
        lead = np.round(record.p_signal[:, 0] * record.adc_gain[0]).astype(np.int16)
        lead = np.append(lead, np.zeros(3 * WIDTH, dtype=np.int16))
        windows = lead[peaks[:-1, None] + np.arange(0, 3 * WIDTH, 3)]
        ends = published_ends(peaks, annotation.sample)
        parts.append(
            (windows, labels[:-1], np.full(len(windows), name), peaks[:-1], (ends - peaks[:-1] + 2) // 3)
        )
    return [np.concatenate(column) for column in zip(*parts)]


def _read(paths, records):
    parts = {fold: read_csv(path) for fold, path in paths.items()}
    signals = np.concatenate([s for s, _ in parts.values()])
    labels = np.concatenate([y for _, y in parts.values()])
    folds = np.repeat(list(parts), [len(y) for _, y in parts.values()])
    beats = {"signals": signals, "labels": labels, "folds": folds, "fs": FS, "source": "kaggle"}
    if records is not None:
        names, samples = trace(signals, labels, records)
        found = samples >= 0
        if not found.all():
            print(f"{(~found).sum()} of {len(found)} Kaggle rows match no MIT-BIH annotation")
        people = [name and physionet.patient_of(name) for name in names]
        beats |= {"records": names, "patients": np.array(people, dtype=object), "samples": samples}
    return Beats(**beats)


def _records_at_hand(data_home):
    """The folder of the raw records, if it takes no download; else None."""
    try:
        for home in (data_home, None):  # the CSVs may lie in a directory of their own
            if (folder := physionet.local_mitdb(home)[0]) is not None:
                return folder
        return physionet.download_mitdb() if physionet.cached_mitdb() else None  # checks and mends
    except DataError as error:
        print(f"The patients are not restored: {error}")
        return None


def _find(data_home, files):
    """`files`' {part: path} in the data directory, or None."""
    home = store.data_home(data_home)
    if home is None:
        return None
    for folder in (home / "kaggle", home):
        paths = {part: folder / name for part, name in files.items()}
        missing = [path for path in paths.values() if not path.is_file()]
        if not missing:
            return paths
        if len(missing) < len(paths):
            raise DataError(
                f"{missing[0]} is missing. Copy it from kaggle.com/datasets/{DATASET}, or delete "
                "the other CSV so that both are downloaded."
            )
    return None


def _download(files, may_ask=True):
    import kagglehub
    import requests

    try:
        return {part: Path(kagglehub.dataset_download(_PINNED, path=name)) for part, name in files.items()}
    except requests.HTTPError as error:
        status = error.response.status_code
        if status in (401, 403) and may_ask and "google.colab" in sys.modules:
            with _uploaded_credentials():
                return _download(files, may_ask=False)
        raise DataError(_explain_download(status, files)) from None
    except (requests.RequestException, kagglehub.exceptions.DataCorruptionError) as error:
        raise DataError(_explain_download(type(error).__name__, files)) from None
    except OSError as error:
        raise DataError(
            f"Could not write the download of {DATASET} ({error}). Make room, or set KAGGLEHUB_CACHE "
            "to a directory elsewhere."
        ) from None


def _explain_download(what, files):
    if what in (401, 403):
        return (
            f"Kaggle asks for an account to download {DATASET}, or refuses the one it was given. Create "
            "a token at kaggle.com/settings and put it into ~/.kaggle/kaggle.json, or use "
            'source="physionet", which needs none.'
        )
    what = f"answered {what}" if isinstance(what, int) else f"could not be reached ({what})"
    return (
        f"Kaggle {what} for {DATASET}. Try again later, download {' and '.join(files.values())} by "
        'hand into a folder that ECG_LESSONS_DATA names, or use source="physionet".'
    )


@contextmanager
def _uploaded_credentials():
    """Ask for kaggle.json on Colab and install it; taken away again if Kaggle refuses it."""
    from google.colab import files

    target = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle") / "kaggle.json"
    print("Kaggle asks for an account. Upload your kaggle.json (kaggle.com/settings, API tokens).")
    before = set(os.listdir())
    content = next(iter(files.upload().values()), b"")
    for name in set(os.listdir()) - before:  # Colab leaves a copy in the open
        os.unlink(name)
    try:
        account = json.loads(content)
        if not (account["username"].strip() and account["key"].strip()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            "The uploaded file is not a kaggle.json: it must hold username and key. Run the cell again."
        ) from None
    with store.writing(target, mode=0o600) as file:
        file.write(content)
    try:
        yield
    except DataError:
        target.unlink(missing_ok=True)
        raise


def _explain_csv(message):
    """Arrow's complaint in the words of this format."""
    message = " ".join(message.split())
    if "Empty CSV" in message:
        return "has no rows."
    if "conversion error" in message:
        return f"holds something that is not a number ({message[:160]}); the published files have no header."
    return f"does not have {WIDTH + 1} columns in every row ({message[:160]})."
