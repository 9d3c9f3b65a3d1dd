// λ by chance: draws from a Beta distribution, and how often they fall where.

/**
 * Draw λ from Beta(α, α) by Jöhnk's method, in logarithms so that a small α does not underflow.
 * @param {() => number} random  gives uniform numbers from 0 to below 1
 */
export function sampleLambda(alpha, random) {
  // beyond 5, few tries succeed
  if (!(alpha >= 0 && alpha <= 5)) {
    throw new RangeError(`α is a number from 0 to 5, got ${alpha}`);
  }
  if (alpha === 0) return 1;
  for (;;) {
    const [a, b] = [0, 1].map(() => Math.log(1 - random()) / alpha);
    if (Math.exp(a) + Math.exp(b) <= 1) return 1 / (1 + Math.exp(b - a));
  }
}

/** Count how many of the values from 0 to 1 fall into each of `count` bins of the same width. */
export function histogram(values, count) {
  const bins = Array(count).fill(0);
  for (const value of values) bins[Math.min(Math.floor(value * count), count - 1)]++;
  return bins;
}
