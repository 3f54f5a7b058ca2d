"""A real browser for the tests: Debian's Chromium, driven by Playwright. Without one they are skipped."""

from contextlib import contextmanager

import pytest
from pdf import FLAGS, browser


@contextmanager
def open_page(width=1200, height=900, **options):
    """A fresh page of a headless Chromium; the test is skipped where none is installed."""
    chromium = browser()
    if not chromium:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield running.new_context(viewport={"width": width, "height": height}, **options).new_page()
        finally:
            running.close()
