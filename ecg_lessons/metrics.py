"""What a classifier gets right and wrong, class by class."""

import numpy as np

from .beats import CLASSES


def class_report(labels, predicted, classes=CLASSES):
    """Sensitivity, positive predictivity and F1 of each class, with the number of its beats.

    The names are ANSI/AAMI EC57's; machine learning says recall and precision.

    Parameters
    ----------
    labels : int array (n,)
        The true classes.
    predicted : int array (n,) or float array (n, number of classes)
        The predicted ones, or their probabilities, of which the largest is taken.
    classes : tuple of str
        Names of the classes, in the order of the labels.

    Returns
    -------
    pandas.DataFrame
        One row a class: ``sensitivity``, ``positive predictivity``, ``F1``, ``beats``. A class
        without beats has no sensitivity (NaN); one that is never predicted has a positive
        predictivity of 0.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_fscore_support

    labels, predicted = _fitting(labels, predicted, classes)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    recall, f1 = np.where(support, recall, np.nan), np.where(support, f1, np.nan)
    columns = {"sensitivity": recall, "positive predictivity": precision, "F1": f1, "beats": support}
    return pd.DataFrame(columns, index=pd.Index(classes, name="class"))


def scores(labels, predicted, classes=CLASSES):
    """Accuracy and macro-F1, the mean of the F1 of the classes that occur: a dict.

    Parameters and errors are those of `class_report`.
    """
    labels, predicted = _fitting(labels, predicted, classes)
    report = class_report(labels, predicted, classes)
    return {"accuracy": float(np.mean(labels == predicted)), "macro-F1": float(report["F1"].mean())}


def _fitting(labels, predicted, classes):
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if predicted.ndim == 2:
        if predicted.shape[1] != len(classes):
            raise ValueError(f"{predicted.shape[1]} columns of probabilities for {len(classes)} classes")
        predicted = predicted.argmax(1)
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and predictions {predicted.shape} do not fit together")
    for array in (labels, predicted):
        if array.size and not np.isin(array, np.arange(len(classes))).all():
            raise ValueError(f"classes must be whole numbers in 0..{len(classes) - 1}")
    return labels, predicted
