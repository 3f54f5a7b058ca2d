"""Print the whole book into one PDF: what ``make pdf`` calls.

The site is built once more as a single page, and Chromium prints it. Solutions stay folded, so that the
print can be handed to learners.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PDF = ROOT / "_build" / "ecg-lessons.pdf"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# no sandbox, as containers forbid it; nothing but files of this book is opened
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-quic"]  # fmt: skip
SECONDS = 300


def browser():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def single_page(folder):
    """Build the book as one page in a folder; that page."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--builder", "singlehtml",
               "--path-output", folder, "-q"]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)
    built = Path(folder) / "_build" / "singlehtml"
    page = built / "all.html"  # its links count from here, and not from book/, where Sphinx puts it
    shutil.copy(built / "book" / "intro.html", page)
    return page


def print_page(chromium, page, pdf):
    """Print a page with Chromium."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [chromium, *FLAGS, f"--user-data-dir={profile}", "--no-pdf-header-footer",
             "--generate-pdf-document-outline", "--virtual-time-budget=30000", f"--print-to-pdf={pdf}",
             page.as_uri()],
            check=True, timeout=SECONDS, capture_output=True,
        )  # fmt: skip


def main():
    chromium = browser()
    if not chromium:
        return f"No Chromium ({', '.join(BROWSERS)}) is installed. On Debian: apt-get install chromium"
    PDF.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "book.pdf"
        print_page(chromium, single_page(folder), fresh)
        shutil.move(fresh, PDF)
    print(f"Printed: {PDF.relative_to(ROOT)}, {PDF.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
