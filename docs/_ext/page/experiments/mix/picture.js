// The mixed picture, with an outline of the box or of a pixel on it.
import { element, emptyPaths } from "../shared/elements.js";
import { classNames, SIDE } from "../shared/photographs.js";
import { pixels } from "../shared/pictures.js";
import { pointing } from "../shared/pointing.js";

const outline = ([top, bottom, left, right]) => `M${left} ${top}H${right}V${bottom}H${left}z`;

/** `point` and `step` are as in `pointing`. */
export function mixedPicture(gettext, point, step) {
  const names = classNames(gettext);
  const canvas = pixels(SIDE, SIDE, "");
  const panel = element("div", {
    className: "mix-panel",
    role: "application",
    innerHTML: emptyPaths(3, `viewBox="0 0 ${SIDE} ${SIDE}" preserveAspectRatio="none"`),
  });
  const [lost, ...marks] = panel.querySelectorAll("path");
  panel.prepend(canvas);
  pointing(panel, canvas, point, step);

  /** Draw RGBA values of two classes. */
  function draw(values, columns) {
    const image = new ImageData(Uint8ClampedArray.from(values), SIDE, SIDE);
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.ariaLabel = gettext("{0} and {1}, mixed", ...columns.map((column) => names[column]));
  }

  function setMarks(d, cut = "") {
    for (const mark of marks) mark.setAttribute("d", d);
    lost.setAttribute("d", cut);
  }

  function markPixel([i, j]) {
    setMarks(outline([i, i + 1, j, j + 1]));
    panel.ariaLabel = gettext("Mixed picture: arrow keys move to another pixel");
  }

  /** Mark a box, its centre, and what the border cut off from the whole of it. */
  function markBox(box, [i, j], whole) {
    const cross = `M${j - 0.8} ${i}h1.6M${j} ${i - 0.8}v1.6`;
    setMarks(outline(box) + cross, `${whole}` === `${box}` ? "" : outline(whole) + outline(box));
    panel.ariaLabel = gettext("Mixed picture: arrow keys move the box");
  }

  return { node: panel, draw, markPixel, markBox };
}
