"""PTB Diagnostic and PTB-XL: from recordings with a diagnosis to beats, and what can be wrong with them."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_same, send
from wfdb.processing import compare_annotations

from ecg_lessons import (
    Beats,
    DataError,
    describe_ptbdb,
    describe_ptbxl,
    fetch_ptbdb,
    fetch_ptbxl,
    make_record,
    segment,
    storage,
)
from ecg_lessons.beats import DIAGNOSED
from ecg_lessons.data import csv_files, download, ptbdb, published, recording, records
from ecg_lessons.segment import find_r_peaks, resample_signal

LEADS = ["i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6"]
REASONS = {
    "patient001/s0010_re": "Myocardial infarction",
    "patient002/s0015lre": "Healthy control",
    "patient003/s0017lre": "Bundle branch block",
    "patient200/s0405_re": "n/a",
}
NAMES = list(REASONS)


def write(folder, name, seed, fs, comments=(), seconds=12.0, flat=False):
    """A twelve-lead record of format 16, with sums in its header."""
    import wfdb

    folder.mkdir(parents=True, exist_ok=True)
    lead = make_record("x", minutes=seconds / 60, seed=seed)[0].p_signal[:, 0]
    signal = resample_signal(lead, 360, fs)[0]
    if flat:
        signal = np.zeros_like(signal)
    signals = np.column_stack([signal * height for height in np.linspace(0.3, 1.2, 12)])
    wfdb.wrsamp(
        name, fs=fs, units=["mV"] * 12, sig_name=LEADS, p_signal=signals, fmt=["16"] * 12,
        adc_gain=[2000.0] * 12, baseline=[0] * 12, comments=list(comments), write_dir=str(folder),
    )  # fmt: skip


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A data directory with four records of PTB Diagnostic and six of PTB-XL."""
    home = tmp_path_factory.mktemp("diagnosed")
    for seed, (name, reason) in enumerate(REASONS.items()):
        folder, record = name.split("/")
        write(home / "ptbdb" / folder, record, seed, 1000, ["age: 50", f"Reason for admission: {reason}"])
    rows = ["ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr"]
    codes = ["{'NORM': 100.0, 'SR': 0.0}", "{'IMI': 50.0, 'NDT': 0.0}", "{'SR': 0.0}"]
    codes += ["{'NORM': 80.0, 'CRBBB': 0.0}", "{'NORM': 0.0}", "{'LVH': 100.0}"]
    for i, code in enumerate(codes, start=1):
        file = f"records100/00000/{i:05d}_lr"
        rows.append(f'{i},{100 + i}.0,{300 if i == 6 else 40 + i}.0,{i % 2},"{code}",{i},{file}')
        write(home / "ptbxl" / "records100" / "00000", f"{i:05d}_lr", i, 100, seconds=10.0)
    (home / "ptbxl" / "ptbxl_database.csv").write_text("\n".join(rows) + "\n")
    classes = {"NORM": "NORM", "IMI": "MI", "NDT": "STTC", "CRBBB": "CD", "LVH": "HYP", "SR": ""}
    lines = [f"{code},{1.0 if of else ''},{of}" for code, of in classes.items()]
    (home / "ptbxl" / "scp_statements.csv").write_text("\n".join([",diagnostic,diagnostic_class", *lines]))
    return home


@pytest.fixture
def home(written, tmp_path, monkeypatch):
    """A copy of it, free to be damaged; the package's own list of records is these four."""
    monkeypatch.setattr(ptbdb, "list_ptbdb_records", lambda: NAMES)
    monkeypatch.setattr(recording, "load_sums", lambda short: {})  # these are simulated
    monkeypatch.setattr(download, "RETRIES", 0)
    shutil.copytree(written, tmp_path / "home")
    return tmp_path / "home"


# ---- the detector ---------------------------------------------------------------------------


def found(name):
    """True, missed and false R peaks in a whole MIT-BIH record, within 150 ms."""
    folder = records.find_local_mitdb(None)[0] or records.find_cached_mitdb()
    record, _, _, peaks = records.read_annotated_beats(folder, name)
    same = compare_annotations(peaks, find_r_peaks(record.p_signal[:, 0], record.fs), 54)
    return same.tp, same.fn, same.fp


