"""A cluster as small as one can be: a scheduler and two workers, each a process of its own, on loopback.

``tools/scale.py`` measures on it, and the tests kill one of its workers.
"""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def cluster(folder):
    """The client of such a cluster, and its two workers' processes. `folder` takes what they write."""
    from dask.distributed import Client

    meeting = folder / "scheduler.json"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}  # where the studies are found

    def start(what, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", meeting]
        log = end.enter_context(open(folder / f"{what}.log", "a"))
        process = subprocess.Popen(
            [*map(str, command), *options, "--no-dashboard"], stdout=log, stderr=log, cwd=folder, env=env
        )
        end.callback(process.wait)
        end.callback(process.kill)
        return process

    with ExitStack() as end:
        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        own = ["--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(folder)]
        workers = [start("worker", *own) for _ in range(2)]
        client = end.enter_context(Client(scheduler_file=str(meeting), timeout=60))
        client.wait_for_workers(2, timeout=60)
        yield client, workers
