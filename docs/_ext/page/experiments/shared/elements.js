// Elements of a page: how they are made, grouped, put into tables, and read out.

/** Make an element with properties (`aria-…` and `role` are attributes) and children. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "role") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

/** Controls side by side, as many as fit; `names` are further classes. */
export function controlRow(names, ...children) {
  return element("div", { className: `experiment-row ${names}` }, ...children);
}

/** Name the parts of an experiment: `partsOf("norm")("chart", …)` has the class `norm-chart`. */
export function partsOf(experiment) {
  return (name, ...children) => element("div", { className: `${experiment}-${name}` }, ...children);
}

/** A row of a table. A row of scope "col" holds headings, one of scope "row" begins with one. */
export function tableRow(scope, ...cells) {
  const cellOf = (content, k) =>
    content === "" || (scope === "row" && k > 0)
      ? element("td", {}, content)
      : element("th", { scope }, content);
  return element("tr", {}, ...cells.map(cellOf));
}

/** A paragraph that a screen reader reads out whenever it changes. */
export function status() {
  return element("p", { className: "experiment-status", role: "status" });
}

/**
 * News for a screen reader alone: the last of a quick series is read out, once it rests.
 * @returns {{node: HTMLElement, announce: (text: string) => void, cancel: () => void}}
 */
export function announcer() {
  const node = element("p", { className: "visually-hidden", role: "status" });
  let timer = 0;
  const announce = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => (node.textContent = text), 300);
  };
  return { node, announce, cancel: () => clearTimeout(timer) };
}

/** An SVG of `count` empty paths, which the experiment fills. */
export function emptyPaths(count, attributes = "") {
  return `<svg aria-hidden="true" ${attributes}>${"<path></path>".repeat(count)}</svg>`;
}