def test_the_detector_finds_99_of_100_beats_of_mit_bih_and_99_of_100_are_beats(real_folder):
    with ProcessPoolExecutor(2) as pool:
        hits, missed, alarms = np.sum(list(pool.map(found, records.list_records())), axis=0)
    print(f"sensitivity {hits / (hits + missed):.4f}, positive predictivity {hits / (hits + alarms):.4f}")
    assert hits / (hits + missed) >= 0.99 and hits / (hits + alarms) >= 0.99


@pytest.mark.parametrize("fs", [100, 250, 360, 500, 1000])
@pytest.mark.parametrize("height", [0.05, 1.0, 20.0])
def test_the_detector_works_at_any_frequency_and_height(fs, height):
    record, annotation = make_record("100", minutes=10 / 60, seed=3)
    beats = annotation.sample[[s != "+" for s in annotation.symbol]] / 360
    signal, _ = resample_signal(record.p_signal[:, 0], 360, fs)
    peaks = find_r_peaks(5 + height * signal, fs) / fs
    inside = beats[(beats > 0.2) & (beats < 9.8)]
    assert all(np.abs(peaks - beat).min() < 0.06 for beat in inside)
    assert len(peaks) <= len(beats) + 1


@pytest.mark.parametrize("offset", range(-30, 31, 6))
def test_a_qrs_that_is_cut_at_an_end_is_no_beat_and_rounding_decides_nothing(offset):
    record, annotation = make_record("100", minutes=12 / 60, seed=3)
    beats = annotation.sample[[s != "+" for s in annotation.symbol]]
    lead = record.p_signal[beats[1] + offset : beats[-2] + offset, 0]
    peaks = find_r_peaks(lead, 360)
    assert peaks.min() >= 18 and peaks.max() < len(lead) - 18
    for seed in range(5):  # as another processor rounds
        noise = np.random.default_rng(seed).normal(0, 1e-12, len(lead))
        np.testing.assert_array_equal(find_r_peaks(lead * (1 + noise), 360), peaks)


def test_a_flat_lead_has_no_peaks_and_a_broken_one_is_refused():
    assert len(find_r_peaks(np.zeros(3600), 360)) == 0
    with pytest.raises(ValueError, match="NaN"):
        find_r_peaks(np.full(3600, np.nan), 360)
    with pytest.raises(ValueError, match="one lead"):
        find_r_peaks(np.zeros((3600, 2)), 360)


# ---- the real recordings ----------------------------------------------------------------------


def test_the_real_records_give_the_people_that_their_headers_name(real_ptb):
    frame = real_ptb.to_frame().drop_duplicates("record")
    assert len(frame) == 64 and real_ptb.classes == ("normal", "abnormal") and real_ptb.fs == 120
    assert frame.groupby("diagnosis").record.count()[["Healthy control", "Bundle branch block"]].tolist() == [
        27,
        14,
    ]
    assert frame.patient[frame.label == 0].nunique() == 18
    assert ((frame.label == 0) == (frame.diagnosis == "Healthy control")).all()
    assert np.isfinite(real_ptb.signals).all() and len(real_ptb) > 600
    # a beat of a 10 s record lasts between 0.3 and 2 s, and there is one each
    assert np.nanmin(real_ptb.rr) > 0.25 and np.nanmax(real_ptb.rr) < 2.5


def test_all_of_a_long_record_is_cut_on_request(real_ptb):
    name = "patient001/s0014lre"
    ten, whole = (fetch_ptbdb(records=[name], seconds=s) for s in (10.0, None))
    assert len(whole) > 9 * len(ten) and whole.samples.max() > 110_000
    three = fetch_ptbdb(records=[name], leads=("ii", "v5", "vx"))
    assert three.signals.shape == (len(ten), 187, 3)
    np.testing.assert_array_equal(three.signals[..., 0], ten.signals)


def test_ten_seconds_rounded_to_a_microvolt_give_the_same_beats(real_ptb, tmp_path):
    """So a folder of short records stands in for a download of the long ones."""
    import wfdb

    name = "patient001/s0014lre"
    record = wfdb.rdrecord(
        str(storage.find_data_home() / "ptbdb" / name), sampto=10_000, channels=list(range(12))
    )
    assert record.adc_gain[0] == 2000  # half a microvolt
    folder = tmp_path / "ptbdb" / "patient001"
    folder.mkdir(parents=True)
    wfdb.wrsamp(
        "s0014lre", fs=1000, units=record.units, sig_name=record.sig_name, fmt=["16"] * 12,
        p_signal=record.p_signal.round(3), adc_gain=[2000.0] * 12, baseline=[0] * 12,
        comments=record.comments, write_dir=str(folder),
    )  # fmt: skip
    long, short = fetch_ptbdb(records=[name]), fetch_ptbdb(records=[name], data_home=tmp_path)
    assert (long.samples == short.samples).all()
    np.testing.assert_allclose(long.signals, short.signals, atol=2e-3)  # heights are some 1000 uV


