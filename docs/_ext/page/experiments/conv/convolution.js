// Convolution by its definition, as the library has it: sizes, windows, sums of products.

/** The library's kernels: 3×3 whole numbers, and what their sum of products is divided by. */
export const KERNELS = {
  "identity": { weights: [[0, 0, 0], [0, 1, 0], [0, 0, 0]], divisor: 1 },
  "horizontal edges": { weights: [[-1, -1, -1], [0, 0, 0], [1, 1, 1]], divisor: 1 },
  "vertical edges": { weights: [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], divisor: 1 },
  "sobel x": { weights: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], divisor: 1 },
  "sobel y": { weights: [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], divisor: 1 },
  "sharpen": { weights: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], divisor: 1 },
  "blur": { weights: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor: 9 },
  "emboss": { weights: [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], divisor: 1 },
};

/** The name of one of the library's kernels, or undefined. */
export const kernelName = (kernel) =>
  Object.keys(KERNELS).find((name) => JSON.stringify(KERNELS[name]) === JSON.stringify(kernel));

const WITHOUT_SETTINGS = { stride: 1, padding: 0, dilation: 1 };
const LEAST = { "kernel_size": 1, stride: 1, padding: 0, dilation: 1 };

/** Count the places at which `kernel` weights fit along an axis of `size` pixels. */
export function outputSize(size, kernel, settings = {}) {
  const { stride, padding, dilation } = { ...WITHOUT_SETTINGS, ...settings };
  for (
    const [name, value] of Object.entries({ "kernel_size": kernel, stride, padding, dilation })
  ) {
    if (!Number.isInteger(value)) {
      throw new RangeError(`${name} must be a whole number, got ${value}`);
    }
    if (value < LEAST[name]) {
      throw new RangeError(`${name} must be at least ${LEAST[name]}, got ${value}`);
    }
  }
  const span = dilation * (kernel - 1) + 1;
  const room = size + 2 * padding;
  if (span > room) {
    throw new RangeError(
      `the kernel spans ${span} pixels and the padded image only ${room}; ` +
        "take a smaller kernel or more padding",
    );
  }
  return Math.floor((room - span) / stride) + 1;
}

/**
 * The arithmetic of output pixel (i, j): lists of kh·kw entries, row by row, and the sum.
 * @param {ArrayLike<number>} image  h·w numbers, row by row; all around it is padding, 0
 * @param {number[][]} weights  kh rows of kw numbers
 * @returns {{places: number[][], values: number[], products: number[], sum: number}}
 *   `places` are [row, column]
 */
export function terms(image, h, w, weights, i, j, settings = {}) {
  const { stride, padding, dilation } = { ...WITHOUT_SETTINGS, ...settings };
  const places = weights.flatMap((line, u) =>
    line.map((_, v) => [i * stride + u * dilation - padding, j * stride + v * dilation - padding])
  );
  const pixel = ([y, x]) => (y >= 0 && y < h && x >= 0 && x < w ? image[y * w + x] : 0);
  const values = places.map(pixel);
  const products = weights.flat().map((weight, k) => weight * values[k]);
  return { places, values, products, sum: products.reduce((a, b) => a + b) };
}

/** Convolve an h×w image with kh×kw weights by the definition: {height, width, values}. */
export function convolve(image, h, w, weights, settings = {}) {
  const height = outputSize(h, weights.length, settings);
  const width = outputSize(w, weights[0].length, settings);
  const values = Float64Array.from({ length: height * width }, (_, k) => {
    const [i, j] = [Math.floor(k / width), k % width];
    return terms(image, h, w, weights, i, j, settings).sum;
  });
  return { height, width, values };
}

/** Along one axis: the output pixel whose window has its middle nearest to input pixel `pixel`. */
export function nearest(pixel, size, kernel, settings = {}) {
  const { stride, padding, dilation } = { ...WITHOUT_SETTINGS, ...settings };
  const last = outputSize(size, kernel, settings) - 1;
  const index = Math.round((pixel + padding - (dilation * (kernel - 1)) / 2) / stride);
  return Math.min(Math.max(index, 0), last);
}
