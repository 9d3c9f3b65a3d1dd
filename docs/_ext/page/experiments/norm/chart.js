// How the running statistics move from batch to batch, beside the true values.
import { chartTable } from "../shared/chart-table.js";
import { element, partsOf } from "../shared/elements.js";
import { clamp } from "../shared/formulas.js";
import { text } from "./numbers.js";

const PAST = 40; // batches that the chart shows
const HIGH = 8; // the ends of its scale
const part = partsOf("norm");

const height = (value) => HIGH - clamp(value, -HIGH, HIGH);
const flat = (value) => `M0 ${height(value)}H${PAST}`;
/** A line through values, one per batch; a single point shows, too. */
const through = (values) => `M${values.map((value, k) => `${k} ${height(value)}`).join("L")}h0`;

export function statisticsChart(gettext) {
  const scale = [HIGH, 0, -HIGH].map((mark) => `<span>${text(mark, 0)}</span>`).join("");
  const chart = part("chart");
  chart.innerHTML = `<div aria-hidden="true">${scale}</div>
    <svg aria-hidden="true" viewBox="0 0 ${PAST} ${2 * HIGH}" preserveAspectRatio="none"></svg>`;
  const table = chartTable(gettext);
  const key = (className, label) => element("li", { className }, label);
  const keys = element(
    "ul",
    { className: "norm-key" },
    key("mean", gettext("running mean")),
    key("deviation", gettext("running deviation")),
    key("true", gettext("true values")),
  );

  /** Draw the running statistics after every batch, {mean, deviation}, and the true ones. */
  function show(past, truth) {
    const shown = past.slice(-PAST - 1);
    const shapes = [
      flat(0),
      flat(truth.mean),
      flat(truth.deviation),
      through(shown.map(({ mean }) => mean)),
      through(shown.map(({ deviation }) => deviation)),
    ];
    chart.lastChild.innerHTML = shapes.map((d) => `<path d="${d}"/>`).join("");
    const first = past.length - shown.length; // the number of batches before the oldest point
    table.show(
      [gettext("Batch"), gettext("running mean"), gettext("running deviation")],
      shown.map(({ mean, deviation }, k) => [`${first + k}`, text(mean), text(deviation)]),
    );
  }

  return { node: element("div", {}, chart, keys, table.node), show };
}
