"""Classifiers that a network is compared with."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .validation import check_labels


def predict_by_regression(
    arrays: NDArray, labels: ArrayLike, patients: NDArray, test: ArrayLike, strengths=(0.003, 0.03, 0.3)
) -> NDArray:
    """Probability of class 1 for the beats in `test`, by a logistic regression on all others.

    A ValueError says if the labels are not 0 or 1, or `test` is not a mask.

    Parameters
    ----------
    arrays : float array (n, numbers)
    labels, patients : arrays (n,)
    test : bool array (n,)
    strengths : sequence of float
        Values of C, of which one is chosen on three folds of the training patients.
    """
    labels, test = check_labels(labels, 2), np.asarray(test)
    if test.dtype != bool or test.shape != labels.shape:
        raise ValueError(f"test must be a mask, True or False for each of the {len(labels)} beats")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    choices = {"logisticregression__C": list(strengths)}
    search = GridSearchCV(pipeline, choices, scoring="roc_auc", cv=StratifiedGroupKFold(3))
    search.fit(arrays[~test], labels[~test], groups=patients[~test])
    return search.predict_proba(arrays[test])[:, 1]
