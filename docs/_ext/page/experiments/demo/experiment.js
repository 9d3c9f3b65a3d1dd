// The small trained network in the page: what it predicts, and which places speak for it.
import { button, tick } from "../shared/controls.js";
import { controlRow, element, status } from "../shared/elements.js";
import { ownPicture } from "../shared/own-picture.js";
import {
  classNames,
  cutOut,
  loadPhotographs,
  photographPicker,
  SIDE,
} from "../shared/photographs.js";
import { pixels } from "../shared/pictures.js";
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
  let wanted; // the photograph that was chosen last, which may be loaded later than one after it
  let image; // the picture that is shown
  let outputs; // of the network for this picture, once they are there
  let chosen; // the class whose map is shown
  let showsMap = true;
  const message = status();
  const view = pixels(SIDE, SIDE, gettext("The picture, as the network sees it"));
  const tiles = pixels(263, 131, gettext("The 32 feature maps of the first layer"));
  const bars = element("ol", { className: "demo-bars" });

  /** Show the picture; once there are outputs, darkened where nothing speaks for the class. */
  function show() {
    const shown = new ImageData(new Uint8ClampedArray(image.data), SIDE, SIDE);
    if (outputs && showsMap) {
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
    const asked = image;
    const found = await network(toInput(asked));
    if (asked !== image) return; // another picture was chosen since
    outputs = found;
    const probabilities = softmax(outputs.scores);
    const five = largest(probabilities, 5);
    [chosen] = five;
    bars.replaceChildren(...five.map((k) => barOf(k, probabilities[k])));
    drawTiles(tiles, outputs.first, 32, 32);
    for (const part of results) part.hidden = false;
    show();
    message.textContent = gettext(
      "The network's prediction: {0}, {1} %.",
      names[chosen],
      percentOf(probabilities[chosen]),
    );
  }

  async function use(newImage) {
    image = newImage;
    outputs = undefined;
    show();
    if (network) await predict();
  }

  async function usePhotograph(place) {
    own.forget();
    wanted = place;
    const all = await loadPhotographs(folder);
    if (place === wanted) await use(cutOut(all, place));
  }

  /** Mark one of the photographs as chosen, or none. */
  function check(place) {
    photographs.querySelectorAll("input").forEach((input, k) => {
      input.checked = k === (place ? 10 * place.line + place.column : -1);
    });
  }

  /** Why this browser cannot run the network here, or nothing. */
  function obstacle() {
    if (location.protocol === "file:") {
      return gettext(
        "This page was opened from a folder, and from there a browser does not load the network; it does so from a site.",
      );
    }
    return "DecompressionStream" in globalThis ? "" : gettext(
      "This browser is too old to run the network: it cannot unpack it (DecompressionStream).",
    );
  }

  async function load() {
    loader.disabled = true;
    message.textContent = gettext("Loading …");
    try {
      network = await loadNetwork(folder);
      loader.hidden = true;
      if (image) await predict(); // otherwise once it has come
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
  const classes = element(
    "div",
    {},
    element(
      "p",
      {},
      gettext("The five most probable classes; press one to see what speaks for it"),
    ),
    bars,
  );
  const firstMaps = element(
    "figure",
    { className: "demo-tiles" },
    tiles,
    element("figcaption", {}, gettext("What the first layer makes of it: 32 feature maps")),
  );
  const results = [mapSwitch, classes, firstMaps];
  for (const part of results) part.hidden = true;
  const own = ownPicture(gettext, {
    place: body,
    size: { width: SIDE, height: SIDE },
    use: (picture) => {
      check(null);
      wanted = undefined;
      use(picture);
    },
    back: () => {
      check(frog);
      usePhotograph(frog);
    },
    say: (text) => (message.textContent = text),
  });
  const reason = obstacle();
  body.append(
    photographs,
    own.node,
    reason ? element("p", { className: "experiment-hint" }, reason) : controlRow("", loader),
    message,
    controlRow("parts demo-results", element("figure", {}, view, mapSwitch), classes, firstMaps),
  );
  return usePhotograph(frog);
});
