"""Each notebook where a newcomer opens it: on Colab, with Colab's own versions, without the course.

``tests/colab.txt`` is what Colab has installed; a fresh virtual environment gets exactly that, on Colab's
Python where there is one. The repository is served as a git remote under the address that the first cell
names, with its tag; no checkout is on the path. As this takes minutes, it is asked for by the environment
variable ``COLAB``: with ``look`` each notebook runs to the end of *Look* (``make colab PART=look``,
at every push), with ``whole`` to its last cell (``make colab``).
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from test_fork import OLD, copied

import ecg_lessons
from ecg_lessons.models import PRETRAINED
from tools import colab

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "colab.txt"
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
TAG = f"v{ecg_lessons.__version__}"
LACKS = {"wfdb", "aeon", "deprecated", "ecg-lessons"}  # what the first cells bring
PARTS_OF_THE_PACKAGE = "balance beats metrics patient plots segment validation".split()
PART = os.environ.get("COLAB")
RUN = {"capture_output": True, "text": True}
slow = pytest.mark.skipif(PART not in ("look", "whole"), reason="takes minutes: make colab PART=look")


def find_python(version):
    """A Python of this version ("3.13") that answers, or None."""
    names = [sys.executable, shutil.which(f"python{version}")]
    names += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for name in filter(None, names):
        command = [name, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(command, **RUN).stdout.strip() == version:
            return name
    return None


def installed(python):
    """{name: version} of what is installed."""
    done = subprocess.run([python, "-m", "pip", "list", "--format=json"], check=True, **RUN)
    return {colab.normalized(p["name"]): p["version"] for p in json.loads(done.stdout)}


def install(folder, version, *options):
    """The Python of a new virtual environment in which uv has installed what the options say."""
    python = folder / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "-q"]
    base = find_python(version)
    if base is None:
        print(f"No Python {version} here: Python {sys.version.split()[0]} stands in for it.")
    subprocess.run([*uv, "venv", "--seed", "-p", base or sys.executable, folder / "venv"], check=True)
    done = subprocess.run([*uv, "pip", "install", "-p", python, *options], **RUN)
    if "error sending request" in done.stderr:
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stderr
    return python


def environment_of(python, folder):
    """What the environment must say so that notebooks run on this Python, and find the course as a remote."""
    remote = copied(folder / "remote")
    subprocess.run(["git", "tag", TAG], cwd=remote, check=True)
    (folder / "kernels" / "host").mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": argv, "language": "python", "display_name": "Host"}
    (folder / "kernels" / "host" / "kernel.json").write_text(json.dumps(kernel))
    return {
        "JUPYTER_PATH": str(folder), "IPYTHONDIR": str(folder / "ipython"),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{remote.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{OLD}", "PATH": f"{python.parent}:{os.environ['PATH']}",
        "ECG_LESSONS_SOURCE": "simulated", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The Python of a machine like Colab's, and the environment in which notebooks run there."""
    folder = tmp_path_factory.mktemp("colab")
    python = install(folder, re.search(r"^# Python (\S+)$", LIST.read_text(), re.M)[1], "-r", LIST)
    return python, environment_of(python, folder)


def read_chapter(path, part=PART):
    """The notebook without its outputs, to the end of its section *Look* or to its last cell."""
    notebook = nbformat.read(path, as_version=4)
    if part == "look":
        end = next(i for i, cell in enumerate(notebook.cells) if re.search("^## Try", cell.source, re.M))
        del notebook.cells[end:]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def run_notebook(notebook, folder, environment, monkeypatch):
    """Run its cells in that environment, in an empty folder; what the first one prints."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    folder.mkdir()
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=1200, kernel_name="host", resources=where).execute()
    return "".join(output.get("text", "") for output in notebook.cells[1].outputs)


@slow
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_opened_alone_on_colab_runs_and_changes_no_package(path, machine, tmp_path, monkeypatch):
    python, environment = machine
    subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", *LACKS], check=True, **RUN)  # a new machine
    before = installed(python)
    assert not LACKS & set(before)
    told = run_notebook(read_chapter(path), tmp_path / "content", environment, monkeypatch)
    assert "about half a minute" in told and "ERROR" not in told
    after = installed(python)
    assert {name: after.get(name) for name in before} == before
    assert {"ecg-lessons", "wfdb"} <= set(after) - set(before) <= LACKS
    assert after["ecg-lessons"] == ecg_lessons.__version__


@pytest.mark.skipif(PART != "whole", reason="takes minutes: make colab")
def test_a_chapter_opened_where_there_is_nothing_installs_all_that_it_needs(tmp_path, monkeypatch):
    """Chapter 3, which needs most, in an environment that can start a kernel and no more."""
    python = install(tmp_path, "3.12", "ipykernel")
    notebook = read_chapter(ROOT / "book" / "03_cnn_lstm.ipynb", "look")
    told = run_notebook(notebook, tmp_path / "content", environment_of(python, tmp_path), monkeypatch)
    assert "ERROR" not in told and {"tensorflow", "aeon", "wfdb", "ecg-lessons"} <= set(installed(python))


PREDICT = """
import sys
import numpy as np
from ecg_lessons.models import load_pretrained
inputs, outputs = np.load(sys.argv[1]), {}
for name in sys.argv[3:]:
    given = [inputs["context"], inputs["numbers"]] if name.endswith("context") else inputs["beats"]
    outputs[name] = load_pretrained(name).predict(given, verbose=0)
