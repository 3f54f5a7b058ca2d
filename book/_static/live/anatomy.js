// Anatomy of a beat: five waves that can be dragged, and the beat that they add up to.
"use strict";

const ecgAnatomy = (() => {
  const { html, svg, path } = ecgPaper;
  const [HEIGHT, CENTRE, SPREAD] = [0, 1, 2];
  const NAMES = ["P", "Q", "R", "S", "T"];
  const COLOURS = ecgWaves.colours;
  const SECONDS = [-0.36, 0.56];
  const TOP = 1.7; // mV at the upper edge
  const BOTTOM = -0.7;
  const LIMITS = [[-0.6, 1.6], [-0.32, 0.5], [0.004, 0.12]]; // mV, s, s
  const EDGE = 2; // a wave is taken to begin and end this many widths from its centre
  const MEANINGS = [
    "P: the atria are excited.",
    "Q: the wall between the ventricles is excited, where their excitation begins.",
    "R: most of the ventricles' muscle is excited.",
    "S: the last parts of the ventricles are reached.",
    "T: the ventricles recover.",
  ];

  function start(figure, template) {
    let waves = template.map((row) => [...row]);
    let chosen = 2;
    const ground = svg("g"); // drawn anew at every move; the handles stay, as they hold pointer and focus
    const paper = svg("svg", { class: "ecg-paper ecg-anatomy" }, ground);
    const meaning = html("p", { class: "ecg-notice", role: "status" });
    const width = html("input", { type: "range", min: LIMITS[2][0], max: LIMITS[2][1], step: 0.002, id: "ecg-spread" });
    const output = html("output", { for: "ecg-spread" });
    const label = html("label", { for: "ecg-spread" });
    const intervals = html("p", { class: "ecg-answer", "aria-live": "polite" });
    const reset = html("button", { type: "button", class: "btn btn-sm btn-outline-primary" }, "Reset");
    const handles = NAMES.map((name, wave) => {
      const handle = svg("g", { class: "ecg-handle", tabindex: 0, role: "slider", "aria-label": `${name} wave: left and right move it, up and down change its height`,
        "aria-valuemin": LIMITS[0][0], "aria-valuemax": LIMITS[0][1] },
        svg("circle", { r: 16, class: "ecg-reach" }), svg("circle", { r: 9, fill: COLOURS[wave] }), svg("text", { y: 4, "text-anchor": "middle" }, name));
      handle.addEventListener("focus", () => choose(wave));
      handle.addEventListener("pointerdown", (event) => {
        choose(wave);
        handle.setPointerCapture(event.pointerId);
        const [seconds, millivolts] = place(event);
        grip = [waves[CENTRE][wave] - seconds, waves[HEIGHT][wave] - millivolts];
      });
      handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && drag(event));
      handle.addEventListener("keydown", key);
      return handle;
    });
    paper.append(...handles);
    let scale;
    let grip; // from the pointer to the centre of the letter that it holds

    const limit = (value, [low, high]) => Math.min(Math.max(value, low), high);
    const volts = () => Math.round((TOP - BOTTOM) / 0.1);

    function choose(wave) {
      chosen = wave;
      draw();
    }

    function move(seconds, millivolts) {
      waves[CENTRE][chosen] = limit(seconds, LIMITS[1]);
      waves[HEIGHT][chosen] = limit(millivolts, LIMITS[0]);
      draw();
    }

    function place(event) {
      const box = paper.getBoundingClientRect();
      return [SECONDS[0] + ((event.clientX - box.left) / scale.square) * 0.04, TOP - ((event.clientY - box.top) / scale.square) * 0.1];
    }

    function drag(event) {
      const [seconds, millivolts] = place(event);
      move(seconds + grip[0], millivolts + grip[1]);
    }

    function key(event) {
      const step = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
      if (!step) return;
      event.preventDefault();
      move(waves[CENTRE][chosen] + step[0], waves[HEIGHT][chosen] + step[1]);
    }

    // PR, QRS and QT, as far as bumps have ends.
    function say() {
      const begin = (wave) => waves[CENTRE][wave] - EDGE * waves[SPREAD][wave];
      const end = (wave) => waves[CENTRE][wave] + EDGE * waves[SPREAD][wave];
      const present = [1, 2, 3].filter((wave) => Math.abs(waves[HEIGHT][wave]) >= 0.05);
      if (!present.length) return "No QRS is left.";
      const [from, to] = [Math.min(...present.map(begin)), Math.max(...present.map(end))];
      const seconds = (value) => `${value.toFixed(2)} s`;
      const pr = Math.abs(waves[HEIGHT][0]) < 0.03 ? "no P wave"
        : begin(0) < from ? `PR ${seconds(from - begin(0))}` : "P does not come before the QRS";
      const qt = Math.abs(waves[HEIGHT][4]) < 0.03 ? "no T wave"
        : end(4) > to ? `QT ${seconds(end(4) - from)}` : "T does not come after the QRS";
      return `${pr} · QRS ${seconds(to - from)} · ${qt}`;
    }

    function draw() {
      const wide = Math.max(paper.clientWidth, 200);
      const square = wide / ((SECONDS[1] - SECONDS[0]) / 0.04);
      scale = ecgPaper.rule(paper, { seconds: SECONDS, width: wide, height: square * volts(), first: 2, into: ground });
      const y = (millivolts) => ((TOP - millivolts) / 0.1) * square;
      for (const millivolts of [-0.5, 0, 0.5, 1, 1.5]) {
        ground.append(svg("text", { x: 3, y: y(millivolts) - 3 }, `${millivolts.toFixed(1)} mV`));
      }
      const times = Array.from({ length: 277 }, (_, i) => SECONDS[0] + i / 300);
      NAMES.forEach((_, wave) => {
        const points = times.filter((t) => Math.abs(t - waves[CENTRE][wave]) < 4 * waves[SPREAD][wave])
          .map((t) => [scale.x(t), y(ecgBeat.bump(waves, wave, t))]);
        if (points.length) ground.append(svg("path", { class: "ecg-wave", stroke: COLOURS[wave], d: path(points) }));
      });
      ground.append(svg("path", { class: "ecg-ink", d: path(times.map((t) => [scale.x(t), y(ecgBeat.sum(waves, t))])) }));
      handles.forEach((handle, wave) => {
        handle.setAttribute("transform", `translate(${scale.x(waves[CENTRE][wave])} ${y(waves[HEIGHT][wave])})`);
        handle.setAttribute("aria-valuenow", waves[HEIGHT][wave].toFixed(2));
        handle.setAttribute("aria-valuetext", `${waves[HEIGHT][wave].toFixed(2)} mV at ${waves[CENTRE][wave].toFixed(2)} s`);
        handle.classList.toggle("ecg-chosen", wave === chosen);
      });
      label.textContent = `Width of ${NAMES[chosen]}`;
      width.value = waves[SPREAD][chosen];
      output.textContent = `${(2 * EDGE * waves[SPREAD][chosen]).toFixed(2)} s`;
      width.setAttribute("aria-valuetext", output.textContent);
      if (meaning.textContent !== MEANINGS[chosen]) meaning.textContent = MEANINGS[chosen];
      const said = say();
      if (intervals.textContent !== said) intervals.textContent = said;
    }

    width.addEventListener("input", () => {
      waves[SPREAD][chosen] = Number(width.value);
      draw();
    });
    reset.addEventListener("click", () => {
      waves = template.map((row) => [...row]);
      draw();
    });
    figure.classList.add("ecg-running");
    figure.replaceChildren(paper, intervals, meaning, html("div", { class: "ecg-slider" }, label, output, width), reset);
    ecgPaper.onNewWidth(paper, draw);
    draw();
  }

  return { start };
})();

ecgAnatomy.start(document.getElementById("anatomy"), ecgWaves.waves.sinus);
document.querySelectorAll(".ecg-stored").forEach((picture) => (picture.hidden = true));