def test_the_real_ptb_xl_is_split_by_patient_already(real_ptb):
    if not (storage.find_data_home() / "ptbxl").is_dir():
        pytest.skip("no PTB-XL records in ECG_LESSONS_DATA")
    beats = fetch_ptbxl()
    frame = beats.to_frame().drop_duplicates("record")
    assert len(frame) == 500 and frame.patient.nunique() == 466
    assert (frame.groupby("patient").fold.nunique() == 1).all() and frame.fold.nunique() == 10
    assert (frame.label == 0).sum() == (frame.diagnosis == "NORM").sum() == 290


# ---- small ones in their place ------------------------------------------------------------------


def test_the_default_list_has_65_records():
    assert (
        len(set(ptbdb.list_ptbdb_records())) == 65 and ptbdb.list_ptbdb_records()[0] == "patient001/s0010_re"
    )


def test_beats_bear_their_records_label_and_what_has_no_diagnosis_is_counted(home, capsys):
    beats = fetch_ptbdb(data_home=home)
    assert "1 of 4 records left out: 1 with no reason for admission" in capsys.readouterr().out
    frame = beats.to_frame().drop_duplicates("record")
    assert frame.label.tolist() == [1, 0, 1] and frame.patient.tolist() == [n[:10] for n in NAMES[:3]]
    assert dict(zip(frame.record, frame.diagnosis)) == {n: REASONS[n] for n in NAMES[:3]}
    fetch_ptbdb(data_home=home)  # from the cache: told again
    assert "1 of 4 records left out" in capsys.readouterr().out


def test_the_headers_tell_who_the_people_are(home, monkeypatch):
    people = describe_ptbdb(data_home=home)
    assert people.index.tolist() == NAMES and people.age.tolist() == [50] * 4
    assert people.reason[:3].tolist() == [REASONS[n] for n in NAMES[:3]] and people.reason.isna().iloc[3]
    assert people.patient.tolist() == [n[:10] for n in NAMES] and people.sex.isna().all()
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    made = describe_ptbdb()
    assert set(made.patient) == set(fetch_ptbdb().patients) and made.age.between(20, 80).all()


def test_a_name_that_no_record_has_is_told_and_one_named_twice_counts_once(home, capsys):
    for fetch in (fetch_ptbdb, describe_ptbdb):
        with pytest.raises(ValueError, match="'nonsense' is no record of PTB; they are named like"):
            fetch(data_home=home, records=[NAMES[0], "nonsense"])
    twice = [NAMES[0], NAMES[3], NAMES[0]]
    assert describe_ptbdb(data_home=home, records=twice).index.tolist() == [NAMES[0], NAMES[3]]
    assert set(fetch_ptbdb(data_home=home, records=twice).records) == {NAMES[0]}
    assert "1 of 2 records left out" in capsys.readouterr().out


def test_infarction_alone_leaves_the_other_patients_out(home, capsys):
    beats = fetch_ptbdb(data_home=home, abnormal="mi")
    assert set(beats.records) == set(NAMES[:2])
    assert "1 of other patients" in capsys.readouterr().out


def test_a_beat_is_the_published_cut_of_the_lead_at_three_times_its_frequency(home):
    import wfdb

    name = NAMES[0]
    lead = wfdb.rdrecord(str(home / "ptbdb" / name), sampto=10_000).p_signal[:, 1]
    peaks = find_r_peaks(lead, 1000)
    for fs in (120.0, 125.0):
        beats = fetch_ptbdb(data_home=home, records=[name], fs=fs)
        fine, ratio = resample_signal(lead, 1000, 3 * fs)
        at = np.round(peaks * ratio).astype(int)
        # the last interval once more: what stands for an annotation after the last
        expected = segment(fine, at, 3 * fs, annotations=[*at, 2 * at[-1] - at[-2]])
        np.testing.assert_allclose(beats.signals, expected, atol=1e-5)
        assert beats.fs == fs and (beats.samples == peaks[:-1]).all()
    np.testing.assert_allclose(beats.rr[:, 1], np.diff(peaks) / 1000, atol=1e-5)


