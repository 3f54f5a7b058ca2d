"""The printed book."""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
import pdf  # noqa: E402


def test_the_whole_book_is_printed_into_one_file(tmp_path):
    if not (chromium := pdf.browser()):
        pytest.skip("no Chromium is installed")
    page = pdf.single_page(tmp_path)
    text = page.read_text(encoding="utf-8")
    toc = (pdf.ROOT / "_toc.yml").read_text()
    for name in re.findall(r"file: (\S+)", toc):
        assert f'id="document-{name}"' in text, f"{name} is missing in print"
    pdf.print_page(chromium, page, tmp_path / "book.pdf")
    printed = (tmp_path / "book.pdf").read_bytes()
    assert printed.startswith(b"%PDF") and len(printed) > 5_000_000  # figures included
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 100


def test_without_a_browser_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    assert "apt-get install chromium" in pdf.main()
