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
# matplotlib or TensorFlow: the public names that each module holds.
_HELD = {
    "data.mitbih": ["data_available", "fetch_mitbih", "fetch_record"],
    "data.ptbdb": ["describe_ptbdb", "fetch_ptbdb"],
    "data.ptbxl": ["describe_ptbxl", "fetch_ptbxl"],
    "data.published": ["write_published_csv"],
    "data.simulate": ["make_beats", "make_record"],
    "models": ["freeze_encoder", "load_pretrained", "with_new_head"],
    "storage": ["load_results"],
    "teaching.quiz": ["load_quiz"],
}
_LATER = {name: module for module, names in _HELD.items() for name in names}
__all__ = ["AAMI", "Beats", "CLASSES", "DS1", "DS2", "DataError", "beat_length", "segment", *_LATER]


def __getattr__(name):
    if name == "checks":  # a module, which the exercises call by its name
        return import_module(".teaching.checks", __name__)
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LATER])
