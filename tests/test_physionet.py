import dataclasses
import os
import shutil
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_same, files_of, send

import ecg_lessons
from ecg_lessons import DataError, data_available, fetch_mitbih, fetch_record, storage
from ecg_lessons.data import cache, download, records, sources
from ecg_lessons.errors import NotWritten, explain_os_error, file_named_in
from studies import common


@pytest.fixture
def home(small_database, tmp_path):
    """A data directory of one's own, free to be damaged."""
    shutil.copytree(small_database, tmp_path / "home" / "mitdb")
    return tmp_path / "home"


# --- the real database -------------------------------------------------------------------


def test_the_counts_are_the_published_ones(real_beats):
    assert real_beats.counts().to_dict() == {"N": 90589, "S": 2779, "V": 7236, "F": 803, "Q": 8039}
    assert real_beats.signals.shape == (109446, 187) and real_beats.fs == 120


def test_there_are_47_patients_and_48_records(real_beats):
    assert len(set(real_beats.patients)) == 47 and len(set(real_beats.records)) == 48
    assert set(real_beats.patients[real_beats.records == "202"]) == {"201"}


def test_every_beat_is_what_the_recipe_cuts_from_its_record(real_beats, real_folder):
    """Three records in full, against the recipe written out anew."""
    import wfdb

    for name in ("208", "114", "232"):
        raw = wfdb.rdrecord(str(real_folder / name), physical=False).d_signal[:, 0].astype(float)
        marks = wfdb.rdann(str(real_folder / name), "atr").sample
        mine = real_beats[real_beats.records == name]
        for row, a in zip(mine.signals[:-1], mine.samples[:-1]):
            b, c = marks[marks > a][:2]
            beat = raw[a : int(b + 0.2 * (c - b))][::3]
            beat = ((beat - beat.min()) / (beat.max() - beat.min()))[:187]
            np.testing.assert_allclose(row, np.pad(beat, (0, 187 - len(beat))), atol=1e-5)


def test_the_inter_patient_halves_are_de_chazals(real_beats):
    ds1, ds2 = real_beats.inter_patient(keep_201=True)
    # his counts, less the last beat of each record, which the published cut leaves out
    assert (ds1.counts() + [21, 1, 0, 0, 0]).to_list() == [45866, 944, 3788, 415, 8]
    assert (ds2.counts() + [21, 1, 0, 0, 0]).to_list() == [44259, 1837, 3221, 388, 7]
    ds1, ds2 = real_beats.inter_patient()
    assert not set(ds1.patients) & set(ds2.patients) and "201" not in ds1.records


def test_a_split_by_patient_is_about_as_large_as_asked_for(real_beats):
    train, test = real_beats.split(0.2, by="patient")
    assert not set(train.patients) & set(test.patients)
    share = test.counts() / real_beats.counts()
    assert abs(len(test) / len(real_beats) - 0.2) < 0.01
    # F and Q live in a few people, who cannot be divided
    assert (abs(share[["N", "S", "V"]] - 0.2) < 0.03).all() and (share > 0).all() and (share < 0.5).all()


def test_mlii_is_found_where_it_comes_second(real_folder):
    record, _ = fetch_record("114")
    assert record.sig_name.index("MLII") == 1


def test_resampled_beats_are_the_same_beats_at_125_hz(real_beats):
    resampled = fetch_mitbih(recipe="resampled")
    assert resampled.fs == 125
    assert (resampled.labels == real_beats.labels).all()
    assert (resampled.samples == real_beats.samples).all()


def test_beats_with_context_are_the_same_beats_with_their_peak_in_its_place(real_beats):
    context = fetch_mitbih(recipe="context")
    assert (context.samples == real_beats.samples).all() and (context.labels == real_beats.labels).all()
    assert np.isfinite(context.signals).all() and context.fs == 120
    for name in ("100", "208", "232"):  # one unit is the height of the patient's median beat
        mine = context.signals[context.records == name]
        assert np.ptp(np.median(mine, axis=0)) == pytest.approx(1, abs=0.01)
    with pytest.raises(ValueError, match="what surrounds them is only in"):
        fetch_mitbih(source="kaggle", recipe="context")


