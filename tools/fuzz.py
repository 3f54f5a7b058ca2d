"""Look for input that no reader is ready for, led by what code it reaches: what ``make fuzz`` calls.

Each of the `TARGETS` gets its share of the minutes. What reached something new is kept in ``tests/corpus``
and tried again at every push, by ``test_fuzz.py``; what broke a reader is left in ``_build/fuzz``.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
CORPUS, FOUND = ROOT / "tests" / "corpus", ROOT / "_build" / "fuzz"
LONGEST = 2048  # bytes of an input
MEMORY = 1500  # MB that a reader may need, TensorFlow not loaded
ROUND = 300  # seconds, after which a new process takes over: atheris itself keeps some bytes of every try


def _imported(names=()):
    """What is tried. The bytecode of the packages named reports to atheris where it goes."""
    if names:
        import atheris

        with atheris.instrument_imports(include=list(names)):
            for name in names:
                import_module(name)
            return _imported()
    from ecg_lessons import DataError, segment
    from ecg_lessons.data import csv_files, ptbdb, recording

    return DataError, csv_files, ptbdb, recording, segment


readers = cache(_imported)


@cache
def folder():
    made = tempfile.TemporaryDirectory()
    return made, Path(made.name)


def a_file(name, data):
    path = folder()[1] / name
    path.write_bytes(data)
    return path


def try_csv(data):
    DataError, csv_files, *_ = readers()
    path = a_file("mitbih_train.csv", data)
    try:
        signals, labels = csv_files.read_csv(path)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert signals.shape == (len(labels), 187) and np.isfinite(signals).all()
        assert set(labels.tolist()) <= set(range(5))


def try_header(data):
    DataError, _, ptbdb, recording, _ = readers()
    path = a_file("s0010_re.hea", data)
    try:
        header = recording.read_header(path.with_suffix(""))
        recording.find_channels(path.with_suffix(""), header, ("ii",))
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert recording.LOWEST <= header.fs <= recording.HIGHEST
        assert header.sig_len > 0 and len(header.sig_name) == header.n_sig
        assert recording.count_samples(header, 3) <= header.sig_len
        assert all(re.fullmatch(r"[\w-]+\.(dat|xyz)", name) for name in header.file_name)
        ptbdb._read_reason(header), ptbdb._read_comment(header, "age")


def try_segment(data):
    """Of the bytes: recipe, number of peaks, frequency, peaks, and the rest is the signal."""
    *_, segment = readers()
    data = data.ljust(10, b"\0")
    recipe = ("published", "resampled", "context")[data[0] % 3]
    n_peaks, fs = data[1] % 16, np.frombuffer(data[2:10], "<f8")[0]
    if data[1] >= 64:  # mostly one that is possible
        fs = (360.0, 125.0, 1000.0, 99.7)[data[2] % 4]
    rest = data[10:]
    peaks = np.frombuffer(rest[: 2 * n_peaks].ljust(2 * n_peaks, b"\0"), "<i2")
    signal = rest[2 * n_peaks :]
    signal = np.frombuffer(signal[: len(signal) // 2 * 2], "<f2")
    try:
        beats = segment(signal, peaks, fs, recipe=recipe)
    except ValueError as error:
        assert re.search("peak|fs|signal", str(error)), error
    else:
        assert beats.shape == (max(len(peaks) - 1, 0), 187) and np.isfinite(beats).all()


TARGETS = {"csv": try_csv, "header": try_header, "segment": try_segment}


def seeds(name):
    """Valid input to begin with, where the corpus has none."""
    if name == "csv":
        row = ",".join((["0", "1", "0.5", "1e-3"] * 47)[:187])
        yield f"{row},0\n{row},4\n".encode()
        yield f"{','.join(['0'] * 187)},2.0\r\n".encode()
    elif name == "header":
        yield (
            b"s0010_re 3 1000 12000\ns0010_re.dat 16 2000(0)/mV 16 0 -40 -8000 0 i\n"
            b"s0010_re.dat 16 2000 16 0 -45 -22000 0 ii\ns0010_re.xyz 16 2000/mV 16 0 7 123 0 vx\n"
            b"# age: 50\n# sex: female\n# Reason for admission: Myocardial infarction\n"
        )
        yield b"s0010_re 1 100 1000\ns0010_re.dat 16 1000.0(0)/mV 16 0 -12 1500 0 II\n"
    else:
        rng = np.random.default_rng(0)
        for recipe in range(3):
            peaks = np.arange(10, 340, 80, dtype="<i2")
            signal = rng.normal(size=360).astype("<f2")
            yield bytes([recipe, 64 + len(peaks)]) + bytes(8) + peaks.tobytes() + signal.tobytes()


def lead(name, options):
    """Try one target, in this process, until libFuzzer ends it."""
    import atheris

    global readers
    found = _imported(("ecg_lessons", "wfdb"))
    readers = lambda: found  # noqa: E731 what was imported with coverage
    # libFuzzer calls itself for a merge, through a shell: the name it knows itself by is the whole command
    atheris.Setup(
        [f"'{sys.executable}' '{__file__}' {name}", *options], atheris.instrument_func(TARGETS[name])
    )
    atheris.Fuzz()


def call(name, *options):
    """One process; its files, one written at every try, lie in memory where that can be."""
    command = [sys.executable, __file__, name, *map(str, options)]
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=shared) as own:  # libFuzzer ends without clearing up
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "TMPDIR": own}
        return subprocess.run(command, cwd=FOUND, env=environment).returncode


def main(arguments):
    if arguments and arguments[0] in TARGETS:
        return lead(arguments[0], arguments[1:])
    minutes = arguments[0] if arguments else os.environ.get("MINUTES", "60")
    if not re.fullmatch(r"\d+(\.\d+)?", minutes):
        return f"MINUTES must be a number, not {minutes!r}."
    seconds = round(60 * float(minutes) / len(TARGETS))
    broken = []
    for name in TARGETS:
        kept, new, small = CORPUS / name, FOUND / name, FOUND / f"{name}-small"
        for path in (kept, new):
            path.mkdir(parents=True, exist_ok=True)
        if not any(kept.iterdir()):
            for i, seed in enumerate(seeds(name)):
                (kept / f"seed-{i}").write_bytes(seed)
        limits = [f"-max_len={LONGEST}", f"-rss_limit_mb={MEMORY}", "-timeout=10"]
        for start in range(0, seconds, ROUND):
            limit = f"-max_total_time={min(ROUND, seconds - start)}"
            if call(name, *limits, limit, f"-artifact_prefix={name}-", new, kept):
                broken.append(name)
                break
        # of all inputs, as few as reach the same; what a person put there under a name of its own stays
        shutil.rmtree(small, ignore_errors=True)
        small.mkdir()
        if call(name, "-merge=1", small, kept, new) == 0:
            for path in kept.iterdir():
                if re.fullmatch(r"[0-9a-f]{40}|seed-\d+", path.name):
                    path.unlink()
            shutil.copytree(small, kept, dirs_exist_ok=True)
    return f"Broken: {', '.join(broken)}. The input lies in {FOUND}." if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
