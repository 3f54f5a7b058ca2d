"""The exceptions that a reader sees when data cannot be had, or not be kept."""

import errno
import os
from pathlib import Path


class DataError(RuntimeError):
    """Data is missing, damaged or out of reach. The message names the file and the way out."""


class NotWritten(DataError):
    """A file could not be written: the disk is full, or the folder read-only."""


def file_named_in(error: OSError) -> Path | None:
    """The file that the system's error names; None where it names none."""
    named = error.filename
    return Path(os.fsdecode(named)) if isinstance(named, (str, bytes, os.PathLike)) else None


def explain_os_error(error: OSError, path, writing=False, setting=None) -> str:
    """What the system's error means for the file at `path`, and the way out: two sentences.

    Where the error names another file that was to be read, or a folder that `path` lies in, the text is
    about that one; a temporary file beside `path` is not named. `writing`: whether `path` was to be written
    and not read; `setting`: the environment variable that names another folder for it.
    """
    named = file_named_in(error)
    if named and (not writing or named in Path(path).parents):
        path = named
    what = "written" if writing else "read"
    reason = error.strerror or str(error) or type(error).__name__
    problem = f"{path} could not be {what} ({reason})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        problem = f"The disk is full: {problem}" if error.errno == errno.ENOSPC else problem
        way_out = "Make room"
    elif error.errno in (errno.EACCES, errno.EPERM):
        problem = f"{path} may not be {what} ({reason})"
        way_out = "Change the permissions of its folder" if writing else "Change its permissions"
    elif error.errno == errno.EROFS:
        way_out = "Choose another folder"
    elif error.errno == errno.ENOENT:
        problem = f"The folder of {path} does not exist" if writing else f"{path} does not exist"
        way_out = "Create it" if writing else "Put the file there"
    elif error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        way_out = "Move what is in the way"
    else:
        way_out = "Try again"
    return f"{problem}. {way_out}{f', or set {setting} to a directory elsewhere' if setting else ''}."
