"""The cache: whose files it deletes, who may read it, what it believes, and when it cuts beats anew."""

import dataclasses
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers import assert_same, files_of
from test_ptb import NAMES, written  # noqa: F401 a fixture
from test_ptb import home as ptb_home  # noqa: F401 a fixture

from ecg_lessons import DataError, fetch_mitbih, fetch_ptbdb, fetch_ptbxl, fetch_record, storage
from ecg_lessons.data import cache, download, mitbih, ptbdb, ptbxl, published, recording, records
from ecg_lessons.data.cache import make_table, open_table, read_columns, write_table

ROOT = Path(__file__).parents[1]
MONTHS, OTHER = 100 * 86400, 65534  # seconds; the number of another user
KEPT = {"fs": 120.0, "source": "simulated", "longest": 5}


@pytest.fixture
def home(small_database, tmp_path):
    """A data directory with the small database in it."""
    shutil.copytree(small_database, tmp_path / "home" / "mitdb")
    return tmp_path / "home"


def cut():
    """The files of beats in the cache."""
    return sorted(storage.find_cache_dir().rglob("*mitbih-*"))


def make_old(*paths):
    for path in paths:
        os.utime(path, (time.time() - MONTHS,) * 2)


# --- whose files are deleted -------------------------------------------------------------------

FOREIGN = (
    "my_features.npy", ".my.npy-1-ab", "mitbih-published-downloaded-v4.npy", "beats/my_features.npy",
    "beats/mitbih-mine-v5.npy", "beats/.half.npy-1-ab", "beats/notes.txt", "mitdb/tmp1", "mitdb/tmp_mine.txt",
    "mitdb/tmpabcd1234", "mitdb/tmp/mine.txt", "tmp1", "unfinished/mine.txt",
)  # fmt: skip


