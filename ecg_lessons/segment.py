"""From a record and its R peaks to beats."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .beats import WIDTH

LOWEST, HIGHEST = 1.0, 100_000.0  # Hz; no ECG is sampled outside, and to resample one would fill the memory
BEFORE = 67  # samples of a "context" beat that lie before its R peak: 0.56 s; a second follows


def segment(signal: ArrayLike, peaks: ArrayLike, fs=360.0, recipe="published", annotations=None) -> NDArray:
    """Cut one beat for each peak, except the last.

    Parameters
    ----------
    signal : array (n_samples,)
        One lead, in any unit: every recipe scales it.
    peaks : int array (n_peaks,)
        Sample numbers of the R peaks, ascending.
    fs : float
        Sampling frequency of `signal` in Hz.
    recipe : "published", "resampled" or "context"
        "published" is what the Kaggle files contain, sample for sample (see below);
        "resampled" is what the paper describes; "context" is the course's own.
    annotations : int array, optional
        Sample numbers of *all* annotations, beats or not; `peaks` must be among them.
        Default: the peaks. Only used by "published".

    Returns
    -------
    float32 array (n_peaks - 1, 187)
        Beats in [0, 1], zeros after their end; at 120 Hz for "published" and a 360 Hz signal (a third of
        `fs` in general), at 125 Hz for "resampled". For "context": at 120 Hz, the R peak at sample 67,
        about zero, in amplitudes of the median beat.

    Raises
    ------
    ValueError
        If the signal holds NaN; if the peaks are not ascending whole numbers, lie outside the
        signal, or are not among the annotations; if `fs` does not lie between 1 and 100 000 Hz.

    Notes
    -----
    "published", worked out from published beats: a beat runs from its annotation `a` to 20 % past the next
    one, ``signal[a : int(b + 0.2 * (c - b))][::3]`` with `b`, `c` the next two annotations *of any kind*, a
    rhythm change or a noise annotation included; where there is no `c`, the end of the signal stands in. It
    is scaled by its own minimum and maximum first and cut to 187 samples afterwards, so a long beat may end
    before its extremes. The published test file comes out so to the last bit, see `write_published_csv`.

    "resampled" (Kachuee et al. 2018, arXiv:1805.00794): band-limited resampling to 125 Hz; a beat is 1.2
    times the median RR interval of its 10 s window, from the peak on; cut to 187 samples, then scaled.

    "context": the baseline's wander taken out (high-pass at 0.5 Hz, forwards and backwards), band-limited
    resampling to 120 Hz, 0.56 s before each peak and 1 s after it, whatever lies there; divided by the
    amplitude (peak to peak) of the median of all these beats, so that a beat that is taller than the
    patient's others stays taller. It looks at the whole signal, so it suits a recording, not a monitor.
    """
    signal = _check_lead(signal, fs)
    peaks = _check_sample_numbers(peaks)
    annotations = peaks if annotations is None else _check_sample_numbers(annotations)
    if np.any(np.diff(peaks) <= 0) or np.any(np.diff(annotations) < 0):
        raise ValueError("peaks and annotations must be in ascending order")
    if len(peaks) and (peaks[0] < 0 or peaks[-1] >= len(signal)):
        raise ValueError("a peak lies outside the signal")
    if not np.isin(peaks, annotations).all():
        raise ValueError("every peak must be among the annotations")
    if recipe not in ("published", "resampled", "context"):
        raise ValueError(f'recipe must be "published", "resampled" or "context", not {recipe!r}')
    if len(peaks) < 2:
        return np.zeros((0, WIDTH), dtype=np.float32)
    if recipe == "context":
        return _cut_context(signal, peaks, fs)
    if recipe == "resampled":
        beats = _cut_resampled(signal, peaks, fs)
    else:
        beats = _cut_published(signal, peaks, annotations)
    padded = [np.pad(beat[:WIDTH], (0, max(0, WIDTH - len(beat)))) for beat in beats]
    return np.stack(padded).astype(np.float32)


def _cut_published(signal, peaks, annotations):
    here = np.searchsorted(annotations, peaks[:-1], side="right") - 1
    following = annotations[here + 1]
    after = np.append(annotations, len(signal))[here + 2]
    for start, end in zip(peaks, (following + 0.2 * (after - following)).astype(np.int64)):
        yield _scale_beat(signal[start:end:3])


def _cut_resampled(signal, peaks, fs):
    slow, rate = resample_signal(signal, fs, 125.0)
    window, intervals = (peaks // (10 * fs)).astype(int), np.diff(peaks)
    inside = window[:-1] == window[1:]  # both peaks of the interval lie in the same window
    for start, interval, own_window in zip(peaks, intervals, window):
        usual = intervals[inside & (window[:-1] == own_window)]
        # a window with a single beat has no interval of its own: the one to the next peak
        length = 1.2 * (np.median(usual) if len(usual) else interval)
        first = round(start * rate)
        last = first + max(2, round(length * rate))
        yield _scale_beat(slow[first:last][:WIDTH])


def _cut_context(signal, peaks, fs):
    from scipy.signal import butter, sosfiltfilt

    high_pass = butter(2, 0.5, "highpass", fs=fs, output="sos")
    level = signal - np.median(signal)  # a flat line stays exactly flat
    steady = sosfiltfilt(high_pass, level, padlen=min(len(signal) - 1, round(fs)))
    slow, rate = resample_signal(steady, fs, 120.0)
    around = np.pad(slow, (BEFORE, WIDTH), mode="edge")
    middles = np.minimum(np.round(peaks * rate).astype(int), len(slow) - 1)
    beats = np.lib.stride_tricks.sliding_window_view(around, WIDTH)[middles]
    amplitude = np.ptp(np.median(beats, axis=0))
    return (beats[:-1] / (amplitude or 1)).astype(np.float32)


def resample_signal(signal: NDArray, fs: float, target: float) -> tuple[NDArray, float]:
    """The signal at `target` Hz about zero, and the exact ratio of the two rates."""
    from scipy.signal import resample_poly

    # exact for the usual frequencies, else within one in a million
    ratio = Fraction(target / fs).limit_denominator(1000)
    # about zero and with its edges carried on: a step at either end would ring into a beat
    level = signal - np.median(signal)
    return resample_poly(level, ratio.numerator, ratio.denominator, padtype="edge"), float(ratio)


def _scale_beat(beat):
    """A beat shifted and stretched to [0, 1] by its own extremes; zeros if it is flat."""
    low, high = beat.min(), beat.max()
    return (beat - low) / (high - low) if high > low else np.zeros(len(beat))


def cut_leads(signals: ArrayLike, peaks: NDArray, fs: float, target=120.0) -> NDArray:
    """Cut a recording of another frequency as the published beats were cut, lead by lead.

    Each of the signals (n_samples, leads) is resampled to three times `target`, of which the published
    recipe keeps every third sample. `fs` and `target` are in Hz. The last interval is taken to come once more:
    where a short recording happens to end says nothing of the heart. Gives a float32 array (n_peaks - 1, 187),
    or (n_peaks - 1, 187, leads) for more than one lead.
    """
    cuts = []
    for lead in np.asarray(signals).T:
        fine, ratio = resample_signal(lead, fs, 3 * target)
        at = np.minimum(np.round(peaks * ratio).astype(int), len(fine) - 1)
        cuts.append(segment(fine, at, 3 * target, annotations=np.append(at, 2 * at[-1:] - at[-2:-1])))
    return cuts[0] if len(cuts) == 1 else np.stack(cuts, axis=-1)


def find_r_peaks(signal: ArrayLike, fs: float) -> NDArray:
    """Sample numbers of the R peaks in a lead that nobody annotated: int array (n_peaks,).

    `signal` (n_samples,) is in mV, its sampling frequency `fs` in Hz.

    ``wfdb.processing.XQRS`` at 360 Hz, the frequency it does well at. It learns what a QRS looks like
    before it begins, so a short recording is shown to it between two mirror images of itself; the
    peaks it finds there are dropped. So are those within 50 ms of either end: no QRS is whole there, and
    where the image begins one side of the seam is as tall as the other, so that the last bit of a
    processor's arithmetic would decide.
    """
    from scipy.signal import butter, sosfiltfilt
    from wfdb.processing import XQRS

    signal = _check_lead(signal, fs)
    at_360, ratio = resample_signal(signal, fs, 360.0)
    reach = min(len(at_360), 3600)  # ten seconds
    padded = np.pad(at_360, reach, mode="symmetric")
    band = sosfiltfilt(butter(2, (5, 20), "bandpass", fs=360, output="sos"), padded)
    # its first thresholds are in mV: a low lead is made as high as others
    detector = XQRS(sig=padded / (np.percentile(np.abs(band), 98) or 1), fs=360)
    detector.detect(verbose=False)
    peaks = np.asarray(detector.qrs_inds, dtype=np.int64) - reach
    edge = 18  # samples: 50 ms
    peaks = np.round(peaks[(peaks >= edge) & (peaks < len(at_360) - edge)] / ratio).astype(np.int64)
    return np.unique(np.minimum(peaks, len(signal) - 1))


def compute_rr_intervals(peaks: ArrayLike, fs=360.0) -> NDArray:
    """Seconds from the peak before and to the peak after each: float32 (n_peaks, 2), NaN where none is."""
    gaps = np.diff(np.asarray(peaks, dtype=np.float64)) / fs
    return np.stack([np.r_[np.nan, gaps], np.r_[gaps, np.nan]], axis=1).astype(np.float32)[: np.size(peaks)]


def beat_length(signals: ArrayLike) -> Any:
    """Samples of each beat up to its last one above zero: an int, or an int array (n,) for (n, 187).

    What follows is padding, but for a beat that ends at its own minimum: that sample is zero, too.
    """
    above = np.atleast_2d(signals) > 0
    length = np.where(above.any(1), above.shape[1] - above[:, ::-1].argmax(1), 0)
    return length if np.ndim(signals) > 1 else int(length[0])


def _check_lead(signal, fs):
    signal = np.asarray(signal, dtype=np.float64)
    if signal.ndim != 1:
        raise ValueError(f"signal must be one lead, not an array of shape {signal.shape}")
    if not np.isfinite(signal).all():
        raise ValueError("signal holds NaN or infinite samples; fill them or cut them out first")
    if not LOWEST <= fs <= HIGHEST:  # NaN does not, either
        raise ValueError(f"fs must lie between {LOWEST:g} and {HIGHEST:g} Hz, not {fs}")
    return signal


def _check_sample_numbers(values):
    numbers = np.asarray(values)
    is_numeric = numbers.ndim == 1 and numbers.dtype.kind in "biuf"
    if not is_numeric or not (np.abs(numbers) < 2**53).all() or (numbers % 1).any():  # NaN is neither
        raise ValueError("peaks and annotations must be one-dimensional arrays of whole sample numbers")
    return numbers.astype(np.int64)
