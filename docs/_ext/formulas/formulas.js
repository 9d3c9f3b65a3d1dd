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
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return;
    const copy = selected(selection.getRangeAt(0));
    const formulas = copy.querySelectorAll("math");
    if (!formulas.length) return;
    const html = copy.innerHTML;
    for (const formula of formulas) {
      const tex = formula.querySelector("annotation").textContent;
      formula.replaceWith(formula.matches("[display=block]") ? `$$${tex}$$` : `$${tex}$`);
    }
    event.clipboardData.setData("text/plain", linesOf(copy));
    event.clipboardData.setData("text/html", html);
    event.preventDefault();
  });
})();
