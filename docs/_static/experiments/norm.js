// Batch normalisation of one channel: what the batch decides, what the layer remembers, and when it counts.
import { button, element, generator, radios, row, slider, stage } from "./stage.js";

/** What a layer has when it is made; `momentum` is the weight of the new batch. */
export const fresh = () => ({ eps: 1e-5, momentum: 0.1, gamma: 1, beta: 0, mean: 0, variance: 1 });

/** Draw `count` numbers of mean 0 and variance 1, by Box and Muller; `random` gives numbers from 0 to below 1. */
export const normals = (count, random) => Array.from({ length: count }, () =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));

/** Mean and biased variance of a list of numbers. */
export function batchStatistics(values) {
  if (values.length === 0) throw new RangeError("batch statistics need at least one value");
  const average = (numbers) => numbers.reduce((a, b) => a + b) / numbers.length, mean = average(values);
  return { mean, variance: average(values.map((value) => (value - mean) ** 2)) };
}

/**
 * Send the values of one channel through a layer; nothing is changed.
 * @param {object} layer  as from `fresh`; `mean` and `variance` are the running ones
 * @param {number[]} values  all of the channel's values in the batch
 * @param {boolean} training
 * @returns {{used: {mean: number, variance: number}, output: number[], layer: object}}
 *   the statistics used, the output, and the layer as it is afterwards
 */
export function batchNorm(layer, values, training) {
  if (!(layer.momentum >= 0 && layer.momentum <= 1))
    throw new RangeError(`momentum is the new batch's weight, from 0 to 1, got ${layer.momentum}`);
  if (training && values.length < 2) throw new RangeError("training needs at least 2 values a channel, since one has no variance");
  const used = training ? batchStatistics(values) : { mean: layer.mean, variance: layer.variance };
  const deviation = Math.sqrt(used.variance + layer.eps);
  const output = values.map((value) => ((value - used.mean) / deviation) * layer.gamma + layer.beta);
  return { used, output, layer: training ? remember(layer, values) : layer };
}

/** Move the running statistics towards the batch's: the mean, and the unbiased variance. */
export function remember(layer, values) {
  const { mean, variance } = batchStatistics(values), unbiased = (variance * values.length) / (values.length - 1);
  const move = (old, now) => old + layer.momentum * (now - old);
  return { ...layer, mean: move(layer.mean, mean), variance: move(layer.variance, unbiased) };
}

const COUNT = 8, PAST = 40; // values a batch, and batches that the chart shows
const REACH = 14, HIGH = 8; // the ends of the number lines and of the chart
const clamp = (value, most) => Math.min(Math.max(value, -most), most);
const text = (value, digits = 2) => (Math.round(value * 10 ** digits) / 10 ** digits || 0).toFixed(digits).replace("-", "−");
const bare = (value) => (value < 0 ? `( ${text(value)} )` : text(value)); // as a factor or a term
const token = (part) => (/\d/.test(part) ? `<mn>${part}</mn>` : /[a-zε]/.test(part) ? `<mi>${part}</mi>` : `<mo>${part}</mo>`);
const math = (formula) => formula.split(" ").map(token).join("");
const part = (name, ...children) => element("div", { className: `norm-${name}` }, ...children);
const tr = (scope, ...cells) => element("tr", {}, ...cells.map((cell, k) => // the first cell of a row names it
  cell === "" || (k && scope === "row") ? element("td", {}, cell) : element("th", { scope }, cell)));

/** Where a value stands on a number line, in percent. */
const x = (value) => (50 * clamp(value, REACH)) / REACH + 50;
const axis = (y, above) => `<line class="axis" x1="0" x2="100%" y1="${y}" y2="${y}"/>${[-10, -5, 0, 5, 10].map((mark) =>
  `<line class="axis" x1="${x(mark)}%" x2="${x(mark)}%" y1="${y - 4}" y2="${y + 4}"/><text x="${x(mark)}%" y="${y + (above ? -24 : 34)}">${text(mark, 0)}</text>`).join("")}`;
const band = (mean, deviation, y) => `<rect x="${x(mean - deviation)}%" y="${y - 16}" width="${x(mean + deviation) - x(mean - deviation)}%" height="32"/>
  <line class="mean" x1="${x(mean)}%" x2="${x(mean)}%" y1="${y - 16}" y2="${y + 16}"/>`;
const dot = (value, y) => (Math.abs(value) < REACH ? `<circle cx="${x(value)}%" cy="${y}" r="5"/>`
  : `<svg x="${x(value)}%" y="${y}" overflow="visible"><path d="M0 0l${-7 * Math.sign(value)} -6v12z"/></svg>`); // beyond the end

