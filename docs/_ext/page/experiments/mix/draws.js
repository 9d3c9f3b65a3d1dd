// Many draws of λ and of the box's centre, and a chart of what they give.
import { chartTable } from "../shared/chart-table.js";
import { element, emptyPaths } from "../shared/elements.js";
import { SIDE } from "../shared/photographs.js";
import { generator } from "../shared/random.js";
import { histogram, sampleLambda } from "./chance.js";
import { cutmixBox, shareAround } from "./mixing.js";

const BINS = 20;
const DRAWS = 1000;

const mean = (values) => (values.reduce((a, b) => a + b) / values.length).toFixed(2);

/** The outline of a histogram whose largest possible bin has the height of the chart. */
function stairs(bins, most) {
  const steps = bins.map((number, k) => `V${BINS * (1 - number / most)}H${k + 1}`);
  return `M0 ${BINS}${steps.join("")}V${BINS}`;
}

export function drawChart(gettext) {
  const chart = element("div", {
    innerHTML: emptyPaths(3, `viewBox="0 0 ${BINS} ${BINS}" preserveAspectRatio="none"`),
  });
  const [filled, outline, now] = chart.querySelectorAll("path");
  const legend = element("p");
  const table = chartTable(gettext);
  const ticks = ["0", "0.5", "1"].map((mark) => element("span", {}, mark));
  const axis = element("div", { className: "mix-axis", "aria-hidden": "true" }, ...ticks);
  const node = element("div", {}, chart, axis, legend, table.node);
  let method;
  let alpha;
  let random;
  let draws;

  /** Draw once more: λ, the centre, and the share of the first picture that stays. */
  function draw() {
    const lam = sampleLambda(alpha, random);
    const centre = [0, 1].map(() => Math.floor(SIDE * random()));
    const box = cutmixBox(SIDE, SIDE, lam, centre);
    const stayed = method === "mixup" ? lam : shareAround(box, SIDE, SIDE);
    draws.push({ lam, centre, stayed });
    return { lam, centre };
  }

  /** Begin anew, with the same draws for the same settings. */
  function restart(settings) {
    ({ method, alpha } = settings);
    [random, draws] = [generator(0), []];
    for (let k = 0; k < DRAWS; k++) draw();
    show();
  }

  function show() {
    const [drawn, stayed] = ["lam", "stayed"].map((name) => draws.map((one) => one[name]));
    const [asDrawn, asStayed] = [drawn, stayed].map((values) => histogram(values, BINS));
    const most = Math.max(...asDrawn, ...asStayed);
    filled.setAttribute("d", stairs(asStayed, most));
    outline.setAttribute("d", method === "mixup" ? "" : stairs(asDrawn, most));
    legend.textContent = method === "mixup"
      ? gettext("λ of {0} draws: mean {1}.", draws.length, mean(drawn))
      : gettext(
        "λ of {0} draws. Outline: as drawn, mean {1}. Filled: as it stays in the label, mean {2}.",
        draws.length,
        mean(drawn),
        mean(stayed),
      );
    const edge = (k) => (k / BINS).toFixed(2);
    const rows = asDrawn.map((number, k) => [
      gettext("{0} to {1}", edge(k), edge(k + 1)),
      `${number}`,
      ...(method === "mixup" ? [] : [`${asStayed[k]}`]),
    ]);
    const heads = method === "mixup"
      ? [gettext("draws")]
      : [gettext("as drawn"), gettext("in the label")];
    table.show(["λ", ...heads], rows);
  }

  function drawOnce() {
    const one = draw();
    show();
    return one;
  }

  /** Mark the λ that the picture was mixed with. */
  function mark(lam) {
    now.setAttribute("d", `M${BINS * lam} 0V${BINS}`);
  }

  return { node, restart, drawOnce, mark };
}