def test_a_beat_lasts_as_long_at_either_frequency(home):
    slow, fast = (fetch_ptbdb(data_home=home, fs=fs) for fs in (120, 125))
    lengths = [np.median((b.signals > 0).sum(1)) / b.fs for b in (slow, fast)]
    assert lengths[0] == pytest.approx(lengths[1], abs=0.01)


def test_several_leads_lie_side_by_side(home, tmp_path):
    beats = fetch_ptbdb(data_home=home, leads=("ii", "V1"))
    assert beats.signals.shape[1:] == (187, 2)
    again = fetch_ptbdb(data_home=home, leads=("ii", "V1"))  # from the cache
    assert_same(beats, again)
    np.testing.assert_allclose(beats.signals[..., 0], beats.signals[..., 1], atol=2e-3)


def test_ptb_xl_calls_normal_what_is_normal_only(home):
    beats = fetch_ptbxl(data_home=home, records=range(1, 7))
    frame = beats.to_frame().drop_duplicates("record").set_index("record")
    assert frame.diagnosis.to_dict() == {
        "1": "NORM", "2": "MI+STTC", "3": "none", "4": "NORM+CD", "5": "NORM", "6": "HYP"
    }  # fmt: skip
    assert frame.label.to_list() == [0, 1, 1, 1, 0, 1]
    assert frame.patient["6"] == "106" and frame.fold["6"] == "6"


def test_the_table_tells_who_the_people_are(home, monkeypatch):
    people = describe_ptbxl(data_home=home, records=range(1, 7))
    assert people.age.tolist() == [41, 42, 43, 44, 45, 90] and people.index.tolist() == list("123456")
    assert people.sex.tolist() == ["female", "male"] * 3 and people.patient["6"] == "106"
    assert people.reason["2"] == "MI+STTC"
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    assert set(describe_ptbxl().patient) == set(fetch_ptbxl().patients)


# ---- what can be wrong --------------------------------------------------------------------------


def test_wrong_arguments_are_refused(home):
    for wrong in (
        {"abnormal": "some"},
        {"leads": ()},
        {"leads": ("ii", "II")},
        {"seconds": 0},
        {"fs": 5},
        {"records": ["s0010_re"]},
        {"source": "elsewhere"},
        {"source": "kaggle", "abnormal": "mi"},
    ):
        with pytest.raises(ValueError):
            fetch_ptbdb(**({"data_home": home} | wrong))
    for wrong in ({"task": "mi"}, {"source": "kaggle"}, {"leads": ()}):
        with pytest.raises(ValueError):
            fetch_ptbxl(**({"data_home": home} | wrong))


def test_an_unknown_lead_is_named_with_those_there_are(home):
    with pytest.raises(DataError, match=r"s0010_re\.hea has no lead 'v9'; it has i, ii"):
        fetch_ptbdb(data_home=home, leads=("v9",))


@pytest.mark.parametrize("end", ["hea", "dat"])
def test_a_missing_file_is_named(home, end):
    (home / "ptbdb" / f"{NAMES[2]}.{end}").unlink()
    with pytest.raises(DataError, match=rf"s0017lre\.{end} is missing"):
        fetch_ptbdb(data_home=home)
    (home / "ptbxl" / "records100" / "00000" / f"00004_lr.{end}").unlink()
    with pytest.raises(DataError, match=rf"00004_lr\.{end} is missing"):
        fetch_ptbxl(data_home=home, records=range(1, 7))


PTB_LONG = "ptb-diagnostic-ecg-database-1.0.0"
PTBXL_LONG = "ptb-xl-a-large-publicly-available-electrocardiography-dataset"
PTB_PLACES = ["ptbdb/1.0.0", PTB_LONG, f"{PTB_LONG}/{PTB_LONG}", "physionet.org/files/ptbdb/1.0.0", "."]
PTBXL_PLACES = [
    *(f"{name}/{version}" for name in ("ptb-xl", "ptbxl") for version in ("1.0.1", "1.0.2", "1.0.3")),
    *(f"{PTBXL_LONG}-{version}" for version in ("1.0.1", "1.0.2", "1.0.3")),
    "physionet.org/files/ptb-xl/1.0.1", "physionet.org/files/ptb-xl/1.0.3", "ptb-xl", "1.0.2", ".",
]  # fmt: skip


