// A picture as the input of a network, and scores as probabilities.

/** Pixels of an RGBA picture from 0 to 1, plane by plane: 3·H·W numbers. */
export function toInput({ data, width, height }) {
  const count = width * height;
  const input = new Float32Array(3 * count);
  for (let p = 0; p < count; p++) {
    for (let c = 0; c < 3; c++) input[c * count + p] = data[4 * p + c] / 255;
  }
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
