"""Re-execute the chapters in place on real data: what ``make chapters`` calls.

You need it after changing a chapter, or anything that a chapter calls. Arguments name notebooks; default: all. A notebook that fails is left as it was. A figure whose
cell carries the metadata ``picture`` is written to ``book/_static`` under that name as well,
for the pages and the README. How long each notebook and its slow cells took goes to
``results/timings.json``, and from there onto the page about it.
"""

import base64
import sys
import time
from datetime import datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from ecg_lessons import DataError, load_results
from ecg_lessons.storage import open_for_writing
from studies.common import describe_machine, write_results
from tools.run import ROOT, notebooks, prepare

TIMINGS = ROOT / "results" / "timings.json"


def execute(path, about):
    """Run a notebook and write it with its outputs, `about` them in its metadata; its slow cells."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:  # so that nothing of the last run can survive
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    slow = dict(slow_cells(notebook))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "ecg_lessons": about,
    }
    with open_for_writing(path) as file:
        file.write((nbformat.writes(notebook) + "\n").encode())
    for name, png in pictures(notebook):
        with open_for_writing(ROOT / "book" / "_static" / name) as file:
            file.write(png)
    return slow


def stamp():
    """What a notebook's outputs were made from, and with: its metadata's ``ecg_lessons``."""

    versions = {
        name: value for name, value in describe_machine().items() if name not in ("processor", "gpus")
    }
    return {"source": "physionet", "date": f"{datetime.now():%Y-%m-%d}", "versions": versions}


def slow_cells(notebook, least=5):
    """(name, seconds) of each cell that took that long; the notebook forgets the times."""
    for cell in notebook.cells:
        times = cell.metadata.pop("execution", {})
        if "shell.execute_reply" in times:
            start, end = (
                datetime.fromisoformat(times[k]) for k in ("iopub.execute_input", "shell.execute_reply")
            )
            if (seconds := (end - start).total_seconds()) >= least:
                yield cell.id, round(seconds)


def pictures(notebook):
    """(file name, PNG) of each figure that is shown outside its chapter, too."""
    for cell in notebook.cells:
        if name := cell.metadata.get("picture"):
            png = next(o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {}))
            yield name, base64.b64decode(png)


def main(arguments):
    paths = [Path(a).resolve() for a in arguments] or notebooks()
    if missing := [path for path in paths if not path.is_file()]:
        return f"{missing[0]} does not exist."
    try:
        if not prepare():
            return "The stored outputs must come from real recordings, and none are at hand."
    except DataError as error:
        return str(error)
    for path in paths:
        start = time.perf_counter()
        try:
            slow = execute(path, about := stamp())
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return f"{path.name}: {error}"
        seconds = round(time.perf_counter() - start)
        note_times(path.stem, seconds, slow, about["date"])
        cells = ", ".join(f"{name} {took}" for name, took in slow.items())
        print(f"{path.name}: {seconds} s ({cells or 'no slow cell'})", flush=True)
    from tools.cards import fill  # imports TensorFlow

    fill(load_results("evaluation"))
    return 0


def note_times(name, seconds, slow, date):
    """Bring one notebook's entry of the results file up to date."""

    known = load_results("timings") if TIMINGS.exists() else {}
    known[name] = {"seconds": seconds, "date": date, **describe_machine(), "cells": slow}
    write_results(TIMINGS, dict(sorted(known.items())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
