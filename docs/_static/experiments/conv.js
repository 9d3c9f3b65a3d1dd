// One kernel on one photograph: the window behind every output pixel, and the sum that makes it.
import { button, choice, element, ownPicture, picture, pixels, pointing, row, slider, stage, status } from "./stage.js";

/** The library's kernels: 3×3 whole numbers, and what their sum of products is divided by. */
export const KERNELS = {
  "identity": { weights: [[0, 0, 0], [0, 1, 0], [0, 0, 0]], divisor: 1 },
  "horizontal edges": { weights: [[-1, -1, -1], [0, 0, 0], [1, 1, 1]], divisor: 1 },
  "vertical edges": { weights: [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], divisor: 1 },
  "sobel x": { weights: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], divisor: 1 },
  "sobel y": { weights: [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], divisor: 1 },
  "sharpen": { weights: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], divisor: 1 },
  "blur": { weights: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor: 9 },
  "emboss": { weights: [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], divisor: 1 },
};
const clamp = (value, most) => Math.min(Math.max(value, 0), most);

/** Count the places at which `kernel` weights fit along an axis of `size` pixels. */
export function outputSize(size, kernel, { stride = 1, padding = 0, dilation = 1 } = {}) {
  for (const [name, value, least] of [["kernel", kernel, 1], ["stride", stride, 1], ["padding", padding, 0], ["dilation", dilation, 1]]) {
    if (!Number.isInteger(value)) throw new RangeError(`${name} is a whole number, got ${value}`);
    if (value < least) throw new RangeError(`${name} is at least ${least}, got ${value}`);
  }
  const reach = dilation * (kernel - 1) + 1, room = size + 2 * padding;
  if (reach > room)
    throw new RangeError(`the kernel spans ${reach} pixels and the padded image only ${room}; take a smaller kernel or more padding`);
  return Math.floor((room - reach) / stride) + 1;
}

/**
 * The arithmetic of output pixel (i, j): lists of kh·kw entries, row by row, and the sum.
 * @param {ArrayLike<number>} image  h·w numbers, row by row; all around it is padding, 0
 * @param {number[][]} weights  kh rows of kw numbers
 * @returns {{places: number[][], values: number[], products: number[], sum: number}}  places are [row, column]
 */
export function terms(image, h, w, weights, i, j, { stride = 1, padding = 0, dilation = 1 } = {}) {
  const places = weights.flatMap((line, u) =>
    line.map((_, v) => [i * stride + u * dilation - padding, j * stride + v * dilation - padding]));
  const values = places.map(([y, x]) => (y >= 0 && y < h && x >= 0 && x < w ? image[y * w + x] : 0));
  const products = weights.flat().map((weight, k) => weight * values[k]);
  return { places, values, products, sum: products.reduce((a, b) => a + b) };
}

/** Convolve an h×w image with kh×kw weights by the definition: {height, width, values}. */
export function convolve(image, h, w, weights, settings) {
  const [height, width] = [outputSize(h, weights.length, settings), outputSize(w, weights[0].length, settings)];
  const sum = (_, k) => terms(image, h, w, weights, Math.floor(k / width), k % width, settings).sum;
  return { height, width, values: Float64Array.from({ length: height * width }, sum) };
}

/** Along one axis: the output pixel whose window has its middle nearest to input pixel `pixel`. */
export function nearest(pixel, size, kernel, { stride = 1, padding = 0, dilation = 1 } = {}) {
  const last = outputSize(size, kernel, { stride, padding, dilation }) - 1;
  return clamp(Math.round((pixel + padding - (dilation * (kernel - 1)) / 2) / stride), last);
}

/** Whether a flat area gives about 0, so that the output has a sign worth showing. */
export const isSigned = ({ weights, divisor }) => Math.abs(weights.flat().reduce((a, b) => a + b) / divisor) < 0.5;

/** The grey from 0 to 255 that shows an output: 0 is the middle where it is signed, black where not. */
export const shade = (value, signed) => clamp(Math.round(signed ? (value + 255) / 2 : value), 255);

/** Grey from 0 to 255 of each pixel of an RGBA picture. */
export const toGrey = ({ data, width, height }) => Float64Array.from({ length: width * height }, (_, p) =>
  Math.round(0.299 * data[4 * p] + 0.587 * data[4 * p + 1] + 0.114 * data[4 * p + 2]));

const text = (value) => String(Math.round(100 * value) / 100).replace("-", "−");
const box = (x, y, side) => `M${x} ${y}h${side}v${side}h${-side}z`;
const paint = (cell, grey) =>
  Object.assign(cell, { style: `background: rgb(${grey} ${grey} ${grey}); color: ${grey < 118 ? "#fff" : "#000"}` });
