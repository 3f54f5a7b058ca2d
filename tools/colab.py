"""Bring ``tests/colab.txt`` up to date: ``python -m tools.colab pip-freeze.txt``.

You need it when Colab has new versions; the weekly workflow tells. The file is the one that Colab publishes, with everything it has installed. Of that, the list keeps the
packages that it names already: those that the course, or something that it imports, can meet.
"""

import re
import sys
from datetime import date
from pathlib import Path

LIST = Path(__file__).with_name("colab.txt")
PINNED = re.compile(r"^([\w.-]+)==(\S+)$", re.M)


def normalized(name):
    """A package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def renewed(text, published, day):
    """The list's text with the versions of a published one; what that does not have is left out.

    Raises
    ------
    ValueError
        If the published list does not even name TensorFlow.
    """
    newest = {normalized(name): version for name, version in PINNED.findall(published)}
    if "tensorflow" not in newest:
        raise ValueError("is not the list of packages that Colab publishes: it has no tensorflow==.")
    known = [name for name, _ in PINNED.findall(text) if normalized(name) in newest]
    head = re.sub(r"^# \d{4}-\d\d-\d\d$", f"# {day}", text[: PINNED.search(text).start()], flags=re.M)
    return head + "".join(f"{name}=={newest[normalized(name)]}\n" for name in known)


def main(arguments):
    if len(arguments) != 1:
        return "Name the file: python -m tools.colab pip-freeze.txt"
    try:
        text = renewed(LIST.read_text(), Path(arguments[0]).read_text(), f"{date.today()}")
    except (OSError, ValueError) as error:
        return f"{arguments[0]}: {getattr(error, 'strerror', None) or error}"
    LIST.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
