// The sum behind one output pixel, product by product, with a kernel that can be edited.
import { element } from "../shared/elements.js";
import { withMinus } from "../shared/formulas.js";

const ROWS = [0, 3, 6]; // where the rows of nine numbers begin

const number = (label, min, max) =>
  `<input type="number" min="${min}" max="${max}" step="any" required aria-label="${label}">`;

/** A table of 3×3 cells. */
function nine(caption, cell = () => "") {
  const line = (k) => `<tr>${[k, k + 1, k + 2].map((at) => `<td>${cell(at)}</td>`).join("")}</tr>`;
  return `<table><caption>${caption}</caption>${ROWS.map(line).join("")}</table>`;
}

/** The table of the sum, its division, and the output pixel. */
const total = (gettext) => `
  <table class="conv-total">
    <caption>${gettext("Output pixel")}</caption>
    <tr><th scope="row">${gettext("Sum")}</th><td></td></tr>
    <tr><th scope="row">÷</th><td>${number(gettext("Divide the sum by"), 1, 400)}</td></tr>
    <tr><th scope="row">=</th><td class="conv-pixel"></td></tr>
  </table>`;

const twoDigits = (value) => withMinus(Math.round(100 * value) / 100);

/** Write a number on its own grey, white on dark and black on light. */
function paint(cell, value, grey) {
  cell.textContent = twoDigits(value);
  cell.style = `background: rgb(${grey} ${grey} ${grey}); color: ${grey < 118 ? "#fff" : "#000"}`;
}

/** The tables; `change` is called when the reader has edited the kernel. */
export function sumTables(gettext, change) {
  const weight = (k) =>
    number(gettext("Weight in row {0}, column {1}", Math.floor(k / 3), k % 3), -20, 20);
  const node = element("div", {
    className: "conv-sum",
    oninput: change,
    innerHTML: `
      <div>${nine(gettext("Window"))}<span aria-hidden="true">×</span>
      ${nine(gettext("Kernel"), weight)}</div>
      <div><span aria-hidden="true">=</span>${nine(gettext("Products"))}${total(gettext)}</div>`,
  });
  const cells = [...node.querySelectorAll("td")];
  const [windowCells, productCells] = [cells.slice(0, 9), cells.slice(18, 27)];
  const [sumCell, , pixelCell] = cells.slice(27);
  const inputs = [...node.querySelectorAll("input")];

  /** The kernel as it was entered, or null if a number is missing or out of range. */
  function kernel() {
    if (!inputs.every((input) => input.validity.valid)) return null;
    const numbers = inputs.map((input) => input.valueAsNumber);
    return { weights: ROWS.map((k) => numbers.slice(k, k + 3)), divisor: numbers[9] };
  }

  /** Put a kernel into the table. */
  function fill({ weights, divisor }) {
    [...weights.flat(), divisor].forEach((value, k) => (inputs[k].value = value));
  }

  /** Show the arithmetic of a pixel, as from `terms`, and its value with the grey that shows it. */
  function show({ places, values, products, sum }, size, value, grey) {
    values.forEach((pixel, k) => {
      const isPadding = places[k].some((at) => at < 0 || at >= size);
      paint(windowCells[k], pixel, pixel);
      windowCells[k].classList.toggle("conv-padding", isPadding);
      productCells[k].textContent = twoDigits(products[k]);
    });
    sumCell.textContent = twoDigits(sum);
    paint(pixelCell, value, grey);
  }

  return { node, kernel, fill, show, twoDigits };
}
