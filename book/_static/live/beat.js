// From the waves of a beat, or its samples, to the row of 187 numbers that the network reads.
// The counterpart of ecg_lessons/data/simulate.py (waves, recorder) and segment.py ("published"); nothing here
// touches the page.
"use strict";

const ecgBeat = (() => {
  const FS = 360; // Hz, of the recorder
  const WIDTH = 187;
  const [GAIN, BASELINE, FULL] = [200, 1024, 2047]; // the recorder's steps per mV, at 0 mV, and at most
  const [HEIGHT, CENTRE, SPREAD] = [0, 1, 2]; // rows of a beat's waves; columns are P, Q, R, S, T
  const QRS = [1, 2, 3];

  // What the sliders stand at for a beat as it is.
  const UNCHANGED = { rate: 1, qrs: 1, p: 1, amplitude: 1, noise: 0, wander: 0, hertz: 120, seed: 1 };

  // The voltage of one wave, `seconds` after its beat's R peak.
  function bump(waves, wave, seconds) {
    return waves[HEIGHT][wave] * Math.exp(-0.5 * ((seconds - waves[CENTRE][wave]) / waves[SPREAD][wave]) ** 2);
  }

  function sum(waves, seconds) {
    let voltage = 0;
    for (let wave = 0; wave < 5; wave++) voltage += bump(waves, wave, seconds);
    return voltage;
  }

  function change(waves, { rate, qrs, p }) {
    const changed = waves.map((row) => [...row]);
    changed[HEIGHT][0] *= p;
    for (const wave of QRS) {
      changed[CENTRE][wave] *= qrs;
      changed[SPREAD][wave] *= qrs;
    }
    changed[CENTRE][4] /= Math.sqrt(rate); // the T wave follows the heart rate, as in simulate.py
    return changed;
  }

  // As Python rounds: a half to the even neighbour.
  function round(value) {
    const nearest = Math.round(value);
    return nearest - value === 0.5 && nearest % 2 ? nearest - 1 : nearest;
  }

  // Numbers that look random and are the same each time (mulberry32), then normal ones (Box and Muller).
  function noise(seed, n) {
    let state = seed * 2654435761;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
    return Float64Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  }

  const drift = (seconds) => Math.sin(2 * Math.PI * (0.3 * seconds + 0.1)); // a slow breath

  // The lead in the recorder's steps at 360 Hz, from the beat's R peak to 20 % past the next one. Operation for
  // operation what `draw_waves`, `to_adc` and `published_ends` do: where a number lies between two steps, its last
  // bit decides.
  function lead(beat, settings) {
    const [before, after, following] = beat.intervals.map((n) => Math.round(n / settings.rate));
    const peaks = [FS, FS + before, FS + before + after];
    const length = Math.trunc(peaks[2] + 0.2 * following) - peaks[1];
    const waves = beat.waves.map((one) => change(one, settings));
    const middles = waves.map((one, k) => one[CENTRE].map((centre) => round(peaks[k] + centre * FS) - peaks[1]));
    const random = noise(settings.seed, length);
    return Float64Array.from({ length }, (_, i) => {
      let voltage = 0;
      for (let wave = 0; wave < 5; wave++) {
        voltage += waves.reduce((total, one, k) => {
          const widths = (i - middles[k][wave]) / FS / one[SPREAD][wave];
          return total + one[HEIGHT][wave] * Math.exp(-0.5 * (widths * widths));
        }, 0);
      }
      voltage = settings.amplitude * voltage + settings.wander * drift(i / FS) + settings.noise * random[i];
      return Math.min(Math.max(round(BASELINE + GAIN * voltage), 0), FULL);
    });
  }

  // Every `step`-th sample; where that falls between two, on the line that joins them.
  function thin(signal, step) {
    return Float64Array.from({ length: Math.floor((signal.length - 1) / step) + 1 }, (_, i) => {
      const left = Math.floor(i * step + 1e-9);
      const share = i * step - left;
      return share < 1e-9 ? signal[left] : signal[left] + share * (signal[left + 1] - signal[left]);
    });
  }

  function extremes(signal) {
    return signal.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  }

  // Scaled to the range [bottom, top], cut to 187 samples, zeros after the end.
  function row(signal, bottom = 0, top = 1) {
    const [low, high] = extremes(signal);
    const scaled = new Float32Array(WIDTH);
    const height = high > low ? high - low : Infinity;
    signal.slice(0, WIDTH).forEach((value, i) => (scaled[i] = bottom + ((value - low) / height) * (top - bottom)));
    return scaled;
  }

  // A beat of samples (drawn, or from a file) at 120 Hz; one unit counts as one mV.
  function changedSamples(beat, settings) {
    const thinned = thin(beat.samples, (settings.rate * 120) / settings.hertz);
    const random = noise(settings.seed, thinned.length);
    return thinned.map(
      (value, i) => settings.amplitude * value + settings.wander * drift(i / 120) + settings.noise * random[i],
    );
  }

  // The row that the network reads, how many of its samples belong to the beat, and whether there is a beat at all.
  function cut(beat, settings) {
    const signal = beat.waves ? thin(lead(beat, settings), FS / settings.hertz) : changedSamples(beat, settings);
    const [low, high] = extremes(signal);
    const flat = !(high > low);
    // a row that is scaled already keeps its range, so that unmoved sliders change nothing
    const range = keepsRange(beat) ? extremes(beat.samples) : flat ? [low, high] : [0, 1];
    return { row: row(signal, ...range), end: Math.min(signal.length, WIDTH), flat };
  }

  function keepsRange(beat) {
    if (beat.waves) return false;
    const [low, high] = extremes(beat.samples);
    return low >= 0 && high <= 1 && high > low;
  }

  // Samples up to the last one above zero: what follows in a published row is padding.
  function withoutPadding(samples) {
    let end = samples.length;
    while (end > 0 && samples[end - 1] === 0) end--;
    return samples.slice(0, end);
  }

  return { FS, WIDTH, UNCHANGED, sum, bump, cut, extremes, keepsRange, withoutPadding };
})();
