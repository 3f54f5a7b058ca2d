import dataclasses
import gzip
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests
from helpers import send
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecg_lessons import (
    Beats,
    DataError,
    fetch_mitbih,
    fetch_ptbdb,
    make_beats,
    storage,
    write_published_csv,
)
from ecg_lessons.data import credentials, csv_files, kaggle, mitbih, published, tracing

ROW = ",".join(["%.18e" % (i / 200) for i in range(187)])


@pytest.fixture
def home(tmp_path, some_beats):
    """A data directory with both CSVs in it, and the beats they hold, as they stand there."""
    home = tmp_path / "home"
    (home / "kaggle").mkdir(parents=True)
    write_published_csv(some_beats, home / "kaggle")
    return home, [part[np.argsort(part.labels, kind="stable")] for part in some_beats.published_folds()]


def csv(tmp_path, text):
    path = tmp_path / "mitbih_train.csv"
    path.write_bytes(text.encode())
    return path


@settings(max_examples=20, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 6), st.just(187)), elements=st.floats(0, 1, width=32)),
    st.randoms(),
)
def test_what_is_written_is_read_back_to_the_last_bit(tmp_path_factory, signals, random):
    labels = np.array([random.choice(range(5)) for _ in signals])
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    csv_files.write_csv(path, signals, labels)
    read, read_labels = csv_files.read_csv(path)
    np.testing.assert_array_equal(read, signals)
    np.testing.assert_array_equal(read_labels, labels)


def test_the_written_form_is_the_published_one(home):
    lines = (home[0] / "kaggle" / "mitbih_train.csv").read_text().splitlines()
    assert len(lines) == 800 and all(line.count(",") == 187 for line in lines)
    value = lines[0].split(",")[0]
    assert len(value) == 24 and value[-4:-2] == "e+" or value[-4:-2] == "e-"
    labels = [float(line.rsplit(",", 1)[1]) for line in lines]
    assert labels == sorted(labels)


@pytest.mark.parametrize("where", ["kaggle", "."])
def test_the_csvs_are_found_and_keep_their_folds(home, where):
    home, (train, test) = home
    if where == ".":
        for path in (home / "kaggle").iterdir():
            path.rename(home / path.name)
    beats = fetch_mitbih(source="kaggle", data_home=home)
    assert (beats.source, beats.fs, beats.patients) == ("kaggle", 120, None)
    assert list(beats.folds) == ["train"] * 800 + ["test"] * 200
    np.testing.assert_array_equal(beats.signals, np.concatenate([train.signals, test.signals]))
    assert (beats[beats.folds == "test"].labels == test.labels).all()


def test_they_are_parsed_once(home, monkeypatch):
    fetch_mitbih(source="kaggle", data_home=home[0])
    monkeypatch.setattr(published, "read_csv", None)
    assert len(fetch_mitbih(source="kaggle", data_home=home[0])) == 1000


def test_windows_line_ends_are_read(home):
    path = home[0] / "kaggle" / "mitbih_test.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(fetch_mitbih(source="kaggle", data_home=home[0])) == 1000


