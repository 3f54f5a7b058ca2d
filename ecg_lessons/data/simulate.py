"""Simulated heartbeats, for a machine without data or network. They teach nothing clinical.

Each wave of a beat is a Gaussian bump, in the spirit of ECGSYN (McSharry et al. 2003,
doi:10.1109/TBME.2003.808805); a made-up person has waves, a heart rate and noise of their
own. What comes out is a record like MIT-BIH's, and it is cut like one.
"""

from zlib import crc32

import numpy as np

from ..beats import CLASSES, DIAGNOSED, Beats
from ..segment import compute_rr_intervals, cut_leads, segment

FS = 360  # Hz, as in MIT-BIH
_GAIN, _BASELINE = 200, 1024  # ADC units per mV, and at 0 mV
_SYMBOL = dict(zip(CLASSES, "NAVF/"))
_SHARE = dict(zip(CLASSES, np.array([90589, 2779, 7236, 803, 8039]) / 109446))  # MIT-BIH's own

# The waves of a beat by origin: heights in mV, centres in s from the R peak, widths in s (the standard
# deviation of the bump). The live figures of the book read the same numbers (`make live`).
#                       P      Q      R      S      T
WAVES = {
    "sinus": np.array([
        [0.15, -0.12, 1.10, -0.25, 0.30],
        [-0.17, -0.035, 0.0, 0.035, 0.26],
        [0.025, 0.010, 0.012, 0.012, 0.055],
    ]),
    "ventricular": np.array([
        [0.0, -0.20, 1.35, -0.55, -0.45],
        [-0.17, -0.075, 0.0, 0.090, 0.30],
        [0.025, 0.025, 0.032, 0.040, 0.070],
    ]),
    "paced": np.array([
        [0.55, -0.30, 0.95, -0.60, -0.35],  # the first is the pacemaker's spike, not a P wave
        [-0.065, -0.045, 0.0, 0.080, 0.33],
        [0.004, 0.015, 0.035, 0.035, 0.075],
    ]),
}  # fmt: skip
_DIAGNOSES = ("simulated normal", "simulated wide QRS", "simulated odd T wave")


