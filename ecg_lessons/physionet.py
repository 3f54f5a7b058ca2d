"""The recordings themselves, from PhysioNet or from a directory that holds them."""

import errno
import hashlib
import os
import shutil
import ssl
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from . import store
from ._parallel import each
from .beats import CLASS_OF, CLASSES, Beats
from .errors import DataError, NotWritten, explain_os_error
from .segment import rr_intervals, segment

# A mirror (a class room's own server, say) can stand in for PhysioNet.
PHYSIONET = "https://physionet.org/files"
MITDB = "mitdb/1.0.0"
# Of a database, by its short name: the long one, which its ZIP file bears, and versions that will do, too.
_LONG_NAMES = {
    "mitdb": "mit-bih-arrhythmia-database",
    "ptbdb": "ptb-diagnostic-ecg-database",
    "ptb-xl": "ptb-xl-a-large-publicly-available-electrocardiography-dataset",
}
_EARLIER = {"ptb-xl": ["1.0.2", "1.0.1"]}
_RATE = {"published": 120.0, "resampled": 125.0, "context": 120.0}  # Hz, of a 360 Hz record
_SOURCES = ("physionet", "kaggle", "simulated")
RETRIES = 2  # per file, a second or two apart
TIMEOUT = (5, 30)  # seconds: to connect, and from one piece of an answer to the next
PATIENCE, SLOWEST = 60, 3000  # a whole file has so many seconds, and one more for so many bytes
LARGEST = 10_000_000  # bytes of a file whose size is not known; PTB-XL's table, the largest, has 6.5 million
LONGEST_PAUSE = 30  # seconds that a server may ask for before the next try


def fetch_mitbih(source="physionet", data_home=None, recipe="published"):
    """The MIT-BIH Arrhythmia Database as 109 446 beats of 47 patients.

    Parameters
    ----------
    source : "physionet", "kaggle" or "simulated"
        "physionet" cuts the 48 records, downloaded where no data directory holds them.
        "kaggle" reads the published CSVs, see `ecg_lessons.kaggle.fetch`. "simulated"
        gives made-up beats of the same form, see `make_beats`. The environment variable
        ``ECG_LESSONS_SOURCE``, where set, overrules the argument.
    data_home : path, optional
        A directory with PhysioNet's layout (``mitdb/100.dat``), read before anything is
        downloaded. Default: the environment variable ``ECG_LESSONS_DATA``.
    recipe : "published", "resampled" or "context"
        How a beat is cut, see `segment`. "kaggle" beats come as published, simulated ones
        as published or with context.

    Returns
    -------
    Beats
        Signals (109446, 187), in [0, 1] but for "context"; labels N S V F Q = 0..4 by ANSI/AAMI EC57; 47
        patients, records 201 and 202 being one person, "201"; 120 Hz, but
        125 Hz for "resampled"; RR intervals in seconds.

    Raises
    ------
    DataError
        If a file is missing, damaged or cannot be downloaded; it names the file.

    Notes
    -----
    Moody & Mark 2001, doi:10.1109/51.932724; data doi:10.13026/C2F305, ODC-By 1.0.
    The first call cuts the beats and keeps them in the cache; later ones map that file.
    """
    source = chosen_source(source)
    if recipe not in _RATE:
        raise ValueError(f"recipe must be one of {', '.join(_RATE)}, not {recipe!r}")
    if source == "simulated":
        from .simulate import make_beats

        return make_beats(recipe="published" if recipe == "resampled" else recipe)
    if source == "kaggle":
        if recipe == "context":
            raise ValueError(
                'the Kaggle files hold beats as published; what surrounds them is only in source="physionet"'
            )
        from . import kaggle

        return kaggle.fetch(data_home)
    folder, files = local_mitdb(data_home)
    code = store.fingerprint_code("physionet", "segment")
    # what is downloaded is known by its hashes; a user's own files may change
    state = store.fingerprint(files, code) if folder else f"downloaded-{code}"
    return store.cached(
        f"mitbih-{recipe}-{state}",
        lambda: _cut_mitdb(folder or download_mitdb(searched=store.data_home(data_home)), recipe),
        fs=_RATE[recipe],
        source="physionet",
    )


