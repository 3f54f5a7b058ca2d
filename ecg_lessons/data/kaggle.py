"""The published CSV files from Kaggle: found where they are at hand, else downloaded."""

import sys
from pathlib import Path

import requests

from .. import storage
from ..errors import DataError, explain_os_error
from . import credentials
from .csv_files import DATASET, list_zip

_PINNED = f"{DATASET}/versions/1"  # its only version; naming it spares a look-up at each call
INPUT = Path("/kaggle/input")  # where a Kaggle notebook finds the data that is attached to it
_FOLDERS = ("kaggle", "archive", "heartbeat", ".")  # of the data directory
_ARCHIVES = ("archive.zip", "heartbeat.zip")  # as Kaggle's page and its programs name the download


def locate_csv_files(data_home, files):
    """(paths as from `find_csv_files`, whether they are kagglehub's download)."""
    paths = find_csv_files(data_home, files)
    return (paths, False) if paths else (_download_csv_files(files), True)


def find_csv_files(data_home, files):
    """Where the CSVs are at hand: {part: path}, two parts having one path where a zip holds both; or None.

    Looked for in the data directory itself and in its folders kaggle, archive and heartbeat: each
    file as it is, as ``NAME.csv.zip``, as ``NAME.csv.gz``, or in ``archive.zip`` or
    ``heartbeat.zip``; upper case counts as lower case. Then in what is attached to a Kaggle notebook.
    Raises a DataError if the data directory has some of the files and not the others, or cannot be read.
    """
    home = storage.find_data_home(data_home)
    missing = None
    for folder in [home / name for name in _FOLDERS] if home else []:
        paths = _find_csv_files_in(folder, files)
        if len(paths) == len(files):
            return paths
        if paths:
            missing = missing or next(folder / name for part, name in files.items() if part not in paths)
    if missing:
        raise DataError(
            f"{missing} is missing. Copy it from kaggle.com/datasets/{DATASET}, or delete "
            "the other CSV so that both are downloaded."
        )
    attached = [INPUT / "heartbeat", INPUT / "datasets" / DATASET, *sorted(INPUT.glob("*"))]
    return next((p for folder in attached if len(p := _find_csv_files_in(folder, files)) == len(files)), None)


def _find_csv_files_in(folder, files):
    """{part: path} of those `files` that lie in the folder, packed or not."""
    paths = {}
    with storage.explain_errors(folder):
        try:
            # of two, the lower-case one
            there = {path.name.lower(): path for path in sorted(folder.iterdir())}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        for part, name in files.items():
            forms = [there[name + end] for end in ("", ".zip", ".gz") if name + end in there]
            if found := [path for path in forms if path.is_file()]:
                paths[part] = found[0]
        archives = [there[name] for name in _ARCHIVES if name in there and there[name].is_file()]
        for archive in archives if len(paths) < len(files) else []:
            held = list_zip(archive)
            paths |= {part: archive for part, name in files.items() if part not in paths and name in held}
    return paths


def _download_csv_files(files, remove_upload=None):
    """{part: path} in kagglehub's cache, downloaded if need be; with an account that was uploaded, if any."""
    import kagglehub

    try:
        return {part: Path(kagglehub.dataset_download(_PINNED, path=name)) for part, name in files.items()}
    except Exception as caught:  # what kagglehub raises itself has no class in common
        error = caught
    account = credentials.find_account()
    status = getattr(getattr(error, "response", None), "status_code", None)
    is_refusal = status in (401, 403) or isinstance(error, kagglehub.exceptions.UnauthenticatedError)
    is_refused = is_refusal or (account.problem and not _is_unreachable(error, status))
    if is_refused and not remove_upload and not account.wins and "google.colab" in sys.modules:
        return _download_csv_files(files, credentials.ask_for_account(account))
    if remove_upload and is_refusal:
        remove_upload()
    reason = credentials.explain_refusal(account) if is_refused else _explain_failure(error, status, files)
    if INPUT.is_dir() and "google.colab" not in sys.modules:  # which mounts there, too
        reason += f' In a Kaggle notebook, press "Add Input" and choose {DATASET}; it needs no download.'
    raise DataError(reason) from None


def _is_unreachable(error, status):
    kinds = (requests.ConnectionError, requests.Timeout, ConnectionError, TimeoutError)
    return status is not None or isinstance(error, kinds)


def _explain_failure(error, status, files):
    """Why Kaggle's files could not be had, and the way out. No error's own text: it may hold a token."""
    from kagglehub.config import get_cache_folder

    of_network = isinstance(error, requests.RequestException) or _is_unreachable(error, status)
    if isinstance(error, OSError) and error.errno and not of_network:
        return explain_os_error(error, get_cache_folder(), writing=True, setting="KAGGLEHUB_CACHE")
    what = f"answered {status}" if status else f"could not be reached ({type(error).__name__})"
    if isinstance(error, requests.exceptions.SSLError):
        what = (
            "could not be reached: its certificate is not trusted here. If a proxy of your network puts its "
            "own in the place of Kaggle's, set REQUESTS_CA_BUNDLE to the file that holds the proxy's"
        )
    return (
        f"Kaggle {what}, for {DATASET}. Try again later, download {' and '.join(files.values())} by "
        'hand into a folder that ECG_LESSONS_DATA names, or use source="physionet".'
    )
