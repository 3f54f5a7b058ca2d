"""Run every check: what ``make test`` calls. Arguments are passed on to pytest.

First the tests, one after the other, as some of them measure times; then the notebooks, one a core. With
real recordings at hand the notebooks are held to their stored outputs; without, they are run on simulated
beats and only have to run.
"""

import json
import os
import sys
from pathlib import Path

import pytest

from ecg_lessons import DataError, data_available, fetch_ptbdb, fetch_ptbxl
from ecg_lessons.physionet import download_mitdb

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 1200
MOST_WORKERS = 4  # a notebook may take 3 GB


def make_paths_absolute():
    """Paths in the environment are meant from here; the notebooks run in ``book/``."""
    for name in ("ECG_LESSONS_DATA", "ECG_LESSONS_CACHE"):
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.path.expanduser(os.environ[name]))


def prepare():
    """Look for real recordings, fetch them if they must be downloaded; where they are, or None."""
    make_paths_absolute()
    os.chdir(ROOT)
    if os.environ.get("ECG_LESSONS_SOURCE") == "simulated":
        return None
    where = data_available()
    if os.environ.get("ECG_LESSONS_DATA") and where in (None, "download"):
        raise DataError(
            f"ECG_LESSONS_DATA names {os.environ['ECG_LESSONS_DATA']}, which holds no MIT-BIH records (nor "
            "do its folders mitdb and mitdb/1.0.0). Name the right one, or leave it unset."
        )
    if where == "download":  # here and below, so that no progress bar ends up in a notebook's outputs
        download_mitdb()
    if where:
        fetch_ptbdb()
        fetch_ptbxl()
    return where


def notebooks():
    """All that are run, the slowest first: the chapters, and the solution for teachers."""
    known = json.loads((ROOT / "results" / "timings.json").read_text())
    found = [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "instructors").glob("*.ipynb")]
    return sorted(found, key=lambda path: -known.get(path.stem, {"seconds": 0})["seconds"])


def main(arguments):
    try:
        where = prepare()
    except DataError as error:
        return str(error)
    if where:
        print(f"Real recordings found ({where}): notebooks are held to their stored outputs.", flush=True)
        mode = "--nbval"
    else:
        print("No real recordings: notebooks run on simulated beats, outputs are not compared.", flush=True)
        os.environ["ECG_LESSONS_SOURCE"] = "simulated"
        mode = "--nbval-lax"
    options = ["--durations=15", "--durations-min=10"]  # what is slow
    cells = [mode, f"--nbval-cell-timeout={CELL_SECONDS}", "--nbval-current-env"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, MOST_WORKERS)
    cells += ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    paths = [str(path.relative_to(ROOT)) for path in notebooks()]
    ended = [pytest.main([*options, *arguments, "tests"])]
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(cores // workers))  # its share, instead of all for all
    ended.append(pytest.main([*options, *arguments, *cells, *paths]))
    # a selection of tests may leave one of the two with nothing to do
    failed = [code for code in ended if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)]
    return failed[0] if failed else min(ended)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
