"""What a kernel does at its start where there are no recordings: it keeps trainings short.

`run.py` hands this file to the notebooks' kernels. On simulated beats a notebook only has to run, so that a
training need not come to anything: each ``fit`` gets a few epochs of a few batches, spread over its examples.
And a network that is trained like one before it, without callbacks, is not compiled into a graph again, which
takes longer than a few steps without one. Everything else is as the chapter says.
"""


def shorten_trainings(shell):
    """Let every ``fit`` take a few epochs of a few batches, once a cell has imported Keras.

    All names are local: IPython runs this file where the notebook's own names will be.
    """
    import sys

    batches, epochs_at_most = (
        2,
        {False: 3, True: 9},
    )  # without callbacks and with them, which are about epochs
    seen = set()

    def look(*_):
        if "keras" not in sys.modules:
            return
        model = sys.modules["keras"].Model
        fit = model.fit

        def fit_few(self, x=None, y=None, batch_size=None, epochs=1, **options):
            step = len(y) // (batches * (batch_size or 32)) + 1
            x = [part[::step] for part in x] if isinstance(x, list) else x[::step]
            kind = (str(self.loss), self.count_params(), len(self.trainable_weights))
            watched = bool(options.get("callbacks"))
            self.run_eagerly = self.run_eagerly or kind in seen and not watched
            seen.add(kind)
            return fit(self, x, y[::step], batch_size, min(epochs, epochs_at_most[watched]), **options)

        model.fit = fit_few
        shell.events.unregister("post_run_cell", look)

    shell.events.register("post_run_cell", look)


if "get_ipython" in globals():
    shorten_trainings(get_ipython())  # type: ignore[name-defined]  # noqa: F821
    del shorten_trainings
