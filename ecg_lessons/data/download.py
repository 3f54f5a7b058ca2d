"""Files from PhysioNet or a mirror of it: pooch, with an end to every wait and to every file."""

import errno
import os
import shutil
import ssl
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from .. import storage
from ..errors import DataError, NotWritten, explain_os_error

# A mirror (a class room's own server, say) can stand in for PhysioNet.
PHYSIONET = "https://physionet.org/files"
RETRIES = 2  # per file, a second or two apart
TIMEOUT = (5, 30)  # seconds: to connect, and from one piece of an answer to the next
PATIENCE, SLOWEST = 60, 3000  # a whole file has so many seconds, and one more for so many bytes
LARGEST = 10_000_000  # bytes of a file whose size is not known; PTB-XL's table, the largest, has 6.5 million
LONGEST_PAUSE = 30  # seconds that a server may ask for before the next try


def download_files(database, wanted, title, fetch=None, urls=None, sizes=None):
    """The cache's folder of a database, with the files named in it.

    Files already there are kept, several are fetched at once, and each is checked before it takes
    its place: an interrupted download goes on with the next file.

    Parameters
    ----------
    database : str
        Its path at PhysioNet, "mitdb/1.0.0".
    wanted : {name: SHA-256, or None where `fetch` checks the file}
    title : str
        Of the progress bar.
    fetch : callable, optional
        A pooch downloader, called with (url, path, pooch); it raises ValueError for wrong content.
    urls, sizes : {name: address} and {name: bytes}, optional
        Of files that are not where their name says; of files that `fetch` does not fetch (default: `LARGEST`).

    Raises
    ------
    DataError
        If a file cannot be fetched, is not what PhysioNet published, or cannot be read or written.
    """
    import warnings

    with warnings.catch_warnings():  # both complain to the notebook where ipywidgets is missing
        warnings.simplefilter("ignore")
        import pooch
        from tqdm.auto import tqdm

    folder, sizes = find_cache_folder(database), sizes or {}
    unfinished = storage.make_unfinished_path(folder)  # pooch's own names could be anybody's
    pooch.get_logger().setLevel("ERROR")
    fetcher = pooch.create(
        path=unfinished,
        base_url=make_url(database),
        registry=wanted,
        urls=urls or {},
        retry_if_failed=RETRIES,
    )
    storage.delete_old_files(folder, storage.UNFINISHED, 86400)  # of a process that was killed
    there = all(os.path.isfile(folder / name) for name in wanted)
    pool = ThreadPoolExecutor(max_workers=8)

    def get(name):
        path, setting = folder / name, "ECG_LESSONS_CACHE"
        # read here, as pooch's error would not tell whether it was reading or writing
        if storage.is_file(path, setting) and wanted[name] in (None, storage.compute_sha256(path, setting)):
            storage.copy_read_rights(path, path.parent)  # earlier versions' were for their owner alone
            return
        # pooch makes folders, too, but stumbles where two threads make the same one
        storage.make_folder(path.parent)
        (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
        fetched = Path(fetcher.fetch(name, downloader=fetch or make_downloader(sizes.get(name, LARGEST))))
        with suppress(OSError):  # pooch's are for their owner alone; a class may share a cache
            fetched.chmod(path.parent.stat().st_mode & 0o666)
        os.replace(fetched, path)

    jobs = {pool.submit(get, name): name for name in wanted}
    try:
        for job in tqdm(as_completed(jobs), desc=title, total=len(jobs), unit="file", disable=there):
            if error := job.exception():
                raise _make_error(error, fetcher.get_url(jobs[job]), folder / jobs[job]) from None
    finally:  # after an error or an interrupt, too: what has not begun does not begin
        pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def make_downloader(most=LARGEST, headers=None):
    """What fetches one file for pooch, called with (url, path, pooch), with an end to every wait.

    `TIMEOUT` counts from one piece of an answer to the next, so a server that gives a byte now and then would
    never reach it: the whole file has `PATIENCE` seconds and a second more for every `SLOWEST` bytes of
    `most`, whatever length the server announces. A larger file is a ValueError. Where a server says
    "Retry-After", that is waited for, `LONGEST_PAUSE` seconds at most; pooch then tries again.
    """

    def fetch(url, path, pup):
        import requests

        given_up = threading.Event()

        def write():
            with open(path, "wb") as file:
                for piece in fetch_pieces(url, most, headers=headers):
                    if given_up.is_set():
                        return
                    file.write(piece)

        try:
            run_within(write, PATIENCE + most / SLOWEST)
        except requests.HTTPError as error:
            if error.response.status_code in (429, 503):
                asked = error.response.headers.get("Retry-After", "")
                time.sleep(min(int(asked), LONGEST_PAUSE) if asked.isdecimal() else 0)
            raise
        finally:
            given_up.set()

    return fetch


def fetch_pieces(url, most, timeout=None, headers=None):
    """What a server gives at an address, piece by piece; a ValueError if it is more than `most` bytes."""
    import requests

    def drop_redirect(response, **_):
        if response.is_redirect:
            response.close()  # requests would read whatever comes with it

    headers = {"Accept-Encoding": "identity", **(headers or {})}
    hooks = {"response": drop_redirect}
    with requests.get(url, timeout=timeout or TIMEOUT, headers=headers, hooks=hooks, stream=True) as response:
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


def run_within(call, seconds):
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


def find_cache_folder(database):
    """Where a database's downloads go."""
    return storage.find_cache_dir() / database.split("/")[0]


def make_url(database, name=""):
    """Where a database's file is to be downloaded from."""
    base = os.environ.get("ECG_LESSONS_PHYSIONET") or PHYSIONET
    return f"{base.rstrip('/')}/{database}/{name}"


def _make_error(error, url, path):
    """What went wrong with the download of `url` to `path`, as the error that a reader sees."""
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
        f"{url} {what} Try again later (files already there are kept), or point ECG_LESSONS_DATA at "
        "a copy of the database, or set ECG_LESSONS_SOURCE=simulated to go on with simulated beats."
    )