def test_rr_intervals_are_those_of_the_annotations(real_beats):
    mine = real_beats[real_beats.records == "119"]
    gaps = np.diff(mine.samples) / 360
    np.testing.assert_allclose(mine.rr[1:, 0], gaps, atol=1e-5)
    np.testing.assert_allclose(mine.rr[:-1, 1], gaps, atol=1e-5)
    # nothing before the first; the last annotated beat is not among the beats, but follows the last
    assert np.isnan(real_beats.rr[:, 0]).sum() == 48 and not np.isnan(real_beats.rr[:, 1]).any()


def test_loading_is_fast(real_beats, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(tmp_path))
    start = time.perf_counter()
    fetch_mitbih()
    first = time.perf_counter() - start
    start = time.perf_counter()
    again = fetch_mitbih()
    later = time.perf_counter() - start
    print(f"first {first:.1f} s, later {later:.3f} s")
    assert_same(again, real_beats)
    assert isinstance(again.signals, np.memmap)
    assert first < 20 and later < 0.3 and later < first / 10  # 8 s and 0.3 s on two quiet cores


# --- a small database in its place ---------------------------------------------------------


PTBXL_LONG = "ptb-xl-a-large-publicly-available-electrocardiography-dataset"
LAYOUTS = (
    "mitdb", "mitdb/1.0.0", ".", "1.0.0", "mit-bih-arrhythmia-database-1.0.0", "files/mitdb/1.0.0",
    "mit-bih-arrhythmia-database-1.0.0/mit-bih-arrhythmia-database-1.0.0", "physionet.org/files/mitdb/1.0.0",
)  # fmt: skip


def test_the_folders_of_a_database_follow_from_its_names_and_versions():
    assert set(records.list_database_folders(records.MITDB)) == set(LAYOUTS)
    assert "ptbxl/1.0.1" in records.list_database_folders("ptb-xl/1.0.3")
    assert f"{PTBXL_LONG}-1.0.2" in records.list_database_folders("ptb-xl/1.0.3")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_data_directory_is_read_in_each_layout(small_database, tmp_path, layout):
    shutil.copytree(small_database, tmp_path / "data" / layout, dirs_exist_ok=True)
    beats = fetch_mitbih(data_home=tmp_path / "data")
    assert set(beats.records) == {"100", "201", "202"} and set(beats.patients) == {"100", "201"}
    assert data_available(tmp_path / "data") == "data_home"


def test_a_folder_under_physionets_own_name_is_held_to_its_content_too(small_database, tmp_path):
    folder = tmp_path / "mit-bih-arrhythmia-database-1.0.0"
    shutil.copytree(small_database, folder)
    (folder / "100.dat").write_bytes(b"short")
    with pytest.raises(DataError, match=r"database-1\.0\.0/100\.dat is not the file"):
        fetch_mitbih(data_home=tmp_path)
    (folder / "100.dat").unlink()
    with pytest.raises(DataError, match=r"database-1\.0\.0/100\.dat is missing \(1 of 9 files"):
        fetch_mitbih(data_home=tmp_path)


def test_a_whole_copy_is_found_beside_one_that_broke_off(small_database, home):
    whole = shutil.copytree(small_database, home / "physionet.org" / "files" / "mitdb" / "1.0.0")
    for path in (home / "mitdb").glob("2*"):
        path.unlink()
    assert records.find_local_mitdb(home)[0] == whole and len(fetch_mitbih(data_home=home))
    for path in whole.glob("202.*"):
        path.unlink()
    with pytest.raises(DataError, match=r"mitdb/1\.0\.0/202\.atr is missing \(3 of 9"):  # of the fuller one
        fetch_mitbih(data_home=home)


