"""Re-execute the chapters in place on real data: what ``make chapters`` calls.

Arguments name notebooks; default: all. A notebook that fails is left as it was. A figure whose
cell carries the metadata ``picture`` is written to ``book/_static`` under that name as well,
for the pages and the README.
"""

import base64
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ecg_lessons import data_available

ROOT = Path(__file__).parents[1]


def execute(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:  # so that nothing of the last run can survive
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook, timeout=1200, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()  # fmt: skip
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)
    for name, png in pictures(notebook):
        (ROOT / "book" / "_static" / name).write_bytes(png)


def pictures(notebook):
    """(file name, PNG) of each figure that is shown outside its chapter, too."""
    for cell in notebook.cells:
        if name := cell.metadata.get("picture"):
            png = next(o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {}))
            yield name, base64.b64decode(png)


def main(arguments):
    if os.environ.get("ECG_LESSONS_DATA"):
        os.environ["ECG_LESSONS_DATA"] = str(Path(os.environ["ECG_LESSONS_DATA"]).resolve())
    if os.environ.get("ECG_LESSONS_SOURCE") or not data_available():
        return "The stored outputs must come from real recordings, and none are at hand."
    paths = [Path(a).resolve() for a in arguments] or sorted((ROOT / "book").glob("*.ipynb"))
    for path in paths:
        start = time.perf_counter()
        try:
            execute(path)
        except CellExecutionError as error:
            return f"{path.name}: {error}"
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