const token = (part) => (/\d/.test(part) ? `<mn>${part}</mn>` : `<mo>${part}</mo>`);
const math = (formula) => formula.split(" ").map(token).join("");
const entry = (label, min, max) => `<input type="number" min="${min}" max="${max}" step="any" required aria-label="${label}">`;
const nine = (caption, cell = () => "") => `<table><caption>${caption}</caption>${[0, 3, 6].map((k) =>
  `<tr>${[k, k + 1, k + 2].map((at) => `<td>${cell(at)}</td>`).join("")}</tr>`).join("")}</table>`;

/** A square picture of greys with a scale, marks and a caption, to point at and to walk over. */
function map(description, label, point, step) {
  const canvas = pixels(64, 64, description), caption = element("figcaption");
  const panel = element("div", { className: "conv-map", role: "application", "aria-label": label }, canvas);
  panel.insertAdjacentHTML("beforeend", `<svg aria-hidden="true">${"<path></path>".repeat(4)}</svg>`);
  pointing(panel, canvas, point, step);
  const svg = panel.lastChild, scale = element("div", { className: "conv-scale" });
  const draw = (greys, border, title, ...marks) => {
    const side = Math.sqrt(greys.length), image = new ImageData(side, side);
    greys.forEach((grey, p) => image.data.set([grey, grey, grey, 255], 4 * p));
    canvas.width = canvas.height = side + 2 * border;
    canvas.getContext("2d").putImageData(image, border, border);
    svg.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.width}`);
    caption.textContent = title;
    scale.innerHTML = marks.map((mark) => `<span>${mark}</span>`).join("");
  };
  const mark = (...shapes) => shapes.forEach((d, k) => svg.children[k].setAttribute("d", d));
  return { figure: element("figure", {}, caption, panel, scale), scale, draw, mark };
}

stage("conv", (body, say, folder) => {
  const settings = { stride: 1, padding: 1, dilation: 1 };
  let image = new Float64Array(64 * 64), kernel, output, i = 14, j = 33;
  let playing, pace = 1, later, writing = false; // while it writes, a veil lies on what is still to come
  const told = element("p", { className: "visually-hidden", role: "status" }), warned = status(), size = element("span");
  const where = element("p", { className: "conv-where" });
  const names = [say("identity"), say("horizontal edges"), say("vertical edges"), say("sobel x"), say("sobel y"),
    say("sharpen"), say("blur"), say("emboss"), say("your own")]; // in the order of KERNELS
  const go = (y, x) => { [i, j] = [clamp(y, output.height - 1), clamp(x, output.width - 1)]; show(); };
  const step = (down, right) => { play(false); writing = false; go(i + down, j + right); };
  const point = (find) => (y, x, pressed) => { // a mouse that only rests there does not end the play
    if (!playing || pressed) step(find(y) - i, find(x) - j);
  };
  const next = () => {
    const n = output.height, k = (i * n + j + 1) % (n * n);
    if (k === n * n - 1) play(false);
    writing = true;
    go(Math.floor(k / n), k % n);
  };
  const input = map(say("The picture, with the window on it"), say("Picture: arrow keys move the window"),
    point((at) => nearest(at - settings.padding, 64, 3, settings)), step);
  const result = map(say("The feature map, with one pixel marked"), say("Feature map: arrow keys move to another pixel"),
    point((at) => at), step);
  const setting = (name, label, min) => slider(label, { min, max: 4, value: settings[name] }, (value) => {
    const middles = [i, j].map((at) => at * settings.stride - settings.padding + settings.dilation);
    settings[name] = value;
    [i, j] = middles.map((at) => nearest(at, 64, 3, settings)); // the window stays where it was
    change();
  });
  const sums = element("div", { className: "conv-sum", oninput: read, innerHTML: `
    <div>${nine(say("Window"))}<span aria-hidden="true">×</span>
    ${nine(say("Kernel"), (k) => entry(say("Weight in row {0}, column {1}", Math.floor(k / 3), k % 3), -20, 20))}</div>
    <div><span aria-hidden="true">=</span>${nine(say("Products"))}<table class="conv-total"><caption>${say("Output pixel")}</caption>
    <tr><th scope="row">${say("Sum")}</th><td></td></tr><tr><th scope="row">÷</th><td>${entry(say("Divide the sum by"), 1, 400)}</td></tr>
    <tr><th scope="row">=</th><td class="conv-pixel"></td></tr></table></div>` });
  const cells = [...sums.querySelectorAll("td")], entries = [...sums.querySelectorAll("input")];
  const fill = (name) => { Object.values(KERNELS[name]).flat(2).forEach((number, k) => (entries[k].value = number)); read(); };
  function read() {
    const valid = entries.every((made) => made.validity.valid), numbers = entries.map((made) => made.valueAsNumber);
    warned.textContent = valid ? "" : say("Weights: −20 to 20; divisor: 1 to 400");
    if (!valid) return;
    kernel = { weights: [0, 3, 6].map((k) => numbers.slice(k, k + 3)), divisor: numbers[9] };
    chosen.control.value = Object.keys(KERNELS).find((name) => `${Object.values(KERNELS[name])}` === `${numbers}`) ?? "own";
    change();
  }
  function change() {
    const { stride, padding, dilation } = settings, signed = isSigned(kernel);
    output = convolve(image, 64, 64, kernel.weights, settings);
    output.values = output.values.map((value) => value / kernel.divisor);
    input.draw(image, padding, say("Picture, {0} × {0}", 64), "0", padding ? say("hatched: padding") : "", "255");
    result.draw(output.values.map((value) => shade(value, signed)), 0, say("Feature map, {0} × {0}", output.height),
      signed ? "≤ −255" : "≤ 0", signed ? "0" : "", "≥ 255");
    const top = math(`64 + 2 · ${padding} − ${dilation} · ( 3 − 1 ) − 1`), end = math(`⌋ + 1 = ${output.height}`);
    size.innerHTML = `<math displaystyle="true"><mo>⌊</mo><mfrac><mrow>${top}</mrow>${token(stride)}</mfrac>${end}</math>`;
    show();
  }
  function show() {
    const side = output.height, value = output.values[i * side + j], grey = shade(value, isSigned(kernel));
    const { places, values, products, sum } = terms(image, 64, 64, kernel.weights, i, j, settings);
    values.forEach((number, k) => {
      paint(cells[k], number).textContent = text(number);
      cells[k].classList.toggle("conv-padding", places[k].some((at) => at < 0 || at > 63));
      cells[18 + k].textContent = text(products[k]);
    });
    cells[27].textContent = text(sum);
    paint(cells[29], grey).textContent = text(value);
    result.scale.style.setProperty("--at", `${grey / 2.55}%`);
    const { stride, padding, dilation } = settings, frame = box(j * stride, i * stride, 2 * dilation + 1);
    input.mark("", frame, frame, dilation > 1 ? places.map(([y, x]) => box(x + padding, y + padding, 1)).join("") : "");
    const room = side > 40 ? 1 : 0, pixel = box(j - room, i - room, 1 + 2 * room), veil = `M${j + 1} ${i}H${side}V${side}H0V${i + 1}H${j + 1}z`;
    result.mark(writing ? veil : "", pixel, pixel); // a small pixel stays visible in its mark
    where.textContent = say("Row {0}, column {1} (counted from 0)", i, j);
    clearTimeout(later);
    const news = say("Row {0}, column {1} of the {2} × {2} feature map: {3}", i, j, side, text(value));
    if (!playing) later = setTimeout(() => (told.textContent = news), 300);
  }
  function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(next, 500 / 4 ** pace) : 0;
    player.textContent = on ? say("Pause") : say("Play");
  }
  const chosen = choice(say("Kernel"), [...Object.keys(KERNELS), "own"].map((name, k) => [name, names[k]]), "",
    (name) => name in KERNELS && fill(name));
  const player = button(say("Play"), () => { play(!playing); show(); });
  const speed = slider(say("Speed"), { min: 0, max: 3, value: pace, shown: (value) => say("{0} pixels a second", 2 * 4 ** value) },
    (value) => { pace = value; play(playing); });
  const arrow = (sign, ariaLabel, ...way) => Object.assign(button(sign, () => step(...way)), { ariaLabel });
  const use = (address) => picture(address, { width: 64, height: 64 }).then((found) => { image = toGrey(found); read(); },
    () => { warned.textContent = say("This file is no picture that the browser can read."); });
  const part = (name, ...children) => element("div", { className: `experiment-row ${name}` }, ...children);
  body.append(
    element("p", {}, say("Point at a pixel of the feature map: you see the window that made it, and the sum. Or change the kernel.")),
    part("conv-settings", chosen, setting("stride", say("Stride"), 1), setting("padding", say("Padding"), 0),
      setting("dilation", say("Dilation"), 1)),
    part("conv-maps", input.figure, result.figure),
    part("conv-walk", arrow("←", say("One pixel to the left"), 0, -1), arrow("↑", say("One pixel up"), -1, 0),
      arrow("↓", say("One pixel down"), 1, 0), arrow("→", say("One pixel to the right"), 0, 1),
      button(say("Step"), () => { play(false); next(); }), player, speed),
    where, sums, warned,
    element("p", { className: "conv-size" }, say("Side of the feature map:"), " ", size),
    row(ownPicture(say("Your own picture (it does not leave your device)"), use)), told);
  fill("sobel x");
  use(`${folder}camera.png`);
});
