"""Make the book another repository's: what ``make fork REPO=https://github.com/you/yours`` calls.

Rewrites ``repository.url`` in ``_config.yml``, the one setting, and what repeats it: the badges, the first
cell of each notebook, the README, the package's and the citation's files.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = {".py", ".md", ".ipynb", ".yml", ".yaml", ".toml", ".cff", ".svg", ".css", ".js", ".txt"}


def address(given):
    """``https://github.com/you/yours`` from what was given.

    Raises
    ------
    ValueError
        If it is not a repository's address on GitHub.
    """
    match = re.fullmatch(r"https://github\.com/([\w-]+/[\w.-]+?)(\.git)?/?", given.strip())
    if not match:
        raise ValueError(f"REPO must look like https://github.com/you/yours, not {given!r}.")
    return f"https://github.com/{match[1]}"


def fork(new, root=ROOT):
    """Rewrite the files of a checkout; the names of those that changed."""
    new = address(new)
    old = re.search(r"^repository:\n  url: (\S+)$", (root / "_config.yml").read_text(), re.M)[1]
    before, after = (url.removeprefix("https://github.com/") for url in (old, new))
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True,
                            cwd=root, check=True)  # fmt: skip
    pattern = re.compile(rf"(github\.com/|/github/){re.escape(before)}(?![\w-])")
    changed = []
    for name in listed.stdout.splitlines():
        path = root / name
        if path.suffix not in PARTS or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        renewed = pattern.sub(lambda match: match[1] + after, text)
        if renewed != text:
            path.write_text(renewed, encoding="utf-8")
            changed.append(name)
    return changed


def main(arguments):
    given = arguments[0] if arguments else ""
    try:
        changed = fork(given)
    except ValueError as error:
        return str(error)
    print(f"{len(changed)} files now name {address(given)}. Look at `git diff`, then commit.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
