// The first picture of the guide: a kernel walks over a photograph, and its feature map fills.
import { convolve, KERNELS } from "../conv/convolution.js";
import { isSigned, shade, toGrey } from "../conv/grey.js";
import { button } from "../shared/controls.js";
import { element } from "../shared/elements.js";
import { withMinus } from "../shared/formulas.js";
import { pixels, sitePicture } from "../shared/pictures.js";
import { stage } from "../shared/stage.js";

const SIDE = 64; // pixels of the photograph, which is a square
const PLACES = SIDE - 2; // at which the kernel fits, along an axis
const NAMES = ["vertical edges", "horizontal edges", "sharpen"];
const STEPS = 14; // places in a tick
const TICK = 40; // milliseconds
const REST = 60; // ticks that a whole feature map is left to be looked at

/** Grey pixels, of which the first `count` can be seen and the others are transparent. */
function grey(values, side, count = values.length) {
  const image = new ImageData(side, side);
  for (let p = 0; p < count; p++) {
    image.data.set([values[p], values[p], values[p], 255], 4 * p);
  }
  return image;
}

stage("home", (body, gettext, folder) => {
  const names = {
    "vertical edges": gettext("vertical edges"),
    "horizontal edges": gettext("horizontal edges"),
    "sharpen": gettext("sharpen"),
  };
  let image;
  let greys; // of the feature map
  let kernel = 0; // which of the kernels it is
  let count = 0; // places that the kernel has been at
  let timer = 0;

  const input = pixels(SIDE, SIDE, gettext("A photograph, and a kernel that walks over it"));
  const output = pixels(PLACES, PLACES, gettext("The feature map that the kernel makes"));
  const frame = element("span", { className: "home-window" });
  const table = element("table", {}, element("tbody"));
  const name = element("figcaption");
  const toggle = button("", () => (timer ? pause() : play()));
  toggle.hidden = true; // until there is something to play

  function begin(which) {
    kernel = which;
    count = 0;
    const { weights } = KERNELS[NAMES[kernel]];
    const { values } = convolve(image, SIDE, SIDE, weights);
    greys = values.map((value) => shade(value, isSigned(KERNELS[NAMES[kernel]])));
    const rows = weights.map((row) =>
      `<tr>${row.map((w) => `<td>${withMinus(w)}</td>`).join("")}</tr>`
    );
    table.tBodies[0].innerHTML = rows.join("");
    name.textContent = names[NAMES[kernel]];
  }

  function show() {
    const seen = Math.min(count, greys.length);
    output.getContext("2d").putImageData(grey(greys, PLACES, seen), 0, 0);
    const last = Math.max(seen - 1, 0);
    frame.style.left = `${(100 * (last % PLACES)) / SIDE}%`;
    frame.style.top = `${(100 * Math.floor(last / PLACES)) / SIDE}%`;
  }

  function tick() {
    count += STEPS;
    if (count > greys.length + REST * STEPS) begin((kernel + 1) % NAMES.length);
    show();
  }

  function play() {
    timer = setInterval(tick, TICK);
    toggle.textContent = gettext("Pause");
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    toggle.textContent = gettext("Play");
  }

  const figure = (caption, ...children) =>
    element("figure", {}, element("div", { className: "home-map" }, ...children), caption);
  body.append(
    element(
      "div",
      { className: "home-maps" },
      figure(element("figcaption", {}, gettext("photograph")), input, frame),
      element("figure", { className: "home-kernel" }, table, name),
      figure(element("figcaption", {}, gettext("feature map")), output),
    ),
    element(
      "p",
      { className: "home-words" },
      gettext("Nine products, one sum: that is all a kernel does, at every place of a picture."),
      " ",
      toggle,
    ),
  );
  return sitePicture(folder, "camera.png", { width: SIDE, height: SIDE }).then((loaded) => {
    image = toGrey(loaded);
    input.getContext("2d").putImageData(grey(image, SIDE), 0, 0);
    begin(0);
    toggle.hidden = false;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      count = greys.length; // all of it, standing still, until the reader asks for more
      pause();
    } else play();
    show();
  });
});