@pytest.mark.parametrize("place", PTB_PLACES)
def test_ptb_is_found_under_the_names_that_physionet_gives(home, tmp_path, place):
    shutil.copytree(home / "ptbdb", tmp_path / "data" / place, dirs_exist_ok=True)
    assert describe_ptbdb(data_home=tmp_path / "data").index.tolist() == NAMES


@pytest.mark.parametrize("place", PTBXL_PLACES)
def test_ptb_xl_is_found_under_the_names_that_physionet_gives(home, tmp_path, place):
    shutil.copytree(home / "ptbxl", tmp_path / "data" / place, dirs_exist_ok=True)
    assert len(describe_ptbxl(data_home=tmp_path / "data", records=range(1, 7))) == 6


def test_signals_are_held_to_the_header_under_physionets_names_too(home):
    folder = (home / "ptbdb").rename(home / PTB_LONG)
    assert len(fetch_ptbdb(data_home=home))
    path = folder / f"{NAMES[1]}.dat"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=f"{PTB_LONG}/patient002/s0015lre.dat holds 5000 bytes"):
        fetch_ptbdb(data_home=home)


def test_tables_of_one_folder_are_not_mixed_with_recordings_of_another(home):
    shutil.copytree(home / "ptbxl", home / "ptb-xl" / "1.0.1")
    for path in (home / "ptb-xl" / "1.0.1").rglob("*.dat"):
        path.unlink()
    with pytest.raises(DataError, match=r"ptb-xl/1\.0\.1/records100/00000/00001_lr\.dat is missing"):
        fetch_ptbxl(data_home=home, records=range(1, 7))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that cannot be read is Linux's")
@pytest.mark.parametrize(
    "file", [f"ptbdb/{NAMES[0]}.hea", "ptbxl/ptbxl_database.csv", "ptbxl/scp_statements.csv"]
)
def test_what_cannot_be_read_is_not_said_to_be_damaged(home, file):
    (home / file).unlink()
    (home / file).symlink_to("/proc/self/mem")
    fetch = fetch_ptbdb if file.startswith("ptbdb") else lambda data_home: fetch_ptbxl(data_home, records=[1])
    told = r"could not be read \((Input/output error|Invalid argument)\)"
    with pytest.raises(DataError, match=told) as error:
        fetch(data_home=home)
    assert str(home / file) in str(error.value) and "Replace" not in str(error.value)


def test_a_signal_that_may_not_be_read_is_named(home, monkeypatch):
    def refuse(path, *arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(recording.np, "fromfile", refuse)
    with pytest.raises(DataError, match=r"s0010_re\.dat may not be read .*Change its permissions"):
        fetch_ptbdb(data_home=home)


def test_frank_leads_are_read_from_the_file_that_holds_them_alone(home, tmp_path):
    """Where only leads of the .xyz file are asked for, a download brings no .dat."""
    path = home / "ptbdb" / f"{NAMES[0]}.hea"
    path.write_text(path.read_text().replace("s0010_re.dat", "s0010_re.xyz"))
    path.with_suffix(".dat").rename(path.with_suffix(".xyz"))
    assert len(fetch_ptbdb(data_home=home, records=NAMES[:1]))


@pytest.mark.parametrize("damage, message", [
    (lambda b: b[:5000], "holds 5000 bytes"), (lambda b: b"x" + b[1:], "does not begin"),
    (lambda b: b[:100_001] + b"?" + b[100_002:], "does not add up"), (lambda b: b"", "holds 0 bytes"),
])  # fmt: skip
def test_a_damaged_signal_is_named(home, damage, message):
    path = home / "ptbdb" / f"{NAMES[1]}.dat"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=f"s0015lre.dat {message}"):
        fetch_ptbdb(data_home=home)


@pytest.mark.parametrize("text", ["", "<html>", "s0015lre twelve 1000", "s0015lre 1 1000 0\n"])
def test_a_damaged_header_is_named(home, text):
    (home / "ptbdb" / f"{NAMES[1]}.hea").write_text(text)
    with pytest.raises(DataError, match=r"s0015lre\.hea is not a header"):
        fetch_ptbdb(data_home=home)


