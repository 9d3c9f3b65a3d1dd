// A photograph with a veil over all that an output does not see.
import { element, emptyPaths } from "../shared/elements.js";
import { pixels, sitePicture } from "../shared/pictures.js";

const box = (x, y, width, height) => `M${x} ${y}h${width}v${height}h${-width}z`;

export function veiledPhotograph(gettext, folder) {
  const canvas = pixels(1, 1, gettext("A picture; a veil lies on what the output does not see"));
  const frame = element("div", {
    className: "receptive-photograph",
    innerHTML: emptyPaths(3, 'preserveAspectRatio="none"'),
  }, canvas);
  const veil = frame.firstChild;
  const caption = element("figcaption");
  let wanted; // the size that was asked for last

  /** Load the photograph with `size` pixels along each side. */
  async function load(size) {
    wanted = size;
    veil.setAttribute("viewBox", `0 0 ${size} ${size}`);
    const image = await sitePicture(folder, "camera.png", { width: size, height: size });
    if (size !== wanted) return; // another size was chosen since
    canvas.width = canvas.height = size;
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** Uncover what is seen in the `rows` and in the `columns`, both as from `view`. */
  function show(size, rows, columns) {
    const holes = rows.pixels.flatMap((i) => columns.pixels.map((j) => box(j, i, 1, 1))).join("");
    const field = box(columns.first, rows.first, columns.count, columns.count);
    const shapes = [box(0, 0, size, size) + holes, field, field];
    shapes.forEach((d, k) => veil.children[k].setAttribute("d", d));
    const sides = [rows.pixels.length, columns.pixels.length];
    caption.textContent = gettext("In a picture: {0} × {1} pixels", ...sides);
  }

  return { node: element("figure", {}, caption, frame), load, show };
}
