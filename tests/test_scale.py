"""Records and trainings on several cores and on a cluster, of which a machine is lost half way."""

import os
import sys
import time

import numpy as np
import psutil
import pytest
from helpers import assert_same
from joblib import parallel_config
from joblib.parallel import get_active_backend
from test_ptb import home, written  # noqa: F401 fixtures

from ecg_lessons import Beats, DataError, fetch_ptbxl, storage
from ecg_lessons.data import mitbih
from studies import reference, staircase, transfer
from studies.common import ROOT
from studies.parallel import run_each
from tools.cluster import cluster


def test_a_call_after_the_other_by_default_and_in_their_order():
    assert list(run_each(divmod, [(7, 2), (9, 4), (3, 3)])) == [(3, 1), (2, 1), (1, 0)]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_on_several_cores_the_beats_are_the_same(home, tmp_path, monkeypatch, backend):  # noqa: F811
    alone = fetch_ptbxl(data_home=home, records=range(1, 7))
    monkeypatch.setenv("ECG_LESSONS_CACHE", str(tmp_path / "other"))
    with parallel_config(backend=backend, n_jobs=2):
        assert (os.getpid() in run_each(os.getpid, [()] * 4)) == (backend == "threading")
        assert_same(fetch_ptbxl(data_home=home, records=range(1, 7)), alone)


def test_an_error_on_another_core_is_the_same_error(home):  # noqa: F811
    path = home / "ptbxl" / "records100" / "00000" / "00004_lr.dat"
    path.write_bytes(path.read_bytes()[:-2])
    with parallel_config(n_jobs=2), pytest.raises(DataError, match="00004_lr.dat holds 2"):
        fetch_ptbxl(data_home=home, records=range(1, 7))
    assert not list(storage.find_cache_dir().glob("*")) and not list(storage.find_cache_dir().glob(".*"))


def in_a_thread(function, *calls):
    """What the seeded calls give where they are made by a thread, as on a Dask worker."""
    with parallel_config(backend="threading", n_jobs=2):
        return list(run_each(function, calls, seeded=True))


class Unreadable:
    """Large, and ends the process that wants to read it."""

    def __reduce__(self):
        return os._exit, (3,), bytes(10_000_000)


@pytest.mark.parametrize("command", [reference, staircase, transfer])
def test_jobs_are_trainings_at_a_time(command, monkeypatch, capsys):
    found = {"summary": {}, "rivals": {}}
    at_a_time = []
    run = lambda *_: at_a_time.append(get_active_backend()[1]) or found  # noqa: E731
    monkeypatch.setattr(command, "run_study", run)
    assert command.main([]) == command.main(["--jobs", "3"]) == 0 and at_a_time == [1, 3]
    with pytest.raises(SystemExit):
        command.main(["--jobs", "0"])
    assert "--jobs must be at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("command", [reference, staircase])
def test_a_worker_that_has_no_recordings_trains_on_none(command, monkeypatch):
    """Its environment is its own, and what the caller has seen says nothing of it."""
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    with pytest.raises(DataError, match="needs real recordings, not simulated beats"):
        command._run_training("beat" if command is reference else staircase.STEPS[0], 0, command.RECIPE, None)


def test_what_is_seeded_has_a_process_to_itself():
    assert in_a_thread(divmod, (7, 2), (9, 4)) == [(3, 1), (2, 1)]
    ids = in_a_thread(os.getpid, (), ())
    assert len({os.getpid(), *ids}) == 3
    assert in_a_thread(print, ("a line of its own",)) == [None]
    assert in_a_thread(os.system, ("echo another",)) == [0]
    with pytest.raises(ZeroDivisionError):
        in_a_thread(divmod, (1, 0))
    with pytest.raises(RuntimeError, match=r"_exit ended with its process \(3\)"):
        in_a_thread(os._exit, (3,))
    with pytest.raises(RuntimeError, match="getpid ended with its process"):
        in_a_thread(os.getpid, (Unreadable(),))
    assert list(run_each(os.getpid, [()], seeded=True)) == [os.getpid()]  # this one it has to itself


def test_such_a_process_ends_with_the_one_that_started_it():
    code = "import time; from studies.parallel import _run_in_process; _run_in_process(time.sleep, 600)"
    parent = psutil.Popen([sys.executable, "-c", code], cwd=ROOT)
    deadline = time.monotonic() + 30
    while not (children := parent.children()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)  # it has begun
    parent.kill()
    assert children and not psutil.wait_procs([parent, *children], timeout=10)[1]


def all_of(parts):
    parts = list(parts)
    names = ("signals", "labels", "patients", "records", "samples", "rr")
    return Beats(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def test_a_cluster_that_loses_a_machine_cuts_the_same_beats(real_folder, tmp_path):
    """All of MIT-BIH; one of the two workers is killed after a third of the records."""
    alone = all_of(mitbih._cut_records(real_folder, "published"))
    with cluster(tmp_path) as (client, workers), parallel_config(backend="dask"):
        assert set(run_each(os.getpid, [()] * 20)) <= {worker.pid for worker in workers}
        parts = []
        for part in mitbih._cut_records(real_folder, "published"):
            parts.append(part)
            if len(parts) == 16:
                workers[0].kill()
        left = client.scheduler_info()["workers"]
    assert len(left) == 1
    assert_same(all_of(parts), alone)
