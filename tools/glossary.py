"""Where a chapter first uses a word of the glossary, and the link that must stand there.

``python -m tools.glossary`` links what is not linked yet, after you have added a term or rewritten a page; ``tests/test_book.py`` holds the chapters to it. A
term of ``book/glossary.md`` is a heading of the third level. How the chapters say it may stand in a comment
below, ``% forms: one, another``; without one it is the heading's own words. A form in capitals, or with one
inside, is looked for as it is, all others in any case.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "book" / "glossary.md"
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))

# Not searched: code, headings, the first cell (title and front box), what is a link already.
_HIDDEN = re.compile(
    r"```.*?```|`[^`]*`|^#.*?$|\[!\[.*?\]\(.*?\)\]\(.*?\)|\$[^$]+\$|<[^>]+>|^\|.*?\|$", re.S | re.M
)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)]*)\)")


class Use(NamedTuple):
    """A term's first use: the cell, where in its source, and whether the link is there."""

    term: str
    cell: object
    start: int
    end: int
    linked: bool


def terms():
    """{heading: the forms in which chapters say it, longest first}."""
    found = {}
    for block in re.split(r"^### ", GLOSSARY.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name = block.splitlines()[0].strip()
        given = re.search(r"^% forms: (.+)$", block, re.M)
        forms = given[1].split(",") if given else [re.sub(r"\s*\(.*\)", "", name)]
        found[name] = sorted((form.strip() for form in forms), key=len, reverse=True)
    return found


def slug(name):
    """The anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-")


def first_uses(notebook):
    """Yield a `Use` for each term that the prose of a notebook has."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"][1:]
    cells = [cell for cell in cells if not cell.source.startswith("## Further reading")]
    taken = {id(cell): list(_spans(cell.source)) for cell in cells}
    longest_first = sorted(
        ((form, name) for name, forms in terms().items() for form in forms), key=lambda pair: -len(pair[0])
    )
    # each form claims its places before a shorter one inside it can
    places = {name: [] for name in terms()}
    for form, name in longest_first:
        flags = 0 if re.search(r"[A-Z]", form[1:]) or form.isupper() else re.I
        pattern = re.compile(rf"(?<![\w/-]){re.escape(form)}(?![\w-])", flags)
        for i, cell in enumerate(cells):
            for match in pattern.finditer(cell.source):
                where = [
                    span for span in taken[id(cell)] if span[0] < match.end() and match.start() < span[1]
                ]
                own = [span for span in where if span[2] == slug(name)]
                if own or not where:
                    places[name].append((i, match.start(), match.end(), bool(own)))
                    if not own:
                        taken[id(cell)].append((match.start(), match.end(), None))
    for name, found in places.items():
        if found:
            i, start, end, linked = min(found)
            yield Use(name, cells[i], start, end, linked)


def _spans(source):
    """(start, end, anchor in the glossary or None) of what is hidden or a link."""
    for match in _HIDDEN.finditer(source):
        yield match.start(), match.end(), None
    for match in _LINK.finditer(source):
        _, _, anchor = match[2].partition("glossary.md#")
        yield match.start(), match.end(), anchor or None


def link(path):
    """Put the links that are missing into a notebook; how many."""
    notebook = nbformat.read(path, as_version=4)
    uses = [use for use in first_uses(notebook) if not use.linked]
    for use in sorted(uses, key=lambda use: -use.start):  # from the end on, so that places stay right
        text = use.cell.source[use.start : use.end]
        target = f"[{text}](glossary.md#{slug(use.term)})"
        use.cell.source = use.cell.source[: use.start] + target + use.cell.source[use.end :]
    if uses:
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return len(uses)


if __name__ == "__main__":
    for chapter in [Path(argument) for argument in sys.argv[1:]] or CHAPTERS:
        print(f"{chapter.name}: {link(chapter)} words linked")
