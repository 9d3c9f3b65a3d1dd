// MixUp and CutMix as the library has them: two images in one, and the label to match.

function checkLambda(lam) {
  if (!(lam >= 0 && lam <= 1)) {
    throw new RangeError(`λ must lie between 0 and 1, got ${lam}`);
  }
}

/**
 * Blend two images.
 * @param {ArrayLike<number>} first  as many numbers as `second`, in any order
 * @param {number} lam  share of the first, from 0 to 1
 * @returns {Float64Array}
 */
export function mixup(first, second, lam) {
  checkLambda(lam);
  return Float64Array.from(first, (value, k) => lam * value + (1 - lam) * second[k]);
}

/** Half the sides of CutMix's box before the border cuts it off, in whole pixels. */
export function halfSides(height, width, lam) {
  const half = 0.5 * Math.sqrt(1 - lam);
  return [Math.floor(half * height), Math.floor(half * width)];
}

/**
 * The box that CutMix pastes, cut off at the border.
 * @returns {number[]}  [top, bottom, left, right]; bottom and right are exclusive
 */
export function cutmixBox(height, width, lam, [line, column]) {
  checkLambda(lam);
  if (!(line >= 0 && line < height && column >= 0 && column < width)) {
    throw new RangeError(
      `the centre lies inside the ${height}×${width} image, got (${line}, ${column})`,
    );
  }
  const [up, aside] = halfSides(height, width, lam);
  return [
    Math.max(line - up, 0),
    Math.min(line + up, height),
    Math.max(column - aside, 0),
    Math.min(column + aside, width),
  ];
}

/** The share of the first image that stays around a box. */
export const shareAround = ([top, bottom, left, right], height, width) =>
  1 - ((bottom - top) * (right - left)) / (height * width);

/**
 * Paste a box of the second image into the first.
 * @param {ArrayLike<number>} first  height·width·C numbers, pixel by pixel; so is `second`
 * @param {number[]} box  [top, bottom, left, right]
 * @returns {{values: Float64Array, lam: number}}  `lam` is the share of the first that stays
 */
export function cutmix(first, second, height, width, box) {
  const [top, bottom, left, right] = box;
  const values = Float64Array.from(first);
  const channels = first.length / (height * width);
  for (let line = top; line < bottom; line++) {
    const start = (line * width + left) * channels;
    const end = (line * width + right) * channels;
    for (let k = start; k < end; k++) values[k] = second[k];
  }
  return { values, lam: shareAround(box, height, width) };
}

/** The mixed label: `classes` probabilities that sum to 1. */
export function softLabel(own, partner, lam, classes) {
  checkLambda(lam);
  const probability = (k) => lam * (k === own) + (1 - lam) * (k === partner);
  return Array.from({ length: classes }, (_, k) => probability(k));
}