def test_the_error_says_where_it_looked_and_that_a_zip_must_be_unpacked(small_database, tmp_path):
    places = "nor do its folders mitdb, mitdb/1.0.0, mit-bih-arrhythmia-database-1.0.0 and physionet.org/"
    with pytest.raises(DataError, match=places) as error:
        fetch_mitbih(data_home=tmp_path)
    assert "unpack" not in str(error.value)
    packed = tmp_path / "mit-bih-arrhythmia-database-1.0.0.zip"
    packed.write_bytes(b"PK")
    with pytest.raises(DataError, match=f"holds {packed}, which is not read as it is: unpack it"):
        fetch_record("100", data_home=tmp_path)
    for name, version in (("ptb-diagnostic-ecg-database", "1.0.0"), (PTBXL_LONG, "1.0.2")):
        database = "ptbdb/1.0.0" if version == "1.0.0" else "ptb-xl/1.0.3"
        assert "unpack" not in records.explain_not_found(tmp_path, database)
        (tmp_path / f"{name}-{version}.zip").write_bytes(b"PK")
        assert f"{name}-{version}.zip, which" in records.explain_not_found(tmp_path, database)
    assert "version 1.0.2 or 1.0.1" in records.explain_not_found(tmp_path, "ptb-xl/1.0.3")


def test_the_environment_names_a_data_directory(home, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_DATA", str(home))
    record, annotation = fetch_record("201")
    assert record.p_signal.shape == (0.5 * 60 * 360, 2) and len(annotation.sample) > 10
    assert len(fetch_mitbih())


def test_what_a_chapter_does_to_the_arrays_does_not_reach_the_cache(home):
    beats = fetch_mitbih(data_home=home)
    before = np.array(beats.signals)
    beats.signals[:] = 7
    np.testing.assert_array_equal(fetch_mitbih(data_home=home).signals, before)


@pytest.mark.parametrize("name", ["100.dat", "201.atr", "202.hea"])
def test_a_missing_file_is_named(home, name):
    fetch_mitbih(data_home=home)  # a cache of the whole database must not hide the loss
    (home / "mitdb" / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        fetch_mitbih(data_home=home)


def test_a_truncated_file_is_named_and_mended_by_replacing_it(home, small_database):
    fetch_mitbih(data_home=home)
    damaged = home / "mitdb" / "100.dat"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    for _ in range(2):
        with pytest.raises(DataError, match=r"100\.dat is not the file .* \(5000 bytes\)"):
            fetch_mitbih(data_home=home)
        with pytest.raises(DataError, match=r"100\.dat"):
            fetch_record("100", data_home=home)
    shutil.copy(small_database / "100.dat", damaged)
    assert len(fetch_mitbih(data_home=home))


def test_one_changed_bit_is_noticed(home):
    damaged = home / "mitdb" / "201.atr"
    content = bytearray(damaged.read_bytes())
    content[20] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DataError, match=r"201\.atr is not the file"):
        fetch_mitbih(data_home=home)


def test_a_data_directory_that_does_not_exist_is_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="data_home names .*nowhere"):
        fetch_mitbih(data_home=tmp_path / "nowhere")
    monkeypatch.setenv("ECG_LESSONS_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match="ECG_LESSONS_DATA names .*gone"):
        fetch_mitbih()


def test_a_path_that_cannot_be_is_one_clear_error(tmp_path):
    for path in ("x" * 5000, "~nobody-of-that-name/data", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match="not a directory"):
            fetch_mitbih(data_home=path)


def test_one_record_can_be_read_from_a_directory_that_has_no_other(home):
    for path in (home / "mitdb").glob("20*"):
        path.unlink()
    assert fetch_record("100", data_home=home)[0].sig_len == 30 * 360
    with pytest.raises(DataError, match="is missing"):
        fetch_mitbih(data_home=home)


def test_a_directory_without_records_is_named_when_the_download_fails_too(small_database, tmp_path):
    with pytest.raises(DataError, match="holds no MIT-BIH records.*could not be downloaded") as error:
        fetch_mitbih(data_home=tmp_path)
    assert str(tmp_path) in str(error.value)


def test_an_unknown_record_is_refused(home):
    with pytest.raises(DataError, match="no record '999'"):
        fetch_record("999", data_home=home)


def test_an_unknown_source_or_recipe_is_refused(home, monkeypatch):
    with pytest.raises(ValueError, match="source must be one of"):
        fetch_mitbih(source="elsewhere")
    with pytest.raises(ValueError, match="recipe must be one of"):
        fetch_mitbih(data_home=home, recipe="cooked")
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "typo")
    with pytest.raises(ValueError, match="ECG_LESSONS_SOURCE must be one of"):
        fetch_mitbih()


