// The drawing of the layers: a row of squares for each, and lines from an output to what it reads.
import { element, partsOf } from "../shared/elements.js";
import { withMinus } from "../shared/formulas.js";
import { pointing } from "../shared/pointing.js";
import { inputsOf } from "./fields.js";
import { range } from "./stack.js";

const part = partsOf("receptive");
const SVG =
  `<svg aria-hidden="true" preserveAspectRatio="none"><path></path><path></path><g></g></svg>`;

/** The places of a row of a stack, with those of the padding that the next layer puts around it. */
function placesOf({ counts, layers }, l) {
  const padding = layers[l]?.padding ?? 0;
  return range(-padding, counts[l] - 1 + padding);
}

/**
 * @param {(level: number, x: number, pressed: number) => void} point  x is on the input's axis
 * @param {(down: number, right: number) => void} step  as in `pointing`
 * @param {() => void} leave  is called when a mouse goes away
 */
export function layerDrawing(gettext, { point, step, leave }) {
  const [names, label] = [part("names"), part("label")];
  const panel = element("div", {
    className: "receptive-panel",
    role: "application",
    "aria-label": gettext("Drawing of the layers: arrow keys move to another output or layer"),
    innerHTML: SVG,
  }, label);
  const svg = panel.firstChild;
  const [links, bracket, squares] = svg.children;
  let stack;
  let cells; // cells[row] maps a place, also a padded one, to its square
  let left; // end of the drawing on the input's axis, and
  let width; // its width there
  const surface = { height: 1, width: 1e4 }; // the parts of the panel that a pointer tells apart

  pointing(panel, surface, (row, column, pressed) => {
    const x = left + ((column + 0.5) / surface.width) * width;
    point(stack.layers.length - row, x, pressed);
  }, step);
  panel.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && leave());

  const heightOf = (l) => stack.layers.length - l;

  function squareOf(l, at) {
    const x = stack.middle(l, at - 0.5);
    const kind = stack.inside(l)(at) ? "" : "padding";
    return `<rect x="${x}" y="${heightOf(l) + 0.25}" width="${stack.fields[l].jump}" height="0.5"
      class="${kind}"></rect>`;
  }

  /** Draw the squares of a stack; `nameOf` gives the name of a row. */
  function build(newStack, nameOf) {
    stack = newStack;
    const rows = stack.counts.map((_, l) => placesOf(stack, l));
    const ends = rows.flatMap((row, l) => [
      stack.middle(l, row[0] - 0.5),
      stack.middle(l, row.at(-1) + 0.5),
    ]);
    left = Math.min(...ends);
    width = Math.max(...ends) - left;
    surface.height = stack.fields.length;
    svg.setAttribute("viewBox", `${left} 0 ${width} ${surface.height}`);
    panel.style.setProperty("--rows", surface.height);
    squares.innerHTML = rows.flatMap((row, l) => row.map((at) => squareOf(l, at))).join("");
    const nodes = [...squares.children];
    cells = rows.map((row) => new Map(row.map((at) => [at, nodes.shift()])));
    names.replaceChildren(...stack.fields.map((_, l) => element("span", {}, nameOf(l))).reverse());
  }

  /** The lines from the outputs of a layer to what they read. */
  function linesOf(l, outputs) {
    const line = (at, to) =>
      `M${stack.middle(l, at)} ${heightOf(l) + 0.75}L${stack.middle(l - 1, to)} ${
        heightOf(l - 1) + 0.25
      }`;
    return outputs.filter(stack.inside(l))
      .flatMap((at) => inputsOf(stack.layers[l - 1], at).map((to) => line(at, to)));
  }

  /** Light all that an output sees, as from `view`. */
  function show({ level, index, rows, first, last, count }) {
    cells.forEach((row, l) =>
      row.forEach((square, at) => {
        square.classList.toggle("lit", l <= level && rows[l].includes(at));
        square.classList.toggle("chosen", l === level && at === index);
      })
    );
    squares.append(cells[level].get(index)); // the last in the drawing has its whole outline
    const lines = range(1, level).flatMap((l) => linesOf(l, rows[l]));
    links.setAttribute("d", lines.join(""));
    bracket.setAttribute("d", `M${first} ${heightOf(0) + 0.8}v0.1H${last + 1}v-0.1`);
    label.textContent = count > 1
      ? gettext("{0} to {1}", withMinus(first), withMinus(last))
      : withMinus(first);
    const middle = (100 * ((first + last + 1) / 2 - left)) / width;
    label.style.left = `clamp(2rem, ${middle}%, 100% - 2rem)`;
  }

  return { node: part("drawing", names, panel), build, show };
}
