"""Each notebook as Colab would run it: opened alone, on a machine that has much, but not the course.

A fresh virtual environment holds what Colab brings and lacks what it lacks; the repository is served as a
git remote under the address that the first cell names, with its tag; ``google.colab`` is there; no checkout
is on the path. By default each notebook runs to the end of its section *Look*; with ``COLAB=whole`` to its
last cell (``make colab``).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import ecg_lessons

sys.path.append(str(Path(__file__).parent))
from test_fork import OLD, copied  # noqa: E402

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
TAG = f"v{ecg_lessons.__version__}"
LACKS = {"wfdb", "aeon", "deprecated", "ecg-lessons"}  # on Colab; all else that the chapters import is there
RUN = {"capture_output": True, "text": True}

# What a kernel on Colab has loaded before the first cell.
STARTUP = """
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
"""


def packages(python):
    """{name: version} of what is installed."""
    done = subprocess.run([python, "-m", "pip", "list", "--format=json"], check=True, **RUN)
    return {p["name"].lower().replace("_", "-"): p["version"] for p in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Paths and environment of a machine like Colab's: (python, environment)."""
    folder = tmp_path_factory.mktemp("colab")
    site = next(Path(sys.prefix).glob("lib/python*/site-packages"), None)
    if site is None or sys.prefix == sys.base_prefix:
        pytest.skip("runs in a virtual environment only: make test")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    there = next((folder / "venv").glob("lib/python*/site-packages"))
    # hard links: the packages of this environment, without their gigabytes; pip unlinks what it changes
    shutil.copytree(site, there, dirs_exist_ok=True, copy_function=linked, symlinks=True)
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", *LACKS], check=True, **RUN)
    reachable = [python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder / "try", "wfdb"]
    if subprocess.run(reachable, **RUN).returncode:
        pytest.skip("no package registry can be reached")

    remote = copied(folder / "remote")
    subprocess.run(["git", "tag", TAG], cwd=remote, check=True)
    (folder / "kernels" / "colab").mkdir(parents=True)
    kernel = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "language": "python",
    }
    (folder / "kernels" / "colab" / "kernel.json").write_text(json.dumps(kernel | {"display_name": "Colab"}))
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "colab.py").write_text(STARTUP)
    environment = {
        "JUPYTER_PATH": str(folder), "IPYTHONDIR": str(folder / "ipython"),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{remote.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{OLD}", "PATH": f"{python.parent}:{os.environ['PATH']}",
        "ECG_LESSONS_SOURCE": "simulated", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    yield python, environment
    shutil.rmtree(folder, ignore_errors=True)


def linked(source, target):
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def shortened(notebook):
    """The notebook to the end of its section *Look*, or all of it."""
    if os.environ.get("COLAB") != "whole":
        end = next(i for i, cell in enumerate(notebook.cells) if re.search("^## Try", cell.source, re.M))
        del notebook.cells[end:]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_opened_alone_on_colab_runs_and_changes_no_package(path, machine, tmp_path, monkeypatch):
    python, environment = machine
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", *LACKS], check=True, **RUN)  # a new machine
    before = packages(python)
    assert not LACKS & set(before)

    notebook = shortened(nbformat.read(path, as_version=4))
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=1200, kernel_name="colab", resources=where).execute()
    told = "".join(output.get("text", "") for output in notebook.cells[1].outputs)
    assert "about half a minute" in told and "ERROR" not in told
    after = packages(python)
    assert {name: after.get(name) for name in before} == before
    assert {"ecg-lessons", "wfdb"} <= set(after) - set(before) <= LACKS
    assert after["ecg-lessons"] == ecg_lessons.__version__


def test_the_first_cells_name_the_tag_of_this_version():
    for path in CHAPTERS:
        first = next(c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code").source
        assert re.findall(r"@(v[\w.]+)", first) == [TAG], path.name
        # nothing that is there already may be changed by what is fetched
        assert all("--no-deps" in line for line in first.splitlines() if "%pip" in line)
