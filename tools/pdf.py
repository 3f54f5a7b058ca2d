"""Print the book: what ``make pdf`` calls.

You need it to look at the printed book; the release makes its own. The site is built once more as a single page, and Chromium prints it twice: the course, solutions folded, to
be handed to learners, and the pages for teachers.
"""

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
# file in _build/: what is done to the page before it is printed; `teachers` is their part of it
PRINTS = {
    "ecg-lessons.pdf": "teachers => teachers.remove()",
    "ecg-lessons-teachers.pdf": "teachers => teachers.closest('article').replaceChildren(teachers)",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# no sandbox, as containers forbid it; nothing but files of this book is opened
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
]  # fmt: skip
_running: list = []
FOOTER = (
    '<p style="font: 8px sans-serif; width: 100%; text-align: center"><span class="pageNumber"></span></p>'
)


def browser():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def running(chromium):
    """A headless Chromium under Playwright. Asked for again meanwhile, it is the same one: two do not go together."""
    from playwright.sync_api import sync_playwright

    if _running:
        yield _running[-1]
        return
    with sync_playwright() as playwright:
        _running.append(playwright.chromium.launch(executable_path=chromium, args=FLAGS))
        try:
            yield _running[-1]
        finally:
            _running.pop().close()


def single_page(folder):
    """Build the book as one page in a folder; that page."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--builder", "singlehtml",
               "--path-output", folder, "-q"]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    built = Path(folder) / "_build" / "singlehtml"
    page = built / "all.html"  # its links count from here, and not from book/, where Sphinx puts it
    shutil.copy(built / "book" / "intro.html", page)
    return page


def print_page(chromium, page, folder):
    """Print a page into the files of `PRINTS`, with page numbers and bookmarks."""
    with running(chromium) as shown:
        for name, prepare in PRINTS.items():
            tab = shown.new_page()
            tab.goto(page.as_uri(), wait_until="load")
            part = tab.locator("[id='document-instructors/index'] >> xpath=..").element_handle()
            tab.evaluate(prepare, part)
            tab.pdf(
                path=folder / name, format="A4", prefer_css_page_size=True, print_background=True, outline=True,
                tagged=True, display_header_footer=True, header_template="<span></span>", footer_template=FOOTER,
            )  # fmt: skip
            tab.close()


def main():
    chromium = browser()
    if not chromium:
        return f"No Chromium ({', '.join(BROWSERS)}) is installed. On Debian: apt-get install chromium"
    target = ROOT / "_build"
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        print_page(chromium, single_page(folder), Path(folder))
        for name in PRINTS:
            shutil.move(Path(folder) / name, target / name)
            print(f"Printed: {target.name}/{name}, {(target / name).stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
