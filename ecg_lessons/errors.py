"""The exceptions that a reader sees when data cannot be had, or not be kept."""


class DataError(RuntimeError):
    """Data is missing, damaged or out of reach. The message names the file and the way out."""


class NotWritten(DataError):
    """A file could not be written: the disk is full, or the folder read-only."""
