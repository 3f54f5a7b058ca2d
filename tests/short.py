"""What a kernel does at its start where there are no recordings: it keeps trainings short.

`run.py` hands this file to the notebooks' kernels. On simulated beats a notebook only has to run, so that a
training need not come to anything: each ``fit`` gets a few batches, spread over its examples, in each epoch,
and a network that is trained like one before it is not compiled into a graph again, which takes longer than
a few steps without. Everything else, epochs, callbacks and validation included, is as the chapter says.
"""

import sys

BATCHES = 3  # of an epoch
FEW = 8  # epochs; a longer training is worth its graph


def shorten(keras):
    """Let every ``fit`` of a model take `BATCHES` batches an epoch at most."""
    fit, seen = keras.Model.fit, set()

    def fit_few(self, x=None, y=None, batch_size=None, epochs=1, **options):
        step = len(y) // (BATCHES * (batch_size or 32)) + 1
        x = [part[::step] for part in x] if isinstance(x, list) else x[::step]
        kind = (str(self.loss), self.count_params(), len(self.trainable_weights))
        if kind in seen and epochs <= FEW:
            self.run_eagerly = True
        seen.add(kind)
        return fit(self, x, y[::step], batch_size, epochs, **options)

    keras.Model.fit = fit_few


def look(*_):
    """After each cell: is Keras there by now?"""
    if "keras" in sys.modules:
        shorten(sys.modules["keras"])
        shell.events.unregister("post_run_cell", look)


if "get_ipython" in globals():
    shell = get_ipython()  # noqa: F821
    shell.events.register("post_run_cell", look)