# what is said of a header, and what in it is changed for that; line 2 is that of lead ii
UNUSUAL = {
    "a skew": ("a skew", " 16 ", " 16:200 "),
    "a byte offset": ("byte offset", " 16 ", " 16+24 "),
    "a format": ("a format other", " 16 ", " 212 "),
    "no format": ("is not a header", " 16 ", " 999999 "),
    "frames": ("samples in a frame", " 16 ", " 16x2 "),
    "a negative gain": ("a gain of -2000", "2000.0", "-2000.0"),
    "no gain": ("is not a header", "2000.0", "nan"),
    "a lead twice": ("two leads named 'i'", " ii\n", " I\n"),
    "another unit": ("not in mV", "/mV", "/uV"),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_a_header_with_what_the_database_does_not_use_is_named(home, what):
    path = home / "ptbdb" / f"{NAMES[1]}.hea"
    message, old, new = UNUSUAL[what]
    lines = path.read_text().splitlines(keepends=True)
    assert old in lines[2]
    path.write_text("".join([*lines[:2], lines[2].replace(old, new, 1), *lines[3:]]))
    with pytest.raises(DataError, match=rf"s0015lre\.hea .*{message}"):
        fetch_ptbdb(data_home=home, leads=("ii",) if what != "a lead twice" else ("i",))


@pytest.mark.parametrize("first, message", [
    ("s0015lre/2 12 1000 12000", "single segment"), ("s0015lre 999999999 1000 12000", "999999999 signals"),
    ("s0015lre 12 1000 99999999", "99999999 samples"), ("s0015lre 12 1000000000 12000", "samples a second"),
    ("s0015lre 0 1000 12000", "0 signals"),
])  # fmt: skip
def test_a_header_of_no_sane_size_is_named(home, first, message):
    path = home / "ptbdb" / f"{NAMES[1]}.hea"
    path.write_text(first + path.read_text()[path.read_text().index("\n") :])
    with pytest.raises(DataError, match=rf"s0015lre\.hea .*{message}"):
        fetch_ptbdb(data_home=home)


@pytest.mark.parametrize("n, message", [(2000, "a comment of"), (3_000_000, "more than 50000 bytes")])
def test_a_long_diagnosis_does_not_fill_the_cache(home, n, message):
    path = home / "ptbdb" / f"{NAMES[1]}.hea"
    path.write_text(path.read_text().replace("Healthy control", "x" * n))
    with pytest.raises(DataError, match=rf"s0015lre\.hea .*{message}"):
        fetch_ptbdb(data_home=home)
    assert not storage.find_cache_dir().exists()


def test_the_courses_headers_are_all_taken(real_ptb):
    folder = storage.find_data_home()
    headers = [*folder.glob("ptbdb/*/*.hea"), *folder.glob("ptbxl/records100/*/*.hea")]
    assert all(recording.read_header(path.with_suffix("")).n_sig in (12, 15) for path in headers)


@pytest.mark.parametrize("short", ["ptbdb", "ptb-xl"])
def test_the_sums_that_ship_are_those_of_the_recordings(real_ptb, short):
    for name, (digest, size) in records.load_sums(short).items():
        path = storage.find_data_home() / short.replace("-", "") / name
        if size and path.is_file():  # the folder holds a part of PTB-XL's table
            assert (storage.compute_sha256(path), path.stat().st_size) == (digest, size), name


def test_a_header_without_a_diagnosis_is_left_out_and_none_with_one_is_an_error(home, capsys):
    for name in NAMES[:3]:
        path = home / "ptbdb" / f"{name}.hea"
        path.write_text("".join(line for line in path.open() if "Reason" not in line))
        if name != NAMES[2]:
            fetch_ptbdb(data_home=home)
    assert "3 with no reason for admission" in capsys.readouterr().out
    with pytest.raises(DataError, match="None of the records"):
        fetch_ptbdb(data_home=home)


def test_a_record_without_a_beat_is_left_out_and_none_with_one_is_an_error(home, capsys):
    comments = ["Reason for admission: Healthy control"]
    write(home / "ptbdb" / "patient002", "s0015lre", 0, 1000, comments, flat=True)
    assert set(fetch_ptbdb(data_home=home).records) == {NAMES[0], NAMES[2]}
    assert "1 without a beat" in capsys.readouterr().out
    with pytest.raises(DataError, match="No beat was found in lead ii"):
        fetch_ptbdb(data_home=home, records=[NAMES[1]])


def test_a_damaged_table_or_a_recording_it_does_not_have_is_named(home):
    with pytest.raises(DataError, match="has no recording 7 "):
        fetch_ptbxl(data_home=home, records=range(1, 9))
    (home / "ptbxl" / "ptbxl_database.csv").write_text("<html>no")
    with pytest.raises(DataError, match=r"ptbxl_database\.csv is not PTB-XL's table"):
        fetch_ptbxl(data_home=home, records=range(1, 7))


def test_a_changed_record_is_not_answered_from_the_cache(home):
    before = fetch_ptbdb(data_home=home)
    write(home / "ptbdb" / "patient001", "s0010_re", 77, 1000, ["Reason for admission: Healthy control"])
    after = fetch_ptbdb(data_home=home)
    assert (
        set(after.labels[after.records == NAMES[0]]) == {0}
        and len(after) != len(before)
        or not (np.array_equal(after.signals, before.signals))
    )


# ---- downloads ------------------------------------------------------------------------------------


def web(folder, asked, ranges=True, faults=None):
    """An answer for `serve`: the files of `folder`, in part where a part is asked for."""

    def answer(handler):
        name = handler.path.split("/", 3)[3]
        asked.append((name, handler.headers.get("Range")))
        name = {"patient200/s0405lre.hea": "patient200/s0405_re.hea"}.get(name, name)
        if faults and name in faults:
            return send(handler, **faults[name])
        if not (folder / name).is_file():
            return send(handler, status=404)
        content = (folder / name).read_bytes()
        if ranges and (part := handler.headers.get("Range")):
            return send(handler, content[: int(part.split("-")[1]) + 1], status=206)
        send(handler, content)

    return answer


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_takes_what_it_needs_and_gives_the_same_beats(home, serve, monkeypatch, ranges):
    asked = []
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(web(home / "ptbdb", asked, ranges)))
    beats = fetch_ptbdb()
    assert_same(beats, fetch_ptbdb(data_home=home))
    names = sorted(name for name, _ in asked)
    heads = [n.replace("s0405_re", "s0405lre") + ".hea" for n in NAMES]
    assert names == sorted(heads + [n + ".dat" for n in NAMES[:3]])  # no signal without a diagnosis
    assert {part for name, part in asked if name.endswith("dat")} == {"bytes=0-239999"}
    size = (storage.find_cache_dir() / "ptbdb" / f"{NAMES[0]}.dat").stat().st_size
    assert size == (240_000 if ranges else 288_000)
    asked.clear()
    fetch_ptbdb()
    assert not asked
    whole = fetch_ptbdb(seconds=None)  # more than before: fetched anew
    assert_same(whole, fetch_ptbdb(data_home=home, seconds=None))
    assert len(asked) == (3 if ranges else 0)


