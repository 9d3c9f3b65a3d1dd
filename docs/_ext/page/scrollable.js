// What scrolls sideways can be reached by the keyboard, and so scrolled.
"use strict";

(() => {
  const SCROLLING = "pre, div.math, .table-wrapper, .cell_output table";
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const part of document.querySelectorAll(SCROLLING)) observer.observe(part);
})();
