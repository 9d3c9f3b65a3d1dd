// Pictures as pixels: a canvas that shows them, and an address that gives them.
import { element } from "./elements.js";

/** A canvas of so many pixels, shown enlarged and unsmoothed, with its description. */
export function pixels(width, height, description) {
  const canvas = element("canvas", { width, height, className: "experiment-pixels", role: "img" });
  canvas.setAttribute("aria-label", description);
  return canvas;
}

/**
 * Load a picture as RGBA bytes: {width, height, data}; what is transparent lies on white.
 * Where a size is asked for, this is the middle square, so that nothing is stretched.
 */
export async function picture(address, { width, height } = {}) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const source = width
    ? [(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side]
    : [0, 0, image.naturalWidth, image.naturalHeight];
  const canvas = element("canvas", {
    width: width ?? image.naturalWidth,
    height: height ?? image.naturalHeight,
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, ...source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Load a picture of the site, from `folder`, as `picture` does. */
export async function sitePicture(folder, name, size) {
  const address = `${folder}${name}`;
  if (location.protocol !== "file:") return picture(address, size);
  // In a page from a folder, a canvas gives no pixels of a file; but the file is a script, too.
  if (!globalThis.sitePictures?.[name]) await run(`${address}.js`);
  return picture(globalThis.sitePictures[name], size);
}

/** Run a script. */
function run(address) {
  return new Promise((resolve, reject) => {
    const script = element("script", { src: address, onload: resolve });
    script.onerror = () => reject(new DOMException(address, "EncodingError"));
    document.head.append(script);
  });
}
