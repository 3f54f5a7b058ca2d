"""The pages for teachers: one for each chapter, of one form, with the chapter's own numbers."""

import re
from pathlib import Path

import pytest
from test_book import KNOWN, code, printed, prose

ROOT = Path(__file__).parents[1]
TEACHERS = ROOT / "instructors"
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
SECTIONS = ["Aim", "On the board", "Three wrong answers", "To discuss", "A clinical caveat", "In the room"]

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)


def page(chapter):
    return (TEACHERS / f"{chapter.stem}.md").read_text(encoding="utf-8")


def section(text, name):
    return text.split(f"\n## {name}\n")[1].split("\n## ")[0]


@every_chapter
def test_a_page_has_all_that_a_teacher_needs(chapter):
    text = page(chapter)
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert [h for h in headings if h != "Grading"] == SECTIONS
    assert ("Grading" in headings) == chapter.stem.startswith("07")
    wrong = section(text, "Three wrong answers")
    assert len(re.findall(r'^### ["“]', wrong, re.M)) == 3
    assert wrong.count("**Ask:**") == 3 and wrong.count("A good reply:") == 3
    assert len(re.findall(r"^- ", section(text, "To discuss"), re.M)) >= 3
    assert len(re.findall(r"^\d\. ", section(text, "On the board"), re.M)) >= 4
    assert f"](../book/{chapter.name})" in text


@every_chapter
def test_the_drawing_is_there_and_described(chapter):
    (name,) = re.findall(r"```\{image\} (\S+)\n:alt: .{40,}\n", page(chapter))
    drawing = (TEACHERS / name).read_text(encoding="utf-8")
    assert drawing.startswith("<svg") and "viewBox" in drawing and "<title>" in drawing


@every_chapter
def test_numbers_are_those_of_the_chapter(chapter):
    outputs = [text for cell in code(chapter) for text in printed(cell)]
    shown = " ".join([*outputs, *(cell.source for cell in [*code(chapter), *prose(chapter)])])
    text = re.sub(r"```.*?```|`[^`]*`|\[[^\]]*\]\([^)]*\)", " ", page(chapter), flags=re.S)
    for number in re.findall(r"(?<![\w.])(?:\d{1,3}(?: \d{3})+|\d+\.\d+|\d{2,})", text):
        number = number.replace(" ", "")
        assert number in KNOWN or re.search(
            rf"(?<![\d.]){re.escape(number)}(?!\d)", shown.replace(" ", " ")
        ), number


def test_there_are_three_schedules_and_they_name_cells_that_exist():
    text = (TEACHERS / "schedules.md").read_text(encoding="utf-8")
    for name in ("Half a day", "Two days", "Six weeks"):
        assert f"\n## {name}" in text
    slow = re.findall(r"^\| \[(\d)\]\(\S+\) \| `([\w-]+)` \| `([^`]+)`", section(text, "Slow cells"), re.M)
    assert len(slow) >= 5
    for number, cell_id, begins in slow:
        chapter = CHAPTERS[int(number) - 1]
        cell = next(c for c in code(chapter) if c.id == cell_id)
        assert cell.source.startswith(begins.rstrip("…").strip()), (chapter.name, cell_id)


def test_the_minutes_of_a_schedule_join_up():
    text = (TEACHERS / "schedules.md").read_text(encoding="utf-8")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        spans = [tuple(map(int, span)) for span in re.findall(r"^\| (\d+)–(\d+) \|", table, re.M)]
        assert all(end == start for (_, end), (start, _) in zip(spans, spans[1:])), spans
