// Batch normalisation of one channel: what a batch decides, and what the running statistics keep.
import { button, radios, slider } from "../shared/controls.js";
import { announcer, controlRow, element, partsOf, tableRow } from "../shared/elements.js";
import { mathml } from "../shared/formulas.js";
import { generator } from "../shared/random.js";
import { stage } from "../shared/stage.js";
import { statisticsChart } from "./chart.js";
import { batchNorm, batchStatistics, newLayer, normals, updated } from "./normalisation.js";
import { numberLines } from "./number-lines.js";
import { term, text } from "./numbers.js";

const COUNT = 8; // values per batch
const part = partsOf("norm");

/** What the layer computes, with the numbers that it uses. */
function outputFormula({ mean, variance }, { gamma, beta }) {
  const above = `<mrow>${mathml(`x − ${term(mean)}`)}</mrow>`;
  const below = `<msqrt>${mathml(`${text(variance)} + ε`)}</msqrt>`;
  return `<math displaystyle="true">${mathml("y =")}<mfrac>${above}${below}</mfrac>${
    mathml(`· ${text(gamma)} + ${term(beta)}`)
  }</math>`;
}

/** How a running statistic came to its value. */
function updateFormula(name, { momentum, old, current, result, factor = "" }) {
  const sum = `${text(1 - momentum)} · ${term(old)} + ${text(momentum)} · ${factor}${
    term(current)
  } = ${text(result)}`;
  return `<div>${name}<br><math>${mathml(sum)}</math></div>`;
}

stage("norm", (body, gettext) => {
  const random = generator(26);
  const truth = { mean: 5, deviation: 3 };
  let layer = newLayer();
  let training = true;
  let noise; // of this batch: its values, standardised
  let count; // of the batches so far
  let past; // the running statistics after each batch
  let last; // the layer before the last batch, and that batch's statistics
  const lines = numberLines(gettext);
  const chart = statisticsChart(gettext);
  const formula = part("formula");
  const updates = part("formula");
  const summary = element("p");
  const batches = element("p");
  const values = element("table", { className: "norm-values" });
  const statistics = element("table", { className: "norm-statistics" });
  const news = announcer();

  const batch = () => noise.map((number) => truth.mean + truth.deviation * number);

  function reset() {
    layer = { ...layer, mean: 0, variance: 1 };
    noise = normals(COUNT, random);
    [count, last, past] = [0, null, [{ mean: 0, deviation: 1 }]];
  }

  function next() {
    noise = normals(COUNT, random);
    if (training) {
      last = { before: layer, batch: batchStatistics(batch()) };
      layer = updated(layer, batch());
      count++;
    }
    past.push({ mean: layer.mean, deviation: Math.sqrt(layer.variance) });
  }

  function send(number) {
    for (let k = 0; k < number; k++) next();
    show();
  }

  function show() {
    const input = batch();
    const { used, output } = batchNorm(layer, input, training);
    const deviation = Math.sqrt(used.variance + layer.eps);
    lines.show(input, output, { mean: used.mean, deviation }, layer);
    formula.innerHTML = outputFormula(used, layer);
    showOutput(output);
    showTables(input, output);
    updates.innerHTML = last ? updateFormulas() : gettext(
      "The running statistics do not include this batch: only a new batch in training mode updates them.",
    );
    chart.show(past, truth);
    batches.textContent = gettext("Batches in the running statistics: {0}", count);
    news.announce(`${summary.textContent} ${batches.textContent}`);
  }

  function showOutput(output) {
    const { mean, variance } = batchStatistics(output);
    summary.textContent = gettext(
      "Output: mean {0}, deviation {1}; wanted {2} and {3}.",
      text(mean),
      text(Math.sqrt(variance)),
      text(layer.beta),
      text(layer.gamma),
    );
  }

  function showTables(input, output) {
    const numbers = (row) => row.map((value) => text(value, 1));
    values.replaceChildren(
      tableRow("row", "x", ...numbers(input)),
      tableRow("row", "y", ...numbers(output)),
    );
    const row = (name, { mean, variance }, isUsed) => {
      const node = tableRow("row", name, text(mean), text(variance), isUsed ? gettext("used") : "");
      node.className = isUsed ? "used" : "";
      return node;
    };
    statistics.replaceChildren(
      tableRow("col", "", gettext("Mean"), gettext("Variance"), ""),
      row(gettext("True values"), { mean: truth.mean, variance: truth.deviation ** 2 }, false),
      row(gettext("This batch"), batchStatistics(input), training),
      row(gettext("Running statistics"), layer, !training),
    );
  }

  function updateFormulas() {
    const { before, batch } = last;
    const { momentum } = before; // the slider may have moved since
    return updateFormula(gettext("Running mean:"), {
      momentum,
      old: before.mean,
      current: batch.mean,
      result: layer.mean,
    }) + updateFormula(gettext("Running variance:"), {
      momentum,
      old: before.variance,
      current: batch.variance,
      result: layer.variance,
      factor: `${COUNT} / ${COUNT - 1} · `,
    });
  }

  const modes = radios(
    gettext("Mode"),
    [["train", gettext("Training mode")], ["eval", gettext("Evaluation mode")]],
    "train",
    (mode) => {
      training = mode === "train";
      show();
    },
  );
  const inputSlider = (name, label, min, max) =>
    slider(label, {
      min,
      max,
      step: 0.5,
      value: truth[name],
      show: (value) => text(Number(value), 1),
    }, (value) => {
      truth[name] = value;
      last = null; // the values on the page are no longer those of the last update
      show();
    });
  const layerSlider = (name, label, { min, max, step }) =>
    slider(label, {
      min,
      max,
      step,
      value: layer[name],
      show: (value) => text(Number(value)),
    }, (value) => {
      layer = { ...layer, [name]: value };
      show();
    });
  body.append(
    element(
      "p",
      {},
      gettext(
        "Send batches of {0} values through the layer, then switch the mode, or move the mean of the input.",
        COUNT,
      ),
    ),
    controlRow(
      "",
      modes,
      part(
        "buttons",
        button(gettext("Next batch"), () => send(1)),
        button(gettext("20 batches"), () => send(20)),
        button(gettext("New layer"), () => {
          reset();
          show();
        }),
      ),
    ),
    lines.node,
    element(
      "p",
      {},
      gettext(
        "Orange: one deviation around the mean; above, the one that the layer uses, below, the one that γ and β set.",
      ),
    ),
    part("result", formula, summary),
    values,
    part(
      "sliders",
      inputSlider("mean", gettext("Input mean"), -6, 6),
      inputSlider("deviation", gettext("Input deviation"), 0.5, 4),
      layerSlider("gamma", "γ", { min: 0, max: 3, step: 0.1 }),
      layerSlider("beta", "β", { min: -3, max: 3, step: 0.1 }),
      layerSlider("momentum", gettext("Momentum"), { min: 0, max: 1, step: 0.05 }),
    ),
    part("parts", element("div", {}, statistics, batches, updates), chart.node),
    news.node,
  );
  reset();
  send(3);
});
