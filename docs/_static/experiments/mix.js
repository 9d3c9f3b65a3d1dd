// Two photographs in one, and the label to match: MixUp and CutMix, by hand and by chance.
import { button, element, generator, picture, pixels, pointing, radios, row, slider, stage } from "./stage.js";

const checkLambda = (lam) => {
  if (!(lam >= 0 && lam <= 1)) throw new RangeError(`λ is the share of the first image, from 0 to 1, got ${lam}`);
};

/**
 * Blend two images.
 * @param {ArrayLike<number>} first  as many numbers as `second`, in any order
 * @param {number} lam  share of the first, from 0 to 1
 * @returns {Float64Array}
 */
export function mixup(first, second, lam) {
  checkLambda(lam);
  return Float64Array.from(first, (value, k) => lam * value + (1 - lam) * second[k]);
}

/** The box that CutMix pastes: [top, bottom, left, right], bottom and right exclusive, cut off at the border. */
export function cutmixBox(height, width, lam, [line, column]) {
  checkLambda(lam);
  if (!(line >= 0 && line < height && column >= 0 && column < width))
    throw new RangeError(`the centre lies inside the ${height}×${width} image, got (${line}, ${column})`);
  const half = 0.5 * Math.sqrt(1 - lam), [up, aside] = [Math.floor(half * height), Math.floor(half * width)];
  return [Math.max(line - up, 0), Math.min(line + up, height), Math.max(column - aside, 0), Math.min(column + aside, width)];
}

/**
 * Paste a box of the second image into the first.
 * @param {ArrayLike<number>} first  height·width·C numbers, pixel by pixel; so is `second`
 * @param {number[]} box  [top, bottom, left, right]
 * @returns {{values: Float64Array, lam: number}}  `lam` is the share of the first that really stayed
 */
export function cutmix(first, second, height, width, [top, bottom, left, right]) {
  const values = Float64Array.from(first), channels = first.length / (height * width);
  for (let line = top; line < bottom; line++)
    for (let k = (line * width + left) * channels; k < (line * width + right) * channels; k++) values[k] = second[k];
  return { values, lam: 1 - ((bottom - top) * (right - left)) / (height * width) };
}

/** The mixed label: `classes` probabilities that sum to 1. */
export function softLabel(own, partner, lam, classes) {
  checkLambda(lam);
  return Array.from({ length: classes }, (_, k) => lam * (k === own) + (1 - lam) * (k === partner));
}

/**
 * Draw λ from Beta(α, α) by Jöhnk's method, in logarithms so that a small α does not underflow.
 * @param {() => number} random  gives uniform numbers from 0 to below 1
 */
export function sampleLambda(alpha, random) {
  if (!(alpha >= 0 && alpha <= 5)) throw new RangeError(`α is a number from 0 to 5, got ${alpha}`); // beyond, few tries succeed
  if (alpha === 0) return 1;
  for (;;) {
    const [a, b] = [0, 1].map(() => Math.log(1 - random()) / alpha);
    if (Math.exp(a) + Math.exp(b) <= 1) return 1 / (1 + Math.exp(b - a));
  }
}

/** How many of the values from 0 to 1 fall into each of `count` bins of the same width. */
export function histogram(values, count) {
  const bins = Array(count).fill(0);
  for (const value of values) bins[Math.min(Math.floor(value * count), count - 1)]++;
  return bins;
}

const SIDE = 32, BINS = 20, DRAWS = 1000;
const clamp = (value, most) => Math.min(Math.max(value, 0), most);
const outline = ([top, bottom, left, right]) => `M${left} ${top}H${right}V${bottom}H${left}z`;
const mean = (values) => (values.reduce((a, b) => a + b) / values.length).toFixed(2);
const token = (part) => (/\d/.test(part) ? `<mn>${part}</mn>` : part === "λ" ? "<mi>λ</mi>" : `<mo>${part}</mo>`);
const math = (formula) => formula.split(" ").map(token).join("");
const part = (name, ...children) => element("div", { className: `mix-${name}` }, ...children);
const svg = (count, size) => `<svg aria-hidden="true" viewBox="0 0 ${size} ${size}" preserveAspectRatio="none">${"<path></path>".repeat(count)}</svg>`;

