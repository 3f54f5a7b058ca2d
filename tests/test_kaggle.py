import dataclasses
import json
import os
import shutil
import stat
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from helpers import send
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecg_lessons import Beats, DataError, fetch_mitbih, kaggle, make_beats, store, write_kaggle_csv

ROW = ",".join(["%.18e" % (i / 200) for i in range(187)])


@pytest.fixture
def home(tmp_path, some_beats):
    """A data directory with both CSVs in it, and the beats they hold, as they stand there."""
    (tmp_path / "home" / "kaggle").mkdir(parents=True)
    parts = some_beats.split(0.2)
    write_kaggle_csv(*parts, tmp_path / "home" / "kaggle")
    home = tmp_path / "home"
    return home, [part[np.argsort(part.labels, kind="stable")] for part in parts]


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
    labels = np.array(sorted(random.choice(range(5)) for _ in signals))
    beats = Beats(signals, labels)
    path, _ = write_kaggle_csv(beats, beats, tmp_path_factory.mktemp("csv"))
    read, read_labels = kaggle.read_csv(path)
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
    monkeypatch.setattr(kaggle, "read_csv", None)
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
    assert not list(store.cache_dir().glob("*")) if store.cache_dir().exists() else True


def test_a_csv_that_is_missing_is_named(home):
    (home[0] / "kaggle" / "mitbih_test.csv").unlink()
    with pytest.raises(DataError, match=r"mitbih_test\.csv is missing"):
        fetch_mitbih(source="kaggle", data_home=home[0])
    with pytest.raises(DataError, match="does not exist"):
        kaggle.read_csv(home[0] / "kaggle" / "mitbih_test.csv")


# --- patients restored ------------------------------------------------------------------------


def test_every_row_is_traced_to_its_record_and_annotation(real_beats, tmp_path):
    few = real_beats[::10]
    parts = few.split(0.2)
    write_kaggle_csv(*parts, tmp_path)
    start = time.perf_counter()
    found = fetch_mitbih(source="kaggle", data_home=tmp_path)
    print(f"{len(found)} rows read and traced in {time.perf_counter() - start:.1f} s")
    origin = [part[np.argsort(part.labels, kind="stable")] for part in parts]
    for name in ("records", "patients", "samples"):
        np.testing.assert_array_equal(
            getattr(found, name), np.concatenate([getattr(p, name) for p in origin])
        )
    found.split(by="patient")


def test_all_rows_are_traced_in_a_minute(real_beats, real_folder):
    start = time.perf_counter()
    records, samples = kaggle.trace(np.asarray(real_beats.signals), real_beats.labels, real_folder)
    seconds = time.perf_counter() - start
    print(f"{len(records)} rows traced in {seconds:.1f} s")
    assert (records == real_beats.records).all() and (samples == real_beats.samples).all()
    assert seconds < 60


def test_a_row_cut_elsewhere_is_still_traced_and_a_made_up_one_is_not(real_beats, real_folder):
    """The look-up needs the start of a beat, not our idea of where it ends or how it is scaled."""
    few = real_beats[(real_beats.records == "100") & (real_beats.labels == 0)][:50]
    shorter = np.array(few.signals)
    shorter[:, 60:] = 0
    low, high = shorter[:, :60].min(1, keepdims=True), shorter[:, :60].max(1, keepdims=True)
    shorter[:, :60] = (shorter[:, :60] - low) / (high - low)
    shorter[7] = make_beats(10).signals[0]
    shorter[8] = 0
    records, samples = kaggle.trace(shorter, few.labels, real_folder)
    expected = few.samples.copy()
    expected[7:9] = -1
    np.testing.assert_array_equal(samples, expected)
    assert records[7] is records[8] is None and set(np.delete(records, [7, 8])) == {"100"}


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


def test_half_known_patients_survive_the_cache(home, monkeypatch):
    def half(signals, labels, folder, digits):
        names = np.where(np.arange(len(labels)) % 2, None, "202")
        return names, np.where(np.arange(len(labels)) % 2, -1, 5)

    monkeypatch.setattr(kaggle, "_records_at_hand", lambda _: "somewhere")
    monkeypatch.setattr(kaggle, "trace", half)
    beats = fetch_mitbih(source="kaggle", data_home=home[0])
    assert beats.patients[0] == "201" and beats.records[0] == "202" and beats.patients[1] is None
    with pytest.raises(ValueError, match="500 beats have no patient"):
        beats.split(by="patient")
    known = beats[beats.patients != None]  # noqa: E711
    assert len(known) == 500


# --- the download ------------------------------------------------------------------------------


@pytest.fixture
def hub(serve, home, monkeypatch, tmp_path):
    """A server that speaks Kaggle's API as kagglehub uses it; ``hub.locked`` asks for an account."""
    import kagglesdk.kaggle_env as env

    state = types.SimpleNamespace(locked=False, asked=[], status=None, truncate=False)

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
        if handler.path.endswith("GetDataset"):
            return send(handler, b'{"currentVersionNumber": 1}', kind="application/json")
        content = (home[0] / "kaggle" / request["fileName"]).read_bytes()
        send(handler, content[: len(content) // 2] if state.truncate else content, length=len(content))

    monkeypatch.setitem(env._env_to_endpoint, env.KaggleEnv.TEST, serve(answer))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "dotkaggle"))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
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
    assert installed.read_bytes() == colab.content
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


def test_elsewhere_the_way_to_an_account_is_told(hub):
    hub.locked = True
    with pytest.raises(DataError, match=r"~/.kaggle/kaggle\.json"):
        fetch_mitbih(source="kaggle")


@pytest.mark.parametrize("status", [404, 500])
def test_a_failing_kaggle_is_said(hub, status):
    hub.status = status
    with pytest.raises(DataError, match=f"answered {status}.*physionet"):
        fetch_mitbih(source="kaggle")


def test_a_download_cut_short_is_not_trusted(hub):
    hub.truncate = True
    with pytest.raises(DataError, match="could not be reached"):
        fetch_mitbih(source="kaggle")
    hub.truncate = False
    assert len(fetch_mitbih(source="kaggle")) == 1000


def test_reading_is_faster_than_plain_pandas(real_beats, tmp_path):
    import pandas as pd

    few = dataclasses.replace(real_beats[::5])
    path, _ = write_kaggle_csv(few, few[:10], tmp_path)

    def seconds(read):
        start = time.perf_counter()
        read(path)
        return time.perf_counter() - start

    seconds(kaggle.read_csv)  # imports
    rounds = [(seconds(kaggle.read_csv), seconds(lambda p: pd.read_csv(p, header=None))) for _ in range(5)]
    ratio = min(ours for ours, _ in rounds) / min(theirs for _, theirs in rounds)
    print(f"reading takes {ratio:.2f} of plain pandas' time")
    assert ratio < 1
