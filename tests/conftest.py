"""Real recordings where there are any; a cache of its own for every test that writes; a local server."""

import fcntl
import hashlib
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ecg_lessons
from ecg_lessons import storage
from ecg_lessons.data import download, records

# Read before any test changes the environment.
_SIMULATED = os.environ.get("ECG_LESSONS_SOURCE") == "simulated"


REAL = {"real_beats", "real_folder", "real_ptb"}


def pytest_addoption(parser):
    parser.addoption("--recordings-only", action="store_true", help="notebooks, and tests of real recordings")


def pytest_collection_modifyitems(config, items):
    """With ``--recordings-only``: leave out what is the same without recordings."""
    if config.getoption("--recordings-only"):
        items[:] = [i for i in items if REAL & set(getattr(i, "fixturenames", REAL))]


@pytest.fixture(scope="session")
def real_beats():
    """All MIT-BIH beats, as a reader gets them; the test is skipped where there are none."""
    if _SIMULATED or not ecg_lessons.data_available():
        pytest.skip("no real recordings: set ECG_LESSONS_DATA")
    return ecg_lessons.fetch_mitbih()


@pytest.fixture(scope="session")
def real_folder(real_beats):
    """The folder that holds the real records."""
    return records.find_local_mitdb(None)[0] or records.find_cached_mitdb()


@pytest.fixture(scope="session")
def real_ptb(real_folder):
    """The real PTB Diagnostic beats; the test is skipped where their records are not at hand."""
    if not (storage.find_data_home() and (storage.find_data_home() / "ptbdb").is_dir()):
        pytest.skip("no PTB Diagnostic records in ECG_LESSONS_DATA")
    return ecg_lessons.fetch_ptbdb()


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, brought up to date as ``make book`` does: once, whoever asks first."""
    root = Path(__file__).parents[1]
    folder, this_run = root / "_build" / "html", os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    folder.parent.mkdir(exist_ok=True)
    with open(folder.parent / ".built-for", "a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)  # the others wait
        note.seek(0)
        if not this_run or note.read() != this_run:
            command = [Path(sys.executable).with_name("jupyter-book"), "build", root]
            command += ["-n", "-W", "--keep-going"]
            done = subprocess.run(command, cwd=root, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            note.truncate(0)
            note.write(this_run)
    return folder


@pytest.fixture(autouse=True)
def environment(request, monkeypatch, tmp_path):
    """Tests without real data see no data directory, an empty cache, and no network but their own."""
    monkeypatch.delenv("ECG_LESSONS_SOURCE", raising=False)
    if REAL & set(request.fixturenames):
        return
    monkeypatch.delenv("ECG_LESSONS_DATA", raising=False)
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", "http://127.0.0.1:9")  # nobody answers there


@pytest.fixture(scope="session")
def small_mitdb(tmp_path_factory):
    """A folder of three small simulated records in MIT-BIH's own file formats."""
    import wfdb

    folder = tmp_path_factory.mktemp("records") / "mitdb"
    folder.mkdir()
    for name in ("100", "201", "202"):
        record, annotation = ecg_lessons.make_record(name, minutes=0.5)
        wfdb.wrsamp(
            name, fs=record.fs, units=record.units, sig_name=record.sig_name, p_signal=record.p_signal,
            fmt=record.fmt, adc_gain=record.adc_gain, baseline=record.baseline, write_dir=str(folder),
        )  # fmt: skip
        wfdb.wrann(name, "atr", annotation.sample, annotation.symbol, write_dir=str(folder))
    files = sorted(folder.iterdir())
    rows = (f"{hashlib.sha256(f.read_bytes()).hexdigest()} {f.stat().st_size} {f.name}" for f in files)
    (folder.parent / "mitdb_sha256.txt").write_text("\n".join(rows))
    return folder


@pytest.fixture
def small_database(small_mitdb, monkeypatch):
    """The package, made to believe that MIT-BIH consists of these three records."""
    monkeypatch.setattr(records, "SUMS", small_mitdb.parent)
    monkeypatch.setattr(download, "RETRIES", 0)
    return small_mitdb


@pytest.fixture
def serve():
    """``serve(answer)`` starts a web server on loopback and gives its address.

    ``answer(handler)`` writes the response to one request.
    """
    servers = []

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            do_GET = do_POST = do_HEAD = lambda self: answer(self)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def some_beats():
    """A thousand simulated beats."""
    return ecg_lessons.make_beats(1000)
