"""Helpers of the course *Deep learning for ECG heartbeats*.

The chapters hold every modelling decision; this package loads, splits, measures
and plots. Names follow scikit-learn: ``fetch_*`` downloads and caches, ``make_*``
simulates, ``load_*`` reads what ships with the package.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name -> module that holds it. Imported on first use, so that `import
# ecg_lessons` stays quick and never pulls in TensorFlow, wfdb or matplotlib.
_PUBLIC = {
    "AAMI": "beats",
    "Beats": "beats",
    "CLASSES": "beats",
    "DS1": "beats",
    "DS2": "beats",
    "DataError": "errors",
    "data_available": "physionet",
    "fetch_mitbih": "physionet",
    "fetch_record": "physionet",
    "make_beats": "simulate",
    "make_record": "simulate",
    "segment": "segment",
    "write_kaggle_csv": "kaggle",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
    if name in {"plots", "kaggle", "physionet", "simulate", "store", "beats", "errors"}:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(list(globals()) + __all__)
