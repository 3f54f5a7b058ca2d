"""Simulated heartbeats, for a machine without data or network. They teach nothing clinical.

Each wave of a beat is a Gaussian bump, in the spirit of ECGSYN (McSharry et al. 2003,
doi:10.1109/TBME.2003.808805); a simulated patient has waves, a heart rate and noise of their
own. What comes out is a record like MIT-BIH's, and it is cut like one.
"""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..beats import CLASSES, DIAGNOSED, Beats
from ..segment import compute_rr_intervals, cut_leads, segment

FS = 360  # Hz, as in MIT-BIH
_GAIN, _BASELINE = 200, 1024  # ADC units per mV, and at 0 mV
_SYMBOL = dict(zip(CLASSES, "NAVF/"))
_SHARE = np.array([90589, 2779, 7236, 803, 8039]) / 109446  # of the classes, as in MIT-BIH

# The waves of a beat by origin: amplitudes in mV, centres in s from the R peak, widths in s (the standard
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


def make_beats(n: int = 20_000, seed: int = 0, recipe: str = "published") -> Beats:
    """Simulated beats of simulated patients, in MIT-BIH's class proportions.

    The same `seed` gives the same beats. The patients are "s01", "s02", ...; as in MIT-BIH, few of them
    hold most S, F and Q beats. `recipe` is "published" or "context", see `segment`.
    """
    if recipe not in ("published", "context"):
        raise ValueError(f'recipe must be "published" or "context", not {recipe!r}')
    if n != int(n) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, not {n}")
    rng = np.random.default_rng(seed)
    labels, owner = _draw_labels(rng, int(n))
    parts = []
    for patient in np.unique(owner):
        own_labels = rng.permutation(labels[owner == patient])
        kinds = [CLASSES[y] for y in [*own_labels, own_labels[0]]]  # a last beat, which is not cut
        lead, annotations, peaks = _make_ecg(rng, kinds)
        names = np.full(len(own_labels), f"s{patient + 1:02d}")
        signals = segment(lead, peaks, FS, recipe=recipe, annotations=annotations)
        parts.append((signals, own_labels, names, peaks[:-1], compute_rr_intervals(peaks, FS)[:-1]))
    signals, labels, names, samples, rr = map(np.concatenate, zip(*parts))
    folds = np.where(np.arange(len(labels)) % 5 == 4, "test", "train")
    return Beats(signals, labels, names, names, folds, samples, rr, source="simulated")


