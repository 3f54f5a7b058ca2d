// One beat from a text file; whatever is wrong with it becomes an error that a reader understands.
"use strict";

const ecgCsv = (() => {
  const MOST_BYTES = 1_000_000;
  const MOST_ROWS = 10_000;
  const FEWEST = 40; // samples: a third of a second at 120 Hz, less than any row of the published files
  const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;
  const ADVICE = "Save one beat in a file of its own: its samples in one row, or one under the other.";

  class CsvError extends Error {}

  function fail(message, advice = ADVICE) {
    throw new CsvError(`${message} ${advice}`);
  }

  function cells(line) {
    const parts = line.includes(";") ? line.replaceAll(",", ".").split(";") : line.split(line.includes(",") ? "," : /\s+/);
    return parts.map((part) => part.trim().replace(/^"(.*)"$/, "$1"));
  }

  // Lines of numbers, without a header, and without the column of row numbers that pandas writes by default.
  function numbers(text) {
    if (text.includes("\0")) fail("This is not a text file.");
    const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
    const rows = [];
    let numbered = false;
    lines.forEach((line, i) => {
      if (!line.trim()) return;
      if (rows.length >= MOST_ROWS) fail(`This file has more than ${MOST_ROWS.toLocaleString("en")} rows.`);
      const parts = cells(line.trim());
      if (i === 0 && parts.length > 1 && parts[0] === "") return (numbered = true); // a header over row numbers
      if (parts.at(-1) === "") parts.pop(); // a separator at the line's end
      const wrong = parts.find((part) => !NUMBER.test(part) || Math.abs(part) > 1e9);
      if (wrong === undefined) rows.push(parts.slice(numbered ? 1 : 0).map(Number));
      else if (rows.length || parts.some((part) => NUMBER.test(part))) {
        fail(`Line ${i + 1}: “${wrong.slice(0, 20)}” is not a number that can be used.`);
      } else if (i > 0) fail(`Line ${i + 1} holds text, not numbers.`); // the first may be a header
    });
    const counts = rows.length > 1 && rows[0].length > 2 && rows[0].every((value, i) => value === i);
    if (counts) rows.shift(); // a header of column numbers
    if (!rows.length) fail("There are no numbers in this file.");
    return rows;
  }

  // {samples, label, note}: `label` is the class (0 to 4) where the file says it, as Kaggle's rows do.
  function parse(text) {
    const rows = numbers(text);
    const columns = rows[0].length;
    let values, note;
    if (columns <= 2 && rows.length > 1) {
      const ragged = rows.findIndex((one) => one.length !== columns);
      if (ragged >= 0) fail(`Row ${ragged + 1} has ${rows[ragged].length} numbers, the first has ${columns}.`);
      if (columns === 2 && rows.some((one, i) => i && one[0] <= rows[i - 1][0])) {
        fail("Of two columns the first must be the time, and rise. Or are these commas decimal ones?");
      }
      values = rows.map((one) => one.at(-1));
      note = columns === 2 ? "the second column" : "one column";
    } else {
      values = rows[0];
      note = rows.length > 1 ? `the first of ${rows.length} rows` : "one row";
    }
    let label = null;
    const last = values.at(-1);
    const scaled = values.slice(0, -1).every((value) => value >= 0 && value <= 1);
    if (values.length === ecgBeat.WIDTH + 1 && scaled && Number.isInteger(last) && last >= 0 && last <= 4) {
      label = last;
      values = values.slice(0, -1);
    }
    if (values.length < FEWEST) {
      fail(`${values.length === 1 ? "One number is" : `${values.length} numbers are`} too few: a beat has at least ${FEWEST}.`);
    }
    const [low, high] = ecgBeat.extremes(values.slice(0, ecgBeat.WIDTH));
    if (low === high) fail("All numbers are the same. A flat line has no beat to classify.", "Choose another file.");
    if (values.length > ecgBeat.WIDTH) note += `, its first ${ecgBeat.WIDTH} of ${values.length} samples`;
    values = values.slice(0, ecgBeat.WIDTH);
    if (low >= 0 && high <= 1) values = ecgBeat.withoutPadding(values);
    return { samples: values, label, note };
  }

  // As `parse`, from what the reader chose or dropped. It is refused by its size before it is read.
  async function read(file) {
    if (file.size > MOST_BYTES) {
      const size = (file.size / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
      fail(`“${file.name}” has ${size} MB; one beat takes a few kB.`);
    }
    return parse(await file.text());
  }

  return { CsvError, parse, read };
})();
