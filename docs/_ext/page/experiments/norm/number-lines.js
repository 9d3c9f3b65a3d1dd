// Two number lines: the values of a batch above, the same values after the layer below.
import { partsOf } from "../shared/elements.js";
import { clamp } from "../shared/formulas.js";
import { text } from "./numbers.js";

const REACH = 14; // the ends of the number lines
const MARKS = [-10, -5, 0, 5, 10];
const [ABOVE, BELOW] = [52, 150]; // where the lines lie, in pixels
const BAND = 16; // half the height of a band

/** Where a value stands on a number line, in percent. */
const x = (value) => (50 * clamp(value, -REACH, REACH)) / REACH + 50;

function line(className, from, to, y1, y2) {
  return `<line class="${className}" x1="${from}%" x2="${to}%" y1="${y1}" y2="${y2}"/>`;
}

/** A number line with its marks; the numbers stand `offset` pixels below it. */
function axis(y, offset) {
  const mark = (value) =>
    line("axis", x(value), x(value), y - 4, y + 4) +
    `<text x="${x(value)}%" y="${y + offset}">${text(value, 0)}</text>`;
  return line("axis", 0, 100, y, y) + MARKS.map(mark).join("");
}

/** One deviation on either side of the mean. */
function band(mean, deviation, y) {
  const [left, right] = [x(mean - deviation), x(mean + deviation)];
  return `<rect x="${left}%" y="${y - BAND}" width="${right - left}%" height="${2 * BAND}"/>` +
    line("mean", x(mean), x(mean), y - BAND, y + BAND);
}

/** A value: a dot, or an arrow at the end of the line that it lies beyond. */
function dot(value, y) {
  if (Math.abs(value) < REACH) return `<circle cx="${x(value)}%" cy="${y}" r="5"/>`;
  const arrow = `<path d="M0 0l${-7 * Math.sign(value)} -6v12z"/>`;
  return `<svg x="${x(value)}%" y="${y}" overflow="visible">${arrow}</svg>`;
}

export function numberLines(gettext) {
  const node = partsOf("norm")("lines");

  /** Draw the input, the output, and the bands that one becomes the other by. */
  function show(input, output, { mean, deviation }, { gamma, beta }) {
    const edge = (sign) =>
      line(
        "edge",
        x(mean + sign * deviation),
        x(beta + sign * gamma),
        ABOVE + BAND,
        BELOW - BAND,
      );
    const ways = input.map((value, k) => line("way", x(value), x(output[k]), ABOVE, BELOW));
    const dots = input.map((value, k) => dot(value, ABOVE) + dot(output[k], BELOW));
    node.innerHTML = `<svg aria-hidden="true">
      <text class="name" x="0" y="12">${gettext("Input x")}</text>
      <text class="name" x="0" y="202">${gettext("Output y")}</text>
      ${band(mean, deviation, ABOVE)}${band(beta, gamma, BELOW)}${edge(-1)}${edge(1)}
      ${axis(ABOVE, -24)}${axis(BELOW, 34)}${ways.join("")}${dots.join("")}</svg>`;
  }

  return { node, show };
}
