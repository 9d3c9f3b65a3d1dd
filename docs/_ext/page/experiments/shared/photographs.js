// Test photographs of CIFAR-10 in one file: a column for each class, four lines, 32×32 pixels each.
import { element } from "./elements.js";
import { sitePicture } from "./pictures.js";

export const SIDE = 32;
const FILE = "cifar.png";

/** The names of the ten classes, in the order of the columns. */
export const classNames = (gettext) => [
  gettext("airplane"),
  gettext("automobile"),
  gettext("bird"),
  gettext("cat"),
  gettext("deer"),
  gettext("dog"),
  gettext("frog"),
  gettext("horse"),
  gettext("ship"),
  gettext("truck"),
];

/** Load all photographs as one picture. */
export const loadPhotographs = (folder) => sitePicture(folder, FILE);

/** Cut one photograph out of all of them. */
export function cutOut({ data, width }, { column, line }) {
  const image = new ImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE; i++) {
    const start = 4 * ((SIDE * line + i) * width + SIDE * column);
    image.data.set(data.subarray(start, start + 4 * SIDE), 4 * SIDE * i);
  }
  return image;
}

/** The style that shows one photograph as an element's background. */
export const background = (folder, { column, line }) =>
  `url(${folder}${FILE}) ${(100 * column) / 9}% ${(100 * line) / 3}% / 1000% 400%`;

/**
 * Photographs to choose one from.
 * @param {{folder: string, name: string, title: string, lines: number[], chosen: object}} options
 *   `name` is that of the radio buttons, `chosen` the {column, line} that is chosen at first
 * @param {(place: {column: number, line: number}) => void} change
 */
export function photographPicker(gettext, { folder, name, title, lines, chosen }, change) {
  const radio = (className, column, line) => {
    const input = element("input", {
      type: "radio",
      name,
      style: `background: ${background(folder, { column, line })}`,
      checked: chosen.column === column && chosen.line === line,
      "aria-label": gettext("{0}, photograph {1}", className, line + 1),
    });
    input.addEventListener("change", () => change({ column, line }));
    return input;
  };
  const names = classNames(gettext);
  const inputs = lines.flatMap((line) => names.map((className, k) => radio(className, k, line)));
  const legend = element("legend", {}, title);
  return element("fieldset", { className: "experiment-photographs" }, legend, ...inputs);
}
