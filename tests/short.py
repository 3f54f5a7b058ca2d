"""What a kernel does at its start where there are no recordings: it keeps trainings short.

`run.py` hands this file to the notebooks' kernels. On simulated beats a notebook only has to run, so that a
training need not come to anything: each ``fit`` gets a few epochs of a few batches, spread over its examples.
And a network that is trained like one before it, without callbacks, is not compiled into a graph again, which
takes longer than a few steps without one. Everything else is as the chapter says.
"""

import sys

BATCHES = 2  # of an epoch
EPOCHS = {False: 3, True: 9}  # without callbacks and with them, which are about epochs


def shorten(keras):
    """Let every ``fit`` of a model take a few epochs of a few batches at most."""
    fit, seen = keras.Model.fit, set()

    def fit_few(self, x=None, y=None, batch_size=None, epochs=1, **options):
        step = len(y) // (BATCHES * (batch_size or 32)) + 1
        x = [part[::step] for part in x] if isinstance(x, list) else x[::step]
        kind = (str(self.loss), self.count_params(), len(self.trainable_weights))
        watched = bool(options.get("callbacks"))
        self.run_eagerly = self.run_eagerly or kind in seen and not watched
        seen.add(kind)
        epochs = min(epochs, EPOCHS[watched])
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
