"""The claims of a chapter are worth something: a broken network makes them fail."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
CELLS = [
    "imports",
    "load",
    "sizes",
    "plan",
    "train",
    "run-plain",
    "run-weighted",
    "test-plain",
    "test-claims",
]
BLIND = """
def cnn_lstm(sighted=cnn_lstm, **sizes):
    beat = keras.Input((187, 1))
    nothing = keras.layers.Rescaling(0.0)(beat)
    small = sizes | {"filters": (2, 2), "units": 2, "dense": 2}
    return keras.Model(beat, sighted(**small)(nothing))
"""


def test_chapter_3_fails_with_a_network_that_sees_nothing(tmp_path, real_beats):
    notebook = nbformat.read(ROOT / "book" / "03_cnn_lstm.ipynb", as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [cells[name] for name in CELLS]
    assert "EPOCHS, BATCH = 16" in cells["plan"].source
    cells["plan"].source = cells["plan"].source.replace("EPOCHS, BATCH = 16", "EPOCHS, BATCH = 2")
    notebook.cells.insert(1, nbformat.v4.new_code_cell(BLIND))
    nbformat.write(notebook, tmp_path / "blind.ipynb")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rfE", "-p", "no:cacheprovider",
         "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path / "blind.ipynb")],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    failed = re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.M)
    assert failed == [str(len(CELLS))], done.stdout[-3000:]  # the claims, after one cell more
    assert "macro-F1 at least 0.88: False" in done.stdout
