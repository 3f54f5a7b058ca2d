"""A real browser for the tests: Debian's Chromium, driven by Playwright. Without one they are skipped."""

import functools
import http.server
import threading
from contextlib import contextmanager

import pytest

from tools.pdf import browser, running


@contextmanager
def open_page(width=1200, height=900, **options):
    """A fresh page of a headless Chromium; the test is skipped where none is installed."""
    chromium = browser()
    if not chromium:
        pytest.skip("no Chromium is installed")
    with running(chromium) as shown:
        context = shown.new_context(viewport={"width": width, "height": height}, **options)
        try:
            yield context.new_page()
        finally:
            context.close()


@contextmanager
def serving(folder):
    """The address of a folder, served on loopback, uncompressed, as the plainest server does."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
