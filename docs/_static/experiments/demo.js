// The small trained network on the reader's own device: what it answers, and where it looked.
import { button, element, ownPicture, picture, pixels, row, stage, status, tick } from "./stage.js";

/** Pixels of an RGBA picture from 0 to 1, plane by plane: 3·H·W numbers. */
export function toInput({ data, width, height }) {
  const count = width * height;
  const input = new Float32Array(3 * count);
  for (let p = 0; p < count; p++)
    for (let c = 0; c < 3; c++) input[c * count + p] = data[4 * p + c] / 255;
  return input;
}

/** Probabilities that sum to 1. */
export function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The places of the `count` largest values, the largest first. */
export function largest(values, count) {
  return Array.from(values, (_, k) => k).sort((a, b) => values[b] - values[a]).slice(0, count);
}

/** Enlarge a square map of side `side` to side `size`, linearly between the middles of its cells. */
export function enlarge(map, side, size) {
  const at = (k) => {
    const x = Math.min(Math.max(((k + 0.5) * side) / size - 0.5, 0), side - 1);
    const low = Math.min(Math.floor(x), side - 1);
    return [low, Math.min(low + 1, side - 1), x - low];
  };
  const large = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) {
      const [top, bottom, v] = at(i);
      const [left, right, u] = at(j);
      const upper = map[top * side + left] * (1 - u) + map[top * side + right] * u;
      const lower = map[bottom * side + left] * (1 - u) + map[bottom * side + right] * u;
      large[i * size + j] = upper * (1 - v) + lower * v;
    }
  return large;
}

/** How bright each place is shown: from a quarter where nothing spoke for the class, to 1. */
export function spotlight(map, side, size) {
  const large = enlarge(map, side, size);
  const most = Math.max(...large);
  return large.map((value) => 0.25 + 0.75 * (most > 0 ? Math.max(value, 0) / most : 0));
}

/** The bytes of a gzip file, whether the server has unpacked it on the way or not. */
async function unpacked(response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.buffer;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Fetch a file of this site, or say which one did not come. */
async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${address}`);
  return response;
}

/**
 * Load ONNX Runtime and the network from a folder of this site.
 * @returns {Promise<(input: Float32Array) => Promise<object>>} looks at one 32×32 picture, and gives
 *   `scores` (10), `first` (32·32·32) and `maps` (10·8·8).
 */
export async function network(folder) {
  const runtime = new URL(`${folder}../onnxruntime/`, document.baseURI).href;
  const ort = await import(`${runtime}ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = 1; // more need headers that a plain server does not send
  const packed = fetched(`${runtime}ort-wasm-simd-threaded.wasm.gz`);
  ort.env.wasm.wasmBinary = await unpacked(await packed);
  const graph = await (await fetched(`${folder}resnet10.onnx`)).arrayBuffer();
  const session = await ort.InferenceSession.create(new Uint8Array(graph));
  return async (input) => {
    const found = await session.run({ image: new ort.Tensor("float32", input, [1, 3, 32, 32]) });
    return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data]));
  };
}

/** Draw `count` maps of side `side` as grey tiles, eight a row, each as bright as it can be. */
function drawTiles(canvas, maps, count, side) {
  const context = canvas.getContext("2d");
  for (let k = 0; k < count; k++) {
    const tile = maps.subarray(k * side * side, (k + 1) * side * side);
    const most = Math.max(...tile) || 1;
    const image = context.createImageData(side, side);
    tile.forEach((value, p) => image.data.set([...Array(3).fill((255 * value) / most), 255], 4 * p));
    context.putImageData(image, (k % 8) * (side + 1), Math.floor(k / 8) * (side + 1));
  }
}

