"""Helpers of the course *Deep learning for ECG heartbeats*.

The chapters hold every modelling decision; this package loads, splits, measures
and plots. Names follow scikit-learn: ``fetch_*`` downloads and caches, ``make_*``
simulates, ``load_*`` reads what ships with the package.
"""

from importlib import import_module

from .beats import AAMI, CLASSES, DS1, DS2, Beats
from .errors import DataError
from .segment import beat_length, segment

__version__ = "0.2.0"

# Imported on first use, so that `import ecg_lessons` stays quick and never pulls in wfdb,
# matplotlib or TensorFlow: public name -> the module that holds it.
_LATER = {
    "data_available": "data.mitbih",
    "describe_ptbdb": "data.ptbdb",
    "describe_ptbxl": "data.ptbxl",
    "fetch_mitbih": "data.mitbih",
    "fetch_ptbdb": "data.ptbdb",
    "fetch_ptbxl": "data.ptbxl",
    "fetch_record": "data.mitbih",
    "freeze_encoder": "models",
    "load_pretrained": "models",
    "load_quiz": "teaching.quiz",
    "load_results": "storage",
    "make_beats": "data.simulate",
    "make_record": "data.simulate",
    "with_new_head": "models",
    "write_published_csv": "data.published",
}
__all__ = ["AAMI", "Beats", "CLASSES", "DS1", "DS2", "DataError", "beat_length", "segment", *_LATER]


def __getattr__(name):
    if name == "checks":  # a module, which the exercises call by its name
        return import_module(".teaching.checks", __name__)
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LATER])
