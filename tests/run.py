"""Run every check: what ``make test`` calls. Arguments are passed on to pytest.

With real recordings at hand the notebooks are held to their stored outputs; without, they
are run on simulated beats and only have to run.
"""

import os
import sys
from pathlib import Path

import pytest

from ecg_lessons import data_available

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 600


def main(arguments):
    os.chdir(ROOT)
    if os.environ.get("ECG_LESSONS_DATA"):  # the notebooks run in book/, not here
        os.environ["ECG_LESSONS_DATA"] = str(Path(os.environ["ECG_LESSONS_DATA"]).resolve())
    where = None if os.environ.get("ECG_LESSONS_SOURCE") == "simulated" else data_available()
    if where:
        print(f"Real recordings found ({where}): notebooks are held to their stored outputs.", flush=True)
        mode = "--nbval"
    else:
        print("No real recordings: notebooks run on simulated beats, outputs are not compared.", flush=True)
        os.environ["ECG_LESSONS_SOURCE"] = "simulated"
        mode = "--nbval-lax"
    options = [mode, f"--nbval-cell-timeout={CELL_SECONDS}", "--nbval-current-env"]
    return pytest.main(["tests", *map(str, sorted(Path("book").glob("*.ipynb"))), *options, *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
