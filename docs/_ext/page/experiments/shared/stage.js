// Where an experiment begins: its place on the page, and the words of the page's language.
import { element } from "./elements.js";

/**
 * Start an experiment wherever the page has a place for it, and hide the still figure.
 * If `start` fails, the still figure stays.
 * @param {string} name  of the experiment, as in `data-experiment`
 * @param {(body: HTMLElement, gettext: Function, folder: string) => void} start
 *   `gettext(message, ...values)` gives a message in the language of the page, filled with values;
 *   `folder` is the address of the folder with the experiments' files.
 */
export function stage(name, start) {
  for (const place of document.querySelectorAll(`[data-experiment="${name}"]`)) {
    const words = JSON.parse(place.dataset.words);
    const gettext = (message, ...values) =>
      (words[message] ?? message).replace(/\{(\d)\}/g, (_, k) => values[k]);
    const body = element("div", { className: "experiment-body" });
    start(body, gettext, `${place.dataset.static}experiments/`);
    place.append(body);
    place.querySelector(".experiment-still").hidden = true;
  }
}
