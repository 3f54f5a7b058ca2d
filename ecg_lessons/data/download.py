"""Files from PhysioNet or a mirror of it: pooch, with an end to every wait and to every file."""

import os
import shutil
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import requests

from .. import storage
from ..errors import DataError, NotWritten, explain_os_error

# A mirror (a class room's own server, say) can stand in for PhysioNet.
PHYSIONET = "https://physionet.org/files"
RETRIES = 2  # per file, a second or two apart
TIMEOUT = (5, 30)  # seconds: to connect, and from one piece of an answer to the next
PATIENCE, SLOWEST = 60, 3000  # a whole file has so many seconds, and one more for so many bytes
LARGEST = 10_000_000  # bytes of a file whose size is not known; PTB-XL's table, the largest, has 6.5 million
LONGEST_PAUSE = 30  # seconds that a server may ask for before the next try
# Where a record of PTB's default list has another name at PhysioNet.
_PHYSIONET_NAMES = {"patient200/s0405_re.hea": "patient200/s0405lre.hea"}


class WantedFile(NamedTuple):
    """A file to be downloaded."""

    explain_fault: Callable  # called with its path, which may be temporary: what is wrong with it, or None
    most: int = LARGEST  # bytes
    headers: dict | None = None  # of the request


def download_files(database, wanted, title):
    """The cache's folder of a database, "mitdb/1.0.0" say, with the files of `wanted`, {name: WantedFile}, in it.

    `title` is that of the progress bar. Files already there are kept, several are fetched at once, and each
    is checked before it takes its place: an interrupted download goes on with the next file.
    """
    with warnings.catch_warnings():  # both complain to the notebook where ipywidgets is missing
        warnings.simplefilter("ignore")
        import pooch
        from tqdm.contrib.concurrent import thread_map

    folder = find_cache_folder(database)
    storage.delete_old_files(folder, storage.UNFINISHED, 86400)  # of a process that was killed
    pooch.get_logger().setLevel("ERROR")
    fetcher = pooch.create(
        path=storage.make_unfinished_path(folder),  # pooch's own names could be anybody's
        base_url=make_url(database),
        registry=dict.fromkeys(wanted),
        urls={name: make_url(database, _PHYSIONET_NAMES.get(name, name)) for name in wanted},
        retry_if_failed=RETRIES,
    )
    there = all(os.path.isfile(folder / name) for name in wanted)
    download = partial(_download_file, fetcher, folder)
    try:
        thread_map(download, wanted, wanted.values(), max_workers=8, desc=title, unit="file", disable=there)
    finally:
        shutil.rmtree(fetcher.path, ignore_errors=True)
    return folder


def _download_file(fetcher, folder, name, file):
    """Download a file by way of pooch's folder, unless it is there, or raise the error that a reader sees."""
    path = folder / name
    if storage.is_file(path, "ECG_LESSONS_CACHE") and not file.explain_fault(path):
        storage.copy_read_rights(path, path.parent)  # earlier versions' were for their owner alone
        return
    try:
        # pooch makes folders, too, but stumbles where two threads make the same one
        storage.make_folder(path.parent)
        (fetcher.path / name).parent.mkdir(parents=True, exist_ok=True)
        fetched = Path(fetcher.fetch(name, downloader=partial(fetch_checked, file)))
        with suppress(OSError):  # pooch's are for their owner alone; a class may share a cache
            fetched.chmod(path.parent.stat().st_mode & 0o666)
        os.replace(fetched, path)
    except DataError:
        raise
    except Exception as error:
        raise _make_error(error, fetcher.get_url(name), path) from None


def fetch_checked(file, url, path, pooch):
    """What fetches a `WantedFile` for pooch, with an end to every wait, and checks it.

    `TIMEOUT` counts from one piece of an answer to the next, so a server that gives a byte now and then would
    never reach it: the whole file has `PATIENCE` seconds and a second more for every `SLOWEST` of its `most`
    bytes. Where a server says "Retry-After", that is waited for, `LONGEST_PAUSE` seconds at most; pooch then
    tries again.
    """
    try:
        content = fetch_content(url, file.most, PATIENCE + file.most / SLOWEST, file.headers)
    except requests.HTTPError as error:
        pause = error.response.headers.get("Retry-After", "")
        if error.response.status_code in (429, 503) and pause.isdecimal():
            time.sleep(min(int(pause), LONGEST_PAUSE))
        raise
    Path(path).write_bytes(content)
    if fault := file.explain_fault(Path(path)):
        raise ValueError(fault)  # as pooch does where a hash does not match


def fetch_content(url, most, seconds, headers=None):
    """The bytes at an address; a ValueError if they are more than `most`, requests.Timeout if it takes longer.

    They are read in a thread of its own, as neither the look-up of a host's name nor the lines that come before
    an answer's content obey a time-out.
    """
    outcome, deadline = Future(), time.monotonic() + seconds

    def fetch():
        try:
            outcome.set_result(_read_content(url, most, deadline, headers))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=fetch, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        raise requests.Timeout(f"not there after {seconds:.0f} seconds") from None


def _read_content(url, most, deadline, headers):
    def drop_redirect(response, **_):
        if response.is_redirect:
            response.close()  # requests would read whatever comes with it

    headers = {"Accept-Encoding": "identity", **(headers or {})}
    hooks = {"response": drop_redirect}
    with requests.get(url, timeout=TIMEOUT, headers=headers, hooks=hooks, stream=True) as response:
        response.raise_for_status()
        packed = response.headers.get("Content-Encoding", "identity").lower()
        if packed not in ("identity", "gzip", "deflate"):  # twice, say: one piece may unpack to gigabytes
            raise ValueError(f"packed as {packed}, which was not asked for")
        content = bytearray()
        for piece in response.iter_content(1 << 14):
            content += piece
            if len(content) > most:
                raise ValueError(f"more than {most} bytes")
            if time.monotonic() > deadline:  # nobody waits for it any more
                raise requests.Timeout
    return content


def find_cache_folder(database):
    """Where a database's downloads go."""
    return storage.find_cache_dir() / database.split("/")[0]


def make_url(database, name=""):
    """Where a database's file is to be downloaded from."""
    base = os.environ.get("ECG_LESSONS_PHYSIONET") or PHYSIONET
    return f"{base.rstrip('/')}/{database}/{name}"


def _make_error(error, url, path):
    """What went wrong with the download of `url` to `path`, as the error that a reader sees."""
    # they are OSErrors, too, but of the network; and one without a number is a library's own
    of_network = (requests.RequestException, ConnectionError, TimeoutError, ssl.SSLError)
    if isinstance(error, OSError) and error.errno and not isinstance(error, of_network):
        return NotWritten(explain_os_error(error, path, writing=True, setting="ECG_LESSONS_CACHE"))
    if isinstance(error, requests.HTTPError):
        what = f"answered {error.response.status_code}."
    elif isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        what = (
            "could not be downloaded, because Python does not trust the certificate that came with it. A proxy "
            "that reads along puts its own in place of the server's: ask whoever runs the network for it as a "
            ".pem file, and set REQUESTS_CA_BUNDLE to its path."
        )
    elif isinstance(error, requests.RequestException):
        what = f"could not be downloaded ({type(error).__name__})."
    elif isinstance(error, ValueError):  # of `fetch_checked`
        what = "is not the file that PhysioNet published."
    else:
        what = f"could not be downloaded ({error!r})."
    return DataError(
        f"{url} {what} Try again later (files already there are kept), or point ECG_LESSONS_DATA at "
        "a copy of the database, or set ECG_LESSONS_SOURCE=simulated to go on with simulated beats."
    )
