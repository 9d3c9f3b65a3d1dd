// The label of the mixed picture: two bars, one for each class.
import { element } from "../shared/elements.js";
import { background, classNames } from "../shared/photographs.js";
import { softLabel } from "./mixing.js";

const BAR = "<li><i></i><span></span><span></span><b></b></li>";

export function labelBars(gettext, folder) {
  const names = classNames(gettext);
  const node = element("ul", { className: "mix-bars", innerHTML: BAR.repeat(2) });

  /** The two percentages as they are shown; they sum to 100. */
  function percentsOf(pair, lam) {
    const label = softLabel(pair[0].column, pair[1].column, lam, names.length);
    const percent = (100 * label[pair[0].column]).toFixed(1);
    return [percent, (100 - percent).toFixed(1)];
  }

  /**
   * @param {{column: number, line: number}[]} pair  the photographs; the column is the class
   * @param {number} lam  the share of the first that stays
   * @param {number} wanted  the λ that was set
   * @returns {string}  the label in words
   */
  function show(pair, lam, wanted) {
    const percents = percentsOf(pair, lam);
    const same = pair[0].column === pair[1].column;
    [...node.children].forEach((bar, which) => {
      const [image, name, number, share] = bar.children;
      image.style.background = background(folder, pair[which]);
      name.textContent = names[pair[which].column];
      number.textContent = `${percents[which]} %`;
      share.style.setProperty("--share", percents[which] / 100);
      share.style.setProperty("--wanted", same ? 1 : [wanted, 1 - wanted][which]);
      bar.classList.toggle("same", which === 1 && same);
    });
    const [first, second] = pair.map(({ column }) => names[column]);
    return same
      ? gettext("Label: {0} {1} %.", first, percents[0])
      : gettext("Label: {0} {1} %, {2} {3} %.", first, percents[0], second, percents[1]);
  }

  return { node, show };
}
