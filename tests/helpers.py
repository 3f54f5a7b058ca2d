"""What several test files use."""

from contextlib import contextmanager

import numpy as np
import pytest


def send(handler, body=b"", status=200, length=None, kind="application/octet-stream"):
    """One HTTP response; `length` may promise more than `body` holds."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


@contextmanager
def few_steps():
    """For trainings of a few steps: they run as they are written, as to compile a graph would take longer."""
    from ecg_lessons.models import keras

    compile_model = keras.Model.compile

    def compiled(self, *given, **options):
        return compile_model(self, *given, **options | {"run_eagerly": True})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "compile", compiled)
        yield


def files_of(folder):
    """An answer for `serve`: the files of `folder`, whatever the path before their name."""

    def answer(handler):
        path = folder / handler.path.rpartition("/")[2]
        send(handler, path.read_bytes()) if path.is_file() else send(handler, status=404)

    return answer


def assert_same(one, other):
    """Two `Beats` are equal in everything they hold."""
    for name in ("signals", "labels", "patients", "records", "folds", "samples", "rr"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine is None) == (theirs is None), name
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
    assert (one.classes, one.fs, one.source) == (other.classes, other.fs, other.source)
