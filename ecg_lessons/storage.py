"""Where files lie on disk, and how they are written: whole, or not at all."""

import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_dir

from .errors import DataError, NotWritten, explain_os_error, file_named_in

# The ending of what is unfinished, wherever in the cache it lies. Nobody else's file has it.
UNFINISHED = ".ecg_lessons-unfinished"


@contextmanager
def explain_errors(path, setting=None, writing=False):
    """Turn an OSError of the block into a DataError that names the file, or NotWritten where it was written.

    `setting`, here and below: the environment variable that names another folder for it, for the error's text.
    """
    try:
        yield
    except OSError as error:
        kind = NotWritten if writing else DataError
        raise kind(explain_os_error(error, path, writing, setting)) from None


def find_data_home(given=None):
    """The user's data directory: the argument, else ``ECG_LESSONS_DATA``, else None; it must be readable."""
    path = given or os.environ.get("ECG_LESSONS_DATA")
    if not path:
        return None
    path = Path(os.path.abspath(os.path.expanduser(path)))
    try:
        os.scandir(path).close()
    except (OSError, ValueError) as error:  # ValueError: no path at all
        raise DataError(
            f"{'data_home' if given else 'ECG_LESSONS_DATA'} names {path}, which is not a directory that can "
            f"be read ({getattr(error, 'strerror', None) or error}). Create it or change its permissions, "
            "name another one, or leave it unset so that the data is downloaded."
        ) from None
    return path


def find_cache_dir():
    """The cache: ``ECG_LESSONS_CACHE``, else the system's cache folder for this user."""
    given = os.environ.get("ECG_LESSONS_CACHE")
    return Path(os.path.expanduser(given)) if given else Path(user_cache_dir("ecg_lessons"))


def is_file(path, setting=None):
    """Whether there is such a file; a DataError where the folder may not be looked into."""
    with explain_errors(path, setting):
        try:
            return stat.S_ISREG(os.stat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False


def compute_sha256(path, setting=None):
    """SHA-256 of a file, as hexadecimal text."""
    with explain_errors(path, setting), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder):
    """Create a folder of the cache; where others may write into the folder above it, they may here, too."""
    home = find_cache_dir()
    home.mkdir(parents=True, exist_ok=True)
    for part in Path(folder).relative_to(home).parts:
        above, home = home, home / part
        if not os.path.isdir(home):
            home.mkdir(exist_ok=True)
            mode = stat.S_IMODE(above.stat().st_mode)
            if mode & (stat.S_IWGRP | stat.S_IWOTH):  # else the user's umask counts
                home.chmod(mode)


def copy_read_rights(file, folder):
    """Let whoever may read the folder read the file, a path or an open one's number, if it is ours."""
    with suppress(OSError, TypeError, NotImplementedError):  # Windows has no such modes
        before = os.stat(file).st_mode
        after = before | os.stat(folder).st_mode & 0o444
        if after != before:
            os.chmod(file, stat.S_IMODE(after))


@contextmanager
def open_for_writing(path, mode=0o666, setting=None):
    """A temporary file beside `path` that takes its place only when all went well and is on the disk.

    `mode` are the file's permissions, less the user's umask. Raises NotWritten where it cannot be written, and
    leaves nothing behind. An OSError of the block that names another file stays as it is.
    """
    path = Path(path)
    temporary = make_unfinished_path(path.parent, path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the name of a file and not its content
        os.replace(temporary, path)
        _write_folder_to_disk(path.parent)
    except OSError as error:
        if file_named_in(error) not in (None, temporary, path, *path.parents):
            raise
        raise NotWritten(explain_os_error(error, path, writing=True, setting=setting)) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_folder_to_disk(folder):
    with suppress(OSError):  # not every system can do this
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def make_unfinished_path(folder, name=""):
    """A path in `folder` for something unfinished, which `delete_old_files` knows to be ours."""
    return Path(folder) / f".{name}-{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}"


def delete_old_files(folder, ending, age):
    """Delete what the package made in a folder, by the ending of its name, and nobody used for `age` seconds."""
    for old in Path(folder).glob(f"*{ending}"):
        with suppress(OSError):
            if max(map(_find_last_use, [old, *old.rglob("*")])) < time.time() - age:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _find_last_use(path):
    found = path.stat()  # who may only read a file sets no other time than that of access
    return found.st_mtime if path.is_dir() else max(found.st_mtime, found.st_atime)


def find_shipped_folder(folder, in_checkout):
    """A folder that ships with the package: inside it where it is installed, else in the checkout."""
    here = Path(__file__).parent
    return next((p for p in (here / folder, here.parent / in_checkout) if p.is_dir()), here / folder)


def load_results(name: str) -> dict:
    """What a command of the repository measured and wrote to ``results/NAME.json``.

    `name` is "reference", "staircase", "transfer", "evaluation", "live", "benchmark", "scale" or "timings".
    Raises DataError if there is no such file, or it is damaged or cannot be read.
    """
    path = find_shipped_folder("results", "results") / f"{name}.json"
    with explain_errors(path):
        try:
            return json.loads(path.read_text())
        except (FileNotFoundError, ValueError) as error:
            fault = "is damaged" if isinstance(error, ValueError) else "does not exist"
            way_out = "Restore it with git; the Makefile says what writes it."
            raise DataError(f"{path} {fault}. {way_out}") from None