np.savez(sys.argv[2], **outputs)
"""


def predicted(python, folder):
    """{network: probabilities of 512 beats}, as the packages of this Python compute them."""
    rng = np.random.default_rng(0)
    np.savez(
        folder / "inputs.npz",
        beats=ecg_lessons.make_beats(512, seed=5).signals[..., None],
        context=rng.normal(size=(512, 96, 2)).astype(np.float32),
        numbers=rng.normal(size=(512, 12)).astype(np.float32),
    )
    command = [python, "-c", PREDICT, folder / "inputs.npz", folder / "outputs.npz", *PRETRAINED]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=folder, **RUN)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "outputs.npz") as outputs:
        return dict(outputs)


def assert_same_outputs(python, tmp_path):
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
    here, there = predicted(sys.executable, tmp_path / "here"), predicted(python, tmp_path / "there")
    versions = installed(python)
    for name in PRETRAINED:
        apart = np.abs(here[name] - there[name]).max()
        print(f"{name}: TensorFlow {versions['tensorflow']}, Keras {versions['keras']}, {apart:.1e} apart")
        assert here[name].shape == (512, 2 if name == "ptbxl" else 5) and apart <= 1e-6


def assert_tests_pass(python, *constraints):
    """The tests of what the chapters compute, with the packages of this Python; those stay as they are."""
    uv = [sys.executable, "-m", "uv", "-q", "pip", "install", "-p", python, *constraints]
    subprocess.run([*uv, "pytest", "hypothesis", "wfdb"], check=True)
    files = [f"tests/test_{name}.py" for name in PARTS_OF_THE_PACKAGE]
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, **RUN)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]


@slow
def test_what_the_chapters_compute_holds_with_colabs_versions(machine):
    assert_tests_pass(machine[0], "-c", LIST)


@slow
def test_the_networks_give_the_same_outputs_on_colab(machine, tmp_path):
    assert_same_outputs(machine[0], tmp_path)


@slow
def test_the_lowest_versions_give_the_same_outputs_and_compute_the_same(tmp_path):
    if find_python("3.11") is None:
        pytest.skip("needs Python 3.11, for which the lowest versions were made")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["models"]
    python = install(tmp_path, "3.11", "--resolution", "lowest-direct", *needed)
    assert_same_outputs(python, tmp_path)
    assert_tests_pass(python)


def test_the_first_cells_name_the_tag_of_this_version():
    for path in CHAPTERS:
        first = next(c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code").source
        assert re.findall(r"@(v[\w.]+)", first) == [TAG], path.name


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
@pytest.mark.parametrize(
    "host, lacking, installs",
    [
        ("a checkout", set(), None),
        ("Colab or Kaggle", {"ecg_lessons", "wfdb", "aeon"}, "-q --no-deps"),
        ("a colleague's Jupyter", {"ecg_lessons", "wfdb", "tensorflow"}, "-q"),
        ("one that lacks a little", {"ecg_lessons", "pyarrow"}, "-q"),
        ("a new environment", {"ecg_lessons", "tensorflow", "pooch", "seaborn", "yaml"}, "-q"),
    ],
)
def test_the_first_cell_installs_what_the_host_lacks(path, host, lacking, installs, monkeypatch, capsys):
    first = next(c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code").source
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in lacking else name)
    ran = []
    shell = SimpleNamespace(run_line_magic=lambda magic, line: ran.append((magic, line)))
    exec(TransformerManager().transform_cell(first), {"get_ipython": lambda: shell})
    if installs is None:
        assert not ran and capsys.readouterr().out == ""
        return
    (magic, line), *others = ran
    assert (magic, others) == ("pip", []) and line.startswith(f"install {installs}")
    assert ("--no-deps" in line) == ("--no-deps" in installs) and "{ADD}" in line and "{COURSE}" in line
    assert "wfdb==" in first and ("aeon" in notebook_imports(path)) == (" aeon==" in first)
    lock = (ROOT / "requirements.lock").read_text()  # the versions that were tested
    assert all(f"\n{pinned} " in lock for pinned in re.findall(r"[\w-]+==[\w.]+", first))
    if "--no-deps" not in line:  # pip brings the rest, by the package's own lower bounds
        assert '"tensorflow>=2.19"' in line and " seaborn" in line


def notebook_imports(path):
    """Top-level names of the modules that a notebook imports."""
    code = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
    return set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.M))


def test_a_newer_list_of_colabs_changes_versions_and_nothing_else():
    text = LIST.read_text()
    published = "tensorflow==2.99.0\nKeras==3.99\nsomething-new==1.0\njax @ file:///jax\nml-dtypes==9\n"
    new = colab.renewed(text, published, "2027-01-04")
    assert colab.PINNED.findall(new) == [("keras", "3.99"), ("ml_dtypes", "9"), ("tensorflow", "2.99.0")]
    assert "\n# 2027-01-04\n" in new and "\n# Python 3.13\n" in new
    with pytest.raises(ValueError, match="no tensorflow"):
        colab.renewed(text, "<html>sign in</html>", "2027-01-04")
