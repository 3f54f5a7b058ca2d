// ECG paper and small charts, as SVG; and two short ways to make elements.
"use strict";

const ecgPaper = (() => {
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

  // Ruled paper: small squares of 0.04 s (1 mm at 25 mm/s), large ones of five; a label every `every` s.
  // Gives the side of a square and the scale, `x(seconds)`. `into` is a group of the picture that is drawn anew;
  // `first` is how many small squares below the top a thick line lies.
  function rule(picture, { seconds: [from, to], width, height, every = 0.2, first = 0, into = picture }) {
    const square = width / ((to - from) / 0.04);
    const x = (time) => ((time - from) / 0.04) * square;
    const lines = { thin: "", thick: "" };
    for (let k = Math.ceil(from / 0.04 - 1e-9); k * 0.04 <= to + 1e-9; k++) {
      lines[k % 5 ? "thin" : "thick"] += `M${x(k * 0.04).toFixed(1)} 0V${height}`;
    }
    for (let k = 0; k * square <= height; k++) lines[(k - first) % 5 ? "thin" : "thick"] += `M0 ${(k * square).toFixed(1)}H${width}`;
    picture.setAttribute("viewBox", `0 0 ${width} ${height + 20}`);
    picture.setAttribute("height", height + 20);
    into.replaceChildren(
      svg("rect", { class: "ecg-ground", width, height }),
      svg("path", { class: "ecg-thin", d: lines.thin }),
      svg("path", { class: "ecg-thick", d: lines.thick }),
    );
    for (let k = Math.ceil(from / every - 1e-9); k * every <= to + 1e-9; k++) {
      const text = `${(k * every).toFixed(1)} s`;
      const anchor = x(k * every) < 15 ? "start" : x(k * every) > width - 15 ? "end" : "middle";
      into.append(svg("text", { x: x(k * every), y: height + 15, "text-anchor": anchor }, text));
    }
    return { square, x };
  }

  // Lines from 0 to 100 %, one a class, over what a slider may stand at.
  function sweep(picture, { width, height, at, values, classes, colours, marker }) {
    const [left, right] = [38, 22];
    const x = (value) => left + ((value - at[0]) / (at.at(-1) - at[0])) * (width - left - right);
    const y = (share) => 6 + (1 - share) * (height - 12);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("height", height);
    picture.replaceChildren();
    for (const share of [0, 0.5, 1]) {
      picture.append(
        svg("path", { class: "ecg-thick", d: `M${left} ${y(share)}H${width - right}` }),
        svg("text", { x: left - 4, y: y(share) + 4, "text-anchor": "end" }, `${100 * share}%`),
      );
    }
    picture.append(svg("path", { class: "ecg-marker", d: `M${x(marker)} 0V${height}` }));
    const ends = [];
    classes.forEach((name, k) => {
      const points = at.map((value, i) => [x(value), y(values[i][k])]);
      picture.append(svg("path", { class: "ecg-line", stroke: colours[k], d: path(points) }));
      ends.push({ name, colour: colours[k], peak: Math.max(...values.map((row) => row[k])), y: points.at(-1)[1] });
    });
    // a letter at the end of each line that ever rises, moved apart where they would meet
    const shown = ends.filter(({ peak }) => peak > 0.05).sort((a, b) => a.y - b.y);
    let lowest = -Infinity;
    shown.forEach((end) => (lowest = end.y = Math.max(end.y + 4, lowest + 13)));
    const over = Math.max(0, lowest - height);
    shown.forEach(({ name, y: bottom }) => picture.append(svg("text", { class: "ecg-name", x: width - right + 5, y: bottom - over }, name)));
  }

  // Calls `draw` when the element has become wider or narrower.
  function onNewWidth(element, draw) {
    let width = element.clientWidth;
    new ResizeObserver(() => requestAnimationFrame(() => {
      if (element.clientWidth !== width) draw((width = element.clientWidth));
    })).observe(element);
  }

  return { html, svg, path, rule, sweep, onNewWidth };
})();
