// Two tables: the settings of the layers, which a reader can change, and the numbers that follow.
import { button } from "../shared/controls.js";
import { element, tableRow } from "../shared/elements.js";
import { clamp, withMinus } from "../shared/formulas.js";
import { newLayer } from "./fields.js";
import { range } from "./stack.js";

const MOST = 6; // layers: more rows would not fit a phone
const SIZES = range(4, 32);
const CHOICES = {
  kernel: [1, 2, 3, 4, 5, 6, 7],
  stride: [1, 2, 3, 4],
  padding: [0, 1, 2, 3, 4],
  dilation: [1, 2, 3, 4, 6, 8],
};

/** Mark one row of a table, and no other, below its caption and its row of headings. */
function markRow(table, name, level) {
  [...table.rows].forEach((row, k) => row.classList.toggle(name, k > 1 && k === level + 1));
}

/** A list of numbers in a cell. */
function list(ariaLabel, options, value, use) {
  const nodes = options.map(([key, name]) =>
    element("option", { value: key, selected: key === value }, name)
  );
  const oninput = ({ target }) => use(Number(target.value));
  return element("select", { ariaLabel, oninput }, ...nodes);
}

/** The settings of the layers; `change` gets {size, layers} whenever they have changed. */
export function settingsTable(gettext, nameOf, change) {
  const table = element("table");
  const adder = button(gettext("Add a layer"), add);
  const names = {
    kernel: gettext("Kernel"),
    stride: gettext("Stride"),
    padding: gettext("Padding"),
    dilation: gettext("Dilation"),
  };
  let size;
  let layers;
  const changed = () => change({ size, layers });

  function inputRow() {
    const options = SIZES.map((n) => [n, gettext("{0} pixels", n)]);
    const choice = list(gettext("Input size"), options, size, (value) => {
      size = value;
      changed();
    });
    const row = tableRow("row", nameOf(0), choice);
    row.lastChild.colSpan = 5;
    return row;
  }

  function layerRow(layer, k) {
    const lists = Object.entries(names).map(([key, name]) => {
      const options = CHOICES[key].map((n) => [n, n]);
      return list(gettext("Layer {0}: {1}", k + 1, name), options, layer[key], (value) => {
        layer[key] = value;
        changed();
      });
    });
    const remover = button("×", () => remove(k), gettext("Remove layer {0}", k + 1));
    remover.disabled = layers.length === 1;
    return tableRow("row", nameOf(k + 1), ...lists, remover);
  }

  /** Fill the table with a stack, of which it keeps a copy. */
  function fill(stack) {
    ({ size, layers } = structuredClone(stack));
    build();
  }

  function build() {
    const caption = element("caption", {}, gettext("Layers"));
    const headings = tableRow("col", "", ...Object.values(names), "");
    table.replaceChildren(caption, headings, inputRow(), ...layers.map(layerRow));
    adder.disabled = layers.length === MOST;
    changed();
  }

  /** Put the focus on the button that removes a layer, or else on the one that adds one. */
  function focus(k) {
    const removers = table.querySelectorAll("button:enabled");
    (removers[clamp(k, 0, layers.length - 1)] ?? adder).focus();
  }

  function add() {
    layers.push(newLayer());
    build();
    if (adder.disabled) focus(MOST);
  }

  function remove(k) {
    layers.splice(k, 1);
    build();
    focus(k);
  }

  /** Mark the layer without an output; a number beyond the layers marks none. */
  const markBroken = (level) => markRow(table, "broken", level);
  return { table, adder, fill, markBroken };
}

/** Outputs, field, jump and start of every layer. */
export function numbersTable(gettext, nameOf) {
  const table = element("table");

  function build({ counts, fields }) {
    const numbers = ({ size, jump, start }, l) =>
      l in counts ? [counts[l], size, jump, withMinus(start)] : ["–", "–", "–", "–"];
    table.replaceChildren(
      element("caption", {}, gettext("What an output sees")),
      tableRow(
        "col",
        "",
        gettext("Outputs"),
        gettext("Field"),
        gettext("Jump"),
        gettext("Start"),
      ),
      ...fields.map((field, l) => tableRow("row", nameOf(l), ...numbers(field, l))),
    );
  }

  return { table, build, markChosen: (level) => markRow(table, "chosen", level) };
}