stage("norm", (body, say) => {
  const random = generator(26), truth = { mean: 5, deviation: 3 };
  let layer = fresh(), training = true, seen, noise, past, last, later;
  const values = () => noise.map((number) => truth.mean + truth.deviation * number);
  const lines = part("lines"), formula = part("formula"), memory = part("formula"), output = element("p");
  const told = element("p", { className: "visually-hidden", role: "status" });
  const numbers = element("table", { className: "norm-values" }), statistics = element("table", { className: "norm-statistics" });
  const chart = part("chart"), batches = element("p");

  function next() {
    noise = normals(COUNT, random);
    if (training) {
      last = { before: layer, batch: batchStatistics(values()) };
      layer = remember(layer, values());
      seen++;
    }
    past.push([layer.mean, Math.sqrt(layer.variance)]);
  }
  function forget() {
    layer = { ...layer, mean: 0, variance: 1 };
    [seen, noise, last, past] = [0, normals(COUNT, random), null, [[0, 1]]];
  }
  const steps = (count) => { for (let k = 0; k < count; k++) next(); show(); };

  function show() {
    const input = values(), batch = batchStatistics(input), { used, output: y } = batchNorm(layer, input, training), got = batchStatistics(y);
    const { gamma, beta, momentum } = layer, deviation = Math.sqrt(used.variance + layer.eps);
    const edge = (sign) => `<line class="edge" x1="${x(used.mean + sign * deviation)}%" y1="68" x2="${x(beta + sign * gamma)}%" y2="134"/>`;
    lines.innerHTML = `<svg aria-hidden="true"><text class="name" x="0" y="12">${say("Input x")}</text><text class="name" x="0" y="202">${say("Output y")}</text>
      ${band(used.mean, deviation, 52)}${band(beta, gamma, 150)}${edge(-1)}${edge(1)}${axis(52, true)}${axis(150)}
      ${input.map((value, k) => `<line class="way" x1="${x(value)}%" y1="52" x2="${x(y[k])}%" y2="150"/>`).join("")}
      ${input.map((value, k) => dot(value, 52) + dot(y[k], 150)).join("")}</svg>`;
    formula.innerHTML = `<math displaystyle="true">${math("y =")}<mfrac><mrow>${math(`x − ${bare(used.mean)}`)}</mrow><msqrt>${
      math(`${text(used.variance)} + ε`)}</msqrt></mfrac>${math(`· ${text(gamma)} + ${bare(beta)}`)}</math>`;
    output.textContent = say("Output: mean {0}, deviation {1}; wanted {2} and {3}.",
      text(got.mean), text(Math.sqrt(got.variance)), text(beta), text(gamma));
    numbers.replaceChildren(...[["x", input], ["y", y]].map(([name, row]) => tr("row", name, ...row.map((value) => text(value, 1)))));
    statistics.replaceChildren(tr("col", "", say("Mean"), say("Variance"), ""),
      ...[[say("True values"), truth.mean, truth.deviation ** 2, false], [say("This batch"), batch.mean, batch.variance, training],
        [say("Running statistics"), layer.mean, layer.variance, !training]].map(([name, mean, variance, now]) =>
        Object.assign(tr("row", name, text(mean), text(variance), now ? say("used") : ""), { className: now ? "used" : "" })));
    const move = (name, old, now, result, factor = "") =>
      `<div>${name}<br><math>${math(`${text(1 - momentum)} · ${bare(old)} + ${text(momentum)} · ${factor}${bare(now)} = ${text(result)}`)}</math></div>`;
    memory.innerHTML = !last ? say("This batch has not been remembered: that takes a new batch in training mode.")
      : move(say("Running mean:"), last.before.mean, last.batch.mean, layer.mean)
        + move(say("Running variance:"), last.before.variance, last.batch.variance, layer.variance, `${COUNT} / ${COUNT - 1} · `);
    const shown = past.slice(-PAST - 1), level = (value) => HIGH - clamp(value, HIGH);
    const path = (which) => `M${shown.map((made, k) => `${k} ${level(made[which])}`).join("L")}h0`; // a single point shows, too
    const flat = (value) => `M0 ${level(value)}H${PAST}`;
    chart.lastChild.innerHTML = [flat(0), flat(truth.mean), flat(truth.deviation), path(0), path(1)].map((d) => `<path d="${d}"/>`).join("");
    batches.textContent = say("Batches remembered: {0}", seen);
    clearTimeout(later);
    later = setTimeout(() => (told.textContent = `${output.textContent} ${batches.textContent}`), 300);
  }

  const change = (act) => (value) => { act(value); show(); };
  const set = (name, label, min, max, step) => slider(label, { min, max, step, value: layer[name], shown: (value) => text(Number(value)) },
    change((value) => (layer = { ...layer, [name]: value })));
  const input = (name, label, min, max) => slider(label, { min, max, step: 0.5, value: truth[name], shown: (value) => text(Number(value), 1) },
    change((value) => { truth[name] = value; last = null; }));
  const modes = radios(say("Mode"), [["train", say("Training mode")], ["eval", say("Evaluation mode")]], "train",
    change((mode) => (training = mode === "train")));
  chart.innerHTML = `<div>${[HIGH, 0, -HIGH].map((mark) => `<span>${text(mark, 0)}</span>`).join("")}</div>
    <svg aria-hidden="true" viewBox="0 0 ${PAST} ${2 * HIGH}" preserveAspectRatio="none"></svg>`;
  const key = (name, label) => element("li", { className: name }, label);
  body.append(
    element("p", {}, say("Send batches of {0} values through the layer, then switch the mode, or move the mean of the input.", COUNT)),
    row(modes, part("buttons", button(say("Next batch"), () => steps(1)), button(say("20 batches"), () => steps(20)),
      button(say("Fresh layer"), () => { forget(); show(); }))),
    lines, element("p", {}, say("Orange: one deviation around the mean, above as the layer takes it to be, below as γ and β ask for it.")),
    part("result", formula, output), numbers,
    part("sliders", input("mean", say("Input mean"), -6, 6), input("deviation", say("Input deviation"), 0.5, 4),
      set("gamma", "γ", 0, 3, 0.1), set("beta", "β", -3, 3, 0.1), set("momentum", say("Momentum"), 0, 1, 0.05)),
    part("parts", element("div", {}, statistics, batches, memory), element("div", {}, chart,
      element("ul", { className: "norm-key" }, key("mean", say("running mean")), key("deviation", say("running deviation")), key("true", say("true values"))))),
    told);
  forget();
  steps(3);
});