def test_another_version_of_the_cache_is_left_alone(home, monkeypatch):
    beats = fetch_mitbih(data_home=home)
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    assert_same(fetch_mitbih(data_home=home), beats)
    assert len(list(storage.find_cache_dir().glob("beats/mitbih-*"))) == 2


def test_what_nobody_opened_for_a_month_is_dropped_and_so_are_leftovers(home):
    fetch_mitbih(data_home=home)
    (kept,) = storage.find_cache_dir().glob("beats/mitbih-*")
    day, half = 86400, storage.make_unfinished_path("", "killed").name
    busy = half.replace("killed", "busy")
    old, used = "old-v1" + cache.BEATS, "used-v1" + cache.BEATS
    for name, age in ((old, 31), (used, 29), (half, 2), (busy, 0)):
        (kept.parent / name).write_bytes(b"")
        os.utime(kept.parent / name, (time.time() - age * day,) * 2)
    os.utime(kept, (1, 1))
    fetch_mitbih(data_home=home)  # opened: young again
    fetch_mitbih(data_home=home, recipe="resampled")  # written: the occasion to tidy up
    left = {p.name for p in kept.parent.iterdir()}
    assert {kept.name, used, busy} < left and len(left) == 4


def test_a_cache_that_cannot_be_written_to_is_named_and_the_beats_are_there_all_the_same(
    home, tmp_path, monkeypatch
):
    kept = fetch_mitbih(data_home=home)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="file/cache could not be written .*ECG_LESSONS_CACHE"):
        assert_same(fetch_mitbih(data_home=home), kept)


def test_a_full_disk_leaves_nothing_behind(home, monkeypatch):
    def full(file, *_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "write_table", full)
        with pytest.warns(UserWarning, match="No space left on device"):
            unkept = fetch_mitbih(data_home=home)
    assert not list(storage.find_cache_dir().glob("beats/*"))
    assert_same(fetch_mitbih(data_home=home), unkept)


# --- what the system refuses -----------------------------------------------------------------

FULL = "The disk is full: /a/b.npy could not be written (No space left on device). Make room"
OS_ERRORS = {
    "full": ((28, "No space left on device"), True, FULL),
    "too large": ((27, "File too large"), True, "/a/b.npy could not be written (File too large). Make room"),
    "quota": ((122, "Disk quota exceeded"), True, "(Disk quota exceeded). Make room"),
    "temporary": (
        (13, "Permission denied", "/a/.b.npy-1-ab"), True,
        "/a/b.npy may not be written (Permission denied). Change the permissions of its folder",
    ),
    "folder above": (
        (20, "Not a directory", "/a"), True,
        "/a could not be written (Not a directory). Move what is in the way",
    ),
    "read-only": ((30, "Read-only file system"), True, "(Read-only file system). Choose another folder"),
    "no folder": ((2, "No such file", "/a/b.npy"), True, "The folder of /a/b.npy does not exist. Create it"),
    "forbidden": (
        (13, "Permission denied", "/a/c"), False,
        "/a/c may not be read (Permission denied). Change its permissions",
    ),
    "gone": ((2, "No such file"), False, "/a/b.npy does not exist. Put the file there"),
    "broken disk": ((5, "Input/output error"), False, "be read (Input/output error). Try again"),
    "a folder": ((21, "Is a directory"), False, "be read (Is a directory). Move what is in the way"),
    "a library's own": (("no number",), False, "/a/b.npy could not be read (no number). Try again"),
}  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the numbers are Linux's")
@pytest.mark.parametrize("name", OS_ERRORS)
def test_an_error_of_the_system_names_the_file_what_was_to_happen_to_it_and_the_way_out(name):
    given, writing, told = OS_ERRORS[name]
    assert explain_os_error(OSError(*given), "/a/b.npy", writing).endswith(f"{told}.")
    elsewhere = explain_os_error(OSError(*given), "/a/b.npy", writing, setting="ECG_LESSONS_CACHE")
    assert elsewhere.endswith(f"{told}, or set ECG_LESSONS_CACHE to a directory elsewhere.")