def test_ptb_xl_is_downloaded_with_its_tables(home, serve, monkeypatch):
    asked = []
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(web(home / "ptbxl", asked)))
    beats = fetch_ptbxl(records=range(1, 7))  # at once, into one folder that is not there yet
    assert_same(beats, fetch_ptbxl(data_home=home, records=range(1, 7)))
    assert len(asked) == 2 + 6 + 6


FAULTS = {
    "404": (dict(status=404), "answered 404"),
    "a sign-in page": (dict(body=b"<html>Sign in</html>" * 20_000, kind="text/html"), "not the file"),
    "too short": (dict(body=b"0" * 5000), "not the file"),
    "a cut connection": (dict(body=b"0" * 5000, length=9000), "could not be downloaded"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("end", ["hea", "dat"])
def test_a_failing_server_gives_one_clear_error_and_nothing_wrong_stays(home, serve, monkeypatch, fault, end):
    response, message = FAULTS[fault]
    faults = {f"{NAMES[1]}.{end}": response}
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(web(home / "ptbdb", [], True, faults)))
    with pytest.raises(DataError, match=message) as error:
        fetch_ptbdb()
    assert f"s0015lre.{end}" in str(error.value) and error.value.__suppress_context__
    assert not (storage.find_cache_dir() / "ptbdb" / f"{NAMES[1]}.{end}").exists()
    faults.clear()
    assert_same(fetch_ptbdb(), fetch_ptbdb(data_home=home))


@pytest.mark.parametrize("end", ["hea", "dat"])
def test_a_server_cannot_give_more_than_a_record_has(home, serve, monkeypatch, end):
    sent, well = [], web(home / "ptbdb", [])

    def endless(handler):
        if not handler.path.endswith(f"{NAMES[1]}.{end}"):
            return well(handler)
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(2000):
                handler.wfile.write(b"0" * 100_000)
                sent.append(100_000)
        except OSError:
            pass  # the other side has had enough

    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(endless))
    with pytest.raises(DataError, match=f"s0015lre.{end} is not the file"):
        fetch_ptbdb()
    assert sum(sent) < 50_000_000


