// A stack of layers with its numbers, and where its outputs lie along the input.
import { clamp } from "../shared/formulas.js";
import { dependencies, endsOf, receptiveFields, sizes } from "./fields.js";

/** All whole numbers from `first` to `last`. */
export const range = (first, last) => Array.from({ length: last - first + 1 }, (_, k) => first + k);

/**
 * Measure a stack: `fields` has one entry per row, the input's first; `counts` has the outputs of
 * every row, and ends before a layer without an output.
 * @param {{size: number, layers: object[]}} settings  pixels of the input, and the layers
 */
export function measure({ size, layers }) {
  const [counts, fields] = [sizes(size, layers), receptiveFields(layers)];
  // Whether a place of a row is no padding.
  const inside = (l) => (at) => at >= 0 && at < counts[l];
  // Where on the input's axis the middle of an output's field lies.
  const middle = (l, at) => fields[l].start + at * fields[l].jump;
  // The output of a row whose field has its middle nearest to `x`.
  const nearest = (l, x) =>
    clamp(Math.round((x - fields[l].start) / fields[l].jump), 0, counts[l] - 1);
  return { size, layers, counts, fields, inside, middle, nearest };
}

/** What an output depends on: in every row, and as numbers for the input. */
export function view(stack, level, index) {
  const rows = dependencies(stack.layers.slice(0, level), stack.size, index);
  const [first, last] = endsOf(stack.fields[level], index);
  const pixels = rows[0].filter(stack.inside(0));
  const within = range(first, last).filter(stack.inside(0)).length;
  const count = last - first + 1;
  const padded = count - within;
  return {
    level,
    index,
    rows,
    first,
    last,
    count,
    pixels,
    padded,
    skipped: within - pixels.length,
  };
}

/** The same of the output in the middle of a layer: in a picture, this gives the rows. */
export const middleView = (stack, level) =>
  view(stack, level, Math.floor((stack.counts[level] - 1) / 2));
