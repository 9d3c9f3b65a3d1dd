// Numbers and formulas as a reader sees them.

/** Keep a number between two ends. */
export const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** Write a number with a true minus sign. */
export const withMinus = (number) => String(number).replace("-", "−");

const tag = (part) => {
  if (/\d/.test(part)) return "mn";
  return /^\p{Letter}$/u.test(part) ? "mi" : "mo";
};

/** Write a formula, its parts separated by spaces, as the content of a <math> element. */
export const mathml = (formula) =>
  formula.split(" ").map((part) => `<${tag(part)}>${part}</${tag(part)}>`).join("");

/** Write a fraction of two formulas. */
export const fraction = (above, below) =>
  `<mfrac><mrow>${mathml(above)}</mrow><mrow>${mathml(below)}</mrow></mfrac>`;