BAD = {
    "a header row": (",".join(map(str, ["a"] * 188)) + f"\n{ROW},0.0\n", "not a number"),
    "187 columns": (f"{ROW}\n" * 3, "188 columns"),
    "189 columns": (f"{ROW},0.0,1.0\n", "188 columns"),
    "a short row": (f"{ROW},0.0\n0.1,0.2\n", "188 columns"),
    "a NaN": (f"{ROW},0.0\nnan{ROW[24:]},0.0\n", "row 2: a sample"),
    "an empty cell": (f"{ROW},0.0\n{ROW[24:]},0.0\n", "row 2: a sample"),
    "a text cell": (f"{ROW},0.0\nhello{ROW[24:]},0.0\n", "not a number"),
    "a sample of 3": (f"{ROW},0.0\n3.0{ROW[24:]},0.0\n", "row 2: a sample"),
    "label 7": (f"{ROW},0.0\n{ROW},7.0\n", "row 2: the label is 7"),
    "label 0.5": (f"{ROW},0.5\n", "row 1: the label is 0.5"),
    "no rows": ("", "no rows"),
    "an HTML page": ("<html>\n<body>Sign in</body></html>\n", "web page"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_csv_gives_one_clear_error(home, what):
    text, message = BAD[what]
    path = csv(home[0] / "kaggle", text)
    for _ in range(2):  # the second time nothing half-read is trusted
        with pytest.raises(DataError, match=message) as error:
            fetch_mitbih(source="kaggle", data_home=home[0])
        assert str(path) in str(error.value) and "download it again" in str(error.value)
    assert not list(storage.find_cache_dir().glob("*")) if storage.find_cache_dir().exists() else True


def test_a_csv_that_is_missing_is_named(home):
    (home[0] / "kaggle" / "mitbih_test.csv").unlink()
    with pytest.raises(DataError, match=r"mitbih_test\.csv is missing"):
        fetch_mitbih(source="kaggle", data_home=home[0])
    with pytest.raises(DataError, match="does not exist"):
        csv_files.read_csv(home[0] / "kaggle" / "mitbih_test.csv")


# --- the files as people have them ---------------------------------------------------------------


def pack(folder, how, where="."):
    """Put the two CSVs of `folder` / kaggle elsewhere in `folder`, in another form."""
    target = folder / where
    target.mkdir(exist_ok=True)
    csvs = sorted((folder / "kaggle").iterdir())
    if how.endswith(".zip"):
        with zipfile.ZipFile(target / how, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in csvs:
                archive.write(path, f"some folder/{path.name}")
                archive.writestr(f"__MACOSX/some folder/{path.name}", "nothing")
            archive.writestr("ptbdb_normal.csv", "")
    for path in csvs:
        if how == "each zipped":
            with zipfile.ZipFile(target / f"{path.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(path, path.name)
        elif how == "each gzipped":
            (target / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        elif how == "upper case":
            (target / path.name.upper()).write_bytes(path.read_bytes())
        elif how == "as they are":
            (target / path.name).write_bytes(path.read_bytes())
        elif how == "one zipped, one not":
            named = target / (f"{path.name}.zip" if "test" in path.name else path.name)
            shutil.copy(path, named)
            if named.suffix == ".zip":
                with zipfile.ZipFile(named, "w") as archive:
                    archive.write(path, path.name)
    shutil.rmtree(folder / "kaggle")


@pytest.mark.parametrize("where", [".", "archive", "heartbeat", "kaggle2"])
@pytest.mark.parametrize(
    "how",
    [
        "archive.zip",
        "heartbeat.zip",
        "each zipped",
        "each gzipped",
        "upper case",
        "as they are",
        "one zipped, one not",
    ],
)
def test_the_files_are_found_as_people_have_them(home, how, where):
    home, (train, test) = home
    pack(home, how, where)
    if where == "kaggle2":
        (home / where).rename(home / "kaggle")
    before = sorted(home.rglob("*"))
    beats = fetch_mitbih(source="kaggle", data_home=home)
    np.testing.assert_array_equal(beats.signals, np.concatenate([train.signals, test.signals]))
    assert sorted(home.rglob("*")) == before  # nothing is unpacked


def test_one_archive_holds_the_files_of_both_databases(home):
    with zipfile.ZipFile(home[0] / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (home[0] / "kaggle").iterdir():
            archive.write(path, path.name)
        for label, name in enumerate(published.PTB_FILES.values()):
            archive.writestr(name, f"{ROW},{label}\n" * 3)
    shutil.rmtree(home[0] / "kaggle")
    assert len(fetch_mitbih(source="kaggle", data_home=home[0])) == 1000
    assert list(fetch_ptbdb(source="kaggle", data_home=home[0]).labels) == [0, 0, 0, 1, 1, 1]


def test_a_zip_without_the_files_is_none_of_ours(home):
    with zipfile.ZipFile(home[0] / "archive.zip", "w") as archive:
        archive.writestr("holiday.jpg", "")
    shutil.rmtree(home[0] / "kaggle")
    assert kaggle.find_csv_files(home[0], published.FILES) is None
    assert csv_files.list_zip(home[0] / "archive.zip") == {"holiday.jpg"}


def damage(path, how):
    content = path.read_bytes()
    if how == "cut short":
        path.write_bytes(content[: len(content) // 2])
    elif how == "changed inside":
        middle = len(content) // 10
        path.write_bytes(content[:middle] + b"\x55" * 999 + content[middle + 999 :])
    elif how == "empty":
        path.write_bytes(b"PK\x05\x06" + bytes(18))
    elif how == "encrypted":
        changed = bytearray(content)
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            start = content.find(mark)
            while start >= 0:
                changed[start + at] |= 1
                start = content.find(mark, start + 1)
        path.write_bytes(changed)
    elif how == "not a zip":
        path.write_bytes(b"PK and nothing more" * 99)
    elif how == "rare packing":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("mitbih_test.csv", f"{ROW},0\n")


@pytest.mark.parametrize(
    "how", ["cut short", "changed inside", "empty", "encrypted", "not a zip", "rare packing"]
)
@pytest.mark.parametrize("packed", ["each zipped", "archive.zip"])
def test_a_zip_that_cannot_be_read_is_named(home, how, packed):
    pack(home[0], packed)
    path = home[0] / ("archive.zip" if packed == "archive.zip" else "mitbih_test.csv.zip")
    damage(path, how)
    name = "mitbih_test.csv"
    with pytest.raises(DataError, match="damaged|holds no|encrypted|rare way|columns|not a number") as error:
        csv_files.read_csv(path, name=name)
    assert str(path) in str(error.value)
    if how in ("encrypted", "rare packing"):
        assert "Unpack it" in str(error.value)
    if not (packed == "archive.zip" and how in ("empty", "rare packing")):  # those hold none of our files
        with pytest.raises(DataError, match=path.name):
            fetch_mitbih(source="kaggle", data_home=home[0])


@pytest.mark.parametrize("packed", ["zip", "stored", "gzip"])
def test_whatever_changes_in_a_packed_file_gives_rows_or_one_clear_error(tmp_path, packed):
    path, random = tmp_path / "mitbih_train.csv.zip", np.random.default_rng(1)
    if packed == "gzip":
        path.write_bytes(gzip.compress(f"{ROW},0\n".encode()))
    else:
        how = zipfile.ZIP_DEFLATED if packed == "zip" else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", how) as archive:
            archive.writestr("mitbih_train.csv", f"{ROW},0\n")
    content = path.read_bytes()
    for _ in range(1500):
        changed = bytearray(content)
        for place in random.choice([60, -120, len(content)], 3):
            at = random.integers(min(place, 0), max(place, 0))
            changed[at] = random.choice([0, 1, 255, random.integers(256)])
        path.write_bytes(changed)
        for read in (csv_files.read_csv, csv_files.list_zip):
            try:
                read(path)
            except DataError as error:
                assert str(path) in str(error)


@pytest.mark.parametrize("how", ["cut short", "changed inside"])
def test_a_gzip_that_cannot_be_read_is_named(home, how):
    pack(home[0], "each gzipped")
    path = home[0] / "mitbih_test.csv.gz"
    damage(path, how)
    with pytest.raises(DataError, match="mitbih_test.csv.gz (is damaged|holds something|does not have)"):
        fetch_mitbih(source="kaggle", data_home=home[0])


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_a_bomb_is_refused_while_it_is_read(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(csv_files, "MOST_BYTES", 20_000_000)
    path = tmp_path / f"mitbih_train.csv.{kind}"
    rows = f"{ROW},0\n".encode() * 1000
    given = []
    bomb = gzip.open(path, "wb", 1) if kind == "gz" else zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    with bomb, bomb if kind == "gz" else bomb.open("mitbih_train.csv", "w") as inside:
        for _ in range(40):  # 180 MB
            inside.write(rows)
    assert path.stat().st_size < 20_000_000
    read = csv_files._Limited.read
    monkeypatch.setattr(
        csv_files._Limited, "read", lambda self, size: given.append(len(d := read(self, size))) or d
    )
    with pytest.raises(DataError, match="unpacks to more than 0.02 GB"):
        csv_files.read_csv(path)
    assert sum(given) <= 20_000_000


@pytest.mark.parametrize(
    "row", ["," * 187, ",".join(["0"] * 188), "," * 20_000_000], ids=["empty", "zeros", "one row"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_many_short_rows_are_refused_before_they_fill_the_memory(tmp_path, row, packed):
    path = tmp_path / "mitbih_train.csv"
    with (gzip.open if packed else open)(path, "wb") as file:
        for _ in range(40 if len(row) < 1000 else 1):
            file.write(f"{row}\n".encode() * (20_000 if len(row) < 1000 else 1))
    program = (
        "import resource, sys; from ecg_lessons import DataError; from ecg_lessons.data import csv_files; import pyarrow.csv\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\n"
        "try: csv_files.read_csv(sys.argv[1])\n"
        "except DataError as error: print(peak() - before, error)"
    )
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)  # and the process ends
    megabytes, _, told = done.stdout.partition(" ")
    print(f"{megabytes} MB", told, done.stderr)
    assert int(megabytes) < 400 and str(path) in told and "download it again" in told


def test_a_web_page_is_seen_inside_a_zip_and_a_byte_order_mark_is_no_harm(tmp_path):
    path = tmp_path / "mitbih_train.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{ROW},0\n".encode())
    assert csv_files.read_csv(path)[0].shape == (1, 187)
    packed = tmp_path / "mitbih_train.csv.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf \n<!doctype html><p>Sign in"))
    with pytest.raises(DataError, match="web page"):
        csv_files.read_csv(packed)


@pytest.mark.parametrize("layout", ["heartbeat", "datasets/shayanfazeli/heartbeat", "my-copy-of-it"])
def test_what_is_attached_to_a_kaggle_notebook_is_used(home, tmp_path, monkeypatch, layout):
    monkeypatch.setattr(kaggle, "INPUT", tmp_path / "input")
    (tmp_path / "input" / "another").mkdir(parents=True)
    shutil.copy(home[0] / "kaggle" / "mitbih_test.csv", tmp_path / "input" / "another")  # half of them
    shutil.copytree(home[0] / "kaggle", tmp_path / "input" / layout)
    monkeypatch.setattr(kaggle, "_download_csv_files", None)
    assert len(fetch_mitbih(source="kaggle")) == 1000
    mine = kaggle.find_csv_files(home[0], published.FILES)
    assert mine["train"] == home[0] / "kaggle" / "mitbih_train.csv"  # the data directory comes first


@pytest.mark.parametrize("errno, message", [(13, "may not be read"), (5, "could not be read")])
def test_what_the_system_refuses_is_named_for_what_it_is(home, monkeypatch, errno, message):
    def refuse(path, *_, **__):
        raise OSError(errno, os.strerror(errno), str(path))

    monkeypatch.setattr(csv_files, "open", refuse, raising=False)
    with pytest.raises(DataError, match=f"mitbih_train.csv {message}"):
        fetch_mitbih(source="kaggle", data_home=home[0])
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match=f"kaggle {message}"):
        fetch_mitbih(source="kaggle", data_home=home[0])


# --- patients restored ------------------------------------------------------------------------


def test_every_row_is_traced_to_its_record_and_annotation(real_beats, tmp_path):
    few = real_beats[::10]
    write_published_csv(few, tmp_path)
    found = fetch_mitbih(source="kaggle", data_home=tmp_path)
    origins = {few.signals[i].tobytes(): i for i in range(len(few))}
    origin = [origins[row.tobytes()] for row in found.signals]
    for name in ("records", "patients", "samples", "folds"):
        np.testing.assert_array_equal(getattr(found, name), getattr(few, name)[origin])
    found.split(by="patient")


def test_all_rows_are_traced_in_a_minute(real_beats):
    start = time.perf_counter()
    origin = tracing.trace_rows(np.asarray(real_beats.signals), real_beats.labels, real_beats)
    seconds = time.perf_counter() - start
    print(f"{len(origin)} rows traced in {seconds:.1f} s")
    np.testing.assert_array_equal(origin, np.arange(len(real_beats)))
    assert seconds < 60


def test_a_row_of_another_class_and_a_made_up_one_are_not_traced(real_beats):
    few = real_beats[(real_beats.records == "100") & (real_beats.labels == 0)][:50]
    signals, labels = np.array(few.signals), few.labels.copy()
    labels[6] = 1
    signals[7] = make_beats(10).signals[0]
    signals[8] = 0
    expected = np.arange(50)
    expected[6:9] = -1
    np.testing.assert_array_equal(tracing.trace_rows(signals, labels, few), expected)


def test_rows_without_a_match_are_counted_and_stay_without_patient(home, real_folder, capsys):
    beats = fetch_mitbih(source="kaggle", data_home=home[0])  # simulated rows beside real records
    assert "1000 of 1000 Kaggle rows match no MIT-BIH annotation" in capsys.readouterr().out
    assert beats.patients is None


@pytest.mark.parametrize("trouble", ["no such directory", "one record alone"])
def test_records_that_cannot_be_read_cost_the_patients_and_not_the_beats(
    home, small_database, tmp_path, monkeypatch, capsys, trouble
):
    monkeypatch.setenv("ECG_LESSONS_DATA", str(tmp_path / "mine"))
    if trouble == "one record alone":
        (tmp_path / "mine" / "mitdb").mkdir(parents=True)
        shutil.copy(small_database / "100.dat", tmp_path / "mine" / "mitdb")
    beats = fetch_mitbih(source="kaggle", data_home=home[0])
    assert len(beats) == 1000 and beats.patients is None
    assert "The patients are not restored" in capsys.readouterr().out


def write_rounded(parts, folder, form):
    """The published form after a spreadsheet: fewer digits, the labels whole numbers."""
    for name, part in zip(published.FILES.values(), parts):
        rows = np.column_stack([part.signals, part.labels])[np.argsort(part.labels, kind="stable")]
        np.savetxt(folder / name, rows, delimiter=",", fmt=[form] * 187 + ["%d"])


@pytest.mark.parametrize("form", ["%.2f", "%.3f", "%.4f", "%.6f", "%.2E", "%.9g"])
def test_rounded_rows_are_traced_and_none_wrongly(real_beats, tmp_path, form, capsys):
    """%.2E is what Excel makes of the published numbers."""
    few = real_beats[::10]
    parts = few.published_folds()
    write_rounded(parts, tmp_path, form)
    found = fetch_mitbih(source="kaggle", data_home=tmp_path)
    origin = [part[np.argsort(part.labels, kind="stable")] for part in parts]
    samples, records = (np.concatenate([getattr(p, name) for p in origin]) for name in ("samples", "records"))
    traced = found.samples >= 0
    wrong = traced & ((found.samples != samples) | (found.records != records))
    with capsys.disabled():
        print(f"{form}: {traced.mean():.2%} of {len(found)} rows traced, {wrong.sum()} wrongly")
    assert not wrong.any() and traced.mean() > 0.999


def test_all_rounded_rows_are_traced_in_a_minute(real_beats):
    start = time.perf_counter()
    signals = np.round(np.asarray(real_beats.signals, dtype=np.float64), 2).astype(np.float32)
    origin = tracing.trace_rows(signals, real_beats.labels, real_beats)
    seconds, traced = time.perf_counter() - start, origin >= 0
    print(f"{traced.mean():.2%} of {len(origin)} rounded rows traced in {seconds:.1f} s")
    assert (origin[traced] == np.flatnonzero(traced)).all() and traced.mean() > 0.999 and seconds < 60


def test_a_rounded_row_that_fits_two_beats_or_none_stays_unknown():
    published = np.zeros((4, 187), dtype=np.float32)
    published[:, :40] = np.linspace(0, 1, 40)
    published[1, 5] += 0.004  # within the rounding of beat 0
    published[2, 5] += 0.3
    published[3, 150] = 0.5
    beats = Beats(published, np.array([0, 0, 0, 1]))
    backwards = dataclasses.replace(beats, signals=published[:, ::-1].copy())
    rows = np.round(published, 2)
    two = np.full(4, 2)
    assert list(tracing.trace_rows(rows, beats.labels, beats, two)) == [-1, -1, 2, 3]
    assert list(tracing.trace_rows(rows, beats.labels, backwards, two)) == [-1] * 4
    twice = np.stack([rows[2], rows[2]])  # no beat is in the files twice
    assert list(tracing.trace_rows(twice, beats.labels[:2], beats, two[:2])) == [-1, -1]


@pytest.mark.parametrize("digits", [2, 3, 4, 5, 6])
def test_the_digits_of_a_file_are_counted(some_beats, digits):
    assert tracing.count_digits(some_beats.signals) == 0
    rounded = np.round(some_beats.signals.astype(np.float64), digits)
    assert tracing.count_digits(rounded.astype(np.float32)) == digits
    by_digits = np.array([[float(f"{x:.{digits - 1}E}") for x in row] for row in some_beats.signals[:50]])
    assert tracing.count_digits(by_digits.astype(np.float32)) == digits
    assert tracing.count_digits(some_beats.signals[:0]) == 0


def test_one_rounded_file_beside_an_exact_one(real_beats, tmp_path):
    parts = [part[np.argsort(part.labels, kind="stable")] for part in real_beats[::40].published_folds()]
    write_rounded(parts, tmp_path, "%.3f")
    csv_files.write_csv(tmp_path / "mitbih_test.csv", parts[1].signals, parts[1].labels)
    found = fetch_mitbih(source="kaggle", data_home=tmp_path)
    np.testing.assert_array_equal(found.samples, np.concatenate([part.samples for part in parts]))


def trace_half(monkeypatch):
    """Every second row is found to be a beat of record 202."""
    ours = dataclasses.replace(make_beats(20), records=np.full(20, "202"))
    monkeypatch.setattr(mitbih, "_cut_records_at_hand", lambda _: ours)
    monkeypatch.setattr(
        published, "trace_rows", lambda signals, *_: np.where(np.arange(len(signals)) % 2, -1, 5)
    )


def test_untraced_rows_are_counted_at_every_load(home, monkeypatch, capsys):
    trace_half(monkeypatch)
    for _ in range(3):  # the second and third time from the cache
        fetch_mitbih(source="kaggle", data_home=home[0])
        assert "500 of 1000 Kaggle rows match no MIT-BIH annotation" in capsys.readouterr().out


def test_half_known_patients_survive_the_cache(home, monkeypatch):
    trace_half(monkeypatch)
    beats = fetch_mitbih(source="kaggle", data_home=home[0])
    assert beats.patients[0] == "201" and beats.records[0] == "202" and beats.patients[1] is None
    with pytest.raises(ValueError, match="500 beats have no patient"):
        beats.split(by="patient")
    known = beats[beats.patients != None]  # noqa: E711
    assert len(known) == 500


# --- the download ------------------------------------------------------------------------------


@pytest.fixture
def user(monkeypatch, tmp_path):
    """The home folder of a user who has no account yet, and whom no Kaggle answers."""
    import kagglesdk.kaggle_env as env

    monkeypatch.setitem(env._env_to_endpoint, env.KaggleEnv.TEST, "http://127.0.0.1:9")
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "dotkaggle"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "user" / ".kaggle").mkdir(parents=True)
    return tmp_path / "user"


@pytest.fixture
def hub(serve, home, user, monkeypatch, tmp_path):
    """A server that speaks Kaggle's API as kagglehub uses it; ``hub.locked`` asks for an account."""
    import kagglesdk.kaggle_env as env

    state = types.SimpleNamespace(
        locked=False, asked=[], status=None, truncate=False, content=None, refuses=None,
        cache=tmp_path / "kagglehub",
    )  # fmt: skip

    def answer(handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        request = json.loads(body or b"{}")
        state.asked.append((handler.path.rpartition("/")[2], handler.headers.get("Authorization")))
        if state.status:
            return send(handler, b"{}", state.status, kind="application/json")
        if state.locked and not handler.headers.get("Authorization"):
            return send(
                handler, b'{"code": 403, "message": "Permission denied"}', 403, kind="application/json"
            )
        if state.refuses and state.refuses in (handler.headers.get("Authorization") or ""):
            return send(handler, b"{}", 401, kind="application/json")
        if handler.path.endswith("GetDataset"):
            return send(handler, b'{"currentVersionNumber": 1}', kind="application/json")
        content = state.content or (home[0] / "kaggle" / request["fileName"]).read_bytes()
        send(handler, content[: len(content) // 2] if state.truncate else content, length=len(content))

    monkeypatch.setitem(env._env_to_endpoint, env.KaggleEnv.TEST, serve(answer))
    return state


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """A stand-in for Colab whose user uploads ``colab.content``."""
    state = types.SimpleNamespace(content=b'{"username": "reader", "key": "secret"}', prompts=0)

    def upload():
        state.prompts += 1
        if state.content is None:
            return {}
        Path("kaggle.json").write_bytes(state.content)  # as the real one does
        return {"kaggle.json": state.content}

    module = types.ModuleType("google.colab")
    module.files = types.SimpleNamespace(upload=upload)
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    monkeypatch.setitem(sys.modules, "google.colab", module)
    return state


def test_public_files_need_no_account(hub, colab):
    beats = fetch_mitbih(source="kaggle")
    assert len(beats) == 1000 and list(np.unique(beats.folds)) == ["test", "train"]
    assert colab.prompts == 0 and all(authorization is None for _, authorization in hub.asked)
    assert [call for call, _ in hub.asked] == ["DownloadDataset"] * 2
    hub.status = 500
    assert len(fetch_mitbih(source="kaggle")) == 1000  # from the cache, without asking anybody


def test_colab_prompts_for_kaggle_json_when_an_account_is_asked_for(hub, colab, tmp_path):
    hub.locked = True
    assert len(fetch_mitbih(source="kaggle")) == 1000
    assert colab.prompts == 1
    installed = tmp_path / "dotkaggle" / "kaggle.json"
    assert json.loads(installed.read_bytes()) == json.loads(colab.content)
    assert stat.S_IMODE(os.stat(installed).st_mode) == 0o600
    assert any(authorization for _, authorization in hub.asked)
    assert os.listdir() == []  # no copy of the key is left in the open


def test_a_key_that_kaggle_refuses_is_not_kept_and_asked_for_again(hub, colab, tmp_path):
    hub.status = 401
    with pytest.raises(DataError, match="account"):
        fetch_mitbih(source="kaggle")
    assert colab.prompts == 1 and not (tmp_path / "dotkaggle" / "kaggle.json").exists()
    hub.status, hub.locked = None, True
    assert len(fetch_mitbih(source="kaggle")) == 1000
    assert colab.prompts == 2


@pytest.mark.parametrize(
    "content", [b"not json", b'{"username": "reader"}', b'{"username": "", "key": ""}', b"[]", None]
)
def test_an_upload_that_is_no_kaggle_json_is_refused(hub, colab, tmp_path, content):
    hub.locked, colab.content = True, content
    with pytest.raises(DataError, match="not a kaggle.json"):
        fetch_mitbih(source="kaggle")
    assert not (tmp_path / "dotkaggle" / "kaggle.json").exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_an_upload_in_another_encoding_is_understood(hub, colab, tmp_path, encoding):
    hub.locked, content = True, colab.content
    colab.content = content.decode().encode(encoding)
    assert len(fetch_mitbih(source="kaggle")) == 1000
    assert json.loads((tmp_path / "dotkaggle" / "kaggle.json").read_text("ascii")) == json.loads(content)


# what may stand in kaggle.json, and what is said of it
DAMAGED = {
    "nothing": (b"", "is empty"),
    "blanks": (b" \n", "is empty"),
    "half of it": (b'{"username": "reader", "k', "is damaged, or not JSON"),
    "a page": (b"<html>", "is damaged, or not JSON"),
    "a byte-order mark": (b'\xef\xbb\xbf{"username": "reader", "key": "secret"}', "UTF-8-SIG"),
    "UTF-16": ('{"username": "reader", "key": "secret"}'.encode("utf-16"), "UTF-16"),
    "bytes": (bytes(range(256)), "is damaged, or not JSON"),
    "deep brackets": (b"[" * 100_000, "is damaged, or not JSON"),
    "a list": (b"[1, 2]", "does not hold username and key"),
    "no key": (b'{"username": "secret"}', "does not hold username and key"),
    "a number": (b"5", "does not hold username and key"),
}


@pytest.mark.parametrize("what", DAMAGED)
@pytest.mark.parametrize("where", ["KAGGLE_CONFIG_DIR", "~/.kaggle"])
def test_a_damaged_kaggle_json_is_named(user, tmp_path, monkeypatch, what, where):
    content, message = DAMAGED[what]
    path = tmp_path / "dotkaggle" / "kaggle.json"
    if where == "~/.kaggle":
        path = user / ".kaggle" / "kaggle.json"
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(path.parent))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        fetch_mitbih(source="kaggle")
    assert str(path) in str(error.value) and "kaggle.com/settings" in str(error.value)
    assert "secret" not in str(error.value) and "Make room" not in str(error.value)


@pytest.mark.parametrize("what", ["nothing", "a byte-order mark", "UTF-16"])
def test_on_colab_a_damaged_kaggle_json_is_asked_for_again(hub, colab, tmp_path, what, capsys):
    hub.locked = True
    path = tmp_path / "dotkaggle" / "kaggle.json"
    path.parent.mkdir()
    path.write_bytes(DAMAGED[what][0])
    assert len(fetch_mitbih(source="kaggle")) == 1000 and colab.prompts == 1
    assert str(path) in capsys.readouterr().out
    assert json.loads(path.read_bytes()) == json.loads(colab.content)


def test_a_kaggle_json_that_kaggle_refuses_later_is_asked_for_again_on_colab(hub, colab, tmp_path):
    hub.locked = True
    fetch_mitbih(source="kaggle")
    shutil.rmtree(hub.cache)
    hub.refuses = requests.auth._basic_auth_str("reader", "secret")
    with pytest.raises(DataError, match="Kaggle refuses the account in .*kaggle.json"):
        fetch_mitbih(source="kaggle")
    assert colab.prompts == 2 and os.listdir(tmp_path / "dotkaggle") == ["kaggle.json"]  # the earlier one
    colab.content = b'{"username": "reader", "key": "another"}'
    assert len(fetch_mitbih(source="kaggle")) == 1000 and colab.prompts == 3


def test_a_kaggle_json_that_cannot_be_kept_is_said(hub, colab, tmp_path):
    hub.locked = True
    (tmp_path / "dotkaggle").write_text("in the way")
    told = "dotkaggle could not be written.*Move what is in the way.*KAGGLE_CONFIG_DIR"
    with pytest.raises(DataError, match=told):
        fetch_mitbih(source="kaggle")


@pytest.mark.parametrize("name", ["kaggle.json", "access_token", "access_token.txt"])
@pytest.mark.parametrize("how", ["a folder", "forbidden"])
def test_a_credential_that_cannot_be_read_is_named(user, monkeypatch, name, how):
    path = user / ".kaggle" / name
    monkeypatch.delenv("KAGGLE_CONFIG_DIR")
    monkeypatch.setattr("kagglehub.config.DEFAULT_KAGGLE_CREDENTIALS_FOLDER", str(path.parent))
    if how == "a folder":
        path.mkdir()
    else:  # as it is for anybody but root
        path.write_text("secret")
        opened = io.open

        def refuse(file, *arguments, **options):
            if str(file) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return opened(file, *arguments, **options)

        monkeypatch.setattr("builtins.open", refuse)
        monkeypatch.setattr("io.open", refuse)
    with pytest.raises(DataError, match="may not be read|Move what is in the way") as error:
        fetch_mitbih(source="kaggle")
    assert str(path) in str(error.value) and "Make room" not in str(error.value)


# an account that is used before kaggle.json: what sets it, and what is named
FIRST = {
    "KAGGLE_API_TOKEN": (lambda _: {"KAGGLE_API_TOKEN": "KGAT_old1"}, "the variable KAGGLE_API_TOKEN"),
    "a file of it": (lambda home: {"KAGGLE_API_TOKEN": str(home / "mine")}, "the file that KAGGLE_API_TOKEN"),
    "access_token": (lambda _: {}, r"\.kaggle/access_token names"),
    "access_token.txt": (lambda _: {}, r"\.kaggle/access_token\.txt names"),
    "KAGGLE_KEY": (
        lambda _: {"KAGGLE_USERNAME": "reader", "KAGGLE_KEY": "KGAT_old1"},
        "the variables KAGGLE_USERNAME and KAGGLE_KEY",
    ),
}


@pytest.mark.parametrize("what", FIRST)
def test_a_stale_account_that_wins_over_kaggle_json_is_named(hub, colab, user, tmp_path, monkeypatch, what):
    for path in (user / "mine", *[user / ".kaggle" / what] * what.startswith("access")):
        path.write_text("KGAT_old1\n")
    (tmp_path / "dotkaggle").mkdir()
    (tmp_path / "dotkaggle" / "kaggle.json").write_bytes(colab.content)
    for name, value in FIRST[what][0](user).items():
        monkeypatch.setenv(name, value)
    hub.status = 401
    with pytest.raises(DataError, match=f"refuses.*{FIRST[what][1]}.*before any kaggle.json") as error:
        fetch_mitbih(source="kaggle")
    assert "KGAT_old1" not in str(error.value)
    assert colab.prompts == 0  # a new kaggle.json would change nothing
    assert all("KGAT_old1" in (header or "") or "Basic" in header for _, header in hub.asked)
    assert (tmp_path / "dotkaggle" / "kaggle.json").exists()


def test_an_account_is_named_without_its_secret(user, monkeypatch):
    assert credentials.find_account() == credentials.Account()
    credentials.get_account_path().parent.mkdir()
    credentials.get_account_path().write_text('{"username": "reader", "key": "secret"}')
    assert credentials.find_account() == credentials.Account(str(credentials.get_account_path()))
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_secret")
    account = credentials.find_account()
    assert account.wins and account.problem is None
    assert "secret" not in f"{account} {credentials.explain_refusal(account)}"


OTHER = b'{"username": "reader", "key": "another"}'


@pytest.mark.parametrize("status", [404, 429, 500, 503, None])
def test_an_uploaded_account_stays_where_kaggle_does_not_refuse_it(hub, colab, tmp_path, monkeypatch, status):
    installed = tmp_path / "dotkaggle" / "kaggle.json"
    installed.parent.mkdir()
    installed.write_bytes(OTHER)
    hub.refuses = requests.auth._basic_auth_str("reader", "another")
    hub.locked = True
    ask = credentials.ask_for_account

    def ask_and_fail(account):
        upload = ask(account)
        if status is None:
            monkeypatch.setattr("kagglehub.dataset_download", lambda *_, **__: 1 / 0)
        hub.status = status
        return upload

    monkeypatch.setattr(credentials, "ask_for_account", ask_and_fail)
    with pytest.raises(DataError, match="answered|could not be reached"):
        fetch_mitbih(source="kaggle")
    assert json.loads(installed.read_bytes()) == json.loads(colab.content)
    assert (tmp_path / "dotkaggle" / "kaggle.json.1").read_bytes() == OTHER  # it may be right, too


@pytest.mark.parametrize("status", [401, 403])
def test_an_upload_that_kaggle_refuses_gives_its_place_to_the_earlier_one(hub, colab, tmp_path, status):
    installed = tmp_path / "dotkaggle" / "kaggle.json"
    installed.parent.mkdir()
    installed.write_bytes(OTHER)
    hub.status = status
    with pytest.raises(DataError, match="Kaggle refuses the account"):
        fetch_mitbih(source="kaggle")
    assert colab.prompts == 1 and installed.read_bytes() == OTHER
    assert os.listdir(installed.parent) == ["kaggle.json"]


def test_an_interrupted_download_leaves_the_uploaded_account(hub, colab, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    hub.locked = True
    ask = credentials.ask_for_account
    monkeypatch.setattr(
        credentials, "ask_for_account",
        lambda account: (ask(account), monkeypatch.setattr("kagglehub.dataset_download", stop))[0],
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        fetch_mitbih(source="kaggle")
    assert json.loads((tmp_path / "dotkaggle" / "kaggle.json").read_bytes()) == json.loads(colab.content)


def test_an_upload_that_cannot_be_kept_leaves_the_earlier_one(hub, colab, tmp_path, monkeypatch):
    installed = tmp_path / "dotkaggle" / "kaggle.json"
    installed.parent.mkdir()
    installed.write_bytes(OTHER)
    hub.status = 401

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(credentials.json, "dumps", refuse)
    with pytest.raises(DataError, match="disk is full"):
        fetch_mitbih(source="kaggle")
    assert installed.read_bytes() == OTHER and os.listdir(installed.parent) == ["kaggle.json"]


def test_of_an_upload_exactly_its_copy_is_deleted(hub, colab, monkeypatch):
    """Whatever else appears in the working directory meanwhile."""
    hub.locked = True
    upload = sys.modules["google.colab"].files.upload

    def busy():
        Path("a folder").mkdir()
        Path("a.csv").write_text("of another program")
        return upload()

    monkeypatch.setattr(sys.modules["google.colab"].files, "upload", busy)
    assert len(fetch_mitbih(source="kaggle")) == 1000
    assert sorted(os.listdir()) == ["a folder", "a.csv"]


def test_an_account_given_to_kagglehub_is_named(hub, monkeypatch):
    import kagglehub

    monkeypatch.setattr(kagglehub.config, "_kaggle_credentials", None)
    kagglehub.config.set_kaggle_credentials("reader", "stale")
    hub.status = 401
    with pytest.raises(DataError, match=r"kagglehub\.login\(\) names"):
        fetch_mitbih(source="kaggle")


@pytest.mark.parametrize(
    "token", ["two\nlines", "two words", "\ufeffKGAT_1", "k" * 5000, b"\xff\xfeK\0G\0A\0T\0"]
)
@pytest.mark.parametrize("where", ["variable", "file"])
def test_what_is_no_token_is_said_without_showing_it(hub, user, monkeypatch, token, where):
    content = token if isinstance(token, bytes) else token.encode()
    if where == "variable":
        monkeypatch.setenv("KAGGLE_API_TOKEN", os.fsdecode(content.replace(b"\0", b"")))
    else:
        (user / ".kaggle" / "access_token").write_bytes(content)
    hub.status = 401  # for those that can be sent
    with pytest.raises(DataError, match="KAGGLE_API_TOKEN|access_token") as error:
        fetch_mitbih(source="kaggle")
    text = str(error.value)
    assert "KGAT_1" not in text and "two" not in text and "kkkk" not in text


def test_an_empty_token_file_is_passed_over_and_a_good_token_serves(hub, user, monkeypatch):
    (user / ".kaggle" / "access_token").write_text(" \n")
    hub.locked = True
    with pytest.raises(DataError, match="asks for an account.*access_token.*KAGGLE_API_TOKEN"):
        fetch_mitbih(source="kaggle")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_good")
    assert len(fetch_mitbih(source="kaggle")) == 1000


def test_a_kaggle_json_where_only_other_programs_look_is_pointed_at(hub, user):
    other = user / ".config" / "kaggle" / "kaggle.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    hub.locked = True
    with pytest.raises(DataError, match="does not read .*.config/kaggle/kaggle.json"):
        fetch_mitbih(source="kaggle")


def test_elsewhere_the_way_to_an_account_is_told(hub):
    hub.locked = True
    with pytest.raises(DataError, match=r"~/.kaggle/kaggle\.json"):
        fetch_mitbih(source="kaggle")


@pytest.mark.parametrize("status", [404, 500])
def test_a_failing_kaggle_is_said(hub, status):
    hub.status = status
    with pytest.raises(DataError, match=f"answered {status}.*physionet"):
        fetch_mitbih(source="kaggle")


def kagglehub_errors():
    import kagglehub.exceptions as module

    kinds = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Exception)]
    kinds = [k for k in kinds if k.__module__ == module.__name__]
    kinds += [ValueError, RuntimeError, TypeError, Exception, ConnectionResetError, zipfile.BadZipFile]
    kinds += [requests.exceptions.InvalidHeader, requests.Timeout, requests.HTTPError]
    return [k("UserCancelled") if k.__name__.startswith("User") else k("what it says") for k in kinds]


@pytest.mark.parametrize("error", kagglehub_errors(), ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("on_kaggle", [False, True])
def test_whatever_kagglehub_raises_becomes_one_of_our_errors(user, tmp_path, monkeypatch, error, on_kaggle):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("kagglehub.dataset_download", fail)
    monkeypatch.setattr(kaggle, "INPUT", tmp_path / "input")
    if on_kaggle:
        (tmp_path / "input").mkdir()
    with pytest.raises(DataError, match="Kaggle (could not be reached|asks for an account)") as told:
        fetch_mitbih(source="kaggle")
    assert "physionet" in str(told.value) and "what it says" not in str(told.value)  # it may hold a token
    assert ("Add Input" in str(told.value)) == on_kaggle


@pytest.mark.parametrize(
    "error, message",
    [
        (OSError(28, "No space left on device"), "disk is full.*kagglehub.*Make room.*KAGGLEHUB_CACHE"),
        (PermissionError(13, "Permission denied", "/a/b"), "kagglehub may not be written.*KAGGLEHUB_CACHE"),
        (NotADirectoryError(20, "Not a directory", "/a/b"), "Move what is in the way.*KAGGLEHUB_CACHE"),
        (requests.exceptions.SSLError("certificate"), "certificate is not trusted.*REQUESTS_CA_BUNDLE"),
        (requests.exceptions.ConnectTimeout("slow"), "could not be reached \\(ConnectTimeout"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_an_error_of_the_system_or_the_network_is_named(user, monkeypatch, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("kagglehub.dataset_download", fail)
    with pytest.raises(DataError, match=message) as told:
        fetch_mitbih(source="kaggle")
    assert ("Make room" in str(told.value)) == (getattr(error, "errno", None) == 28)


PAGE = b"<!DOCTYPE html>\n<html><body>Sign in to the network</body></html>\n"


@pytest.mark.parametrize("content", [PAGE, b'{"error": "later"}', b"", b"PK\x03\x04 half a zip", b"1,2,3\n"])
@pytest.mark.parametrize("fetch", [fetch_mitbih, fetch_ptbdb])
def test_what_is_not_the_published_file_does_not_stick_in_kagglehubs_cache(hub, home, fetch, content):
    for name in published.PTB_FILES.values():
        label = "1" if "abnormal" in name else "0"
        (home[0] / "kaggle" / name).write_text(f"{ROW},{label}\n" * 3)
    hub.content = content or b"\n"
    with pytest.raises(DataError, match="has been deleted: run the cell again") as error:
        fetch(source="kaggle")
    assert str(hub.cache) in str(error.value) and ("web page" in str(error.value)) == (content == PAGE)
    assert not list(storage.find_cache_dir().glob("beats/*"))
    hub.content = None
    fetch(source="kaggle")


def test_what_stuck_there_before_is_downloaded_anew(hub):
    fetch_mitbih(source="kaggle")
    shutil.rmtree(storage.find_cache_dir())
    next(hub.cache.rglob("mitbih_test.csv")).write_bytes(PAGE)
    with pytest.raises(DataError, match="web page.*has been deleted"):
        fetch_mitbih(source="kaggle")
    n_asked = len(hub.asked)
    assert len(fetch_mitbih(source="kaggle")) == 1000
    assert len(hub.asked) == n_asked + 1  # the other file was good


def test_a_download_that_cannot_be_deleted_is_named(hub, monkeypatch):
    hub.content = PAGE

    def refuse(*_, **__):
        raise PermissionError(13, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(DataError, match="web page.*Delete it") as error:
        fetch_mitbih(source="kaggle")
    assert "has been deleted" not in str(error.value)


def test_a_users_own_file_is_never_deleted(home):
    path = home[0] / "kaggle" / "mitbih_test.csv"
    path.write_bytes(PAGE)
    with pytest.raises(DataError, match="web page"):
        fetch_mitbih(source="kaggle", data_home=home[0])
    assert path.exists()


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_zip_of_the_csv_is_read_where_the_download_gives_one(hub, home, kind):
    for path in (home[0] / "kaggle").iterdir():
        content = gzip.compress(path.read_bytes(), 1)
        if kind == "zip":
            with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(path, path.name)
            content = path.with_suffix(".zip").read_bytes()
            path.with_suffix(".zip").unlink()
        path.write_bytes(content)
    for _ in range(2):
        assert len(fetch_mitbih(source="kaggle")) == 1000


def test_a_download_cut_short_is_not_trusted(hub):
    hub.truncate = True
    with pytest.raises(DataError, match="could not be reached"):
        fetch_mitbih(source="kaggle")
    hub.truncate = False
    assert len(fetch_mitbih(source="kaggle")) == 1000


def test_reading_is_faster_than_plain_pandas(real_beats, tmp_path):
    import pandas as pd

    few = dataclasses.replace(real_beats[::5])
    path = tmp_path / "mitbih_train.csv"
    csv_files.write_csv(path, few.signals, few.labels)

    def seconds(read):
        start = time.perf_counter()
        read(path)
        return time.perf_counter() - start

    seconds(csv_files.read_csv)  # imports
    rounds = [(seconds(csv_files.read_csv), seconds(lambda p: pd.read_csv(p, header=None))) for _ in range(5)]
    ratio = min(ours for ours, _ in rounds) / min(theirs for _, theirs in rounds)
    print(f"reading takes {ratio:.2f} of plain pandas' time")
    assert ratio < 1
