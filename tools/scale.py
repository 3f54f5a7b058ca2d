"""What more cores, and other machines, are good for: what ``make scale`` calls. Writes ``results/scale.json``.

You need it when the way that work is spread over cores has changed. Linux only.

Records of PTB-XL are cut, and small networks trained: one after the other, one a core, and on a cluster of
two workers on loopback, of which one is killed after a third. What comes out must be the same each time. And the
memory that cutting MIT-BIH takes, with each record once, four times and sixteen times.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config

import ecg_lessons
from ecg_lessons import DataError, fetch_ptbxl, load_results
from ecg_lessons.data import mitbih, recording
from studies import staircase
from studies.common import describe_machine, write_results
from studies.parallel import run_each
from tools import cards
from tools.cluster import cluster
from tools.run import ROOT, prepare

RECORDS, SEEDS = 500, 6
TIMES = (1, 4, 16)  # each record of MIT-BIH


def cut_records(watched):
    """The beats of PTB-XL's 500 records, cut anew, as one short text."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_LESSONS_CACHE", folder)
        cut = recording._cut_recordings
        patch.setattr(recording, "_cut_recordings", lambda *given: watched(cut(*given), RECORDS // 3))
        beats = fetch_ptbxl(records=range(1, RECORDS + 1))
        arrays = (beats.signals, beats.labels, beats.samples, beats.rr)
        return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def trainings(watched):
    """What networks of the staircase's third step, trained with several seeds, score on DS2."""
    calls = [("+ beat in context", seed, staircase.RECIPE, None) for seed in range(SEEDS)]
    return [
        run["test"] for run, _ in watched(run_each(staircase._run_training, calls, seeded=True), SEEDS // 3)
    ]


def compared(work, pieces):
    """Seconds of the same work on one core, on two, and on a cluster that loses one of its two workers."""
    seconds, found = {}, []

    def timed(name, watched=lambda parts, _: parts):
        list(run_each(abs, [(-1,), (-2,)], n_jobs=2))  # the other processes are there
        start = time.perf_counter()
        found.append(work(watched))
        seconds[name] = round(time.perf_counter() - start, 1)

    with parallel_config(backend="sequential"):
        work(lambda parts, _: parts)  # imports, and what is kept in memory
        timed("one after the other")
    with parallel_config(n_jobs=2):
        timed("two at a time")
    with tempfile.TemporaryDirectory() as folder:
        with cluster(Path(folder)) as (client, workers), parallel_config(backend="dask"):

            def loses_one(parts, some):
                for n, part in enumerate(parts, 1):
                    if n == some:
                        workers[0].kill()
                    yield part

            timed("on a cluster that loses one of two workers", loses_one)
            left = len(client.scheduler_info()["workers"])
    return {
        "pieces": pieces,
        "seconds": seconds,
        "workers left": left,
        "same": found[0] == found[1] == found[2],
    }


def memory(times):
    """Beats, and the most memory (MB) that cutting them took beyond what was taken before."""
    names, most, cutting = mitbih.list_records(), 0, True
    mitbih.list_records = lambda: sorted(names * times)

    def anonymous():  # without the mapped file, which the system takes back where others need the room
        return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1024

    def watch():
        nonlocal most
        while cutting:
            most = max(most, anonymous())
            time.sleep(0.005)

    ecg_lessons.fetch_record("100")  # imports
    before, watcher = anonymous(), threading.Thread(target=watch, daemon=True)
    watcher.start()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ECG_LESSONS_CACHE"] = folder
        beats = len(ecg_lessons.fetch_mitbih())
    cutting = False
    watcher.join()
    return {"times": times, "beats": beats, "MB": round(most - before)}


def measured(times):
    """`memory`, in a process that did nothing before."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.scale", str(times)], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments):
    try:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # also of all that is started here
        if not prepare():
            return "The measurements need real recordings, and none are at hand."
        if arguments:
            print(json.dumps(memory(int(arguments[0]))))
            return 0
        found = {
            "machine": describe_machine(),
            "records": compared(cut_records, RECORDS),
            "trainings": compared(trainings, SEEDS),
            "memory": [measured(times) for times in TIMES],
        }
        write_results(ROOT / "results" / "scale.json", found)
        cards.fill(load_results("evaluation"))
    except DataError as error:
        return str(error)
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