def make_beats(n=20_000, seed=0, classes=CLASSES, recipe="published"):
    """Simulated beats of made-up patients, in MIT-BIH's class proportions.

    Parameters
    ----------
    n : int
        Number of beats, at least 1.
    seed : int
        The same seed gives the same beats.
    classes : tuple of str
        Which of the five AAMI classes to make; they keep their proportions to each other.
    recipe : "published" or "context"
        How a beat is cut, see `segment`.

    Returns
    -------
    Beats
        `source` "simulated"; 120 Hz; RR intervals in seconds; patients "s01", "s02", ...
        As in MIT-BIH, few of them hold most S, F and Q beats.

    Raises
    ------
    ValueError
        For a class that does not exist, another recipe, or n < 1.
    """
    if recipe not in ("published", "context"):
        raise ValueError(f'recipe must be "published" or "context", not {recipe!r}')
    classes = tuple(classes)
    unknown = set(classes) - set(CLASSES)
    if unknown or not classes or len(set(classes)) < len(classes):
        raise ValueError(f"classes must be among {', '.join(CLASSES)}, each once, not {classes}")
    if n != int(n) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, not {n}")
    n = int(n)
    rng = np.random.default_rng(seed)
    share = np.array([_SHARE[c] for c in classes])
    # at least two beats of each class where n allows it, so that any split can be stratified
    few = np.tile(np.arange(len(classes)), 2)
    labels = np.concatenate([few, rng.choice(len(classes), n, p=share / share.sum())])[:n]
    people = int(np.clip(n // 400, 10, 47))
    owner = np.empty(n, dtype=int)
    for y, name in enumerate(classes):
        mine = labels == y
        owner[mine] = rng.choice(people, mine.sum(), p=_draw_owners(rng, people, name))
    parts = []
    for p in range(people):
        mine = rng.permutation(labels[owner == p])
        if len(mine) == 0:
            continue
        lead, annotations, peaks = _make_ecg(rng, [classes[y] for y in mine] + [classes[mine[0]]])
        names = np.full(len(mine), f"s{p + 1:02d}")
        cut = segment(lead, peaks, FS, recipe=recipe, annotations=annotations)
        parts.append((cut, mine, names, peaks[:-1], compute_rr_intervals(peaks, FS)[:-1]))
    signals, labels, names, samples, rr = (np.concatenate(column) for column in zip(*parts))
    return Beats(
        signals=signals,
        labels=labels,
        patients=names,
        records=names,
        samples=samples,
        rr=rr,
        classes=classes,
        source="simulated",
    )


def make_patients(n=60, seed=0, leads=1, fs=120.0, folds=None):
    """Simulated ten-second recordings of made-up people, a third of them normal, cut into beats.

    The others have a wide QRS or a T wave that is low or points down.

    Parameters
    ----------
    n : int
        Number of people, at least 3.
    seed : int
        The same seed gives the same people.
    leads : int
        Signals of each beat; those after the first are the first one, smaller or upside down.
    fs : float
        Sampling frequency of the beats in Hz.
    folds : int, optional
        Into how many folds the people are dealt out.

    Returns
    -------
    Beats
        As from `fetch_ptbdb`, `source` "simulated".

    Raises
    ------
    ValueError
        If there are fewer than three people.
    """
    if n < 3:
        raise ValueError(f"n must be at least 3, not {n}")
    rng = np.random.default_rng(seed)
    other = np.random.default_rng([seed, 1])  # the people are the same, however many leads are asked for
    heights = np.r_[1.0, other.uniform(-1, 1, leads - 1)]
    parts = []
    for person in range(n):
        sinus, kind = _draw_patient(rng, WAVES["sinus"]), person % 3
        if kind == 1:
            sinus[1:, 1:4] *= rng.uniform(1.3, 2.2)
        elif kind == 2:
            sinus[0, 4] *= rng.uniform(-0.8, 0.5)
        lead, _, peaks = _make_ecg(rng, ["N"] * 40, sinus)
        lead, peaks = lead[: 10 * FS] - _BASELINE, peaks[peaks < 10 * FS]
        noisy = np.outer(lead, heights) + other.normal(0, 2, (len(lead), leads))
        signals = cut_leads(noisy, peaks, FS, fs)
        fold = "" if folds is None else str(person // 3 % folds + 1)
        facts = (f"s{person + 1:02d}", int(kind > 0), fold, _DIAGNOSES[kind])
        rows = [np.full(len(signals), fact) for fact in facts]
        parts.append((signals, *rows, peaks[:-1], compute_rr_intervals(peaks, FS)[:-1]))
    signals, names, labels, dealt, diagnoses, samples, rr = map(np.concatenate, zip(*parts))
    return Beats(
        signals, labels, names, names, dealt if folds else None, samples, rr, diagnoses,
        classes=DIAGNOSED, fs=fs, source="simulated",
    )  # fmt: skip


def make_record(name="100", minutes=30.0, seed=None):
    """One simulated record in MIT-BIH's form.

    Parameters
    ----------
    name : str
        The record's name. It seeds the random numbers unless `seed` is given.
    minutes : float
        Its length.

    Returns
    -------
    (wfdb.Record, wfdb.Annotation)
        Two leads in mV at 360 Hz; the first annotation is a rhythm mark, as in MIT-BIH.
    """
    import wfdb

    rng = np.random.default_rng(crc32(str(name).encode()) if seed is None else seed)
    mix = {c: _SHARE[c] for c in "NSVF"}
    n = int(minutes * 60 / 0.55) + 2  # more than enough beats; the surplus is cut off
    kinds = rng.choice(list(mix), n, p=np.array(list(mix.values())) / sum(mix.values()))
    lead, annotations, peaks = _make_ecg(rng, kinds)
    length = int(minutes * 60 * FS)
    lead = lead[:length]
    second = np.round(_BASELINE + 0.5 * (lead - _BASELINE) + rng.normal(0, 4, len(lead)))
    keep = annotations < length
    symbol = dict(zip(peaks.tolist(), (_SYMBOL[k] for k in kinds)))
    record = wfdb.Record(
        record_name=str(name), n_sig=2, fs=FS, sig_len=len(lead), sig_name=["MLII", "V1"],
        units=["mV", "mV"], adc_gain=[float(_GAIN)] * 2, baseline=[_BASELINE] * 2,
        adc_zero=[_BASELINE] * 2, fmt=["212", "212"], comments=["simulated, of nobody"],
        p_signal=(np.column_stack([lead, second]) - _BASELINE) / _GAIN,
    )  # fmt: skip
    annotation = wfdb.Annotation(
        str(name), "atr", annotations[keep], [symbol.get(m, "+") for m in annotations[keep].tolist()], fs=FS,
        aux_note=["" if m in symbol else "(N" for m in annotations[keep].tolist()],
    )  # fmt: skip
    return record, annotation


def _draw_owners(rng, people, kind):
    """Each person's share of the beats of class `kind`."""
    paced = max(1, people // 12)  # the last few carry a pacemaker
    weight = np.zeros(people)
    if kind == "Q":
        weight[-paced:] = rng.dirichlet(np.full(paced, 3.0))
    elif kind == "N":
        weight[:-paced] = rng.dirichlet(np.full(people - paced, 4.0))
    elif kind == "V":
        weight[:-paced] = rng.dirichlet(np.full(people - paced, 0.4))
    else:  # half in one person, as S in record 232 and F in 208
        weight[:-paced] = 0.5 * rng.dirichlet(np.full(people - paced, 0.25))
        weight[rng.integers(people - paced)] += 0.5
    return weight


def _make_ecg(rng, kinds, sinus=None):
    """One person's lead in ADC units, with its marks and R peaks, for a list of classes."""
    waves, peaks = draw_beat_waves(rng, kinds, sinus)
    ecg = draw_waves(waves, peaks)
    seconds = np.arange(len(ecg)) / FS
    for frequency in rng.uniform(0.1, 0.4, 2):  # breathing moves the baseline
        ecg += rng.uniform(0.03, 0.12) * np.sin(2 * np.pi * (frequency * seconds + rng.random()))
    ecg += rng.normal(0, rng.uniform(0.008, 0.03), len(ecg))
    return convert_to_adc(ecg), np.concatenate([[FS // 20], peaks]), peaks


def draw_beat_waves(rng, kinds, sinus=None):
    """The waves and R peaks of a made-up person's beats.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides who it is, and how the beats differ.
    kinds : list of str
        The beats' classes, in order.
    sinus : array (3, 5), optional
        The person's own normal beat, in the form of ``WAVES["sinus"]``; otherwise it is drawn, too.

    Returns
    -------
    (array (3, 5, n), int array (n,))
        Height (mV), centre (s from the R peak) and width (s) of P, Q, R, S and T of each beat; sample
        numbers of the R peaks at 360 Hz.
    """
    kinds = np.asarray(kinds)
    n = len(kinds)
    sinus = _draw_patient(rng, WAVES["sinus"]) if sinus is None else sinus
    ectopic = _draw_patient(rng, WAVES["ventricular"])
    paced = _draw_patient(rng, WAVES["paced"])
    ectopic[0, 1:] *= rng.choice([-1, 1])  # ectopic beats point up or down, by their origin

    rr = rng.uniform(0.62, 1.05) * (1 + rng.normal(0, 0.04, n))
    early = {"S": (0.62, 0.92), "V": (0.55, 0.85), "F": (0.88, 1.0)}
    for kind, (low, high) in early.items():
        rr[kinds == kind] *= rng.uniform(low, high, (kinds == kind).sum())
    pause = np.roll(np.isin(kinds, ["V", "S"]), 1)
    longest = np.where(np.roll(kinds, 1)[pause] == "V", 1.5, 1.25)
    rr[pause] *= rng.uniform(0.95, longest)
    peaks = np.round(FS * (0.6 + np.cumsum(rr))).astype(np.int64)

    waves = np.repeat(sinus[:, :, None], n, axis=2)
    waves[:, :, kinds == "V"] = ectopic[:, :, None]
    waves[:, :, kinds == "Q"] = paced[:, :, None]
    fused = kinds == "F"
    part = rng.uniform(0.25, 0.7, fused.sum())  # how much of the ventricle the ectopic took
    waves[:, :, fused] = part * ectopic[:, :, None] + (1 - part) * sinus[:, :, None]
    early_atrial = kinds == "S"
    waves[0, 0, early_atrial] *= rng.uniform(-1, 0.3, early_atrial.sum())  # an odd P, or none
    waves[0, 4, early_atrial] *= rng.uniform(0.5, 0.9, early_atrial.sum())
    waves[2, 1:4, early_atrial] *= 1.2  # some wiring has not recovered yet: a little wider
    waves[0, 2:4, early_atrial] *= rng.uniform(0.6, 0.85, (early_atrial.sum(), 2))
    waves[0] *= 1 + rng.normal(0, 0.08, waves[0].shape)
    waves[2] *= 1 + rng.normal(0, 0.05, waves[2].shape)
    waves[1, 4] *= np.sqrt(rr / rr.mean())  # the T wave follows the heart rate
    return waves, peaks


def draw_waves(waves, peaks):
    """The lead that these waves add up to, in mV at 360 Hz, to two seconds past the last R peak.

    Parameters
    ----------
    waves : array (3, 5, n)
    peaks : int array (n,)
        As `draw_beat_waves` returns them.

    Returns
    -------
    float array (n_samples,)
    """
    length = peaks[-1] + 2 * FS
    ecg = np.zeros(length)
    for amplitude, centre, width in waves.transpose(1, 0, 2):
        reach = int(4 * width.max() * FS) + 1
        offsets = np.arange(-reach, reach + 1)
        middle = np.round(peaks + centre * FS).astype(np.int64)
        bumps = amplitude[:, None] * np.exp(-0.5 * (offsets / FS / width[:, None]) ** 2)
        at = np.clip(middle[:, None] + offsets, 0, length - 1)
        ecg += np.bincount(at.ravel(), bumps.ravel(), length)
    return ecg


def convert_to_adc(millivolts):
    """The lead in ADC units, as a recorder stores it: 200 steps a mV, 0 mV at 1024, within 0 and 2047."""
    return np.clip(np.round(_BASELINE + _GAIN * millivolts), 0, 2047).astype(np.int64)


def _draw_patient(rng, waves):
    """The template made somebody's own: each wave's size, place and width vary by a fifth."""
    return waves * (1 + rng.normal(0, [[0.25], [0.08], [0.15]], waves.shape))
