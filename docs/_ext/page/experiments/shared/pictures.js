// Pictures as pixels: a canvas that shows them, and a file that gives them.
import { element } from "./elements.js";

/** A canvas of so many pixels, shown enlarged and unsmoothed, with its description. */
export function pixels(width, height, description) {
  const canvas = element("canvas", { width, height, className: "experiment-pixels", role: "img" });
  canvas.setAttribute("aria-label", description);
  return canvas;
}

/**
 * Load a picture as RGBA bytes: {width, height, data}.
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
  const canvas = new OffscreenCanvas(width ?? image.naturalWidth, height ?? image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, ...source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