def test_the_file_that_an_error_names_is_found_however_it_is_given():
    for named in ("/a/b", b"/a/b", Path("/a/b")):
        assert file_named_in(OSError(13, "Permission denied", named)) == Path("/a/b")
    assert file_named_in(OSError(13, "Permission denied", 3)) is None  # a number that the system knows it by
    assert file_named_in(OSError("no number")) is None


def test_only_what_can_be_put_elsewhere_is_said_to_be(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for setting in (None, "ECG_LESSONS_CACHE"):
        with (
            pytest.raises(NotWritten) as error,
            storage.open_for_writing(tmp_path / "file" / "a", setting=setting),
        ):
            pass
        assert ("ECG_LESSONS_CACHE" in str(error.value)) == bool(setting)


def test_an_error_of_reading_while_a_file_is_written_is_none_of_writing(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), storage.open_for_writing(tmp_path / "a"):
        (tmp_path / "elsewhere").read_bytes()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def forbid():
    """``forbid(path, mode)``: so that this process may no longer do as it likes; undone in the end."""
    changed = []
    root = hasattr(os, "geteuid") and os.geteuid() == 0

    def start(path, mode=0):
        if root:  # whom no mode keeps out
            for above in (path, *path.parents):
                if above.stat().st_mode & 0o011 != 0o011:
                    changed.append((above, above.stat().st_mode))
                    above.chmod(above.stat().st_mode | 0o011)
        changed.append((path, path.stat().st_mode))
        path.chmod(mode)
        if root:
            os.seteuid(65534)

    yield start
    if root:
        os.seteuid(0)
    for path, mode in reversed(changed):
        path.chmod(mode)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of Unix")
@pytest.mark.parametrize("place", ["mitdb/201.dat", "mitdb", "."])
def test_what_may_not_be_read_is_said_to_be_so(home, forbid, place):
    fetch_mitbih(data_home=home)  # which loads what it needs
    storage.find_cache_dir().chmod(0o777)
    forbid(home / place)
    with pytest.raises(DataError, match="Permission denied") as error:
        fetch_mitbih(data_home=home, recipe="resampled")
    assert not isinstance(error.value, NotWritten) and "written" not in str(error.value)
    assert str(home / place) in str(error.value) and "permissions" in str(error.value)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of Unix")
def test_a_downloaded_file_is_for_whoever_may_look_into_its_folder(small_database, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    folder = storage.find_cache_dir() / "mitdb"
    folder.mkdir(parents=True)
    for name, mode, expected in (("100", 0o755, 0o644), ("201", 0o770, 0o660)):
        folder.chmod(mode)
        fetch_record(name)
        assert (folder / f"{name}.dat").stat().st_mode & 0o777 == expected


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of Unix")
def test_a_file_of_the_cache_that_may_not_be_read_is_no_full_disk(small_database, serve, monkeypatch, forbid):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    fetch_record("100")
    forbid(storage.find_cache_dir() / "mitdb" / "100.dat")
    told = "mitdb/100.dat may not be read .*Change its permissions, or set ECG_LESSONS_CACHE"
    with pytest.raises(DataError, match=told) as error:
        fetch_record("100")
    assert not isinstance(error.value, NotWritten)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are those of Unix")
def test_a_cache_that_may_not_be_written_to_is_not_written(small_database, serve, monkeypatch, forbid):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    fetch_record("100")
    forbid(storage.find_cache_dir() / "mitdb", 0o555)
    told = r"mitdb/201\.\w+ may not be written .*permissions of its folder, or set ECG_LESSONS_CACHE"
    with pytest.raises(NotWritten, match=told):
        fetch_record("201")


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="a file that cannot be read is Linux's")
def test_a_disk_that_cannot_be_read_is_told_of_reading(home):
    (home / "mitdb" / "100.dat").unlink()
    (home / "mitdb" / "100.dat").symlink_to("/proc/self/mem")
    with pytest.raises(DataError, match=r"mitdb/100\.dat could not be read \(Input/output error\)") as error:
        fetch_mitbih(data_home=home)
    assert not isinstance(error.value, NotWritten)


def test_what_a_download_cannot_write_is_tried_once_and_is_no_warning_about_beats(some_beats):
    asked = []

    def build():
        asked.append(1)
        raise NotWritten("no room for 100.dat")

    with warnings.catch_warnings(action="error"), pytest.raises(NotWritten, match="100.dat"):
        cache.cache_beats("unwritten", build, fs=120.0, source="simulated", longest=5)
    assert asked == [1]


def test_simulated_beats_must_be_asked_for(monkeypatch):
    assert fetch_mitbih(source="simulated").source == "simulated"
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    assert fetch_mitbih().source == fetch_mitbih(source="kaggle").source == "simulated"
    assert "simulated" in fetch_record("100")[0].comments[0]
    monkeypatch.delenv("ECG_LESSONS_SOURCE")
    monkeypatch.setattr(download, "RETRIES", 0)
    with pytest.raises(DataError):
        fetch_mitbih()


# --- downloads ------------------------------------------------------------------------------


def test_a_download_gives_the_same_beats_and_happens_once(small_database, home, serve, monkeypatch):
    asked = []
    answer = files_of(small_database)
    url = serve(lambda handler: (asked.append(handler.path), answer(handler)))
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", url)
    assert data_available() == "download"
    asked.clear()
    downloaded = fetch_mitbih()
    assert len(asked) == 9 and all(path.startswith("/mitdb/1.0.0/") for path in asked)
    assert_same(fetch_mitbih(), downloaded)
    assert len(asked) == 9 and data_available() == "cache"
    monkeypatch.delenv("ECG_LESSONS_PHYSIONET")
    assert_same(fetch_mitbih(data_home=home), downloaded)


def test_one_record_is_fetched_alone(small_database, serve, monkeypatch):
    asked = []
    answer = files_of(small_database)
    url = serve(lambda handler: (asked.append(handler.path), answer(handler)))
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", url)
    fetch_record("201")
    assert sorted(path.rpartition("/")[2] for path in asked) == ["201.atr", "201.dat", "201.hea"]


FAULTS = {
    "404": (dict(status=404), "answered 404"),
    "500": (dict(status=500), "answered 500"),
    "an HTML page": (dict(body=b"<html>Sign in</html>", kind="text/html"), "not the file"),
    "other bytes": (dict(body=b"0" * 5000), "not the file"),
    "a cut connection": (dict(body=b"0" * 5000, length=9000), "could not be downloaded"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_server_gives_one_clear_error_and_the_next_run_goes_on(
    small_database, serve, monkeypatch, fault
):
    response, message = FAULTS[fault]
    answer, healthy, served = files_of(small_database), [], []

    def sometimes(handler):
        name = handler.path.rpartition("/")[2]
        if name == "201.dat" and not healthy:
            return send(handler, **response)
        served.append(name)
        answer(handler)

    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(sometimes))
    with pytest.raises(DataError, match=message) as error:
        fetch_mitbih()
    assert "201.dat" in str(error.value) and "ECG_LESSONS_DATA" in str(error.value)
    assert error.value.__suppress_context__  # no traceback from deep inside a library
    cache = storage.find_cache_dir()
    assert not (cache / "mitdb" / "201.dat").exists() and not list(cache.glob("beats/*"))
    healthy.append(True)
    assert len(fetch_mitbih())
    assert len(served) == len(set(served)) == 9  # what was there already was not fetched again


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/x"])
def test_a_mirror_address_that_is_none_is_named(small_database, monkeypatch, address):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", address)
    with pytest.raises(DataError, match=f"{address}/mitdb/.* could not be downloaded"):
        fetch_mitbih()


def test_a_sign_in_page_is_no_source_of_data(small_database, serve, monkeypatch):
    page = serve(lambda handler: send(handler, b"<html>Sign in</html>", kind="text/html"))
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", page)
    assert data_available() is None


def test_nobody_answering_is_said_at_once(small_database):
    start = time.monotonic()
    assert data_available() is None
    with pytest.raises(DataError, match="simulated"):
        fetch_mitbih()
    assert time.monotonic() - start < 5


def test_looking_for_data_takes_five_seconds_at_most(small_database, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(lambda handler: time.sleep(8)))
    start = time.monotonic()
    assert data_available() is None
    assert time.monotonic() - start < 5


def test_a_downloaded_file_that_was_damaged_since_is_fetched_again(small_database, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    beats = fetch_mitbih()
    (storage.find_cache_dir() / "mitdb" / "100.dat").write_bytes(b"short")
    assert fetch_record("100")[0].sig_len == 30 * 360
    assert_same(fetch_mitbih(), beats)


def test_beats_survive_the_cache_unchanged(some_beats):
    kept = dataclasses.replace(some_beats, folds=np.where(np.arange(1000) < 800, "train", "test"))
    assert_same(cache.cache_beats("some-1", lambda: [kept], fs=120.0, source="simulated", longest=5), kept)
    partly = np.where(np.arange(1000) < 5, None, kept.patients.astype(object))
    unknown = dataclasses.replace(some_beats, patients=partly, records=None, samples=None)
    assert_same(
        cache.cache_beats("some-2", lambda: [unknown], fs=120.0, source="simulated", longest=5), unknown
    )


def test_the_cache_keeps_long_names_and_other_classes(some_beats):
    names = np.where(some_beats.labels == 0, "patient001", "patient002")
    binary = dataclasses.replace(
        some_beats, labels=some_beats.labels > 0, patients=names, classes=("normal", "abnormal")
    )
    what = {"fs": 120.0, "source": "simulated", "classes": binary.classes}
    assert_same(cache.cache_beats("binary", lambda: [binary], longest=10, **what), binary)
    with pytest.raises(ValueError, match="text of more than 9 characters"):
        cache.cache_beats("other", lambda: [binary], longest=9, **what)
    assert not list(storage.find_cache_dir().rglob("*other*"))


def test_parts_of_any_number_become_one(some_beats):
    """Also none, where a record holds no beat; and where nothing can be kept."""
    parts = [some_beats[i : i + n] for i, n in ((0, 0), (0, 300), (300, 1), (301, 0), (301, 699))]
    what = {"fs": 120.0, "source": "simulated", "longest": 5}
    sizes = []

    def build():
        for part in parts:
            sizes.append(sum(path.stat().st_size for path in storage.find_cache_dir().glob("beats/.parts*")))
            yield part

    assert_same(cache.cache_beats("parts", build, **what), some_beats)
    assert sizes[2] > 300 * 187 * 4  # each is on the disk before the next is taken
    storage.find_cache_dir().joinpath("file").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch, pytest.warns(UserWarning, match="cut anew"):
        patch.setenv("ECG_LESSONS_CACHE", str(storage.find_cache_dir() / "file"))
        assert_same(cache.cache_beats("parts", lambda: iter(parts), **what), some_beats)
        with pytest.raises(NotWritten, match="file could not be written"):
            common.write_results(storage.find_cache_dir() / "some.json", {})


def test_what_cannot_be_read_is_no_fault_of_the_cache(some_beats):
    asked = []

    def build():
        asked.append(1)
        yield some_beats
        raise PermissionError(13, "Permission denied", "/data/100.dat")

    told = r"^/data/100.dat may not be read \(Permission denied\). Change its permissions.$"
    with warnings.catch_warnings(action="error"), pytest.raises(DataError, match=told):
        cache.cache_beats("unread", build, fs=120.0, source="simulated", longest=5)
    assert asked == [1] and not list(storage.find_cache_dir().glob("beats/*"))


def test_parts_that_do_not_fit_together_are_refused(some_beats):
    other = dataclasses.replace(some_beats, folds=None)
    with pytest.raises(ValueError, match="a part of layout"):
        cache.cache_beats("mixed", lambda: [some_beats, other], fs=120.0, source="simulated", longest=5)
    assert not list(storage.find_cache_dir().glob("beats/*"))


def test_public_names_are_there():
    for name in ecg_lessons.__all__:
        assert getattr(ecg_lessons, name) is not None


def test_the_environment_overrules_the_source_that_was_asked_for(monkeypatch):
    fetchers = {name: lambda name=name: name for name in sources.SOURCES}
    assert sources.fetch_from("kaggle", **fetchers) == "kaggle"
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    assert sources.fetch_from("kaggle", **fetchers) == "simulated"


def test_a_fingerprint_changes_with_a_files_name_size_time_and_with_what_else_matters(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(b"1")
    os.utime(path, ns=(10**18, 10**18))
    first = cache.hash_files([path])
    assert cache.hash_files([path]) == first != cache.hash_files([path], "context")
    os.utime(path, ns=(10**18, 2 * 10**18))
    later = cache.hash_files([path])
    path.write_bytes(b"12")
    os.utime(path, ns=(10**18, 10**18))
    longer = cache.hash_files([path])
    other = cache.hash_files([path.rename(tmp_path / "b.dat")])
    assert len({first, later, longer, other}) == 4


def test_only_old_files_that_fit_are_dropped(tmp_path):
    old, new = storage.make_unfinished_path(tmp_path, "old"), storage.make_unfinished_path(tmp_path)
    for path, age in ((old, 2), (new, 0), (tmp_path / "100.dat", 2), (tmp_path / "tmp1", 2)):
        path.write_bytes(b"")
        os.utime(path, (time.time() - age * 86400,) * 2)
    storage.delete_old_files(tmp_path, storage.UNFINISHED, 86400)
    storage.delete_old_files(tmp_path / "nowhere", storage.UNFINISHED, 1)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {new.name, "100.dat", "tmp1"}


def test_the_first_folder_that_has_all_files_is_taken(small_mitdb):
    names = ["100.dat", "100.hea"]
    home = small_mitdb.parent
    folder, files = records.find_local_files(home, records.MITDB, names)
    assert folder == small_mitdb and [path.name for path in files] == names
    assert records.find_local_files(home, "ptbdb/1.0.0", names) == (None, [])
    nowhere = records.find_local_files(home, records.MITDB, names, folder=home / "other")
    assert nowhere == (None, [])


def test_a_record_is_read_only_where_it_is_what_was_published(home):
    record, annotation = records.read_record(home / "mitdb", "100")
    assert record.fs == 360 and len(annotation.sample) == len(annotation.symbol)
    (home / "mitdb" / "100.hea").write_text("100 2 360 10800\n")
    with pytest.raises(DataError, match=r"100\.hea is not the file"):
        records.read_record(home / "mitdb", "100")
