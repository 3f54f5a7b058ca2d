"""Classifiers that a network is compared with."""

import numpy as np

from .validation import check_labels


def predict_by_regression(arrays, labels, patients, test, strengths=(0.003, 0.03, 0.3)):
    """Probability of class 1 for the beats in `test`, by a logistic regression on all others.

    Its strength is chosen on three folds of the training patients.

    Parameters
    ----------
    arrays : float array (n, numbers)
    labels, patients : arrays (n,)
    test : bool array (n,)
    strengths : sequence of float
        Values of C to choose from.

    Raises
    ------
    ValueError
        If the labels are not 0 or 1, or `test` is not a mask.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels, test = check_labels(labels, 2), np.asarray(test)
    if test.dtype != bool or test.shape != labels.shape:
        raise ValueError(f"test must be a mask, True or False for each of the {len(labels)} beats")
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        {"logisticregression__C": list(strengths)},
        scoring="roc_auc",
        cv=StratifiedGroupKFold(3),
    )
    search.fit(arrays[~test], labels[~test], groups=patients[~test])
    return search.predict_proba(arrays[test])[:, 1]
