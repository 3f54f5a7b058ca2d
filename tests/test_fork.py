"""The book can become another repository's with one command."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
OLD = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].removeprefix(
    "https://github.com/"
)


def copied(folder):
    """The checkout as it stands, what is not committed yet included, as a repository of its own."""
    run = {"capture_output": True, "text": True, "check": True}
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, **run).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), listed.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, **run)
    identity = ["-c", "user.name=a test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, "commit", "-q", "-m", "as it stands"], cwd=folder, **run)
    return folder


def test_one_command_rewrites_the_setting_and_everything_that_repeats_it(tmp_path):
    clone = copied(tmp_path)
    done = subprocess.run([sys.executable, "tests/fork.py", "https://github.com/you/yours"], cwd=clone,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load((clone / "_config.yml").read_text())
    assert config["repository"]["url"] == "https://github.com/you/yours"
    left = subprocess.run(
        ["git", "grep", "-lE", rf"github(\.com)?/{OLD}"], cwd=clone, capture_output=True, text=True
    )
    assert left.stdout.split() == []
    for path in sorted((clone / "book").glob("*.ipynb")):
        text = path.read_text()
        assert f"colab.research.google.com/github/you/yours/blob/main/book/{path.name}" in text
        assert "git+https://github.com/you/yours@" in text
    # the copy's own checks of badges and addresses hold
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "badge or address"]
    command += ["tests/test_book.py", "tests/test_package.py"]
    checks = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert checks.returncode == 0 and re.search(r"\d+ passed", checks.stdout), checks.stdout
    again = subprocess.run([sys.executable, "tests/fork.py", "https://github.com/you/yours"], cwd=clone,
                           capture_output=True, text=True)  # fmt: skip
    assert again.stdout.startswith("0 files")


@pytest.mark.parametrize("given", ["", "you/yours", "https://gitlab.com/you/yours", "https://github.com/you"])
def test_an_address_that_is_none_changes_nothing(given):
    done = subprocess.run([sys.executable, ROOT / "tests" / "fork.py", given], capture_output=True, text=True)
    assert done.returncode == 1 and "https://github.com/you/yours" in done.stderr
    assert "Traceback" not in done.stderr