def _draw_labels(rng, n):
    """A class and a patient for each beat."""
    # at least two beats of each class where n allows it, so that any split can be stratified
    few = np.tile(np.arange(len(CLASSES)), 2)
    labels = np.concatenate([few, rng.choice(len(CLASSES), n, p=_SHARE / _SHARE.sum())])[:n]
    n_patients = int(np.clip(n // 400, 10, 47))
    owner = np.empty(n, dtype=int)
    for y, name in enumerate(CLASSES):
        of_class = labels == y
        owner[of_class] = rng.choice(n_patients, of_class.sum(), p=_draw_owners(rng, n_patients, name))
    return labels, owner


def _draw_owners(rng, n_patients, kind):
    """Each patient's share of the beats of class `kind`."""
    paced = max(1, n_patients // 12)  # the last few carry a pacemaker
    share = np.zeros(n_patients)
    if kind == "Q":
        share[-paced:] = rng.dirichlet(np.full(paced, 3.0))
        return share
    evenness = {"N": 4.0, "V": 0.4, "S": 0.25, "F": 0.25}[kind]
    share[:-paced] = rng.dirichlet(np.full(n_patients - paced, evenness))
    if kind in "SF":  # half in one patient, as S in record 232 and F in 208
        share *= 0.5
        share[rng.integers(n_patients - paced)] += 0.5
    return share


def make_patients(n: int = 60, seed: int = 0, leads: int = 1, fs=120.0, folds: int | None = None) -> Beats:
    """Simulated ten-second recordings of simulated patients, a third of them normal, cut into beats.

    The others have a wide QRS or a T wave that is low or points down. The beats are as from `fetch_ptbdb`.

    Parameters
    ----------
    n, seed : int
        Number of patients, at least 3; the same seed gives the same ones.
    leads : int
        Signals of each beat; those after the first are the first one, smaller or upside down.
    fs, folds : float, int or None
        Sampling frequency of the beats in Hz; into how many folds the patients are dealt out.
    """
    if n < 3:
        raise ValueError(f"n must be at least 3, not {n}")
    rng = np.random.default_rng(seed)
    lead_rng = np.random.default_rng([seed, 1])  # the patients are the same, however many leads are asked for
    amplitudes = np.r_[1.0, lead_rng.uniform(-1, 1, leads - 1)]
    parts = []
    for patient in range(n):
        kind = patient % 3
        lead, peaks = _make_recording(rng, kind)
        noisy = np.outer(lead, amplitudes) + lead_rng.normal(0, 2, (len(lead), leads))
        signals = cut_leads(noisy, peaks, FS, fs)
        fold = "" if folds is None else str(patient // 3 % folds + 1)
        facts = (f"s{patient + 1:02d}", int(kind > 0), fold, _DIAGNOSES[kind])
        columns = [np.full(len(signals), fact) for fact in facts]
        parts.append((signals, *columns, peaks[:-1], compute_rr_intervals(peaks, FS)[:-1]))
    signals, names, labels, dealt, diagnoses, samples, rr = map(np.concatenate, zip(*parts))
    return Beats(
        signals, labels, names, names, dealt if folds else None, samples, rr, diagnoses,
        classes=DIAGNOSED, fs=fs, source="simulated",
    )  # fmt: skip


def _make_recording(rng, kind):
    """Ten seconds of a patient's lead about zero, and its R peaks; `kind` is a position in `_DIAGNOSES`."""
    sinus = _draw_patient(rng, WAVES["sinus"])
    if kind == 1:
        sinus[1:, 1:4] *= rng.uniform(1.3, 2.2)
    elif kind == 2:
        sinus[0, 4] *= rng.uniform(-0.8, 0.5)
    lead, _, peaks = _make_ecg(rng, ["N"] * 40, sinus)
    return lead[: 10 * FS] - _BASELINE, peaks[peaks < 10 * FS]


def make_record(name="100", minutes: float = 30.0, seed: int | None = None):
    """One simulated record in MIT-BIH's form: a wfdb.Record, two leads in mV at 360 Hz, and its Annotation.

    Its name seeds the random numbers unless `seed` is given. As in MIT-BIH, the first annotation is one of
    the rhythm.
    """
    import wfdb

    rng = np.random.default_rng(crc32(str(name).encode()) if seed is None else seed)
    share = _SHARE[:4]  # all but Q
    n = int(minutes * 60 / 0.55) + 2  # more than enough beats; the surplus is cut off
    kinds = rng.choice(list("NSVF"), n, p=share / sum(share))
    lead, annotations, _ = _make_ecg(rng, kinds)
    length = int(minutes * 60 * FS)
    lead, annotations = lead[:length], annotations[annotations < length]
    second = np.round(_BASELINE + 0.5 * (lead - _BASELINE) + rng.normal(0, 4, len(lead)))
    symbols = ["+", *(_SYMBOL[k] for k in kinds)][: len(annotations)]
    notes = ["(N", *[""] * n][: len(annotations)]
    record = wfdb.Record(
        record_name=str(name), n_sig=2, fs=FS, sig_len=len(lead), sig_name=["MLII", "V1"],
        units=["mV", "mV"], adc_gain=[float(_GAIN)] * 2, baseline=[_BASELINE] * 2,
        adc_zero=[_BASELINE] * 2, fmt=["212", "212"], comments=["simulated, of nobody"],
        p_signal=(np.column_stack([lead, second]) - _BASELINE) / _GAIN,
    )  # fmt: skip
    return record, wfdb.Annotation(str(name), "atr", annotations, symbols, fs=FS, aux_note=notes)


def _make_ecg(rng, kinds, sinus=None):
    """A patient's lead in ADC units, with its annotations and R peaks, for a list of classes."""
    waves, peaks = draw_beat_waves(rng, kinds, sinus)
    ecg = draw_waves(waves, peaks)
    seconds = np.arange(len(ecg)) / FS
    for frequency in rng.uniform(0.1, 0.4, 2):  # breathing moves the baseline
        ecg += rng.uniform(0.03, 0.12) * np.sin(2 * np.pi * (frequency * seconds + rng.random()))
    ecg += rng.normal(0, rng.uniform(0.008, 0.03), len(ecg))
    return convert_to_adc(ecg), np.concatenate([[FS // 20], peaks]), peaks


def draw_beat_waves(rng, kinds, sinus=None) -> tuple[NDArray, NDArray]:
    """The waves and R peaks of a simulated patient's beats, of the classes `kinds`.

    `rng` decides who it is, and how the beats differ; `sinus`, in the form of ``WAVES["sinus"]``, is the
    patient's normal beat where it is not to be drawn, too. Gives an array (3, 5, n), amplitude (mV), centre
    (s from the R peak) and width (s) of P, Q, R, S and T of each beat, and an int array (n,), the sample
    numbers of the R peaks at 360 Hz.
    """
    kinds = np.asarray(kinds)
    sinus = _draw_patient(rng, WAVES["sinus"]) if sinus is None else sinus
    ectopic = _draw_patient(rng, WAVES["ventricular"])
    paced = _draw_patient(rng, WAVES["paced"])
    ectopic[0, 1:] *= rng.choice([-1, 1])  # ectopic beats point up or down, by their origin
    rr = _draw_intervals(rng, kinds)
    waves = np.repeat(sinus[:, :, None], len(kinds), axis=2)
    waves[:, :, kinds == "V"] = ectopic[:, :, None]
    waves[:, :, kinds == "Q"] = paced[:, :, None]
    fused = kinds == "F"
    part = rng.uniform(0.25, 0.7, fused.sum())  # how much of the ventricle the ectopic took
    waves[:, :, fused] = part * ectopic[:, :, None] + (1 - part) * sinus[:, :, None]
    early = kinds == "S"
    waves[0, 0, early] *= rng.uniform(-1, 0.3, early.sum())  # an odd P, or none
    waves[0, 4, early] *= rng.uniform(0.5, 0.9, early.sum())
    waves[2, 1:4, early] *= 1.2  # some wiring has not recovered yet: a little wider
    waves[0, 2:4, early] *= rng.uniform(0.6, 0.85, (early.sum(), 2))
    waves[0] *= 1 + rng.normal(0, 0.08, waves[0].shape)
    waves[2] *= 1 + rng.normal(0, 0.05, waves[2].shape)
    waves[1, 4] *= np.sqrt(rr / rr.mean())  # the T wave follows the heart rate
    return waves, np.round(FS * (0.6 + np.cumsum(rr))).astype(np.int64)


def _draw_intervals(rng, kinds):
    """Seconds before each beat: S, V and F beats come early, and a pause follows S and V."""
    rr = rng.uniform(0.62, 1.05) * (1 + rng.normal(0, 0.04, len(kinds)))
    early = {"S": (0.62, 0.92), "V": (0.55, 0.85), "F": (0.88, 1.0)}
    for kind, (low, high) in early.items():
        rr[kinds == kind] *= rng.uniform(low, high, (kinds == kind).sum())
    before = np.roll(kinds, 1)
    pause = np.isin(before, ["V", "S"])
    rr[pause] *= rng.uniform(0.95, np.where(before[pause] == "V", 1.5, 1.25))
    return rr


def _draw_patient(rng, waves):
    """The template made somebody's own: each wave's size, place and width vary by a fifth."""
    return waves * (1 + rng.normal(0, [[0.25], [0.08], [0.15]], waves.shape))


def draw_waves(waves: NDArray, peaks: NDArray) -> NDArray:
    """The lead of the waves from `draw_beat_waves`, in mV at 360 Hz, to two seconds past the last R peak."""
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


def convert_to_adc(millivolts: NDArray) -> NDArray:
    """The lead in ADC units, as a recorder stores it: 200 steps a mV, 0 mV at 1024, within 0 and 2047."""
    return np.clip(np.round(_BASELINE + _GAIN * millivolts), 0, 2047).astype(np.int64)