def fetch_record(name, data_home=None, source="physionet"):
    """One half-hour MIT-BIH record with its annotations.

    Parameters
    ----------
    name : str
        "100" to "234", see `record_names`.
    data_home, source
        As for `fetch_mitbih`; a simulated record carries the name it was asked for.

    Returns
    -------
    (wfdb.Record, wfdb.Annotation)
        ``record.p_signal`` (650000, 2) in mV at ``record.fs`` = 360 Hz;
        ``annotation.sample`` and ``annotation.symbol``, one entry a mark.

    Raises
    ------
    DataError
        If there is no such record, or a file of it is missing or damaged.
    """
    if chosen_source(source) == "simulated":
        from .simulate import make_record

        return make_record(name)
    name = str(name)
    if name not in record_names():
        raise DataError(f"MIT-BIH has no record {name!r}; it has {', '.join(record_names())}")
    files = [f"{name}.{end}" for end in ("hea", "dat", "atr")]
    folder, _ = local_mitdb(data_home, files)
    return read_record(folder or download_mitdb(files, store.data_home(data_home)), name)


def data_available(data_home=None, timeout=4.0):
    """Where real MIT-BIH records can be had from, without fetching them.

    Returns
    -------
    str or None
        "data_home", "cache", "download", or None if none of these answers within
        `timeout` seconds.
    """
    if local_mitdb(data_home)[0] is not None:
        return "data_home"
    if cached_mitdb() is not None:
        return "cache"
    import requests

    with suppress(requests.Timeout):
        return "download" if _wait_for(lambda: _has_first_header(timeout), timeout) else None
    return None


def chosen_source(source):
    """The source that counts: ``ECG_LESSONS_SOURCE`` where set, else the argument."""
    given = os.environ.get("ECG_LESSONS_SOURCE")
    if (given or source) not in _SOURCES:
        what = "ECG_LESSONS_SOURCE" if given else "source"
        raise ValueError(f"{what} must be one of {', '.join(_SOURCES)}, not {given or source!r}")
    return given or source


@cache
def mitdb_files():
    """{file name: SHA-256} of the 144 files of MIT-BIH 1.0.0."""
    return {name: digest for name, (digest, _) in published_files("mitdb").items()}


@cache
def mitdb_sizes():
    """{file name: bytes} of the same files."""
    return {name: size for name, (_, size) in published_files("mitdb").items()}


@cache
def published_files(short):
    """Those files of a database that PhysioNet's sums are known of.

    Parameters
    ----------
    short : "mitdb", "ptbdb" or "ptb-xl"

    Returns
    -------
    dict
        {file name: (SHA-256, bytes)}; None for bytes that are not known.
    """
    lines = (Path(__file__).parent / f"{short}_sha256.txt").read_text().splitlines()
    rows = map(str.split, lines)
    return {name: (digest, None if size == "-" else int(size)) for digest, size, name in rows}


def record_names():
    """Names of the 48 records, in order."""
    return sorted({name.split(".")[0] for name in mitdb_files()})


def patient_of(record):
    """Who a record belongs to: its own name, but 202 is the person of 201."""
    return "201" if record == "202" else record


def download_mitdb(names=None, searched=None):
    """The cache's ``mitdb`` folder, with the files named (default: all 144) in it, see `download`."""
    known = mitdb_files()
    names = known if names is None else names
    files = {name: known[name] for name in names}
    return download(MITDB, files, "MIT-BIH records", searched, sizes=mitdb_sizes())


