// Receptive fields along one axis, as the library has them: sizes, fields, dependencies.

const layer = (kernel, stride = 1, padding = 0, dilation = 1) => ({
  kernel,
  stride,
  padding,
  dilation,
});

/** The layer that a reader adds. */
export const newLayer = () => layer(3, 1, 1);

const VGG_BLOCK = [layer(3, 1, 1), layer(3, 1, 1), layer(2, 2)];

/** Stacks worth a look: pixels of the input along one axis, and the layers from the input on. */
export const STACKS = {
  two: { size: 16, layers: [layer(3), layer(3)] },
  one: { size: 16, layers: [layer(5)] },
  strides: { size: 32, layers: [layer(3, 2, 1), layer(3, 2, 1), layer(3, 2, 1)] },
  dilated: { size: 24, layers: [layer(3, 1, 1, 1), layer(3, 1, 2, 2), layer(3, 1, 4, 4)] },
  lenet: { size: 32, layers: [layer(5), layer(2, 2), layer(5), layer(2, 2)] },
  vgg: { size: 32, layers: [...VGG_BLOCK, ...VGG_BLOCK] },
};

/** The name of one of the stacks, or undefined. */
export const stackName = (stack) =>
  Object.keys(STACKS).find((name) => JSON.stringify(STACKS[name]) === JSON.stringify(stack));

/** Places that a window spans, holes of the dilation included. */
export const span = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

/** The field one layer further on; the input's is {size: 1, jump: 1, start: 0.5}. */
export function through({ size, jump, start }, { kernel, stride, padding, dilation }) {
  const areWhole = [kernel, stride, padding, dilation].every(Number.isInteger);
  if (!areWhole || Math.min(kernel, stride, dilation) < 1 || padding < 0) {
    throw new RangeError(
      "a layer must have kernel, stride and dilation of at least 1 and padding of at least 0, " +
        "all whole numbers",
    );
  }
  const more = dilation * (kernel - 1);
  return {
    size: size + more * jump,
    jump: jump * stride,
    start: start + (more / 2 - padding) * jump,
  };
}

/** The fields of the input and of every layer: one entry more than `layers`. */
export const receptiveFields = (layers) =>
  layers.reduce(
    (fields, next) => [...fields, through(fields.at(-1), next)],
    [{ size: 1, jump: 1, start: 0.5 }],
  );

/** Outputs of the input (`size`) and of every layer up to the first whose window does not fit. */
export function sizes(size, layers) {
  const counts = [size];
  for (const next of layers) {
    const room = counts.at(-1) + 2 * next.padding - span(next);
    if (room < 0) break;
    counts.push(Math.floor(room / next.stride) + 1);
  }
  return counts;
}

/** The places of the row below that output `index` of a layer reads; outside the row is padding. */
export const inputsOf = ({ kernel, stride, padding, dilation }, index) =>
  Array.from({ length: kernel }, (_, k) => index * stride - padding + k * dilation);

/**
 * All that output `index` of the last of `layers` depends on.
 * @param {number} size  pixels of the input
 * @returns {number[][]}  one sorted list of places per row, from the input up; places of padding
 *   are among them, but nothing is below these
 */
export function dependencies(layers, size, index) {
  const counts = sizes(size, layers);
  if (!(Number.isInteger(index) && index >= 0 && index < counts[layers.length])) {
    throw new RangeError(`the last layer has no output ${index}`);
  }
  const rows = [[index]];
  for (let l = layers.length; l > 0; l--) {
    const inside = rows[0].filter((at) => at >= 0 && at < counts[l]);
    const below = new Set(inside.flatMap((at) => inputsOf(layers[l - 1], at)));
    rows.unshift([...below].sort((a, b) => a - b));
  }
  return rows;
}

/** First and last input pixel of the field of output `index`; they may lie outside of the input. */
export const endsOf = ({ size, jump, start }, index) => [
  start + index * jump - size / 2,
  start + index * jump + size / 2 - 1,
];
