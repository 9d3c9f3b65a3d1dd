// Where an experiment begins: its place on the page, and the words of the page's language.
import { element } from "./elements.js";

/**
 * Start an experiment wherever the page has a place for it, and hide the still figure.
 * If `start` fails, at once or while it loads its files, the still figure stays, and a sentence
 * below it says why.
 * @param {string} name  of the experiment, as in `data-experiment`
 * @param {(body: HTMLElement, gettext: Function, folder: string) => Promise|undefined} start
 *   `gettext(message, ...values)` gives a message in the language of the page, filled with values;
 *   `folder` is the address of the folder with the experiments' files.
 */
export function stage(name, start) {
  for (const place of document.querySelectorAll(`[data-experiment="${name}"]`)) open(place, start);
}

async function open(place, start) {
  const words = JSON.parse(place.dataset.words);
  const gettext = (message, ...values) =>
    (words[message] ?? message).replace(/\{(\d)\}/g, (_, k) => values[k]);
  const body = element("div", { className: "experiment-body" });
  const still = place.querySelector(".experiment-still");
  try {
    const ready = start(body, gettext, `${place.dataset.static}experiments/`);
    place.append(body);
    still.hidden = true;
    await ready;
  } catch (error) {
    body.remove();
    still.hidden = false;
    still.querySelector(".experiment-note").textContent = error.name === "EncodingError"
      ? gettext("The experiment cannot start, because its photograph could not be loaded.")
      : gettext("The experiment cannot start in this browser: {0}", error.message);
  }
}
