"""The exceptions that a reader sees when data cannot be had, or not be kept."""

import errno


class DataError(RuntimeError):
    """Data is missing, damaged or out of reach. The message names the file and the way out."""


class NotWritten(DataError):
    """A file could not be written: the disk is full, or the folder read-only."""


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


def explain_os_error(error, path, writing=False, setting=None):
    """What the system's error means for the file, and the way out: one or two sentences.

    Parameters
    ----------
    error : OSError
    path : path
        The file that was wanted. Where the error names another one, that one is told.
    writing : bool
        Whether it was to be written, and not read.
    setting : str, optional
        The environment variable that names another folder for what is to be written.
    """
    path = error.filename or path
    elsewhere = f", or set {setting} to a directory elsewhere" if setting else ""
    if error.errno in _FULL:
        return f"The disk is full: {path} could not be written. Make room{elsewhere}."
    if error.errno in _FORBIDDEN:
        what = "written" if writing else "read"
        return f"{path} may not be {what} ({error.strerror}). Change its permissions{elsewhere}."
    if error.errno == errno.ENOENT:
        return f"{path} does not exist. Create it{elsewhere}." if writing else f"{path} does not exist."
    if error.errno in _NO_FOLDER:
        return f"{path} is in the way, or not the folder that it should be ({error.strerror}). Move it{elsewhere}."
    what = "written" if writing else "read"
    return f"{path} could not be {what} ({error.strerror or error}). Try again{elsewhere}."
