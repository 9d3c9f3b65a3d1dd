// Batch normalisation of one channel, as the library has it: its statistics and its output.

/** A layer before its first batch; `momentum` is the weight of the new batch. */
export const newLayer = () => ({
  eps: 1e-5,
  momentum: 0.1,
  gamma: 1,
  beta: 0,
  mean: 0,
  variance: 1,
});

/** Draw `count` numbers of mean 0 and variance 1, by Box and Muller. */
export function normals(count, random) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, normal);
}

const average = (numbers) => numbers.reduce((a, b) => a + b) / numbers.length;

/** Mean and biased variance of a list of numbers. */
export function batchStatistics(values) {
  if (values.length === 0) throw new RangeError("batch statistics must have at least one value");
  const mean = average(values);
  return { mean, variance: average(values.map((value) => (value - mean) ** 2)) };
}

/**
 * Send the values of one channel through a layer; nothing is changed.
 * @param {object} layer  as from `newLayer`; `mean` and `variance` are the running ones
 * @param {number[]} values  all of the channel's values in the batch
 * @param {boolean} training
 * @returns {{used: {mean: number, variance: number}, output: number[], layer: object}}
 *   the statistics used, the output, and the layer as it is afterwards
 */
export function batchNorm(layer, values, training) {
  if (!(layer.momentum >= 0 && layer.momentum <= 1)) {
    throw new RangeError(
      `momentum, the new batch's weight, must lie from 0 to 1, got ${layer.momentum}`,
    );
  }
  if (training && values.length < 2) {
    throw new RangeError("training needs at least 2 values a channel, since one has no variance");
  }
  const used = training ? batchStatistics(values) : { mean: layer.mean, variance: layer.variance };
  const deviation = Math.sqrt(used.variance + layer.eps);
  const output = values.map((value) =>
    ((value - used.mean) / deviation) * layer.gamma + layer.beta
  );
  return { used, output, layer: training ? updated(layer, values) : layer };
}

/** Move the running statistics towards the batch's: the mean, and the unbiased variance. */
export function updated(layer, values) {
  const { mean, variance } = batchStatistics(values);
  const unbiased = (variance * values.length) / (values.length - 1);
  const move = (old, current) => old + layer.momentum * (current - old);
  return { ...layer, mean: move(layer.mean, mean), variance: move(layer.variance, unbiased) };
}
