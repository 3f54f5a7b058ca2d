"""Make the book another repository's: what ``make fork REPO=https://github.com/you/yours`` calls.

Rewrites ``repository.url`` in ``_config.yml``, the one setting, and what repeats it: the badges, the first
cell of each notebook, the README, the package's and the citation's files.

Needs nothing but Python: ``make fork`` runs before anything is installed.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = {".py", ".md", ".ipynb", ".yml", ".yaml", ".toml", ".cff", ".svg", ".css", ".js", ".txt"}


def normalize_address(given):
    """``https://github.com/you/yours`` from what was given.

    Raises
    ------
    ValueError
        If it is not a repository's address on GitHub.
    """
    match = re.fullmatch(r"https://github\.com/([\w-]+/([\w.-]+?))(\.git)?/?", given.strip(), re.ASCII)
    if not match or match[2] in (".", ".."):
        raise ValueError(f"REPO must look like https://github.com/you/yours, not {given!r}.")
    return f"https://github.com/{match[1]}"


def repository_files(root=ROOT, new=True):
    """Names of the repository's files below `root`, in order, by whatever letters they are written.

    Parameters
    ----------
    root : Path
    new : bool
        Whether files that git does not know yet, and does not ignore, count as well.

    Returns
    -------
    list of str
        Where `root` is no git repository, a ZIP file unpacked say, or there is no git: all files, less
        what is installed, built or cached.
    """
    command = ["git", "ls-files", "-z", "-c", *(["-o", "--exclude-standard"] if new else [])]
    try:
        if not (root / ".git").exists():  # git would look further up, for somebody else's
            raise FileNotFoundError
        listed = subprocess.run(command, capture_output=True, cwd=root, check=True).stdout
        names = set(filter(None, os.fsdecode(listed).split("\0")))
    except (OSError, subprocess.CalledProcessError):
        names = set()
        for folder, inside, files in os.walk(root):
            inside[:] = [name for name in inside if not _is_made(name)]
            names |= {Path(folder, name).relative_to(root).as_posix() for name in files}
    return sorted(name for name in names if (root / name).is_file())


def _is_made(folder):
    """Whether a folder of this name is installed, built or a cache, and no part of the repository."""
    hidden = folder.startswith(".") and folder not in (".github", ".ci", ".vscode")
    return hidden or folder in ("_build", "__pycache__") or folder.endswith(".egg-info")


def fork(new, root=ROOT):
    """Rewrite the files of a checkout; the names of those that changed."""
    new = normalize_address(new)
    config = (root / "_config.yml").read_text(encoding="utf-8")
    old = re.search(r"^repository:\n  url: (\S+)$", config, re.M)[1]
    before, after = (url.removeprefix("https://github.com/") for url in (old, new))
    pattern = re.compile(rf"(github\.com/|/github/){re.escape(before)}(?![\w-])")
    changed = []
    for name in repository_files(root):
        path = root / name
        if path.suffix not in PARTS or not path.resolve().is_relative_to(root.resolve()):
            continue  # a link may lead to somebody else's file
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:  # somebody's own, in other letters
            continue
        renewed = pattern.sub(lambda match: match[1] + after, text)
        if renewed != text:
            path.write_bytes(renewed.encode("utf-8"))
            changed.append(name)
    return changed


def main(arguments):
    given = arguments[0] if arguments else os.environ.get("REPO", "")
    try:
        changed = fork(given)
    except ValueError as error:
        return str(error)
    then = "Look at `git diff`, then commit." if (ROOT / ".git").exists() else "Commit them there."
    print(f"{len(changed)} files now name {normalize_address(given)}. {then}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
