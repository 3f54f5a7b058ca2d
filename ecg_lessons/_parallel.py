"""What falls into independent pieces, records and trainings: on one core, on several, or on a cluster."""


def each(function, calls, **how):
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
    how : dict
        For ``joblib.Parallel``: `n_jobs` where it is not for the caller to say, ``prefer="threads"``.
    """
    from joblib import Parallel, delayed

    return Parallel(return_as="generator", **how)(delayed(_alone)(function, *call) for call in calls)


def _alone(function, *arguments):
    """Call it; what it would spread over cores or machines in its turn stays where it is."""
    from joblib import parallel_config

    with parallel_config(backend="sequential"):
        return function(*arguments)