if (typeof document !== "undefined") stage("demo", (body, say, folder) => {
  const names = [
    say("airplane"), say("automobile"), say("bird"), say("cat"), say("deer"),
    say("dog"), say("frog"), say("horse"), say("ship"), say("truck"),
  ];
  let look, shown, looked, chosen, spot = true;
  const told = status();
  const view = pixels(32, 32, say("The picture, as the network sees it"));
  const tiles = pixels(263, 131, say("The 32 feature maps of the first layer"));
  const bars = element("ol", { className: "demo-bars" });
  const results = row();
  results.classList.add("parts", "demo-results");
  results.hidden = true;

  const show = () => {
    const light = spot ? spotlight(looked.maps.subarray(chosen * 64, (chosen + 1) * 64), 8, 32) : null;
    const image = new ImageData(new Uint8ClampedArray(shown.data), 32, 32);
    if (light) light.forEach((l, p) => { for (let c = 0; c < 3; c++) image.data[4 * p + c] *= l; });
    view.getContext("2d").putImageData(image, 0, 0);
    for (const bar of bars.querySelectorAll("button"))
      bar.setAttribute("aria-pressed", String(Number(bar.value) === chosen));
  };

  const answer = async () => {
    looked = await look(toInput(shown));
    const shares = softmax(looked.scores);
    const five = largest(shares, 5);
    [chosen] = five;
    bars.replaceChildren(...five.map((k) => {
      const percent = `${(100 * shares[k]).toFixed(1)} %`;
      const bar = button("", () => { chosen = k; show(); });
      bar.value = k;
      bar.style.setProperty("--share", shares[k]);
      bar.append(element("span", {}, names[k]), element("span", {}, percent));
      return element("li", {}, bar);
    }));
    drawTiles(tiles, looked.first, 32, 32);
    results.hidden = false;
    show();
    told.textContent = say("The network says: {0}, {1} %.", names[chosen], (100 * shares[chosen]).toFixed(1));
  };

  const use = async (address, part) => {
    const whole = await picture(address, part ? {} : { width: 32, height: 32 });
    shown = part ? crop(whole, ...part) : whole;
    if (look) await answer();
  };
  const crop = ({ data, width }, column, line) => {
    const made = new ImageData(32, 32);
    for (let i = 0; i < 32; i++) {
      const from = 4 * ((32 * line + i) * width + 32 * column);
      made.data.set(data.subarray(from, from + 128), 128 * i);
    }
    return made;
  };

  const sprite = `${folder}cifar.png`;
  const photographs = element("fieldset", { className: "demo-photographs" },
    element("legend", {}, say("Test photographs, which the network has never learned from")));
  for (let line = 0; line < 4; line++) for (let column = 0; column < 10; column++) {
    const radio = element("input", { type: "radio", name: "demo-photograph", checked: !line && column === 6 });
    radio.setAttribute("aria-label", say("{0}, photograph {1}", names[column], line + 1));
    radio.style.background = `url(${sprite}) ${(100 * column) / 9}% ${(100 * line) / 3}% / 1000% 400%`;
    radio.addEventListener("change", () => use(sprite, [column, line]));
    photographs.append(radio);
  }

  const start = button(say("Load the network ({0} MB)", "4.5"), async () => {
    start.disabled = true;
    told.textContent = say("Loading …");
    try {
      look = await network(folder);
      start.hidden = true;
      await answer();
    } catch (error) {
      start.disabled = false;
      told.textContent = say("It could not be loaded: {0}", error.message);
    }
  });
  const own = ownPicture(say("Your own picture (it does not leave your device)"), async (address) => {
    try { await use(address); } catch { told.textContent = say("This file is no picture that the browser can read."); }
  });
  results.append(
    element("figure", {}, view, tick(say("Show where it looked"), true, (on) => { spot = on; show(); })),
    element("div", {}, element("p", {}, say("Its five best answers; press one to see what speaks for it")), bars),
    element("figure", { className: "demo-tiles" }, tiles, element("figcaption", {}, say("What the first layer makes of it: 32 feature maps"))),
  );
  body.append(photographs, row(own, start), told, results);
  use(sprite, [6, 0]);
});
