// Numbers with a fixed count of digits, as the experiment shows them.
import { withMinus } from "../shared/formulas.js";

/** Write a number with some digits after the point, and no minus before a zero. */
export function text(value, digits = 2) {
  const rounded = Math.round(value * 10 ** digits) / 10 ** digits || 0;
  return withMinus(rounded.toFixed(digits));
}

/** Write a number as a factor or a term of a formula: in brackets if it is negative. */
export const term = (value) => (value < 0 ? `( ${text(value)} )` : text(value));
