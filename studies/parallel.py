"""What falls into independent pieces, records and trainings: on one core, on several, or on a cluster."""

import os
import pickle
import subprocess
import sys
import threading


def run_each(function, calls, seeded=False, **how):
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
        It draws from random numbers that it has seeded for its whole process, as a training does. Where
        other threads might draw from them, Dask's own for one, it gets a process to itself.
    how : dict
        For ``joblib.Parallel``: `n_jobs` where it is not for the caller to say, ``prefer="threads"``.
    """
    from joblib import Parallel, delayed

    return Parallel(return_as="generator", **how)(
        delayed(_run_one)(seeded, function, *call) for call in calls
    )


def _run_one(seeded, function, *arguments):
    if seeded and threading.current_thread() is not threading.main_thread():
        return _run_in_process(function, *arguments)
    from joblib import parallel_config

    with parallel_config(backend="sequential"):  # what it would spread in its turn stays where it is
        return function(*arguments)


def _run_in_process(function, *arguments):
    """Call it in a process of its own, which ends with this one."""
    command = [sys.executable, "-m", __name__]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))
    }  # it imports what we can
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as child:
            pickle.dump((function, arguments), child.stdin)
            child.stdin.flush()  # not closed: by its end the other process knows of ours
            result, error = pickle.load(child.stdout)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):
        raise RuntimeError(f"{function.__name__} ended with its process ({child.returncode}).") from None
    if error:
        raise error
    return result


def _run_as_child():
    """The other side of `_run_in_process`."""
    asked, answer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # whoever reads or prints meanwhile does so elsewhere
    os.dup2(2, 1)
    function, arguments = pickle.load(asked)
    threading.Thread(target=lambda: os.read(asked.fileno(), 1) or os._exit(1), daemon=True).start()
    result = error = None
    try:
        result = _run_one(False, function, *arguments)
    except Exception as problem:
        error = problem
    with answer:
        pickle.dump((result, error), answer)


if __name__ == "__main__":
    _run_as_child()
