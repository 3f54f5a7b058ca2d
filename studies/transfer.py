"""What a network trained on MIT-BIH is worth on PTB-XL: ``python -m studies.transfer``.

Normal or not, lead II, five folds of whole patients (pairs of PTB-XL's own ten), several seeds. The
pretrained network is tuned on each fold's training people; its rivals are judged on the same folds.
Writes ``results/transfer.json``, and the network tuned on all the recordings.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
from joblib import parallel_config

from ecg_lessons import (
    DataError,
    describe_ptbxl,
    fetch_ptbdb,
    fetch_ptbxl,
    load_pretrained,
    with_new_head,
)
from ecg_lessons.baselines import predict_by_regression
from ecg_lessons.metrics import auroc, auroc_interval, mean_by_group, mean_by_recording
from ecg_lessons.models import cnn_lstm, extract_features, keras
from studies.common import (
    RESULTS,
    WEIGHTS,
    check_real,
    describe_machine,
    format_interval,
    make_schedule,
    parse_arguments,
    run_missing,
    save_network,
    write_results,
)

RIVALS = (
    "all tuned", "from scratch", "regression, pretrained", "regression, random", "regression, samples"
)  # fmt: skip
SINGLE = ("regression, pretrained", "regression, samples")  # nothing in them depends on the seed
FOLDS = 5
# Of the tuned network and of the one from scratch: AdamW, warm-up, cosine.
RECIPE = {
    "all tuned": {"epochs": 6, "rate": 1e-3},
    "from scratch": {"epochs": 12, "rate": 2e-3},
    "batch": 128,
    "decay": 0.1,  # of the weights
    "strengths": [0.003, 0.03, 0.3],  # of the regressions: C, chosen on folds of the training people
}


def assign_folds(beats):
    """Fold 0 to 4 of each beat: PTB-XL's ten folds in pairs; a person is in one of them."""
    return (beats.folds.astype(int) - 1) * FOLDS // 10


def make_network(rival, seed):
    """The network of "all tuned" or "from scratch" before its training, not compiled."""
    keras.utils.set_random_seed(seed)
    if rival == "all tuned":
        return with_new_head(load_pretrained("mitbih"), 2)
    return cnn_lstm(2, momentum=0.9)


def train_network(model, beats, plan, recipe=RECIPE):
    """Train it on these beats."""
    steps = plan["epochs"] * math.ceil(len(beats) / recipe["batch"])
    rate = make_schedule(plan["rate"], steps // 10, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe["decay"], clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(beats.signals[..., None], beats.labels, epochs=plan["epochs"], batch_size=recipe["batch"],
              verbose=0)  # fmt: skip
    return model


def _cross_validate(rival, seed, recipe, beats):
    """Probability that each beat's recording is abnormal, from networks that have not seen its owner.

    And the seconds that it took.
    """
    start = time.perf_counter()
    fold, probabilities = assign_folds(beats), np.zeros(len(beats))
    if rival == "regression, samples":
        arrays = beats.signals
    elif rival not in recipe:
        keras.utils.set_random_seed(seed)
        encoder = load_pretrained("mitbih") if rival == "regression, pretrained" else cnn_lstm()
        arrays = extract_features(encoder, beats.signals)
    for test in (fold == k for k in range(FOLDS)):
        if rival in recipe:
            model = train_network(make_network(rival, seed), beats[~test], recipe[rival], recipe)
            probabilities[test] = model.predict(beats.signals[test, :, None], batch_size=2048, verbose=0)[
                :, 1
            ]
        else:
            probabilities[test] = predict_by_regression(
                arrays, beats.labels, beats.patients, test, recipe["strengths"]
            )
    return probabilities, time.perf_counter() - start


