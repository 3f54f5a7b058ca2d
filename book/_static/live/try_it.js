// The live figure: choose, draw or drop a beat, move the sliders, read what the network says.
"use strict";

const ecgTryIt = (() => {
  const { html, svg, path } = ecgPaper;
  const { UNCHANGED, WIDTH } = ecgBeat;
  const largest = (numbers) => numbers.indexOf(Math.max(...numbers));
  const percent = (share) => `${Math.round(100 * share)} %`;
  const paperHeight = () => (part.paper.clientWidth < 560 ? 130 : 230); // px
  const MARGIN = 14; // px above and below the beat
  const PAUSE = 250; // ms without a move before the slower answers are worked out
  const AT_ONCE = 4; // beats between two looks at whether the reader has moved on

  // What each slider does, and what to notice about it. `shown` puts its value into words.
  const SLIDERS = {
    rate: {
      label: "Heart rate", min: 0.5, max: 2, step: 0.01,
      shown: (value, beat) => percent(value) + (beat.waves ? `, ${Math.round((60 * ecgBeat.FS * value) / beat.intervals[1])} a minute` : ""),
      notice: "The row ends shortly after the next R peak, and zeros follow. A faster heart means more zeros: "
        + "the network can read the interval off them.",
    },
    qrs: {
      label: "QRS width", min: 0.5, max: 3, step: 0.05, waves: true, shown: percent,
      notice: "The row begins at the R peak, so half of this beat's QRS is all there is to see of its width. "
        + "The next beat's QRS, near the end of the row, widens too.",
    },
    p: {
      label: "P wave", min: 0, max: 2, step: 0.05, waves: true, shown: (value) => (value ? percent(value) : "missing"),
      notice: "The P wave in the row belongs to the next beat. This beat's own came before its R peak and was cut off.",
    },
    amplitude: {
      label: "Amplitude", min: 0.1, max: 2, step: 0.05, shown: percent,
      notice: "Each beat is scaled by its own smallest and largest sample, so a low beat looks like a tall one. "
        + "What changes is how large the noise is beside it.",
    },
    noise: {
      label: "Noise", min: 0, max: 0.3, step: 0.005, shown: (value) => `${value.toFixed(3)} mV`,
      notice: "Noise also moves the smallest and the largest sample, and with them the scale of the whole beat.",
    },
    wander: {
      label: "Baseline wander", min: 0, max: 2, step: 0.05, shown: (value) => `${value.toFixed(2)} mV`,
      notice: "A slow breath tilts the beat. The scaling cannot take that out: it knows one minimum and one maximum.",
    },
  };
  const CLOCK = "The files are said to hold 125 samples a second and hold 120. At 125 the same beat takes 4 % more "
    + "samples. Does the answer care?";

  // "Where does it break?": a task is ticked when the reader's beat and sliders answer it.
  const TASKS = [
    {
      text: "Widen the QRS of an N beat, and nothing else, until the network calls it something else. What?",
      done: ({ beat, settings, best, moved }) => beat.label === 0 && moved.join() === "qrs" && settings.qrs > 1 && best !== 0,
    },
    {
      text: "Add noise to a V beat until it is lost. How much does an N beat bear?",
      done: ({ beat, best, moved }) => beat.label === 2 && moved.join() === "noise" && best !== 2,
    },
    {
      text: "Find a beat whose answer changes with the heart rate alone.",
      done: ({ moved, best, atRest }) => moved.join() === "rate" && best !== largest(atRest),
    },
    {
      text: "Halve the amplitude of a beat that is well recognized, without noise. Which of the five numbers moves by more than two points?",
      done: ({ beat, settings, best, moved, atRest, probabilities }) => moved.join() === "amplitude" && settings.amplitude <= 0.5
        && beat.label === best && atRest[best] > 0.9 && probabilities.every((p, k) => Math.abs(p - atRest[k]) < 0.02),
      found: "none of them",
    },
    {
      text: "Find a beat that is called one class at 120 Hz and another at 125 Hz.",
      done: ({ moved, best, atRest }) => moved.join() === "hertz" && best !== largest(atRest),
    },
    {
      text: "Draw a beat on a blank sheet that the network calls V with more than 90 %.",
      done: ({ beat, best, probabilities }) => beat.blank && best === 2 && probabilities[2] > 0.9,
    },
  ];

  const CLASSES = ecgWaves.classes.map(({ letter }) => letter);
  const NAMES = ecgWaves.classes.map(({ letter, name }) => `${letter}, ${name}`);
  const COLOURS = ecgWaves.classes.map(({ colour }) => colour);

  const part = {}; // the elements that change
  const state = { beat: null, settings: { ...UNCHANGED }, drawing: false, pen: 60, turn: 0, last: null, windows: [] };
  let model;

  function moved() {
    return Object.keys(UNCHANGED).filter((name) => name !== "seed" && state.settings[name] !== UNCHANGED[name]);
  }

  // ---- the parts of the figure

  function gallery() {
    const grid = html("div", { class: "ecg-gallery" });
    ecgWaves.classes.forEach(({ letter }) => grid.append(html("span", { class: "ecg-letter", "aria-hidden": "true" }, letter)));
    ecgWaves.gallery.forEach((beat, i) => {
      const radio = html("input", { type: "radio", name: "ecg-beat", value: i, "aria-label": `${NAMES[beat.label]}, of person ${beat.person}` });
      const { row, end } = ecgBeat.cut(beat, UNCHANGED);
      const points = Array.from(row.slice(0, end), (value, k) => [(k / WIDTH) * 60, 33 - 30 * value]);
      const small = svg("svg", { viewBox: "0 0 60 36", "aria-hidden": "true" }, svg("path", { class: "ecg-ink", d: path(points) }));
      radio.addEventListener("click", () => choose(beat)); // arrow keys click, too; and so does whoever chooses it again
      grid.append(html("label", {}, radio, small));
    });
    part.gallery = grid;
    return html("fieldset", {}, html("legend", {}, "Choose a simulated beat"), grid,
      html("p", { class: "ecg-quiet" }, "A column a class, a row a made-up person."));
  }

  function ownBeats() {
    part.draw = html("button", { type: "button", class: "btn btn-outline-primary", "aria-pressed": "false" }, "Draw one");
    part.blank = html("button", { type: "button", class: "btn btn-outline-primary", hidden: "" }, "Blank sheet");
    part.file = html("input", { type: "file", accept: ".csv,.txt,.tsv,text/csv,text/plain", class: "ecg-file" });
    part.hint = html("p", { class: "ecg-quiet", id: "ecg-hint", hidden: "" },
      "Drag over the paper with mouse or finger. By keyboard: left and right move the pen (with Shift in larger steps), "
      + "up and down lift or lower the line there.");
    part.trouble = html("p", { class: "ecg-trouble", role: "alert", hidden: "" });
    part.draw.addEventListener("click", () => draw(!state.drawing));
    part.blank.addEventListener("click", () => {
      choose({ samples: new Array(140).fill(0.2), drawn: true, blank: true });
      draw(true);
    });
    part.file.addEventListener("change", () => {
      const [file] = part.file.files;
      part.file.value = ""; // so that the same file can be chosen again
      if (file) open(file);
    });
    const label = html("label", { class: "btn btn-outline-primary" }, part.file, "Open a CSV");
    return html("div", { class: "ecg-own" }, part.draw, part.blank, label,
      html("span", { class: "ecg-quiet" }, "or drop one on this figure: a beat's samples, 120 a second, from its R peak on"), part.hint, part.trouble);
  }

  function sheet() {
    part.paper = svg("svg", { class: "ecg-paper", role: "img" });
    part.paper.addEventListener("pointerdown", (event) => stroke(event, true));
    part.paper.addEventListener("pointermove", (event) => event.pointerId === state.pointer && stroke(event, false));
    for (const end of ["pointerup", "pointercancel"]) part.paper.addEventListener(end, () => (state.pointer = null));
    part.paper.addEventListener("keydown", pen);
    return part.paper;
  }

  function answer() {
    part.answer = html("p", { class: "ecg-answer" });
    const [head, shares] = [html("tr"), html("tr")];
    part.bars = ecgWaves.classes.map(({ letter, name, colour }) => {
      const bar = html("span", { class: "ecg-bar", style: `background: ${colour}` });
      const share = html("span");
      head.append(html("th", { scope: "col" }, html("b", {}, letter), html("span", { class: "ecg-long" }, name)));
      shares.append(html("td", {}, share, html("span", { class: "ecg-track", "aria-hidden": "true" }, bar)));
      return { bar, share };
    });
    return html("section", { "aria-label": "What the network says" }, part.answer,
      html("table", { class: "ecg-table" }, html("caption", { class: "ecg-hidden" }, "Probability of each class"),
        html("thead", {}, head), html("tbody", {}, shares)),
      html("p", { class: "ecg-warning" }, html("strong", {}, "Not a medical device."), " Never for a person's care."));
  }

  function more() {
    part.caption = html("p", { class: "ecg-quiet" });
    part.occlusion = html("p", { class: "ecg-quiet" });
    part.said = html("p", { class: "ecg-hidden", role: "status" });
    part.done = html("p", { role: "status" });
    return html("div", {}, part.done, part.caption, part.occlusion, part.said);
  }

  function sliders() {
    const box = html("div", { class: "ecg-sliders" });
    part.sliders = {};
    for (const [name, { label, min, max, step }] of Object.entries(SLIDERS)) {
      const input = html("input", { type: "range", min, max, step, id: `ecg-${name}` });
      const output = html("output", { for: `ecg-${name}` });
      input.addEventListener("input", () => set(name, Number(input.value)));
      box.append(html("div", { class: "ecg-slider" }, html("label", { for: `ecg-${name}` }, label), output, input));
      part.sliders[name] = { input, output };
    }
    part.clock = html("input", { type: "checkbox", id: "ecg-hertz" });
    part.clock.addEventListener("change", () => set("hertz", part.clock.checked ? 125 : 120));
    const again = html("button", { type: "button", class: "btn btn-sm btn-outline-primary" }, "Other noise");
    const reset = html("button", { type: "button", class: "btn btn-sm btn-outline-primary" }, "Reset");
    again.addEventListener("click", () => set("seed", state.settings.seed + 1));
    reset.addEventListener("click", () => choose(state.beat));
    return html("fieldset", {}, html("legend", {}, "Change it"), box, html("div", { class: "ecg-own" },
      html("span", {}, part.clock, html("label", { for: "ecg-hertz" }, "125 samples a second, not 120")), again, reset));
  }

  function lesson() {
    part.notice = html("p", { class: "ecg-notice" }, "Move a slider. The five probabilities follow.");
    part.sweepTitle = html("p", { class: "ecg-quiet" });
    part.sweep = svg("svg", { class: "ecg-sweep", role: "img", hidden: "" });
    part.sweepText = html("p", { class: "ecg-quiet" });
    part.tasks = TASKS.map(({ text }) => html("li", {}, text));
    return html("div", {}, part.notice, part.sweepTitle, part.sweep, part.sweepText,
      html("section", { "aria-label": "Where does it break?" },
        html("p", { class: "ecg-legend" }, "Where does it break?"), html("ol", { class: "ecg-tasks" }, ...part.tasks)));
  }

  // ---- what the reader does

  function choose(beat) {
    state.beat = beat;
    state.settings = { ...UNCHANGED };
    state.pointer = null;
    state.last = null;
    part.trouble.hidden = true;
    if (!beat.drawn) draw(false);
    if (!beat.waves) part.gallery.querySelectorAll("input").forEach((radio) => (radio.checked = false));
    for (const [name, { waves }] of Object.entries(SLIDERS)) part.sliders[name].input.disabled = Boolean(waves && !beat.waves);
    part.notice.textContent = beat.waves
      ? "Move a slider. The five probabilities follow."
      : "Move a slider. QRS width and P wave rest: only of a simulated beat does the page know the waves. The heart rate "
        + "squeezes the whole beat.";
    clearSweep();
    update();
  }

  function set(name, value) {
    state.settings[name] = value;
    if (name !== "seed") state.last = name;
    update();
  }

  async function open(file) {
    try {
      const { samples, label, note } = await ecgCsv.read(file);
      choose({ samples, label, name: `“${file.name}”, ${note}` });
    } catch (error) {
      if (!(error instanceof ecgCsv.CsvError)) console.warn(error);
      part.trouble.textContent = error instanceof ecgCsv.CsvError ? error.message : `“${file.name}” could not be read.`;
      part.trouble.hidden = false;
      part.trouble.scrollIntoView({ block: "nearest" });
    }
  }

  function draw(on) {
    state.drawing = on;
    state.pointer = null;
    part.draw.setAttribute("aria-pressed", on);
    part.draw.textContent = on ? "Stop drawing" : "Draw one";
    part.blank.hidden = part.hint.hidden = !on;
    part.paper.classList.toggle("ecg-drawing", on);
    if (on) part.paper.setAttribute("tabindex", "0");
    else part.paper.removeAttribute("tabindex");
    if (state.cut) show();
  }

  // The beat as it looks now becomes the reader's own.
  function takeOver() {
    const { row, end } = state.cut;
    if (!state.beat.drawn || moved().length) choose({ samples: Array.from(row.slice(0, end)), drawn: true });
  }

  // Past its end a beat goes on at its last height.
  function grow(samples, at) {
    while (samples.length <= at) samples.push(samples.at(-1) ?? 0.2);
  }

  function stroke(event, begins) {
    if (!state.drawing || (begins && (!event.isPrimary || event.button !== 0))) return;
    event.preventDefault();
    const box = part.paper.getBoundingClientRect();
    const place = Math.round(((event.clientX - box.left) / box.width) * WIDTH);
    const at = Math.min(Math.max(place, 0), WIDTH - 1);
    const height = Math.min(Math.max(1 - (event.clientY - box.top - MARGIN) / (paperHeight() - 2 * MARGIN), 0), 1);
    if (begins) {
      part.paper.setPointerCapture(event.pointerId);
      takeOver();
      state.pointer = event.pointerId; // another finger draws nothing
      state.pen = at;
      state.height = height;
    }
    const { samples } = state.beat;
    grow(samples, at);
    const [from, to] = [Math.min(state.pen, at), Math.max(state.pen, at)];
    for (let i = from; i <= to; i++) {
      const share = at === state.pen ? 1 : (i - state.pen) / (at - state.pen);
      samples[i] = state.height + share * (height - state.height);
    }
    [state.pen, state.height] = [at, height];
    update();
  }

  function pen(event) {
    if (!state.drawing) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
    if (!steps) return;
    event.preventDefault();
    state.pen = Math.min(Math.max(state.pen + steps[0] * (event.shiftKey ? 10 : 1), 0), WIDTH - 1);
    if (!steps[1]) return show();
    takeOver();
    const { samples } = state.beat;
    grow(samples, state.pen);
    samples.forEach((value, i) => {
      const lifted = value + steps[1] * Math.exp(-0.5 * ((i - state.pen) / 3) ** 2);
      samples[i] = Math.min(Math.max(lifted, 0), 1);
    });
    update();
  }

  // ---- what the figure shows

  const ask = (rows) => ecgNetwork.predict(model, rows);

  function update() {
    const { beat, settings } = state;
    state.cut = ecgBeat.cut(beat, settings);
    state.probabilities = ask([state.cut.row])[0];
    if (!moved().length) state.atRest = state.probabilities; // choosing and drawing leave the sliders at rest
    state.best = largest(state.probabilities);
    state.windows = [];
    for (const [name, { shown, waves }] of Object.entries(SLIDERS)) {
      const { input, output } = part.sliders[name];
      input.value = settings[name];
      output.textContent = waves && !beat.waves ? "–" : shown(settings[name], beat);
      input.setAttribute("aria-valuetext", output.textContent);
    }
    part.clock.checked = settings.hertz === 125;
    show();
    showAnswer();
    tick();
    const turn = ++state.turn; // whoever sees another turn has been overtaken
    clearTimeout(state.timer);
    state.timer = setTimeout(() => later(turn), PAUSE);
  }

  function show() {
    const { beat, settings } = state;
    const { row, end } = state.cut;
    const width = Math.max(part.paper.clientWidth, 200);
    const height = paperHeight();
    const { x: place } = ecgPaper.rule(part.paper, { seconds: [0, WIDTH / settings.hertz], width, height, every: width < 450 ? 0.4 : 0.2 });
    const x = (i) => place(i / settings.hertz);
    const y = (value) => MARGIN + (1 - value) * (height - 2 * MARGIN);
    for (const { start, end: stop, drop } of state.windows) {
      if (drop > 0.02) {
        part.paper.append(svg("rect", {
          class: "ecg-occlusion", x: x(start), width: x(stop) - x(start), y: 0, height, opacity: 0.6 * drop,
        }));
      }
    }
    const points = Array.from(row, (value, i) => [x(i), y(value)]);
    part.paper.append(svg("path", { class: "ecg-padding", d: path(points.slice(Math.max(end - 1, 0))) }));
    part.paper.append(svg("path", { class: "ecg-ink", d: path(points.slice(0, end)) }));
    if (end < WIDTH - 25) part.paper.append(svg("text", { x: x((end + WIDTH) / 2), y: y(0) - 8, "text-anchor": "middle" }, "zeros"));
    if (state.drawing) part.paper.append(svg("circle", { class: "ecg-pen", cx: x(state.pen), cy: y(row[state.pen]), r: 6 }));
    const what = beat.waves ? `${NAMES[beat.label]}, of made-up person ${beat.person}` : beat.drawn ? "Your own drawing" : beat.name;
    const said = beat.waves || beat.label == null ? "" : `; the file says ${CLASSES[beat.label]}`;
    const range = ecgBeat.keepsRange(beat) ? `Between ${Math.min(...row.slice(0, end)).toFixed(2)} and ${Math.max(...row).toFixed(2)}` : "Scaled from 0 to 1";
    part.caption.textContent = `${what}${said}. ${range}; ${end} of ${WIDTH} samples.`;
    if (state.drawing) {
      part.paper.setAttribute("role", "slider");
      part.paper.setAttribute("aria-label", "Pen on the ECG paper");
      part.paper.setAttribute("aria-describedby", "ecg-hint");
      part.paper.setAttribute("aria-valuemin", 0);
      part.paper.setAttribute("aria-valuemax", WIDTH - 1);
      part.paper.setAttribute("aria-valuenow", state.pen);
      part.paper.setAttribute("aria-valuetext", `${(state.pen / settings.hertz).toFixed(2)} s, height ${row[state.pen].toFixed(2)}`);
    } else {
      part.paper.setAttribute("role", "img");
      part.paper.setAttribute("aria-label", `The beat on ECG paper. ${part.caption.textContent}`);
      for (const name of ["describedby", "valuemin", "valuemax", "valuenow", "valuetext"]) part.paper.removeAttribute(`aria-${name}`);
    }
  }

  function showAnswer() {
    const { probabilities, best, beat, cut: { flat } } = state;
    if (flat) {
      part.answer.textContent = "A flat line: there is no beat to classify.";
    } else {
      const known = beat.label == null ? "" : beat.label === best ? ", as it is meant" : `; it is meant as ${CLASSES[beat.label]}`;
      part.answer.replaceChildren("The network says ", html("strong", {}, NAMES[best]), ` (${percent(probabilities[best])})${known}.`);
    }
    probabilities.forEach((share, k) => {
      part.bars[k].bar.style.width = flat ? 0 : `${100 * share}%`;
      part.bars[k].share.textContent = flat ? "–" : percent(share);
    });
    part.occlusion.textContent = "";
  }

  function tick() {
    if (state.cut.flat) return;
    const { beat, settings, probabilities, best, atRest } = state;
    TASKS.forEach(({ text, done, found }, i) => {
      const item = part.tasks[i];
      if (item.classList.contains("ecg-done")) return;
      if (!done({ beat, settings, probabilities, best, moved: moved(), atRest })) return;
      const name = moved()[0];
      const where = beat.drawn ? "" : `${beat.waves ? `${CLASSES[beat.label]} of ${beat.person}` : "your beat"}, `;
      const value = name === "hertz" ? "125 Hz" : name && SLIDERS[name].shown(settings[name], beat);
      item.classList.add("ecg-done");
      part.done.textContent = `Task ${i + 1} found.`;
      item.append(html("strong", {}, ` Found: ${where}${value ? `${value}: ` : ""}${found ?? `called ${CLASSES[best]}`}.`));
    });
  }

  // The answers that take longer: which part matters, and what the whole way of the slider looks like.
  async function later(turn) {
    const overtaken = () => turn !== state.turn;
    if (state.cut.flat) return clearSweep();
    const windows = ecgNetwork.occluded(state.cut.row);
    const answers = await inTurns(windows.map((window) => window.row), overtaken);
    if (!answers) return;
    state.windows = windows.map(({ start, end }, i) => ({ start, end, drop: state.probabilities[state.best] - answers[i][state.best] }));
    show();
    sayOcclusion();
    const said = `${part.answer.textContent} Not a medical device.`;
    if (part.said.textContent !== said) part.said.textContent = said;
    if (state.last) await sweep(overtaken);
  }

  // Answers for many rows, a few at a time so that the page stays awake; null when the reader has moved on.
  async function inTurns(rows, overtaken) {
    const answers = [];
    while (answers.length < rows.length) {
      answers.push(...ask(rows.slice(answers.length, answers.length + AT_ONCE)));
      await new Promise((resolve) => setTimeout(resolve));
      if (overtaken()) return null;
    }
    return answers;
  }

  function sayOcclusion() {
    const top = state.windows.reduce((a, b) => (b.drop > a.drop ? b : a));
    const now = state.probabilities[state.best];
    const place = [top.start, top.end].map((i) => (i / state.settings.hertz).toFixed(2)).join(" to ") + " s";
    part.occlusion.textContent = top.drop > 0.02
      ? `Blue: what the answer hangs on. With ${place} replaced by a straight line, ${CLASSES[state.best]} falls from ${percent(now)} to ${percent(now - top.drop)}.`
      : "No single stretch of a tenth of a second decides: whichever is replaced by a straight line, the answer stays.";
  }

  async function sweep(overtaken) {
    const name = state.last;
    part.notice.textContent = name === "hertz" ? CLOCK : SLIDERS[name].notice;
    if (name === "hertz") return clearSweep();
    const { min, max, label, shown } = SLIDERS[name];
    const at = Array.from({ length: 25 }, (_, i) => min + (i / 24) * (max - min));
    const rows = at.map((value) => ecgBeat.cut(state.beat, { ...state.settings, [name]: value }).row);
    const values = await inTurns(rows, overtaken);
    if (!values) return;
    state.sweep = { height: 120, at, values, classes: CLASSES, colours: COLOURS, marker: state.settings[name] };
    showSweep();
    const winners = values.map((row) => CLASSES[largest(row)]);
    const stretches = [];
    winners.forEach((letter, i) => {
      if (letter === winners[i - 1]) stretches.at(-1).to = at[i];
      else stretches.push({ letter, from: at[i], to: at[i] });
    });
    part.sweepTitle.textContent = `${label} from ${shown(min, state.beat)} to ${shown(max, state.beat)}, all else as it is:`;
    const words = stretches.map(({ letter, from, to }) =>
      from === to ? `${letter} at ${shown(from, state.beat)}` : `${letter} from ${shown(from, state.beat)} to ${shown(to, state.beat)}`);
    part.sweepText.textContent = `Called ${words.join("; ")}.`;
    part.sweep.setAttribute("aria-label", `Probability of each class: ${part.sweepTitle.textContent} ${part.sweepText.textContent}`);
  }

  function showSweep() {
    if (!state.sweep) return;
    part.sweep.removeAttribute("hidden");
    ecgPaper.sweep(part.sweep, { ...state.sweep, width: Math.max(part.paper.clientWidth, 200) });
  }

  function clearSweep() {
    state.sweep = null;
    part.sweep.setAttribute("hidden", "");
    part.sweepTitle.textContent = part.sweepText.textContent = "";
  }

  // ---- begin

  function acceptDrops(figure) {
    const over = (on) => (event) => {
      event.preventDefault();
      figure.classList.toggle("ecg-over", on);
    };
    figure.addEventListener("dragover", over(true));
    figure.addEventListener("dragleave", over(false));
    figure.addEventListener("drop", (event) => {
      over(false)(event);
      const [file] = event.dataTransfer.files;
      if (file) open(file);
    });
  }

  async function start(figure) {
    model = await ecgNetwork.load(ecgWeights);
    const inSight = html("div", { class: "ecg-in-sight" }, sheet(), answer());
    figure.replaceChildren(gallery(), ownBeats(), inSight, sliders(), more(), lesson());
    figure.classList.add("ecg-running");
    acceptDrops(figure);
    part.gallery.querySelector("input").checked = true;
    choose(ecgWaves.gallery[0]);
    ecgPaper.onNewWidth(figure, () => {
      show();
      showSweep();
    });
    part.gallery.querySelector("input").focus({ preventScroll: true });
  }

  return { start };
})();
