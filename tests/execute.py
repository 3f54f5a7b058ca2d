"""Re-execute the chapters in place on real data: what ``make chapters`` calls.

Arguments name notebooks; default: all. A notebook that fails is left as it was. A figure whose
cell carries the metadata ``picture`` is written to ``book/_static`` under that name as well,
for the pages and the README.
"""

import base64
import sys
import time
from datetime import datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from run import ROOT, notebooks, prepare

from ecg_lessons import DataError
from ecg_lessons.store import writing


def execute(path):
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
    }
    with writing(path) as file:
        file.write((nbformat.writes(notebook) + "\n").encode())
    for name, png in pictures(notebook):
        with writing(ROOT / "book" / "_static" / name) as file:
            file.write(png)
    return slow


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
            slow = execute(path)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return f"{path.name}: {error}"
        cells = ", ".join(f"{name} {seconds}" for name, seconds in slow.items())
        print(f"{path.name}: {time.perf_counter() - start:.0f} s ({cells or 'no slow cell'})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
