// A stack of layers, each a row of outputs: what one of them sees, exactly, down to the input.
import { button, choice, element, picture, pixels, pointing, row, stage, status } from "./stage.js";

const layer = (kernel, stride = 1, padding = 0, dilation = 1) => ({ kernel, stride, padding, dilation });

/** Stacks worth a look: pixels of the input along one axis, and the layers from the input on. */
export const STACKS = {
  "two": { size: 16, layers: [layer(3), layer(3)] },
  "one": { size: 16, layers: [layer(5)] },
  "strides": { size: 32, layers: [layer(3, 2, 1), layer(3, 2, 1), layer(3, 2, 1)] },
  "dilated": { size: 24, layers: [layer(3, 1, 1, 1), layer(3, 1, 2, 2), layer(3, 1, 4, 4)] },
  "lenet": { size: 32, layers: [layer(5), layer(2, 2), layer(5), layer(2, 2)] },
  "vgg": { size: 32, layers: [layer(3, 1, 1), layer(3, 1, 1), layer(2, 2), layer(3, 1, 1), layer(3, 1, 1), layer(2, 2)] },
};
const clamp = (value, most) => Math.min(Math.max(value, 0), most);

/** Places that a window spans, holes of the dilation included. */
const reach = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

/** The field one layer further on, as in the library; {size: 1, jump: 1, start: 0.5} is the input's. */
export function through({ size, jump, start }, { kernel, stride, padding, dilation }) {
  if (![kernel, stride, padding, dilation].every(Number.isInteger) || Math.min(kernel, stride, dilation) < 1 || padding < 0)
    throw new RangeError("a layer has kernel, stride and dilation of at least 1 and padding of at least 0, all whole numbers");
  const more = dilation * (kernel - 1);
  return { size: size + more * jump, jump: jump * stride, start: start + (more / 2 - padding) * jump };
}

/** The fields of the input and of every layer: one entry more than `layers`. */
export const receptiveFields = (layers) =>
  layers.reduce((fields, made) => [...fields, through(fields.at(-1), made)], [{ size: 1, jump: 1, start: 0.5 }]);

/** Outputs of the input (`size`) and of every layer up to the first whose window does not fit once. */
export function sizes(size, layers) {
  const counts = [size];
  for (const made of layers) {
    const room = counts.at(-1) + 2 * made.padding - reach(made);
    if (room < 0) break;
    counts.push(Math.floor(room / made.stride) + 1);
  }
  return counts;
}

/** The places of the row below that output `index` of a layer reads; below 0 and beyond the row is padding. */
export const taps = ({ kernel, stride, padding, dilation }, index) =>
  Array.from({ length: kernel }, (_, k) => index * stride - padding + k * dilation);

/**
 * All that output `index` of the last of `layers` depends on.
 * @param {number} size  pixels of the input
 * @returns {number[][]}  one sorted list of places a row, from the input up; padding included, but nothing is below it
 */
export function seen(layers, size, index) {
  const counts = sizes(size, layers);
  if (!(Number.isInteger(index) && index >= 0 && index < counts[layers.length])) throw new RangeError(`the last layer has no output ${index}`);
  const rows = [[index]];
  for (let l = layers.length; l > 0; l--) {
    const inside = rows[0].filter((at) => at >= 0 && at < counts[l]);
    rows.unshift([...new Set(inside.flatMap((at) => taps(layers[l - 1], at)))].sort((a, b) => a - b));
  }
  return rows;
}

/** First and last input pixel of the field of output `index`; they may lie outside of the input. */
export const reaches = ({ size, jump, start }, index) =>
  [start + index * jump - size / 2, start + index * jump + size / 2 - 1];

const MOST = 6; // layers: more rows would not fit a phone
const CHOICES = { kernel: [1, 2, 3, 4, 5, 6, 7], stride: [1, 2, 3, 4], padding: [0, 1, 2, 3, 4], dilation: [1, 2, 3, 4, 6, 8] };
const text = (value) => String(value).replace("-", "−");
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, k) => first + k);
const box = (x, y, width, height) => `M${x} ${y}h${width}v${height}h${-width}z`;
const token = (part) => (/\d/.test(part) ? `<mn>${part}</mn>` : `<mo>${part}</mo>`);
const paths = (count) => `<svg aria-hidden="true" preserveAspectRatio="none">${"<path></path>".repeat(count)}<g></g></svg>`;
const part = (name, ...children) => element("div", { className: `receptive-${name}` }, ...children);
const tr = (scope, ...cells) => element("tr", {}, ...cells.map((cell, k) => // the first cell of a row names it
  cell === "" || (k && scope === "row") ? element("td", {}, cell) : element("th", { scope }, cell)));

