"""The course's network, and its trained weights. Importing this module starts Keras, quietly."""

import json
import logging
import os
from contextlib import contextmanager
from importlib.resources import as_file, files

from numpy.typing import NDArray

from .beats import WIDTH
from .errors import DataError
from .storage import compute_sha256


@contextmanager
def _drop_stderr():
    """Nothing reaches stderr meanwhile; an exception still does, afterwards.

    TensorFlow 2.21 greets every import with lines that differ from machine to machine and that
    its own setting does not silence, as they come before its log is set up.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # "no GPU" counts as an error there
    stderr = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


try:
    with _drop_stderr():
        import keras
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"ecg_lessons.models needs TensorFlow ({error}): pip install 'ecg-lessons[models]'"
    ) from None
# It warns wherever several networks predict in turn, as they do in the chapters.
logging.getLogger("tensorflow").setLevel("ERROR")

# The networks that ship with the package, each as weights/NAME.weights.h5 and a line of settings.json.
PRETRAINED = ("mitbih", "mitbih-published", "mitbih-ds1", "mitbih-context", "ptbxl")


def cnn_lstm(
    n_classes=5, filters=(48, 128), kernels=(15, 5), strides=4, pool=4, units=96, bidirectional=True,
    dense=64, dropout=0.2, momentum=0.99, width=WIDTH, channels=1, numbers=0, noise=0.0,
) -> keras.Model:  # fmt: skip
    """The network of chapter 3, not compiled: two convolutions, an LSTM, two dense layers.

    The defaults are the reference network. Its layers are named ``conv1``, ``conv2``, ``lstm``, ``dense``
    and ``output``; those between carry the name of the one they follow.

    Parameters
    ----------
    filters, kernels : (int, int)
        Number of filters of each convolution, and their width in samples.
    strides, pool : int
        Step of the first convolution, and width of the pooling after the second one; 1 for none. The
        LSTM reads ``width / strides / pool`` steps: the fewer, the faster.
    units, bidirectional : int, bool
        Size of the LSTM's state, and whether a second LSTM reads the beat backwards.
    dense, dropout : int, float
        Size of the dense layer after the LSTM; share of the dense layers' inputs dropped in training.
    momentum : float
        Of the running means in the batch normalization. They remember some 1 / (1 - momentum) steps: a
        training of less than a few thousand steps wants 0.9.
    width, channels : int
        Samples of one beat, and signals side by side in it.
    numbers : int
        How many numbers come with each beat, as a second input; they join what the LSTM has read.
    noise : float
        Standard deviation of the noise added to the beat in training, in the beat's own unit.

    Returns
    -------
    keras.Model
        From (n, width, channels), with `numbers` a list of that and (n, numbers), to probabilities
        (n, n_classes).
    """
    layers = keras.layers
    beat = keras.Input((width, channels), name="beat")
    x = layers.GaussianNoise(noise, name="beat_noise")(beat) if noise else beat
    for i, (n, kernel, step) in enumerate(zip(filters, kernels, (strides, 1)), start=1):
        x = layers.Conv1D(n, kernel, strides=step, padding="same", use_bias=False, name=f"conv{i}")(x)
        x = layers.BatchNormalization(momentum=momentum, name=f"conv{i}_norm")(x)
        x = layers.ReLU(name=f"conv{i}_relu")(x)
    if pool > 1:
        x = layers.MaxPooling1D(pool, name="conv2_pool")(x)
    lstm = layers.LSTM(units, name="lstm")
    x = layers.Bidirectional(lstm, name="lstm")(x) if bidirectional else lstm(x)
    x = layers.Dropout(dropout, name="lstm_dropout")(x)
    inputs = beat
    if numbers:
        inputs = [beat, keras.Input((numbers,), name="numbers")]
        x = layers.Concatenate(name="join")([x, inputs[1]])
    x = layers.Dense(dense, activation="relu", name="dense")(x)
    x = layers.Dropout(dropout, name="dense_dropout")(x)
    probabilities = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(inputs, probabilities, name="cnn_lstm")


def load_pretrained(name="mitbih") -> keras.Model:
    """A trained `cnn_lstm` that ships with the package, not compiled.

    Raises DataError if a file is not the one that was shipped.

    Parameters
    ----------
    name : "mitbih", "mitbih-published", "mitbih-ds1", "mitbih-context" or "ptbxl"
        "mitbih" was trained on four fifths of all beats of MIT-BIH, drawn by beat, so it knows
        every patient there, and so does "mitbih-published", trained on the published training file;
        "mitbih-ds1" on the patients of DS1 alone. All three read beats as published, (n, 187, 1). "mitbih-context", trained on DS1, reads beats with context and numbers,
        as chapter 5 prepares them. "ptbxl" is "mitbih" tuned on recordings 1 to 500 of PTB-XL: its
        column 1 is the probability that the recording, lead II, is not normal; take the mean over
        its beats. How they were trained stands in ``studies/``, how they score in ``results/``.
    """
    # The weights ship with their arguments of `cnn_lstm`: a file that holds a whole model lists the
    # settings of each layer, of which other versions of Keras refuse some.
    if name not in PRETRAINED:
        raise ValueError(f"name must be one of {', '.join(PRETRAINED)}, not {name!r}")
    folder = files(__package__) / "weights"
    way_out = "Restore it with git, or install the package again."
    with as_file(folder / f"{name}.weights.h5") as path:
        if f"{compute_sha256(path)}  {path.name}" not in (folder / "SHA256SUMS").read_text().splitlines():
            raise DataError(f"{path} is not the network that ships with the package. {way_out}")
        settings = folder / "settings.json"
        try:
            model = cnn_lstm(**json.loads(settings.read_text())[name])
            model.load_weights(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            fault = f"does not describe the network {name} ({error!r})."
            raise DataError(f"{settings} {fault} {way_out}") from None
    return model


def with_new_head(model: keras.Model, n_classes: int) -> keras.Model:
    """A copy of a `cnn_lstm` for `n_classes` classes: its last layer is new, not compiled.

    All layers but ``output`` have the weights of `model`, which is left as it is; ``output`` has random
    ones, which `keras.utils.set_random_seed` determines.
    """
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, not {n_classes}")
    _check_layers(model)

    def copy_layer(layer):
        config = layer.get_config()
        if layer.name == "output":
            config["units"] = n_classes
        return type(layer).from_config(config)

    new = keras.models.clone_model(model, clone_function=copy_layer)
    for layer in model.layers:
        if layer.name != "output":
            new.get_layer(layer.name).set_weights(layer.get_weights())
    return new


def freeze_encoder(model: keras.Model) -> keras.Model:
    """Keep the convolutions and the LSTM as they are in training: only the dense layers learn.

    Every layer of `model`, a `cnn_lstm`, before ``dense`` is set not to be trainable, batch normalization
    included, which then also stops measuring its batches. Compile the model afterwards: a compiled one does
    not notice. Returns the same model.
    """
    names = _check_layers(model)
    for layer in model.layers[: names.index("dense")]:
        layer.trainable = False
    return model


def extract_features(model: keras.Model, signals: NDArray) -> NDArray:
    """The output of a `cnn_lstm`'s LSTM for each of the beats (n, 187): float32 array (n, units)."""
    encoder = keras.Model(model.inputs, model.get_layer("lstm").output)
    return encoder.predict(signals[..., None], batch_size=1024, verbose=0)


def _check_layers(model):
    """Names of the model's layers, which must be those of `cnn_lstm`."""
    names = [layer.name for layer in model.layers]
    if missing := {"lstm", "dense", "output"} - set(names):
        raise ValueError(f"the model has no layer named {sorted(missing)[0]!r}, as cnn_lstm's have")
    return names
