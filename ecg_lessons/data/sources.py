"""Where beats come from: the databases' own recordings, the files on Kaggle, or simulation."""

import os

SOURCES = ("physionet", "kaggle", "simulated")


def fetch_from(source, **fetchers):
    """What the fetcher of the source gives: the one place that decides between real and simulated beats.

    ``ECG_LESSONS_SOURCE``, where set, overrules `source`. `fetchers` are functions without arguments, by the
    name of their source. A ValueError says if there is no such source, or it does not have these beats.
    """
    given = os.environ.get("ECG_LESSONS_SOURCE")
    chosen = given or source
    if chosen not in SOURCES:
        what = "ECG_LESSONS_SOURCE" if given else "source"
        raise ValueError(f"{what} must be one of {', '.join(SOURCES)}, not {chosen!r}")
    if chosen not in fetchers:
        raise ValueError('the Kaggle files do not hold these beats; use source="physionet"')
    return fetchers[chosen]()