def run_study(seeds=5, results=RESULTS, weights=WEIGHTS, recipe=RECIPE,
        beats=None, ages=None, strangers=None):  # fmt: skip
    """Make all runs, and write what they gave.

    Parameters
    ----------
    seeds : int
        Seeds 0 to `seeds` - 1; what has no randomness is run once.
    results, weights : Path
        Folders for ``transfer.json`` and for ``ptbxl.weights.h5``, the first seed's network.
    recipe : dict
        As ``RECIPE``.
    beats, ages : Beats and pandas.Series, optional
        To learn from and to be tested on, default ``fetch_ptbxl()``; and the age of each recording's
        person, default ``describe_ptbxl().age``.
    strangers : Beats, optional
        The people of another database, default ``fetch_ptbdb()``.

    Returns
    -------
    dict
        What ``transfer.json`` holds: of each rival the AUROC per recording with every seed, that of the
        seeds' mean with an interval by patient, and the same of what the tuned network is ahead by;
        what ``age alone`` gives; and what the network that is kept gives ``elsewhere``.

    Raises
    ------
    DataError
        If there are no real beats, or a file cannot be written.
    """
    if beats is None:
        beats = check_real("The transfer", fetch_ptbxl())
    found = {"recipe": recipe, "folds": FOLDS, "beats": len(beats), "source": beats.source}
    found |= {"records": len(set(beats.records)), "patients": len(set(beats.patients)), **describe_machine()}
    found |= {"rivals": {}, "ahead": {}}
    wanted = [(rival, seed) for rival in RIVALS for seed in range(1 if rival in SINGLE else seeds)]
    given, means = {rival: [] for rival in RIVALS}, {}
    for (rival, seed), one in run_missing(_cross_validate, wanted, (), recipe, beats):
        given[rival].append(one)
        print(f"{rival}, seed {seed}: {one[1]:.0f} s", flush=True)
    for rival, runs in given.items():
        probabilities, seconds = zip(*runs)
        labels, _, patients = mean_by_recording(beats, probabilities[0])
        means[rival] = mean_by_recording(beats, np.mean(probabilities, axis=0))[1]
        found["rivals"][rival] = {
            "seeds": [round(auroc(labels, mean_by_recording(beats, one)[1]), 4) for one in probabilities],
            "mean of seeds": format_interval(auroc_interval(labels, means[rival], patients)),
            "seconds": round(sum(seconds)),
        }
    for rival in RIVALS[1:]:
        both = np.stack([means[RIVALS[0]], means[rival]], axis=1)
        found["ahead"][rival] = format_interval(auroc_interval(labels, both, patients))
    if ages is None:
        ages = describe_ptbxl().age
    found["age alone"] = judge_by_age(beats, ages)
    shipped = train_network(make_network("all tuned", 0), beats, recipe["all tuned"], recipe)
    save_network(shipped, Path(weights) / "ptbxl.weights.h5")
    found["elsewhere"] = judge_elsewhere(shipped, fetch_ptbdb() if strangers is None else strangers)
    write_results(Path(results) / "transfer.json", found)
    return found


def judge_by_age(beats, ages):
    """What the rival gives who sees no ECG: AUROC by recording, the older the likelier abnormal."""
    ages = ages.fillna(ages.median())
    labels, years, patients = mean_by_recording(beats, ages.reindex(beats.records.astype(str)))
    return format_interval(auroc_interval(labels, years, patients))


def judge_elsewhere(model, strangers):
    """What the network gives, as it is, on people of another database: AUROC by person and by recording."""
    probabilities = model.predict(strangers.signals[..., None], batch_size=2048, verbose=0)[:, 1]
    labels, verdicts, people = mean_by_group(strangers.labels, probabilities, strangers.patients)
    return {
        "people": len(people),
        "by person": format_interval(auroc_interval(labels, verdicts, people)),
        "by recording": format_interval(auroc_interval(*mean_by_recording(strangers, probabilities))),
    }


def main(arguments=None):
    """The command."""
    given = parse_arguments("transfer", __doc__, arguments)
    try:
        with parallel_config(n_jobs=given.jobs):
            found = run_study(given.seeds)
    except DataError as error:
        return str(error)
    for rival, numbers in found["rivals"].items():
        print(rival, "AUROC {value:.3f} ({low:.3f} to {high:.3f})".format(**numbers["mean of seeds"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
