"""The published files, against the outside: their own checksum, and the counts that others print."""

import dataclasses
import hashlib
import re
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from ecg_lessons import fetch_mitbih, load_results, write_published_csv
from ecg_lessons.data import csv_files, mitbih, published
from studies import published as study

ROOT = Path(__file__).parents[1]

# Of Kaggle's mitbih_test.csv, as two public repositories that have nothing to do with each other record it.
SUM, SIZE = "f3fdb3fd318275e653fac082b617d8c1ef09fca619a0606dc22c863451c77333", 102_892_400
COUNTS = {"train": (72471, 2223, 5788, 641, 6431), "test": (18118, 556, 1448, 162, 1608)}


@pytest.fixture(scope="module")
def csvs(real_beats, tmp_path_factory):
    """Both published files, written from the recordings: (folder, seconds, more bytes of memory)."""
    folder = tmp_path_factory.mktemp("published")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    write_published_csv(real_beats, folder)
    seconds = time.perf_counter() - start
    return folder, seconds, 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def test_the_published_test_file_comes_out_of_the_recordings_bit_for_bit(csvs):
    folder, seconds, memory = csvs
    content = (folder / "mitbih_test.csv").read_bytes()
    print(f"both files written in {seconds:.0f} s with {memory / 1e6:.0f} MB more")
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (SUM, SIZE)
    assert (folder / "mitbih_train.csv").stat().st_size == 411_503_800  # as published
    assert seconds < 60 and memory < 300e6


def test_one_beat_of_record_102_was_moved_after_the_files_were_made(
    real_beats, real_folder, tmp_path, monkeypatch
):
    """Cut with its place of today, one row of the test file is another: the sum tells a single beat."""
    monkeypatch.setattr(published, "_MOVED", {})
    of_102 = real_beats.records == "102"
    signals = np.array(real_beats.signals)
    signals[of_102] = mitbih._cut_record(real_folder, "102", "published").signals
    is_changed = (signals != real_beats.signals).any(1)
    assert (is_changed & (real_beats.folds == "test")).sum() == 1 and not is_changed[~of_102].any()
    path = write_published_csv(dataclasses.replace(real_beats, signals=signals), tmp_path)[1]
    content = path.read_bytes()
    assert len(content) == SIZE and hashlib.sha256(content).hexdigest() != SUM


@pytest.mark.parametrize("recipe", ["published", "resampled", "context"])
def test_every_beat_has_its_published_fold(real_beats, recipe):
    beats = fetch_mitbih(recipe=recipe)
    for part, counts in zip(beats.published_folds(), COUNTS.values()):
        assert tuple(part.counts()) == counts
        assert len(set(part.patients)) == 47
    np.testing.assert_array_equal(beats.folds, real_beats.folds)


def test_the_published_rows_get_their_patients_back(csvs, real_beats):
    found = fetch_mitbih(source="kaggle", data_home=csvs[0])
    for part, ours in zip(found.published_folds(), real_beats.published_folds()):
        beat = np.lexsort([part.samples, part.records.astype(str)])  # the order of the recordings
        np.testing.assert_array_equal(part.signals[beat], ours.signals)
        for name in ("labels", "records", "patients", "samples"):
            np.testing.assert_array_equal(getattr(part, name)[beat], getattr(ours, name))


def test_the_published_test_rows_are_known_without_the_recordings(csvs, real_beats, monkeypatch, capsys):
    monkeypatch.setattr(mitbih, "_cut_records_at_hand", lambda _: None)
    train, test = fetch_mitbih(source="kaggle", data_home=csvs[0]).published_folds()
    assert set(train.patients) == {None} and len(set(test.patients)) == 47
    assert capsys.readouterr().out == ""
    samples = dict(zip((row.tobytes() for row in real_beats.signals), real_beats.samples))
    assert all(samples[row.tobytes()] == sample for row, sample in zip(test.signals, test.samples))


def test_the_rows_of_the_training_file_are_traced_among_the_beats_that_are_left(
    csvs, real_beats, tmp_path, capsys
):
    """A test beat that stands in the training file, too, is none of those."""
    test = real_beats.published_folds()[1]
    (tmp_path / "mitbih_test.csv").write_bytes((csvs[0] / "mitbih_test.csv").read_bytes())
    csv_files.write_csv(tmp_path / "mitbih_train.csv", test.signals[:7], test.labels[:7])
    train, _ = fetch_mitbih(source="kaggle", data_home=tmp_path).published_folds()
    assert set(train.patients) == {None}
    assert "7 of 21899 Kaggle rows match no MIT-BIH annotation" in capsys.readouterr().out


def test_the_list_of_test_beats_ships_small():
    assert published._TEST_BEATS.stat().st_size < 90_000
    records, samples = published._read_test_beats()
    assert len(records) == len(samples) == len(set(zip(records, samples))) == 21_892


def test_beats_without_published_folds_are_not_written(some_beats, tmp_path):
    with pytest.raises(ValueError, match="not divided"):
        write_published_csv(dataclasses.replace(some_beats, folds=None), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_page_shows_what_the_recordings_give(real_beats):
    assert study.take_apart(real_beats) == load_results("published")


def test_the_recipe_on_the_page_is_the_packages(real_beats, real_folder):
    """Its code block, run as it stands there."""
    page = (ROOT / "book" / "published_files.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "wfdb" in block]
    for name in ("100", "102", "114", "208"):
        scope = {"name": str(real_folder / name)}
        exec(code, scope)  # noqa: S102
        np.testing.assert_array_equal(scope["rows"], real_beats.signals[real_beats.records == name])


def test_no_page_names_another_sum():
    pages = [
        ROOT / "README.md",
        *(ROOT / "book" / f"{name}.md" for name in ("published_files", "dataset_card")),
    ]
    for page in pages:
        assert set(re.findall(r"\b[0-9a-f]{64}\b", page.read_text())) == {SUM}, page.name
