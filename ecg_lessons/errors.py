"""The one exception that a reader sees when data cannot be had."""


class DataError(RuntimeError):
    """Data is missing, damaged or out of reach. The message names the file and the way out."""
