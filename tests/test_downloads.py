"""Downloads from a server that misbehaves on purpose: right data or one clear error.

Nothing half-done is trusted. The server is on loopback; the database is three small simulated records, nine
files.
"""

import gzip
import http.server
import os
import random
import resource
import signal
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from helpers import assert_same, files_of, send

from ecg_lessons import DataError, fetch_mitbih, storage
from ecg_lessons.data import download, mitbih, records
from ecg_lessons.errors import NotWritten

# How often a process is killed: a few times at every push, fifty times a week.
KILLED = 50 if os.environ.get("ECG_LESSONS_WEEKLY") else 6
FILE = "201.dat"

# A process of its own that believes the same as `small_database` does.
PROGRAM = """
import hashlib, pathlib, sys
import pooch, requests, tqdm.auto, wfdb  # they take a second, in which there is nothing to interrupt
from ecg_lessons import DataError, fetch_mitbih
from ecg_lessons.data import records
records.SUMS = pathlib.Path(sys.argv[1]).parent
print("ready", flush=True)
try:
    beats = fetch_mitbih()
    print(len(beats), hashlib.sha256(beats.signals.tobytes()).hexdigest())
except DataError as error:
    sys.exit(f"DataError: {error}")
"""


def fetching(folder, address, **options):
    """A process that fetches; the options are those of `subprocess.Popen`."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], env=os.environ | {"ECG_LESSONS_PHYSIONET": address},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


@pytest.fixture
def right(small_database, tmp_path):
    """The beats as they should be."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mitdb").symlink_to(small_database)
    return fetch_mitbih(data_home=tmp_path / "home")


def known_sums():
    """{name: SHA-256} of the files that the package believes MIT-BIH to consist of."""
    return {name: digest for name, (digest, _) in records.load_sums("mitdb").items()}


@pytest.fixture
def patient(monkeypatch):
    """The package's waits, shortened."""
    monkeypatch.setattr(download, "RETRIES", 2)
    monkeypatch.setattr(download, "TIMEOUT", (1, 1))
    monkeypatch.setattr(download, "PATIENCE", 2)
    monkeypatch.setattr(download, "SLOWEST", 1_000_000)


@pytest.fixture
def troubled(small_database, serve, monkeypatch):
    """``troubled(trouble)``: for one file the server calls ``trouble(handler, body)``; else it is well."""

    def start(trouble):
        well = files_of(small_database)
        body = (small_database / FILE).read_bytes()
        address = serve(lambda h: trouble(h, body) if h.path.endswith(FILE) else well(h))
        monkeypatch.setenv("ECG_LESSONS_PHYSIONET", address)

    return start


def fetch_within(seconds):
    begun = time.monotonic()
    try:
        return fetch_mitbih()
    finally:
        assert time.monotonic() - begun < seconds, "it hangs"


def nothing_half_done():
    """No file of the database is there that is not whole, and no other one at all."""
    folder = download.find_cache_folder(records.MITDB)
    found = {path.name: storage.compute_sha256(path) for path in folder.iterdir()} if folder.exists() else {}
    return all(known_sums().get(name) == digest for name, digest in found.items())


