// One kernel on one photograph: the window behind every output pixel, and the sum that makes it.
import { button, choice, slider } from "../shared/controls.js";
import { announcer, controlRow, element, status } from "../shared/elements.js";
import { clamp, fraction, mathml } from "../shared/formulas.js";
import { ownPicture } from "../shared/own-picture.js";
import { sitePicture } from "../shared/pictures.js";
import { stage } from "../shared/stage.js";
import { convolve, kernelName, KERNELS, nearest, terms } from "./convolution.js";
import { isSigned, shade, toGrey } from "./grey.js";
import { greyMap, square } from "./map.js";
import { player } from "./player.js";
import { sumTables } from "./sum.js";

const SIDE = 64; // pixels of the photograph, which is a square
const SIZE = { width: SIDE, height: SIDE };

/** The size of the feature map, as a formula. */
function sizeFormula({ stride, padding, dilation }, result) {
  const above = `${SIDE} + 2 · ${padding} − ${dilation} · ( 3 − 1 ) − 1`;
  const parts = [mathml("⌊"), fraction(above, String(stride)), mathml(`⌋ + 1 = ${result}`)];
  return `<math displaystyle="true">${parts.join("")}</math>`;
}

stage("conv", (body, gettext, folder) => {
  const settings = { stride: 1, padding: 1, dilation: 1 };
  let image = new Float64Array(SIDE * SIDE);
  let kernel;
  let output; // the feature map
  let [i, j] = [14, 33]; // row and column of the output pixel that is shown
  let unfolding = false; // while it is played, a veil covers the pixels that are still to come
  const news = announcer();
  const warning = status();
  const size = element("span");
  const position = element("p", { className: "conv-where" });
  const sums = sumTables(gettext, readKernel);
  const play = player(gettext, next, show);

  function go(row, column) {
    [i, j] = [clamp(row, 0, output.height - 1), clamp(column, 0, output.width - 1)];
    show();
  }

  function step(down, right) {
    play.stop();
    unfolding = false;
    go(i + down, j + right);
  }

  function next() {
    const side = output.height;
    const k = (i * side + j + 1) % (side * side);
    if (k === side * side - 1) play.stop();
    unfolding = true;
    go(Math.floor(k / side), k % side);
  }

  /** Go where a mouse or a finger points; a mouse that only rests there does not end the play. */
  const point = (outputOf) => (y, x, pressed) => {
    if (!play.isPlaying() || pressed) step(outputOf(y) - i, outputOf(x) - j);
  };
  const input = greyMap({
    description: gettext("The picture, with the window on it"),
    label: gettext("Picture: arrow keys move the window"),
    point: point((at) => nearest(at - settings.padding, SIDE, 3, settings)),
    step,
  });
  const result = greyMap({
    description: gettext("The feature map, with one pixel marked"),
    label: gettext("Feature map: arrow keys move to another pixel"),
    point: point((at) => at),
    step,
  });

  function readKernel() {
    const entered = sums.kernel();
    warning.textContent = entered ? "" : gettext("Weights: −20 to 20; divisor: 1 to 400");
    kernel = entered ?? kernel; // a new picture is convolved with the last one that was whole
    kernels.control.value = kernelName(kernel) ?? "own";
    compute();
  }

  function compute() {
    output = convolve(image, SIDE, SIDE, kernel.weights, settings);
    output.values = output.values.map((value) => value / kernel.divisor);
    const signed = isSigned(kernel);
    input.draw(image, {
      border: settings.padding,
      title: gettext("Picture, {0} × {0}", SIDE),
      marks: ["0", settings.padding ? gettext("hatched: padding") : "", "255"],
    });
    result.draw(output.values.map((value) => shade(value, signed)), {
      title: gettext("Feature map, {0} × {0}", output.height),
      marks: signed ? ["≤ −255", "0", "≥ 255"] : ["≤ 0", "", "≥ 255"],
    });
    size.innerHTML = sizeFormula(settings, output.height);
    show();
  }

  function show() {
    const side = output.height;
    const value = output.values[i * side + j];
    const grey = shade(value, isSigned(kernel));
    const sum = terms(image, SIDE, SIDE, kernel.weights, i, j, settings);
    sums.show(sum, SIDE, value, grey);
    result.markGrey(grey);
    outlineWindow(sum.places);
    outlinePixel(side);
    position.textContent = gettext("Row {0}, column {1} (counted from 0)", i, j);
    news.cancel();
    if (play.isPlaying()) return;
    const text = sums.twoDigits(value);
    news.announce(
      gettext("Row {0}, column {1} of the {2} × {2} feature map: {3}", i, j, side, text),
    );
  }

  function outlineWindow(places) {
    const { stride, padding, dilation } = settings;
    const frame = square(j * stride, i * stride, 2 * dilation + 1);
    const pixels = places.map(([y, x]) => square(x + padding, y + padding, 1)).join("");
    input.outline("", frame, frame, dilation > 1 ? pixels : "");
  }

  function outlinePixel(side) {
    const room = side > 40 ? 1 : 0; // a small pixel stays visible in a larger frame
    const frame = square(j - room, i - room, 1 + 2 * room);
    const veil = `M${j + 1} ${i}H${side}V${side}H0V${i + 1}H${j + 1}z`;
    result.outline(unfolding ? veil : "", frame, frame);
  }

  function setting(name, label, min) {
    return slider(label, { min, max: 4, value: settings[name] }, (value) => {
      const middles = [i, j].map((at) =>
        at * settings.stride - settings.padding + settings.dilation
      );
      settings[name] = value;
      [i, j] = middles.map((at) => nearest(at, SIDE, 3, settings)); // the window stays in place
      compute();
    });
  }

  function choose(name) {
    if (!(name in KERNELS)) return;
    sums.fill(KERNELS[name]);
    readKernel();
  }

  function use(loaded) {
    image = toGrey(loaded);
    readKernel();
  }

  const first = async () => use(await sitePicture(folder, "camera.png", SIZE));

  const kernels = choice(
    gettext("Kernel"),
    [
      ["identity", gettext("identity")],
      ["horizontal edges", gettext("horizontal edges")],
      ["vertical edges", gettext("vertical edges")],
      ["sobel x", gettext("sobel x")],
      ["sobel y", gettext("sobel y")],
      ["sharpen", gettext("sharpen")],
      ["blur", gettext("blur")],
      ["emboss", gettext("emboss")],
      ["own", gettext("your own")],
    ],
    "",
    choose,
  );
  const own = ownPicture(gettext, {
    place: body,
    size: SIZE,
    use,
    back: first,
    say: (text) => (warning.textContent = text),
  });
  body.append(
    element(
      "p",
      {},
      gettext(
        "Point at a pixel of the feature map: you see the window that made it, and the sum. Or change the kernel.",
      ),
    ),
    controlRow(
      "conv-settings",
      kernels,
      setting("stride", gettext("Stride"), 1),
      setting("padding", gettext("Padding"), 0),
      setting("dilation", gettext("Dilation"), 1),
    ),
    controlRow("conv-maps", input.figure, result.figure),
    controlRow(
      "conv-walk",
      button("←", () => step(0, -1), gettext("One pixel to the left")),
      button("↑", () => step(-1, 0), gettext("One pixel up")),
      button("↓", () => step(1, 0), gettext("One pixel down")),
      button("→", () => step(0, 1), gettext("One pixel to the right")),
      button(gettext("Step"), () => {
        play.stop();
        next();
      }),
      play.toggle,
      play.speed,
    ),
    position,
    sums.node,
    warning,
    element("p", { className: "conv-size" }, gettext("Side of the feature map:"), " ", size),
    own.node,
    news.node,
  );
  choose("sobel x");
  return first();
});
