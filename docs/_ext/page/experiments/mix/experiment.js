// Two photographs in one, and the label to match: MixUp and CutMix, by hand and by chance.
import { button, radios, slider } from "../shared/controls.js";
import { announcer, controlRow, element, partsOf } from "../shared/elements.js";
import { clamp, fraction, mathml } from "../shared/formulas.js";
import { cutOut, loadPhotographs, photographPicker, SIDE } from "../shared/photographs.js";
import { stage } from "../shared/stage.js";
import { drawChart } from "./draws.js";
import { labelBars } from "./label.js";
import { cutmix, cutmixBox, halfSides, mixup } from "./mixing.js";
import { mixedPicture } from "./picture.js";

const part = partsOf("mix");

/** The arithmetic of one number of MixUp. */
const blendFormula = (lam, first, second, result) =>
  `<math>${
    mathml(
      `${lam.toFixed(2)} · ${first} + ${(1 - lam).toFixed(2)} · ${second} = ${result.toFixed(1)}`,
    )
  }</math>`;

/** The arithmetic of CutMix's λ. */
function areaFormula([top, bottom, left, right], lam) {
  const area = fraction(`${bottom - top} · ${right - left}`, `${SIDE} · ${SIDE}`);
  return `<math displaystyle="true">${mathml("λ = 1 −")}${area}${
    mathml(`= ${lam.toFixed(3)}`)
  }</math>`;
}

stage("mix", (body, gettext, folder) => {
  const places = { mixup: [15, 15], cutmix: [12, 28] }; // the pixel shown, and the box's centre
  const pair = [{ column: 3, line: 0 }, { column: 5, line: 1 }];
  let method = "cutmix";
  let lambda = 0.6; // as it was set
  let alpha = 1;
  let photographs;
  const picture = mixedPicture(gettext, point, step);
  const bars = labelBars(gettext, folder);
  const chart = drawChart(gettext);
  const formula = part("formula");
  const explanation = element("p", { className: "mix-explanation" });
  const news = announcer();

  function go(i, j) {
    places[method] = [clamp(i, 0, SIDE - 1), clamp(j, 0, SIDE - 1)];
    show();
  }

  function step(down, right) {
    go(places[method][0] + down, places[method][1] + right);
  }

  function point(i, j, pressed) {
    if (pressed || method === "mixup") go(i, j);
  }

  function show() {
    if (!photographs) return;
    const [first, second] = pair.map((place) => cutOut(photographs, place).data);
    const { values, lam } = method === "mixup" ? blend(first, second) : paste(first, second);
    picture.draw(values, pair.map(({ column }) => column));
    const label = bars.show(pair, lam, lambda);
    chart.mark(lambda);
    news.announce(`${label} ${explanation.textContent}`);
  }

  function blend(first, second) {
    const values = mixup(first, second, lambda);
    const [i, j] = places.mixup;
    const k = 4 * (SIDE * i + j); // the red of the pixel
    picture.markPixel([i, j]);
    formula.innerHTML = blendFormula(lambda, first[k], second[k], values[k]);
    explanation.textContent = gettext(
      "This is the red of the pixel in row {0}, column {1}; point at another one.",
      i,
      j,
    );
    return { values, lam: lambda };
  }

  function paste(first, second) {
    const [i, j] = places.cutmix;
    const [half] = halfSides(SIDE, SIDE, lambda);
    const whole = [i - half, i + half, j - half, j + half];
    const box = cutmixBox(SIDE, SIDE, lambda, [i, j]);
    const { values, lam } = cutmix(first, second, SIDE, SIDE, box);
    picture.markBox(box, [i, j], whole);
    formula.innerHTML = areaFormula(box, lam);
    explanation.textContent = explain(half, `${whole}` !== `${box}`);
    return { values, lam };
  }

  /** Say why the λ of the label is or is not the one that was set. */
  function explain(half, isCut) {
    const wanted = lambda.toFixed(2);
    if (isCut) {
      return gettext(
        "Chosen λ: {0}. The border cut the box off, so more of the first picture stays, and the label must change with it.",
        wanted,
      );
    }
    return half
      ? gettext("Chosen λ: {0}. The whole box was pasted; its sides are whole pixels.", wanted)
      : gettext("Chosen λ: {0}. The box is empty.", wanted);
  }

  const restart = () => chart.restart({ method, alpha });

  function drawOnce() {
    const { lam, centre } = chart.drawOnce();
    lambda = Math.round(100 * lam) / 100; // so that all the numbers shown are those used
    places.cutmix = centre;
    lambdas.control.value = lambda;
    lambdas.refresh();
    show();
  }

  const picker = (which, title, lines) =>
    photographPicker(gettext, {
      folder,
      name: `mix-photograph-${which}`,
      title,
      lines,
      chosen: pair[which],
    }, (place) => {
      pair[which] = place;
      show();
    });
  const lambdas = slider(gettext("Chosen λ"), {
    min: 0,
    max: 1,
    step: 0.01,
    value: lambda,
    show: (value) => Number(value).toFixed(2),
  }, (value) => {
    lambda = value;
    show();
  });
  lambdas.classList.add("mix-lambda");
  const alphas = slider("α", {
    min: 0.1,
    max: 3,
    step: 0.1,
    value: alpha,
    show: (value) => Number(value).toFixed(1),
  }, (value) => {
    alpha = value;
    restart();
  });
  const methods = radios(
    gettext("Method"),
    [["mixup", "MixUp"], ["cutmix", "CutMix"]],
    method,
    (name) => {
      method = name;
      restart();
      show();
    },
  );
  body.append(
    element(
      "p",
      {},
      gettext(
        "Drag the box to the border: less is pasted, and the label changes with the area. Or blend with MixUp.",
      ),
    ),
    controlRow(
      "mix-pickers",
      picker(0, gettext("First picture"), [0, 2]),
      picker(1, gettext("Second picture"), [1, 3]),
    ),
    controlRow("", methods, lambdas),
    part(
      "views",
      part("frame", picture.node),
      part(
        "results",
        element("p", {}, gettext("Label of the mixed picture (dashed: by the chosen λ)")),
        bars.node,
        formula,
        explanation,
      ),
    ),
    part(
      "draws",
      element(
        "div",
        {},
        element(
          "p",
          {},
          gettext(
            "In training, both are random: λ is drawn from Beta(α, α), and the centre is any pixel.",
          ),
        ),
        controlRow("", alphas, button(gettext("Draw λ"), drawOnce)),
      ),
      chart.node,
    ),
    news.node,
  );
  restart();
  return loadPhotographs(folder).then((loaded) => {
    photographs = loaded;
    show();
  });
});
