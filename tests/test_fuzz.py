"""Files that something happened to: each reader gives data or one of our errors, and nothing else.

Valid files are cut, repeated and overwritten at random. ``ECG_LESSONS_FUZZ=5000`` tries that many of each.
"""

import os
import re
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_ptb import NAMES, written  # noqa: F401 a fixture

from ecg_lessons import DataError, describe_ptbdb, describe_ptbxl, fetch_ptbdb, fetch_ptbxl, segment
from ecg_lessons.data import csv_files, ptbdb
from ecg_lessons.segment import find_r_peaks
from tools import fuzz

EXAMPLES = int(os.environ.get("ECG_LESSONS_FUZZ", 60))
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES < 1000
)
# What a file may meet on its way: nothing, noise, another encoding, numbers that are none or far too large.
PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([
        b"", b"\0", b"\n", b"\r", b",", b'"', b"'", b" ", b"\xff\xfe", "µV".encode(), b"nan", b"-inf", b"1e999",
        b"-1",        b"99999999999999999999", b"0x10", b"{", b"}", b"#", b"/", b"(", b"[" * 300, b"True", b"<html>",
    ]),
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=4)


def changed(content, changes):
    """The content with each (place, length, piece): so many bytes from there on give way to the piece."""
    for place, length, piece in changes:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@fuzzed
@given(changes=CHANGES)
def test_a_kaggle_file(changes):
    row = ",".join(f"{i / 200:.18e}" for i in range(187))
    fuzz.try_csv(changed("".join(f"{row},{label}\n" for label in (0, 2, 4)).encode(), changes))


def test_a_file_of_ten_gigabytes_is_refused_by_its_size(folder):
    path = folder / "huge.csv"
    with open(path, "wb") as file:
        file.truncate(10_000_000_000)  # sparse: it takes no room
    with pytest.raises(DataError, match="10.0 GB"):
        csv_files.read_csv(path)
    path.unlink()


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_what_make_fuzz_found_is_ready_for(name):
    """All that reached something new, and what once broke a reader."""
    inputs = [path.read_bytes() for path in (fuzz.CORPUS / name).iterdir()]
    assert len(inputs) >= 5
    for data in inputs:
        fuzz.TARGETS[name](data)


@pytest.mark.parametrize("fs", [0, -1, 5e-324, 1e-9, 1e9, float("inf"), float("nan")])
def test_a_frequency_that_no_ecg_has(fs):
    """Found so: a frequency near zero asked for a signal without end."""
    for read in (
        lambda: segment(np.zeros(99), [3, 50], fs, recipe="resampled"),
        lambda: find_r_peaks([0.0] * 99, fs),
    ):
        with pytest.raises(ValueError, match="fs must lie between 1 and 100000 Hz"):
            read()


@pytest.fixture(scope="module")
def home(written, folder):  # noqa: F811
    shutil.copytree(written, folder / "home")
    return folder / "home"


WAYS_OUT = r"Replace|Name others|has no|missing|None of the records|No beat was found|Ask for other"


def survives(path, changes, *reads):
    """Change a file, let each of `reads` see it, and put it back as it was."""
    content = path.read_bytes()
    path.write_bytes(changed(content, changes))
    try:
        for read in reads:
            try:
                read()
            except DataError as error:
                assert re.search(WAYS_OUT, str(error)), error
    finally:
        path.write_bytes(content)


@pytest.fixture
def four_records(monkeypatch, tmp_path):
    monkeypatch.setattr(ptbdb, "list_ptbdb_records", lambda: NAMES)


@pytest.mark.parametrize("name, end", [(NAMES[0], "hea"), (NAMES[1], "dat")])
@fuzzed
@given(changes=CHANGES)
def test_a_header_and_the_signals_of_a_record(home, four_records, name, end, changes):
    survives(
        home / "ptbdb" / f"{name}.{end}", changes,
        lambda: describe_ptbdb(data_home=home, records=[name]),
        lambda: fetch_ptbdb(data_home=home, records=[name], seconds=3),
    )  # fmt: skip


@fuzzed
@given(changes=CHANGES, table=st.sampled_from(["ptbxl_database.csv", "scp_statements.csv"]))
def test_the_tables_of_ptb_xl(home, changes, table):
    survives(
        home / "ptbxl" / table, changes,
        lambda: describe_ptbxl(data_home=home, records=range(1, 7)),
        lambda: fetch_ptbxl(data_home=home, records=range(1, 7)),
    )  # fmt: skip


NUMBERS = st.one_of(st.integers(-5, 60), st.integers(-(2**70), 2**70), st.floats())


@fuzzed
@given(
    signal=st.lists(st.one_of(st.floats(), st.floats(-2, 2)), max_size=60),
    peaks=st.lists(NUMBERS, max_size=6),
    fs=st.one_of(st.floats(), st.sampled_from([0, -1, 125, 360])),
    recipe=st.sampled_from(["published", "resampled", "context"]),
)
def test_segment(signal, peaks, fs, recipe):
    try:
        beats = segment(signal, peaks, fs, recipe=recipe)
    except ValueError:
        return
    assert beats.shape == (max(len(peaks) - 1, 0), 187) and beats.dtype == np.float32
    assert np.isfinite(beats).all()