stage("receptive", (body, say, folder) => {
  let layers, size, counts, fields, cells, left, span; // cells[row] maps a place, also a padded one, to its square
  let level, x = 9, home = MOST, later; // the layer and the input position looked from; the layer that a mouse leaves behind
  const where = element("p", { className: "receptive-where" }), formula = element("p"), caption = element("figcaption");
  const warned = status(), told = element("p", { className: "visually-hidden", role: "status" });
  const names = part("names"), label = part("label"), panel = element("div", { className: "receptive-panel", role: "application",
    "aria-label": say("Drawing of the layers: arrow keys move to another output or layer"), innerHTML: paths(2) }, label);
  const drawing = panel.firstChild, [links, bracket, squares] = drawing.children;
  const canvas = pixels(1, 1, say("A picture; what the output does not see is veiled"));
  const photograph = element("div", { className: "receptive-photograph", innerHTML: paths(3) }, canvas), veil = photograph.firstChild;
  const nameOf = (l) => (l ? say("Layer {0}", l) : say("Input"));
  const middle = (l, at) => fields[l].start + at * fields[l].jump;
  const near = (l) => clamp(Math.round((x - fields[l].start) / fields[l].jump), counts[l] - 1);
  const inside = (l) => (at) => at >= 0 && at < counts[l];
  const stay = () => (home = level < counts.length - 1 ? level : MOST);
  const go = (l, at = x) => { [level, x] = [Math.min(Math.max(l, 1), counts.length - 1), at]; show(); };
  const step = (down, right) => {
    go(level - down, right ? middle(level, clamp(near(level) + right, counts[level] - 1)) : x);
    stay();
  };
  const surface = { height: 1, width: 1e4 }; // the parts of the panel that a pointer tells apart
  pointing(panel, surface, (row, column, pressed) => {
    go(layers.length - row || level, left + ((column + 0.5) / surface.width) * span); // along the input the layer stays
    if (pressed) stay();
  }, step);
  panel.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && go(home));

  function show() { // all that depends on the output looked from
    const index = near(level), below = layers.slice(0, level), lit = seen(below, size, index), height = (l) => layers.length - l;
    cells.forEach((row, l) => row.forEach((square, at) => {
      square.classList.toggle("lit", l <= level && lit[l].includes(at));
      square.classList.toggle("chosen", l === level && at === index);
    }));
    squares.append(cells[level].get(index)); // the last in the drawing has its whole outline
    links.setAttribute("d", below.flatMap((made, l) => lit[l + 1].filter(inside(l + 1)).flatMap((at) => taps(made, at).map((to) =>
      `M${middle(l + 1, at)} ${height(l + 1) + 0.75}L${middle(l, to)} ${height(l) + 0.25}`))).join(""));
    const [first, last] = reaches(fields[level], index), count = last - first + 1, columns = lit[0].filter(inside(0));
    bracket.setAttribute("d", `M${first} ${height(0) + 0.8}v0.1H${last + 1}v-0.1`);
    label.textContent = count > 1 ? say("{0} to {1}", text(first), text(last)) : text(first);
    label.style.left = `clamp(2rem, ${(100 * ((first + last + 1) / 2 - left)) / span}%, 100% - 2rem)`;
    const within = range(first, last).filter(inside(0)).length, skipped = within - columns.length;
    const sees = !columns.length ? say("Output {0} of layer {1} sees nothing but padding.", index, level)
      : count === 1 ? say("Output {0} of layer {1} sees input pixel {2} alone.", index, level, first)
      : within < count ? say("Output {0} of layer {1} sees input pixels {2} to {3}; {4} of these {5} lie outside, in the padding.",
        index, level, text(first), text(last), count - within, count)
      : say("Output {0} of layer {1} sees input pixels {2} to {3}, {4} in all.", index, level, first, last, count);
    where.textContent = !level ? "" : columns.length && skipped ? say("{0} It skips {1} of them.", sees, skipped) : sees;
    clearTimeout(later);
    later = setTimeout(() => (told.textContent = where.textContent), 300);
    const half = Math.floor((counts[level] - 1) / 2), rows = seen(below, size, half)[0].filter(inside(0)); // in the other direction
    const holes = rows.flatMap((i) => columns.map((j) => box(j, i, 1, 1))).join(""), frame = box(first, reaches(fields[level], half)[0], count, count);
    [box(0, 0, size, size) + holes, frame, frame].forEach((d, k) => veil.children[k].setAttribute("d", d));
    caption.textContent = say("In a picture: {0} × {1} pixels", rows.length, columns.length);
    [...results.rows].forEach((line, k) => line.classList.toggle("chosen", k > 1 && k === level + 1));
    const l = Math.max(level, 1), { kernel, dilation } = layers[l - 1], before = fields[l - 1];
    const sum = `${before.size} + ${dilation} · ( ${kernel} − 1 ) · ${before.jump} = ${fields[l].size}`;
    formula.innerHTML = say("Field of layer {0}: {1}", l, `<math>${sum.split(" ").map(token).join("")}</math>`);
  }

  function change() { // all that depends on the layers
    [counts, fields] = [sizes(size, layers), receptiveFields(layers)];
    const rows = counts.map((count, l) => range(-(layers[l]?.padding ?? 0), count - 1 + (layers[l]?.padding ?? 0)));
    const ends = rows.flatMap((row, l) => [middle(l, row[0] - 0.5), middle(l, row.at(-1) + 0.5)]);
    [left, span, surface.height] = [Math.min(...ends), Math.max(...ends) - Math.min(...ends), fields.length];
    drawing.setAttribute("viewBox", `${left} 0 ${span} ${fields.length}`);
    panel.style.setProperty("--rows", fields.length);
    squares.innerHTML = rows.flatMap((row, l) => row.map((at) => `<rect x="${middle(l, at - 0.5)}" y="${layers.length - l + 0.25}"
      width="${fields[l].jump}" height="0.5" class="${inside(l)(at) ? "" : "padding"}"></rect>`)).join("");
    const made = [...squares.children];
    cells = rows.map((row) => new Map(row.map((at) => [at, made.shift()])));
    names.replaceChildren(...fields.map((_, l) => element("span", {}, nameOf(l))).reverse());
    results.replaceChildren(element("caption", {}, say("What an output sees")),
      tr("col", "", say("Outputs"), say("Field"), say("Jump"), say("Start")),
      ...fields.map((field, l) => tr("row", nameOf(l), ...(l in counts ? [counts[l], field.size, field.jump, text(field.start)] : "––––"))));
    const bad = counts.length; // the layer without an output, if it is one
    [...settings.rows].forEach((line, k) => line.classList.toggle("broken", k > 1 && k === bad + 1));
    warned.textContent = bad > layers.length ? "" : say("Layer {0} has no output: its window spans {1} places, and there are only {2}, padding included. Take a smaller kernel or more padding.",
      bad, reach(layers[bad - 1]), counts.at(-1) + 2 * layers[bad - 1].padding);
    chosen.control.value = Object.keys(STACKS).find((name) => JSON.stringify(STACKS[name]) === JSON.stringify({ size, layers })) ?? "own";
    adder.disabled = layers.length === MOST;
    go(home);
  }

  const list = (ariaLabel, options, value, use) => element("select", { ariaLabel, oninput: ({ target }) => { use(Number(target.value)); change(); } },
    ...options.map(([key, name]) => element("option", { value: key, selected: key === value }, name)));
  const settings = element("table"), results = element("table");
  const named = { kernel: say("Kernel"), stride: say("Stride"), padding: say("Padding"), dilation: say("Dilation") };
  function build() { // the table of settings, a row a layer
    const input = tr("row", nameOf(0), list(say("Input size"), range(4, 32).map((n) => [n, say("{0} pixels", n)]), size, resize));
    input.lastChild.colSpan = 5;
    settings.replaceChildren(element("caption", {}, say("Layers")), tr("col", "", ...Object.values(named), ""), input,
      ...layers.map((made, k) => tr("row", nameOf(k + 1), ...Object.entries(named).map(([key, name]) =>
        list(say("Layer {0}: {1}", k + 1, name), CHOICES[key].map((n) => [n, n]), made[key], (value) => (made[key] = value))),
      Object.assign(button("×", () => remove(k)), { ariaLabel: say("Remove layer {0}", k + 1), disabled: layers.length === 1 }))));
    change();
  }
  const focus = (k) => (settings.querySelectorAll("button:enabled")[clamp(k, layers.length - 1)] ?? adder).focus();
  const remove = (k) => { layers.splice(k, 1); build(); focus(k); };
  const adder = button(say("Add a layer"), () => { layers.push(layer(3, 1, 1)); build(); if (adder.disabled) focus(MOST); });
  const resize = (value) => {
    size = value;
    veil.setAttribute("viewBox", `0 0 ${value} ${value}`);
    picture(`${folder}camera.png`, { width: value, height: value }).then((found) => {
      if (value !== size) return; // another size was chosen since
      canvas.width = canvas.height = size;
      canvas.getContext("2d").putImageData(found, 0, 0);
    });
  };
  const fill = (name) => { layers = structuredClone(STACKS[name].layers); resize(STACKS[name].size); build(); };
  const stacks = { two: say("Two 3 × 3"), one: say("One 5 × 5"), strides: say("Three of stride 2"), dilated: say("Dilations 1, 2, 4"),
    lenet: "LeNet-5", vgg: say("Start of VGG-16"), own: say("Your own") };
  const chosen = choice(say("Stack of layers"), Object.entries(stacks), "", (name) => name in STACKS && fill(name));
  const arrow = (sign, ariaLabel, ...way) => Object.assign(button(sign, () => step(...way)), { ariaLabel });
  body.append(
    element("p", {}, say("Point at an output of any layer: all that it sees lights up, down to the input. Then change the layers.")),
    row(chosen, part("arrows", arrow("←", say("One output to the left"), 0, -1), arrow("↑", say("One layer up"), -1, 0),
      arrow("↓", say("One layer down"), 1, 0), arrow("→", say("One output to the right"), 0, 1))),
    part("views", part("drawing", names, panel), where, element("figure", {}, caption, photograph)),
    part("tables", element("div", {}, settings, adder, warned), element("div", {}, results, formula)),
    element("p", {}, say("Outputs are counted from 0. Field: input pixels that an output can depend on. Jump: input pixels between the fields of neighbours. Start: centre of the first field; that of the first pixel is 0.5.")), told);
  fill("dilated");
});
