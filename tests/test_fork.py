"""The book can become another repository's with one command."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.fork import fork, repository_files

ROOT = Path(__file__).parents[1]
OLD = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].removeprefix(
    "https://github.com/"
)


NAMES = ["Überblick für Anfänger.md", "心电图.md", "دروس/قلب.md"]  # of a fork's own pages


def unpacked(folder):
    """The checkout as it stands, what is not committed yet included, as a ZIP file of it unpacks."""
    for name in repository_files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"https://github.com/{OLD}/issues\n", encoding="utf-8")
    return folder


def copied(folder):
    """The same as a repository of its own."""
    run = {"capture_output": True, "text": True, "check": True}
    unpacked(folder)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, **run)
    identity = ["-c", "user.name=a test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, "commit", "-q", "-m", "as it stands"], cwd=folder, **run)
    return folder


def test_one_command_rewrites_the_setting_and_everything_that_repeats_it(tmp_path):
    clone = copied(tmp_path)
    done = subprocess.run([sys.executable, "tools/fork.py", "https://github.com/you/yours"], cwd=clone,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load((clone / "_config.yml").read_text())
    assert config["repository"]["url"] == "https://github.com/you/yours"
    left = subprocess.run(
        ["git", "grep", "-lE", rf"github(\.com)?/{OLD}"], cwd=clone, capture_output=True, text=True
    )
    assert left.stdout.split() == []
    for name in NAMES:
        assert (clone / name).read_text(encoding="utf-8") == "https://github.com/you/yours/issues\n"
    for path in sorted((clone / "book").glob("*.ipynb")):
        text = path.read_text()
        assert f"colab.research.google.com/github/you/yours/blob/main/book/{path.name}" in text
        assert "git+https://github.com/you/yours@" in text
    # the copy's own checks of badges and addresses hold
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "badge or address"]
    command += ["tests/test_book.py", "tests/test_package.py"]
    checks = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert checks.returncode == 0 and re.search(r"\d+ passed", checks.stdout), checks.stdout
    again = subprocess.run([sys.executable, "tools/fork.py", "https://github.com/you/yours"], cwd=clone,
                           capture_output=True, text=True)  # fmt: skip
    assert again.stdout.startswith("0 files")


@pytest.mark.parametrize("outer", [False, True], ids=["alone", "inside another repository"])
def test_a_zip_file_that_was_unpacked_is_rewritten_too(tmp_path, outer):
    if outer:  # of somebody who keeps nothing of it
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        (tmp_path / ".gitignore").write_text("*\n")
    folder = unpacked(tmp_path / "ecg lessons-main")
    made = [".venv/lib/x.py", "_build/html/x.md", "tests/__pycache__/x.py", ".pytest_cache/README.md"]
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"https://github.com/{OLD}")
    config = folder / "_config.yml"
    config.write_text("# Kurs für Anfänger\n" + config.read_text(encoding="utf-8"), encoding="utf-8")
    # as a Python in which nothing is installed, on a machine that is set to no letters but ASCII
    command = [sys.executable, "-I", "-S", "tools/fork.py", "https://github.com/you/yours"]
    plain = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command[1:1] = ["-X", "utf8=0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=plain)
    assert done.returncode == 0 and "git diff" not in done.stdout, done.stderr
    for name in [*NAMES, "_config.yml", "README.md", "pyproject.toml", "CITATION.cff"]:
        assert OLD not in (folder / name).read_text(encoding="utf-8"), name
    for name in made:
        assert OLD in (folder / name).read_text(), name


def test_the_files_are_the_same_with_git_and_without(tmp_path):
    clone = copied(tmp_path / "clone")
    with_git = repository_files(clone)
    assert set(NAMES) < set(with_git) and set(with_git) == set(repository_files(clone, new=False))
    (clone / "neu & nötig.md").write_text("not committed")
    assert set(repository_files(clone)) - set(repository_files(clone, new=False)) == {"neu & nötig.md"}
    (clone / NAMES[0]).unlink()  # git knows of it still
    with_git = repository_files(clone)
    assert NAMES[0] not in with_git
    (clone / ".git").rename(tmp_path / "elsewhere")
    assert repository_files(clone) == repository_files(clone, new=False) == with_git


def test_without_git_the_folder_is_walked(tmp_path, monkeypatch):
    clone = copied(tmp_path / "clone")
    with_git = repository_files(clone)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert repository_files(clone) == with_git


def test_a_file_that_is_no_text_stays_and_so_do_the_ends_of_lines(tmp_path):
    (tmp_path / "_config.yml").write_text(f"repository:\n  url: https://github.com/{OLD}\n")
    (tmp_path / "old.txt").write_bytes(f"Überblick, github.com/{OLD}".encode("latin-1"))
    (tmp_path / "lines.txt").write_bytes(f"github.com/{OLD}\r\n".encode())
    assert fork("https://github.com/you/yours", tmp_path) == ["_config.yml", "lines.txt"]
    assert (tmp_path / "lines.txt").read_bytes() == b"github.com/you/yours\r\n"


HOST = "https://github.com"


@pytest.mark.parametrize(
    "given",
    ["", "you/yours", "https://gitlab.com/you/yours", *(HOST + end for end in ("/you", "/you/..", "/you/."))],
)
def test_an_address_that_is_none_changes_nothing(given):
    done = subprocess.run([sys.executable, ROOT / "tools" / "fork.py", given], capture_output=True, text=True)
    assert done.returncode == 1 and "https://github.com/you/yours" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name, target", [("REPO", "fork"), ("MINUTES", "fuzz"), ("PART", "colab")])
@pytest.mark.parametrize(
    "text", ["$(shell touch made)", "$(touch made)", "`touch made`", '"; touch made; "', "'; touch made; '"]
)
def test_what_is_given_to_make_is_not_executed(name, target, text, tmp_path):
    """The recipe runs, with a Python that does nothing but say what it was given."""
    lines = [
        line
        for line in (ROOT / "Makefile").read_text().splitlines()
        if not line.startswith("override PYTHON")
    ]
    (tmp_path / "Makefile").write_text("\n".join(lines) + "\n")
    show = tmp_path / "show"
    show.write_text('#!/bin/sh\nprintf "%s|%s|%s" "$REPO" "$MINUTES" "$COLAB"\n')
    show.chmod(0o755)
    command = ["make", "-s", target, f"{name}={text}", f"PYTHON={show}", f"PY={show}", "CHECKS=", "FUZZ="]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert text in done.stdout and not (tmp_path / "made").exists(), done.stdout + done.stderr


def test_a_link_that_leads_out_of_the_repository_is_left_alone(tmp_path):
    clone = copied(tmp_path / "clone")
    theirs = tmp_path / "theirs.md"
    theirs.write_text(f"https://github.com/{OLD}")
    (clone / "book" / "linked.md").symlink_to(theirs)
    (clone / "book" / "inside.md").symlink_to(clone / "README.md")
    done = subprocess.run([sys.executable, "tools/fork.py", "https://github.com/you/yours"], cwd=clone,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        theirs.read_text() == f"https://github.com/{OLD}" and "you/yours" in (clone / "README.md").read_text()
    )