stage("mix", (body, say, folder) => {
  const names = [say("airplane"), say("automobile"), say("bird"), say("cat"), say("deer"),
    say("dog"), say("frog"), say("horse"), say("ship"), say("truck")];
  const places = { mixup: [15, 15], cutmix: [12, 28] }; // the pixel looked at, and the centre of the box
  const pair = [{ label: 3, line: 0 }, { label: 5, line: 1 }]; // label: column of the sprite
  let method = "cutmix", asked = 0.6, alpha = 1, sprite, random, draws, later;
  const canvas = pixels(SIDE, SIDE, ""), panel = element("div", { className: "mix-panel", role: "application", innerHTML: svg(3, SIDE) });
  const [lost, ...marks] = panel.querySelectorAll("path");
  const formula = part("formula"), note = element("p", { className: "mix-note" }), legend = element("p");
  const told = element("p", { className: "visually-hidden", role: "status" });
  const bars = element("ul", { className: "mix-bars", innerHTML: "<li><i></i><span></span><span></span><b></b></li>".repeat(2) });
  const chart = element("div", { innerHTML: svg(3, BINS) }), [filled, line, now] = chart.querySelectorAll("path");
  panel.prepend(canvas);

  /** The photograph of `pair[which]`, 32·32·4 bytes. */
  const photograph = (which) => {
    const { label, line } = pair[which], bytes = new Uint8ClampedArray(4 * SIDE * SIDE);
    for (let i = 0; i < SIDE; i++) {
      const from = 4 * ((SIDE * line + i) * sprite.width + SIDE * label);
      bytes.set(sprite.data.subarray(from, from + 4 * SIDE), 4 * SIDE * i);
    }
    return bytes;
  };
  const shift = ({ label, line }) => `url(${folder}cifar.png) ${(100 * label) / 9}% ${(100 * line) / 3}% / 1000% 400%`;
  const go = (i, j) => { places[method] = [clamp(i, SIDE - 1), clamp(j, SIDE - 1)]; show(); };
  const step = (down, right) => go(places[method][0] + down, places[method][1] + right);
  pointing(panel, canvas, (i, j, pressed) => (pressed || method === "mixup") && go(i, j), step);

  function show() {
    if (!sprite) return;
    const [i, j] = places[method], [first, second] = [photograph(0), photograph(1)], blends = method === "mixup";
    const box = cutmixBox(SIDE, SIDE, asked, places.cutmix), [top, bottom, left, right] = box, half = Math.floor(SIDE / 2 * Math.sqrt(1 - asked));
    const made = blends ? { values: mixup(first, second, asked), lam: asked } : cutmix(first, second, SIDE, SIDE, box);
    canvas.getContext("2d").putImageData(new ImageData(Uint8ClampedArray.from(made.values), SIDE, SIDE), 0, 0);
    const whole = [i - half, i + half, j - half, j + half], clipped = !blends && `${whole}` !== `${box}`;
    lost.setAttribute("d", clipped ? outline(whole) + outline(box) : "");
    const cross = `M${j - 0.8} ${i}h1.6M${j} ${i - 0.8}v1.6`;
    for (const mark of marks) mark.setAttribute("d", blends ? outline([i, i + 1, j, j + 1]) : outline(box) + cross);

    const label = softLabel(pair[0].label, pair[1].label, made.lam, names.length), same = pair[0].label === pair[1].label;
    const percent = (100 * label[pair[0].label]).toFixed(1), percents = [percent, (100 - percent).toFixed(1)];
    [...bars.children].forEach((bar, which) => {
      const [image, name, number, share] = bar.children;
      image.style.background = shift(pair[which]);
      name.textContent = names[pair[which].label];
      number.textContent = `${percents[which]} %`;
      share.style.setProperty("--share", percents[which] / 100);
      share.style.setProperty("--asked", same ? 1 : which ? 1 - asked : asked);
      bar.classList.toggle("same", which === 1 && same);
    });
    const k = 4 * (SIDE * i + j), rest = (1 - asked).toFixed(2);
    formula.innerHTML = blends
      ? `<math>${math(`${asked.toFixed(2)} · ${first[k]} + ${rest} · ${second[k]} = ${made.values[k].toFixed(1)}`)}</math>`
      : `<math displaystyle="true">${math("λ = 1 −")}<mfrac><mrow>${math(`${bottom - top} · ${right - left}`)}</mrow><mrow>${
        math(`${SIDE} · ${SIDE}`)}</mrow></mfrac>${math(`= ${made.lam.toFixed(3)}`)}</math>`;
    note.textContent = blends ? say("This is the red of the pixel in row {0}, column {1}; point at another one.", i, j)
      : clipped ? say("λ asked for: {0}. The border cut the box off, so more of the first picture stays, and the label must say so.", asked.toFixed(2))
      : half ? say("λ asked for: {0}. The whole box was pasted; its sides are whole pixels.", asked.toFixed(2))
      : say("λ asked for: {0}. The box has no pixel.", asked.toFixed(2));
    now.setAttribute("d", `M${BINS * asked} 0V${BINS}`);
    panel.ariaLabel = blends ? say("Mixed picture: arrow keys move to another pixel") : say("Mixed picture: arrow keys move the box");
    canvas.ariaLabel = say("{0} and {1}, mixed", ...pair.map(({ label }) => names[label]));
    clearTimeout(later);
    const news = same ? say("Label: {0} {1} %.", names[pair[0].label], percent)
      : say("Label: {0} {1} %, {2} {3} %.", names[pair[0].label], percents[0], names[pair[1].label], percents[1]);
    later = setTimeout(() => (told.textContent = `${news} ${note.textContent}`), 300);
  }

  const draw = () => {
    const lam = sampleLambda(alpha, random), centre = [0, 1].map(() => Math.floor(SIDE * random()));
    const [top, bottom, left, right] = cutmixBox(SIDE, SIDE, lam, centre);
    draws.push({ lam, centre, stayed: method === "mixup" ? lam : 1 - ((bottom - top) * (right - left)) / SIDE ** 2 });
    return draws.at(-1);
  };
  const count = () => {
    const [drawn, stayed] = ["lam", "stayed"].map((name) => draws.map((made) => made[name]));
    const [low, high] = [drawn, stayed].map((values) => histogram(values, BINS)), most = Math.max(...low, ...high);
    const stairs = (bins) => `M0 ${BINS}${bins.map((number, k) => `V${BINS * (1 - number / most)}H${k + 1}`).join("")}V${BINS}`;
    filled.setAttribute("d", stairs(high));
    line.setAttribute("d", method === "mixup" ? "" : stairs(low));
    legend.textContent = method === "mixup" ? say("λ of {0} draws: mean {1}.", draws.length, mean(drawn))
      : say("λ of {0} draws. Outline: as drawn, mean {1}. Filled: as it stays in the label, mean {2}.", draws.length, mean(drawn), mean(stayed));
  };
  const restart = () => { [random, draws] = [generator(0), []]; for (let k = 0; k < DRAWS; k++) draw(); count(); };
  const once = () => {
    const { lam, centre } = draw();
    asked = Math.round(100 * lam) / 100; // so that all the numbers shown are those used
    places.cutmix = centre;
    share.control.value = asked;
    share.show();
    count();
    show();
  };

  const picker = (title, which, lines) => element("fieldset", { className: "demo-photographs" }, element("legend", {}, title),
    ...lines.flatMap((line) => names.map((name, label) => {
      const radio = element("input", { type: "radio", name: `mix-photograph-${which}`, style: `background: ${shift({ label, line })}`,
        checked: pair[which].label === label && pair[which].line === line, "aria-label": say("{0}, photograph {1}", name, line + 1) });
      radio.addEventListener("change", () => { pair[which] = { label, line }; show(); });
      return radio;
    })));
  const pickers = row(picker(say("First picture"), 0, [0, 2]), picker(say("Second picture"), 1, [1, 3]));
  pickers.classList.add("mix-pickers");
  const two = (value) => Number(value).toFixed(2);
  const share = slider(say("λ asked for"), { min: 0, max: 1, step: 0.01, value: asked, shown: two }, (value) => { asked = value; show(); });
  share.classList.add("mix-lambda");
  const alphas = slider("α", { min: 0.1, max: 3, step: 0.1, value: alpha, shown: (value) => Number(value).toFixed(1) },
    (value) => { alpha = value; restart(); });
  const methods = radios(say("Method"), [["mixup", "MixUp"], ["cutmix", "CutMix"]], method, (name) => { method = name; restart(); show(); });
  body.append(
    element("p", {}, say("Drag the box to the border: less is pasted, and the label changes with the area. Or blend with MixUp.")),
    pickers, row(methods, share),
    part("views", part("frame", panel), part("results", element("p", {}, say("Label of the mixed picture (dashed: as asked for)")), bars, formula, note)),
    part("draws", element("div", {}, element("p", {}, say("In training, chance decides: λ comes from Beta(α, α), the centre is any pixel.")),
      row(alphas, button(say("Draw λ"), once))), element("div", {}, chart, part("axis", ..."0 0.5 1".split(" ").map((mark) => element("span", {}, mark))), legend)),
    told);
  restart();
  picture(`${folder}cifar.png`).then((found) => { sprite = found; show(); });
});
