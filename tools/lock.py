"""Choose exact versions and write ``requirements.lock``, layer by layer: what ``make lock`` calls.

You need it when ``requirements.txt`` has changed, or to move to newer versions. The layers are those of ``requirements.txt``: the book, the chapters, the checks, fuzzing. All versions are chosen
together, so that a layer fits on the ones before it; what only a later layer needs stands there. Arguments
are passed on to ``uv pip compile``: ``--upgrade`` for the newest of all.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIRECT, LOCK = ROOT / "requirements.txt", ROOT / "requirements.lock"
HEADING = re.compile(r"^# ---- (\w+)", re.M)
OPTIONS = "--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet".split()


def read_layers(path):
    """{layer: its lines} of a file of requirements."""
    _, *parts = HEADING.split(path.read_text())
    return dict(zip(parts[::2], ("\n".join(text.splitlines()[1:]) for text in parts[1::2])))


def compiled(requirements, output, *options):
    """{name==version: its lines} of what is chosen for these requirements."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", *OPTIONS, *options, "--output-file", output]
    subprocess.run(command, input=requirements, text=True, check=True)
    entries = re.findall(r"^\S.*(?:\n .*)*", Path(output).read_text(), re.M)
    return {entry.split(maxsplit=1)[0]: entry for entry in entries if not entry.startswith("#")}


def main(arguments):
    layers, done = read_layers(DIRECT), {}
    with tempfile.TemporaryDirectory() as folder:
        chosen = Path(folder) / "all.lock"
        if LOCK.exists():  # whose versions are kept, unless the newest are wanted
            chosen.write_text(LOCK.read_text())
        everything = compiled("\n".join(layers.values()), chosen, *arguments)
        text, sofar = "# Written by `make lock`.\n", []
        for name, lines in layers.items():
            sofar.append(lines)
            part = compiled("\n".join(sofar), Path(folder) / f"{name}.lock", "--constraints", chosen)
            text += f"# ---- {name}\n"
            text += "".join(f"{everything[key]}\n" for key in part if key not in done)
            done |= part
    if missing := everything.keys() - done.keys():
        return f"Of no layer: {', '.join(sorted(missing))}"
    LOCK.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
