"""The shape of the book: what every chapter has, and what none may have."""

import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from ecg_lessons import load_quiz, load_results
from ecg_lessons.data.records import list_records
from tools import glossary
from tools.execute import pictures

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
URL = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
SPINE = ["Ask", "Look", "Try", "Judge", "Take away", "Quiz", "Exercises", "Further reading"]
# What an objective may begin with: what can be seen or heard that somebody does.
VERBS = set(
    """build choose compare compute cut draw explain freeze give judge list measure name read recognize
report resume say set show sort split state write""".split()
)

PROJECT = BOOK / "07_project.ipynb"  # shows no solution; this is the teachers':
TEACHERS = ROOT / "instructors"
SOLUTION = TEACHERS / "project_solution.ipynb"

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
notebooks = pytest.mark.parametrize("path", [*CHAPTERS, SOLUTION], ids=lambda p: p.stem)


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code(path):
    assert read(path).cells, f"{path.name} has no cells"
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path):
    return [cell for cell in read(path).cells if cell.cell_type == "markdown"]


def has_image(cell):
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


def printed(cell):
    """The text that a cell's outputs show."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield output.get("data", {}).get("text/plain", "")
        yield output.get("data", {}).get("text/html", "")


def test_every_page_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text()
    for path in [*BOOK.glob("*.md"), *CHAPTERS, *TEACHERS.glob("*.md")]:
        name = f"{path.parent.name}/{path.stem}"
        assert f"{name}\n" in toc + "\n", f"add {name} to _toc.yml"


@chapters
def test_a_chapter_follows_the_spine(path):
    headings = [
        line[3:] for cell in prose(path) for line in cell.source.splitlines() if line.startswith("## ")
    ]
    assert [h.split(":")[0] for h in headings] == SPINE


@chapters
def test_a_chapter_opens_with_its_badge_and_front_box(path):
    first = prose(path)[0].source
    owner = URL.removeprefix("https://github.com/")
    badge = f"https://colab.research.google.com/github/{owner}/blob/main/book/{path.name}"
    assert first.startswith("# ") and f"]({badge})" in first
    for part in ("**Question.**", "**After this chapter you can**", "**Time.**", "**You need**", "**Data.**"):
        assert f"> {part}" in first, part
    assert f"git+{URL}@v" in code(path)[0].source


@chapters
def test_objectives_can_be_checked_and_the_minutes_are_stated(path):
    first = prose(path)[0].source
    objectives = re.findall(r"^> - (\w+)", first, re.M)
    assert 3 <= len(objectives) <= 8 and set(objectives) <= VERBS, set(objectives) - VERBS
    wanted = r"\d+ minutes to read, \d+ more for (the )?quiz and .*(exercises|project), .+ to run.*\."
    assert re.fullmatch(wanted, times(path)), times(path)


def times(path):
    return re.search(r"^> \*\*Time\.\*\* (.+)$", prose(path)[0].source, re.M)[1]


@chapters
def test_the_teachers_table_of_times_is_that_of_the_front_boxes(path):
    table = (TEACHERS / "index.md").read_text().splitlines()
    row = next(line for line in table if line.startswith("|") and path.name in line)
    reading, exercises, running = (cell.strip() for cell in row.strip("|").split("|")[1:4])
    time = times(path)
    assert time.startswith(f"{reading} to read, ") and f", {running} to run" in time, row
    assert f"{exercises.split(' minutes')[0]} more for" in time, row


@chapters
def test_words_of_the_glossary_are_linked_where_a_chapter_first_uses_them(path):
    missing = [use.term for use in glossary.first_uses(read(path)) if not use.linked]
    assert not missing, f"python -m tools.glossary links {missing}"


def test_links_into_the_glossary_arrive():
    anchors = {glossary.slug(name) for name in glossary.terms()}
    for path in [*CHAPTERS, *BOOK.glob("*.md"), *TEACHERS.glob("*.md")]:
        asked = set(re.findall(r"glossary\.md#([\w-]+)", path.read_text()))
        assert asked <= anchors, f"{path.name}: {asked - anchors}"


@chapters
def test_a_chapter_ends_with_what_to_take_away(path):
    box = next(cell.source for cell in prose(path) if cell.source.startswith("## Take away"))
    assert 3 <= len(re.findall(r"^> - ", box, re.M)) <= 10


@chapters
def test_further_reading_can_be_found(path):
    last = prose(path)[-1].source
    items = [line for line in last.splitlines() if line.startswith("- ")]
    assert last.startswith("## Further reading") and len(items) >= 3
    for item in items:  # a standard has no DOI, nor have a page of documentation and these two conferences
        assert re.search(
            r"https://doi\.org/10\.\d+/|https://keras\.io|ANSI/AAMI|IJCAI\* 2001|ICML\* 2011", item
        ), item


@notebooks
def test_a_chapter_was_run_from_top_to_bottom_without_error(path):
    counts = [cell.execution_count for cell in code(path)]
    assert counts == list(range(1, len(counts) + 1))
    for cell in code(path):
        assert not [o for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"], (
            cell.source
        )


@notebooks
def test_cells_are_short_and_say_one_thing(path):
    for cell in code(path):
        lines = cell.source.splitlines()
        assert len(lines) <= 13, f"{len(lines)} lines: {lines[0]}"
        assert max(map(len, lines)) <= 79, max(lines, key=len)
        assert not re.search(r";\s*$", cell.source), f"a trailing semicolon: {lines[-1]}"


@notebooks
def test_cell_ids_are_names(path):
    ids = [cell.id for cell in read(path).cells]
    assert len(ids) == len(set(ids))
    nameless = [i for i in ids if not re.fullmatch(r"[a-z][a-z0-9-]+", i) or re.fullmatch(r"[0-9a-f]{8}", i)]
    assert not nameless, f"name these cells, as CONTRIBUTING says: {nameless}"


@notebooks
def test_every_figure_is_drawn_in_the_courses_style_which_marks_simulated_data(path):
    for cell in code(path):
        assert "plt.figure" not in cell.source and "plt.subplots" not in cell.source, cell.id


@notebooks
def test_every_figure_has_alt_text_of_its_own(path):
    texts = []
    for cell in filter(has_image, code(path)):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(alt) > 40, f"no alt text: {cell.id}"
        texts.append(alt)
    assert len(texts) == len(set(texts)) > 0


@chapters
def test_exercises_have_a_check_and_a_folded_solution_that_passes_it(path):
    source = "\n".join(cell.source for cell in prose(path)).split("## Exercises")[1]
    exercises = re.findall(r"^\*\*(\d)\. .*?\((easy|medium|harder)\)\.\*\*", source, re.M)
    levels = [("easy", "medium", "harder").index(level) for _, level in exercises]
    assert 2 <= len(exercises) <= 4 and levels == sorted(levels)
    solutions = [c for c in code(path) if c.source.startswith("# @title Solution to exercise")]
    if path == PROJECT:
        assert not solutions
        return
    assert [number for number, _ in exercises] == [c.source.split()[5] for c in solutions]
    for (number, _), solution in zip(exercises, solutions):
        assert "hide-cell" in solution.metadata.tags
        answer = next(c for c in code(path) if c.id == f"ex{number}-answer")
        asked = re.findall(r"checks\.(\w+)", answer.source)
        assert len(asked) == 1 and asked == re.findall(r"checks\.(\w+)", solution.source), number
        assert "Not yet." in "".join(printed(answer)) and "Passed." in "".join(printed(solution)), number


@chapters
def test_a_chapter_shows_its_quiz(path):
    cell = next(c for c in code(path) if c.id == "quiz-questions")
    assert cell.source == f'load_quiz("{path.stem}")'
    shown = [output.get("data", {}).get("text/html", "") for output in cell.outputs]
    assert shown == [load_quiz(path.stem)._repr_html_()], "the quiz has changed: make chapters"


@notebooks
def test_notebooks_have_no_directives(path):
    for cell in prose(path):
        assert not re.search(r"^(```\{|:::)|\{(cite|ref|doc|term)\}", cell.source, re.M), (
            "a directive: Colab shows it raw"
        )


def test_the_projects_milestones_are_open_for_learners_and_solved_for_teachers():
    checked = {path: [c for c in code(path) if "checks.project_" in c.source] for path in (PROJECT, SOLUTION)}
    assert [len(cells) for cells in checked.values()] == [3, 3]
    assert all("Not yet." in "".join(printed(c)) for c in checked[PROJECT])
    assert all(re.search("Passed|milestone . passed: True", "".join(printed(c))) for c in checked[SOLUTION])


# Numbers that prose may use without an output: constants of ECG paper, of the format and the
# recordings, years, and the names of records.
KNOWN = {"0.04", "0.1", "0.12", "187", "360", "120", "125", "20", "2004", "2018", "1975", "1979"}
KNOWN |= {"549", "14552", "95", *list_records()}  # recordings and published beats of PTB; interval level, %


@notebooks
def test_every_number_in_the_prose_stands_in_the_chapters_code_or_outputs(path):
    shown = " ".join([*(text for c in code(path) for text in printed(c)), *(c.source for c in code(path))])
    for cell in prose(path)[1:]:
        if "Further reading" in cell.source:
            continue
        text = re.sub(r"\]\([^)]*\)|`[^`]*`|```.*?```", " ", cell.source, flags=re.S)
        for number in re.findall(r"(?<![\w.])(?:\d{1,3}(?: \d{3})+|\d+\.\d+|\d{2,})", text):
            number = number.replace(" ", "")
            assert number in KNOWN or re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", shown), (
                f"{number} in: {cell.source}"
            )


@chapters
def test_pictures_on_other_pages_are_the_chapters_own(path):
    for name, png in pictures(read(path)):
        assert (BOOK / "_static" / name).read_bytes() == png, f"{name} is stale: make chapters"


def test_pages_show_only_files_that_exist_and_describe_them():
    for path in [*BOOK.glob("*.md"), ROOT / "README.md"]:
        text = path.read_text()
        for name in re.findall(r"```\{(?:image|figure)\} (\S+)|!\[[^\]]+\]\(([^)]+)\)", text):
            target = name[0] or name[1]
            assert (path.parent / target).is_file(), f"{path.name}: {target}"
        assert len(re.findall(r"```\{(?:image|figure)\}", text)) == len(re.findall(r":alt: .{40,}", text)), (
            path.name
        )


def test_notebooks_carry_no_machine_in_them():
    for path in [*CHAPTERS, SOLUTION]:
        text = json.dumps(read(path).metadata) + path.read_text()
        assert not re.search(r"/(home|root|work|tmp|Users)/", text), path.name
        assert set(read(path).metadata) == {"kernelspec", "language_info", "ecg_lessons"}


@notebooks
def test_stored_outputs_come_from_real_recordings_and_say_when_and_with_what(path):
    stamp, last = read(path).metadata.ecg_lessons, load_results("timings")[path.stem]
    assert stamp.source == "physionet" and stamp.date == last["date"], "make chapters"
    assert dict(stamp.versions) == {name: last[name] for name in ("python", "tensorflow", "keras", "numpy")}
    assert "simulated" not in "".join(text for c in code(path)[:5] for text in printed(c))


def test_the_footer_says_that_this_is_no_medical_device():
    assert "Not a medical device" in (ROOT / "_config.yml").read_text()


def test_the_errors_that_the_faq_explains_exist():
    sources = "".join(path.read_text() for path in [*(ROOT / "ecg_lessons").rglob("*.py"), ROOT / "Makefile"])
    sources = "\n".join(sources.replace("{what}", what) for what in ("read", "written"))  # of `errors`
    headings = re.findall(r"^### .*$", (BOOK / "faq.md").read_text(), re.M)
    quoted = [
        part
        for line in headings
        for part in re.findall(
            r"`(?:(?:DataError|NotWritten): )?(?:\.\.\. )?([^`]+? [^`]+?)(?: \.\.\.)?`", line
        )
    ]
    assert len(quoted) >= 4
    for text in quoted:
        form = ".*".join(map(re.escape, text.split("...")))  # what a source fills in
        others = ("No module named", "Runtime disconnected")  # of Python and of Colab
        assert re.search(form, sources) or text.startswith(others), text