@pytest.mark.parametrize("tenth", range(10))
def test_cut_at_every_tenth_of_a_file_twice_and_then_whole(troubled, right, patient, tenth):
    tries = []

    def cut(handler, body):
        tries.append(1)
        whole = len(tries) > 2
        send(handler, body if whole else body[: len(body) * tenth // 10], length=len(body))

    troubled(cut)
    assert_same(fetch_within(20), right)
    assert len(tries) == 3 and nothing_half_done()


def test_cut_at_every_try_is_one_clear_error(troubled, right, patient):
    troubled(lambda handler, body: send(handler, body[:1000], length=len(body)))
    with pytest.raises(DataError, match=f"{FILE} could not be downloaded"):
        fetch_within(20)
    assert nothing_half_done() and not list(storage.find_cache_dir().rglob("*-downloaded-*"))


def stall(handler, body):
    send(handler, body[:1000], length=len(body))
    time.sleep(3)


def trickle(handler, body):
    """A byte now and then, often enough that no time-out between two pieces is ever reached."""
    send(handler, b"", length=len(body))
    try:
        for k in range(200):
            handler.wfile.write(body[k : k + 1])
            handler.wfile.flush()
            time.sleep(0.3)
    except OSError:
        pass  # the other side has had enough


def in_circles(handler, body):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def sign_in(handler, body):
    """What the network of a hotel answers: for every address its own page, and all is well."""
    send(handler, b"<html><form>Room number</form></html>", kind="text/html")


HOPELESS = {
    "it stalls": (stall, "could not be downloaded"),
    "it trickles": (trickle, "could not be downloaded"),
    "redirected in circles": (in_circles, r"could not be downloaded \(TooManyRedirects\)"),
    "a proxy's sign-in page": (sign_in, "is not the file that PhysioNet published"),
    "wrong bytes": (lambda h, body: send(h, body[::-1]), "is not the file that PhysioNet published"),
    "one byte too many": (lambda h, body: send(h, body + b"\0"), "is not the file that PhysioNet published"),
    "nothing": (lambda h, body: send(h), "is not the file that PhysioNet published"),
    "500": (lambda h, body: send(h, status=500), "answered 500"),
    "403": (lambda h, body: send(h, status=403), "answered 403"),
    "hung up on": (lambda h, body: h.connection.close(), "could not be downloaded"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOPELESS)
def test_what_does_not_pass_is_one_clear_error_and_the_next_run_goes_on(
    troubled, right, patient, monkeypatch, small_database, serve, name
):
    trouble, message = HOPELESS[name]
    troubled(trouble)
    with pytest.raises(DataError, match=message) as error:
        fetch_within(25)
    assert FILE in str(error.value) and "Try again later" in str(error.value)
    assert nothing_half_done() and not list(storage.find_cache_dir().rglob("*-downloaded-*"))
    asked, well = [], files_of(small_database)
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(lambda h: (asked.append(h.path), well(h))))
    assert_same(fetch_mitbih(), right)
    assert asked == [f"/mitdb/1.0.0/{FILE}"]  # what was there was kept


def test_500_twice_and_then_fine(troubled, right, patient):
    tries = []
    troubled(lambda h, body: (tries.append(1), send(h, status=500) if len(tries) < 3 else send(h, body)))
    assert_same(fetch_within(20), right)


def test_429_is_waited_for_as_long_as_the_server_says(troubled, right, patient):
    times = []

    def busy(handler, body):
        times.append(time.monotonic())
        if len(times) > 1:
            return send(handler, body)
        handler.send_response(429)
        handler.send_header("Retry-After", "3")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    troubled(busy)
    assert_same(fetch_within(20), right)
    assert times[1] - times[0] >= 3


def test_a_server_that_asks_for_a_day_is_not_waited_for(troubled, right, patient, monkeypatch):
    def busy(handler, body):
        handler.send_response(503)
        handler.send_header("Retry-After", "86400")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    monkeypatch.setattr(download, "LONGEST_PAUSE", 1)
    troubled(busy)
    with pytest.raises(DataError, match="answered 503"):
        fetch_within(20)


def slowly(folder, seconds):
    """An answer for `serve` that takes its time over every file, in three pieces."""

    def answer(handler):
        body = (folder / handler.path.rpartition("/")[2]).read_bytes()
        send(handler, b"", length=len(body))
        third = len(body) // 3 + 1
        try:
            for start in range(0, len(body), third):
                time.sleep(seconds / 3 * random.random())
                handler.wfile.write(body[start : start + third])
        except OSError:
            pass  # the other side was killed

    return answer


def forget_beats():
    """So that the next run looks at the files again: the last one may have got as far as the beats."""
    for cut in storage.find_cache_dir().rglob("*-downloaded-*"):
        cut.unlink()


def test_killed_at_random_points_the_next_run_goes_on(small_database, serve, right):
    address = serve(slowly(small_database, 1))
    known, folder = known_sums(), download.find_cache_folder(records.MITDB)
    generator = random.Random(0)
    left = 0
    for _ in range(KILLED):
        for name in generator.sample(sorted(known), 5):  # so that there is always something to fetch
            (folder / name).unlink(missing_ok=True)
        forget_beats()
        run = fetching(small_database, address)
        assert run.stdout.readline() == "ready\n"
        time.sleep(generator.uniform(0, 0.9))
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=30)
        for path in folder.glob("*.*"):
            assert path.is_dir() or storage.compute_sha256(path) == known[path.name], "half a file"
        left = len(list(folder.rglob("tmp*")))
    print(f"killed {KILLED} times, {left} pieces left behind")
    assert left > 0, "it was never interrupted"
    day = time.time() - 2 * 86400
    for path in [*folder.rglob("tmp*"), *folder.glob(f"*{storage.UNFINISHED}")]:
        os.utime(path, (day, day))
    forget_beats()
    run = fetching(small_database, address)
    _, complaint = run.communicate(timeout=60)
    assert run.returncode == 0, complaint
    assert nothing_half_done()  # and what was left is gone, a day later
    assert_same(fetch_mitbih(), right)


@pytest.mark.parametrize("processes", [2, 10])
def test_many_processes_may_fetch_at_once(small_database, serve, right, processes):
    address = serve(slowly(small_database, 0.1))
    runs = [fetching(small_database, address) for _ in range(processes)]
    ended = [run.communicate(timeout=180) for run in runs]
    assert [run.returncode for run in runs] == [0] * processes, ended
    assert len({printed for printed, _ in ended}) == 1
    left = [
        path.name
        for path in storage.find_cache_dir().rglob("*")
        if path.is_file() and "home" not in path.name
    ]
    wanted = [*known_sums(), *(name for name in left if "-downloaded-" in name)]
    assert len(wanted) == 1 + len(known_sums()) and set(wanted) <= set(left)
    assert not [name for name in left if name.startswith(("tmp", "."))]
    assert_same(fetch_mitbih(), right)


def test_a_full_disk_is_one_clear_error_and_room_mends_it(small_database, serve, right):
    """Where a file may not grow beyond 10 kB; the disk of a machine cannot be filled for a test."""
    address = serve(files_of(small_database))
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # noqa: E731
    run = fetching(small_database, address, preexec_fn=limit)
    _, complaint = run.communicate(timeout=60)
    assert run.returncode == 1 and "could not be written (File too large)" in complaint
    assert "Make room" in complaint and "cut anew" not in complaint
    assert "Traceback" not in complaint and nothing_half_done()
    run = fetching(small_database, address)
    assert run.communicate(timeout=60)[0].startswith("ready\n") and run.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_small_disk_that_fills_up(small_database, serve, right, tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_size for path in small_database.iterdir()) // 2
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        monkeypatch.setenv("ECG_LESSONS_CACHE", str(disk))
        monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
        with pytest.raises(DataError, match="could not be written .*No space left on device.*Make room"):
            fetch_mitbih()
        assert nothing_half_done()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_cache_that_may_not_be_written_to_is_named(small_database, serve, right, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    with pytest.raises(DataError, match="(?s)file/cache.*ECG_LESSONS_CACHE"):
        fetch_mitbih()


@pytest.fixture
def serve_with_certificate(tmp_path):
    """As `serve`, by HTTPS with a certificate that nobody knows; gives its address and the certificate."""
    made = [tmp_path / "certificate.pem", tmp_path / "key.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=here"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", made[0], "-keyout", made[1]]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl that makes a certificate")
    servers = []

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            do_GET = lambda self: answer(self)  # noqa: E731

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):  # who does not trust it hangs up
                pass

        servers.append(Server(("127.0.0.1", 0), Handler))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*made)
        servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()
        return f"https://127.0.0.1:{servers[0].server_port}", made[0]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_certificate_that_is_not_trusted_names_the_setting_that_mends_it(
    small_database, serve_with_certificate, right, monkeypatch, tmp_path
):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    address, certificate = serve_with_certificate(files_of(small_database))
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", address)
    assert mitbih.data_available() is None
    told = r"does not trust the certificate.*\.pem file.*set REQUESTS_CA_BUNDLE to its path"
    with pytest.raises(DataError, match=told) as error:
        fetch_mitbih()
    assert not isinstance(error.value, NotWritten) and address in str(error.value)
    # what is put there wrongly is named, and is no fault of the cache
    (tmp_path / "damaged.pem").write_text("no certificate")
    for wrong, told in (("nowhere.pem", "nowhere.pem"), ("damaged.pem", "could not be downloaded")):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / wrong))
        assert mitbih.data_available() is None
        with pytest.raises(DataError, match=told) as error:
            fetch_mitbih()
        assert not isinstance(error.value, NotWritten)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert mitbih.data_available() == "download"
    assert_same(fetch_mitbih(), right)


