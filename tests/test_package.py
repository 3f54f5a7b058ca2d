"""The package, the repository's files and the one address in them."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from ecg_lessons import load_results
from tools.fork import repository_files
from tools.lock import read_layers

ROOT = Path(__file__).parents[1]
MODULES = sorted(p for p in (ROOT / "ecg_lessons").rglob("*.py") if p.name != "__init__.py")
URL = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]


def name_of(path):
    """A module's name within the package: ``data.cache``."""
    return ".".join(path.relative_to(ROOT / "ecg_lessons").with_suffix("").parts)


def fresh(code):
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def test_the_import_is_quick_and_leaves_the_heavy_ones_alone():
    code = (
        "import sys, time, numpy; t = time.process_time(); import ecg_lessons; t = time.process_time() - t;"
        "print(t, sorted({'tensorflow', 'keras', 'wfdb', 'matplotlib', 'pandas'} & set(sys.modules)))"
    )
    seconds, loaded = min(fresh(code).split(" ", 1) for _ in range(3))
    assert float(seconds) < 0.15 and loaded == "[]"  # 0.02 s; NumPy takes 0.07 to 0.25 s, by the machine


def test_loading_beats_does_not_import_tensorflow():
    code = "import ecg_lessons, sys; ecg_lessons.make_beats(50).split(); print('tensorflow' in sys.modules)"
    assert fresh(code) == "False"


def imports(path):
    """Top-level names of what a module imports from elsewhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def requirements(lines):
    return {
        re.split(r"[<>=!~; \[]", line)[0].lower() for line in lines if line.strip() and line[0] not in "#-"
    }


def test_pyproject_lists_what_the_package_imports_and_nothing_else():
    used = {name for path in MODULES for name in imports(path)} - set(sys.stdlib_module_names) - {"google"}
    used = {{"sklearn": "scikit-learn", "yaml": "pyyaml"}.get(name, name) for name in used}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["models"]
    assert requirements(declared) == used | {"tensorflow"}  # which Keras runs on
    assert not [d for d in declared if re.search(r"[<=]=?\s*[\d.]+$", d) and ">=" not in d]


def test_the_lock_holds_every_direct_requirement_with_the_sums_of_its_files():
    direct = requirements((ROOT / "requirements.txt").read_text().splitlines())
    lock = (ROOT / "requirements.lock").read_text().replace("\\\n", "").splitlines()
    assert direct <= requirements(lock)
    assert all("==" in line and "--hash=sha256:" in line for line in lock if line.strip() and line[0] != "#")
    assert "://" not in "".join(lock)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert requirements(project["dependencies"]) <= direct


def test_each_layer_of_the_lock_has_its_own_requirements_and_the_first_is_light():
    direct, chosen = (
        {layer: requirements(lines.splitlines()) for layer, lines in read_layers(ROOT / name).items()}
        for name in ("requirements.txt", "requirements.lock")
    )
    assert list(direct) == list(chosen) == ["book", "chapters", "checks", "fuzz"]
    there = set()
    for layer in direct:
        there |= chosen[layer]
        assert direct[layer] <= there, layer
    assert not {"tensorflow", "keras", "jupyterlab", "pytest", "distributed"} & chosen["book"]


# The order of the package's modules: whoever stands above imports from below, and never the other way.
ORDER = """
teaching.checks teaching.project teaching.verdict teaching.quiz
plots baselines models
data.mitbih data.ptbdb data.ptbxl
data.published data.kaggle data.credentials data.csv_files data.tracing
data.recording data.records data.download data.cache data.sources data.simulate
features
segment metrics calibration balance
beats validation storage errors
"""


def imported_modules(path):
    """Modules of this package that a module imports, at its top or inside a function, by their names in `ORDER`."""
    here = ["ecg_lessons", *path.relative_to(ROOT / "ecg_lessons").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            module = [part for part in module if part][1:]
            if ".".join(module) in ORDER.split():
                yield ".".join(module)
            else:  # from .. import storage
                yield from (".".join([*module, alias.name]) for alias in node.names)


def test_no_arrow_points_up():
    order = ORDER.split()
    assert sorted(order) == sorted(map(name_of, MODULES))
    for path in MODULES:
        for name in imported_modules(path):
            assert order.index(name) > order.index(name_of(path)), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "studies").glob("*.py"))], ids=lambda p: p.name)
def test_public_functions_are_documented(path):
    module = ast.parse(path.read_text())
    inside = [part for node in module.body if isinstance(node, ast.ClassDef) for part in node.body]
    for node in [*module.body, *inside]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}: {node.name}"


def text_files():
    names = repository_files(new=False)
    return [ROOT / n for n in names if not n.endswith((".png", ".ico", ".h5", ".xz")) and "/corpus/" not in n]


def test_the_repositorys_address_is_the_same_everywhere():
    owner_and_name = URL.removeprefix("https://github.com/")
    for path in text_files():
        if "tensorflow" in path.parts:  # as published
            continue
        for found in re.findall(
            r"github\.com/([\w.-]+/[\w.-]+)|colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)",
            path.read_text(),
        ):
            address = (found[0] or found[1]).removesuffix(".git")
            known = {owner_and_name, "you/yours", "googlecolab/backend-info"}
            assert address in known, f"{path.relative_to(ROOT)}: {address}"
    for name in ("README.md", "CITATION.cff", "pyproject.toml", "book/setup.md"):
        assert URL in (ROOT / name).read_text(), name


def test_no_recording_and_no_large_file_is_committed():
    for path in text_files():
        assert path.suffix not in {".dat", ".atr", ".hea", ".xyz", ".csv", ".npz", ".npy"}, path
        assert path.stat().st_size < 5_000_000, path


def test_the_readmes_commands_exist():
    commands = set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"book", "test", "chapters", "clean"} <= commands <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_the_readmes_results_are_those_of_the_results_file():
    readme, found = (ROOT / "README.md").read_text(), load_results("reference")
    for split, cells in results_table(found):
        assert f"| {cells} |" in readme, f"the row of the split by {split} should be: | {cells} |"
    assert f"{found['runs'][0]['parameters']:,}".replace(",", " ") + " weights" in readme


def test_the_readmes_small_network_is_the_benchmarks():
    readme, found = (ROOT / "README.md").read_text(), load_results("benchmark")
    weights = f"{found['networks']['chapter 3']['parameters']:,}".replace(",", " ")
    assert f"({weights} weights) in minutes" in readme and f"macro-F1 of {found['target']:.2f}" in readme
    assert "about a tenth of the time" in readme and round(10 / found["time ratio"]) == 1


def test_the_readmes_staircase_is_the_results_files():
    readme, found = (ROOT / "README.md").read_text(), load_results("staircase")
    first, last = "published beat", "+ median beat"

    def f1(step, c):
        return np.mean([r["test"]["classes"][c]["F1"] for r in found["runs"] if r["step"] == step])

    for step in (first, last):
        assert "{mean:.2f} ± {std:.2f}".format(**found["summary"][step]["macro-F1"]) in readme
    assert f"V rises from {f1(first, 'V'):.2f} to {f1(last, 'V'):.2f}" in readme
    assert "S and F stay below 0.1" in readme and max(f1(last, "S"), f1(last, "F")) < 0.1
    assert "4 117 weights" in readme and {r["parameters"] for r in found["runs"] if r["step"] == last} == {
        4117
    }


def test_the_readmes_transfer_is_the_results_files():
    readme, found = (ROOT / "README.md").read_text(), load_results("transfer")
    rivals = {name: rival["mean of seeds"] for name, rival in found["rivals"].items()}
    assert "{value:.2f} ({low:.2f} to {high:.2f})".format(**rivals["all tuned"]) in readme
    assert f"one trained from scratch {rivals['from scratch']['value']:.2f}" in readme
    assert f"a random encoder with a regression {rivals['regression, random']['value']:.2f}" in readme
    assert f"{found['records']} recordings of PTB-XL" in readme
    there = found["elsewhere"]
    assert "reaches {value:.2f} ({low:.2f} to {high:.2f}) by person".format(**there["by person"]) in readme
    assert f"on {there['people']} people of PTB Diagnostic" in readme


def results_table(found):
    """The README's row for each split."""
    names = {
        "published": "by beat, the published files",
        "beat": "by beat, our own, 80/20",
        "patient": "by patient, DS1 → DS2",
    }
    for split, numbers in found["summary"].items():
        runs = [run["test"]["classes"] for run in found["runs"] if run["split"] == split]
        f1 = [f"{np.mean([run[c]['F1'] for run in runs]):.2f}" for c in "NSVFQ"]
        both = [f"{numbers[n]['mean']:.4f} ± {numbers[n]['std']:.4f}" for n in ("accuracy", "macro-F1")]
        yield split, " | ".join([names[split], *both, *f1])


