// What the experiments share: a place on the page, words in its language, and labelled controls.

/**
 * Start an experiment wherever the page has a place for it; the still figure steps back.
 * If `start` fails, the still figure stays.
 * @param {string} name  of the experiment, as in `data-experiment`
 * @param {(body: HTMLElement, say: Function, folder: string) => void} start
 *   `say(message, ...values)` gives a message in the page's language, with {0}, {1}, … filled in;
 *   `folder` is the address of the folder with the experiments' files.
 */
export function stage(name, start) {
  for (const place of document.querySelectorAll(`[data-experiment="${name}"]`)) {
    const words = JSON.parse(place.dataset.words);
    const say = (message, ...values) =>
      (words[message] ?? message).replace(/\{(\d)\}/g, (_, k) => values[k]);
    const body = element("div", { className: "experiment-body" });
    start(body, say, `${place.dataset.static}experiments/`);
    place.append(body);
    place.querySelector(".experiment-still").hidden = true;
  }
}

/** Make an element with properties (`aria-…` and `role` are attributes) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

let made = 0;

/** A label, its control below it, and what `shown` makes of the control's value beside it. */
function labelled(label, control, shown) {
  control.id = `experiment-control-${made++}`;
  const output = element("output", { htmlFor: control.id });
  const show = () => (output.value = shown ? shown(control.value) : "");
  control.addEventListener("input", show);
  show();
  const name = element("label", { htmlFor: control.id }, label);
  return Object.assign(element("div", { className: "experiment-control" }, name, output, control), {
    control,
    show,
  });
}

/** A slider; `change` gets its number. The returned element has `control` (the input) and `show`. */
export function slider(label, { min, max, step = 1, value, shown = String }, change) {
  const input = element("input", { type: "range", min, max, step });
  input.value = value;
  input.addEventListener("input", () => change(Number(input.value)));
  return labelled(label, input, shown);
}

/** A list to choose from; `options` are [value, name] pairs; `change` gets the value. */
export function choice(label, options, value, change) {
  const select = element("select", {});
  for (const [key, name] of options) select.append(element("option", { value: key }, name));
  select.value = value;
  select.addEventListener("input", () => change(select.value));
  return labelled(label, select);
}

/** A few things to choose from, all of them visible; `change` gets the value. */
export function radios(label, options, value, change) {
  const name = `experiment-radios-${made++}`;
  const option = ([key, text]) => {
    const input = element("input", { type: "radio", name, value: key, checked: key === value });
    input.addEventListener("change", () => change(key));
    return element("label", { className: "experiment-tick" }, input, text);
  };
  const legend = element("legend", {}, label);
  return element("fieldset", { className: "experiment-radios" }, legend, ...options.map(option));
}

/** A button. */
export function button(label, act) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", act);
  return made;
}

/** A box to tick; `change` gets true or false. */
export function tick(label, checked, change) {
  const input = element("input", { type: "checkbox", checked });
  input.addEventListener("change", () => change(input.checked));
  return element("label", { className: "experiment-tick" }, input, label);
}

/** Controls side by side, as many as fit. */
export function row(...children) {
  return element("div", { className: "experiment-row" }, ...children);
}

/** A canvas of so many pixels, shown enlarged and unsmoothed, with its description. */
export function pixels(width, height, description) {
  const canvas = element("canvas", { width, height, className: "experiment-pixels", role: "img" });
  canvas.setAttribute("aria-label", description);
  return canvas;
}

/** What a screen reader is told when it changes. */
export function status() {
  return element("p", { className: "experiment-status", role: "status" });
}

/** Load a picture as RGBA bytes: {width, height, data}. */
export async function picture(address, { width, height } = {}) {
  const image = new Image();
  image.src = address;
  await image.decode();
  // The middle square where a size is asked for, so that nothing is stretched.
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const from = width
    ? [(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side]
    : [0, 0, image.naturalWidth, image.naturalHeight];
  const canvas = new OffscreenCanvas(width ?? image.naturalWidth, height ?? image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, ...from, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** A button that lets the reader choose a picture of their own; it stays on their device. */
export function ownPicture(label, use) {
  const control = element("input", { type: "file", accept: "image/*" });
  control.addEventListener("change", () => {
    if (control.files[0]) use(URL.createObjectURL(control.files[0]));
  });
  // The browser's own words for a file input are in the browser's language, not in the page's.
  return element("label", { className: "experiment-file" }, label, control);
}

const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e3], End: [0, 1e3] };

/**
 * Let a reader point at the pixels of a canvas that fills `panel`, by mouse, touch and keyboard.
 * @param {(row: number, column: number, buttons: number) => void} point  where a mouse or a finger is
 * @param {(down: number, right: number) => void} step  how far an arrow key, Home or End asks to go
 */
export function pointing(panel, canvas, point, step) {
  panel.tabIndex = 0;
  const at = (event) => {
    const { left, top, width, height } = panel.getBoundingClientRect();
    const place = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
    const [down, right] = [(event.clientY - top) / height, (event.clientX - left) / width];
    point(place(down, canvas.height), place(right, canvas.width), event.buttons);
  };
  panel.addEventListener("pointermove", at);
  panel.addEventListener("pointerdown", (event) => {
    panel.setPointerCapture(event.pointerId);
    at(event);
  });
  panel.addEventListener("keydown", (event) => {
    if (!ways[event.key]) return;
    event.preventDefault();
    step(...ways[event.key]);
  });
}

/** A generator of numbers from 0 to below 1 (mulberry32); the same seed gives the same numbers. */
export function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
