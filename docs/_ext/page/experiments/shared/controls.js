// Labelled controls, which are used alike by mouse, keyboard and touch.
import { element } from "./elements.js";

let count = 0; // so that every control has an id of its own

/** A label, its control below it, and beside it what `show` makes of the control's value. */
function labelled(label, control, show = () => "") {
  control.id = `experiment-control-${count++}`;
  const output = element("output", { htmlFor: control.id });
  const refresh = () => (output.value = show(control.value));
  control.addEventListener("input", refresh);
  refresh();
  const name = element("label", { htmlFor: control.id }, label);
  const node = element("div", { className: "experiment-control" }, name, output, control);
  return Object.assign(node, { control, refresh });
}

/**
 * A slider; `change` gets its number, `show` makes the text beside it.
 * The element that is returned has `control` (the input) and `refresh` (to call after setting it).
 */
export function slider(label, { min, max, step = 1, value, show = String }, change) {
  const input = element("input", { type: "range", min, max, step });
  input.value = value;
  input.addEventListener("input", () => change(Number(input.value)));
  return labelled(label, input, show);
}

/** A list to choose from; `options` are [value, name] pairs; `change` gets the value. */
export function choice(label, options, value, change) {
  const select = element("select", {});
  for (const [key, name] of options) select.append(element("option", { value: key }, name));
  select.value = value;
  select.addEventListener("input", () => change(select.value));
  return labelled(label, select);
}

/** A few options, all of them visible; `change` gets the value of the one that is chosen. */
export function radios(label, options, value, change) {
  const name = `experiment-radios-${count++}`;
  const option = ([key, text]) => {
    const input = element("input", { type: "radio", name, value: key, checked: key === value });
    input.addEventListener("change", () => change(key));
    return element("label", { className: "experiment-tick" }, input, text);
  };
  const legend = element("legend", {}, label);
  return element("fieldset", { className: "experiment-radios" }, legend, ...options.map(option));
}

/** A button; `ariaLabel` is its name where it shows only a sign. */
export function button(label, act, ariaLabel = null) {
  const node = element("button", { type: "button", ariaLabel }, label);
  node.addEventListener("click", act);
  return node;
}

/** A box to tick; `change` gets true or false. */
export function tick(label, checked, change) {
  const input = element("input", { type: "checkbox", checked });
  input.addEventListener("change", () => change(input.checked));
  return element("label", { className: "experiment-tick" }, input, label);
}