def endless(handler, start="HTTP/1.1 200 OK\r\n\r\n", most=200_000_000):
    """An answer that goes on for 200 MB; how many bytes of it went out is noted in `SENT`."""
    piece = b"0" * 100_000
    SENT.append(0)
    handler.wfile.write(start.encode())
    try:
        for _ in range(most // len(piece)):
            handler.wfile.write(piece)
            SENT[-1] += len(piece)
    except OSError:
        pass  # the other side has had enough
    handler.close_connection = True


SENT = []  # of each answer; several megabytes go to the system's buffers alone


def packed(times):
    """An answer of 100 MB in 100 kB, or less."""

    def answer(handler, body):
        content = bytes(100_000_000)
        for _ in range(times):
            content = gzip.compress(content, 1)
        handler.send_response(200)
        handler.send_header("Content-Encoding", ", ".join(["gzip"] * times))
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


TOO_MUCH = {
    "without end": lambda h, body: endless(h),
    "announced": lambda h, body: endless(h, f"HTTP/1.1 200 OK\r\nContent-Length: {10**12}\r\n\r\n"),
    "redirected": lambda h, body: endless(h, f"HTTP/1.1 302 Found\r\nLocation: {h.path}\r\n\r\n"),
    "an error's": lambda h, body: endless(h, "HTTP/1.1 404 Not Found\r\n\r\n"),
    "packed": packed(1),
    "packed twice": packed(2),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_is_larger_than_the_file_is_not_taken(troubled, right, patient, monkeypatch, what):
    monkeypatch.setattr(download, "RETRIES", 0)
    SENT.clear()
    largest, unlink = [], os.unlink

    def weigh(path, *more, **options):
        with suppress(OSError):
            largest.append(os.stat(path).st_size)
        return unlink(path, *more, **options)

    monkeypatch.setattr(os, "unlink", weigh)  # as pooch deletes what it did not want
    monkeypatch.setattr(os, "remove", weigh)
    troubled(TOO_MUCH[what])
    with pytest.raises(DataError, match=FILE):
        fetch_within(25)
    assert (
        max(SENT, default=0) < 50_000_000 and max(largest, default=0) <= records.load_sums("mitdb")[FILE][1]
    )
    assert nothing_half_done()


def announce_and_trickle(handler, body):
    send(handler, b"", length=10**12)
    say_slowly(handler, "0")


def trickle_headers(handler, body):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    say_slowly(handler, "X-More: of it\r\n")


def say_slowly(handler, text):
    with suppress(OSError):
        for _ in range(30):
            handler.wfile.write(text.encode())
            handler.wfile.flush()
            time.sleep(0.3)


@pytest.mark.parametrize("trouble", [announce_and_trickle, trickle_headers])
def test_the_time_for_a_file_is_not_the_servers_to_say(troubled, right, patient, monkeypatch, trouble):
    monkeypatch.setattr(download, "RETRIES", 0)
    troubled(trouble)
    with pytest.raises(DataError, match=f"{FILE} could not be downloaded"):
        fetch_within(6)


def test_looking_for_data_reads_no_more_than_the_header(small_database, serve, monkeypatch):
    SENT.clear()
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(endless))
    assert mitbih.data_available() is None
    assert max(SENT) < 50_000_000


def test_the_sizes_of_all_known_files_are_known():
    sizes = {name: size for name, (_, size) in records.load_sums("mitdb").items()}
    assert len(sizes) == 144 and None not in sizes.values()
    assert {size for name, size in sizes.items() if name.endswith(".dat")} == {1_950_000}


def test_headers_reach_the_server_and_no_timer_is_left(serve, tmp_path):
    seen = []
    url = serve(lambda handler: (seen.append(handler.headers["Range"]), send(handler, b"content")))
    file = download.WantedFile(lambda path: None, headers={"Range": "bytes=0-6"})
    download.fetch_checked(file, url, str(tmp_path / "file"), None)
    assert seen == ["bytes=0-6"] and (tmp_path / "file").read_bytes() == b"content"
    assert all(t.finished.is_set() for t in threading.enumerate() if isinstance(t, threading.Timer))
