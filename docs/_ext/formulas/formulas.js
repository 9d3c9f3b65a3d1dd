// What is copied from a page holds its formulas as TeX.
"use strict";

(() => {
  const formulaAround = (node) =>
    (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest("math");

  /** Take what is selected, with every formula that it touches as a whole. */
  const selected = (range) => {
    const whole = range.cloneRange();
    const [first, last] = [range.startContainer, range.endContainer].map(formulaAround);
    if (first) whole.setStartBefore(first);
    if (last) whole.setEndAfter(last);
    const copy = document.createElement("div");
    copy.append(whole.cloneContents());
    // on the page, a chosen answer's double would take the choice away from the answer
    for (const control of copy.querySelectorAll("input, select, button")) control.remove();
    return copy;
  };

  /** Give the lines of a text as they stand on the page, which only an element of the page has. */
  const linesOf = (copy) => {
    copy.className = "copied-text";
    document.body.append(copy);
    const text = copy.innerText;
    copy.remove();
    return text;
  };

  document.addEventListener("copy", (event) => {
    // Firefox keeps what is selected on the page while a text is selected in a field
    if (event.target.closest?.("input, textarea")) return;
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return;
    const copy = selected(selection.getRangeAt(0));
    const sources = copy.querySelectorAll("math annotation"); // an experiment's formulas have none
    if (!sources.length) return;
    const html = copy.innerHTML;
    for (const source of sources) {
      const [formula, tex] = [source.closest("math"), source.textContent];
      formula.replaceWith(formula.matches("[display=block]") ? `$$${tex}$$` : `$${tex}$`);
    }
    event.clipboardData.setData("text/plain", linesOf(copy));
    event.clipboardData.setData("text/html", html);
    event.preventDefault();
  });
})();