def test_a_download_is_held_to_the_sums_that_are_known_and_a_data_directory_is_not(home, serve, monkeypatch):
    known = {f"{NAMES[1]}.{end}": ("0" * 64, None) for end in ("hea", "dat")}
    monkeypatch.setattr(recording, "load_sums", lambda short: known)
    assert NAMES[1] in fetch_ptbdb(data_home=home).records
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(web(home / "ptbdb", [])))
    with pytest.raises(DataError, match="s0015lre.hea is not the file that PhysioNet published"):
        fetch_ptbdb()
    del known[f"{NAMES[1]}.hea"]
    fetch_ptbdb()  # of a signal, a part is fetched, which has another sum
    with pytest.raises(DataError, match="s0015lre.dat is not the file that PhysioNet published"):
        fetch_ptbdb(seconds=None)


def test_a_downloaded_file_that_was_damaged_since_is_fetched_again(home, serve, monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_PHYSIONET", serve(web(home / "ptbdb", [])))
    beats = fetch_ptbdb()
    (storage.find_cache_dir() / "ptbdb" / f"{NAMES[0]}.dat").write_bytes(b"short")
    (storage.find_cache_dir() / "ptbdb" / f"{NAMES[1]}.hea").write_bytes(b"")
    assert_same(fetch_ptbdb(), beats)


# ---- the same from Kaggle, and made up -----------------------------------------------------------------


@pytest.fixture
def csvs(tmp_path, some_beats):
    """Two CSVs in the published form, and what they hold."""
    signals = some_beats.signals[:60]
    parts = [Beats(signals[:20], np.zeros(20)), Beats(signals[20:], np.ones(40))]
    (tmp_path / "csvs").mkdir()
    for part, name in zip(parts, published.PTB_FILES.values()):
        csv_files.write_csv(tmp_path / "csvs" / name, part.signals, part.labels)
    both = Beats(signals, np.repeat([0, 1], [20, 40]), classes=DIAGNOSED, fs=125.0, source="kaggle")
    return tmp_path / "csvs", both


def test_the_kaggle_files_are_read(csvs):
    folder, expected = csvs
    assert_same(fetch_ptbdb(source="kaggle", data_home=folder), expected)


def test_a_kaggle_file_that_is_missing_or_holds_the_other_class_is_named(csvs):
    folder, _ = csvs
    shutil.copy(folder / "ptbdb_normal.csv", folder / "ptbdb_abnormal.csv")
    with pytest.raises(DataError, match=r"ptbdb_abnormal\.csv, row 1: the label is 0"):
        fetch_ptbdb(source="kaggle", data_home=folder)
    (folder / "ptbdb_abnormal.csv").unlink()
    with pytest.raises(DataError, match=r"ptbdb_abnormal\.csv is missing"):
        fetch_ptbdb(source="kaggle", data_home=folder)


def test_simulated_people_must_be_asked_for(monkeypatch):
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    for beats in (fetch_ptbdb(), fetch_ptbxl()):
        assert beats.source == "simulated" and beats.classes == DIAGNOSED and set(beats.labels) == {0, 1}
        assert (beats.to_frame().groupby("patient").label.nunique() == 1).all()
    assert fetch_ptbxl().folds is not None and fetch_ptbdb(leads=("ii", "v1")).signals.shape[2] == 2
    monkeypatch.delenv("ECG_LESSONS_SOURCE")
    monkeypatch.setattr(download, "RETRIES", 0)
    with pytest.raises(DataError):
        fetch_ptbdb()
