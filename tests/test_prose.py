"""The course's language: spelling, a linter for prose, and the rules of the house.

Read are the chapters, the pages, the pages for teachers, the quizzes and the README.
"""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
NOTEBOOKS = [*sorted((ROOT / "book").glob("*.ipynb")), *sorted((ROOT / "instructors").glob("*.ipynb"))]
PAGES = [*sorted((ROOT / "book").glob("*.md")), *sorted((ROOT / "instructors").glob("*.md"))]
PAGES += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
QUIZZES = sorted((ROOT / "book" / "quizzes").glob("*.yml"))
ALL = [*NOTEBOOKS, *PAGES, *QUIZZES]
every_text = pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(ROOT)))

# What is not written here, and what to write in its place.
RULES = {
    r"\b(simply|obviously|just|of course|clearly|basically|trivial(ly)?)\b(?! tell)": "leave it out",
    r"\b(note that|as we can see|it is important to|needless to say)\b": "leave it out",
    r"\b(utili[sz]e\w*|leverag\w+|delve\w*|deep dive)\b": "a plain word: use, look into",
    r"\bin order to\b": "to",
    r"\bstate[- ]of[- ]the[- ]art\b": "say which result, and whose",
    r"\bsignificant(ly)?\b": "give the interval",
    r"\bsuffer(s|ed|ing)? from\b": "has, had",
    r"\b(color|behavior|center|gray|favor|label(ed|ing)|model(ed|ing))\b": "British spelling",
    r"\b\w*(recogn|organ|normal|penal|real|general|minim|optim|visual|initial|standard)is(e|ed|es|ing|ation)\b":
        "-ize, as everywhere here",
    r"\banalyz\w+": "analyse",
    r"!(?![\[=])": "no exclamation marks",
}  # fmt: skip
LONGEST = 40  # words from one stop, colon or semicolon to the next
# Of proselint, what is not a matter of taste or of typography (notebooks have straight quotes).
LINTED = """archaism cliches hedging industrial_language malapropisms mixed_metaphors mondegreens nonwords
oxymorons psychology redundancy skunked_terms social_awareness spelling terms""".split()


def prose(path):
    """The text of a file that a reader reads as prose: no code, no tables, no link targets."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    elif path.suffix == ".yml":
        questions = yaml.safe_load(path.read_text(encoding="utf-8"))
        text = "\n\n".join(
            part
            for q in questions
            for part in (q["ask"], *(o[k] for o in q["options"] for k in ("text", "because")))
        )
    else:
        text = path.read_text(encoding="utf-8")
    hidden = r"```.*?```|^\|.*?$|^#.*?$|<!--.*?-->|^% .*?$|^:.*?$|^\(.*?\)=$|\{cite:p\}`[^`]*`|<[^>]+>"
    text = re.sub(hidden, "", text, flags=re.S | re.M)
    text = re.sub(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`[^`]*`", "CODE", text)


def sentences(text):
    for block in re.split(r"\n\s*\n|\n\s*(?:>?\s*[-*]|>|\d+\.)\s", text):
        yield from re.split(r"(?<=[.?:;])\)?[*\"]*\s+", " ".join(block.split()))


def test_spelling(tmp_path):
    for path in ALL:
        (tmp_path / f"{path.parent.name}-{path.name}.txt").write_text(prose(path), encoding="utf-8")
    words = str(ROOT / "tests" / "words.txt")
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "-I", words, str(tmp_path), "ecg_lessons", "studies", "tools", "tests", "-S", "*/corpus"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_linter_for_prose_finds_nothing(tmp_path):
    for path in ALL:
        (tmp_path / f"{path.parent.name}-{path.name}.md").write_text(prose(path), encoding="utf-8")
    found = _proselint("check", *sorted(tmp_path.glob("*.md"))).splitlines()
    wanted = [line for line in found if re.search(rf": ({'|'.join(LINTED)})\\b", line)]
    assert not wanted, "\n".join(wanted)


def _proselint(*arguments):
    program = Path(sys.executable).with_name("proselint")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True).stdout


def test_the_linter_would_find_something(tmp_path):
    (tmp_path / "bad.md").write_text("At the end of the day, he was sent to the ATM machine.\n")
    found = _proselint("check", tmp_path / "bad.md")
    assert ": cliches" in found and ": redundancy" in found


@every_text
def test_the_rules_of_the_house(path):
    text = prose(path)
    for rule, advice in RULES.items():
        match = re.search(rule, text, re.I)
        assert not match, f"{match[0]!r} in …{text[max(0, match.start() - 40) : match.end() + 40]}…: {advice}"


@every_text
def test_sentences_are_short(path):
    for sentence in sentences(prose(path)):
        assert len(sentence.split()) <= LONGEST, f"{len(sentence.split())} words: {sentence}"
