// Numbers as greys: a colour picture turned grey, and the grey that shows an output.

/** Grey from 0 to 255 of each pixel of an RGBA picture. */
export function toGrey({ data, width, height }) {
  const grey = (p) => 0.299 * data[4 * p] + 0.587 * data[4 * p + 1] + 0.114 * data[4 * p + 2];
  return Float64Array.from({ length: width * height }, (_, p) => Math.round(grey(p)));
}

/** Whether a flat area gives about 0, so that the output has a sign worth showing. */
export const isSigned = ({ weights, divisor }) =>
  Math.abs(weights.flat().reduce((a, b) => a + b) / divisor) < 0.5;

/** The grey from 0 to 255 that shows an output: 0 is the middle where it is signed, else black. */
export function shade(value, signed) {
  const grey = Math.round(signed ? (value + 255) / 2 : value);
  return Math.min(Math.max(grey, 0), 255);
}
