// A chart in words: the numbers that it draws, as a table that is folded below it.
import { element, tableRow } from "./elements.js";

/**
 * @returns {{node: HTMLElement, show: (heads: string[], rows: string[][]) => void}}
 *   the first cell of each row is its heading
 */
export function chartTable(gettext) {
  const title = gettext("The chart as a table");
  const table = element("table", { className: "experiment-numbers" });
  const frame = element(
    "div",
    { className: "fold-body", tabIndex: 0, role: "region", "aria-label": title },
    table,
  );
  const node = element("details", { className: "fold" }, element("summary", {}, title), frame);

  function show(heads, rows) {
    table.replaceChildren(
      tableRow("col", ...heads),
      ...rows.map((cells) => tableRow("row", ...cells)),
    );
  }

  return { node, show };
}
