"""The published CSV files from Kaggle: found where they are at hand, else downloaded."""

import sys
from pathlib import Path

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
    lacking = None
    for folder in [home / name for name in _FOLDERS] if home else []:
        paths = _find_csv_files_in(folder, files)
        if len(paths) == len(files):
            return paths
        if paths:
            lacking = lacking or next(folder / name for part, name in files.items() if part not in paths)
    if lacking:
        raise DataError(
            f"{lacking} is missing. Copy it from kaggle.com/datasets/{DATASET}, or delete "
            "the other CSV so that both are downloaded."
        )
    attached = [INPUT / "heartbeat", INPUT / "datasets" / DATASET, *sorted(INPUT.glob("*"))]
    return next((p for folder in attached if len(p := _find_csv_files_in(folder, files)) == len(files)), None)


def _find_csv_files_in(folder, files):
    """{part: path} of those `files` that lie in the folder, packed or not."""
    try:
        there = {path.name.lower(): path for path in sorted(folder.iterdir())}  # of two, the lower-case one
        paths = {}
        for part, name in files.items():
            for path in (there.get(name + ending) for ending in ("", ".zip", ".gz")):
                if path and path.is_file():
                    paths.setdefault(part, path)
        for archive in filter(None, map(there.get, _ARCHIVES)):
            if len(paths) < len(files) and archive.is_file():
                held = list_zip(archive)
                paths |= {part: archive for part, name in files.items() if part not in paths and name in held}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise DataError(explain_os_error(error, folder)) from None
    return paths


def _download_csv_files(files, upload=None):
    """{part: path} in kagglehub's cache, downloaded if need be; with an account that was uploaded, if any."""
    import kagglehub

    try:
        return {part: Path(kagglehub.dataset_download(_PINNED, path=name)) for part, name in files.items()}
    except Exception as caught:  # what kagglehub raises itself has no class in common
        error = caught
    account = credentials.find_account()
    refused = _is_refusal(error) or (account.problem and not _is_unreachable(error))
    if refused and not upload and not account.wins and "google.colab" in sys.modules:
        return _download_csv_files(files, credentials.ask_for_account(account))
    if upload and _is_refusal(error):
        upload.remove_upload()
    reason = (
        credentials.explain_refusal(account, DATASET)
        if refused
        else _explain_download_csv_files(error, files)
    )
    if INPUT.is_dir() and "google.colab" not in sys.modules:  # which mounts there, too
        reason += f' In a Kaggle notebook, press "Add Input" and choose {DATASET}; it needs no download.'
    raise DataError(reason) from None


def _is_refusal(error):
    import kagglehub

    return _get_status(error) in (401, 403) or isinstance(error, kagglehub.exceptions.UnauthenticatedError)


def _is_unreachable(error):
    import requests

    kinds = (requests.ConnectionError, requests.Timeout, ConnectionError, TimeoutError)
    return _get_status(error) is not None or isinstance(error, kinds)


def _get_status(error):
    """The HTTP status that the server answered with, or None."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _explain_download_csv_files(error, files):
    """Why Kaggle's files could not be had, and the way out. No error's own text: it may hold a token."""
    import requests
    from kagglehub.config import get_cache_folder

    if isinstance(error, requests.exceptions.SSLError):
        what = (
            "could not be reached: its certificate is not trusted here. If a proxy of your network puts its "
            "own in the place of Kaggle's, set REQUESTS_CA_BUNDLE to the file that holds the proxy's"
        )
    elif isinstance(error, OSError) and not isinstance(error, requests.RequestException) and error.errno:
        if not _is_unreachable(error):
            return explain_os_error(error, get_cache_folder(), writing=True, setting="KAGGLEHUB_CACHE")
        what = f"could not be reached ({type(error).__name__})"
    elif _get_status(error):
        what = f"answered {_get_status(error)}"
    else:
        what = f"could not be reached ({type(error).__name__})"
    return (
        f"Kaggle {what}, for {DATASET}. Try again later, download {' and '.join(files.values())} by "
        'hand into a folder that ECG_LESSONS_DATA names, or use source="physionet".'
    )
