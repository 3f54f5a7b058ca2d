"""The printed book."""

import re

import pytest

from tools import pdf


def pages(path):
    printed = path.read_bytes()
    assert printed.startswith(b"%PDF")
    return len(re.findall(rb"/Type\s*/Page\b", printed))


def test_the_course_and_the_pages_for_teachers_are_printed_into_one_file_each(tmp_path):
    if not (chromium := pdf.browser()):
        pytest.skip("no Chromium is installed")
    page = pdf.single_page(tmp_path)
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"file: (\S+)", (pdf.ROOT / "_toc.yml").read_text()):
        assert f'id="document-{name}"' in text, f"{name} is missing in print"
    pdf.print_page(chromium, page, tmp_path)
    course, teachers = (tmp_path / name for name in pdf.PRINTS)
    assert pages(course) > 100 and course.stat().st_size > 5_000_000  # figures included
    assert 15 < pages(teachers) < 80


def test_without_a_browser_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    assert "apt-get install chromium" in pdf.main()
