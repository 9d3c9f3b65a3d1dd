// The small trained network in the page: what it predicts, and which places speak for it.
import { button, ownPicture, tick } from "../shared/controls.js";
import { controlRow, element, status } from "../shared/elements.js";
import { picture, pixels } from "../shared/pictures.js";
import {
  classNames,
  cutOut,
  loadPhotographs,
  photographPicker,
  SIDE,
} from "../shared/photographs.js";
import { stage } from "../shared/stage.js";
import { brightness, drawTiles } from "./maps.js";
import { loadNetwork } from "./network.js";
import { largest, softmax, toInput } from "./scores.js";

const MAP_SIDE = 8; // of a class map

const percentOf = (probability) => (100 * probability).toFixed(1);

stage("demo", (body, gettext, folder) => {
  const names = classNames(gettext);
  const frog = { column: 6, line: 0 };
  let network; // once it is loaded
  let image; // the picture that is shown
  let outputs; // of the network for this picture
  let chosen; // the class whose map is shown
  let showsMap = true;
  const message = status();
  const view = pixels(SIDE, SIDE, gettext("The picture, as the network sees it"));
  const tiles = pixels(263, 131, gettext("The 32 feature maps of the first layer"));
  const bars = element("ol", { className: "demo-bars" });

  /** Show the picture, darkened where nothing speaks for the chosen class. */
  function show() {
    const shown = new ImageData(new Uint8ClampedArray(image.data), SIDE, SIDE);
    if (showsMap) {
      const size = MAP_SIDE ** 2;
      const map = outputs.maps.subarray(chosen * size, (chosen + 1) * size);
      brightness(map, MAP_SIDE, SIDE).forEach((light, p) => {
        for (let c = 0; c < 3; c++) shown.data[4 * p + c] *= light;
      });
    }
    view.getContext("2d").putImageData(shown, 0, 0);
    for (const bar of bars.querySelectorAll("button")) {
      bar.setAttribute("aria-pressed", String(Number(bar.value) === chosen));
    }
  }

  function barOf(k, probability) {
    const bar = button("", () => {
      chosen = k;
      show();
    });
    bar.value = k;
    bar.style.setProperty("--share", probability);
    const percent = `${percentOf(probability)} %`;
    bar.append(element("span", {}, names[k]), element("span", {}, percent));
    return element("li", {}, bar);
  }

  async function predict() {
    outputs = await network(toInput(image));
    const probabilities = softmax(outputs.scores);
    const five = largest(probabilities, 5);
    [chosen] = five;
    bars.replaceChildren(...five.map((k) => barOf(k, probabilities[k])));
    drawTiles(tiles, outputs.first, 32, 32);
    results.hidden = false;
    show();
    message.textContent = gettext(
      "The network's prediction: {0}, {1} %.",
      names[chosen],
      percentOf(probabilities[chosen]),
    );
  }

  async function use(newImage) {
    image = newImage;
    if (network) await predict();
  }

  const usePhotograph = async (place) => use(cutOut(await loadPhotographs(folder), place));

  async function useOwn(address) {
    try {
      await use(await picture(address, { width: SIDE, height: SIDE }));
    } catch {
      message.textContent = gettext("The browser cannot read this file as a picture.");
    }
  }

  async function load() {
    loader.disabled = true;
    message.textContent = gettext("Loading …");
    try {
      network = await loadNetwork(folder);
      loader.hidden = true;
      await predict();
    } catch (error) {
      loader.disabled = false;
      message.textContent = gettext("It could not be loaded: {0}", error.message);
    }
  }

  const loader = button(gettext("Load the network ({0} MB)", "4.5"), load);
  const photographs = photographPicker(gettext, {
    folder,
    name: "demo-photograph",
    title: gettext("Test photographs, on which the network was not trained"),
    lines: [0, 1, 2, 3],
    chosen: frog,
  }, usePhotograph);
  const mapSwitch = tick(gettext("Show which places speak for the class"), showsMap, (on) => {
    showsMap = on;
    show();
  });
  const results = controlRow(
    "parts demo-results",
    element("figure", {}, view, mapSwitch),
    element(
      "div",
      {},
      element(
        "p",
        {},
        gettext("The five most probable classes; press one to see what speaks for it"),
      ),
      bars,
    ),
    element(
      "figure",
      { className: "demo-tiles" },
      tiles,
      element("figcaption", {}, gettext("What the first layer makes of it: 32 feature maps")),
    ),
  );
  results.hidden = true;
  const own = ownPicture(gettext("Your own picture (it does not leave your device)"), useOwn);
  body.append(photographs, controlRow("", own, loader), message, results);
  usePhotograph(frog);
});