def download(database, files, title, searched=None, fetch=None, urls=None, sizes=None):
    """The cache's folder of a database, with the files named in it.

    Files already there are kept, several are fetched at once, and each is checked before it takes
    its place: an interrupted download goes on with the next file.

    Parameters
    ----------
    database : str
        Its path at PhysioNet, "mitdb/1.0.0".
    files : {name: SHA-256 or None}
        None where the sum is not known; then `fetch` checks the file.
    title : str
        Of the progress bar.
    searched : path, optional
        The data directory that did not have them, to be named if this fails.
    fetch : callable, optional
        A pooch downloader, called with (url, path, pooch); it raises ValueError for wrong content.
    urls : {name: address}, optional
        Of files that are not where their name says.
    sizes : {name: bytes}, optional
        Of files that `fetch` does not fetch: what is larger is refused. Default: `LARGEST`.

    Raises
    ------
    DataError
        If a file cannot be fetched, is not what PhysioNet published, or cannot be read in the cache.
    NotWritten
        If the cache cannot be written to.
    """
    import warnings

    with warnings.catch_warnings():  # both complain to the notebook where ipywidgets is missing
        warnings.simplefilter("ignore")
        import pooch
        from tqdm.auto import tqdm

    folder = cache_folder(database)
    unfinished = store.unfinished(folder)  # pooch's own names could be anybody's
    pooch.get_logger().setLevel("ERROR")
    fetcher = pooch.create(
        path=unfinished, base_url=address(database), registry=files, urls=urls or {}, retry_if_failed=RETRIES
    )
    sizes = sizes or {}
    store.drop_old(folder, store.UNFINISHED, 86400)  # of a process that was killed
    there = all(os.path.isfile(folder / name) for name in files)
    pool = ThreadPoolExecutor(max_workers=8)

    def get(name):
        path, setting = folder / name, "ECG_LESSONS_CACHE"
        # read here, as pooch's error would not tell whether it was reading or writing
        if store.is_file(path, setting) and files[name] in (None, store.sha256(path, setting)):
            store.let_read(path, path.parent)  # earlier versions' were for their owner alone
            return
        # pooch makes folders, too, but stumbles where two threads make the same one
        store.make_folder(path.parent)
        (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
        fetched = Path(fetcher.fetch(name, downloader=fetch or downloader(sizes.get(name, LARGEST))))
        with suppress(OSError):  # pooch's are for their owner alone; a class may share a cache
            fetched.chmod(path.parent.stat().st_mode & 0o666)
        os.replace(fetched, path)

    jobs = {pool.submit(get, name): name for name in files}
    try:
        done = as_completed(jobs)
        for job in tqdm(done, desc=title, total=len(jobs), unit="file", disable=there):
            if error := job.exception():
                looked = f"{explain_not_found(searched, database, title)} " if searched else ""
                raise _data_error(error, fetcher.get_url(jobs[job]), folder / jobs[job], looked) from None
    finally:  # after an error or an interrupt, too: what has not begun does not begin
        pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def downloader(most=LARGEST, headers=None):
    """What fetches one file for pooch, called with (url, path, pooch), with an end to every wait.

    `TIMEOUT` counts from one piece of an answer to the next, so a server that gives a byte now and then would
    never reach it: the whole file has `PATIENCE` seconds and a second more for every `SLOWEST` bytes of
    `most`, whatever length the server announces. Where a server says "Retry-After", that is waited for,
    `LONGEST_PAUSE` seconds at most; pooch then tries again.

    Parameters
    ----------
    most : int
        Bytes that the file may have.
    headers : dict, optional
        Of the request.

    Raises
    ------
    ValueError
        From the call, if the file is larger.
    requests.RequestException
        From the call, if it cannot be had, or not in time.
    """

    def fetch(url, path, pup):
        import requests

        given_up = threading.Event()

        def write():
            with open(path, "wb") as file:
                for piece in _receive(url, most, headers=headers):
                    if given_up.is_set():
                        return
                    file.write(piece)

        try:
            _wait_for(write, PATIENCE + most / SLOWEST)
        except requests.HTTPError as error:
            if error.response.status_code in (429, 503):
                asked = error.response.headers.get("Retry-After", "")
                time.sleep(min(int(asked), LONGEST_PAUSE) if asked.isdecimal() else 0)
            raise
        finally:
            given_up.set()

    return fetch


def _receive(url, most, timeout=TIMEOUT, headers=None):
    """What a server gives at an address, piece by piece; a ValueError if it is more than `most` bytes."""
    import requests

    def drop_redirect(response, **_):
        if response.is_redirect:
            response.close()  # requests would read whatever comes with it

    headers = {"Accept-Encoding": "identity", **(headers or {})}
    hooks = {"response": drop_redirect}
    with requests.get(url, timeout=timeout, headers=headers, hooks=hooks, stream=True) as response:
        response.raise_for_status()
        packed = response.headers.get("Content-Encoding", "identity").lower()
        if packed not in ("identity", "gzip", "deflate"):  # twice, say: one piece may unpack to gigabytes
            raise ValueError(f"packed as {packed}, which was not asked for")
        n_bytes = 0
        for piece in response.iter_content(1 << 14):
            n_bytes += len(piece)
            if n_bytes > most:
                raise ValueError(f"more than {most} bytes")
            yield piece


def _wait_for(call, seconds):
    """What ``call()`` gives or raises; requests.Timeout if it takes longer, and then it is left to itself.

    It runs in a thread of its own, as neither the look-up of a host's name nor the lines that come before an
    answer's content obey a time-out.
    """
    import requests

    outcome = Future()

    def run():
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():  # the call's own
            raise
        raise requests.Timeout(f"not there after {seconds:.0f} seconds") from None


def cache_folder(database):
    """Where a database's downloads go."""
    return store.cache_dir() / database.split("/")[0]


def address(database, name=""):
    """Where a database's file is to be downloaded from."""
    base = os.environ.get("ECG_LESSONS_PHYSIONET") or PHYSIONET
    return f"{base.rstrip('/')}/{database}/{name}"


def _data_error(error, url, path, looked=""):
    """What went wrong with the download of `url` to `path`, as the error that a reader sees.

    `looked` says where else the file was looked for.
    """
    import requests

    if isinstance(error, DataError):
        return error
    if isinstance(error, PermissionError) and not error.errno:  # pooch's own, in many words
        error = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    # they are OSErrors, too, but of the network; and one without a number is a library's own
    of_network = (requests.RequestException, ConnectionError, TimeoutError, ssl.SSLError)
    if isinstance(error, OSError) and error.errno and not isinstance(error, of_network):
        return NotWritten(explain_os_error(error, path, writing=True, setting="ECG_LESSONS_CACHE"))
    if isinstance(error, requests.HTTPError) and error.response is not None:
        what = f"answered {error.response.status_code}."
    elif isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        what = (
            "could not be downloaded, because Python does not trust the certificate that came with the "
            "answer (SSLError). A proxy that reads along puts its own certificate in place of the server's. "
            "Ask whoever runs the network for it as a .pem file, and set REQUESTS_CA_BUNDLE to its path."
        )
    elif isinstance(error, requests.RequestException):
        what = f"could not be downloaded ({type(error).__name__})."
    elif isinstance(error, ValueError):  # pooch's word for a hash that does not match
        what = "is not the file that PhysioNet published."
    else:
        what = f"could not be downloaded ({error if isinstance(error, OSError) else repr(error)})."
    return DataError(
        f"{looked}{url} {what} Try again later (files already there are kept), or point ECG_LESSONS_DATA at "
        "a copy of the database, or set ECG_LESSONS_SOURCE=simulated to go on with simulated beats."
    )


def _has_first_header(timeout):
    """Whether the server gives the small header of record 100, and not a sign-in page, say."""
    name = "100.hea"
    try:
        content = b"".join(_receive(address(MITDB, name), mitdb_sizes()[name], timeout))
    except (OSError, ValueError):  # what requests raises is an OSError; so is a wrong REQUESTS_CA_BUNDLE
        return False
    return hashlib.sha256(content).hexdigest() == mitdb_files()[name]


def local_mitdb(data_home, names=None):
    """The folder of the user's data directory that holds MIT-BIH, and its files; or (None, []).

    Raises
    ------
    DataError
        If some of the files named (default: all 144) are there and others are not.
    """
    return local_files(data_home, MITDB, names or mitdb_files(), "MIT-BIH")


def local_files(data_home, database, names, what, folder=None):
    """The folder of the user's data directory that holds these files, and their paths; or (None, []).

    Parameters
    ----------
    data_home : path or None
        As for `fetch_mitbih`.
    database : str
        Its path at PhysioNet, "mitdb/1.0.0".
    names : collection of str
        The files wanted.
    what : str
        For the error's text: "MIT-BIH".
    folder : path, optional
        The only one to look in: where other files that belong to these were found. Default: each of
        `database_folders`; the first that has all files is taken.

    Raises
    ------
    DataError
        If a folder has some of the files, and none has all; or if one may not be looked into.
    """
    home = store.data_home(data_home)
    if home is None:
        return None, []
    incomplete = []
    for place in [home / name for name in database_folders(database)] if folder is None else [folder]:
        files = [place / name for name in names] if os.path.isdir(place) else []
        missing = [file for file in files if not store.is_file(file)]
        if files and not missing:
            return place, files
        if len(missing) < len(files):
            incomplete.append(missing)
    if incomplete:
        missing = min(incomplete, key=len)
        raise DataError(
            f"{missing[0]} is missing ({len(missing)} of {len(names)} files of {what} are). Copy "
            f"it from {PHYSIONET}/{database}/, or leave ECG_LESSONS_DATA unset to download all."
        )
    return None, []


def database_folders(database):
    """Where a data directory may hold a database: as folders are named by PhysioNet and its downloads.

    Parameters
    ----------
    database : str
        Its path at PhysioNet, "mitdb/1.0.0".

    Returns
    -------
    list of str
        Below the data directory: "mitdb/1.0.0", "mitdb", what PhysioNet's ZIP file unpacks to, what
        ``wget -r`` makes, and the data directory itself, ".".
    """
    name, versions = database.split("/")[0], _versions(database)
    folders = []
    for short in dict.fromkeys([name, name.replace("-", "")]):  # ptb-xl, ptbxl
        folders += [*(f"{short}/{version}" for version in versions), short]
    unpacked = [f"{_LONG_NAMES.get(name, name)}-{version}" for version in versions]
    folders += unpacked + [f"{folder}/{folder}" for folder in unpacked]  # as some programs unpack it
    for site in ("physionet.org/files", "files"):
        folders += [f"{site}/{name}/{version}" for version in versions]
    return [*folders, *versions, "."]


def _versions(database):
    name, newest = database.split("/")
    return [newest, *_EARLIER.get(name, [])]


def explain_not_found(home, database=MITDB, title="MIT-BIH records"):
    """Where a data directory was searched for a database that it does not hold: one or two sentences.

    Parameters
    ----------
    home : path
        The data directory, as from `store.data_home`.
    database : str
        Its path at PhysioNet, "mitdb/1.0.0".
    title : str
        What was wanted.

    Returns
    -------
    str
        Where PhysioNet's ZIP file of the database lies there, that it must be unpacked, too.
    """
    name, (newest, *earlier) = database.split("/")[0], _versions(database)
    long = _LONG_NAMES.get(name, name)
    places = f"{name}, {name}/{newest}, {long}-{newest} and physionet.org/files/{name}/{newest}"
    older = f", nor those of version {' or '.join(earlier)}" if earlier else ""
    told = f"{home} holds no {title} that can be read, nor do its folders {places}{older}."
    for folder in (".", name):
        for version in _versions(database):
            packed = Path(home) / folder / f"{long}-{version}.zip"
            if os.path.isfile(packed):
                return f"{told} It holds {packed}, which is not read as it is: unpack it there."
    return told


def cached_mitdb():
    """The cache's folder of downloaded records if all are there, else None."""
    folder = store.cache_dir() / "mitdb"
    return folder if all(os.path.isfile(folder / name) for name in mitdb_files()) else None


def read_record(folder, name):
    """One record and its annotations from `folder`, each file checked against its SHA-256."""
    import wfdb

    known = mitdb_files()
    for file in (Path(folder) / f"{name}.{end}" for end in ("hea", "dat", "atr")):
        if store.sha256(file) != known[file.name]:
            raise DataError(
                f"{file} is not the file that PhysioNet published ({file.stat().st_size} bytes). "
                f"Replace it by {PHYSIONET}/{MITDB}/{file.name}."
            )
    path = str(Path(folder) / name)
    try:
        return wfdb.rdrecord(path), wfdb.rdann(path, "atr")
    except OSError as error:
        raise DataError(explain_os_error(error, f"{path}.dat")) from None


def _cut_mitdb(folder, recipe):
    """The beats of one record after the other."""
    calls = ((folder, name, recipe) for name in record_names())
    return each(_cut_record, calls, n_jobs=2, prefer="threads")  # more wait for each other, and cost memory


def _cut_record(folder, name, recipe):
    record, annotation, labels, peaks = read_beats(folder, name)
    # the published files take the first lead, whatever it is; MLII is what nearly all records have
    lead = record.sig_name.index("MLII") if recipe != "published" and "MLII" in record.sig_name else 0
    signals = segment(record.p_signal[:, lead], peaks, record.fs, recipe=recipe, marks=annotation.sample)
    return Beats(
        signals=signals,
        labels=labels[:-1],
        patients=np.full(len(signals), patient_of(name)),
        records=np.full(len(signals), name),
        samples=peaks[:-1],
        rr=rr_intervals(peaks, record.fs)[:-1],
        fs=_RATE[recipe],
    )


def read_beats(folder, name):
    """(record, annotation, labels (n,), peaks (n,)): the marks that are beats, with their class."""
    record, annotation = read_record(folder, name)
    symbols = np.array(annotation.symbol)
    is_beat = np.isin(symbols, list(CLASS_OF))
    labels = np.array([CLASSES.index(CLASS_OF[s]) for s in symbols[is_beat]])
    return record, annotation, labels, annotation.sample[is_beat]
