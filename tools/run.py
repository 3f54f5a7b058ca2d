"""Run every check: what ``make test`` calls. Arguments are passed on to pytest.

Notebooks and tests are spread over the cores, a file at a time, the slowest first. With real recordings at
hand the notebooks are held to their stored outputs; without, they are run on simulated beats, with short
trainings (`short.py`), and only have to run.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from ecg_lessons import DataError, data_available, fetch_ptbdb, fetch_ptbxl
from ecg_lessons.data.records import download_mitdb, explain_not_found

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 1200
TEST_SECONDS = 1300  # a test that hangs, in a browser say, fails, and the others go on
MEMORY = 4e9  # bytes for each worker; a notebook may take 3.5 GB
MOST_WORKERS = 4
# Tests that take longest, so that none of them is left for the end.
SLOW = [f"tests/test_{name}.py" for name in ("site", "live", "staircase", "models", "transfer", "downloads")]


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
        reason = explain_not_found(os.environ["ECG_LESSONS_DATA"])
        raise DataError(f"{reason} Name another folder in ECG_LESSONS_DATA, or leave it unset.")
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
    import psutil  # here, as `execute.py` uses the functions above where these two are not installed
    import pytest

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
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # one more than there are cores, as many tests wait for a server or for a browser
    workers = max(1, min(cores + 1, MOST_WORKERS, int(psutil.virtual_memory().total // MEMORY)))
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(max(1, cores // workers)))  # its share, instead of all for all
    options = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder", "--durations=25",
               mode, f"--nbval-cell-timeout={CELL_SECONDS}", "--nbval-current-env",
               f"--timeout={TEST_SECONDS}"]  # fmt: skip
    paths = [str(path.relative_to(ROOT)) for path in notebooks()]
    others = sorted({f"tests/{path.name}" for path in (ROOT / "tests").glob("test_*.py")} - set(SLOW))
    with tempfile.TemporaryDirectory() as folder:
        if not where:
            startup = Path(folder) / "profile_default" / "startup"
            startup.mkdir(parents=True)
            shutil.copy(ROOT / "tools" / "short.py", startup)
            os.environ["IPYTHONDIR"] = folder
        if os.environ.get("TESTS") == "recordings":
            options.append("--recordings-only")
        return pytest.main([*options, *arguments, *paths, *SLOW, *others])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