def test_a_wrong_data_directory_is_told_without_a_traceback():
    for tool in ("run", "execute"):
        done = subprocess.run(
            [sys.executable, "-m", f"tools.{tool}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=os.environ | {"ECG_LESSONS_DATA": "/no/such/place"},
        )
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert done.stderr.startswith("ECG_LESSONS_DATA names /no/such/place")


def test_a_data_directory_without_records_is_no_reason_to_simulate(tmp_path):
    environment = os.environ | {
        "ECG_LESSONS_DATA": str(tmp_path),
        "ECG_LESSONS_CACHE": str(tmp_path / "cache"),
    }
    environment.pop("ECG_LESSONS_SOURCE", None)
    command = [sys.executable, "-m", "tools.run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "holds no MIT-BIH records" in done.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_public_helper_is_used_by_a_chapter_or_by_the_package(path):
    notebooks = [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "instructors").glob("*.ipynb")]
    used = [*notebooks, *(ROOT / "ecg_lessons").rglob("*.py")]
    used = "".join(p.read_text() for p in used if p != path) + re.sub(
        r"^def .*", "", path.read_text(), flags=re.M
    )
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert re.search(rf"\b{node.name}\b", used), f"{path.name}: {node.name}"


def test_the_package_stays_small():
    """Whoever adds something looks for what can go."""
    lines = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert max(lines.values()) <= 350 and sum(lines.values()) <= 4750, lines
