"""What is downloaded is never run, and no key ends up where others can read it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat

from tools.fork import repository_files

ROOT = Path(__file__).parents[1]
MODULES = [
    p for folder in ("ecg_lessons", "studies", "book/_ext") for p in sorted((ROOT / folder).rglob("*.py"))
]
NOTEBOOKS = [*sorted((ROOT / "book").glob("*.ipynb")), *sorted((ROOT / "instructors").glob("*.ipynb"))]
# The shape of a kaggle.json, of its key alone beside the word, and of GitHub's and PyPI's tokens.
SECRETS = (
    r"\"key\"\s*:\s*\"[0-9a-f]{32}\"|KAGGLE_KEY\W{1,5}[0-9a-f]{32}"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{50,}"
)


def called(path):
    """Dotted names of everything that a module calls."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_the_package_runs_no_shell_and_no_code_that_it_was_given():
    for path in MODULES:
        for name, node in called(path):
            assert name not in ("eval", "exec", "os.system", "os.popen", "__import__", "compile"), path.name
            if path.name == "parallel.py" and name in ("subprocess.Popen", "pickle.dump", "pickle.load"):
                continue  # it talks to its own processes only
            assert not name.startswith(("subprocess.", "pickle.", "joblib.load", "yaml.load")), path.name
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert options.get("allow_pickle", "False") == "False", path.name
            if name.endswith("load_model"):
                assert options.get("safe_mode") == "True", path.name


def test_no_key_stands_in_the_repository_the_outputs_or_the_site(site):
    files = [ROOT / name for name in repository_files(new=False)]
    files += [path for path in site.rglob("*") if path.is_file()]
    assert len(files) > 100
    for path in files:
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert not re.search(SECRETS, text), path


def test_the_search_for_keys_would_find_one():
    key = "0123456789abcdef" * 2
    assert re.search(SECRETS, f'{{"username":"somebody","key":"{key}"}}')
    assert re.search(SECRETS, f"KAGGLE_KEY = '{key}'")


def test_no_notebook_shows_a_key_file():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert "kaggle.json" not in str(cell.get("outputs", "")), f"{path.name}: {cell.id}"


def test_the_workflows_pass_an_audit():
    """Nothing that runs other people's code may write, and no action can be moved under our feet."""
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [zizmor, "--offline", "--persona=auditor", "--no-progress", ROOT / ".github" / "workflows"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
