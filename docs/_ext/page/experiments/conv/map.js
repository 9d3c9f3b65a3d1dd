// A square picture of greys with a scale, outlines and a caption: to point at, and to walk over.
import { element, emptyPaths } from "../shared/elements.js";
import { pixels } from "../shared/pictures.js";
import { pointing } from "../shared/pointing.js";

/**
 * @param {string} description  of the picture
 * @param {string} label  what a screen reader is told of the keys
 * @param {Function} point, step  as in `pointing`
 */
export function greyMap({ description, label, point, step }) {
  const canvas = pixels(64, 64, description);
  const caption = element("figcaption");
  const panel = element(
    "div",
    { className: "conv-map", role: "application", "aria-label": label },
    canvas,
  );
  panel.insertAdjacentHTML("beforeend", emptyPaths(4));
  pointing(panel, canvas, point, step);
  const svg = panel.lastChild;
  const scale = element("div", { className: "conv-scale" });

  /** Draw greys inside a border of padding; `marks` are what the scale has below it. */
  function draw(greys, { border = 0, title, marks }) {
    const side = Math.sqrt(greys.length);
    const image = new ImageData(side, side);
    greys.forEach((grey, p) => image.data.set([grey, grey, grey, 255], 4 * p));
    canvas.width = canvas.height = side + 2 * border;
    canvas.getContext("2d").putImageData(image, border, border);
    svg.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.width}`);
    caption.textContent = title;
    scale.innerHTML = marks.map((mark) => `<span>${mark}</span>`).join("");
  }

  /** Draw up to four shapes over the picture: a veil, a frame and its core, and small squares. */
  function outline(...shapes) {
    shapes.forEach((d, k) => svg.children[k].setAttribute("d", d));
  }

  /** Mark a grey from 0 to 255 on the scale. */
  function markGrey(grey) {
    scale.style.setProperty("--at", `${grey / 2.55}%`);
  }

  return { figure: element("figure", {}, caption, panel, scale), draw, outline, markGrey };
}

/** The outline of a square, for `outline`. */
export const square = (x, y, side) => `M${x} ${y}h${side}v${side}h${-side}z`;
