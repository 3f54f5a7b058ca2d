"""What falls into independent pieces, records and trainings: on one core, on several, or on a cluster."""

import os
import pickle
import subprocess
import sys
import threading
from contextlib import redirect_stdout


def each(function, calls, seeded=False, **how):
    """What ``function(*call)`` gives for each call, in their order, as it comes.

    Goes through joblib, so that ``joblib.parallel_config`` decides where: by default here and one after the
    other; with ``n_jobs=4`` four at a time; with ``backend="dask"`` on the machines of a cluster.

    Among the arguments may be no large array by itself. joblib would put it on one machine of the
    cluster, and if that is lost, all that need it are. Within `Beats` it travels with each call.

    Parameters
    ----------
    function : callable
        Defined in a module, so that another process finds it.
    calls : iterable of tuples
        Their arguments.
    seeded : bool
        It draws from random numbers that it has seeded for its whole process, as a training does. It gets
        one to itself: Dask's own threads draw from them, too.
    how : dict
        For ``joblib.Parallel``: `n_jobs` where it is not for the caller to say, ``prefer="threads"``.
    """
    from joblib import Parallel, delayed

    return Parallel(return_as="generator", **how)(delayed(_one)(seeded, function, *call) for call in calls)


def _one(seeded, function, *arguments):
    if seeded and threading.current_thread() is not threading.main_thread():
        return _elsewhere(function, *arguments)
    from joblib import parallel_config

    with parallel_config(backend="sequential"):  # what it would spread in its turn stays where it is
        return function(*arguments)


def _elsewhere(function, *arguments):
    """Call it in a process of its own, which ends with this one."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        pickle.dump((function, arguments), child.stdin)
        child.stdin.flush()  # not closed: by its end the other process knows of ours
        try:
            result, error = pickle.load(child.stdout)
        except EOFError:
            raise RuntimeError(f"{function.__name__} ended with its process ({child.wait()}).") from None
    if error:
        raise error
    return result


def _serve():
    """The other side of `_elsewhere`."""
    function, arguments = pickle.load(sys.stdin.buffer)
    threading.Thread(target=lambda: os.read(0, 1) or os._exit(1), daemon=True).start()
    result = error = None
    with redirect_stdout(sys.stderr):  # the answer goes the way that prints would go
        try:
            result = _one(False, function, *arguments)
        except Exception as problem:
            error = problem
    pickle.dump((result, error), sys.stdout.buffer)


if __name__ == "__main__":
    _serve()
