// The course's network, built layer by layer as in chapter 3, with the weights that Keras learned.
"use strict";

const ecgNetwork = (() => {
  // The same layers as `cnn_lstm` in ecg_lessons/models.py. Every layer starts from zeros, as its weights
  // come from the file; what only matters in training (dropout) is left out.
  function build({ width, filters, kernels, strides, pool, units, dense, classes }) {
    const zeros = { kernelInitializer: "zeros", recurrentInitializer: "zeros" };
    const conv = { padding: "same", useBias: false, kernelInitializer: "zeros" };
    const lstm = tf.layers.lstm({ units, recurrentActivation: "sigmoid", ...zeros });
    return tf.sequential({
      layers: [
        tf.layers.conv1d({ name: "conv1", inputShape: [width, 1], filters: filters[0], kernelSize: kernels[0], strides, ...conv }),
        tf.layers.batchNormalization({ name: "conv1_norm" }),
        tf.layers.reLU(),
        tf.layers.conv1d({ name: "conv2", filters: filters[1], kernelSize: kernels[1], ...conv }),
        tf.layers.batchNormalization({ name: "conv2_norm" }),
        tf.layers.reLU(),
        tf.layers.maxPooling1d({ poolSize: pool }),
        tf.layers.bidirectional({ name: "lstm", layer: lstm, mergeMode: "concat" }),
        tf.layers.dense({ name: "dense", units: dense, activation: "relu", kernelInitializer: "zeros" }),
        tf.layers.dense({ name: "output", units: classes, activation: "softmax", kernelInitializer: "zeros" }),
      ],
    });
  }

  // The weights travel as text: float32, their first bytes together, then their second ones and so on (which
  // packs better), deflated, base64.
  async function unpack(text) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const n = planes.length / 4;
    const bytes = new Uint8Array(planes.length);
    for (let i = 0; i < n; i++) for (let k = 0; k < 4; k++) bytes[4 * i + k] = planes[k * n + i];
    return new Float32Array(bytes.buffer);
  }

  // A network ready to answer, from what `make live` exported.
  async function load({ sizes, shapes, data }) {
    await tf.setBackend("cpu"); // the same on every machine, and fast enough for one beat
    await tf.ready();
    const [model, weights] = [build(sizes), await unpack(data)];
    let at = 0;
    for (const [name, ...arrays] of shapes) {
      const tensors = arrays.map((shape) => {
        const size = shape.reduce((product, n) => product * n, 1);
        return tf.tensor(weights.subarray(at, (at += size)), shape);
      });
      model.getLayer(name).setWeights(tensors);
      tensors.forEach((tensor) => tensor.dispose());
    }
    return model;
  }

  // Five probabilities a row.
  function predict(model, rows) {
    return tf.tidy(() => model.predict(tf.tensor3d(rows.map((row) => Array.from(row, (value) => [value])))).arraySync());
  }

  // Copies of a row, in each of which one window is replaced by the line that joins its ends.
  function occluded(row, window = 11) {
    const copies = [];
    for (let start = 0; start < row.length; start += window) {
      const copy = Float32Array.from(row);
      const last = Math.min(start + window, row.length) - 1;
      for (let i = start; i <= last; i++) copy[i] = row[start] + ((i - start) / (last - start || 1)) * (row[last] - row[start]);
      copies.push({ start, end: last + 1, row: copy });
    }
    return copies;
  }

  return { load, predict, occluded };
})();