def test_files_that_the_package_did_not_make_are_never_deleted(small_database, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    paths = [storage.find_cache_dir() / name for name in FOREIGN]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    make_old(*paths, *{path.parent for path in paths})
    fetch_mitbih()
    fetch_mitbih(recipe="resampled")
    assert [path.name for path in paths if not path.exists() or path.read_bytes() != b"mine"] == []


def test_what_the_package_made_is_deleted_when_it_is_old(small_database, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    fetch_mitbih()
    (first,) = cut()
    half, folder = (
        storage.make_unfinished_path(first.parent, "half"),
        storage.make_unfinished_path(storage.find_cache_dir() / "mitdb"),
    )
    half.write_bytes(b"half")
    folder.mkdir()
    (folder / "tmpabcd1234").write_bytes(b"half")
    make_old(first, half, folder / "tmpabcd1234", folder)
    fetch_mitbih(recipe="resampled")
    assert not first.exists() and not half.exists() and len(cut()) == 1
    fetch_record("100")
    assert not folder.exists()
    folder.mkdir()
    make_old(folder)
    (folder / "tmpabcd1234").write_bytes(b"in use")
    os.utime(folder, (1, 1))
    fetch_record("100")
    assert folder.exists()  # another process is at it


def test_a_download_leaves_nothing_unfinished(small_database, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    fetch_record("100")
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", "http://127.0.0.1:9")
    with pytest.raises(DataError):
        fetch_record("201")
    assert {path.name for path in storage.find_cache_dir().rglob("*")} == {
        "mitdb",
        "100.hea",
        "100.dat",
        "100.atr",
    }


# --- who may read it ---------------------------------------------------------------------------


@pytest.fixture
def umask():
    """``umask(value)``, undone in the end."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def shared(monkeypatch):
    """A cache that every user can reach; pytest's own folders are for their owner alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setenv("ECG_LESSONS_CACHE", str(Path(folder) / "cache"))
        yield Path(folder)


def as_another_user(task):
    """What ``task()`` gives, as text, in a process of another user."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may become another user")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            told = str(task())
        except BaseException:
            told = traceback.format_exc()
        os.write(writing, told.encode()[-4000:])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told


def modes():
    """{name: its mode} in the cache, without what ends the name of a file of beats."""
    everything = [storage.find_cache_dir(), *storage.find_cache_dir().rglob("*")]
    return {path.name.split("-")[0]: path.stat().st_mode & 0o7777 for path in everything}


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
@pytest.mark.parametrize(
    "mask, folder, file", [(0o022, 0o755, 0o644), (0o027, 0o750, 0o640), (0o077, 0o700, 0o600)]
)
def test_the_umask_says_who_may_read_the_cache(small_database, serve, monkeypatch, umask, mask, folder, file):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    umask(mask)
    fetch_mitbih()
    found = modes()
    assert {found["cache"], found["beats"], found["mitdb"]} == {folder}
    assert {found["mitbih"], found["100.dat"], found["100.hea"]} == {file}


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
def test_a_download_is_for_the_class_from_its_first_moment_and_an_older_one_becomes_so(
    small_database, serve, monkeypatch, umask
):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    seen, real = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(os.stat(a).st_mode & 0o777), real(a, b)))
    fetch_record("100")
    assert seen == [0o644] * 3
    path = storage.find_cache_dir() / "mitdb" / "100.dat"
    path.chmod(0o600)  # as pooch leaves it where the process is killed
    fetch_record("100")
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
def test_whoever_may_read_the_folder_may_read_what_comes_later(home, umask):
    fetch_mitbih(data_home=home)
    umask(0o077)
    fetch_mitbih(data_home=home, recipe="resampled")
    assert [path.stat().st_mode & 0o777 for path in cut()] == [0o644, 0o644]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
@pytest.mark.parametrize("folder, before, after", [(0o755, 0o600, 0o644), (0o750, 0o600, 0o640),
                                                   (0o700, 0o644, 0o644), (0o777, 0o600, 0o644)])  # fmt: skip
def test_rights_to_read_are_added_and_none_is_taken(tmp_path, folder, before, after):
    path = tmp_path / "shared" / "a"
    path.parent.mkdir()
    path.write_bytes(b"")
    path.parent.chmod(folder)
    path.chmod(before)
    storage.copy_read_rights(path, path.parent)
    assert path.stat().st_mode & 0o777 == after
    storage.copy_read_rights(tmp_path / "nowhere", path.parent)  # is no error


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of Unix")
def test_where_all_may_write_into_the_cache_they_may_write_into_its_folders(home, umask, monkeypatch):
    storage.find_cache_dir().mkdir(parents=True)
    storage.find_cache_dir().chmod(0o1777)
    umask(0o022)
    storage.make_folder(storage.find_cache_dir() / "mitdb" / "deeper")
    fetch_mitbih(data_home=home)
    found = modes()
    assert {found["beats"], found["mitdb"], found["deeper"]} == {0o1777} and found["mitbih"] == 0o644
    inner = storage.find_cache_dir() / "of the user's own"
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(inner))
    storage.make_folder(inner / "beats")
    assert inner.stat().st_mode & 0o7777 == 0o755  # the cache itself is nobody else's


@pytest.mark.parametrize("kept", [True, False])
def test_a_read_only_cache_of_another_user_serves_mitbih(shared, small_database, serve, monkeypatch, kept):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(files_of(small_database)))
    if kept:
        fetch_mitbih()
    else:
        records.download_mitdb()
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", "http://127.0.0.1:9")

    def learn():
        with warnings.catch_warnings(record=True, action="always") as caught:
            n_read, n_beats = len(fetch_record("201")[1].sample), len(fetch_mitbih())
            return n_read > 0, n_beats, [str(warning.message) for warning in caught]

    found = as_another_user(learn)
    n_beats = len(fetch_mitbih())
    assert found.startswith(f"(True, {n_beats}, ["), found
    assert ("cut anew" in found and "may not be written" in found) != kept, found


def test_a_read_only_cache_of_another_user_serves_ptb(shared, ptb_home, monkeypatch):  # noqa: F811
    """With beats that are kept, and with others that are not."""
    folders = {"ptbdb": ptb_home / "ptbdb", "ptb-xl": ptb_home / "ptbxl"}
    for name, folder in folders.items():
        shutil.copytree(folder, storage.find_cache_dir() / name, copy_function=shutil.copyfile)
    wanted = {"records": range(1, 7)}
    n_ptbdb, n_ptbxl = len(fetch_ptbdb()), len(fetch_ptbxl(**wanted))

    def learn(**changes):
        with warnings.catch_warnings(record=True, action="always") as caught:
            there = len(fetch_ptbdb(**changes)), len(fetch_ptbxl(**wanted, **changes))
            return *there, len(caught), {"cut anew" in str(w.message) for w in caught}

    assert as_another_user(learn) == f"({n_ptbdb}, {n_ptbxl}, 0, set())"
    assert as_another_user(lambda: learn(fs=125.0)).endswith(", 2, {True})")
    missing = storage.find_cache_dir() / "ptbdb" / f"{NAMES[0]}.dat"
    missing.unlink()
    told = as_another_user(lambda: fetch_ptbdb(fs=130.0))
    assert f"ecg_lessons.errors.NotWritten: {missing} may not be written" in told, told


def test_a_file_of_beats_that_may_not_be_read_is_cut_anew(shared, home):
    fetch_mitbih(data_home=home)
    cut()[0].chmod(0o600)
    shutil.copytree(home, shared / "home", copy_function=shutil.copy2)

    def learn():
        with warnings.catch_warnings(record=True, action="always") as caught:
            n_beats = len(fetch_mitbih(data_home=shared / "home"))
            return n_beats, ["cut anew" in str(warning.message) for warning in caught]

    assert as_another_user(learn) == f"({len(fetch_mitbih(data_home=home))}, [True])"


# --- what is believed --------------------------------------------------------------------------


def with_header(content, text):
    """A file whose .npy description is `text`, and the same length."""
    length = int.from_bytes(content[8:10], "little")
    return content[:10] + text.encode()[:length].ljust(length) + content[10 + length :]


def with_values(content, **values):
    """A file whose first rows hold other values."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        file.write(content)
        file.flush()
        table = np.lib.format.open_memmap(file.name, mode="r+")
        for name, value in values.items():
            table[name][:50] = value
        table.flush()
        return Path(file.name).read_bytes()


def saved(array):
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, array)
        file.flush()
        return Path(file.name).read_bytes()


def zeroed(content, first, last):
    return content[:first] + bytes(last - first) + content[last:]


SHAPE = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,)}"
DAMAGE = {
    "empty": lambda c: b"",
    "cut short": lambda c: c[: len(c) // 2],
    "one byte short": lambda c: c[:-1],
    "one byte more": lambda c: c + b"x",
    "second half zeroed": lambda c: zeroed(c, len(c) // 2, len(c)),
    "first half zeroed": lambda c: zeroed(c, 0, len(c) // 2),
    "a page zeroed": lambda c: zeroed(c, 8192, 12288),
    "one bit": lambda c: c[:20_000] + bytes([c[20_000] ^ 1]) + c[20_001:],
    "not an array": lambda c: b"x" * 999,
    "another array": lambda c: saved(np.zeros((3, 187))),
    "somebody else's table": lambda c: saved(np.zeros(9, [("signals", "f4", 187), ("labels", "i8")])),
    "NaN": lambda c: with_values(c, signals=np.nan),
    "labels of another layout": lambda c: with_values(c, labels=7),
    "labels that could be": lambda c: with_values(c, labels=4),
    "TokenError": lambda c: with_header(c, "{'descr': ("),
    "no text": lambda c: with_header(c, "\0" * 999),
    "OverflowError": lambda c: with_header(c, SHAPE % ("9" * 30)),
    "MemoryError": lambda c: with_header(c, SHAPE % 2**55),
    "deep": lambda c: with_header(c, "(" * 999),
    "a longer header": lambda c: c[:8] + b"\xff\xff" + c[10:],
    "another end": lambda c: c[:-12] + b"\xff\xff\xff\xff" + c[-8:],
    "another checksum": lambda c: c[:-4] + b"\0\0\0\0",
    "no more than a checksum": lambda c: c[-4:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_or_foreign_file_is_cut_anew_in_silence(home, damage):
    beats = fetch_mitbih(data_home=home)
    (path,) = cut()
    content = path.read_bytes()
    path.unlink()  # `beats` still maps the old file; cutting that one short would pull it from under us
    path.write_bytes(DAMAGE[damage](content))
    with warnings.catch_warnings(action="error"):
        assert_same(fetch_mitbih(data_home=home), beats)
    assert path.read_bytes() == content


def test_a_file_that_was_made_for_something_else_is_not_believed(some_beats):
    other = dataclasses.replace(some_beats[::2], classes=("N", "S", "V", "F", "X"), fs=125.0, source="kaggle")
    cache.cache_beats("one", lambda: [some_beats], **KEPT)
    (one,) = storage.find_cache_dir().rglob("*one*")
    for name in ("two", "three"):  # as if it had been renamed, or classes forgotten in the name
        shutil.copy(one, one.with_name(one.name.replace("one", name)))
    assert_same(cache.cache_beats("two", lambda: [some_beats[:9]], **KEPT), some_beats[:9])
    what = {"fs": 125.0, "source": "kaggle", "longest": 5, "classes": other.classes}
    assert_same(cache.cache_beats("one", lambda: [other], **what), other)


def test_a_table_is_what_numpy_reads_and_is_written_to_in_memory_alone(some_beats, tmp_path):
    parts, facts = [some_beats[:300], some_beats[300:]], {"name": "a"}
    with open(tmp_path / "a.npy", "wb") as file:
        write_table(file, (make_table(part, 5) for part in parts), facts)
    before = (tmp_path / "a.npy").read_bytes()
    table = open_table(tmp_path / "a.npy", facts)
    assert isinstance(table, np.memmap) and table.flags.aligned
    assert np.load(tmp_path / "a.npy").tobytes() == table.tobytes()
    for name, values in read_columns(table).items():
        np.testing.assert_array_equal(values, getattr(some_beats, name))
        assert values is None or values.dtype == getattr(some_beats, name).dtype or values.dtype.kind == "U"
    table["signals"][:] = 7
    assert (tmp_path / "a.npy").read_bytes() == before
    assert open_table(tmp_path / "a.npy", {"name": "b"}) is None is open_table(tmp_path / "no", facts)
    with open(tmp_path / "none.npy", "wb") as file:
        write_table(file, [make_table(some_beats[:0], 5)], facts)
    assert len(open_table(tmp_path / "none.npy", facts)) == 0


def test_what_is_written_is_on_the_disk_before_it_has_its_name(home, monkeypatch):
    done = []

    def note(name):
        real = getattr(os, name)

        def noted(what, *more):
            where = Path(os.readlink(f"/proc/self/fd/{what}") if isinstance(what, int) else what)
            done.append((name, "folder" if where.is_dir() else "file", where.name))
            return real(what, *more)

        monkeypatch.setattr(os, name, noted)

    if not sys.platform.startswith("linux"):
        pytest.skip("which file a number stands for is told by Linux")
    note("fsync")
    note("replace")
    fetch_mitbih(data_home=home)
    assert [what[:2] for what in done] == [("fsync", "file"), ("replace", "file"), ("fsync", "folder")]
    assert done[0][2] == done[1][2] and done[2][2] == "beats"


def test_a_file_that_cannot_be_mapped_is_no_error(home, monkeypatch):
    beats = fetch_mitbih(data_home=home)

    def refuse(*_, **__):
        raise OSError(19, "No such device")

    monkeypatch.setattr(np, "memmap", refuse)
    with pytest.warns(UserWarning, match="cut anew at each run.*could not be read again"):
        assert_same(fetch_mitbih(data_home=home), beats)


def test_the_checksum_costs_little_beside_what_it_guards(some_beats, tmp_path, monkeypatch):
    """60 MB, the most that is opened in a chapter; some 20 ms where nothing else runs."""
    part = make_table(some_beats, 5)
    with open(tmp_path / "a.npy", "wb") as file:
        write_table(file, (part for _ in range(70)), {})

    def opening():
        start = time.perf_counter()
        assert len(open_table(tmp_path / "a.npy", {})) == 70_000
        return time.perf_counter() - start

    best = min(opening() for _ in range(5))
    print(f"{best * 1000:.0f} ms")
    assert best < 0.25


# --- when beats are cut anew -------------------------------------------------------------------


@pytest.fixture
def names_kept(monkeypatch, tmp_path):
    """``names_kept()`` gives the names under which each source's beats would be kept."""
    asked = []

    def keep(name, *_, **__):
        asked.append(name)
        return type("None yet", (), {"samples": np.zeros(1), "records": []})()

    (tmp_path / "a.csv").write_bytes(b"")
    for module in (mitbih, published, recording):
        monkeypatch.setattr(module, "cache_beats", keep)
    monkeypatch.setattr(published, "locate_csv_files", lambda *_: ({"train": tmp_path / "a.csv"}, False))
    monkeypatch.setattr(mitbih, "_cut_records_at_hand", lambda _: None)

    def names():
        asked.clear()
        fetch_mitbih()
        fetch_mitbih(recipe="context")
        fetch_mitbih(source="kaggle")
        fetch_ptbdb(source="kaggle")
        recording.cache_recordings("ptbdb", tmp_path, {"a": ("a", "b", 0, "", "c")}, {}, ("ii",), None, 120.0)
        return list(asked)

    return names


@pytest.mark.parametrize(
    "module, follow",
    [
        ("segment", "11101"), ("beats", "11111"), ("storage", "11111"), ("data/cache", "11111"),
        ("data/mitbih", "11100"), ("data/records", "11100"), ("data/recording", "00001"),
        ("data/ptbdb", "00001"), ("data/published", "11110"), ("data/tracing", "00100"),
        ("data/csv_files", "00110"), ("plots", "00000"), ("models", "00000"),
    ],
)  # fmt: skip
def test_beats_are_cut_anew_where_the_code_that_cuts_them_changed(
    names_kept, tmp_path, monkeypatch, module, follow
):
    shutil.copytree(cache._PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("weights"))
    monkeypatch.setattr(cache, "_PACKAGE", tmp_path / "package")
    before = names_kept()
    assert before == names_kept()
    path = tmp_path / "package" / f"{module}.py"
    path.write_text(path.read_text().replace("0.2", "0.3") + "\n# changed\n")
    after = names_kept()
    assert "".join(str(int(one != other)) for one, other in zip(before, after)) == follow
    # whoever loaded the new code, and whoever loaded the old one, do not share beats either
    monkeypatch.setattr(cache, "_LOADED", cache._read_sources())
    assert [one != other for one, other in zip(after, names_kept())] == [f == "1" for f in follow]


def test_beats_are_cut_anew_with_another_version_of_a_library(monkeypatch):
    before = cache.hash_code("segment")
    assert before == cache.hash_code("segment") != cache.hash_code("data/ptbdb")
    monkeypatch.setattr(cache, "_find_versions", lambda: ["2.3", "1.16", "4.3.1"])
    assert cache.hash_code("segment") != before


def test_ci_keeps_downloads_and_no_beats():
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["test"]["steps"]
    (kept,) = [step["with"] for step in steps if step.get("uses", "").startswith("actions/cache@")]
    databases = (records.MITDB, ptbdb.PTBDB, ptbxl.PTBXL)
    wanted = [
        f"${{{{ env.ECG_LESSONS_CACHE }}}}/{download.find_cache_folder(name).name}" for name in databases
    ]
    assert kept["path"].split("\n") == [*wanted, ""]


def test_the_checksum_is_zlibs_of_all_but_itself(some_beats, tmp_path):
    with open(tmp_path / "a.npy", "wb") as file:
        write_table(file, [make_table(some_beats, 5)], {"name": "a"})
    content = (tmp_path / "a.npy").read_bytes()
    start = 10 + int.from_bytes(content[8:10], "little")
    ordered = repr({"name": "a"}).encode() + content[start : -cache._END] + content[:start]
    assert int.from_bytes(content[-cache._END :], "little") == zlib.crc32(ordered)
